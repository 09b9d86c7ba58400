package identity_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/crypto/identity"
)

// TestNumberLooksAlike: however a number is spaced, folded or widened, it has
// one normal form, and that form is its own.
func TestNumberLooksAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]identity.Type{identity.Passport, identity.HKMacao, identity.Other}).Draw(t, "type")
		number := rapid.StringMatching(`[0-9A-Z]{1,20}`).Draw(t, "number")
		var written strings.Builder
		for _, c := range number {
			written.WriteString(rapid.SampledFrom([]string{"", " ", "-", ".", "/", "‹", "·", "<", "\t", "　", "\u00a0", "－", "．"}).Draw(t, "between"))
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				written.WriteRune(c)
			case 1:
				written.WriteString(strings.ToLower(string(c)))
			case 2:
				written.WriteRune(c - '!' + '！') // full width
			}
		}
		got, err := identity.Number(typ, written.String())
		if err != nil || got != number {
			t.Fatalf("%q became %q, %v, want %q", written.String(), got, err, number)
		}
		if again, err := identity.Number(typ, got); err != nil || again != got {
			t.Fatalf("the normal form has another: %q, %v", again, err)
		}
	})
}

// TestResidentChecks: a resident number with one digit changed, or two
// neighbours swapped, is refused.
func TestResidentChecks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.StringMatching(`[1-9][0-9]{14}`).Draw(t, "15 digits")
		n, err := identity.Number(identity.Resident, old)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := identity.Number(identity.Resident, n); err != nil || again != n {
			t.Fatalf("%q became %q: %v", n, again, err)
		}
		p := []byte(n)
		i := rapid.IntRange(0, 16).Draw(t, "place")
		if rapid.Bool().Draw(t, "swap") {
			i = min(i, 15)
			p[i], p[i+1] = p[i+1], p[i]
		} else {
			p[i] = rapid.ByteRange('0', '9').Draw(t, "digit")
		}
		if string(p) == n {
			return
		}
		if _, err := identity.Number(identity.Resident, string(p)); err == nil {
			t.Fatalf("%q and %q both pass", n, p)
		}
	})
}

func TestNameIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		script := rapid.SampledFrom([]identity.Script{identity.Chinese, identity.Latin}).Draw(t, "script")
		stable(t, script, rapid.String().Draw(t, "name"))
	})
}

func stable(t interface{ Fatalf(string, ...any) }, script identity.Script, name string) {
	n, err := identity.Name(script, name)
	if err != nil {
		return
	}
	if again, err := identity.Name(script, n); err != nil || again != n {
		t.Fatalf("%q became %q and then %q: %v", name, n, again, err)
	}
}

// FuzzNumber: whatever is typed gives a normal form that is its own, or a
// typed error.
func FuzzNumber(f *testing.F) {
	f.Add(uint8(1), "11010519491231002X")
	f.Add(uint8(1), "110105491231002")
	f.Add(uint8(2), "L898902C<")
	f.Add(uint8(3), "810000199408230021")
	f.Add(uint8(4), "USA110081070114")
	f.Add(uint8(5), "H1234567801")
	f.Add(uint8(2), "ﬀ‹·①½")
	f.Fuzz(func(t *testing.T, typ uint8, number string) {
		n, err := identity.Number(identity.Type(typ), number)
		if err != nil {
			var e *identity.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %T", err)
			}
			return
		}
		if again, err := identity.Number(identity.Type(typ), n); err != nil || again != n {
			t.Fatalf("%q became %q and then %q: %v", number, n, again, err)
		}
		if strings.Trim(n, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || n == "" {
			t.Fatalf("normal form %q", n)
		}
	})
}

// FuzzName: names are stable, a Latin one is letters and single spaces, and a
// mask shows at most four characters.
func FuzzName(f *testing.F) {
	for _, s := range []string{"张三", "阿卜杜拉．买买提", "Jürgen Größe-Möller", "ERIKSSON<<ANNA<MARIA", "e\u0301 \u0301", "Goŀlar", "ŉ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		stable(t, identity.Chinese, name)
		stable(t, identity.Latin, name)
		if n, err := identity.Name(identity.Latin, name); err == nil {
			if strings.Trim(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") != "" || strings.Contains(n, "  ") || strings.TrimSpace(n) != n {
				t.Fatalf("normal form %q", n)
			}
		}
		if shown := strings.NewReplacer("*", "", " ", "").Replace(identity.Mask(name)); utf8.RuneCountInString(shown) > 4 {
			t.Fatalf("%d characters show", utf8.RuneCountInString(shown))
		}
	})
}
