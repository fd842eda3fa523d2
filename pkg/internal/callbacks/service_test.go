package callbacks_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestA_message_is_signed_for_the_host_it_goes_to_when_it_is_sent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	id := w.told(t, "https://sender.example:8443/sep31?token=x", 1)
	deliverAll(t, w.service(func(o *callbacks.Options) { o.Now = func() time.Time { return time.Unix(1700000000, 0) } }))

	got := w.receivers.messages()
	require.Len(t, got, 1)
	require.Equal(t, "application/json", got[0].Header.Get("Content-Type"))
	require.Equal(t, got[0].Header.Get("Signature"), got[0].Header.Get("X-Stellar-Signature"))
	stamp, signature, ok := strings.Cut(got[0].Header.Get("Signature"), ", s=")
	require.True(t, ok)
	require.Equal(t, "t=1700000000", stamp)
	raw, err := base64.StdEncoding.DecodeString(signature)
	require.NoError(t, err)
	key := strkey.MustDecode(strkey.VersionByteAccountID, w.signer.Address())
	require.True(t, ed25519.Verify(key, []byte("1700000000.sender.example:8443."+got[0].Body), raw))

	var body struct {
		Transaction anchor.Transaction `json:"transaction"`
	}
	require.NoError(t, json.Unmarshal([]byte(got[0].Body), &body))
	require.Equal(t, id, body.Transaction.ID)
	require.Equal(t, anchor.StatusPendingExternal, body.Transaction.Status)
	require.Equal(t, w.rows(t, id)[0].Body, got[0].Body)
}

func TestMessages_about_a_transaction_arrive_in_order_however_many_deliver_and_whatever_fails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const transactions, each = 12, 5
		w := newWorld(t, db)
		var mu sync.Mutex
		tries, accepted := map[string]int{}, map[string][]string{}
		done := make(chan struct{})
		w.receivers.answer = func(_ context.Context, m message) (int, error) {
			var body struct {
				Transaction struct {
					ID string `json:"id"`
				} `json:"transaction"`
			}
			if err := json.Unmarshal([]byte(m.Body), &body); err != nil {
				return 0, err
			}
			id := body.Transaction.ID
			mu.Lock()
			defer mu.Unlock()
			tries[id]++
			switch tries[id] % 3 {
			case 0:
				return http.StatusServiceUnavailable, nil
			case 1:
				return 0, errors.New("connection reset")
			}
			accepted[id] = append(accepted[id], m.Body)
			if total(accepted) == transactions*each {
				close(done)
			}
			return http.StatusOK, nil
		}
		stop := running(t, w.service(), w.service(), w.service())
		defer stop()
		ids := make([]string, transactions)
		for i := range ids {
			ids[i] = w.transaction(t, hostNumber(i%4)).ID
		}
		for range each {
			for _, id := range ids {
				w.changes(t, id, 1)
			}
		}
		await(t, done, "every message accepted")
		stop()
		for _, id := range ids {
			var want []string
			for _, row := range w.rows(t, id) {
				require.Equal(t, store.CallbackDelivered, row.State)
				want = append(want, row.Body)
			}
			require.Equal(t, want, accepted[id], "in order, each once")
		}
	})
}

func total(lists map[string][]string) (n int) {
	for _, list := range lists {
		n += len(list)
	}
	return n
}

func TestA_receiver_that_does_not_answer_delays_nobody_else(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		release, healthy := make(chan struct{}), make(chan struct{})
		var atSlow, mostAtSlow, others atomic.Int64
		w.receivers.answer = func(ctx context.Context, m message) (int, error) {
			if m.host() != "slow.example" {
				if others.Add(1) == 20 {
					close(healthy)
				}
				return http.StatusOK, nil
			}
			now := atSlow.Add(1)
			defer atSlow.Add(-1)
			for most := mostAtSlow.Load(); now > most && !mostAtSlow.CompareAndSwap(most, now); most = mostAtSlow.Load() {
			}
			select {
			case <-release:
				return http.StatusOK, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		var slow []string
		for range 300 { // more than a page
			slow = append(slow, w.told(t, "https://slow.example/", 1))
		}
		s := w.service(func(o *callbacks.Options) { o.Timeout, o.Concurrency, o.PerReceiver = time.Hour, 8, 3 })
		stop := running(t, s)
		defer stop()
		for i := range 20 {
			w.told(t, hostNumber(i), 1)
		}
		await(t, healthy, "the others told while one does not answer")
		require.EqualValues(t, 3, mostAtSlow.Load())
		close(release)
		for _, id := range slow {
			require.Eventually(t, func() bool { return w.states(t, id)[0] == store.CallbackDelivered }, 20*time.Second, time.Millisecond)
		}
	})
}

