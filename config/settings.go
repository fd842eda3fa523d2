package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Settings is everything that a process is told. Load fills it; it is not changed afterwards and may be read from
// any goroutine.
type Settings struct {
	Server        Server
	Network       Network
	Database      Database
	Keys          Keys
	SEP10         SEP10
	SEP31         SEP31
	SEP38         SEP38
	Limits        Limits
	Callbacks     Callbacks
	Workers       Workers
	Refunds       Refunds
	Remote        Remote
	Log           Log
	Documentation Documentation

	Principals        []Principal
	Customers         Customers
	TransactionFields []TransactionField
	Rails             []Rail
	FundingMethods    []FundingMethod
	OffChainAssets    []OffChainAsset
	ExchangePairs     []ExchangePair
	Policies          []Policy

	business *yaml.Node // the business: section as it stands in the file; nil without one
}

// Server says where and what `anchor serve` answers.
type Server struct {
	ActiveSEPs     []string // lower case, each once: "sep-1", "sep-10", …
	HostURL        string   // public address of the server, without a trailing slash
	LocalMode      bool     // plain http and private addresses, for development
	SEP23          bool     // M… accounts are accepted (SEP-23)
	Listen         string   // host:port; derived from HostURL where it is not set
	OperatorListen string   // host:port of health and metrics of any long-running process; "" is off
	TrustedProxies []string // CIDRs whose X-Forwarded-For is believed
	StopTimeout    time.Duration
	TLSCertificate string // path of a PEM file; "" is plain http, behind a proxy that ends TLS
	TLSKey         string // path of a PEM file
	TomlFile       string // path of a stellar.toml whose entries are merged into the one that is served
}

// Active tells whether the SEP, "sep-31", is switched on.
func (s Server) Active(sep string) bool { return slices.Contains(s.ActiveSEPs, sep) }

// Values of Network.LedgerSource.
const (
	LedgerHorizon = "horizon"
	LedgerRPC     = "rpc"
)

// Network is the Stellar network.
type Network struct {
	HorizonURIs    []string // without trailing slashes; the first that answers is used
	HorizonHeaders Secret   // "Name: value" pairs, as hosted Horizons want them; see Network.Headers
	LedgerSource   string   // horizon or rpc: where payments are read from
	RPCURL         Secret   // of a Stellar RPC; may hold a key
	RPCHeaders     Secret
	Passphrase     string
	MaxFeeStroops  int // most that one operation of ours may cost; 0 leaves it to the network's own figures
}

// Database says where the tables are. Both values may hold a password.
type Database struct {
	URL       Secret // sqlite:PATH or postgres://…
	ListenURL Secret // direct connection for LISTEN past a pooler; empty is URL
}

// Keys are the secrets of the anchor itself.
type Keys struct {
	SigningSeed     Secret // S…, signs challenges and callbacks
	ServerJWTKey    Secret // signs tokens
	PreviousJWTKeys Secret // verify tokens that were signed before; see Keys.PreviousJWT
	MasterKeys      Secret // id:base64,…; see Keys.Master
}

// SEP10 is authentication.
type SEP10 struct {
	HomeDomains               []string // host[:port]; that of HostURL where none is set
	ChallengeLifetime         time.Duration
	TokenLifetime             time.Duration
	AttributionRequired       bool
	AttributionRequestTimeout time.Duration
	AttributionAllowlist      []string
	AttributionDenylist       []string
}

// SEP31 is the intake of transactions.
type SEP31 struct {
	SendingAnchors      []string      // accounts, G…; empty admits nobody, with LocalMode everybody
	TransactionLifetime time.Duration // until an unpaid transaction expires
	MemoType            string        // id, hash or text: of the memos that are given out
	KYCAfterPost        bool          // a request that names no customers is agreed on, and its memo withheld until both are accepted
}

// SEP38 is quotes.
type SEP38 struct {
	QuoteLifetime  time.Duration // of the declared integration's firm quotes
	QuotesRequired bool          // SEP-31 transactions need a quote wherever one can be had
}

// Limits is how much one client may ask for; 0 is no limit. Rates are per second.
type Limits struct {
	RequestsPerAddress  int // everything
	LoginsPerAddress    int // requests to /auth; a login is two
	CustomersPerAddress int // requests to /kyc
	RequestsPerAccount  int // everything with a token
	CustomersPerAccount int // requests to /kyc with a token
	Connections         int // open at once
	FileBytes           int // of one photo or document
}

// Callbacks is the delivery of status messages to sending anchors.
type Callbacks struct {
	RequestTimeout time.Duration
	DomainDenylist []string
	MaxAttempts    int           // then a message is set aside for the operator
	MaxWait        time.Duration // longest pause between two attempts
	Concurrency    int           // messages under way at once
}

// Workers is the behaviour of the loops.
type Workers struct {
	Interval    time.Duration // longest wait of a loop that nothing woke
	Concurrency int           // payouts at once
	MaxTries    int           // of a payout that turns out not to have been sent
	RailTimeout time.Duration // longest call to a rail
	// BatchTimeout is the longest call to a rail that is handed a batch.
	BatchTimeout time.Duration
	Lease        time.Duration // how long claimed work belongs to its claimer
}

// Refunds is how money goes back on the network.
type Refunds struct {
	SignerURL        Secret        // remote signer of receiving accounts that are registered with it; may hold a key
	SignerToken      Secret        // bearer token for it
	TimeBound        time.Duration // how long an envelope may land
	ExcludedAccounts []string      // to which nothing goes back by itself, G…
	TreasuryAccounts []string      // to which the business moves received money itself, G…
}

// Remote is the business' own server, which the anchor asks over HTTP.
type Remote struct {
	URL         string // without a trailing slash; "" is none
	Keys        Secret // id:base64,…; see Remote.Keyring
	CAFile      string // path of a PEM file; "" trusts what this machine trusts
	Timeout     time.Duration
	RailTimeout time.Duration
	Parts       []string // receiver, customers, quotes, fee
}

// Asks tells whether the server is asked about a part.
func (r Remote) Asks(part string) bool { return r.URL != "" && slices.Contains(r.Parts, part) }

// Values of Remote.Parts.
const (
	PartReceiver  = "receiver"
	PartCustomers = "customers"
	PartQuotes    = "quotes"
	PartFee       = "fee"
)

// Log is what the log looks like.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// Documentation is the [DOCUMENTATION] table of stellar.toml (SEP-1); an empty text is not published.
type Documentation struct {
	OrgName                       string
	OrgDBA                        string
	OrgURL                        string
	OrgLogo                       string
	OrgDescription                string
	OrgPhysicalAddress            string
	OrgPhysicalAddressAttestation string
	OrgPhoneNumber                string
	OrgPhoneNumberAttestation     string
	OrgKeybase                    string
	OrgTwitter                    string
	OrgGithub                     string
	OrgOfficialEmail              string
	OrgSupportEmail               string
	OrgLicensingAuthority         string
	OrgLicenseType                string
	OrgLicenseNumber              string
}
