package sender_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/pkg/internal/sender"
)

func TestA_transfer_goes_from_agreement_to_completed(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t, func(o *sender.Options) {
		o.CallbackURL = func(id string) string { return "http://sender.example/" + id }
	})
	id, err := s.Register(within(t), sender.Person{Memo: 7, Type: "sep31-sender", Fields: map[string]string{"first_name": "Ana"}})
	require.NoError(t, err)
	require.Equal(t, "sep31-sender/7/Ana", id)

	var seen []string
	end, err := s.Send(within(t), sender.Transfer{Key: "k", Amount: "12.5", SenderID: id, ReceiverID: id}, func(now sender.State) {
		seen = append(seen, now.Status)
	})
	require.NoError(t, err)
	require.Equal(t, "completed", end.Status)
	require.Equal(t, []string{"pending_sender", "pending_receiver", "completed"}, seen)
	require.Equal(t, "http://sender.example/1", a.callback["1"])
	memos, amounts := a.arrived(t)
	require.Equal(t, []string{"1"}, memos)
	require.Equal(t, []string{"12.5000000"}, amounts)
	require.Equal(t, 1, a.logins)
}

func TestMany_transfers_of_one_account_at_once_are_all_paid_once(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t)
	group, ctx := errgroup.WithContext(within(t))
	for i := range 20 {
		group.Go(func() error {
			_, err := s.Send(ctx, sender.Transfer{Key: fmt.Sprint(i), Amount: "1"}, nil)
			return err
		})
	}
	require.NoError(t, group.Wait())
	memos, _ := a.arrived(t)
	slices.Sort(memos)
	require.Len(t, slices.Compact(memos), 20)
}

func TestA_receiving_anchor_that_dies_and_comes_back_is_waited_for(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t)
	var requests atomic.Int64
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch requests.Add(1) % 4 {
		case 1:
			panic(http.ErrAbortHandler) // killed before it did anything
		case 2:
			w.WriteHeader(http.StatusBadGateway)
			return true
		case 3:
			if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "sep31") { // killed after it did it
				a.postTransaction(discard{header: http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
		}
		return false
	}
	end, err := s.Send(within(t), sender.Transfer{Key: "k", Amount: "3"}, nil)
	require.NoError(t, err)
	require.Equal(t, "completed", end.Status)
	require.Len(t, a.byKey, 1, "one transaction, however often it was asked for")
	memos, _ := a.arrived(t)
	require.Len(t, memos, 1)
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// refusing refuses connections for a while.
type refusing struct {
	left atomic.Int64
	next http.RoundTripper
}

func (r *refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	if r.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return r.next.RoundTrip(request)
}

func TestRefused_connections_are_tried_again_as_long_as_the_context_lasts(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	transport := &refusing{next: http.DefaultTransport}
	transport.left.Store(3)
	a.sender(t, func(o *sender.Options) { o.HTTP = &http.Client{Transport: transport} })

	transport.left.Store(1 << 40)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sender.New(ctx, sender.Options{Home: a.URL, Passphrase: passphrase, HTTP: &http.Client{Transport: transport}})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestA_submission_whose_answer_is_lost_is_paid_once(t *testing.T) {
	t.Parallel()
	for name, landing := range map[string]bool{"that lands nevertheless": true, "that is forgotten": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newReceiving(t)
			s := a.sender(t)
			a.network.Faults().TimeOutSubmissions(2, landing)
			a.network.Faults().Answer(http.StatusServiceUnavailable, 1, "/transactions")
			for i := range 3 {
				_, err := s.Send(within(t), sender.Transfer{Key: fmt.Sprint(i), Amount: "1"}, nil)
				require.NoError(t, err)
			}
			memos, _ := a.arrived(t)
			require.Equal(t, []string{"1", "2", "3"}, memos)
		})
	}
}

