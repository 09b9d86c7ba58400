package appliance

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/pack"
	"github.com/venuegate/venuegate/sync/uplink"
)

// Options are what an appliance is started with.
type Options struct {
	Config  *config.Config
	Log     zerolog.Logger
	Version string
	// Listener serves the page, where the caller has opened one already; nil:
	// the configuration's address.
	Listener net.Listener
	// Notify tells the service manager of a change, in the words of
	// sd_notify(3); nil: nobody.
	Notify func(state string)
	// OnEvent is told of everything that happens at the lanes, after the page
	// has been; nil: nobody. It must not block.
	OnEvent func(lane.Event)
	// Tick is how often the gate looks after itself; 2 s when zero.
	Tick time.Duration
}

// Appliance is one gate.
type Appliance struct {
	log        zerolog.Logger
	notify     func(string)
	onEvent    func(lane.Event)
	tick       time.Duration
	cfg        atomic.Pointer[config.Config]
	place      enrol.Enrolment // what the gate was enrolled as; zero: it was not
	clock      *systemClock
	health     *health.Tracker
	status     *status
	hub        *web.Hub
	server     *web.Server
	page       net.Listener
	control    net.Listener
	key        *keyring.Gate
	neighbours *neighbours
	ledger     *ledger.Ledger
	journal    *journal.Journal
	open       unfinished // of the last run; New's, then lookAfter's
	claims     *claim.Node
	claimer    *claimer // for the lanes
	packs      *packs
	mirror     *pack.Mirror
	ways       *ways
	vault      *vault // secrets that were sealed to this gate
	logs       *logs.Logs
	cluster    *cluster       // nil: the gate is alone
	uplink     *uplink.Uplink // nil: there is no central
	lanes      *lanes
	plugs      *find.Watcher
	fires      *fires
	evacuation *evacuation
	mishaps    mishaps
	people     peopleInUse
	broken     atomic.Bool // the journal cannot be written
	// journalDamaged says that records of earlier runs are missing.
	journalDamaged bool
	// confirmed is when the packs in use were last found to be the newest, in
	// Unix seconds.
	confirmed atomic.Int64
	heard     atomic.Uint64          // the latest hybrid time of another gate's record
	trusting  atomic.Pointer[roster] // by which orders were judged last
	phones    phones
	ordered   chan struct{} // orders have changed

	reloading sync.Mutex
	lanesCtx  context.Context         // set by Run, for lanes that a reload starts
	end       context.CancelCauseFunc // of Run; set by it
	closers   []closer                // in the order of opening
}

type closer struct {
	what  string
	close func() error
}

// New opens everything that a gate needs: its key, journal, ledger, packs and
// page. Nothing runs yet. What was opened is closed again when New fails.
func New(ctx context.Context, o Options) (*Appliance, error) {
	if o.Config.Gate.ID == 0 {
		return nil, fmt.Errorf("%s: %w", o.Config.Gate.DataDir, enrol.ErrNotEnrolled)
	}
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	if o.OnEvent == nil {
		o.OnEvent = func(lane.Event) {}
	}
	if o.Tick == 0 {
		o.Tick = 2 * time.Second
	}
	a := &Appliance{
		log: o.Log, notify: o.Notify, onEvent: o.OnEvent, tick: o.Tick,
		clock: newSystemClock(o.Config.Clock.Trust == "always"), health: &health.Tracker{},
		hub: web.NewHub(), ledger: ledger.New(), open: unfinished{}, fires: &fires{}, ordered: make(chan struct{}, 1),
	}
	a.cfg.Store(o.Config)
	a.openEvacuation()
	if err := a.loadPlace(o.Config.Gate.DataDir); err != nil {
		return nil, err
	}
	a.health.Watch(a.logHealth)
	a.status = newStatus(a.health, a.hub.Changed)
	a.plugs = find.NewWatcher(find.WatchOptions{})
	a.lanes = &lanes{build: a.buildLane, drivers: &builder{
		onState: a.status.device, onEvent: a.barrierEvent, onLights: a.lightsTrouble, latched: a.fires.latched, evacuation: a.evacuation,
		locator: find.NewLocator(find.Under("/")), changed: a.plugs.Changed,
	}, gone: func(r *running) { a.status.forget(a.clock.Now(), r) }}
	for _, open := range []func(context.Context, *Options) error{a.openPacks, a.openIdentity, a.openVault, a.openLogs, a.openJournal, a.openCluster, a.openClaims, a.openUplink, a.openControl, a.openPage} {
		if err := open(ctx, &o); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *Appliance) config() *config.Config { return a.cfg.Load() }

func (a *Appliance) onClose(what string, giveBack func() error) {
	a.closers = append(a.closers, closer{what, giveBack})
}

// Close gives everything back that New opened, last first.
func (a *Appliance) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", a.closers[i].what, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *Appliance) openPacks(_ context.Context, o *Options) error {
	dataDir := o.Config.Gate.DataDir
	packStore, err := store.OpenPacks(filepath.Join(dataDir, "packs"))
	if packStore == nil {
		return fmt.Errorf("%w\nIs data_dir = %q right, and may this user write there?", err, dataDir)
	}
	if err != nil {
		a.health.Set(a.clock.Now(), health.PackUnusable, packsOnDisk, health.Detail{Cause: err.Error()})
		a.log.Error().Err(err).Msg("packs on disk")
	}
	a.onClose("packs", packStore.Close)
	a.packs = &packs{store: packStore, secrets: a.eventKeys, now: a.clock.Now, trouble: a.packTrouble, open: a.evacuation.open}
	a.mirror, err = pack.OpenMirror(filepath.Join(dataDir, pack.DirMirror), filepath.Join(dataDir, pack.DirTrust))
	if err != nil {
		return err
	}
	a.onClose("mirror", a.mirror.Close)
	return nil
}

