package config

import (
	"fmt"
	"net"
	"slices"
	"time"
)

// remote checks what is said of the business' own server.
func (c *checker) remote() {
	r := c.s.Remote
	for i, part := range r.Parts {
		if !slices.Contains([]string{PartReceiver, PartCustomers, PartQuotes, PartFee}, part) || slices.Contains(r.Parts[:i], part) {
			c.wrong("remote.parts", "has "+show(part))
		}
	}
	if r.URL == "" {
		if len(r.Parts) > 0 {
			c.wrong("remote.url", "is missing, and remote.parts has something to ask it about")
		}
		return
	}
	u, problem := parseWebAddress(r.URL)
	switch {
	case problem != "":
		c.wrong("remote.url", problem)
	case u.Scheme == "http" && !c.s.Server.LocalMode && !onThisMachine(u.Hostname()):
		c.wrong("remote.url", "is http, and not on this machine: personal data would leave it unencrypted")
	}
	_, err := r.Keyring()
	c.fault(err)
	c.readable("remote.ca_file", r.CAFile)
	if r.Timeout <= 0 {
		c.wrong("remote.timeout", fmt.Sprintf("is %v, which is not above zero", r.Timeout))
	}
	if r.RailTimeout <= 0 || r.RailTimeout >= c.s.Workers.RailTimeout {
		c.wrong("remote.rail_timeout", fmt.Sprintf("is %v, not between zero and ANCHOR_RAIL_TIMEOUT (%v)", r.RailTimeout, c.s.Workers.RailTimeout))
	}
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// remoteRail checks what a remote rail promises: a request is good for some minutes after it was signed, so a server that
// does not know a payout may still get it within that time.
func (c *checker) remoteRail(at string, rail Rail) {
	if rail.Kind == RailRemote && c.s.Remote.URL == "" {
		c.item(at+".kind", "is remote, but no server is named", "set remote.url, or ANCHOR_REMOTE_URL")
	}
	const least = 5 * time.Minute
	if d := rail.NotKnownFinalAfter; d < 0 || d > 0 && d <= least {
		c.item(at+".not_known_final_after", fmt.Sprintf("is %v", d), "give 0s, or more than 5m, such as 10m")
	}
	if rail.SameKeySafeFor < 0 {
		c.item(at+".same_key_safe_for", fmt.Sprintf("is %v", rail.SameKeySafeFor), "give a duration of zero or more, such as 720h")
	}
}
