package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/configs"
	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/server"
	"github.com/venuegate/venuegate/sync/pack"
)

// Found makes the demo fleet's venue in a directory, with today's session under
// way: doors opened half an hour before now. The gates' keys are made here and
// thrown away, so that a box takes its place only by being enrolled for it.
func Found(ctx context.Context, dir string, now time.Time) (*pack.Venue, error) {
	var venue pack.Venue
	var event pack.Event
	if err := json.Unmarshal(configs.FleetVenue, &venue); err != nil {
		return nil, fmt.Errorf("the demo fleet's venue.json: %w", err)
	}
	if err := json.Unmarshal(configs.FleetEvent, &event); err != nil {
		return nil, fmt.Errorf("the demo fleet's event.json: %w", err)
	}
	for i := range venue.Gates {
		key, err := keyring.NewGate(rand.Reader)
		if err != nil {
			return nil, err
		}
		venue.Gates[i].Key = pack.PublicKey(key.Public())
	}
	shift := now.Add(-30 * time.Minute).Truncate(time.Minute).Sub(event.Sessions[0].Doors)
	for i := range event.Sessions {
		s := &event.Sessions[i]
		s.Doors, s.Start, s.End = s.Doors.Add(shift), s.Start.Add(shift), s.End.Add(shift)
	}
	office, err := central.Create(dir, &venue, []*pack.Event{&event}, rand.Reader)
	if err != nil {
		return nil, err
	}
	if _, err := office.Publish(ctx, now); err != nil {
		return nil, err
	}
	return &venue, nil
}

// Central is a central that serves on loopback.
type Central struct {
	Office   Office   // may do everything
	Channels []Office // by channel, less one
	Doors    *Way     // by which the gates reach it
	Password string   // of the office's page

	stop context.CancelFunc
	done chan error
}

// channels are those of the demo fleet's event.
const channels = 4

// Serve runs central on a venue until Close.
func Serve(ctx context.Context, dir string, log zerolog.Logger) (c *Central, err error) {
	c = &Central{done: make(chan error, 1)}
	var keys []string
	if keys, err = makeKeys(dir); err != nil {
		return nil, err
	}
	var listening net.ListenConfig
	public, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if c.Doors, err = NewWay(ctx, public.Addr().String()); err != nil {
		return nil, errors.Join(err, public.Close())
	}
	url := "http://" + public.Addr().String()
	c.Office = Office{url, keys[0]}
	for _, k := range keys[1:] {
		c.Channels = append(c.Channels, Office{url, k})
	}
	s, err := server.Open(server.Options{Dirs: []string{dir}, Now: time.Now, Random: rand.Reader, Log: log, URL: c.Doors.URL()})
	if err != nil {
		return nil, errors.Join(err, public.Close(), c.Doors.Close())
	}
	if _, c.Password, err = s.FirstAccount(ctx); err != nil {
		return nil, errors.Join(err, s.Close(), public.Close(), c.Doors.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	go func() { c.done <- errors.Join(s.Listen(running, public, nil, nil), s.Close()) }()
	return c, nil
}

// makeKeys makes the office's API key and one for each channel.
func makeKeys(dir string) (keys []string, err error) {
	_, store, err := central.Serve(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for i := range channels + 1 {
		k := central.APIKey{Name: "demo", Role: "sales", Channel: uint16(i), Made: time.Now().UTC()}
		if i == 0 {
			k.Role = "office"
		}
		text, err := server.NewKey(store, k, rand.Reader)
		if err != nil {
			return nil, err
		}
		keys = append(keys, text)
	}
	return keys, nil
}

// Close stops central and the way to it.
func (c *Central) Close() error {
	err := c.Doors.Close()
	c.stop()
	return errors.Join(err, <-c.done)
}