func TestA_challenge_that_is_none_is_not_signed(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(a *receiving, client string) (*txnbuild.Transaction, error){
		"signed by somebody else": func(a *receiving, client string) (*txnbuild.Transaction, error) {
			return a.challengeFor(client, keypair.MustRandom())
		},
		"for another account": func(a *receiving, _ string) (*txnbuild.Transaction, error) {
			return a.challengeFor(keypair.MustRandom().Address(), a.signer)
		},
		"that is a payment": func(a *receiving, client string) (*txnbuild.Transaction, error) {
			tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
				SourceAccount: &txnbuild.SimpleAccount{AccountID: client, Sequence: 1}, IncrementSequenceNum: true, BaseFee: 100,
				Operations:    []txnbuild.Operation{&txnbuild.Payment{Destination: a.signer.Address(), Amount: "1", Asset: txnbuild.NativeAsset{}}},
				Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
			})
			if err != nil {
				return nil, err
			}
			return tx.Sign(passphrase, a.signer)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newReceiving(t)
			a.sign = func(client string) (*txnbuild.Transaction, error) { return forge(a, client) }
			_, err := a.sender(t).Register(within(t), sender.Person{Memo: 1})
			require.ErrorContains(t, err, "the challenge is")
			require.NotErrorIs(t, err, context.DeadlineExceeded, "and it is not asked for again and again")
			require.Zero(t, a.logins)
		})
	}
}

func TestA_token_that_ran_out_is_replaced_once_by_all_who_used_it(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t)
	_, err := s.State(within(t), "1")
	require.NoError(t, err)
	var together sync.WaitGroup
	together.Add(5)
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer token1" {
			return false
		}
		together.Done()
		together.Wait()
		answer(w, http.StatusForbidden, map[string]string{"error": "expired"})
		return true
	}
	group, ctx := errgroup.WithContext(within(t))
	for range 5 {
		group.Go(func() error {
			_, err := s.State(ctx, "1")
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, 2, a.logins)
}

func TestA_refusal_is_returned_and_not_repeated(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t)
	var posts atomic.Int64
	a.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/sep31/transactions" {
			return false
		}
		posts.Add(1)
		answer(w, http.StatusBadRequest, map[string]string{"error": "'amount' is too small"})
		return true
	}
	_, err := s.Send(within(t), sender.Transfer{Key: "k", Amount: "1"}, nil)
	var refusal *sender.Answer
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusBadRequest, refusal.Status)
	require.EqualValues(t, 1, posts.Load())

	_, err = s.Send(within(t), sender.Transfer{Key: "k", Amount: "many"}, nil)
	require.ErrorContains(t, err, "cannot be written")
}

func TestA_person_who_is_being_checked_is_waited_for(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	s := a.sender(t)
	a.people = []string{"PROCESSING", "PROCESSING", "ACCEPTED"}
	_, err := s.Register(within(t), sender.Person{Memo: 1, Type: "sep31-receiver"})
	require.NoError(t, err)
	a.people = []string{"PROCESSING", "REJECTED"}
	_, err = s.Register(within(t), sender.Person{Memo: 2, Type: "sep31-receiver"})
	require.ErrorContains(t, err, "REJECTED: because")
}

func TestA_transaction_whose_account_is_told_later_is_paid_then(t *testing.T) {
	t.Parallel()
	a := newReceiving(t)
	a.withhold = true
	end, err := a.sender(t).Send(within(t), sender.Transfer{Key: "k", Amount: "2"}, nil)
	require.NoError(t, err)
	require.Equal(t, "completed", end.Status)
	memos, _ := a.arrived(t)
	require.Equal(t, []string{"1"}, memos)
}

func TestAn_anchor_that_does_not_fit_is_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, problem string }{
		"another network": {passphrase, "Public Global Stellar Network ; September 2015", "is on the network"},
		"no KYC":          {"KYC_SERVER", "KYC_SERVICE", "does not offer SEP-10, SEP-12 and SEP-31"},
		"no toml":         {"NETWORK_PASSPHRASE", "=", "stellar.toml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newReceiving(t)
			a.toml = func(text string) string { return strings.ReplaceAll(text, c.old, c.new) }
			_, err := sender.New(within(t), sender.Options{Home: a.URL, Horizon: a.horizon.URL, Passphrase: passphrase, Account: keypair.MustRandom(), AssetCode: "USDC"})
			require.ErrorContains(t, err, c.problem)
		})
	}
	t.Run("another issuer", func(t *testing.T) {
		t.Parallel()
		a := newReceiving(t)
		s, err := sender.New(within(t), sender.Options{Home: a.URL, Horizon: a.horizon.URL, Passphrase: passphrase, Account: keypair.MustRandom(), AssetCode: "USDC"})
		require.NoError(t, err)
		require.ErrorContains(t, s.SetUp(within(t), keypair.MustRandom(), "1"), "is issued by")
	})
}
