package clustertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// UnavailableError says why there can be no wire here.
type UnavailableError struct{ Why string }

// Error implements error.
func (e *UnavailableError) Error() string { return e.Why }

// port is the gates' gossip port; the one after it takes claims and packs.
const port = 7946

// Wire is a switch with a number of places: a bridge in a network namespace, and
// for each place a namespace of its own at the end of a cable. It belongs to one
// goroutine.
type Wire struct {
	places int
	prefix string
	rules  []Rules // by place, from 1
	netem  bool
}

// Rules are what happens to the packets on their way to one place.
type Rules struct {
	Deaf []int // places from which nothing arrives
	Loss int   // percent of the others' packets that get lost
}

// NewWire lays the cables. The error is an *UnavailableError where this machine
// or this user cannot have namespaces, bridges, tc and nft.
func NewWire(ctx context.Context, places int) (*Wire, error) {
	if os.Geteuid() != 0 {
		return nil, &UnavailableError{"it needs root, for network namespaces"}
	}
	for _, tool := range []string{"ip", "tc", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, &UnavailableError{fmt.Sprintf("%s is missing: apt-get install iproute2 nftables", tool)}
		}
	}
	sweep(ctx)
	w := &Wire{places: places, prefix: prefixOf(os.Getpid()), rules: make([]Rules, places+1)}
	if err := w.lay(ctx); err != nil {
		w.Close()
		return nil, &UnavailableError{err.Error()}
	}
	if w.netem = w.qdisc(ctx, 1, "add", "lo", "netem", "delay", "1ms") == nil; w.netem {
		_ = w.qdisc(ctx, 1, "del", "lo")
	}
	return w, nil
}

const mark = "venuegate-test-"

func prefixOf(pid int) string { return mark + strconv.Itoa(pid) + "-" }

// sweep removes what a test that was killed has left.
func sweep(ctx context.Context) {
	list, err := exec.CommandContext(ctx, "ip", "netns", "list").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, _, ok := strings.Cut(strings.TrimPrefix(name, mark), "-")
		if !ok || !strings.HasPrefix(name, mark) {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); errors.Is(err, os.ErrNotExist) {
			_ = command(ctx, "", "ip", "netns", "del", name)
		}
	}
}

func (w *Wire) lay(ctx context.Context) error {
	hub := w.prefix + "switch"
	steps := [][]string{
		{"ip", "netns", "add", hub},
		{"ip", "-n", hub, "link", "add", "bridge", "type", "bridge"},
		{"ip", "-n", hub, "link", "set", "bridge", "up"},
	}
	for i := 1; i <= w.places; i++ {
		socket := fmt.Sprintf("socket%d", i)
		steps = append(steps, [][]string{
			{"ip", "netns", "add", w.name(i)},
			{"ip", "-n", hub, "link", "add", socket, "type", "veth", "peer", "name", "eth0", "netns", w.name(i)},
			{"ip", "-n", hub, "link", "set", socket, "master", "bridge", "up"},
			{"ip", "-n", w.name(i), "link", "set", "lo", "up"},
			{"ip", "-n", w.name(i), "address", "add", w.Address(i).String() + "/24", "dev", "eth0"},
			{"ip", "-n", w.name(i), "link", "set", "eth0", "up"},
		}...)
	}
	for _, s := range steps {
		if err := command(ctx, "", s...); err != nil {
			return err
		}
	}
	for i := 1; i <= w.places; i++ { // once with every rule there is, so that it is known now what this kernel lacks
		if err := w.load(ctx, i, Rules{Deaf: []int{i}, Loss: 1}); err != nil {
			return err
		}
		if err := w.load(ctx, i, Rules{}); err != nil {
			return err
		}
	}
	return nil
}

// Close takes everything away.
func (w *Wire) Close() {
	ctx := context.Background()
	for i := 1; i <= w.places; i++ {
		_ = command(ctx, "", "ip", "netns", "del", w.name(i)) // may not be there
	}
	_ = command(ctx, "", "ip", "netns", "del", w.prefix+"switch")
}

// name returns the namespace of a place.
func (w *Wire) name(place int) string { return w.prefix + strconv.Itoa(place) }

// Address returns the address of a place.
func (w *Wire) Address(place int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(place)}) }

