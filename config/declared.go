package config

import "time"

// Values of CustomerType.Side, CustomerType.Accept, CustomerField.Type, Rail.Kind and Rail.Outcome.
const (
	SideSender   = "sender"
	SideReceiver = "receiver"

	AcceptAutomatic = "automatic"
	AcceptOperator  = "operator"

	FieldString = "string"
	FieldNumber = "number"
	FieldDate   = "date"
	FieldBinary = "binary"

	OutcomeDelivered = "delivered"
	OutcomeAccepted  = "accepted"
	OutcomeFailing   = "failing"
)

// The lists below are read from anchor.yaml by their tags: yaml is the key, doc the manual's words, default the value
// of a key that is absent. They are lists with `name:`, never maps keyed by names, so that names keep their case.

// Principal is one entry of [[PRINCIPALS]] in stellar.toml (SEP-1).
type Principal struct {
	Name                  string `yaml:"name" doc:"full legal name"`
	Email                 string `yaml:"email" doc:"business e-mail address"`
	Keybase               string `yaml:"keybase" doc:"Keybase account"`
	Telegram              string `yaml:"telegram" doc:"Telegram account"`
	Twitter               string `yaml:"twitter" doc:"Twitter account"`
	Github                string `yaml:"github" doc:"GitHub account"`
	IDPhotoHash           string `yaml:"id_photo_hash" doc:"SHA-256 of a photo of the identity document"`
	VerificationPhotoHash string `yaml:"verification_photo_hash" doc:"SHA-256 of a verification photo"`
}

// Customers is what the declared integration asks of people (SEP-12).
type Customers struct {
	Types        []CustomerType
	Retention    time.Duration // how long sealed data of deleted customers with funded transactions are kept
	FileLifetime time.Duration // how long a file waits for the customer it belongs to
	CodesPerHour int           // verification codes that a field is sent

	// Of accounts that are no sending anchors of the business; 0 is nothing.
	StrangerAccounts  int // that keep anything here, altogether
	StrangerCustomers int // of one account
	StrangerBytes     int // of one account, as they are stored
}

// CustomerType is one SEP-12 type.
type CustomerType struct {
	Name        string          `yaml:"name" doc:"the type that clients name in SEP-12 requests"`
	Side        string          `yaml:"side" doc:"sender or receiver: the side of a transaction that it is for"`
	Description Text            `yaml:"description" doc:"what clients are told about it, in their language"`
	Accept      string          `yaml:"accept" default:"automatic" doc:"automatic accepts whoever gave all fields; operator waits for the operator. automatic is refused on the public network"`
	Fields      []CustomerField `yaml:"fields" doc:"the SEP-9 fields that it needs"`
}

// CustomerField is one SEP-9 field of a customer type.
type CustomerField struct {
	Name        string   `yaml:"name" doc:"SEP-9 name"`
	Description Text     `yaml:"description" doc:"what clients are told about it, in their language"`
	Type        string   `yaml:"type" default:"string" doc:"string, number, date or binary"`
	Choices     []string `yaml:"choices" doc:"the only values accepted; none: any"`
	Optional    bool     `yaml:"optional" default:"false" doc:"customers are accepted without it"`
}

// TransactionField is one value that a sending anchor gives with each transaction (SEP-31 fields.transaction).
type TransactionField struct {
	Name        string   `yaml:"name" doc:"key in fields.transaction"`
	Description Text     `yaml:"description" doc:"what clients are told about it, in their language"`
	Choices     []string `yaml:"choices" doc:"the only values accepted; none: any"`
	Optional    bool     `yaml:"optional" default:"false" doc:"transactions are accepted without it"`
}

// FundingMethod maps a funding method of the assets (SEP-31) to the rail that pays it.
type FundingMethod struct {
	Name string        `yaml:"name" doc:"funding method as SEP-31 /info shows it"`
	Rail string        `yaml:"rail" doc:"name of a rail, declared here or brought by the business"`
	ETA  time.Duration `yaml:"eta" default:"0s" doc:"how long a payout usually takes, shown as status_eta; 0s: not shown"`
}

// OffChainAsset is an asset outside the network that recipients are paid in (SEP-38).
type OffChainAsset struct {
	Asset               string           `yaml:"asset" doc:"SEP-38 name, such as iso4217:BRL"`
	Decimals            int              `yaml:"decimals" default:"2" doc:"decimals of its amounts, 0 to 7"`
	CountryCodes        []string         `yaml:"country_codes" doc:"where it is paid out, ISO 3166-1 alpha-2 or 3166-2; none: anywhere"`
	BuyDeliveryMethods  []DeliveryMethod `yaml:"buy_delivery_methods" doc:"how recipients get it: the names of funding methods"`
	SellDeliveryMethods []DeliveryMethod `yaml:"sell_delivery_methods" doc:"how it is taken in; not needed for SEP-31"`
}

// DeliveryMethod is a way in which an off-chain asset changes hands.
type DeliveryMethod struct {
	Name        string `yaml:"name" doc:"name as SEP-38 /info shows it; for SEP-31 that of a funding method"`
	Description Text   `yaml:"description" doc:"what clients are told about it, in their language"`
}

