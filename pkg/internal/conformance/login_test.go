package conformance_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"
)

func TestChallenge_gives_one_token_however_many_post_it_at_once(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		p := w.nobody()
		p.account = keypair.MustRandom()
		signed := p.signedChallenge(url.Values{"account": {p.account.Address()}})
		const atOnce = 20
		var posting sync.WaitGroup
		var start sync.WaitGroup
		var tokens, refusals atomic.Int32
		start.Add(1)
		for range atOnce {
			posting.Go(func() {
				start.Wait()
				switch status := statusOf(http.PostForm(w.home+"/auth", url.Values{"transaction": {signed}})); status {
				case http.StatusOK:
					tokens.Add(1)
				case http.StatusBadRequest:
					refusals.Add(1)
				default:
					t.Errorf("answered %d", status)
				}
			})
		}
		start.Done()
		posting.Wait()
		require.EqualValues(t, 1, tokens.Load())
		require.EqualValues(t, atOnce-1, refusals.Load())
	})
}

// statusOf is 0 where there was no answer.
func statusOf(response *http.Response, err error) int {
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestChallenge_of_another_server_or_for_another_account_gives_no_token(t *testing.T) {
	t.Parallel()
	here, there := newWorld(t, "sqlite", plan{}), newWorld(t, "sqlite", plan{})
	p := here.nobody()
	p.account = keypair.MustRandom()
	stranger := there.nobody()
	stranger.account = p.account
	foreign := stranger.signedChallenge(url.Values{"account": {p.account.Address()}})
	requireRefused(t, p.post("/auth", map[string]any{"transaction": foreign}), http.StatusBadRequest)

	visitor := there.user(keypair.MustRandom(), "")
	p.token = visitor.token
	requireRefused(t, p.get("/sep31/transactions/"+nowhere()), http.StatusForbidden)
	requireRefused(t, p.get("/kyc/customer"), http.StatusUnauthorized)

	p.token = ""
	victim := keypair.MustRandom().Address()
	requireRefused(t, p.post("/auth", map[string]any{"transaction": p.signedChallenge(url.Values{"account": {victim}})}), http.StatusBadRequest)
}

func TestLargeChallenge_is_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	p := w.nobody()
	for _, size := range []int{100 << 10, 1 << 20, 16 << 20} {
		large := strings.Repeat("A", size)
		for kind, body := range map[string]string{
			"application/json":                  `{"transaction":"` + large + `"}`,
			"application/x-www-form-urlencoded": "transaction=" + large,
		} {
			status := statusOf(http.Post(w.home+"/auth", kind, strings.NewReader(body)))
			require.Contains(t, []int{http.StatusRequestEntityTooLarge, http.StatusBadRequest, 0}, status, "0: the server hung up before it read all")
		}
	}
	requireRefused(t, p.post("/auth", map[string]any{"transaction": strings.Repeat("A", 60<<10)}), http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	require.Equal(t, http.StatusOK, w.party().get("/sep31/info").status, "it still serves")
}

// trap is an address on this machine that must not be called.
type trap struct {
	net.Listener
	calls atomic.Int32
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	trap := &trap{Listener: listen(t)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := trap.Accept()
			if err != nil {
				return
			}
			trap.calls.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, trap.Close())
		<-ended
	})
	return trap
}

// publicWorld is an anchor as it stands on the internet: private addresses are out of bounds. It is reached past the proxy
// that ends TLS for it.
func publicWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, "sqlite", plan{public: true})
}

func TestClientDomain_cannot_aim_at_a_private_address(t *testing.T) {
	t.Parallel()
	w, trap := publicWorld(t), newTrap(t)
	p := w.nobody()
	account := keypair.MustRandom().Address()
	port := portOf(trap)
	for _, domain := range []string{
		"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "127.1:" + port, "2130706433:" + port,
		"0x7f000001:" + port, "0.0.0.0:" + port, "10.0.0.1", "169.254.169.254", "192.168.0.1", "100.64.0.1", "metadata.google.internal",
		"user@127.0.0.1:" + port, "127.0.0.1:" + port + "/x", "127.0.0.1:" + port + "?x=", "127.0.0.1:" + port + "#x", "localhost.:" + port,
	} {
		a := p.get("/auth?" + url.Values{"account": {account}, "client_domain": {domain}}.Encode())
		requireRefused(t, a, http.StatusBadRequest)
	}
	require.Zero(t, trap.calls.Load(), "it was called")
}