func TestWhat_found_no_room_is_delivered_once_there_is_some(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var ids []string
		for i := range 450 { // more than two pages
			ids = append(ids, w.told(t, hostNumber(i%3), 1))
		}
		s := w.service(func(o *callbacks.Options) {
			o.Concurrency, o.PerReceiver = 100, 25
			o.Interval, o.Overlap = time.Hour, time.Microsecond // so that it is found by its place only
		})
		deliverAll(t, s)
		for _, id := range ids {
			require.Equal(t, []string{store.CallbackDelivered}, w.states(t, id))
		}
		require.Len(t, w.receivers.messages(), len(ids))
	})
}

func TestAny_number_of_broken_receivers_leaves_room_for_the_others(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	broken := true
	hang := make(chan struct{})
	w.receivers.answer = func(_ context.Context, m message) (int, error) {
		if !strings.HasPrefix(m.URL, "https://broken") {
			return http.StatusOK, nil
		}
		if broken {
			return 0, errors.New("connection refused")
		}
		<-hang
		return http.StatusOK, nil
	}
	for i := range 16 {
		w.told(t, fmt.Sprintf("https://broken%d.example/", i), 1)
	}
	s := w.service(func(o *callbacks.Options) { o.Concurrency = 4 })
	for range 8 {
		deliver(t, s)
	}
	broken = false // from now on they hang
	worked, err := s.Deliver(t.Context(), t.Context())
	require.NoError(t, err)
	require.True(t, worked)

	id := w.told(t, "https://healthy.example/", 1)
	_, err = s.Deliver(t.Context(), t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.states(t, id)[0] == store.CallbackDelivered }, 20*time.Second, time.Millisecond)
	close(hang)
	s.Wait()
}

func TestA_message_that_is_never_accepted_is_given_up_and_those_behind_it_go_on(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.told(t, "https://sender.example/", 2)
		first := w.rows(t, id)[0].Body
		delivered := make(chan struct{})
		w.receivers.answer = func(_ context.Context, m message) (int, error) {
			if m.Body == first {
				return http.StatusInternalServerError, nil
			}
			close(delivered)
			return http.StatusAccepted, nil
		}
		stop := running(t, w.service(func(o *callbacks.Options) { o.MaxAttempts = 3 }))
		await(t, delivered, "the second message")
		stop()
		rows := w.rows(t, id)
		require.Equal(t, []string{store.CallbackDead, store.CallbackDelivered}, w.states(t, id))
		require.EqualValues(t, 3, rows[0].Attempts)
		require.Equal(t, "HTTP 500", rows[0].LastAnswer)
		require.EqualValues(t, 1, rows[1].Attempts)
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := newWorld(t, db)
	tooLarge := &outbound.TooLargeError{Limit: 10}
	for name, c := range map[string]struct {
		status int
		err    error
		state  string
		answer string
	}{
		"any 2xx accepts":                          {http.StatusAccepted, nil, store.CallbackDelivered, "HTTP 202"},
		"400 says that the message is bad":         {http.StatusBadRequest, nil, store.CallbackDead, "HTTP 400"},
		"404 may be mended":                        {http.StatusNotFound, nil, store.CallbackPending, "HTTP 404"},
		"a redirect is not followed":               {http.StatusFound, nil, store.CallbackPending, "HTTP 302"},
		"no answer is tried again":                 {0, errors.New("POST to x.example: timeout"), store.CallbackPending, "POST to x.example: timeout"},
		"an address that is refused may change":    {0, outbound.ErrRefused, store.CallbackPending, outbound.ErrRefused.Error()},
		"the status counts when the body is large": {http.StatusOK, fmt.Errorf("POST: %w", tooLarge), store.CallbackDelivered, "HTTP 200"},
		"nobody can be told at no address":         {0, nil, store.CallbackPending, "there is no address that can be called"},
	} {
		w.receivers.answer = func(context.Context, message) (int, error) { return c.status, c.err }
		address := "https://x.example/"
		if strings.Contains(name, "no address") {
			address = "https:///nowhere"
		}
		id := w.told(t, address, 1)
		deliver(t, w.service(func(o *callbacks.Options) { o.FirstWait, o.MaxWait = time.Hour, time.Hour }))
		row := w.rows(t, id)[0]
		require.Equal(t, c.state, row.State, name)
		require.Equal(t, c.answer, row.LastAnswer, name)
		require.EqualValues(t, 1, row.Attempts, name)
	}
}

