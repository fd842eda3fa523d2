package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stellar/go-stellar-sdk/network"
)

// Role is what a process is about to do; it decides which settings must be there.
type Role string

// The roles. Operate is every command that reads or changes the database and nothing else.
const (
	RoleServe   Role = "serve"
	RoleWatch   Role = "watch-transactions"
	RoleExecute Role = "execute-outgoing"
	RolePoll    Role = "poll-outgoing"
	RoleRun     Role = "run"
	RoleMigrate Role = "migrate"
	RoleAssets  Role = "assets" // create-asset and its like
	RoleOperate Role = "operate"
)

// Supplied is what the business brought as Go values of its own; the settings then need not declare it.
type Supplied struct {
	Receiver  bool
	Customers bool
	Quotes    bool
	Rails     []string // names
}

// needs is what a role cannot do without.
type needs struct{ web, network, keys, payouts, business bool }

func (r Role) needs() (needs, bool) {
	switch r {
	case RoleServe:
		return needs{web: true, network: true, keys: true, payouts: true, business: true}, true
	case RoleRun:
		return needs{web: true, network: true, keys: true, payouts: true, business: true}, true
	case RoleExecute:
		return needs{network: true, keys: true, payouts: true, business: true}, true
	case RolePoll:
		return needs{keys: true, payouts: true, business: true}, true
	case RoleWatch: // which gives each payout its rail
		return needs{network: true, payouts: true}, true
	case RoleAssets:
		return needs{network: true}, true
	case RoleMigrate, RoleOperate:
		return needs{}, true
	default:
		return needs{}, false
	}
}

// Validate tells everything that keeps a process of this role from starting, as Faults. A value that is there is
// checked whatever the role; what must be there depends on it. It asks neither the network nor the database.
func (s Settings) Validate(role Role, supplied Supplied) error {
	need, ok := role.needs()
	if !ok {
		return fmt.Errorf("settings cannot be checked for %q: there is no such role", string(role))
	}
	c := &checker{s: s, need: need, supplied: supplied}
	c.server()
	c.network()
	c.database()
	c.keys()
	c.sep10()
	c.sep31()
	c.numbers()
	c.limits()
	c.log()
	c.documentation()
	c.customers()
	c.transactionFields()
	c.rails()
	c.exchange()
	c.refunds()
	c.remote()
	c.publicNetwork()
	return c.faults.err()
}

type checker struct {
	s        Settings
	need     needs
	supplied Supplied
	faults   Faults
}

// wrong reports a setting of the table, with the table's mend.
func (c *checker) wrong(key, problem string) { c.faults.add(settingOf(key).fault(problem)) }

// wrongWith reports a setting with a mend that knows more than the table.
func (c *checker) wrongWith(key, problem, mend string) {
	fault := settingOf(key).fault(problem)
	fault.Mend = mend
	c.faults.add(fault)
}

// public tells whether real money is at stake.
func (c *checker) public() bool { return c.s.Network.Passphrase == network.PublicNetworkPassphrase }

func (c *checker) keys() {
	keys := c.s.Keys
	if c.need.web && !keys.SigningSeed.IsSet() {
		c.wrong("keys.signing_seed", "is missing")
	}
	if keys.SigningSeed.IsSet() {
		c.signingSeed(keys.SigningSeed)
	}
	if c.need.web && !keys.ServerJWTKey.IsSet() {
		c.wrong("keys.server_jwt_key", "is missing")
	}
	if n := len(keys.ServerJWTKey); n > 0 && n < shortestJWTKey {
		c.wrong("keys.server_jwt_key", fmt.Sprintf("is %d bytes long, less than %d", n, shortestJWTKey))
	}
	_, err := keys.PreviousJWT()
	c.fault(err)
	if c.need.keys || keys.MasterKeys.IsSet() {
		_, err := keys.Master()
		c.fault(err)
	}
}

// fault takes over what was found elsewhere.
func (c *checker) fault(err error) {
	if fault := new(Fault); errors.As(err, &fault) {
		c.faults.add(fault)
	}
}

