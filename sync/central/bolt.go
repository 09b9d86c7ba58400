package central

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/venuegate/venuegate/gate"
)

// Bolt keeps a venue's tickets, gates' journals and whatever else central knows
// in one file, which one process at a time has open. It is a [Storage], a
// [ChangeLog], [People], [Wallets], [Journals], [Book] and [Accounts]. Changes
// touch what they change: a million tickets are as quick as a hundred.
type Bolt struct {
	db *bbolt.DB
}

// fileBolt is the name of the file in a venue's directory.
const fileBolt = "central.db"

// ErrBusy is a venue whose file another process has open.
var ErrBusy = errors.New("central is running on this venue; use its page or its API, or stop it first")

// Buckets at the top. Those of the first group hold one bucket an event, those
// of records and forks one an origin.
var (
	bucketTickets = []byte("tickets") // id → line
	bucketChanged = []byte("changed") // id → mark, whether a status is all that changed
	bucketLeases  = []byte("leases")  // id, generation → last, at
	bucketPersons = []byte("persons") // tag, id → nothing
	bucketForeign = []byte("foreign") // tag → id
	bucketWallets = []byte("wallets") // id → JSON

	bucketRecords = []byte("records") // sequence → record
	bucketForks   = []byte("forks")   // sequence → record of the other branch
	bucketLogs    = []byte("logs")    // origin → JSON

	bucketBook     = []byte("book")     // what → JSON
	bucketAccounts = []byte("accounts") // name → JSON
	bucketKeys     = []byte("keys")     // id → JSON
)

func topBuckets() [][]byte {
	return [][]byte{
		bucketTickets, bucketChanged, bucketLeases, bucketPersons, bucketForeign, bucketWallets,
		bucketRecords, bucketForks, bucketLogs, bucketBook, bucketAccounts, bucketKeys,
	}
}

// boltWait is how long to wait for another process to let the file go.
const boltWait = time.Second

// OpenBolt opens or makes the file in a venue's directory. Close it. The error
// matches ErrBusy when another process has it open.
func OpenBolt(dir string) (*Bolt, error) {
	db, err := bbolt.Open(filepath.Join(dir, fileBolt), modeSecret, &bbolt.Options{
		Timeout: boltWait, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		InitialMmapSize: initialMap(),
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%s: %w", dir, ErrBusy)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", fileBolt, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range topBuckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", fileBolt, err), db.Close())
	}
	return &Bolt{db: db}, nil
}

// initialMap is the address space to reserve: a file that outgrows its map has
// to wait for every reader. It costs nothing until it is used.
func initialMap() int {
	if strconv.IntSize == 64 {
		return 1 << 34 & math.MaxInt
	}
	return 512 << 20
}

// Close closes the file, once what runs has ended.
func (b *Bolt) Close() error { return b.db.Close() }

// sub returns the bucket of an event or an origin; nil when there is none.
func sub(tx *bbolt.Tx, top, name []byte) *bbolt.Bucket { return tx.Bucket(top).Bucket(name) }

// makeSub is sub, and makes the bucket.
func makeSub(tx *bbolt.Tx, top, name []byte) (*bbolt.Bucket, error) {
	return tx.Bucket(top).CreateBucketIfNotExists(name)
}

func eventKey(id gate.EventID) []byte   { return binary.BigEndian.AppendUint32(nil, uint32(id)) }
func ticketKey(id gate.TicketID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func ticketOfKey(k []byte) gate.TicketID { return gate.TicketID(binary.BigEndian.Uint64(k)) }
