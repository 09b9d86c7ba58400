package hil

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// client is as much of an NBD client as the server needs to be tried.
type client struct {
	t *testing.T
	net.Conn
}

func (c client) send(parts ...any) {
	c.t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		if err := binary.Write(&b, binary.BigEndian, p); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.Write(b.Bytes()); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) expect(parts ...any) {
	c.t.Helper()
	var want bytes.Buffer
	for _, p := range parts {
		if err := binary.Write(&want, binary.BigEndian, p); err != nil {
			c.t.Fatal(err)
		}
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(c, got); err != nil {
		c.t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		c.t.Fatalf("the server sent\n%x, not\n%x", got, want.Bytes())
	}
}

func TestNBD(t *testing.T) {
	d := NewDisk(make([]byte, 4*SectorSize), rand.New(rand.NewPCG(1, 0)))
	socket := filepath.Join(t.TempDir(), "nbd")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ServeNBD(ctx, l, d) }()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	c := client{t, conn}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}

	const structuredReplies = 8
	c.expect(uint64(nbdMagic), uint64(nbdOption), uint16(nbdNewstyle))
	c.send(uint32(3), uint64(nbdOption), uint32(structuredReplies), uint32(0))
	c.expect(uint64(nbdOptReply), uint32(structuredReplies), uint32(nbdUnknown), uint32(0))
	c.send(uint64(nbdOption), uint32(nbdGo), uint32(6), uint32(0), uint16(0))
	c.expect(uint64(nbdOptReply), uint32(nbdGo), uint32(nbdInfoReply), uint32(12), uint16(0), uint64(4*SectorSize), uint16(nbdFlags))
	c.expect(uint64(nbdOptReply), uint32(nbdGo), uint32(nbdAck), uint32(0))

	data := bytes.Repeat([]byte{0xA5}, SectorSize)
	request := func(flags, kind uint16, handle, at uint64, n uint32) {
		t.Helper()
		c.send(uint32(nbdRequest), flags, kind, handle, at, n)
	}
	ok := func(handle uint64) {
		t.Helper()
		c.expect(uint32(nbdReply), uint32(0), handle)
	}
	request(0, nbdWrite, 1, SectorSize, SectorSize)
	c.send(data)
	ok(1)
	request(0, nbdRead, 2, SectorSize, SectorSize)
	ok(2)
	c.expect(data)
	request(0, nbdFlush, 3, 0, 0)
	ok(3)
	request(nbdFUA, nbdWrite, 4, 0, SectorSize)
	c.send(data)
	ok(4)
	if _, flushes := d.Counts(); flushes != 2 {
		t.Errorf("%d flushes reached the disk, not 2", flushes)
	}
	request(0, nbdRead, 5, 4*SectorSize, SectorSize)
	c.expect(uint32(nbdReply), uint32(nbdErrInvalid), uint64(5))

	d.Cut()
	request(0, nbdRead, 6, 0, SectorSize)
	request(0, nbdDisc, 7, 0, 0)
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("a disk without power answered %x, %v", rest, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// conversation is a connection whose other side says what it was told to.
type conversation struct {
	io.Reader
	io.Writer
}

// Whatever a client says, the server neither panics nor takes much memory.
func FuzzNBD(f *testing.F) {
	f.Add([]byte{0, 0, 0, 3, 'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0, 0, 0, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, said []byte) {
		d := NewDisk(make([]byte, 4*SectorSize), rand.New(rand.NewPCG(1, 0)))
		if serveNBD(conversation{bytes.NewReader(said), io.Discard}, d) == nil {
			t.Error("the session ended without a reason")
		}
	})
}
