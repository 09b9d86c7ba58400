package gossip

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func TestKeys(t *testing.T) {
	if _, err := NewKeys(key(1)[1:]); !errors.Is(err, ErrKeySize) {
		t.Errorf("a short key: %v", err)
	}
	k, err := NewKeys(key(1), key(2), key(3))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		err  error
		want error
		ring []byte // first bytes, the one in use first
	}{
		{"a short one", k.Add([]byte{1}), ErrKeySize, nil},
		{"the one in use", k.Remove(key(1)), ErrKeyInUse, nil},
		{"use what is not there", k.Use(key(9)), ErrNoSuchKey, nil},
		{"remove what is not there", k.Remove(key(9)), nil, nil},
		{"remove from the middle", k.Remove(key(2)), nil, nil},
		{"add", k.Add(key(4)), nil, nil},
		{"add again", k.Add(key(4)), nil, nil},
		{"use", k.Use(key(4)), nil, nil},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
	var got []byte
	for _, key := range k.ring.GetKeys() {
		got = append(got, key[0])
	}
	if !bytes.Equal(got, []byte{4, 1, 3}) || k.Len() != 3 {
		t.Errorf("ring %v, want 4, 1, 3", got)
	}
}

// Packets are decrypted while keys come and go; the race detector looks on.
func TestKeysUnderRead(t *testing.T) {
	k, err := NewKeys(key(1))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				for _, key := range k.ring.GetKeys() {
					if len(key) != KeySize || key[0] != key[KeySize-1] {
						panic("torn key")
					}
				}
			}
		}
	})
	for i := range byte(100) {
		for _, err := range []error{k.Add(key(i + 2)), k.Add(key(200)), k.Use(key(i + 2)), k.Remove(key(i + 1)), k.Remove(key(200))} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
	if k.Len() != 1 {
		t.Errorf("%d keys are left", k.Len())
	}
}

func TestOptions(t *testing.T) {
	_, err := New(Options{Pace: -1})
	if err == nil {
		t.Fatal("a node without anything")
	}
	for _, word := range []string{"venue", "keys", "roster", "store", "bind", "pace"} {
		if !bytes.Contains([]byte(err.Error()), []byte(word)) {
			t.Errorf("nothing about the %s in %q", word, err)
		}
	}
}
