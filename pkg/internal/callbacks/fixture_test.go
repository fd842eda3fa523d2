package callbacks_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

const (
	issuer    = "GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN"
	receiving = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
	sending   = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
)

// message is one delivery as a receiver sees it.
type message struct {
	URL    string
	Header http.Header
	Body   string
}

func (m message) host() string {
	u, err := url.Parse(m.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// receivers are all sending anchors of the world; answer says what the one who is called does.
type receivers struct {
	answer func(context.Context, message) (int, error)

	mu  sync.Mutex
	got []message
}

func (r *receivers) Post(ctx context.Context, address string, header http.Header, body []byte) (outbound.Answer, error) {
	m := message{address, header, string(body)}
	r.mu.Lock()
	r.got = append(r.got, m)
	r.mu.Unlock()
	status, err := http.StatusNoContent, error(nil)
	if r.answer != nil {
		status, err = r.answer(ctx, m)
	}
	return outbound.Answer{Status: status, Host: m.host()}, err
}

func (r *receivers) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.got...)
}

func always(status int) func(context.Context, message) (int, error) {
	return func(context.Context, message) (int, error) { return status, nil }
}

// world is an anchor with an asset whose transactions change as a test says.
type world struct {
	db        *store.DB
	receivers *receivers
	signer    *keypair.Full
	asset     store.Asset
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{db: db, receivers: &receivers{}}
	signer, err := keypair.FromRawSeed([32]byte{1, 2, 3})
	require.NoError(t, err)
	w.signer = signer
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.Enabled, a.Sep31Enabled = "USDC", issuer, 7, receiving, true, true
		a.FeePercent, a.FundingMethods = "0", "[]"
		if _, err := tx.AddReceivingAccount(ctx, receiving, 1); err != nil {
			return err
		}
		w.asset, err = tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"})
		return err
	}))
	return w
}

// service makes a service that tries again at once.
func (w *world) service(change ...func(*callbacks.Options)) *callbacks.Service {
	o := callbacks.Options{
		FirstWait: time.Millisecond, MaxWait: time.Millisecond, Spread: func(d time.Duration) time.Duration { return d },
		SlowAfter: time.Minute,
	}
	for _, c := range change {
		c(&o)
	}
	return callbacks.New(w.db, w.signer, w.receivers, nil, o)
}

// transaction agrees on a transaction of a sending anchor that wants to be told at an address.
func (w *world) transaction(t testing.TB, address string) store.Transaction {
	t.Helper()
	var row store.Transaction
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		var n store.Transaction
		n.ID, n.OwnerAccount, n.AssetID, n.AssetCode, n.AssetIssuer = store.NewID(), sending, w.asset.ID, "USDC", issuer
		n.Decimals, n.FeePercent, n.ReceivingAccount, n.MemoType = 7, "0", receiving, "hash"
		n.Memo = sql.NullString{String: store.NewID(), Valid: false}
		n.ExpectedUnits, n.OutUnits, n.OutDecimals, n.OutAsset, n.CallbackUrl = 100, 100, 7, "stellar:USDC:"+issuer, address
		row, err = tx.CreateTransaction(ctx, n, anchor.Change{Cause: anchor.CauseRequested, Actor: "test"})
		return err
	}))
	return row
}

// changes lets a transaction change its status so many times, each of which its sending anchor is told.
func (w *world) changes(t testing.TB, id string, times int) {
	t.Helper()
	for range times {
		require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.LockTransaction(ctx, id)
			if err != nil {
				return err
			}
			row.Funded = true
			cause := anchor.CausePayoutAccepted
			if row.Status == anchor.StatusPendingExternal {
				cause = anchor.CausePayoutFailed
			}
			_, err = tx.Advance(ctx, row, anchor.Change{Cause: cause, Actor: "test"})
			return err
		}))
	}
}

// told makes a transaction with so many messages about it.
func (w *world) told(t testing.TB, address string, times int) string {
	t.Helper()
	id := w.transaction(t, address).ID
	w.changes(t, id, times)
	return id
}

func (w *world) rows(t testing.TB, id string) []store.Callback {
	t.Helper()
	rows, err := w.db.CallbacksOf(t.Context(), store.SubjectTransaction, id)
	require.NoError(t, err)
	return rows
}

func (w *world) states(t testing.TB, id string) []string {
	t.Helper()
	var states []string
	for _, row := range w.rows(t, id) {
		states = append(states, row.State)
	}
	return states
}

// deliver makes one pass and waits for what it started.
func deliver(t testing.TB, s *callbacks.Service) (worked bool) {
	t.Helper()
	worked, err := s.Deliver(t.Context(), t.Context())
	require.NoError(t, err)
	s.Wait()
	return worked
}

// deliverAll makes passes until there is nothing to do at present.
func deliverAll(t testing.TB, s *callbacks.Service) {
	t.Helper()
	for deliver(t, s) {
	}
}

// running runs services until the returned function is called, which waits for their end; a test that has failed does not
// wait for deliveries under way.
func running(t testing.TB, services ...*callbacks.Service) (stop func()) {
	t.Helper()
	hard, endHard := context.WithCancel(t.Context())
	soft, endSoft := context.WithCancel(hard)
	var all sync.WaitGroup
	errs := make([]error, len(services))
	for i, s := range services {
		all.Go(func() { errs[i] = s.Run(worker.Life{Soft: soft, Hard: hard}) })
	}
	return sync.OnceFunc(func() {
		endSoft()
		if t.Failed() {
			endHard()
		}
		all.Wait()
		endHard()
		require.NoError(t, errors.Join(errs...))
	})
}

// await waits for an event that a broken delivery would keep from coming.
func await(t testing.TB, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain: %s", what)
	}
}

func hostNumber(i int) string { return "https://anchor" + strconv.Itoa(i) + ".example/callback" }
