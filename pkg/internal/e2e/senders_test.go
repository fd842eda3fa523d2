package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

// bankAccount is the recipients' account, which no log may hold.
const bankAccount = "7700123456091"

// sendingAnchor is one business that sends, with its two people and the receiver of its status messages.
type sendingAnchor struct {
	*sender.Sender
	number    int
	account   *keypair.Full
	callbacks *sender.Callbacks // nil: it asked for none
	from, to  string            // ids of its people
	fields    map[string]string // of each of its transactions
}

// sendingAnchors makes some, ready to pay.
func (w *world) sendingAnchors(ctx context.Context, count int) []*sendingAnchor {
	w.Helper()
	list := make([]*sendingAnchor, count)
	group, ctx := errgroup.WithContext(ctx)
	var issuing sync.Mutex // the issuer signs a part of each, by the sender's sequence; its balance is one
	for i := range list {
		group.Go(func() (err error) {
			list[i], err = w.sendingAnchor(ctx, i, &issuing)
			return err
		})
	}
	require.NoError(w, group.Wait())
	return list
}

func (w *world) sendingAnchor(ctx context.Context, number int, issuing *sync.Mutex) (*sendingAnchor, error) {
	return w.sendingAnchorOf(ctx, number, assetCode, w.issuer, issuing)
}

// sendingAnchorOf is one that sends an asset.
func (w *world) sendingAnchorOf(ctx context.Context, number int, code string, issuer *keypair.Full, issuing *sync.Mutex) (*sendingAnchor, error) {
	account, err := keypair.Random()
	if err != nil {
		return nil, err
	}
	a := &sendingAnchor{number: number, account: account, fields: w.asks.fields}
	listener := httptest.NewUnstartedServer(nil)
	w.Cleanup(listener.Close)
	a.Sender, err = sender.New(ctx, sender.Options{
		Home: w.home, Horizon: w.horizon, Passphrase: w.network.Passphrase(), Account: account, AssetCode: code,
		CallbackURL: func(id string) string { return "http://" + listener.Listener.Addr().String() + "/status/" + id },
		PollEvery:   750 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	if a.callbacks, err = sender.NewCallbacks(a.SigningKey()); err != nil {
		return nil, err
	}
	listener.Config.Handler = a.callbacks
	listener.Start()
	issuing.Lock()
	err = a.SetUp(ctx, issuer, "1000000")
	issuing.Unlock()
	if err != nil {
		return nil, err
	}
	a.from, err = a.Register(ctx, sender.Person{Memo: 1, Type: "sep31-sender", Fields: w.asks.ofPerson(map[string]string{
		"first_name": "Ana", "last_name": "Souza",
	})})
	if err != nil {
		return nil, err
	}
	a.to, err = a.Register(ctx, sender.Person{Memo: 2, Type: "sep31-receiver", Fields: w.asks.ofPerson(map[string]string{
		"first_name": "Bruno", "bank_account_number": bankAccount,
	})})
	return a, err
}

// transfer is the i-th of a sending anchor; each has another amount.
func (a *sendingAnchor) transfer(i int) sender.Transfer {
	return sender.Transfer{
		Key: fmt.Sprintf("transfer-%d-%d", a.number, i), Amount: fmt.Sprintf("%d.%02d", 10+i, a.number),
		SenderID: a.from, ReceiverID: a.to, FundingMethod: fundingMethod, Fields: a.fields,
	}
}

// sent is a transfer with its end.
type sent struct {
	by    *sendingAnchor
	state sender.State
}

// sending are transfers under way.
type sending struct {
	ctx   context.Context // ends when a transfer fails
	group *errgroup.Group
	all   []sent
}

// load is what each of some sending anchors sends.
type load struct {
	each   int // how many transfers
	atOnce int // how many of them are under way at the same time; 0: all
	tell   func(sender.State)
}

// send begins transfers of all sending anchors. load.tell, if any, hears of each status that a sender sees.
func send(ctx context.Context, anchors []*sendingAnchor, l load) *sending {
	s := &sending{all: make([]sent, len(anchors)*l.each)}
	if l.atOnce == 0 {
		l.atOnce = l.each
	}
	s.group, s.ctx = errgroup.WithContext(ctx)
	for n, a := range anchors {
		places := make(chan struct{}, l.atOnce)
		for i := range l.each {
			s.group.Go(func() error {
				places <- struct{}{}
				defer func() { <-places }()
				state, err := a.Send(s.ctx, a.transfer(i), l.tell)
				s.all[n*l.each+i] = sent{a, state}
				if err != nil {
					return fmt.Errorf("transfer %d of sender %d, %s %s: %w", i, a.number, state.ID, state.Status, err)
				}
				return nil
			})
		}
	}
	return s
}

// completed waits for the ends of all transfers and checks that each sender saw its own completed.
func (s *sending) completed(w *world) []sent {
	w.Helper()
	require.NoError(w, s.group.Wait())
	ids := map[string]bool{}
	for _, one := range s.all {
		require.Equal(w, "completed", one.state.Status, one.state.ID)
		require.NotEmpty(w, one.state.ExternalID, one.state.ID)
		ids[one.state.ID] = true
	}
	require.Len(w, ids, len(s.all), "each transfer is a transaction of its own")
	return s.all
}

// awaitCallbacks waits until every status message has been accepted and checks that each arrived, in order; twice in a row is
// once, where repeated allows it.
func (w *world) awaitCallbacks(all []sent, repeated bool) {
	w.Helper()
	w.await("every callback is delivered", func() bool {
		return w.db.number("SELECT COUNT(*) FROM callbacks WHERE state <> 'delivered'") == 0
	})
	told := w.db.told()
	for _, s := range all {
		got := s.by.callbacks.Statuses(s.state.ID)
		if repeated {
			got = withoutRepetitions(got)
		}
		require.Equal(w, told[s.state.ID], got, "status messages about %s", s.state.ID)
		require.Equal(w, "pending_receiver", got[0], s.state.ID)
		require.Equal(w, "completed", got[len(got)-1], s.state.ID)
		require.Zero(w, s.by.callbacks.Refused(), "every signature is right")
	}
}

func withoutRepetitions(list []string) []string {
	var short []string
	for _, s := range list {
		if len(short) == 0 || short[len(short)-1] != s {
			short = append(short, s)
		}
	}
	return short
}
