package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// clients finds out whose request it is. Only what trusted proxies wrote is believed: of X-Forwarded-For, to which each
// proxy appends its own peer, that is the part from the right up to the first address that is no proxy of ours. All that
// is left of it is the client's invention, and so are all other headers that name an address.
type clients struct{ trusted []netip.Prefix }

func newClients(proxies []string) (clients, error) {
	c := clients{trusted: make([]netip.Prefix, len(proxies))}
	for i, proxy := range proxies {
		network, err := netip.ParsePrefix(proxy)
		if err != nil {
			return clients{}, fmt.Errorf("trusted proxy %q is not a network such as 10.0.0.0/8", proxy)
		}
		c.trusted[i] = unmapped(network).Masked()
	}
	return c, nil
}

// unmapped turns a network of IPv4 addresses that is written as IPv6 into what peers are compared with.
func unmapped(network netip.Prefix) netip.Prefix {
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		return netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network
}

// of is the client of a request; the zero Addr where even the peer has no address.
func (c clients) of(r *http.Request) netip.Addr {
	client, _ := parseHop(r.RemoteAddr)
	if !c.trusts(client) {
		return client
	}
	for _, line := range slices.Backward(r.Header[echo.HeaderXForwardedFor]) {
		for more := true; more; {
			var text string
			text, line, more = lastHop(line)
			if text == "" {
				continue
			}
			hop, ok := parseHop(text)
			if !ok {
				return client
			}
			if client = hop; !c.trusts(hop) {
				return client
			}
		}
	}
	return client
}

// lastHop takes the last element of a list.
func lastHop(list string) (last, rest string, more bool) {
	comma := strings.LastIndexByte(list, ',')
	if comma < 0 {
		return strings.TrimSpace(list), "", false
	}
	return strings.TrimSpace(list[comma+1:]), list[:comma], true
}

// parseHop reads an address, with a port or without, in brackets or not.
func parseHop(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// addrOf is the address of a peer; the zero Addr where it has none.
func addrOf(peer net.Addr) netip.Addr {
	addr, _ := parseHop(peer.String())
	return addr
}

func (c clients) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(c.trusted, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// text is the client of a request for echo.
func (c clients) text(r *http.Request) string {
	client := c.of(r)
	if !client.IsValid() {
		return ""
	}
	return client.String()
}
