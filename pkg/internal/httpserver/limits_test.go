package httpserver_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

// handClock goes on when it is told to.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func newHandClock() *handClock { return &handClock{now: time.Unix(1_800_000_000, 0)} }

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// crowd is a server with limits, asked from many addresses.
type crowd struct {
	*bundle
	clock *handClock
	auth  *echo.Group
	kyc   *echo.Group
}

func newCrowd(t testing.TB, limits httpserver.Limits, change ...func(*httpserver.Options)) *crowd {
	c := &crowd{clock: newHandClock()}
	c.bundle = setup(t, append(change, func(o *httpserver.Options) { o.Limits, o.Now = limits, c.clock.Now })...)
	c.group.GET("", fine)
	c.auth, c.kyc = c.server.Group("/auth"), c.server.Group("/kyc")
	c.auth.GET("", fine)
	c.auth.POST("", fine)
	c.kyc.GET("/customer", fine)
	return c
}

func (c *crowd) ask(peer, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr = peer
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return c.do(r)
}

// let is how many of so many requests at once are answered.
func (c *crowd) let(requests int, ask func(i int) *httptest.ResponseRecorder) (answered int) {
	for i := range requests {
		switch w := ask(i); w.Code {
		case http.StatusTooManyRequests:
		default:
			answered++
		}
	}
	return answered
}

func (c *crowd) from(peer, target string, header ...string) func(int) *httptest.ResponseRecorder {
	return func(int) *httptest.ResponseRecorder { return c.ask(peer, target, header...) }
}

func TestWhoAsksTooFastIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 1})
	require.Equal(t, 2, c.let(10, c.from("203.0.113.7:1", "/sep")))
	w := c.ask("203.0.113.7:2", "/sep")
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Contains(t, errorOf(t, w), "too many requests")
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), "a browser can read it too")
	require.Contains(t, w.Header().Get("Access-Control-Expose-Headers"), "Retry-After")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))

	c.clock.pass(999 * time.Millisecond)
	require.Equal(t, http.StatusTooManyRequests, c.ask("203.0.113.7:2", "/sep").Code)
	c.clock.pass(time.Millisecond)
	require.Equal(t, http.StatusOK, c.ask("203.0.113.7:2", "/sep").Code)
	require.NotContains(t, c.log.String(), "level=ERROR")
}

func TestALoadOf15LoginsASecondFromOneAddressPassesTheUsualLimits(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 200, LoginsPerAddress: 40, CustomersPerAddress: 100, RequestsPerAccount: 200, CustomersPerAccount: 100})
	for range 60 * 30 {
		require.Equal(t, http.StatusOK, c.ask("203.0.113.7:1", "/auth").Code)
		c.clock.pass(time.Second / 30)
	}
	require.Equal(t, 80, c.let(200, c.from("203.0.113.8:1", "/auth")), "and so many at once")
}

func TestLoginsAndCustomersHaveStricterLimitsThanTheRest(t *testing.T) {
	t.Parallel()
	limits := httpserver.Limits{RequestsPerAddress: 100, LoginsPerAddress: 5, CustomersPerAddress: 10}
	for target, want := range map[string]int{
		"/sep": 200, "/auth": 10, "/auth/": 10, "/auth?account=a": 10, "/auth/nowhere": 10, "/%61uth": 10, "/kyc/customer": 20, "/kyc/nowhere": 20,
		"/authentic": 200, "/nowhere": 200, "/": 200,
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, limits)
			require.Equal(t, want, c.let(300, c.from("203.0.113.7:1", target)))
			require.Equal(t, 200-want, c.let(300, c.from("203.0.113.7:1", "/sep")), "what was refused counts nowhere else")
		})
	}
	t.Run("the strict ones count among the rest too", func(t *testing.T) {
		t.Parallel()
		c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 1, LoginsPerAddress: 100})
		require.Equal(t, 2, c.let(10, c.from("203.0.113.7:1", "/auth")))
	})
	t.Run("each has its own", func(t *testing.T) {
		t.Parallel()
		c := newCrowd(t, limits)
		c.let(50, c.from("203.0.113.7:1", "/auth"))
		require.Equal(t, http.StatusOK, c.ask("203.0.113.7:1", "/kyc/customer").Code)
	})
	t.Run("questions of browsers count too", func(t *testing.T) {
		t.Parallel()
		c := newCrowd(t, limits)
		require.Equal(t, 10, c.let(50, func(int) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodOptions, "/auth", nil)
			return c.do(r)
		}))
	})
}

func TestWithoutLimitsNobodyIsRefused(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{})
	require.Equal(t, 5000, c.let(5000, c.from("203.0.113.7:1", "/auth")))
}

