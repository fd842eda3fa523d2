package callbacks_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// customer makes a customer whose sending anchor wants to be told at an address.
func (w *world) customer(t testing.TB, address string) (c store.Customer) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = tx.CreateCustomer(ctx, store.Owner{Account: sending, MemoType: "text", Memo: address}, "test"); err != nil {
			return err
		}
		return tx.Subscribe(ctx, c.ID, address)
	}))
	return c
}

// becomes moves the status of a customer in the role of a receiver.
func (w *world) becomes(t testing.TB, id string, statuses ...anchor.CustomerStatus) {
	t.Helper()
	for _, status := range statuses {
		require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			c, err := tx.LockCustomer(ctx, id)
			if err != nil {
				return err
			}
			_, err = tx.AdvanceCustomer(ctx, c, store.CustomerChange{
				Cause: store.CustomerJudged, Actor: "test", Statuses: map[string]store.DecidedStatus{"receiver": {Status: status}},
			})
			return err
		}))
	}
}

func (w *world) toldOf(t testing.TB, id string) (states []string) {
	t.Helper()
	rows, err := w.db.CallbacksOf(t.Context(), store.SubjectCustomer, id)
	require.NoError(t, err)
	for _, row := range rows {
		states = append(states, row.State)
	}
	return states
}

// bodies answers with a body for every customer that counts how often one was made.
func bodies(made *atomic.Int64) func(*callbacks.Options) {
	return func(o *callbacks.Options) {
		o.CustomerBody = func(_ context.Context, id, customerType string) ([]byte, error) {
			made.Add(1)
			return []byte(`{"id":"` + id + `","type":"` + customerType + `"}`), nil
		}
	}
}

func TestAnAcceptedCustomer_is_told_of_although_its_subscription_has_ended_signed_like_everything(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.customer(t, "https://sender.example:8443/kyc")
		w.becomes(t, c.ID, anchor.CustomerNeedsInfo, anchor.CustomerProcessing, anchor.CustomerAccepted, anchor.CustomerNeedsInfo)
		var made atomic.Int64
		deliverAll(t, w.service(bodies(&made)))
		require.Equal(t, []string{store.CallbackDelivered, store.CallbackDelivered, store.CallbackDelivered}, w.toldOf(t, c.ID))
		require.EqualValues(t, 3, made.Load())
		for _, m := range w.receivers.messages() {
			require.Equal(t, "https://sender.example:8443/kyc", m.URL)
			require.Equal(t, `{"id":"`+c.ID+`","type":"receiver"}`, m.Body)
			at, signature, found := strings.Cut(strings.TrimPrefix(m.Header.Get("Signature"), "t="), ", s=")
			require.True(t, found)
			raw, err := base64.StdEncoding.DecodeString(signature)
			require.NoError(t, err)
			require.NoError(t, w.signer.Verify([]byte(at+".sender.example:8443."+m.Body), raw))
		}
	})
}

func TestWhatIsToldOfACustomer_is_made_anew_at_every_try_and_in_order(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.customer(t, "https://sender.example/")
		w.becomes(t, c.ID, anchor.CustomerNeedsInfo, anchor.CustomerAccepted)
		w.receivers.answer = always(http.StatusBadGateway)
		var made atomic.Int64
		s := w.service(bodies(&made))
		deliver(t, s)
		require.Equal(t, []string{store.CallbackPending, store.CallbackPending}, w.toldOf(t, c.ID))
		require.Len(t, w.receivers.messages(), 1, "the second waits for the first")
		w.receivers.answer = nil
		stop := running(t, s)
		require.Eventually(t, func() bool { return w.toldOf(t, c.ID)[1] == store.CallbackDelivered }, 20*time.Second, time.Millisecond)
		stop()
		require.EqualValues(t, 3, made.Load())
	})
}

func TestOfACustomer_who_is_gone_nothing_is_told_and_a_business_that_is_down_is_asked_again(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for name, c := range map[string]struct {
			err   error
			state string
		}{
			"deleted":                       {anchor.RefuseAs(anchor.CodeNotFound, "customer not found"), store.CallbackDead},
			"of a type that is not offered": {anchor.Refuse("'type' is unknown"), store.CallbackDead},
			"the business is down":          {errors.New("canary: down"), store.CallbackPending},
		} {
			who := w.customer(t, "https://sender.example/"+strconv.Itoa(len(name)))
			w.becomes(t, who.ID, anchor.CustomerNeedsInfo)
			deliver(t, w.service(func(o *callbacks.Options) {
				o.CustomerBody = func(context.Context, string, string) ([]byte, error) { return nil, c.err }
			}))
			require.Equal(t, []string{c.state}, w.toldOf(t, who.ID), name)
			require.Empty(t, w.receivers.messages(), name)
			rows, err := w.db.CallbacksOf(t.Context(), store.SubjectCustomer, who.ID)
			require.NoError(t, err)
			require.NotContains(t, rows[0].LastAnswer, "canary", name)
		}
	})
}
