package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t *testing.T, options Options) *Client {
	client := New(options)
	t.Cleanup(client.Close)
	return client
}

func newServer(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestPost_sends_body_and_header_and_returns_the_answer(t *testing.T) {
	t.Parallel()
	type received struct{ method, path, signature, agent, body string }
	got := make(chan received, 1)
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Method, r.RequestURI, r.Header.Get("Signature"), r.UserAgent(), string(body)}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thanks")
	})
	client := newClient(t, Options{AllowPrivate: true, UserAgent: "anchor/1.0"})

	answer, err := client.Post(t.Context(), server.URL+"/hook?id=1", http.Header{"signature": {"t=1"}}, []byte(`{"a":1}`))
	require.NoError(t, err)
	require.Equal(t, Answer{Status: 202, Body: []byte("thanks"), Host: strings.TrimPrefix(server.URL, "http://")}, answer)
	require.Equal(t, received{"POST", "/hook?id=1", "t=1", "anchor/1.0", `{"a":1}`}, <-got)
}

func TestGet_returns_any_status_as_an_answer(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Method, http.StatusTeapot)
	})
	answer, err := newClient(t, Options{AllowPrivate: true}).Get(t.Context(), server.URL, nil)
	require.NoError(t, err)
	require.Equal(t, 418, answer.Status)
	require.Equal(t, "GET\n", string(answer.Body))
}

func TestClient_does_not_follow_redirects(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	inner := newServer(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
	outer := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner.URL, http.StatusTemporaryRedirect)
	})
	client := newClient(t, Options{AllowPrivate: true})

	answer, err := client.Post(t.Context(), outer.URL, nil, []byte("x"))
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, answer.Status)
	answer, err = client.Get(t.Context(), outer.URL, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, answer.Status)
	require.Zero(t, visits.Load())
}

func TestClient_uses_no_proxy(t *testing.T) {
	t.Parallel()
	transport, ok := New(Options{}).http.Transport.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, transport.Proxy)
}

func TestClient_gives_up_on_a_slow_answer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"before its header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"in its body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, handler)
			client := newClient(t, Options{AllowPrivate: true, Timeout: 50 * time.Millisecond})
			_, err := client.Get(t.Context(), server.URL, nil)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, ErrRefused)
		})
	}
}

func TestClient_stops_when_its_caller_does(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := newClient(t, Options{AllowPrivate: true, Timeout: time.Hour}).Get(ctx, server.URL, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClient_reads_no_more_of_an_endless_body_than_allowed(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	})
	answer, err := newClient(t, Options{AllowPrivate: true, MaxBody: 1000}).Get(t.Context(), server.URL, nil)
	var large *TooLargeError
	require.ErrorAs(t, err, &large)
	require.Equal(t, int64(1000), large.Limit)
	require.Equal(t, 200, answer.Status, "the status is known all the same")
	require.Len(t, answer.Body, 1000)
}

func TestClient_accepts_a_body_of_exactly_the_allowed_size(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "12345") })
	answer, err := newClient(t, Options{AllowPrivate: true, MaxBody: 5}).Get(t.Context(), server.URL, nil)
	require.NoError(t, err)
	require.Equal(t, "12345", string(answer.Body))
}

func TestClient_gives_up_on_an_endless_header(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(conn, "X-Endless: "+strings.Repeat("x", 4096)+"\r\n"); err != nil {
				return
			}
		}
	})
	_, err := newClient(t, Options{AllowPrivate: true}).Get(t.Context(), "http://"+address, nil)
	require.ErrorContains(t, err, "header")
}

func TestClient_does_not_wait_on_a_connection_whose_protocol_is_switched(t *testing.T) {
	t.Parallel()
	hungUp := make(chan error, 1)
	address := serveRaw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: silence\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := io.Copy(io.Discard, conn)
		hungUp <- err
	})
	answer, err := newClient(t, Options{AllowPrivate: true, Timeout: time.Second}).Get(t.Context(), "http://"+address, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, answer.Status)
	require.NoError(t, <-hungUp, "the client ended the connection, not the deadline of the other side")
}

// serveRaw answers each connection by hand, after the request's first line has arrived.
func serveRaw(t *testing.T, answer func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				_, _ = bufio.NewReader(conn).ReadString('\n')
				answer(conn)
			})
		}
	})
	return listener.Addr().String()
}