func TestAClientCannotEscapeItsLimitBy(t *testing.T) {
	t.Parallel()
	const header = "X-Forwarded-For"
	proxied := func(o *httpserver.Options) { o.TrustedProxies = []string{"10.0.0.0/8"} }
	invented := func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/250, i%250) }
	for name, tc := range map[string]struct {
		change func(*httpserver.Options)
		ask    func(*crowd, int) *httptest.ResponseRecorder
	}{
		"inventing X-Forwarded-For": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("203.0.113.7:1", "/sep", header, invented(i))
		}},
		"inventing X-Forwarded-For behind a proxy": {proxied, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", header, invented(i)+", 203.0.113.7")
		}},
		"inventing a header line of its own behind a proxy": {proxied, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", header, invented(i), header, "203.0.113.7")
		}},
		"inventing other headers": {proxied, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", header, "203.0.113.7", "Forwarded", "for="+invented(i), "X-Real-Ip", invented(i),
				"True-Client-Ip", invented(i), "Cf-Connecting-Ip", invented(i), "X-Client-Ip", invented(i))
		}},
		"claiming to be a proxy": {proxied, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", header, invented(i)+", 10.1.1.1, 203.0.113.7")
		}},
		"connecting anew": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("203.0.113.7:%d", 1024+i), "/sep")
		}},
		"going through the addresses of its IPv6 network": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("[2001:db8:1:2:%x::%x]:1", i, i), "/sep")
		}},
		"writing an IPv4 address as IPv6": {proxied, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", header, []string{"203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107", "[::ffff:203.0.113.7]:8", "203.0.113.7:9"}[i%5])
		}},
		"naming a zone": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("[fe80::1%%eth%d]:1", i), "/sep")
		}},
		"asking for what is not there": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask("203.0.113.7:1", fmt.Sprintf("/sep/%d?x=%d", i, i))
		}},
		"having no address": {nil, func(c *crowd, i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("@%d", i), "/sep")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 5}, func(o *httpserver.Options) {
				if tc.change != nil {
					tc.change(o)
				}
			})
			require.Equal(t, 10, c.let(100, func(i int) *httptest.ResponseRecorder { return tc.ask(c, i) }))
		})
	}
}

func TestClientsDoNotShareALimitThatIsNotTheirs(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{RequestsPerAddress: 1}, func(o *httpserver.Options) { o.TrustedProxies = []string{"10.0.0.0/8", "2001:db8:ffff::/48"} })
	for name, ask := range map[string]func(i int) *httptest.ResponseRecorder{
		"neighbours": func(i int) *httptest.ResponseRecorder { return c.ask(fmt.Sprintf("203.0.113.%d:1", i), "/sep") },
		"IPv6 networks": func(i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("[2001:db8:1:%x::1]:1", i), "/sep")
		},
		"behind one proxy": func(i int) *httptest.ResponseRecorder {
			return c.ask("10.0.0.1:1", "/sep", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
		},
		"behind a proxy of IPv6": func(i int) *httptest.ResponseRecorder {
			return c.ask("[2001:db8:ffff::1]:1", "/sep", "X-Forwarded-For", fmt.Sprintf("198.18.0.%d", i))
		},
	} {
		require.Equal(t, 100, c.let(100, ask), name)
	}
}

// account names whom a request is for, as the middleware that verifies tokens does.
func account(c echo.Context) string { return c.Request().Header.Get("Account") }

func TestOneAccountIsLimitedFromWhereverItAsks(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, httpserver.Limits{RequestsPerAccount: 10, CustomersPerAccount: 5})
	c.server.Group("/a", c.server.PerAccount(httpserver.Everything, account)).GET("", fine)
	c.server.Group("/b", c.server.PerAccount(httpserver.Customers, account)).GET("", fine)
	from := func(target, who string) func(int) *httptest.ResponseRecorder {
		return func(i int) *httptest.ResponseRecorder {
			return c.ask(fmt.Sprintf("203.0.113.%d:1", i), target, "Account", who)
		}
	}
	require.Equal(t, 20, c.let(100, from("/a", "GA")))
	require.Equal(t, 0, c.let(100, from("/b", "GA")), "all of it counts in everything")
	require.Equal(t, 10, c.let(100, from("/b", "GB")))
	require.Equal(t, 10, c.let(100, from("/a", "GB")), "what was refused for a stricter limit does not count twice")
	require.Equal(t, 100, c.let(100, from("/a", "")), "nobody is not limited")

	c.clock.pass(100 * time.Millisecond)
	w := c.ask("203.0.113.7:1", "/a", "Account", "GA")
	require.Equal(t, http.StatusOK, w.Code)
	w = c.ask("203.0.113.7:1", "/a", "Account", "GA")
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
}

func TestTheOperatorIsNeverRefused(t *testing.T) {
	t.Parallel()
	s, err := httpserver.Operator(
		httpserver.Options{Log: slog.New(slog.DiscardHandler), Limits: httpserver.Limits{RequestsPerAddress: 1}}, nil, nil, prometheus.NewRegistry())
	require.NoError(t, err)
	for range 1000 {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		require.Equal(t, http.StatusOK, w.Code)
	}
}
