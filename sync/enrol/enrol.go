package enrol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// The files of a gate's data directory that enrolling writes, in this order.
const (
	fileIdentity  = "identity.key"
	dirTrust      = "trust"
	dirSecrets    = "secrets"
	fileEnrolment = "enrolment.json"
)

// Options say who enrols where.
type Options struct {
	URL     string // central's, see Invitation
	Code    string
	DataDir string
	Client  *http.Client // nil: one of its own
	Name    string       // what the box calls itself, for the office to see; its name on the roster holds
	// Guard keeps the keys on the disk, see seal.FindSystemd; nil: they are kept in
	// plain.
	Guard seal.Guard
	Now   time.Time
}

// Enrolment is a gate's place.
type Enrolment struct {
	Central     string // URL
	Venue       uint32
	Gate        gate.GateID
	Incarnation uint32
	Name        string
	Addresses   []string // IP:port on the venue's network
	Public      ed25519.PublicKey
	At          time.Time
}

// Result is what enrolling came to.
type Result struct {
	Enrolment
	Events int // whose keys came along
	// Loose are the files in which keys stand in plain, for the health warning
	// key_file_loose; LooseWhy says why the guard that was given could not be used.
	Loose    []string
	LooseWhy error
}

// ErrNotEnrolled is a data directory that no gate was enrolled in.
var ErrNotEnrolled = errors.New("this gate is not enrolled")

// EnrolledError is a data directory that has its place already.
type EnrolledError struct{ Enrolment Enrolment }

// Error says who it is.
func (e *EnrolledError) Error() string {
	return fmt.Sprintf("this box is enrolled already: it is gate %d, %s, of %s", e.Enrolment.Gate, e.Enrolment.Name, e.Enrolment.Central)
}

// TrustError is a data directory whose packs are of another venue.
type TrustError struct{ Dir string }

// Error says what to do.
func (e *TrustError) Error() string {
	return e.Dir + " was used with another venue's packs: enrol with an empty data directory"
}

// Enrol gives a box its place. It makes the box's key where there is none, shows
// the public half and the code to central, checks all of the answer, and writes
// it: the root, the keys, and enrolment.json last. Until that is there the box is
// not enrolled, and the same call can be made again: central answers the same
// code with the same public key alike. Errors: [*EnrolledError], [*TrustError],
// [ErrURL], [ErrCode], [*ReachError], [*AnswerError], [*RefusedError] (with
// [ErrCodeUnknown], [ErrCodeUsed], [ErrBusy]), those of the keyring, and of the
// disk.
func Enrol(ctx context.Context, o Options) (Result, error) {
	if err := (Invitation{o.URL, o.Code}).check(); err != nil {
		return Result{}, err
	}
	if e, err := Load(o.DataDir); err == nil {
		return Result{}, &EnrolledError{e}
	} else if !errors.Is(err, ErrNotEnrolled) {
		return Result{}, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return Result{}, fmt.Errorf("make the data directory: %w", err)
	}
	if err := unusedTrust(o.DataDir); err != nil {
		return Result{}, err // before the code is used up
	}
	store, err := seal.OpenStore(filepath.Join(o.DataDir, dirSecrets), o.Guard)
	if err != nil {
		return Result{}, err
	}
	key, err := identity(filepath.Join(o.DataDir, fileIdentity))
	if err != nil {
		return Result{}, err
	}
	a, err := ask(ctx, &o, key)
	if err != nil {
		return Result{}, err
	}
	return o.keep(ctx, key, store, a)
}

// identity loads the box's key, or makes it.
func identity(path string) (*keyring.Gate, error) {
	g, err := keyring.LoadGate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	if g, err = keyring.NewGate(rand.Reader); err != nil {
		return nil, err
	}
	err = g.Save(path)
	if errors.Is(err, keyring.ErrIdentityExists) { // somebody else was a moment quicker
		return keyring.LoadGate(path)
	}
	return g, err
}

