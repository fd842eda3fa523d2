package outbound

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuard_refuses_every_address_that_is_not_public(t *testing.T) {
	t.Parallel()
	guard := newGuard()
	for what, addresses := range map[string][]string{
		"unspecified":             {"0.0.0.0", "0.1.2.3", "::"},
		"loopback":                {"127.0.0.1", "127.255.255.254", "::1"},
		"private":                 {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"},
		"carrier-grade NAT":       {"100.64.0.1", "100.127.255.255"},
		"link-local":              {"169.254.1.1", "fe80::1", "febf::1", "fe80::1%eth0"},
		"metadata":                {"169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"},
		"unique local":            {"fc00::1", "fdff::1"},
		"site-local":              {"fec0::1"},
		"multicast":               {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"},
		"reserved":                {"240.0.0.1", "255.255.255.255", "4000::1", "100::1", "5f00::1", "::2"},
		"documentation":           {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"},
		"benchmarks":              {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		"6to4 relay":              {"192.88.99.1"},
		"Teredo":                  {"2001::1", "2001:0:7f00:1::"},
		"mapped private":          {"::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0"},
		"compatible":              {"::127.0.0.1", "::8.8.8.8"},
		"NAT64 of private":        {"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"},
		"NAT64 for local use":     {"64:ff9b:1::8.8.8.8"},
		"6to4 of private":         {"2002:a00:1::1", "2002:7f00:1::1", "2002:c0a8:101::1", "2002:a9fe:a9fe::1"},
		"mapped inside of 6to4":   {"2002:0:1::ffff"},
		"beyond public addresses": {"e000::1"},
	} {
		for _, address := range addresses {
			require.Error(t, guard.check(netip.MustParseAddr(address)), "%s: %s", what, address)
		}
	}
	require.Error(t, guard.check(netip.Addr{}), "no address at all")
}

func TestGuard_lets_public_addresses_through(t *testing.T) {
	t.Parallel()
	guard := newGuard()
	for _, address := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
		"169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "168.63.129.15", "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
	} {
		require.NoError(t, guard.check(netip.MustParseAddr(address)))
	}
}

func FuzzGuard_never_lets_a_wrapped_private_address_through(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{10, 1, 2, 3})
	f.Add([]byte{8, 8, 8, 8})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		inner, ok := netip.AddrFromSlice(bytes)
		if !ok || !inner.Is4() {
			return
		}
		guard := newGuard()
		v4 := inner.As4()
		mapped := netip.AddrFrom16(inner.As16())
		nat64 := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: v4[0], v4[1], v4[2], v4[3]})
		sixTo4 := netip.AddrFrom16([16]byte{0x20, 0x02, v4[0], v4[1], v4[2], v4[3], 15: 1})
		for _, wrapped := range []netip.Addr{mapped, nat64, sixTo4} {
			require.Equal(t, guard.public(inner), guard.public(wrapped), "%s in %s", inner, wrapped)
		}
		if inner.IsPrivate() || inner.IsLoopback() || inner.IsLinkLocalUnicast() || inner.IsMulticast() || inner.IsUnspecified() {
			require.False(t, guard.public(inner))
		}
	})
}
