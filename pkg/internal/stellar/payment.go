package stellar

import (
	"encoding/json"
	"time"
)

// The kinds of operation that increase a balance.
const (
	KindPayment       = "payment"
	KindPathPayment   = "path_payment"
	KindCreateAccount = "create_account"
	KindAccountMerge  = "account_merge"
	KindContract      = "contract" // transfer or mint of a Stellar asset contract
	KindUnknown       = "unknown"  // only ever of an unreadable payment
)

// The code of the network's own asset in Payment and Balance; its issuer is empty, which no credit asset's is.
const NativeCode = "native"

// The memo types, as Horizon spells them.
const (
	MemoNone   = "none"
	MemoText   = "text"
	MemoID     = "id"
	MemoHash   = "hash"
	MemoReturn = "return"
)

// Payment is one increase of an account's balance by somebody else's operation. (Account, OperationID, Index) names it.
type Payment struct {
	Account     string // the account whose page it was on, and whose balance grew
	OperationID int64  // ledger<<32 | transaction<<12 | operation, as in SEP-35
	// Index is 0 for classic operations, else the ordinal among the operation's Stellar-asset events that name the account.
	Index int
	Kind  string
	// InnerHash is the hash that the payer signed, OuterHash that of the fee bump around it; equal where there is none.
	InnerHash, OuterHash string
	Ledger               int64
	ClosedAt             time.Time // when that ledger closed, UTC
	// From is who paid: G…, or C… for a contract, empty for a mint. To is Account, save where the record is unreadable.
	From, To               string
	FromMuxedID, ToMuxedID string          // decimal, or empty
	AssetCode, AssetIssuer string          // NativeCode and "" for the network's own asset
	Units                  int64           // 10^-7 of the asset, greater than 0 unless Unreadable
	MemoType, Memo         string          // canonical: none "", id decimal, hash and return lower hex, text base64 of its bytes
	Unreadable             string          // why the record could not be understood; Units is then 0 and other fields may be empty
	Raw                    json.RawMessage // the record as received, valid UTF-8; only of an unreadable payment
}

// Ledger is one closed ledger. Its Hash is lower hex.
type Ledger struct {
	Sequence int64
	ClosedAt time.Time
	Hash     string
}

// Page is what one answer told about an account, oldest first.
type Page struct {
	Records  int       // how many records were passed, payments or not
	Payments []Payment // in order of (OperationID, Index)
	// Outgoing are decreases by the account's own operations that send (payments, path payments by what they cost, created
	// accounts, its own merge, asset-contract transfers from it and burns, which have no To): From is the account. What goes
	// from the account to itself is neither here nor in Payments. In order of (OperationID, Index).
	Outgoing []Payment
	Position int64 // id of the last record passed, or the cursor asked for
	Full     bool  // there may be more behind Position already
	// Through is the newest ledger that the endpoint announced before it answered the page: if the page is not full,
	// every payment up to and in that ledger has been passed. Its Hash is empty when the page is full or the endpoint
	// would not tell it. A Horizon that has only just started announces sequence 0.
	Through Ledger
	Elder   int64 // oldest ledger the endpoint keeps; a position in an older one may have missed payments
}