// What PackUnusable is about: one must not clear the other.
const (
	packsOnDisk   = "packs on disk"
	packDocuments = "documents and keys"
)

// packTrouble tells health what is wrong with the packs that were put in use.
func (a *Appliance) packTrouble(err error) {
	if err != nil {
		a.health.Set(a.clock.Now(), health.PackUnusable, packDocuments, health.Detail{Cause: err.Error()})
		return
	}
	a.health.Clear(a.clock.Now(), health.PackUnusable, packDocuments)
}

// openVault reads the secrets that the venue gave this gate. Without them it
// knows codes of its own venue only, and no other gate.
func (a *Appliance) openVault(ctx context.Context, o *Options) error {
	dataDir := o.Config.Gate.DataDir
	v, err := openVault(ctx, dataDir, a.key, findGuard(ctx))
	if v == nil {
		return err
	}
	if err != nil {
		a.health.Set(a.clock.Now(), health.KeysUnusable, "", health.Detail{Cause: err.Error()})
		a.log.Error().Err(err).Msg("the gate's own keys")
	}
	a.vault = v
	a.packs.remake()
	a.neighbours = &neighbours{self: o.Config.Gate.ID, key: a.key, packs: a.packs}
	a.ways = &ways{
		self: a.key, id: o.Config.Gate.ID, dataDir: dataDir, neighbours: a.neighbours, officeTLS: a.officeTLS,
		dirs: map[string]*pack.Dir{}, peers: map[string]*pack.HTTP{}, userAgent: "venuegate/" + o.Version,
	}
	return nil
}

// openLogs reads what other gates have recorded.
func (a *Appliance) openLogs(_ context.Context, o *Options) error {
	begin := time.Now()
	l, found, err := logs.Open(logs.Options{
		Path: filepath.Join(o.Config.Gate.DataDir, "logs.db"), Gate: o.Config.Gate.ID, Ledger: a.ledger,
		Keys:   func(id gate.GateID, _ uint32) []ed25519.PublicKey { return a.neighbours.keys(id) },
		Latest: a.latestRecord, Now: a.clock.Now,
		OnRecover: func(r *ledger.Record) { a.hear(r.Clock) },
		OnRecords: a.received, OnTrouble: a.logsTrouble,
	})
	if err != nil {
		return err
	}
	a.logs = l
	a.onClose("logs of other gates", l.Close)
	if found.Err != nil {
		a.log.Error().Err(found.Err).Str("set_aside", found.SetAside).Msg("logs of other gates: what is missing comes again from them")
	}
	if found.Records > 0 {
		a.log.Info().Uint64("records", found.Records).Int("logs", found.Logs).Dur("took_ms", time.Since(begin)).Msg("logs of other gates read")
	}
	return nil
}

