package sandbox

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
)

// Network is a Stellar network and the Horizon before it. All methods are safe for concurrent use.
type Network struct {
	opts      Options
	root      *keypair.Full
	friendbot *keypair.Full
	faults    *Faults
	terms     *terms
	limiter   *limiter
	printers  sync.Pool

	mu sync.RWMutex
	// closed is closed and replaced when a ledger closes; changed also when the queue grows or a stream opens or ends.
	closed      chan struct{}
	changed     chan struct{}
	incarnation uint64
	surge       int64
	streams     int
	world
}

// world is what a reset takes away.
type world struct {
	elder        uint32 // the oldest ledger that is still told of
	accounts     map[accountID]*account
	held         map[holding]int64         // by contracts
	ledgers      []*closedLedger           // the first is ledger 1
	history                                // of everybody
	byHash       map[[32]byte]*transaction // fee bumps under both of their hashes
	histories    map[accountID]*history
	queue        []*submission
	queuedByHash map[[32]byte]*submission
	late         []lateSubmission
	promised     map[accountID]*queued
	feePool      int64
	metas        map[int]string
}

// history is what happened, in order: on the network, or to one account.
type history struct {
	transactions []*transaction
	payments     []*payment
	effects      []*effect
}

// New makes a network with its genesis ledger, which holds the root account and friendbot's.
func New(opts Options) *Network {
	opts = opts.withDefaults()
	root := keypair.Root(opts.Passphrase)
	n := &Network{
		opts: opts, root: root, friendbot: derived(root, "friendbot"),
		changed: make(chan struct{}), closed: make(chan struct{}),
		limiter: newLimiter(opts.RateLimit, opts.Now),
	}
	n.faults = newFaults()
	maker := keyOf(derived(root, "market"))
	n.terms = &terms{
		market:    &market{maker: party{id: maker, address: maker.address()}, rates: map[pair]rate{}},
		contracts: newAssetContracts(opts.Passphrase), operator: keyOf(n.friendbot), mover: moverOf(opts.Passphrase),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
	return n
}

// derived is a key that follows from another one: like the root account's it is no secret.
func derived(from *keypair.Full, name string) *keypair.Full {
	kp, err := keypair.FromRawSeed(sha256.Sum256([]byte(from.Seed() + name)))
	if err != nil {
		return from
	}
	return kp
}

// begin makes the genesis ledger; n.mu is held.
func (n *Network) begin() {
	n.incarnation++
	n.world = world{
		elder: 1, accounts: map[accountID]*account{}, held: map[holding]int64{}, byHash: map[[32]byte]*transaction{},
		histories: map[accountID]*history{}, queuedByHash: map[[32]byte]*submission{},
		promised: map[accountID]*queued{}, metas: map[int]string{},
	}
	for id, coins := range map[accountID]int64{
		keyOf(n.root): totalCoins - friendbotCoins - marketCoins, keyOf(n.friendbot): friendbotCoins, n.terms.market.maker.id: marketCoins,
	} {
		a := newAccount(id, coins, 0)
		a.modified, a.modifiedSecond = 1, n.opts.Now().Unix()
		n.accounts[a.id] = a
	}
	n.closeWith(nil)
}

func keyOf(kp *keypair.Full) accountID {
	raw, err := strkey.Decode(strkey.VersionByteAccountID, kp.Address())
	if err != nil || len(raw) != len(accountID{}) {
		return accountID{}
	}
	return accountID(raw)
}

// Run closes a ledger every Options.CloseEvery until ctx ends, then cuts the open streams and answers the waiting
// submissions, so that an HTTP server over Handler can stop. It returns nil.
func (n *Network) Run(ctx context.Context) error {
	defer n.release()
	if n.opts.CloseEvery < 0 {
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(n.opts.CloseEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			n.CloseLedger()
		}
	}
}

// Reset does what happens to test networks a few times a year: everything is gone, ledgers begin anew at 1, streams
// are cut, and what was queued never gets into a ledger.
func (n *Network) Reset() {
	n.release()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin()
}

// release ends what waits for a ledger.
func (n *Network) release() {
	n.faults.CutStreams()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.queue {
		close(s.done)
	}
	n.late = nil
	n.queue, n.queuedByHash, n.promised = nil, map[[32]byte]*submission{}, map[accountID]*queued{}
}

// announce wakes everybody who waits for a change; n.mu is held.
func (n *Network) announce() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// draft is one over the accounts as they are; n.mu is held.
func (n *Network) draft() *draft {
	return &draft{accounts: n.accounts, touched: map[accountID]*account{}, held: map[holding]int64{}, ledgers: n.held, terms: n.terms}
}

func (n *Network) latest() *closedLedger { return n.ledgers[len(n.ledgers)-1] }
