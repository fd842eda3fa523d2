package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// Suite says which anchor is judged, and by whom.
type Suite struct {
	Home       string // where stellar.toml is: http://localhost:8000
	Horizon    string // of a test network with a friendbot; without a trailing slash
	Passphrase string // of that network
	// AssetCode is the SEP-31 asset; empty: the first enabled one.
	AssetCode string
	// Customers are the people that are registered.
	Customers Customers
	// TransactionFields are sent with each transaction.
	TransactionFields map[string]string
	// Contexts are those of SEP-38 that quotes are asked for; empty: sep31.
	Contexts []string
	// HTTP makes the requests; nil: a client with a timeout.
	HTTP *http.Client
	// PollEvery is the time between two questions whether a customer is accepted; 0: a second.
	PollEvery time.Duration
	Now       func() time.Time // nil: the host's clock
}

// Customers are people by what is done with them.
type Customers struct {
	Created, Deleted Person // by the checks of SEP-12
	Sending          Person // sends in SEP-31
	Receiving        Person // receives in SEP-31
}

// Person is what is told of somebody (SEP-9), with the SEP-12 type that is asked about; it may be empty.
type Person struct {
	Type   string
	Fields map[string]string
}

// Result is what one check came to.
type Result struct {
	Number int    // that of the suite, 1 to 60
	SEP    int    // that it belongs to
	Name   string // what is demanded
	Needed int    // the check whose failure kept this one from running; 0: it ran
	Err    error  // what was expected and what came; nil: passed
}

// Passed tells whether the anchor does what is demanded.
func (r Result) Passed() bool { return r.Err == nil }

// String is one line for people: number, name, and what was expected and came.
func (r Result) String() string {
	line := fmt.Sprintf("%2d SEP-%d %s", r.Number, r.SEP, r.Name)
	if r.Passed() {
		return line + ": passed"
	}
	return line + ": " + r.Err.Error()
}

// Failed picks the checks that did not pass.
func Failed(results []Result) []Result {
	return slices.DeleteFunc(slices.Clone(results), Result.Passed)
}

// Report is what people read about failures, a line each; empty where there are none.
func Report(results []Result) string {
	var lines []string
	for _, r := range Failed(results) {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

// check is one demand. It may leave in the visit what later ones use.
type check struct {
	number, sep int
	name        string
	needs       []int // checks with lower numbers without which it cannot run
	run         func(*visit) error
}

func checks() []check {
	return slices.Concat(
		tomlChecks(), authTomlChecks(), challengeChecks(), tokenChecks(), signerChecks(),
		customerTomlChecks(), putCustomerChecks(), getCustomerChecks(), deleteCustomerChecks(),
		receiveInfoChecks(), postTransactionChecks(), getTransactionChecks(),
		exchangeInfoChecks(), pricesChecks(), priceChecks(), postQuoteChecks(), getQuoteChecks(),
		quotedTransactionChecks())
}

// visit is one run: what the checks learn from each other.
type visit struct {
	Suite
	ctx context.Context

	toml        document
	authURL     string
	signingKey  string
	client      *keypair.Full // the sending anchor itself
	token       string        // its own, sub G…
	kycURL      string
	created     string // id of the customer of check 24
	sending     registered
	receiving   registered
	paymentsURL string
	info        map[string]asset31
	asset       string // code
	transaction fetched
	quoted      fetched // the transaction with a quote
	exchange    exchange
	quote       map[string]any
}

// Run makes all checks in their order and returns 60 results. It is safe to run several at once: each run uses accounts of its own.
func (s Suite) Run(ctx context.Context) []Result {
	v, err := s.visit(ctx)
	failed := map[int]bool{}
	var results []Result
	for _, c := range checks() {
		r := Result{Number: c.number, SEP: c.sep, Name: c.name, Err: err}
		if err == nil {
			r = v.judge(c, failed)
		}
		failed[c.number] = !r.Passed()
		results = append(results, r)
	}
	return results
}

func (s Suite) visit(ctx context.Context) (*visit, error) {
	if s.HTTP == nil {
		s.HTTP = &http.Client{Timeout: time.Minute}
	}
	if s.PollEvery <= 0 {
		s.PollEvery = time.Second
	}
	if len(s.Contexts) == 0 {
		s.Contexts = []string{"sep31"}
	}
	s.Home, s.Now = strings.TrimRight(s.Home, "/"), clockOf(s.Now)
	client, err := keypair.Random()
	if err != nil {
		return nil, fmt.Errorf("an account for the sending anchor: %w", err)
	}
	return &visit{Suite: s, ctx: ctx, client: client}, nil
}

func (v *visit) judge(c check, failed map[int]bool) Result {
	r := Result{Number: c.number, SEP: c.sep, Name: c.name}
	if i := slices.IndexFunc(c.needs, func(n int) bool { return failed[n] }); i >= 0 {
		r.Needed = c.needs[i]
		r.Err = fmt.Errorf("did not run, since it needs check %d, which failed", r.Needed)
		return r
	}
	r.Err = c.run(v)
	return r
}

// expected is the error of every check: what should have come, and what came.
func expected(what string, came any) error {
	return fmt.Errorf("expected %s, came %v", what, came)
}

// nothing is what came where nothing did.
const nothing = "nothing"
