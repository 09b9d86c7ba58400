package central

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// Office is a venue's ticketing office over its directory. It may be used by
// several goroutines; several processes may use one directory.
type Office struct {
	dir     string
	storage Storage
	issuers map[uint16]ticket.Issuer

	enrolling sync.Mutex

	mu      sync.RWMutex // of what follows, all of which is replaced and never changed
	venue   *pack.Venue
	events  []*event                // by ascending id
	overlay map[gate.EventID]uint64 // marks of the changes that were published last
}

type event struct {
	*pack.Event
	secrets Secrets
}

func (e *event) id() gate.EventID { return gate.EventID(e.ID) }

// ErrNotEmpty is a directory that a venue cannot be made in.
var ErrNotEmpty = errors.New("the directory is not empty")

// ErrNoVenue is a directory that holds no venue.
var ErrNoVenue = errors.New("no venue here")

// ErrNoEvent is an event that the venue does not have.
var ErrNoEvent = errors.New("no such event")

// Create makes a venue in a directory that is empty or not there: its
// documents, the keys of its events and their issuer, and the keys of its
// repository. The events' lists of issuers are filled in. When it fails, the
// directory is as it was.
func Create(dir string, venue *pack.Venue, events []*pack.Event, random io.Reader) (o *Office, err error) {
	made, err := makeEmpty(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, empty(dir, made))
		}
	}()
	issuer, err := newIssuer(firstIssuer, random)
	if err != nil {
		return nil, err
	}
	if err := makeDirs(dir, dirIssuers, dirKeys, dirEvents); err != nil {
		return nil, err
	}
	if err := saveIssuer(dir, issuer); err != nil {
		return nil, fmt.Errorf("save the issuer's key: %w", err)
	}
	if _, err := pack.CreateKeys(Keys(dir)); err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := createEvent(dir, venue, e, issuer, random); err != nil {
			return nil, err
		}
	}
	if err := venue.Validate(); err != nil {
		return nil, err
	}
	// Last, because a directory with this file is a venue.
	if err := writeDocument(filepath.Join(dir, fileVenue), venue); err != nil {
		return nil, err
	}
	return Open(dir)
}

const firstIssuer = 1

func createEvent(dir string, venue *pack.Venue, e *pack.Event, issuer ticket.Issuer, random io.Reader) error {
	var err error
	if e.Issuers, err = keyring.NewIssuers(publicKey(issuer, e.ID)); err != nil {
		return err
	}
	if err := e.ValidateIn(venue); err != nil {
		return err
	}
	secrets, err := newSecrets(random)
	if err != nil {
		return err
	}
	id := gate.EventID(e.ID)
	if err := os.Mkdir(filepath.Dir(eventPath(dir, id, fileEvent)), modeSecretDir); err != nil {
		return err
	}
	if err := writeFile(eventPath(dir, id, fileSecrets), secrets.Encode()); err != nil {
		return fmt.Errorf("save the event's keys: %w", err)
	}
	if err := writeFile(eventPath(dir, id, fileTickets), nil); err != nil {
		return fmt.Errorf("make the list of tickets: %w", err)
	}
	return writeDocument(eventPath(dir, id, fileEvent), e)
}

func writeDocument(path string, document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeFile(path, b.Bytes()); err != nil {
		return fmt.Errorf("write a document: %w", err)
	}
	return nil
}

// makeEmpty makes the directory or checks that it is empty. made says that it
// was not there.
func makeEmpty(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, modeSecretDir); err != nil {
			return false, fmt.Errorf("make the venue's directory: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look at the venue's directory: %w", err)
	case len(entries) > 0:
		return false, fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	}
	// Its keys are its owner's alone.
	return false, os.Chmod(dir, modeSecretDir)
}

func makeDirs(dir string, names ...string) error {
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(dir, name), modeSecretDir); err != nil {
			return err
		}
	}
	return nil
}

