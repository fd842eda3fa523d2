package anchor

import (
	"context"
	"log/slog"

	"github.com/anchorkit/anchor/pkg/money"
)

// Business is what a business plugs in. Whatever is nil is done as anchor.yaml declares it.
type Business struct {
	Receiver  Receiver
	Rails     map[string]Rail // by name; settings map each funding method to a name
	Customers CustomerIntegration
	Quotes    QuoteIntegration
	// Custody signs refunds; nil: the seed that was given when the receiving account was registered, or the remote signer.
	Custody Custody
	// Fee names the fee of a transaction, in units of the received asset. It is asked once, when the transaction is agreed;
	// the answer is frozen. nil: the asset's fixed and percent fee.
	Fee func(context.Context, FeeRequest) (Fee, error)
	// Toml may add to and change the stellar.toml document before it is served (SEP-1).
	Toml func(context.Context, *Document) error
	// Close is called once, after the last loop has ended.
	Close func() error
}

// Host is what the toolkit gives to a business while it is set up.
type Host struct {
	Log     *slog.Logger
	Setting func(key string, into any) error // decodes a key of the business: section of anchor.yaml
	Default Business                         // the declared integration, to embed and to fall back on
	Anchor  Operations                       // to speak first: late KYC, a bank's webhook
}

// Operations is how a business speaks first. Every method may be called from any goroutine and repeated safely.
type Operations interface {
	// Transaction returns a transaction as its sending anchor sees it, or an error of CodeNotFound.
	Transaction(ctx context.Context, id string) (Transaction, error)
	// SetCustomerStatus records what was decided about a customer; payouts that wait for it move on by themselves.
	SetCustomerStatus(ctx context.Context, customerID string, v Verdict) error
	// ReportPayout records what a rail says of an attempt without being asked, as a bank's webhook does.
	ReportPayout(ctx context.Context, key PayoutKey, o Outcome) error
}

// Receiver decides about transactions: Polaris' SEP31ReceiverIntegration. No method runs while a database transaction is open.
type Receiver interface {
	// Info says what is asked of a sending anchor for an asset (SEP-31 "GET Info").
	Info(context.Context, InfoRequest) (Info, error)
	// ValidSendingAnchor says whether an account belongs to a sending anchor with an agreement.
	ValidSendingAnchor(context.Context, SendingAnchor) (bool, error)
	// ProcessPostRequest accepts a transaction or refuses it with Refuse, CustomerInfoNeeded or TransactionInfoNeeded. The id
	// is final, but the row may never come: what it does must be safe to repeat and to have been for nothing.
	ProcessPostRequest(context.Context, PostRequest) (Acceptance, error)
	// ProcessPatchRequest checks updated fields (SEP-31 "PATCH Transaction"); nil accepts them.
	ProcessPatchRequest(context.Context, PatchRequest) error
}

// AssetInfo is a received asset as hooks see it.
type AssetInfo struct {
	Code, Issuer   string
	Decimals       int
	FundingMethods []string
}

// InfoRequest asks for the information of one asset.
type InfoRequest struct {
	Asset AssetInfo
	Lang  string // ISO 639-1
}

// Info is what is asked of a sending anchor for an asset.
type Info struct {
	SenderTypes, ReceiverTypes map[string]CustomerType // by name of the SEP-12 type; empty: no KYC of that side
	Fields                     map[string]Field        // transaction fields (deprecated by SEP-31 2.5.0), by name
}

// CustomerType describes a SEP-12 customer type.
type CustomerType struct {
	Description string `json:"description"`
}

// SendingAnchor is who speaks: what its SEP-10 token proves.
type SendingAnchor struct {
	Account      string // G…
	MemoType     string // "id" with a memo or a muxed account, else ""
	Memo         string // decimal
	Muxed        string // M…, where the token names one
	ClientDomain string
}

// PostRequest is a transaction before it exists, checked against asset, limits and customers.
type PostRequest struct {
	ID               string
	From             SendingAnchor
	Asset            AssetInfo
	Amount           money.Amount
	Fee              Fee // by the asset's terms or the business' Fee
	FundingMethod    string
	DestinationAsset string
	Sender, Receiver *Customer // nil where the request names none
	Fields           map[string]string
	Lang             string
	// Price is what a firm quote agreed on; nil without one. With DestinationAsset and no quote the price is made when the
	// payment has arrived.
	Price *Price
}

// Acceptance accepts a transaction. Its zero value accepts it as it stands.
type Acceptance struct {
	// Fee replaces the fee, before anything is shown or stored.
	Fee *Fee
	// SenderType and ReceiverType are the SEP-12 types in whose role the customers take part; empty: the only one Info names.
	SenderType, ReceiverType string
}

