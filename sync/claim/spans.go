package claim

import "slices"

// span is a stretch of numbers, both ends included.
type span struct{ First, Last uint64 }

// spans is a set of numbers that are mostly without a gap: stretches in order
// that neither touch nor overlap.
type spans []span

// find returns the first stretch that does not end before n.
func (s spans) find(n uint64) int {
	if k := len(s); k > 0 && s[k-1].First <= n { // nearly always
		if n <= s[k-1].Last {
			return k - 1
		}
		return k
	}
	i, _ := slices.BinarySearchFunc(s, n, func(x span, n uint64) int {
		if x.Last < n {
			return -1
		}
		return 1
	})
	return i
}

func (s spans) has(n uint64) bool {
	i := s.find(n)
	return i < len(s) && s[i].First <= n
}

// len returns how many numbers are in the set.
func (s spans) len() int {
	n := uint64(0)
	for _, x := range s {
		n += x.Last - x.First + 1
	}
	return int(n)
}

// covers reports whether all of first to last is in the set.
func (s spans) covers(first, last uint64) bool {
	i := s.find(first)
	return i < len(s) && s[i].First <= first && last <= s[i].Last
}

// add returns the set with first to last in it. It may change s.
func (s spans) add(first, last uint64) spans {
	if s.covers(first, last) {
		return s
	}
	i := s.find(first)
	if i > 0 && s[i-1].Last+1 == first {
		i--
	}
	j := i
	for j < len(s) && (s[j].First <= last || s[j].First == last+1) {
		first, last = min(first, s[j].First), max(last, s[j].Last)
		j++
	}
	return slices.Replace(s, i, j, span{first, last})
}
