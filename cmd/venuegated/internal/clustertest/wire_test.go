package clustertest

import (
	"net/netip"
	"testing"
)

func TestRulesText(t *testing.T) {
	w := Wire{places: 3}
	const begin = "table ip wire\ndelete table ip wire\ntable ip wire {\n\tchain arriving {\n\t\ttype filter hook input priority 0; policy accept;\n"
	for _, c := range []struct {
		name  string
		rules Rules
		want  string
	}{
		{"none", Rules{}, begin + "\t}\n}\n"},
		{"deaf to two", Rules{Deaf: []int{1, 3}}, begin + "\t\tip saddr 10.77.0.1 drop\n\t\tip saddr 10.77.0.3 drop\n\t}\n}\n"},
		{"loss", Rules{Loss: 20}, begin + "\t\tiifname \"eth0\" numgen random mod 100 < 20 drop\n\t}\n}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.rules.text(w.Address); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	w := Wire{places: 5, prefix: prefixOf(4711)}
	if got, want := w.Listen(5), netip.MustParseAddrPort("10.77.0.5:7946"); got != want {
		t.Errorf("place 5 listens at %s, want %s", got, want)
	}
	if got, want := w.name(2), "venuegate-test-4711-2"; got != want {
		t.Errorf("place 2 is the namespace %s, want %s", got, want)
	}
}