// PatchRequest is an update of transaction fields that a payout asked for.
type PatchRequest struct {
	Transaction Transaction
	Fields      map[string]string // only those given now
}

// FeeRequest asks for the fee of a transaction.
type FeeRequest struct {
	Asset         AssetInfo
	Amount        money.Amount
	FundingMethod string
	From          SendingAnchor
}

// Fee is a fee in units of the received asset, of a Price in units of the asset that is sold. Details, where there are any, add up to Total.
type Fee struct {
	Total   money.Amount
	Details []FeePart
}

// FeePart is one named part of a fee.
type FeePart struct {
	Name, Description string
	Amount            money.Amount
}

// CustomerIntegration decides about customers: Polaris' CustomerIntegration, without the storage, which the toolkit does.
type CustomerIntegration interface {
	// Get says which fields a type demands of a customer (SEP-12 "GET Customer"). An unknown type is refused with Refuse.
	Get(context.Context, CustomerGet) (CustomerRequirements, error)
	// Put decides about a customer after it gave values. It is called after they are stored and may be called again.
	Put(context.Context, CustomerPut) (Verdict, error)
	// Delete tells that a customer's data were erased (SEP-12 "DELETE Customer").
	Delete(context.Context, CustomerDelete) error
}

// CustomerGet asks for the requirements of a customer type. Customer is nil for one that is not known yet.
type CustomerGet struct {
	Customer *Customer
	Type     string // may be empty: the business' default
	Lang     string
	// Transaction is the one whose requirements are meant, with its amount and funding method (SEP-12 transaction_id); nil:
	// those of the type.
	Transaction *Transaction
}

// CustomerRequirements are the fields that a type demands, by SEP-9 name.
type CustomerRequirements struct {
	Type   string // the type that was meant
	Fields map[string]Field
}

// CustomerPut tells that a customer gave values.
type CustomerPut struct {
	Customer *Customer
	Type     string
	Changed  []string
	// Codes are verification codes given just now for fields whose code the business did not leave with the toolkit (see
	// FieldVerdict.Code), by the field's name. A field stays as it is unless the verdict accepts or rejects it.
	Codes map[string]string
}

// CustomerDelete tells that a customer is gone.
type CustomerDelete struct{ ID string }

// Verdict is what was decided about a customer in the role of one type.
type Verdict struct {
	Type    string
	Version int64 // Customer.Version that was judged: a verdict about another one is refused (CodeConflict); 0: whatever is there now
	Status  CustomerStatus
	Message string                  // required for CustomerRejected; for the sending anchor
	Fields  map[string]FieldVerdict // by SEP-9 name; those not named keep what was decided before
}

// FieldVerdict is what was decided about one value.
type FieldVerdict struct {
	Status FieldStatus
	Error  string // required for FieldRejected
	// Code is what was sent to the customer, with FieldVerificationRequired: the toolkit keeps it sealed, compares what comes
	// back (SEP-12 <field>_verification), a few times at most, and accepts the field. Empty: the business compares, see
	// CustomerPut.Codes.
	Code string
}

// Rails pays recipients: Polaris' RailsIntegration. Its methods may be called from several goroutines and processes at
// once, for different payouts; never for the same one.
type Rails interface {
	// ExecuteOutgoing makes one payout, under its key. Called again with the same key and the same bytes it must make the
	// same payout, not another. An error means that the outcome is unknown. The context ends well before the toolkit would
	// hand the payout to anyone else; SIGTERM does not cancel it, only the stop bound does.
	ExecuteOutgoing(ctx context.Context, p Payout) (Outcome, error)
	// PollOutgoing asks what became of accepted and unknown attempts. A key missing in the answer is no news. Order and
	// completeness of the answer do not matter.
	PollOutgoing(ctx context.Context, open []Payout) (map[PayoutKey]Outcome, error)
}

// Payout is one attempt as the rail gets it: fixed when the attempt was made, byte for byte the same at every resend.
type Payout struct {
	Key           PayoutKey         `json:"key"`
	TransactionID string            `json:"transaction_id"`
	Amount        string            `json:"amount"` // decimal, in units of Asset
	Asset         string            `json:"asset"`  // SEP-38 asset id
	FundingMethod string            `json:"funding_method"`
	Sender        *Customer         `json:"sender,omitempty"`
	Receiver      *Customer         `json:"receiver,omitempty"`
	Fields        map[string]string `json:"fields,omitempty"`
	ExternalID    string            `json:"-"` // what the rail answered before, for polling
}

// Document is the stellar.toml that is served (SEP-1), as tables of TOML values by their keys.
type Document struct {
	General       map[string]any   // VERSION, SIGNING_KEY, …
	Documentation map[string]any   // [DOCUMENTATION]
	Principals    []map[string]any // [[PRINCIPALS]]
	Currencies    []map[string]any // [[CURRENCIES]]
}
