package anchor

import "fmt"

// Cause is why a transaction changes: what happened, in the past tense. It is stored as the kind of the event.
type Cause string

// Everything that can happen to a transaction. Those without a row in the transition table for the present status are
// either facts that change no status (CauseNoted) or mistakes that Next refuses.
const (
	CauseCreated               Cause = "created"   // agreed, memo given out with the answer
	CauseRequested             Cause = "requested" // agreed, memo withheld until both customers are accepted
	CausePublished             Cause = "published"
	CauseCustomerInfoNeeded    Cause = "customer_info_needed"
	CauseCustomerInfoGiven     Cause = "customer_info_given"
	CauseTransactionInfoNeeded Cause = "transaction_info_needed"
	CauseTransactionInfoGiven  Cause = "transaction_info_given"
	CausePartPaid              Cause = "part_paid"
	CauseFunded                Cause = "funded"
	CauseExpired               Cause = "expired"
	CausePayoutAccepted        Cause = "payout_accepted"
	CausePayoutDelivered       Cause = "payout_delivered"
	CausePayoutFailed          Cause = "payout_failed"
	CausePayoutReturned        Cause = "payout_returned"
	CauseRefunded              Cause = "refunded"
	CauseGivenUp               Cause = "given_up"
	CauseReopened              Cause = "reopened"
	CauseNoted                 Cause = "noted"
)

// Transition is one row of the transition table: a transaction that stands at From, with or without its funds, goes to To
// when Cause happens. From is empty for a transaction that does not exist yet.
type Transition struct {
	From   Status
	Funded bool
	Cause  Cause
	To     Status
}

// Transitions returns the whole table, from which the code, the diagram of the documentation and the tests are made. Each
// call returns a fresh copy.
func Transitions() []Transition {
	return []Transition{
		{"", false, CauseCreated, StatusPendingSender},
		{"", false, CauseRequested, StatusPendingReceiver},

		{StatusPendingReceiver, false, CausePublished, StatusPendingSender},
		{StatusPendingReceiver, false, CauseCustomerInfoNeeded, StatusPendingCustomerInfoUpdate},
		{StatusPendingReceiver, false, CausePartPaid, StatusPendingReceiver},
		{StatusPendingReceiver, false, CauseFunded, StatusPendingReceiver},
		{StatusPendingReceiver, false, CauseExpired, StatusExpired},
		{StatusPendingReceiver, false, CauseGivenUp, StatusError},
		{StatusPendingReceiver, false, CauseRefunded, StatusRefunded},
		{StatusPendingCustomerInfoUpdate, false, CauseCustomerInfoGiven, StatusPendingReceiver},
		{StatusPendingCustomerInfoUpdate, false, CausePublished, StatusPendingSender},
		{StatusPendingCustomerInfoUpdate, false, CausePartPaid, StatusPendingCustomerInfoUpdate},
		{StatusPendingCustomerInfoUpdate, false, CauseFunded, StatusPendingReceiver},
		{StatusPendingCustomerInfoUpdate, false, CauseExpired, StatusExpired},
		{StatusPendingCustomerInfoUpdate, false, CauseGivenUp, StatusError},
		{StatusPendingCustomerInfoUpdate, false, CauseRefunded, StatusRefunded},
		{StatusPendingSender, false, CausePartPaid, StatusPendingSender},
		{StatusPendingSender, false, CauseFunded, StatusPendingReceiver},
		{StatusPendingSender, false, CauseExpired, StatusExpired},
		{StatusPendingSender, false, CauseGivenUp, StatusError},
		{StatusPendingSender, false, CauseRefunded, StatusRefunded},

		{StatusPendingReceiver, true, CausePayoutAccepted, StatusPendingExternal},
		{StatusPendingReceiver, true, CausePayoutDelivered, StatusCompleted},
		{StatusPendingReceiver, true, CausePayoutFailed, StatusPendingReceiver},
		{StatusPendingReceiver, true, CauseCustomerInfoNeeded, StatusPendingCustomerInfoUpdate},
		{StatusPendingReceiver, true, CauseTransactionInfoNeeded, StatusPendingTransactionInfoUpdate},
		{StatusPendingReceiver, true, CauseRefunded, StatusRefunded},
		{StatusPendingReceiver, true, CauseGivenUp, StatusError},
		{StatusPendingExternal, true, CausePayoutDelivered, StatusCompleted},
		{StatusPendingExternal, true, CausePayoutFailed, StatusPendingReceiver},
		{StatusPendingExternal, true, CauseCustomerInfoNeeded, StatusPendingCustomerInfoUpdate},
		{StatusPendingExternal, true, CauseTransactionInfoNeeded, StatusPendingTransactionInfoUpdate},
		{StatusPendingCustomerInfoUpdate, true, CauseCustomerInfoGiven, StatusPendingReceiver},
		{StatusPendingCustomerInfoUpdate, true, CauseTransactionInfoNeeded, StatusPendingTransactionInfoUpdate},
		{StatusPendingCustomerInfoUpdate, true, CauseRefunded, StatusRefunded},
		{StatusPendingCustomerInfoUpdate, true, CauseGivenUp, StatusError},
		{StatusPendingTransactionInfoUpdate, true, CauseTransactionInfoGiven, StatusPendingReceiver},
		{StatusPendingTransactionInfoUpdate, true, CauseCustomerInfoNeeded, StatusPendingCustomerInfoUpdate},
		{StatusPendingTransactionInfoUpdate, true, CauseRefunded, StatusRefunded},
		{StatusPendingTransactionInfoUpdate, true, CauseGivenUp, StatusError},

		{StatusCompleted, true, CausePayoutReturned, StatusPendingReceiver},
		{StatusExpired, false, CauseReopened, StatusPendingReceiver},
		{StatusExpired, false, CauseRefunded, StatusRefunded},
		{StatusError, false, CauseReopened, StatusPendingReceiver},
		{StatusError, false, CauseRefunded, StatusRefunded},
		{StatusError, true, CauseReopened, StatusPendingReceiver},
		{StatusError, true, CauseRefunded, StatusRefunded},
	}
}

// Next says which status follows when cause happens to a transaction of status from; funded tells whether its whole sum
// has been credited before. A fact that is only noted leaves the status as it is. A pair that the table does not have is
// an error: the caller asks for something that cannot happen.
func Next(from Status, funded bool, cause Cause) (Status, error) {
	if cause == CauseNoted && from != "" {
		return from, nil
	}
	for _, t := range Transitions() {
		if t.From == from && t.Funded == funded && t.Cause == cause {
			return t.To, nil
		}
	}
	return "", fmt.Errorf("no transaction of status %q (funded: %t) can change because of %q", from, funded, cause)
}

// Change is what happened to a transaction, a customer or a payout, as the history tells it. None of its texts may hold
// personal data: events and callbacks are not encrypted.
type Change struct {
	Cause  Cause  // what happened
	Actor  string // who did it: "sending anchor", "watch-transactions", "operator:NAME", …
	Reason string // why, for people; the sending anchor sees it as status_message where Message is set
	Detail string // further facts, as JSON, for programs; may be empty
	// Message replaces the transaction's status_message that the sending anchor sees; nil leaves it.
	Message *string
}
