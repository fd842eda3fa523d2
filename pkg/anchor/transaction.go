package anchor

import "time"

// Transaction is a transaction as its sending anchor may see it: the object of SEP-31 "GET Transaction", with its names.
// Amounts are decimal strings, times RFC 3339 in UTC. Absent values are left out, never null.
type Transaction struct {
	ID                    string                      `json:"id"`
	Status                Status                      `json:"status"`
	StatusETA             int64                       `json:"status_eta,omitempty"` // seconds
	StatusMessage         string                      `json:"status_message,omitempty"`
	AmountIn              string                      `json:"amount_in,omitempty"`
	AmountInAsset         string                      `json:"amount_in_asset,omitempty"`
	AmountOut             string                      `json:"amount_out,omitempty"`
	AmountOutAsset        string                      `json:"amount_out_asset,omitempty"`
	AmountFee             string                      `json:"amount_fee,omitempty"`
	AmountFeeAsset        string                      `json:"amount_fee_asset,omitempty"`
	FeeDetails            *FeeDetails                 `json:"fee_details,omitempty"`
	QuoteID               string                      `json:"quote_id,omitempty"`
	StellarAccountID      string                      `json:"stellar_account_id,omitempty"`
	StellarMemoType       string                      `json:"stellar_memo_type,omitempty"`
	StellarMemo           string                      `json:"stellar_memo,omitempty"` // hash memos in base64, as SEP-31 has them
	StartedAt             time.Time                   `json:"started_at"`
	UpdatedAt             time.Time                   `json:"updated_at"`
	CompletedAt           *time.Time                  `json:"completed_at,omitempty"`
	StellarTransactionID  string                      `json:"stellar_transaction_id,omitempty"`
	ExternalTransactionID string                      `json:"external_transaction_id,omitempty"`
	Refunded              bool                        `json:"refunded,omitempty"`
	Refunds               *Refunds                    `json:"refunds,omitempty"`
	RequiredInfoMessage   string                      `json:"required_info_message,omitempty"`
	RequiredInfoUpdates   map[string]map[string]Field `json:"required_info_updates,omitempty"` // {"transaction": {name: field}}
}

// Refunds is SEP-31's refunds: what went back on the network, of payments that are in the ledger.
type Refunds struct {
	AmountRefunded string          `json:"amount_refunded"` // what was sent back in all
	AmountFee      string          `json:"amount_fee"`      // kept besides: the two together are what was refunded of amount_in
	Payments       []RefundPayment `json:"payments"`
}

// RefundPayment is one payment back.
type RefundPayment struct {
	ID     string `json:"id"`     // hash of the Stellar transaction
	Amount string `json:"amount"` // what was sent
	Fee    string `json:"fee"`    // kept of the payment besides
}

// FeeDetails is SEP-31's fee_details: the total is the sum of its details.
type FeeDetails struct {
	Total   string      `json:"total"`
	Asset   string      `json:"asset"`
	Details []FeeDetail `json:"details,omitempty"`
}

// FeeDetail is one part of a fee.
type FeeDetail struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Amount      string `json:"amount"`
}

// Field describes one datum that is asked for: a SEP-12 field, or one of SEP-31's (deprecated) transaction fields.
type Field struct {
	Type        FieldType `json:"type,omitempty"` // SEP-12 only
	Description string    `json:"description"`
	Choices     []string  `json:"choices,omitempty"`
	Optional    bool      `json:"optional,omitempty"`
}

// Customer is a SEP-12 customer as hooks get it. A nil *Customer is a valid customer of whom nothing is known.
type Customer struct {
	ID       string
	Version  int64                     // grows with every change of its values
	Type     string                    // the type in whose role it takes part, where there is one
	Statuses map[string]CustomerStatus // by type
	Values   map[string]string         // by SEP-9 (or custom) name: personal data, never to be logged
}

// Value returns the value of a SEP-9 field under any of its spellings; empty if it was not given.
func (c *Customer) Value(name string) string {
	if c == nil {
		return ""
	}
	return c.Values[SEP9Canonical(name)]
}

// Status returns the customer's status for its type in this transaction.
func (c *Customer) Status() CustomerStatus {
	if c == nil {
		return CustomerNeedsInfo
	}
	return c.Statuses[c.Type]
}
