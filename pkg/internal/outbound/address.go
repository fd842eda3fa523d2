package outbound

import (
	"fmt"
	"net/netip"
)

// guard knows which addresses belong to nobody on the public internet. Its lists follow the special-purpose registries
// of IANA; in IPv6 only global unicast is let through at all.
type guard struct {
	closed4 []netip.Prefix
	closed6 []netip.Prefix
	global6 netip.Prefix
	nat64   netip.Prefix
	sixTo4  netip.Prefix
}

func newGuard() guard {
	return guard{
		closed4: prefixes(
			"0.0.0.0/8",        // this network
			"10.0.0.0/8",       // private
			"100.64.0.0/10",    // carrier-grade NAT, metadata of one cloud
			"127.0.0.0/8",      // loopback
			"168.63.129.16/32", // metadata of one cloud, on a public address
			"169.254.0.0/16",   // link-local, metadata of most clouds
			"172.16.0.0/12",    // private
			"192.0.0.0/24",     // protocol assignments, metadata of one cloud
			"192.0.2.0/24",     // documentation
			"192.88.99.0/24",   // 6to4 relays
			"192.168.0.0/16",   // private
			"198.18.0.0/15",    // benchmarks
			"198.51.100.0/24",  // documentation
			"203.0.113.0/24",   // documentation
			"224.0.0.0/4",      // multicast
			"240.0.0.0/4",      // reserved, broadcast
		),
		closed6: prefixes(
			"2001::/23",     // protocol assignments, Teredo among them
			"2001:db8::/32", // documentation
			"3fff::/20",     // documentation
		),
		global6: netip.MustParsePrefix("2000::/3"),
		nat64:   netip.MustParsePrefix("64:ff9b::/96"),
		sixTo4:  netip.MustParsePrefix("2002::/16"),
	}
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// check refuses an address that is not public, also where an IPv6 address only wraps an IPv4 one.
func (g guard) check(addr netip.Addr) error {
	if !g.public(addr) {
		return fmt.Errorf("%s is not a public address", addr)
	}
	return nil
}

func (g guard) public(addr netip.Addr) bool {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid() || addr.Zone() != "":
		return false
	case addr.Is4():
		return !within(g.closed4, addr)
	case g.nat64.Contains(addr):
		return g.public(embedded(addr, 12))
	case g.sixTo4.Contains(addr):
		return g.public(embedded(addr, 2))
	default:
		return g.global6.Contains(addr) && !within(g.closed6, addr)
	}
}

func embedded(addr netip.Addr, offset int) netip.Addr {
	bytes := addr.As16()
	return netip.AddrFrom4([4]byte(bytes[offset : offset+4]))
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