func TestAn_address_that_was_replaced_gets_what_is_still_to_be_told(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.receivers.answer = always(http.StatusBadGateway)
		id := w.told(t, "https://old.example/", 1)
		s := w.service()
		deliver(t, s)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			row, err := tx.LockTransaction(ctx, id)
			if err != nil {
				return err
			}
			row.CallbackUrl = "https://new.example/"
			_, err = tx.Advance(ctx, row, anchor.Change{Cause: anchor.CauseNoted, Actor: "sending anchor"})
			return err
		}))
		w.receivers.answer = nil
		stop := running(t, s)
		require.Eventually(t, func() bool { return w.states(t, id)[0] == store.CallbackDelivered }, 20*time.Second, time.Millisecond)
		stop()
		got := w.receivers.messages()
		require.Len(t, got, 2)
		require.Equal(t, []string{"old.example", "new.example"}, []string{got[0].host(), got[1].host()})
		require.Equal(t, got[0].Body, got[1].Body, "the body is that of the change")
		require.NotEqual(t, got[0].Header.Get("Signature"), got[1].Header.Get("Signature"))
	})
}

func TestA_delivery_that_outlived_its_lease_changes_nothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.told(t, "https://sender.example/", 1)
		row := w.rows(t, id)[0]
		slow, err := db.ClaimCallbacks(t.Context(), []string{row.ID}, -time.Second) // a lease that is over already
		require.NoError(t, err)
		require.Len(t, slow, 1)
		deliverAll(t, w.service())
		require.Equal(t, []string{store.CallbackDelivered}, w.states(t, id))

		lost, err := db.SettleCallbacks(t.Context(), []store.CallbackResult{{Claim: slow[0], State: store.CallbackDead, Attempts: 9}})
		require.NoError(t, err)
		require.Equal(t, []string{row.ID}, lost)
		require.Equal(t, []string{store.CallbackDelivered}, w.states(t, id))
	})
}

func TestA_stop_that_cannot_wait_gives_back_what_is_under_way_without_counting_it(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	id := w.told(t, "https://sender.example/", 1)
	hard, end := context.WithCancel(t.Context())
	w.receivers.answer = func(ctx context.Context, _ message) (int, error) {
		end()
		<-ctx.Done()
		return 0, ctx.Err()
	}
	s := w.service()
	worked, err := s.Deliver(t.Context(), hard)
	require.NoError(t, err)
	require.True(t, worked)
	s.Wait()
	row := w.rows(t, id)[0]
	require.Equal(t, store.CallbackPending, row.State)
	require.Zero(t, row.Attempts)
	require.Zero(t, row.LeaseUntilUs)

	w.receivers.answer = nil
	deliverAll(t, w.service())
	require.Equal(t, []string{store.CallbackDelivered}, w.states(t, id))
}

func TestNothing_is_claimed_once_a_stop_is_requested(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	id := w.told(t, "https://sender.example/", 1)
	soft, end := context.WithCancel(t.Context())
	end()
	s := w.service()
	worked, err := s.Deliver(soft, t.Context())
	require.NoError(t, err)
	require.False(t, worked)
	require.Empty(t, w.receivers.messages())
	require.Equal(t, []string{store.CallbackPending}, w.states(t, id))
}

func TestA_new_message_is_delivered_at_once_although_a_long_interval_runs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		told := make(chan struct{}, 1)
		w.receivers.answer = func(context.Context, message) (int, error) {
			told <- struct{}{}
			return http.StatusOK, nil
		}
		s := w.service(func(o *callbacks.Options) { o.Interval = time.Hour })
		defer running(t, s)()
		for range 3 {
			w.told(t, "https://sender.example/", 1)
			await(t, told, "a message")
		}
	})
}

func TestLogs_and_rows_hold_nothing_of_an_address_but_its_host(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, answer := range []func(context.Context, message) (int, error){
		always(http.StatusTeapot), always(http.StatusBadRequest), always(http.StatusOK),
		func(context.Context, message) (int, error) { return 0, errors.New("POST to sender.example: refused") },
	} {
		w.receivers.answer = answer
		id := w.told(t, "https://sender.example/canary?token=canary", 1)
		var log bytes.Buffer
		s := callbacks.New(w.db, w.signer, w.receivers, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), callbacks.Options{})
		deliver(t, s)
		require.Contains(t, log.String(), "receiver=sender.example")
		require.NotContains(t, log.String(), "canary")
		require.NotContains(t, w.rows(t, id)[0].LastAnswer, "canary")
	}
}
