package hwtest

import "time"

// patience is how long Receive waits: far longer than anything takes, and
// shorter than go test's own patience.
const patience = 30 * time.Second

// TB is what Receive needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Receive returns the next element of c, and fails the test when none comes.
func Receive[T any](t TB, c <-chan T) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var got T
	select {
	case got = <-c:
	case <-timer.C:
		t.Fatalf("nothing came within %v", patience)
	}
	return got
}