// Listen returns where the gate of a place listens for the others.
func (w *Wire) Listen(place int) netip.AddrPort { return netip.AddrPortFrom(w.Address(place), port) }

// Command returns a command that runs at a place. The process that it starts is
// the program itself: what kills it kills that.
func (w *Wire) Command(place int, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", w.name(place)}, args...)...)
}

// Split cuts the places into sides that hear nothing of each other.
func (w *Wire) Split(ctx context.Context, sides ...[]int) error {
	for _, side := range sides {
		for _, place := range side {
			var deaf []int
			for other := 1; other <= w.places; other++ {
				if !slices.Contains(side, other) {
					deaf = append(deaf, other)
				}
			}
			if err := w.set(ctx, place, func(r *Rules) { r.Deaf = deaf }); err != nil {
				return err
			}
		}
	}
	return nil
}

// Deafen keeps what the others send from a place. They go on hearing it.
func (w *Wire) Deafen(ctx context.Context, place int, to ...int) error {
	return w.set(ctx, place, func(r *Rules) { r.Deaf = to })
}

// Lose makes a part of all packets get lost, in percent.
func (w *Wire) Lose(ctx context.Context, percent int) error {
	for place := 1; place <= w.places; place++ {
		if err := w.set(ctx, place, func(r *Rules) { r.Loss = percent }); err != nil {
			return err
		}
	}
	return nil
}

// Heal undoes Split, Deafen and Lose.
func (w *Wire) Heal(ctx context.Context) error {
	for place := 1; place <= w.places; place++ {
		if err := w.set(ctx, place, func(r *Rules) { *r = Rules{} }); err != nil {
			return err
		}
	}
	return nil
}

// Slow makes everything that leaves a place late: by 40 ms and up to 20 more
// where the kernel has netem. Where it has not, the place is at the end of a line
// of 256 kbit/s, on which packets queue. It returns which.
func (w *Wire) Slow(ctx context.Context, place int) (how string, err error) {
	how, args := "40 ± 20 ms late", []string{"netem", "delay", "40ms", "20ms"}
	if !w.netem {
		how, args = "a line of 256 kbit/s", []string{"tbf", "rate", "256kbit", "burst", "3000", "latency", "400ms"}
	}
	return how, w.qdisc(ctx, place, "replace", "eth0", args...)
}

// Fast undoes Slow.
func (w *Wire) Fast(ctx context.Context, place int) error {
	return w.qdisc(ctx, place, "del", "eth0")
}

func (w *Wire) qdisc(ctx context.Context, place int, verb, device string, args ...string) error {
	return command(ctx, "", append([]string{"tc", "-n", w.name(place), "qdisc", verb, "dev", device, "root"}, args...)...)
}

// Unplug pulls the cable of a place: its network card sees that.
func (w *Wire) Unplug(ctx context.Context, place int) error {
	return command(ctx, "", "ip", "-n", w.prefix+"switch", "link", "set", fmt.Sprintf("socket%d", place), "down")
}

// Plug puts it in again.
func (w *Wire) Plug(ctx context.Context, place int) error {
	return command(ctx, "", "ip", "-n", w.prefix+"switch", "link", "set", fmt.Sprintf("socket%d", place), "up")
}

func (w *Wire) set(ctx context.Context, place int, change func(*Rules)) error {
	r := w.rules[place]
	change(&r)
	if err := w.load(ctx, place, r); err != nil {
		return err
	}
	w.rules[place] = r
	return nil
}

func (w *Wire) load(ctx context.Context, place int, r Rules) error {
	return command(ctx, r.text(w.Address), "ip", "netns", "exec", w.name(place), "nft", "-f", "-")
}

// text is the rules in nft's language: the whole table, changed at once.
func (r Rules) text(address func(place int) netip.Addr) string {
	var b strings.Builder
	b.WriteString("table ip wire\ndelete table ip wire\ntable ip wire {\n\tchain arriving {\n\t\ttype filter hook input priority 0; policy accept;\n")
	for _, place := range r.Deaf {
		fmt.Fprintf(&b, "\t\tip saddr %s drop\n", address(place))
	}
	if r.Loss > 0 {
		fmt.Fprintf(&b, "\t\tiifname \"eth0\" numgen random mod 100 < %d drop\n", r.Loss)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

func command(ctx context.Context, input string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin = strings.NewReader(input)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
}
