package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// situation is everything that decides what Reconsider does.
type situation struct {
	payout           anchor.PayoutState
	waits            anchor.WaitsFor
	sender, receiver anchor.CustomerStatus // nobody: no customer of that side; empty: never judged
	status           anchor.Status
	conflict         bool
}

const nobody anchor.CustomerStatus = "nobody"

func (s situation) String() string {
	return fmt.Sprintf("%s(%s) of %s/%s at %s, conflict %t", s.payout, s.waits, s.sender, s.receiver, s.status, s.conflict)
}

// expected says, in the words of the design, what shall become of a situation.
func (s situation) expected() (payout anchor.PayoutState, waits anchor.WaitsFor, status anchor.Status) {
	people := []anchor.CustomerStatus{s.sender, s.receiver}
	allAccepted := !slices.ContainsFunc(people, func(c anchor.CustomerStatus) bool { return c != nobody && c != anchor.CustomerAccepted })
	anyNeeds := slices.Contains(people, anchor.CustomerNeedsInfo) || slices.Contains(people, "")
	payout, waits, status = s.payout, s.waits, s.status
	mayMove := s.payout == anchor.PayoutReady || (s.payout == anchor.PayoutWaiting && s.waits != anchor.WaitsForOperator)
	if !mayMove {
		return payout, waits, status // what may have been sent, or what an operator was called for, is left alone
	}
	switch {
	case s.conflict:
		payout, waits = anchor.PayoutWaiting, anchor.WaitsForOperator
	case s.status == anchor.StatusPendingTransactionInfoUpdate:
		payout, waits = anchor.PayoutWaiting, anchor.WaitsForInfo
	case !allAccepted:
		payout, waits = anchor.PayoutWaiting, anchor.WaitsForKYC
	default:
		payout, waits = anchor.PayoutReady, anchor.WaitsForNothing
	}
	switch {
	case s.status == anchor.StatusPendingReceiver && anyNeeds:
		status = anchor.StatusPendingCustomerInfoUpdate
	case s.status == anchor.StatusPendingCustomerInfoUpdate && !anyNeeds:
		status = anchor.StatusPendingReceiver
	}
	return payout, waits, status
}

// situations are all that can be told apart.
func situations() []situation {
	people := [][2]anchor.CustomerStatus{
		{nobody, nobody}, {anchor.CustomerAccepted, anchor.CustomerAccepted}, {anchor.CustomerNeedsInfo, anchor.CustomerRejected},
	}
	few := len(people)
	for _, one := range []anchor.CustomerStatus{anchor.CustomerProcessing, anchor.CustomerNeedsInfo, anchor.CustomerRejected, ""} {
		people = append(people, [2]anchor.CustomerStatus{one, nobody}, [2]anchor.CustomerStatus{anchor.CustomerAccepted, one})
	}
	payouts := []struct {
		state anchor.PayoutState
		waits anchor.WaitsFor
	}{
		{anchor.PayoutReady, ""}, {anchor.PayoutWaiting, anchor.WaitsForKYC}, {anchor.PayoutWaiting, anchor.WaitsForInfo}, {anchor.PayoutWaiting, anchor.WaitsForOperator},
		{anchor.PayoutSending, ""}, {anchor.PayoutUnknown, ""}, {anchor.PayoutAccepted, ""}, {anchor.PayoutDelivered, ""}, {anchor.PayoutFailed, ""},
	}
	var all []situation
	for _, p := range payouts {
		pairs := people
		if p.state != anchor.PayoutReady && p.state != anchor.PayoutWaiting {
			pairs = people[:few] // what may have been sent is left alone, whoever it is for
		}
		for _, pair := range pairs {
			for _, status := range []anchor.Status{anchor.StatusPendingReceiver, anchor.StatusPendingCustomerInfoUpdate, anchor.StatusPendingTransactionInfoUpdate} {
				for _, conflict := range []bool{false, true} {
					all = append(all, situation{p.state, p.waits, pair[0], pair[1], status, conflict})
				}
			}
		}
	}
	return all
}

func (b *bench) party(status anchor.CustomerStatus, customerType string) string {
	if status == nobody {
		return ""
	}
	return b.customer(customerType, status)
}

