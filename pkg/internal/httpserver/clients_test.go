package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

func TestTheClientIsThePeerUnlessATrustedProxySaysOtherwise(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted []string
		peer    string
		want    string
	}{
		"no proxies":             {nil, "10.0.0.1:1", "10.0.0.1"},
		"a trusted proxy":        {[]string{"10.0.0.0/8"}, "10.0.0.1:1", "203.0.113.7"},
		"a private stranger":     {[]string{"10.0.0.0/8"}, "192.168.0.1:1", "192.168.0.1"},
		"a process on this host": {[]string{"10.0.0.0/8"}, "127.0.0.1:1", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(o *httpserver.Options) { o.TrustedProxies = c.trusted })
			b.group.GET("/ip", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
			r := httptest.NewRequest(http.MethodGet, "/sep/ip", nil)
			r.RemoteAddr = c.peer
			r.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.7")
			r.Header.Set("X-Real-Ip", "198.51.100.2")
			require.Equal(t, c.want, b.do(r).Body.String())
		})
	}
	_, err := httpserver.New(httpserver.Options{TrustedProxies: []string{"10.0.0.1"}})
	require.ErrorContains(t, err, `"10.0.0.1" is not a network`)
}

func TestOfXForwardedForOnlyWhatTrustedProxiesWroteIsBelieved(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *httpserver.Options) {
		o.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1/32", "2001:db8:ffff::/48", "::ffff:172.16.0.0/108"}
	})
	b.group.GET("/ip", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
	const proxy = "10.0.0.1:1"
	for name, c := range map[string]struct {
		peer   string
		header []string
		want   string
	}{
		"no header":                           {proxy, nil, "10.0.0.1"},
		"an empty header":                     {proxy, []string{""}, "10.0.0.1"},
		"only commas":                         {proxy, []string{" ,, , "}, "10.0.0.1"},
		"one hop":                             {proxy, []string{"203.0.113.7"}, "203.0.113.7"},
		"a spoofed left part":                 {proxy, []string{"1.1.1.1, 8.8.8.8, 203.0.113.7"}, "203.0.113.7"},
		"a spoofed part that looks like ours": {proxy, []string{"10.9.9.9, 192.0.2.1, 203.0.113.7"}, "203.0.113.7"},
		"several proxies of ours":             {proxy, []string{"1.1.1.1, 203.0.113.7, 192.0.2.1,10.4.5.6"}, "203.0.113.7"},
		"several lines":                       {proxy, []string{"1.1.1.1", "203.0.113.7", "10.4.5.6, 10.4.5.7"}, "203.0.113.7"},
		"many hops":                           {proxy, []string{strings.Repeat("1.1.1.1,", 3000) + "203.0.113.7" + strings.Repeat(", 10.0.0.2", 500)}, "203.0.113.7"},
		"garbage on the left":                 {proxy, []string{"<script>, unknown, 203.0.113.7"}, "203.0.113.7"},
		"garbage where the client should be":  {proxy, []string{"203.0.113.7, unknown, 10.4.5.6"}, "10.4.5.6"},
		"nothing but garbage":                 {proxy, []string{"\"'; DROP TABLE"}, "10.0.0.1"},
		"a network is no address":             {proxy, []string{"203.0.113.0/24"}, "10.0.0.1"},
		"numbers that are too large":          {proxy, []string{"999.1.1.1"}, "10.0.0.1"},
		"leading zeros":                       {proxy, []string{"010.0.0.1"}, "10.0.0.1"},
		"a client in our own network":         {proxy, []string{"10.7.7.7"}, "10.7.7.7"},
		"empty elements":                      {proxy, []string{"203.0.113.7,,"}, "203.0.113.7"},
		"tabs and spaces":                     {proxy, []string{"1.1.1.1,\t 203.0.113.7 \t"}, "203.0.113.7"},
		"a port":                              {proxy, []string{"203.0.113.7:4711"}, "203.0.113.7"},
		"IPv6":                                {proxy, []string{"2001:DB8::1"}, "2001:db8::1"},
		"IPv6 in brackets":                    {proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with a port":                    {proxy, []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		"IPv4 as IPv6":                        {proxy, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"a proxy of ours as IPv6":             {"[::ffff:10.0.0.1]:1", []string{"203.0.113.7, ::ffff:10.4.5.6"}, "203.0.113.7"},
		"a proxy whose network is so written": {"172.20.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		"an IPv6 proxy":                       {"[2001:db8:ffff::1]:1", []string{"203.0.113.7"}, "203.0.113.7"},
		"a neighbour of the only one trusted": {"192.0.2.2:1", []string{"203.0.113.7"}, "192.0.2.2"},
		"a stranger":                          {"198.51.100.9:1", []string{"203.0.113.7"}, "198.51.100.9"},
		"loopback is not trusted by itself":   {"127.0.0.1:1", []string{"203.0.113.7"}, "127.0.0.1"},
		"a peer without an address":           {"@", []string{"203.0.113.7"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/sep/ip", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"] = c.header
			r.Header.Set("Forwarded", `for="198.51.100.77"`)
			r.Header.Set("X-Real-Ip", "198.51.100.78")
			require.Equal(t, c.want, b.do(r).Body.String())
		})
	}
}

func FuzzXForwardedForNeverNamesWhomNoProxyNamed(f *testing.F) {
	f.Add("1.1.1.1")
	f.Add("1.1.1.1, 10.0.0.3")
	f.Add("[::1]:1,,\t")
	f.Add("fe80::1%eth0")
	b := setup(f, func(o *httpserver.Options) { o.TrustedProxies = []string{"10.0.0.0/8"} })
	b.group.GET("/ip", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
	f.Fuzz(func(t *testing.T, invented string) {
		r := httptest.NewRequest(http.MethodGet, "/sep/ip", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", invented+",203.0.113.7, 10.0.0.2")
		require.Equal(t, "203.0.113.7", b.do(r).Body.String())
	})
}
