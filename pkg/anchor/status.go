package anchor

// Status is the status of a transaction as SEP-31 names it ("GET Transaction", field status).
type Status string

// The ten statuses of SEP-31 3.1.0; there are no others, neither stored nor sent.
const (
	StatusPendingSender                Status = "pending_sender"
	StatusPendingStellar               Status = "pending_stellar"
	StatusPendingCustomerInfoUpdate    Status = "pending_customer_info_update"
	StatusPendingTransactionInfoUpdate Status = "pending_transaction_info_update"
	StatusPendingReceiver              Status = "pending_receiver"
	StatusPendingExternal              Status = "pending_external"
	StatusCompleted                    Status = "completed"
	StatusRefunded                     Status = "refunded"
	StatusExpired                      Status = "expired"
	StatusError                        Status = "error"
)

// Statuses lists the ten statuses in the order in which SEP-31 names them.
func Statuses() []Status {
	return []Status{
		StatusPendingSender, StatusPendingStellar, StatusPendingCustomerInfoUpdate, StatusPendingTransactionInfoUpdate, StatusPendingReceiver,
		StatusPendingExternal, StatusCompleted, StatusRefunded, StatusExpired, StatusError,
	}
}

// Final tells whether a sending anchor may stop asking about a transaction of this status. Only an operator, or a bank
// that returns money, moves a transaction out of a final status.
func (s Status) Final() bool {
	return s == StatusCompleted || s == StatusRefunded || s == StatusExpired || s == StatusError
}

// Pending tells whether a transaction of this status is still open.
func (s Status) Pending() bool { return s != "" && !s.Final() }

// CustomerStatus is the status of a customer for one customer type (SEP-12 "GET Customer").
type CustomerStatus string

// The customer statuses of SEP-12 1.15.0.
const (
	CustomerAccepted   CustomerStatus = "ACCEPTED"
	CustomerProcessing CustomerStatus = "PROCESSING"
	CustomerNeedsInfo  CustomerStatus = "NEEDS_INFO"
	CustomerRejected   CustomerStatus = "REJECTED"
)

// FieldStatus is what became of one value a customer gave (SEP-12 "Provided Fields").
type FieldStatus string

// The field statuses of SEP-12; the empty one means that nothing was decided about the value.
const (
	FieldAccepted             FieldStatus = "ACCEPTED"
	FieldProcessing           FieldStatus = "PROCESSING"
	FieldRejected             FieldStatus = "REJECTED"
	FieldVerificationRequired FieldStatus = "VERIFICATION_REQUIRED"
)

// PayoutState is where a payout stands.
type PayoutState string

// A payout is waiting for something, ready to be claimed, being sent, or one of what a rail said of it. While it is
// sending, unknown, accepted or delivered, money may have left: it can be neither cancelled nor paid again.
const (
	PayoutWaiting   PayoutState = "waiting"
	PayoutReady     PayoutState = "ready"
	PayoutSending   PayoutState = "sending"
	PayoutUnknown   PayoutState = "unknown"
	PayoutAccepted  PayoutState = "accepted"
	PayoutDelivered PayoutState = "delivered"
	PayoutFailed    PayoutState = "failed"
	PayoutCancelled PayoutState = "cancelled"
	PayoutReturned  PayoutState = "returned"
)

// WaitsFor is what a waiting payout waits for; several reasons are worked off one after the other.
type WaitsFor string

// What a payout can wait for; WaitsForNothing is the value of every payout that is not waiting.
const (
	WaitsForNothing  WaitsFor = ""
	WaitsForKYC      WaitsFor = "kyc"
	WaitsForInfo     WaitsFor = "info"
	WaitsForPrice    WaitsFor = "price"
	WaitsForOperator WaitsFor = "operator"
	WaitsForBatch    WaitsFor = "batch"
)

// AttemptState is where one attempt of a payout stands.
type AttemptState string

// The states of an attempt. Only AttemptFailed frees the payout for another attempt, under another key.
const (
	AttemptSending   AttemptState = "sending"
	AttemptUnknown   AttemptState = "unknown"
	AttemptNotSent   AttemptState = "not_sent"
	AttemptAccepted  AttemptState = "accepted"
	AttemptDelivered AttemptState = "delivered"
	AttemptFailed    AttemptState = "failed"
)

// Judgement is what crediting decided about a payment when it was first seen; it never changes.
type Judgement string

// The judgements of a payment.
const (
	JudgedCredited       Judgement = "credited"
	JudgedDuplicate      Judgement = "duplicate"
	JudgedLate           Judgement = "late"
	JudgedAmountMismatch Judgement = "amount_mismatch"
	JudgedWrongAsset     Judgement = "wrong_asset"
	JudgedUnmatched      Judgement = "unmatched"
	JudgedUnreadable     Judgement = "unreadable"
)

// PaymentState is what became of a payment since.
type PaymentState string

// The states of a payment. Whatever is open is shown until somebody or some policy resolves it.
const (
	PaymentOpen      PaymentState = "open"
	PaymentCredited  PaymentState = "credited"
	PaymentRefunding PaymentState = "refunding"
	PaymentRefunded  PaymentState = "refunded"
	PaymentIgnored   PaymentState = "ignored"
)

// RefundState is where a refund stands.
type RefundState string

// A refund is ready to be sent, being sent (its envelope is committed and may land), held until an operator decides, in the
// ledger, or given up before any envelope of it could land.
const (
	RefundReady     RefundState = "ready"
	RefundSending   RefundState = "sending"
	RefundHeld      RefundState = "held"
	RefundConfirmed RefundState = "confirmed"
	RefundCancelled RefundState = "cancelled"
)

// RefundAttemptState is where one envelope of a refund stands.
type RefundAttemptState string

// An envelope is dead only when its account was read through a ledger that closed after its time bounds without it, or when
// it is in the ledger as failed.
const (
	RefundAttemptSending RefundAttemptState = "sending"
	RefundAttemptLanded  RefundAttemptState = "landed"
	RefundAttemptDead    RefundAttemptState = "dead"
)