// arrange makes a transaction that is in the situation, past everything that would have led there.
func (b *bench) arrange(s situation) (store.Transaction, store.Payout) {
	draft := b.draft()
	draft.TakePart(b.party(s.sender, "sep31-sender"), "sep31-sender", b.party(s.receiver, "sep31-receiver"), "sep31-receiver")
	t, p := b.funded(draft, anchor.PayoutReady, anchor.WaitsForNothing)
	conflict := ""
	if s.conflict {
		conflict = "delivered after failed"
	}
	b.must("UPDATE transactions SET status = $1, conflict = $2 WHERE id = $3", string(s.status), conflict, t.ID)
	b.must("UPDATE payouts SET state = $1, waits_for = $2, next_us = 7 WHERE id = $3", string(s.payout), string(s.waits), p.ID)
	return b.reload(t.ID), p
}

func (b *bench) reconsider(id string) store.Transaction {
	b.Helper()
	var after store.Transaction
	b.tx(func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.LockTransaction(ctx, id)
		if err != nil {
			return err
		}
		after, err = tx.Reconsider(ctx, t, "test", "a customer's status changed")
		return err
	})
	return after
}

func TestReconsider_moves_payouts_and_statuses_by_what_is_known(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		all := situations()
		if db.Engine() == "postgres" { // the rules are the same lines of Go; each fifth situation shows that the SQL is
			all = slices.DeleteFunc(all, func(s situation) bool { return slices.Index(situations(), s)%5 != 0 })
		}
		for _, s := range all {
			before, p := b.arrange(s)
			payout, waits, status := s.expected()

			after := b.reconsider(before.ID)
			require.Equal(t, after, b.reload(before.ID), s)
			moved, err := db.PayoutByID(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(payout, waits), fmt.Sprint(moved.State, moved.WaitsFor), s)
			require.Equal(t, status, after.Status, s)
			require.Equal(t, before.PayoutUnits, after.PayoutUnits, s)
			require.Equal(t, before.Version+boolInt(status != before.Status), after.Version, s)
			require.Equal(t, p.Version+boolInt(payout != s.payout || waits != s.waits), moved.Version, s)
			if moved.State == s.payout {
				require.True(t, moved.NextUs == 7 || moved.WaitsFor != s.waits, "a payout that stays keeps its time")
			}

			again := b.reconsider(before.ID)
			require.Equal(t, after, again, "done twice it changes nothing more: %s", s)
		}
	})
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func TestReconsider_leaves_a_transaction_without_funds_or_payout_alone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		draft.TakePart(b.customer("sep31-sender", anchor.CustomerNeedsInfo), "sep31-sender", "", "")
		unfunded := b.create(draft)
		require.Equal(t, unfunded, b.reconsider(unfunded.ID))

		funded, _ := b.funded(b.draft(), anchor.PayoutReady, anchor.WaitsForNothing)
		b.end(funded.ID, anchor.PayoutFailed)
		ended := b.reload(funded.ID)
		require.Equal(t, ended, b.reconsider(funded.ID))
	})
}

func TestA_customer_that_is_gone_needs_information(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		gone := b.customer("sep31-sender", anchor.CustomerAccepted)
		b.must("UPDATE customers SET deleted_us = 1 WHERE id = $1", gone)
		present := b.customer("sep31-sender", anchor.CustomerAccepted)
		b.tx(func(ctx context.Context, tx *store.Tx) error {
			for _, c := range []struct {
				id, typ string
				want    anchor.CustomerStatus
			}{
				{gone, "sep31-sender", anchor.CustomerNeedsInfo}, {present, "sep31-sender", anchor.CustomerAccepted},
				{present, "sep31-receiver", anchor.CustomerNeedsInfo}, {"nobody", "sep31-sender", anchor.CustomerNeedsInfo},
			} {
				status, err := tx.CustomerStatus(ctx, c.id, c.typ)
				require.NoError(t, err)
				require.Equal(t, c.want, status)
			}
			return nil
		})
	})
}

func TestA_payout_that_becomes_ready_can_be_sent_at_once_and_wakes_its_worker(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		draft := b.draft()
		sender := b.customer("sep31-sender", anchor.CustomerProcessing)
		draft.TakePart(sender, "sep31-sender", "", "")
		funded, p := b.funded(draft, anchor.PayoutWaiting, anchor.WaitsForKYC)
		woken := db.Wake(t.Context(), store.TopicReady)
		for within(woken, quiet) {
		}
		b.must("UPDATE payouts SET next_us = $1 WHERE id = $2", int64(1)<<60, p.ID)
		b.must("UPDATE customer_statuses SET status = 'ACCEPTED' WHERE customer_id = $1", sender)
		b.reconsider(funded.ID)
		require.True(t, within(woken, soon))
		moved, err := db.PayoutByID(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, anchor.PayoutReady, moved.State)
		require.Equal(t, moved.UpdatedUs, moved.NextUs)
	})
}
