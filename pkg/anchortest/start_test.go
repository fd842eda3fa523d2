package anchortest_test

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/anchortest"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// sending makes a sending anchor with two people.
func sending(t *testing.T, a *anchortest.Anchor) (s *anchortest.Sender, from, to string) {
	t.Helper()
	s, err := a.NewSender(t.Context(), anchortest.Account{})
	require.NoError(t, err)
	from, to, err = s.RegisterPeople(t.Context())
	require.NoError(t, err)
	return s, from, to
}

func TestStart_gives_an_anchor_that_pays_a_recipient_once(t *testing.T) {
	t.Parallel()
	a := anchortest.Start(t, anchortest.Options{FeeFixed: "1", FeePercent: "1"})
	s, from, to := sending(t, a)
	paid, err := s.Send(t.Context(), anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
	require.NoError(t, err)
	require.Equal(t, anchor.StatusCompleted, paid.Status)
	require.Equal(t, "98", paid.AmountOut)
	require.Equal(t, a.Asset(), paid.AmountInAsset)

	counts, err := a.Bank.PaidTransactions()
	require.NoError(t, err)
	require.Equal(t, map[string]int{paid.ID: 1}, counts)
	require.Eventually(t, func() bool {
		told := s.Callbacks(paid.ID)
		return len(told) > 0 && told[len(told)-1] == anchor.StatusCompleted
	}, 10*time.Second, 10*time.Millisecond)
}

func TestStart_runs_several_anchors_side_by_side(t *testing.T) {
	t.Parallel()
	first, second := anchortest.Start(t, anchortest.Options{}), anchortest.Start(t, anchortest.Options{})
	require.NotEqual(t, first.HomeURL, second.HomeURL)
	require.NotEqual(t, first.HorizonURL, second.HorizonURL)
	require.NotEqual(t, first.Bank, second.Bank)
}

func TestStart_takes_the_rails_of_a_business(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bank.jsonl")
	a := anchortest.Start(t, anchortest.Options{Setup: func(context.Context, anchor.Host) (anchor.Business, error) {
		// The bank pays and then answers that it has an error: the anchor must find out by asking.
		lying, err := simulated.New(simulated.Options{File: file, Misbehave: func(c simulated.Call) simulated.Fault {
			if c.Method == simulated.MethodExecute {
				return simulated.FaultErrorAfter
			}
			return ""
		}})
		return anchor.Business{Rails: map[string]anchor.Rail{"simulated": lying}}, err
	}})
	s, from, to := sending(t, a)
	paid, err := s.Send(t.Context(), anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
	require.NoError(t, err)
	require.Equal(t, anchor.StatusCompleted, paid.Status)
	counts, err := simulated.Bank(file).PaidTransactions()
	require.NoError(t, err)
	require.Equal(t, map[string]int{paid.ID: 1}, counts)
	unused, err := a.Bank.Payments()
	require.NoError(t, err)
	require.Empty(t, unused)
}

// patient looks at people for as long as it takes.
type patient struct {
	anchor.CustomerIntegration
	seen chan<- string
}

func (p patient) Put(_ context.Context, r anchor.CustomerPut) (anchor.Verdict, error) {
	p.seen <- r.Customer.ID
	return anchor.Verdict{Type: r.Type, Status: anchor.CustomerProcessing, Message: "we look at it"}, nil
}

func TestStart_takes_the_settings_of_a_business(t *testing.T) {
	t.Parallel()
	a := anchortest.Start(t, anchortest.Options{YAML: `
rails: [{name: ours, kind: simulated, outcome: accepted, after: 20ms}]
funding_methods: [{name: PIX, rail: ours}]
transaction_fields: [{name: key, description: the PIX key}]
`})
	s, from, to := sending(t, a)
	_, err := s.Agree(t.Context(), anchortest.Transfer{Amount: "7", SenderID: from, ReceiverID: to, FundingMethod: "PIX"})
	require.ErrorContains(t, err, "transaction_info_needed")
	paid, err := s.Send(t.Context(), anchortest.Transfer{
		Amount: "7", SenderID: from, ReceiverID: to, FundingMethod: "PIX", Fields: map[string]string{"key": "ana@example.com"},
	})
	require.NoError(t, err)
	require.Equal(t, anchor.StatusCompleted, paid.Status)
	counts, err := a.Bank.PaidTransactions()
	require.NoError(t, err)
	require.Equal(t, map[string]int{paid.ID: 1}, counts)
}

func TestStart_lets_a_business_speak_first(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 10)
	a := anchortest.Start(t, anchortest.Options{Setup: func(_ context.Context, h anchor.Host) (anchor.Business, error) {
		return anchor.Business{Customers: patient{h.Default.Customers, seen}}, nil
	}})
	s, err := a.NewSender(t.Context(), anchortest.Account{})
	require.NoError(t, err)
	decided := make(chan error, 1)
	go func() {
		select {
		case id := <-seen:
			decided <- a.Operations.SetCustomerStatus(t.Context(), id, anchor.Verdict{Type: anchortest.SenderType, Status: anchor.CustomerAccepted})
		case <-t.Context().Done():
		}
	}()
	_, err = s.Register(t.Context(), anchortest.SenderType, map[string]string{
		"first_name": "Ana", "last_name": "Souza", "email_address": "ana@example.com",
	})
	require.NoError(t, err)
	require.NoError(t, <-decided)
}

func TestStart_takes_settings_and_a_sending_anchor_that_is_known_in_advance(t *testing.T) {
	t.Parallel()
	friend, err := anchortest.NewAccount()
	require.NoError(t, err)
	a := anchortest.Start(t, anchortest.Options{Settings: map[string]string{"ANCHOR_SENDING_ANCHORS": friend.Address}})
	known, err := a.NewSender(t.Context(), friend)
	require.NoError(t, err)
	stranger, err := a.NewSender(t.Context(), anchortest.Account{})
	require.NoError(t, err)

	from, to, err := known.RegisterPeople(t.Context())
	require.NoError(t, err)
	_, err = known.Agree(t.Context(), anchortest.Transfer{Amount: "5", SenderID: from, ReceiverID: to})
	require.NoError(t, err)
	from, to, err = stranger.RegisterPeople(t.Context())
	require.NoError(t, err)
	_, err = stranger.Agree(t.Context(), anchortest.Transfer{Amount: "5", SenderID: from, ReceiverID: to})
	require.ErrorContains(t, err, "403")
}

func TestStart_leaves_the_network_to_the_test(t *testing.T) {
	t.Parallel()
	a := anchortest.Start(t, anchortest.Options{LedgerEvery: 5 * time.Millisecond})
	s, from, to := sending(t, a)
	agreed, err := s.Agree(t.Context(), anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
	require.NoError(t, err)
	require.Equal(t, anchor.StatusPendingSender, agreed.Status)

	// The payment lands although the network answers that it does not know.
	fault := bytes.NewReader([]byte(`{"kind": "delay", "ledgers": 1}`))
	answer, err := http.Post(a.HorizonURL+"/sandbox/faults", "application/json", fault)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	a.PaceLedgers(0)
	paid := make(chan error, 1)
	go func() { paid <- s.Pay(t.Context(), agreed, "100") }()
	for range 3 {
		a.CloseLedger()
	}
	a.PaceLedgers(5 * time.Millisecond)
	require.NoError(t, <-paid)
	done, err := s.Await(t.Context(), agreed.ID, anchor.StatusCompleted)
	require.NoError(t, err)
	require.Equal(t, "100", done.AmountIn)
}

func TestAwait_says_what_it_waited_for(t *testing.T) {
	t.Parallel()
	a := anchortest.Start(t, anchortest.Options{})
	s, from, to := sending(t, a)
	agreed, err := s.Agree(t.Context(), anchortest.Transfer{Amount: "100", SenderID: from, ReceiverID: to})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = s.Await(ctx, agreed.ID, anchor.StatusCompleted, anchor.StatusError)
	require.ErrorContains(t, err, `is pending_sender and not "completed" or "error"`)
}

func TestStart_ends_the_test_when_the_settings_are_wrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options anchortest.Options
		problem string
	}{
		"a misspelt setting":          {anchortest.Options{YAML: "rales: []"}, "rales"},
		"a business that cannot be":   {anchortest.Options{Setup: failing}, "no such bank"},
		"an issuer without a seed":    {anchortest.Options{Issuer: anchortest.Account{Address: "GABC", Seed: "S"}}, "issuer"},
		"a fee that is no number":     {anchortest.Options{FeeFixed: "much"}, "much"},
		"settings that do not fit in": {anchortest.Options{Settings: map[string]string{"ACTIVE_SEPS": "sep-31"}}, "sep-31"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t)
			ended := make(chan struct{})
			go func() { // Fatalf ends the goroutine
				defer close(ended)
				anchortest.Start(r, test.options)
			}()
			<-ended
			r.cleanUp()
			require.Contains(t, r.text(), test.problem)
		})
	}
}

func failing(context.Context, anchor.Host) (anchor.Business, error) {
	return anchor.Business{}, anchor.Refuse("no such bank")
}

// The figure that is promised is a second; a machine that does other work gets more.
func TestStart_is_quick(t *testing.T) {
	began := time.Now()
	anchortest.Start(t, anchortest.Options{})
	t.Logf("started in %v", time.Since(began))
	require.Less(t, time.Since(began), 5*time.Second)
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		r := record(b)
		anchortest.Start(r, anchortest.Options{})
		r.cleanUp()
		require.Empty(b, r.text())
	}
}
