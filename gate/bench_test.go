package gate_test

import (
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func BenchmarkDecide(b *testing.B) {
	s := plainScene()
	b.ReportAllocs()
	for b.Loop() {
		if v := s.decide(); v.Outcome != gate.Admit {
			b.Fatal(v.Reason)
		}
	}
}