// empty removes what was put in a directory that was empty.
func empty(dir string, whole bool) error {
	if whole {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// Open opens the venue in a directory, with its tickets where they are: in
// files, or in the file of a central that served it and does not run now.
func Open(dir string) (*Office, error) {
	if _, err := os.Stat(filepath.Join(dir, fileBolt)); err == nil {
		return OpenWith(dir, atRest{dir})
	}
	return OpenWith(dir, NewFiles(dir))
}

// OpenWith opens the venue in a directory with its tickets elsewhere. Errors:
// ErrNoVenue, a [*pack.DocumentError], a [*ModeError].
func OpenWith(dir string, storage Storage) (*Office, error) {
	data, err := os.ReadFile(filepath.Join(dir, fileVenue))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoVenue)
	}
	if err != nil {
		return nil, fmt.Errorf("open the venue: %w", err)
	}
	o := &Office{dir: dir, storage: storage, overlay: map[gate.EventID]uint64{}}
	if o.venue, err = pack.DecodeVenue(data); err != nil {
		return nil, err
	}
	if o.issuers, err = loadIssuers(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, dirEvents))
	if err != nil {
		return nil, fmt.Errorf("open the venue: %w", err)
	}
	for _, entry := range entries {
		id, err := strconv.ParseUint(entry.Name(), 10, 32)
		if err != nil || !entry.IsDir() {
			continue
		}
		e, err := openEvent(dir, gate.EventID(id), o.venue)
		if err != nil {
			return nil, err
		}
		o.events = append(o.events, e)
	}
	slices.SortFunc(o.events, func(a, b *event) int { return cmp.Compare(a.ID, b.ID) })
	return o, nil
}

func openEvent(dir string, id gate.EventID, venue *pack.Venue) (*event, error) {
	data, err := os.ReadFile(eventPath(dir, id, fileEvent))
	if err != nil {
		return nil, fmt.Errorf("open event %d: %w", id, err)
	}
	document, err := pack.DecodeEvent(data)
	if err != nil {
		return nil, err
	}
	if err := document.ValidateIn(venue); err != nil {
		return nil, err
	}
	if document.ID != uint32(id) {
		return nil, fmt.Errorf("%s is of event %d", eventPath(dir, id, fileEvent), document.ID)
	}
	secrets, err := loadSecrets(eventPath(dir, id, fileSecrets))
	if err != nil {
		return nil, err
	}
	return &event{document, secrets}, nil
}

// Dir returns the venue's directory.
func (o *Office) Dir() string { return o.dir }

// Venue returns venue.json. The caller does not change it.
func (o *Office) Venue() *pack.Venue {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.venue
}

// all returns the events. The caller does not change the list.
func (o *Office) all() []*event {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.events
}

// Events returns the events by ascending id. The caller does not change them.
func (o *Office) Events() []*pack.Event {
	list := o.all()
	events := make([]*pack.Event, len(list))
	for i, e := range list {
		events[i] = e.Event
	}
	return events
}

// Secrets returns an event's keys for tags, which its gates hold too.
func (o *Office) Secrets(id gate.EventID) (Secrets, error) {
	e, err := o.event(id)
	if err != nil {
		return Secrets{}, err
	}
	return e.secrets, nil
}

// event finds an event; zero is the only one.
func (o *Office) event(id gate.EventID) (*event, error) {
	events := o.all()
	if id == 0 && len(events) == 1 {
		return events[0], nil
	}
	for _, e := range events {
		if e.id() == id {
			return e, nil
		}
	}
	return nil, fmt.Errorf("event %d: %w; there are %s", id, ErrNoEvent, eventList(events))
}

func eventList(events []*event) string {
	if len(events) == 0 {
		return "none"
	}
	text := ""
	for i, e := range events {
		if i > 0 {
			text += ", "
		}
		text += strconv.FormatUint(uint64(e.ID), 10)
	}
	return text
}

// issuer returns the issuer of an event's new tickets: the one with the highest
// id whose key is here.
func (o *Office) issuer(e *event) (ticket.Issuer, error) {
	keys := e.Issuers.Keys()
	for i := len(keys) - 1; i >= 0; i-- {
		is, ok := o.issuers[keys[i].ID]
		if ok && keys[i].Public.Equal(is.Private.Public()) {
			return is, nil
		}
	}
	return ticket.Issuer{}, fmt.Errorf("event %d: no issuer's private key is here", e.ID)
}