func TestErrors_name_the_host_but_nothing_else_of_the_url(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, func(net.Conn) {})
	client := newClient(t, Options{AllowPrivate: true})
	_, err := client.Post(t.Context(), "http://"+address+"/path-token?key=query-token", nil, []byte("personal"))
	require.ErrorContains(t, err, "POST to "+address)
	for _, secret := range []string{"path-token", "query-token", "personal"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func TestCalls_refuse_what_CheckURL_refuses(t *testing.T) {
	t.Parallel()
	client := newClient(t, Options{})
	_, err := client.Get(t.Context(), "https://127.0.0.1/?key=secret", nil)
	require.ErrorIs(t, err, ErrRefused)
	require.NotContains(t, err.Error(), "secret")
	_, err = client.Post(t.Context(), "http://example.com/", nil, nil)
	require.ErrorIs(t, err, ErrRefused)
}

func TestClient_judges_the_address_it_connects_to_when_a_name_lies(t *testing.T) {
	t.Parallel()
	for _, private := range []string{"127.0.0.1", "10.0.0.7", "169.254.169.254", "100.64.0.1"} {
		t.Run("a name that turns to "+private, func(t *testing.T) {
			t.Parallel()
			var visits atomic.Int32
			inner := newServer(t, func(http.ResponseWriter, *http.Request) { visits.Add(1) })
			_, port, err := net.SplitHostPort(strings.TrimPrefix(inner.URL, "http://"))
			require.NoError(t, err)
			resolver := lyingResolver(t, "93.184.215.14", private)
			client := newClient(t, Options{Resolver: resolver, Timeout: 10 * time.Second})

			first, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example.com")
			require.NoError(t, err)
			require.Equal(t, "93.184.215.14", first[0].String(), "whoever checks before connecting sees a public address")

			_, err = client.Post(t.Context(), "https://rebind.example.com:"+port+"/", nil, []byte("x"))
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, private)
			require.Zero(t, visits.Load())
		})
	}
}

func TestClient_reaches_a_name_that_resolves_to_a_private_address_only_when_that_is_allowed(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	client := newClient(t, Options{AllowPrivate: true, Resolver: lyingResolver(t, "127.0.0.1")})
	answer, err := client.Get(t.Context(), "http://wallet.example.com:"+port+"/", nil)
	require.NoError(t, err)
	require.Equal(t, 204, answer.Status)
	require.Equal(t, "wallet.example.com:"+port, answer.Host)
}

func TestControl_refuses_what_it_cannot_judge(t *testing.T) {
	t.Parallel()
	client := New(Options{})
	require.NoError(t, client.control(t.Context(), "tcp4", "8.8.8.8:443", nil))
	require.NoError(t, client.control(t.Context(), "tcp6", "[2606:4700::1111]:443", nil))
	for network, address := range map[string]string{"tcp4": "127.0.0.1:443", "tcp6": "[::ffff:127.0.0.1]:443", "unix": "/run/socket", "udp": "8.8.8.8:443", "tcp": "name:443"} {
		require.ErrorIs(t, client.control(t.Context(), network, address, nil), ErrRefused, address)
	}
}

// lyingResolver answers the first question for a name's IPv4 address with the first address, the next with the next,
// and repeats the last.
func lyingResolver(t *testing.T, addresses ...string) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(func() { _ = server.Close() })
	running.Go(func() { answerQuestions(server, addresses) })
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
		},
	}
}

func answerQuestions(server net.PacketConn, addresses []string) {
	question := make([]byte, 1500)
	for {
		n, from, err := server.ReadFrom(question)
		if err != nil {
			return
		}
		reply, asked := dnsReply(question[:n], netip.MustParseAddr(addresses[0]))
		if asked && len(addresses) > 1 {
			addresses = addresses[1:]
		}
		_, _ = server.WriteTo(reply, from)
	}
}

// dnsReply answers one question; it tells whether that asked for an IPv4 address, others have no answer.
func dnsReply(question []byte, address netip.Addr) ([]byte, bool) {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root label, type and class
	asked := binary.BigEndian.Uint16(question[end-4:]) == 1
	reply := append([]byte{}, question[:end]...)
	copy(reply[2:12], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	if asked {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, address.AsSlice()...)
	}
	return reply, asked
}

func TestClient_speaks_https_only_to_whom_a_trusted_certificate_names(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)

	stranger := newClient(t, Options{AllowPrivate: true})
	_, err := stranger.Get(t.Context(), server.URL, nil)
	require.ErrorContains(t, err, "certificate")

	friend := newClient(t, Options{AllowPrivate: true})
	transport, ok := friend.http.Transport.(*http.Transport)
	require.True(t, ok)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	answer, err := friend.Get(t.Context(), server.URL, nil)
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
}