func (a *Appliance) openJournal(ctx context.Context, o *Options) error {
	dataDir := o.Config.Gate.DataDir
	begin := time.Now()
	j, found, err := journal.Open(journal.Options{
		Dir: filepath.Join(dataDir, "journal"), Gate: o.Config.Gate.ID, Signer: a.key,
		OnRecover: func(r *ledger.Record, h ledger.Hash) error {
			a.open.see(r)
			a.fires.see(r)
			a.evacuation.see(r)
			return a.ledger.Restore(r, h)
		},
		Above: a.usedEpochs(dataDir),
		Now:   a.clock.Now, Wall: a.clock.Wall, Seen: a.seen,
		OnCommit:  a.committed,
		OnTrouble: a.journalTrouble,
	})
	var foreign *journal.ForeignError
	if errors.As(err, &foreign) {
		return fmt.Errorf("%w\nIs gate.id = %d right? Set it to %d if this box is that gate; if not, set gate.data_dir to this gate's own directory",
			err, foreign.Want, foreign.Found)
	}
	if err != nil {
		return err
	}
	a.journal = j
	a.onClose("journal", j.Close)
	a.logs.Attach(j)
	a.log.Info().Uint64("records", found.Records).Int("epochs", found.Epochs).Dur("took_ms", time.Since(begin)).Msg("journal read")
	if found.Torn != nil {
		a.log.Info().Int("segment", found.Torn.Segment).Int64("byte", found.Torn.Offset).Msg("the last write before the stop was not finished; nothing of it had been answered for")
	}
	a.noteDamage(found)
	if err := a.settleOpen(ctx); err != nil {
		a.log.Error().Err(err).Int("grants", len(a.open)).Msg("what the last run left open is settled later")
	}
	return nil
}

// noteDamage tells of what is wrong with the journal that was found. A head that
// does not verify is another key's: the journal was put together from two, or
// somebody wrote in it.
func (a *Appliance) noteDamage(found journal.Recovery) {
	var causes []string
	for _, d := range found.Damage {
		causes = append(causes, d.String())
	}
	for i := range found.Heads {
		if err := found.Heads[i].Verify(a.key.Public()); err != nil {
			causes = append(causes, "journal: "+err.Error())
		}
	}
	a.journalDamaged = len(causes) > 0
	for _, c := range causes {
		a.log.Error().Str("damage", c).Msg("journal damaged")
	}
	if len(causes) > 0 {
		a.health.Set(a.clock.Now(), health.JournalDamaged, "", health.Detail{Count: len(causes) + found.MoreDamage, Cause: causes[0]})
	}
}

// committed folds what has become durable into the ledger, before the lane that
// waits for it goes on.
func (a *Appliance) committed(records []ledger.Record) {
	for i := range records {
		if err := a.ledger.Add(&records[i]); err != nil {
			a.log.Error().Err(err).Msg("ledger")
		}
	}
	a.noted(records)
	if a.claims != nil { // before, it is told of everything at once
		for i := range records {
			a.claims.Recorded(&records[i])
		}
	}
	if last := len(records) - 1; last >= 0 && a.cluster != nil {
		a.cluster.announce(records[last].Position.Origin, records[last].Position.Sequence)
	}
	if a.uplink != nil {
		a.uplink.Wake()
	}
}

// journalTrouble is told of failures, and with nil once appends work again.
func (a *Appliance) journalTrouble(err error) {
	if err == nil {
		a.broken.Store(false)
		a.health.Clear(a.clock.Now(), health.JournalFailed, "")
		return
	}
	a.log.Error().Err(err).Msg("journal")
	var failed *journal.AppendError
	var down *journal.UnavailableError
	if errors.As(err, &failed) || errors.As(err, &down) {
		a.broken.Store(true)
		a.health.Set(a.clock.Now(), health.JournalFailed, "", health.Detail{Cause: err.Error()})
	}
}

func (a *Appliance) journalView() web.JournalView {
	at := a.journal.Head().Position
	return web.JournalView{OK: !a.broken.Load(), Epoch: at.Epoch, Sequence: at.Sequence}
}

func (a *Appliance) openPage(_ context.Context, o *Options) error {
	a.page = o.Listener
	if a.page == nil && o.Config.Web.Listen != "" {
		l, err := net.Listen("tcp", o.Config.Web.Listen)
		if err != nil {
			return fmt.Errorf("page: %w\nIs another program using %s? Change web.listen in the configuration", err, o.Config.Web.Listen)
		}
		a.page = l
	}
	if a.page == nil {
		return nil
	}
	a.onClose("page", func() error {
		if err := a.page.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	var err error
	a.server, err = web.New(web.Options{
		Source: a, Commands: a.newCommands(), Hub: a.hub, Version: o.Version, Language: gate.Chinese, Hosts: o.Config.Web.Hosts,
	})
	return err
}

// Page returns where the page is served, or nil.
func (a *Appliance) Page() net.Addr {
	if a.page == nil {
		return nil
	}
	return a.page.Addr()
}