// ExchangePair is a price of the declared integration.
type ExchangePair struct {
	Sell          string `yaml:"sell" doc:"the received asset, as stellar:CODE:ISSUER"`
	Buy           string `yaml:"buy" doc:"the off-chain asset, as iso4217:XXX"`
	Rate          string `yaml:"rate" doc:"how much of buy one unit of sell is worth, before spread and fee"`
	SpreadPercent string `yaml:"spread_percent" default:"0" doc:"by how much less is given, in percent of the rate"`
	FeeFixed      string `yaml:"fee_fixed" default:"0" doc:"fee in units of sell"`
	FeePercent    string `yaml:"fee_percent" default:"0" doc:"fee in percent of what is sold"`
	Min           string `yaml:"min" default:"0" doc:"least amount of sell"`
	Max           string `yaml:"max" default:"0" doc:"greatest amount of sell; 0 is no limit"`
}

// What becomes of payments that are not what was agreed; see Policy.
const (
	PolicyHold         = "hold"
	PolicyAccept       = "accept"
	PolicyAccumulate   = "accumulate"
	PolicyRefund       = "refund"
	PolicyRefundExcess = "refund_excess"
)

// Policy says what becomes of payments in an asset that are not exactly what was agreed.
type Policy struct {
	Asset          string `yaml:"asset" doc:"the received asset, as stellar:CODE:ISSUER; none: every asset that has no entry of its own"`
	Underpaid      string `yaml:"underpaid" default:"hold" doc:"less than agreed: hold, accept, accumulate (until the rest comes or the transaction runs out; it then goes back) or refund"`
	Overpaid       string `yaml:"overpaid" default:"hold" doc:"more than agreed: hold, accept or refund_excess"`
	Tolerance      string `yaml:"tolerance" default:"0" doc:"difference, in the received asset, up to which another amount is accepted whatever underpaid and overpaid say"`
	Late           string `yaml:"late" default:"hold" doc:"after the transaction ran out: hold or refund"`
	Duplicate      string `yaml:"duplicate" default:"hold" doc:"for a transaction that was paid or is over: hold or refund"`
	WrongAsset     string `yaml:"wrong_asset" default:"hold" doc:"in this asset for a transaction in another: hold or refund"`
	Unmatched      string `yaml:"unmatched" default:"hold" doc:"without a transaction to belong to: hold or refund"`
	RefundFee      string `yaml:"refund_fee" default:"0" doc:"kept of each refund that is made by itself"`
	RefundFloor    string `yaml:"refund_floor" default:"0" doc:"least amount that goes back by itself; above 0 where anything does"`
	RefundDailyCap string `yaml:"refund_daily_cap" default:"0" doc:"most that goes back by itself per receiving account and day; 0 is no limit"`
}

// PolicyOf is the policy for an asset, as stellar:CODE:ISSUER: its own entry, else the one for all, else to hold everything.
func (s Settings) PolicyOf(asset string) Policy {
	found := Policy{
		Underpaid: PolicyHold, Overpaid: PolicyHold, Tolerance: "0", Late: PolicyHold, Duplicate: PolicyHold, WrongAsset: PolicyHold,
		Unmatched: PolicyHold, RefundFee: "0", RefundFloor: "0", RefundDailyCap: "0",
	}
	for _, p := range s.Policies {
		if p.Asset == asset {
			return p
		}
		if p.Asset == "" {
			found = p
		}
	}
	return found
}

// RailOf returns the name of the rail of a funding method; false where the settings know no such method.
func (s Settings) RailOf(fundingMethod string) (string, bool) {
	for _, method := range s.FundingMethods {
		if method.Name == fundingMethod {
			return method.Rail, true
		}
	}
	return "", false
}

// ETAOf is how long a payout by a funding method usually takes; 0 where the settings do not say.
func (s Settings) ETAOf(fundingMethod string) time.Duration {
	for _, method := range s.FundingMethods {
		if method.Name == fundingMethod {
			return method.ETA
		}
	}
	return 0
}

// defaultCustomerTypes are those of the Polaris manual's cross-border chapter.
func defaultCustomerTypes() []CustomerType {
	return []CustomerType{
		{
			Name: "sep31-sender", Side: SideSender, Accept: AcceptAutomatic,
			Description: english("the person who sends the money"),
			Fields: []CustomerField{
				{Name: "first_name", Type: FieldString, Description: english("given name")},
				{Name: "last_name", Type: FieldString, Description: english("family name")},
				{Name: "email_address", Type: FieldString, Description: english("e-mail address")},
			},
		},
		{
			Name: "sep31-receiver", Side: SideReceiver, Accept: AcceptAutomatic,
			Description: english("the person who receives the money"),
			Fields: []CustomerField{
				{Name: "first_name", Type: FieldString, Description: english("given name")},
				{Name: "last_name", Type: FieldString, Description: english("family name")},
				{Name: "bank_account_number", Type: FieldString, Description: english("number of the bank account")},
				{Name: "bank_number", Type: FieldString, Description: english("routing number of the bank")},
			},
		},
	}
}