func TestCallback_cannot_aim_at_a_private_address(t *testing.T) {
	t.Parallel()
	w, trap := publicWorld(t), newTrap(t)
	p := w.user(w.sender, "")
	id := p.agreed(p.people()).text("id")
	port := portOf(trap)
	for _, address := range []string{
		"https://127.0.0.1:" + port, "https://localhost:" + port, "https://[::1]:" + port, "https://10.0.0.1/", "http://example.com/",
		"https://169.254.169.254/latest/meta-data", "https://user:secret@example.com/", "file:///etc/passwd", "gopher://example.com/", "https://2130706433/",
		"", "https://",
	} {
		requireRefused(t, p.put("/sep31/transactions/"+id+"/callback", map[string]any{"url": address}), http.StatusBadRequest)
		requireRefused(t, p.put("/kyc/customer/callback", map[string]any{"url": address, "memo": "1", "memo_type": "id"}),
			http.StatusBadRequest, http.StatusNotFound)
	}
	require.Zero(t, trap.calls.Load(), "it was called")
}

func TestLargeStellarToml_of_a_client_domain_is_not_read_to_its_end(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	var written atomic.Int64
	const enough = 64 << 20
	wallet := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		line := []byte(strings.Repeat("# more\n", 1<<10))
		for written.Load() < enough {
			n, err := answer.Write(line)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(wallet.Close)
	account := keypair.MustRandom().Address()
	a := w.nobody().get("/auth?" + url.Values{"account": {account}, "client_domain": {wallet.Listener.Addr().String()}}.Encode())
	requireRefused(t, a, http.StatusBadRequest)
	wallet.Close() // waits for the handler
	require.NotZero(t, written.Load(), "it was asked for")
	require.Less(t, written.Load(), int64(enough)/4, "it was read on and on")
}

func TestRedirect_of_a_client_domain_is_not_followed(t *testing.T) {
	t.Parallel()
	w, trap := newWorld(t, "sqlite", plan{}), newTrap(t)
	wallet := httptest.NewServer(http.RedirectHandler("http://"+trap.Addr().String()+"/.well-known/stellar.toml", http.StatusFound))
	t.Cleanup(wallet.Close)
	account := keypair.MustRandom().Address()
	a := w.nobody().get("/auth?" + url.Values{"account": {account}, "client_domain": {wallet.Listener.Addr().String()}}.Encode())
	requireRefused(t, a, http.StatusBadRequest)
	require.Zero(t, trap.calls.Load(), "it was followed")
}

func TestClientDomain_that_is_proved_is_accepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", plan{})
	key := keypair.MustRandom()
	wallet := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(answer, fmt.Sprintf("SIGNING_KEY = %q\n", key.Address()))
	}))
	t.Cleanup(wallet.Close)
	p := w.nobody()
	p.account = keypair.MustRandom()
	query := url.Values{"account": {p.account.Address()}, "client_domain": {wallet.Listener.Addr().String()}}
	requireRefused(t, p.post("/auth", map[string]any{"transaction": p.signedChallenge(query)}), http.StatusBadRequest)
	proved := p.post("/auth", map[string]any{"transaction": p.signedChallenge(query, key)})
	require.Equal(t, http.StatusOK, proved.status, string(proved.body))
	c := &call{Request: httptest.NewRequest(http.MethodGet, "/", nil)}
	c.Header.Set("Authorization", "Bearer "+proved.text("token"))
	require.Equal(t, p.account.Address(), c.subject())
}
