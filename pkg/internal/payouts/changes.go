package payouts

import (
	"fmt"
	"strings"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// What the sending anchor reads as status_message.
const (
	messageFailed   = "the payout failed; the receiving anchor is looking into it"
	messageRefund   = "the payout cannot be made; the payment goes back"
	messageReturned = "the payout came back; the receiving anchor is looking into it"
)

// changesOf is what happens to the transaction because of a move, in order. It may set t's conflict. What cannot follow from
// the transaction's status is a contradiction: it is noted, never lost.
func changesOf(a answer, t *store.Transaction, is store.Answered, move Move) []anchor.Change {
	conflict := move.Conflict
	var changes []anchor.Change
	if move.Cause != "" {
		causes, ok := path(t.Status, t.Funded, move.Cause)
		if !ok {
			conflict = fmt.Sprintf("%s while the transaction was %s", kindOf(a.outcome), t.Status)
		}
		changes = changesFor(a, *t, causes, move)
	}
	if conflict == "" {
		return changes
	}
	text := fmt.Sprintf("payout %d, attempt %d: %s", is.Payout.Number, is.Attempt.Number, conflict)
	if !strings.Contains(t.Conflict, text) {
		t.Conflict = strings.TrimPrefix(t.Conflict+"; "+text, "; ")
		if len(changes) == 0 {
			changes = append(changes, anchor.Change{Cause: anchor.CauseNoted, Actor: a.actor})
		}
	} else if len(changes) == 0 && move.Payout == "" {
		return nil // said before
	}
	if len(changes) == 0 { // the payout moved and its units with it
		changes = append(changes, anchor.Change{Cause: anchor.CauseNoted, Actor: a.actor})
	}
	changes[len(changes)-1].Reason = text
	return changes
}

// path is how a cause can happen at a status: at once, or after it is said that the information is no longer waited for. It
// is empty and true if the status says already what the cause would say.
func path(status anchor.Status, funded bool, cause anchor.Cause) (causes []anchor.Cause, ok bool) {
	if cause == anchor.CausePayoutAccepted && status == anchor.StatusPendingExternal {
		return nil, true
	}
	if _, err := anchor.Next(status, funded, cause); err == nil {
		return []anchor.Cause{cause}, true
	}
	for _, first := range []anchor.Cause{anchor.CauseCustomerInfoGiven, anchor.CauseTransactionInfoGiven} {
		between, err := anchor.Next(status, funded, first)
		if err != nil {
			continue
		}
		if _, err := anchor.Next(between, funded, cause); err == nil {
			return []anchor.Cause{first, cause}, true
		}
	}
	return nil, false
}

func changesFor(a answer, t store.Transaction, causes []anchor.Cause, move Move) []anchor.Change {
	changes := make([]anchor.Change, len(causes))
	for i, cause := range causes {
		changes[i] = anchor.Change{Cause: cause, Actor: a.actor}
		if cause != move.Cause {
			changes[i].Reason = "no longer waited for: the payout was " + kindOf(a.outcome)
			continue
		}
		changes[i].Reason = cut(reason(a), 500)
		changes[i].Message = messageFor(move, t)
	}
	return changes
}

// messageFor replaces what the sending anchor reads; nil leaves it.
func messageFor(move Move, t store.Transaction) *string {
	switch {
	case move.Payout == anchor.PayoutReturned:
		return new(messageReturned)
	case move.Refund:
		return new(messageRefund)
	case move.Payout == anchor.PayoutFailed:
		return new(messageFailed)
	case t.StatusMessage != "":
		return new("")
	default:
		return nil
	}
}