// keep checks the answer and writes it.
func (o *Options) keep(ctx context.Context, key *keyring.Gate, store *seal.Store, a *answer) (Result, error) {
	venue, gateID, incarnation, err := a.place()
	if err != nil {
		return Result{}, err
	}
	keys, err := OpenKeys(key, a.Sealed)
	if err != nil {
		return Result{}, &AnswerError{http.StatusCreated, "its sealed keys cannot be used: " + err.Error()}
	}
	out := Result{
		Enrolment: Enrolment{
			Central: o.URL, Venue: venue, Gate: gate.GateID(gateID), Incarnation: incarnation, Name: clean(a.Name),
			Addresses: a.Addresses, Public: key.Public(), At: o.Now.UTC().Truncate(time.Second),
		},
		Events: len(keys.Events),
	}
	if err := trust(o.DataDir, a.Root); err != nil {
		return Result{}, err
	}
	if out.LooseWhy, err = keys.Keep(ctx, store); err != nil {
		return Result{}, err
	}
	if out.Loose, err = store.Loose(); err != nil {
		return Result{}, err
	}
	if err := out.save(o.DataDir); err != nil {
		return Result{}, fmt.Errorf("write down the gate's place: %w", err)
	}
	return out, nil
}

// unusedTrust returns an error unless a directory's root has never checked a
// pack: then it is what an enrolment that was cut off left.
func unusedTrust(dataDir string) error {
	dir := filepath.Join(dataDir, dirTrust)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the trusted root: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "timestamp.json" || e.Name() == "targets.json" {
			return &TrustError{dir}
		}
	}
	return nil
}

// trust keeps the root that packs are believed by.
func trust(dataDir string, root []byte) error {
	dir := filepath.Join(dataDir, dirTrust)
	had, err := os.ReadFile(filepath.Join(dir, "root.json"))
	switch {
	case err == nil && bytes.Equal(had, root):
		return nil
	case err == nil: // of an enrolment that was cut off; nothing was checked with it
		err = os.Remove(filepath.Join(dir, "root.json"))
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return fmt.Errorf("keep the trusted root: %w", err)
	}
	err = pack.Enrol(dir, root)
	var untrusted *pack.UntrustedError
	if errors.As(err, &untrusted) {
		return &AnswerError{http.StatusCreated, "its root is not one of The Update Framework"}
	}
	return err
}

// enrolmentJSON is the file that makes a box a gate.
type enrolmentJSON struct {
	Version     int      `json:"version"`
	Central     string   `json:"central"`
	Venue       uint32   `json:"venue"`
	Gate        uint32   `json:"gate"`
	Incarnation uint32   `json:"incarnation"`
	Name        string   `json:"name"`
	Addresses   []string `json:"addresses"`
	Public      string   `json:"public"`
	At          string   `json:"at"`
}

const maxEnrolment = 64 << 10 // bytes

func (e *Enrolment) save(dataDir string) error {
	data, err := json.MarshalIndent(enrolmentJSON{
		Version: 1, Central: e.Central, Venue: e.Venue, Gate: uint32(e.Gate), Incarnation: e.Incarnation, Name: e.Name,
		Addresses: append([]string{}, e.Addresses...), Public: hex.EncodeToString(e.Public), At: e.At.Format(time.RFC3339),
	}, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dataDir, fileEnrolment), append(data, '\n'))
}

// Load returns the place of the gate whose data directory it is. The errors are
// [ErrNotEnrolled], and any for a file that is not as Enrol wrote it.
func Load(dataDir string) (Enrolment, error) {
	path := filepath.Join(dataDir, fileEnrolment)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Enrolment{}, ErrNotEnrolled
	}
	if err != nil {
		return Enrolment{}, fmt.Errorf("read the gate's place: %w", err)
	}
	var in enrolmentJSON
	if len(data) > maxEnrolment || json.Unmarshal(data, &in) != nil || in.Version != 1 || in.Gate == 0 {
		return Enrolment{}, fmt.Errorf("%s is damaged, or of a newer version", path)
	}
	public, keyErr := keyring.ParsePublic(in.Public)
	at, timeErr := time.Parse(time.RFC3339, in.At)
	if err := errors.Join(keyErr, timeErr); err != nil {
		return Enrolment{}, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return Enrolment{
		Central: in.Central, Venue: in.Venue, Gate: gate.GateID(in.Gate), Incarnation: in.Incarnation, Name: in.Name,
		Addresses: in.Addresses, Public: public, At: at,
	}, nil
}

// writeFile puts a file under a name: after a power cut it is there whole or not
// at all.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
