package hil

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// The part of the network block device protocol that QEMU's client uses:
// fixed newstyle negotiation, simple replies. Numbers are those of
// https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
const (
	nbdMagic      = 0x4e42444d41474943 // "NBDMAGIC"
	nbdOption     = 0x49484156454f5054 // "IHAVEOPT"
	nbdOptReply   = 0x3e889045565a9
	nbdRequest    = 0x25609513
	nbdReply      = 0x67446698
	nbdNewstyle   = 1<<0 | 1<<1        // fixed newstyle, no zeroes
	nbdFlags      = 1<<0 | 1<<2 | 1<<3 // has flags, flush, FUA
	nbdFUA        = 1 << 0             // of a request
	nbdErrInvalid = 22                 // EINVAL
	nbdUnknown    = 0x80000001         // no such option
	nbdMaxOption  = 4 << 10            // bytes of an option that are taken
	nbdMaxBytes   = 32 << 20           // of one read or write
)

// Options and their replies.
const (
	nbdExportName = 1
	nbdAbort      = 2
	nbdInfo       = 6
	nbdGo         = 7
	nbdAck        = 1
	nbdInfoReply  = 3
)

// Commands.
const (
	nbdRead  = 0
	nbdWrite = 1
	nbdDisc  = 2
	nbdFlush = 3
)

// ServeNBD serves the disk to everybody who connects, until ctx ends. Once the
// disk has no power, requests are not answered at all: that is how a dead disk
// looks from inside.
func ServeNBD(ctx context.Context, l net.Listener, d *Disk) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			cancel()
			return fmt.Errorf("nbd: %w", err)
		}
		clients.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			_ = serveNBD(c, d) // the guest was switched off, or sees the failure itself
			_ = c.Close()
		})
	}
}

// serveNBD serves one connection until it ends.
func serveNBD(c io.ReadWriter, d *Disk) error {
	hello := binary.BigEndian.AppendUint64(nil, nbdMagic)
	hello = binary.BigEndian.AppendUint64(hello, nbdOption)
	hello = binary.BigEndian.AppendUint16(hello, nbdNewstyle)
	if _, err := c.Write(hello); err != nil {
		return err
	}
	var flags uint32
	if err := binary.Read(c, binary.BigEndian, &flags); err != nil {
		return err
	}
	if err := negotiate(c, d, flags&2 != 0); err != nil {
		return err
	}
	for {
		if err := answerNBD(c, d); err != nil {
			return err
		}
	}
}

var errAborted = errors.New("nbd: the client gave up")

// negotiate answers options until the client begins.
func negotiate(c io.ReadWriter, d *Disk, noZeroes bool) error {
	for {
		var head struct {
			Magic       uint64
			Option, Len uint32
		}
		if err := binary.Read(c, binary.BigEndian, &head); err != nil {
			return err
		}
		if head.Magic != nbdOption || head.Len > nbdMaxOption {
			return fmt.Errorf("nbd: option %d of %d bytes: not understood", head.Option, head.Len)
		}
		if _, err := io.CopyN(io.Discard, c, int64(head.Len)); err != nil {
			return err
		}
		reply := func(kind uint32, data []byte) error {
			b := binary.BigEndian.AppendUint64(nil, nbdOptReply)
			b = binary.BigEndian.AppendUint32(b, head.Option)
			b = binary.BigEndian.AppendUint32(b, kind)
			b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
			_, err := c.Write(append(b, data...))
			return err
		}
		export := binary.BigEndian.AppendUint64(nil, uint64(d.Size()))
		export = binary.BigEndian.AppendUint16(export, nbdFlags)
		switch head.Option {
		case nbdExportName:
			if !noZeroes {
				export = append(export, make([]byte, 124)...)
			}
			_, err := c.Write(export)
			return err
		case nbdInfo, nbdGo:
			if err := errors.Join(reply(nbdInfoReply, append([]byte{0, 0}, export...)), reply(nbdAck, nil)); err != nil {
				return err
			}
			if head.Option == nbdGo {
				return nil
			}
		case nbdAbort:
			return errors.Join(reply(nbdAck, nil), errAborted)
		default:
			if err := reply(nbdUnknown, nil); err != nil {
				return err
			}
		}
	}
}

// answerNBD reads one request and answers it.
func answerNBD(c io.ReadWriter, d *Disk) error {
	var r struct {
		Magic       uint32
		Flags, Type uint16
		Handle      uint64
		Offset      uint64
		Len         uint32
	}
	if err := binary.Read(c, binary.BigEndian, &r); err != nil {
		return err
	}
	if r.Magic != nbdRequest || r.Len > nbdMaxBytes {
		return fmt.Errorf("nbd: request of %d bytes: not understood", r.Len)
	}
	var data []byte
	var err error
	switch r.Type {
	case nbdRead:
		data = make([]byte, r.Len)
		err = d.ReadAt(data, int64(r.Offset))
	case nbdWrite:
		b := make([]byte, r.Len)
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		if err = d.WriteAt(b, int64(r.Offset)); err == nil && r.Flags&nbdFUA != 0 {
			err = d.Flush()
		}
	case nbdFlush:
		err = d.Flush()
	case nbdDisc:
		return io.EOF
	default:
		err = fmt.Errorf("nbd: command %d was not offered", r.Type)
	}
	if errors.Is(err, ErrNoPower) {
		return nil
	}
	b := binary.BigEndian.AppendUint32(nil, nbdReply)
	if err != nil {
		b, data = binary.BigEndian.AppendUint32(b, nbdErrInvalid), nil
	} else {
		b = binary.BigEndian.AppendUint32(b, 0)
	}
	b = binary.BigEndian.AppendUint64(b, r.Handle)
	_, err = c.Write(append(b, data...))
	return err
}
