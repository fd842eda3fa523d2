package httpserver

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// Limits are requests per second; twice as many may come at once, and 0 is no limit. An address is an IPv4 address or
// an IPv6 network of 64 bits: whoever has one address of such a network has them all.
type Limits struct {
	RequestsPerAddress  int // everything
	LoginsPerAddress    int // below /auth; a login takes two requests
	CustomersPerAddress int // below /kyc
	RequestsPerAccount  int // everything with a token
	CustomersPerAccount int // below /kyc, with a token
}

// Class is the path below which a limit holds.
type Class string

// The classes. What is in a class of its own counts in Everything as well.
const (
	Everything Class = "/"
	Logins     Class = "/auth"
	Customers  Class = "/kyc"
)

// address is a client as it is counted.
type address [16]byte

// addressOf counts all addresses of an IPv6 network as one. An IPv4 address comes as such, not written as IPv6.
func addressOf(client netip.Addr) address {
	if network, err := client.Prefix(64); err == nil && client.Is6() {
		client = network.Addr()
	}
	return client.As16()
}

// limit is one of Limits at work.
type limit[K comparable] struct {
	class Class
	name  string // as in the metrics
	paces *paces[K]
}

// limits are Limits at work, the strict ones before those that hold for everything.
type limits struct {
	elapsed   func() time.Duration
	addresses []limit[address]
	accounts  []limit[string]
}

func newLimits(l Limits, now clock) limits {
	return limits{
		elapsed: now.since(),
		addresses: []limit[address]{
			{Logins, "logins_per_address", newPaces[address](l.LoginsPerAddress, mostClients)},
			{Customers, "customers_per_address", newPaces[address](l.CustomersPerAddress, mostClients)},
			{Everything, "requests_per_address", newPaces[address](l.RequestsPerAddress, mostClients)},
		},
		accounts: []limit[string]{
			{Customers, "customers_per_account", newPaces[string](l.CustomersPerAccount, mostClients)},
			{Everything, "requests_per_account", newPaces[string](l.RequestsPerAccount, mostClients)},
		},
	}
}

// exceeded takes a request into account where each limit that holds for it allows it, and else names the one that does
// not. The strict ones come first: who logs in too fast can still ask for the rest.
func exceeded[K comparable](list []limit[K], holds func(Class) bool, client K, now time.Duration) (name string, wait time.Duration) {
	for _, l := range list {
		if !holds(l.class) {
			continue
		}
		if wait := l.paces.take(client, now); wait > 0 {
			return l.name, wait
		}
	}
	return "", 0
}

// perAddress refuses what a client asks too fast, before anything of the request is looked at but its path.
func (s *Server) perAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		holds := func(class Class) bool { return class == Everything || below(r.URL.Path, string(class)) }
		if name, wait := exceeded(s.limits.addresses, holds, addressOf(s.clients.of(r)), s.limits.elapsed()); wait > 0 {
			return s.tooFast(c, name, wait)
		}
		return next(c)
	}
}

// PerAccount is a middleware that refuses what one account asks too fast. It belongs behind the one that verifies tokens:
// account names whom the token of a request was made for, "" for nobody, who is not limited. It must name the account
// alone, without a memo: memos are invented by whoever logs in. Class says what the routes below it count as; it is
// Everything or Customers.
func (s *Server) PerAccount(class Class, account func(echo.Context) string) echo.MiddlewareFunc {
	holds := func(other Class) bool { return other == Everything || other == class }
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			who := account(c)
			if who == "" {
				return next(c)
			}
			if name, wait := exceeded(s.limits.accounts, holds, who, s.limits.elapsed()); wait > 0 {
				return s.tooFast(c, name, wait)
			}
			return next(c)
		}
	}
}

// tooFast tells a client when to come back, in whole seconds (RFC 9110, 10.2.3).
func (s *Server) tooFast(c echo.Context, limit string, wait time.Duration) error {
	s.metrics.refusals.WithLabelValues(limit).Inc()
	seconds := int64((wait + time.Second - 1) / time.Second)
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.FormatInt(seconds, 10))
	return anchor.RefuseAs(anchor.CodeRateLimited, "too many requests; Retry-After says how many seconds to wait")
}

// Both is one middleware of two: a request passes the first and then the second.
func Both(first, second echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return first(second(next)) }
}