func (c *checker) numbers() {
	s := c.s
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"server.stop_timeout", s.Server.StopTimeout},
		{"sep10.challenge_lifetime", s.SEP10.ChallengeLifetime},
		{"sep10.token_lifetime", s.SEP10.TokenLifetime},
		{"sep10.client_attribution_request_timeout", s.SEP10.AttributionRequestTimeout},
		{"sep31.transaction_lifetime", s.SEP31.TransactionLifetime},
		{"sep38.quote_lifetime", s.SEP38.QuoteLifetime},
		{"customers.file_lifetime", s.Customers.FileLifetime},
		{"callbacks.request_timeout", s.Callbacks.RequestTimeout},
		{"callbacks.max_wait", s.Callbacks.MaxWait},
		{"workers.interval", s.Workers.Interval},
		{"workers.rail_timeout", s.Workers.RailTimeout},
		{"workers.batch_timeout", s.Workers.BatchTimeout},
		{"workers.lease", s.Workers.Lease},
	} {
		if d.value <= 0 {
			c.wrong(d.key, fmt.Sprintf("is %v, which is not above zero", d.value))
		}
	}
	if s.Customers.Retention < 0 {
		c.wrong("customers.retention", fmt.Sprintf("is %v", s.Customers.Retention))
	}
	c.countsUpToThousand()
	c.strangers()
	// A call to a rail must end well before the claim on it does; half of the lease is left for storing the answer.
	if s.Workers.Lease > 0 && s.Workers.Lease/2 < s.Workers.RailTimeout {
		c.wrong("workers.lease", fmt.Sprintf("is %v, less than twice ANCHOR_RAIL_TIMEOUT (%v)", s.Workers.Lease, s.Workers.RailTimeout))
	}
}

func (c *checker) countsUpToThousand() {
	const most = 1000
	for _, n := range []struct {
		key   string
		value int
	}{
		{"callbacks.max_attempts", c.s.Callbacks.MaxAttempts},
		{"callbacks.concurrency", c.s.Callbacks.Concurrency},
		{"workers.concurrency", c.s.Workers.Concurrency},
		{"workers.max_tries", c.s.Workers.MaxTries},
		{"customers.codes_per_hour", c.s.Customers.CodesPerHour},
	} {
		if n.value < 1 || n.value > most {
			c.wrong(n.key, fmt.Sprintf("is %d", n.value))
		}
	}
}

func (c *checker) strangers() {
	const mostCount, mostBytes = 1_000_000, 1 << 30
	for _, n := range []struct {
		key         string
		value, most int
	}{
		{"customers.stranger_customers", c.s.Customers.StrangerCustomers, mostCount},
		{"customers.stranger_bytes", c.s.Customers.StrangerBytes, mostBytes},
		{"customers.stranger_accounts", c.s.Customers.StrangerAccounts, mostCount},
	} {
		if n.value < 0 || n.value > n.most {
			c.wrong(n.key, fmt.Sprintf("is %d", n.value))
		}
	}
}

func (c *checker) limits() {
	l := c.s.Limits
	for _, limit := range []struct {
		key   string
		value int
	}{
		{"limits.requests_per_address", l.RequestsPerAddress},
		{"limits.logins_per_address", l.LoginsPerAddress},
		{"limits.customers_per_address", l.CustomersPerAddress},
		{"limits.requests_per_account", l.RequestsPerAccount},
		{"limits.customers_per_account", l.CustomersPerAccount},
		{"limits.connections", l.Connections},
	} {
		if limit.value < 0 {
			c.wrong(limit.key, fmt.Sprintf("is %d", limit.value))
		}
	}
	const leastFile, mostFile = 1 << 10, 32 << 20
	if l.FileBytes < leastFile || l.FileBytes > mostFile {
		c.wrong("limits.file_bytes", fmt.Sprintf("is %d", l.FileBytes))
	}
}

func (c *checker) log() {
	if level := c.s.Log.Level; !slices.Contains([]string{"debug", "info", "warn", "error"}, level) {
		c.wrong("log.level", "is "+show(level))
	}
	if format := c.s.Log.Format; format != "text" && format != "json" {
		c.wrong("log.format", "is "+show(format))
	}
}
