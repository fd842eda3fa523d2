package sep10_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
)

// wallet is a client domain on this machine.
type wallet struct {
	key    *keypair.Full
	domain string
	asked  atomic.Int32
}

// newWallet serves its stellar.toml, or whatever is given instead.
func newWallet(t testing.TB, instead ...http.HandlerFunc) *wallet {
	t.Helper()
	w := &wallet{key: keypair.MustRandom()}
	answer := func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, "VERSION = \"2.7.0\"\nSIGNING_KEY = %q\n[DOCUMENTATION]\nORG_NAME = \"W\"\n", w.key.Address())
	}
	if len(instead) > 0 {
		answer = instead[0]
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		if r.URL.Path != "/.well-known/stellar.toml" {
			http.NotFound(rw, r)
			return
		}
		answer(rw, r)
	}))
	t.Cleanup(server.Close)
	w.domain = strings.TrimPrefix(server.URL, "http://")
	return w
}

// attributed verifies domains of this machine.
func attributed(change ...func(*sep10.Attribution)) func(*sep10.Deps) {
	return func(d *sep10.Deps) {
		d.Attribution = sep10.Attribution{
			Outbound: outbound.New(outbound.Options{Timeout: 5 * time.Second, AllowPrivate: true}), PlainHTTP: true,
		}
		for _, f := range change {
			f(&d.Attribution)
		}
	}
}

func (w *wallet) query(client *keypair.Full) string {
	return "account=" + client.Address() + "&client_domain=" + w.domain
}

func TestAClientProvesItsDomain(t *testing.T) {
	t.Parallel()
	b, w, client := setup(t, attributed()), newWallet(t), keypair.MustRandom()
	tx := b.challenge(w.query(client) + "&memo=7")
	operation := tx.Operations()[2].(*txnbuild.ManageData)
	require.Equal(t, w.key.Address(), operation.SourceAccount)
	require.Equal(t, "client_domain", operation.Name)
	require.Equal(t, w.domain, string(operation.Value))
	require.Equal(t, int64(300), tx.MaxFee())

	a := b.post(b.sign(tx, client, w.key))
	require.Equal(t, http.StatusOK, a.status, a.error())
	token := a.body["token"].(string)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return jwtKey(), nil })
	require.NoError(t, err)
	require.Equal(t, w.domain, claims["client_domain"])
	require.Equal(t, anchor.SendingAnchor{Account: client.Address(), MemoType: "id", Memo: "7", ClientDomain: w.domain}, b.who(token))
}

func TestWithoutADomainNoneIsClaimed(t *testing.T) {
	t.Parallel()
	b, client := setup(t, attributed()), keypair.MustRandom()
	for _, query := range []string{"", "&client_domain="} {
		token := b.login("account="+client.Address()+query, client)
		claims, err := jwt.NewParser().DecodeSegment(strings.Split(token, ".")[1])
		require.NoError(t, err)
		require.NotContains(t, string(claims), "client_domain")
		require.Empty(t, b.who(token).ClientDomain)
	}
}

func TestTheNameOfADomainIsTheSameHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	b, w, client := setup(t, attributed()), newWallet(t), keypair.MustRandom()
	w.domain = strings.Replace(w.domain, "127.0.0.1", "LocalHost", 1)
	require.Equal(t, strings.ToLower(w.domain), b.who(b.login(w.query(client), client, w.key)).ClientDomain)
}

func TestSignaturesAreCountedWithADomain(t *testing.T) {
	t.Parallel()
	client, one, two, stranger := keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom()
	w := newWallet(t)
	for name, c := range map[string]struct {
		medium  int
		weights map[*keypair.Full]int // nil: the account does not exist
		signers []*keypair.Full
		want    string // of the refusal; empty: a token
	}{
		"no account: client and domain":           {signers: []*keypair.Full{client, w.key}},
		"no account: in the other order":          {signers: []*keypair.Full{w.key, client}},
		"no account: the client alone":            {signers: []*keypair.Full{client}, want: "not signed by the key of the client_domain"},
		"no account: the domain alone":            {signers: []*keypair.Full{w.key}, want: "not signed by " + client.Address()},
		"no account: a third signature":           {signers: []*keypair.Full{client, w.key, stranger}, want: "unrecognized"},
		"no account: the domain twice":            {signers: []*keypair.Full{client, w.key, w.key}, want: "unrecognized"},
		"no account: the client twice":            {signers: []*keypair.Full{client, client, w.key}, want: "unrecognized"},
		"no account: a stranger for the client":   {signers: []*keypair.Full{stranger, w.key}, want: "not signed by " + client.Address()},
		"account: a signer and the domain":        {1, map[*keypair.Full]int{one: 1}, []*keypair.Full{one, w.key}, ""},
		"account: two signers and the domain":     {2, map[*keypair.Full]int{one: 1, two: 1}, []*keypair.Full{one, w.key, two}, ""},
		"account: the domain weighs nothing":      {2, map[*keypair.Full]int{one: 1, two: 1}, []*keypair.Full{one, w.key}, "weigh 1, the account asks for 2"},
		"account: without the domain":             {1, map[*keypair.Full]int{one: 1}, []*keypair.Full{one}, "not signed by the key of the client_domain"},
		"account: the domain's key is its signer": {1, map[*keypair.Full]int{w.key: 1}, []*keypair.Full{w.key}, ""},
		"account: such a key counts once":         {2, map[*keypair.Full]int{w.key: 1}, []*keypair.Full{w.key, w.key}, "unrecognized"},
		"account: such a key is a part":           {2, map[*keypair.Full]int{w.key: 1, one: 1}, []*keypair.Full{w.key, one}, ""},
		"account: a signer who was taken away":    {1, map[*keypair.Full]int{one: 1, two: 0}, []*keypair.Full{two, w.key}, "not signed by " + one.Address()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, attributed())
			if c.weights != nil {
				weights := map[string]int{}
				for key, weight := range c.weights {
					weights[key.Address()] = weight
				}
				b.accounts.create(client.Address(), c.medium, weights)
			}
			a := b.post(b.sign(b.challenge(w.query(client)), c.signers...))
			if c.want != "" {
				requireRefused(t, http.StatusBadRequest, c.want, a)
				return
			}
			require.Equal(t, http.StatusOK, a.status, a.error())
		})
	}
}

func TestAnAccountThatIsTheKeyOfItsDomainSignsOnce(t *testing.T) {
	t.Parallel()
	b, w := setup(t, attributed()), newWallet(t)
	require.Equal(t, w.domain, b.who(b.login(w.query(w.key), w.key)).ClientDomain)
}

func TestTheListsSayWhichDomainsAreVerified(t *testing.T) {
	t.Parallel()
	client := keypair.MustRandom()
	for name, c := range map[string]struct {
		change   func(*wallet, *sep10.Attribution)
		verified bool
	}{
		"no list":                 {func(*wallet, *sep10.Attribution) {}, true},
		"allowed":                 {func(_ *wallet, a *sep10.Attribution) { a.Allow = []string{"a.example", "127.0.0.1"} }, true},
		"allowed with a port":     {func(w *wallet, a *sep10.Attribution) { a.Allow = []string{w.domain} }, true},
		"allowed on another port": {func(_ *wallet, a *sep10.Attribution) { a.Allow = []string{"127.0.0.1:1"} }, false},
		"allowed, but its port is not, without LOCAL_MODE": {func(_ *wallet, a *sep10.Attribution) {
			a.Allow, a.PlainHTTP = []string{"127.0.0.1"}, false
		}, false},
		"allowed, but its port is not": {func(w *wallet, a *sep10.Attribution) {
			w.domain, a.Allow = "wallet.example:8443", []string{"wallet.example"}
		}, false},
		"allowed with a port, but not that of https": {func(w *wallet, a *sep10.Attribution) {
			w.domain, a.Allow = "wallet.example", []string{"wallet.example:8443"}
		}, false},
		"another is allowed": {func(_ *wallet, a *sep10.Attribution) { a.Allow = []string{"a.example"} }, false},
		"denied":             {func(_ *wallet, a *sep10.Attribution) { a.Deny = []string{"127.0.0.1"} }, false},
		"denied and allowed": {func(w *wallet, a *sep10.Attribution) { a.Deny, a.Allow = []string{"127.0.0.1"}, []string{w.domain} }, false},
		"denied with what is below": {func(w *wallet, a *sep10.Attribution) {
			w.domain, a.Deny = "x.y.evil.example", []string{"Evil.example"}
		}, false},
		"denied with a dot at its end": {func(w *wallet, a *sep10.Attribution) {
			w.domain, a.Deny = "evil.example.", []string{"evil.example"}
		}, false},
		"another is denied": {func(_ *wallet, a *sep10.Attribution) { a.Deny = []string{"27.0.0.1", "evil.example"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWallet(t)
			change := func(required bool) func(*sep10.Deps) {
				return attributed(func(a *sep10.Attribution) { a.Required = required; c.change(w, a) })
			}
			optional, required := setup(t, change(false)), setup(t, change(true))
			if c.verified {
				require.Equal(t, w.domain, optional.who(optional.login(w.query(client), client, w.key)).ClientDomain)
				require.Equal(t, w.domain, required.who(required.login(w.query(client), client, w.key)).ClientDomain)
				return
			}
			require.Empty(t, optional.who(optional.login(w.query(client), client)).ClientDomain, "as if it had not been given")
			requireRefused(t, http.StatusBadRequest, "not admitted", required.ask(w.query(client)))
			require.Zero(t, w.asked.Load(), "nobody is called")
		})
	}
}

func TestWhereADomainIsRequiredNobodyLogsInWithout(t *testing.T) {
	t.Parallel()
	b := setup(t, attributed(func(a *sep10.Attribution) { a.Required = true }))
	client := keypair.MustRandom()
	for _, query := range []string{"", "&client_domain="} {
		requireRefused(t, http.StatusBadRequest, "client_domain is required", b.ask("account="+client.Address()+query))
	}
	requireRefused(t, http.StatusBadRequest, "no client_domain", b.post(b.sign(b.draft(client.Address()).build(t), client)))
}

func TestADomainThatCannotBeVerifiedIsRefused(t *testing.T) {
	t.Parallel()
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	key := keypair.MustRandom()
	for name, answer := range map[string]http.HandlerFunc{
		"not there":     http.NotFound,
		"a fault":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"without a key": says("VERSION = \"1\""),
		"with a seed":   says(fmt.Sprintf("SIGNING_KEY = %q", key.Seed())),
		"that is HTML":  says("<html>"),
		"that is cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprintf(w, "SIGNING_KEY = %q", key.Address())
		},
		"of many parts":    says(strings.Repeat("a.", 20) + "a = 1\n"),
		"without a status": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run("a stellar.toml "+name, func(t *testing.T) {
			t.Parallel()
			b, w := setup(t, attributed()), newWallet(t, answer)
			a := b.ask(w.query(keypair.MustRandom()))
			requireRefused(t, http.StatusBadRequest, "the SIGNING_KEY of client_domain cannot be read", a)
			require.NotContains(t, b.log.String(), key.Seed())
		})
	}
	t.Run("the key of this very server", func(t *testing.T) {
		t.Parallel()
		b := setup(t, attributed())
		w := newWallet(t, says(fmt.Sprintf("SIGNING_KEY = %q", b.signing.Address())))
		requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(keypair.MustRandom())))
	})
	t.Run("plain http without LOCAL_MODE", func(t *testing.T) {
		t.Parallel()
		b, w := setup(t, attributed(func(a *sep10.Attribution) { a.PlainHTTP = false })), newWallet(t)
		requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(keypair.MustRandom())))
		require.Zero(t, w.asked.Load())
	})
}

// 1894: what a client domain answers is bounded, and leads nowhere else.
func TestATomlThatIsTooLargeOrSomewhereElseIsRefused(t *testing.T) {
	t.Parallel()
	elsewhere := newWallet(t)
	for name, answer := range map[string]http.HandlerFunc{
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "SIGNING_KEY = %q\n#", elsewhere.key.Address())
			_, _ = w.Write([]byte(strings.Repeat("x", 100<<10)))
		},
		"somewhere else": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+elsewhere.domain+"/.well-known/stellar.toml", http.StatusMovedPermanently)
		},
		"somewhere else on the host": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/stellar.toml", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, w := setup(t, attributed()), newWallet(t, answer)
			requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(keypair.MustRandom())))
			require.Equal(t, int32(1), w.asked.Load())
		})
	}
	t.Cleanup(func() { require.Zero(t, elsewhere.asked.Load()) })
}

// 1915: client_domain must not have this server call the network it stands in.
func TestAClientDomainIsNoWayIntoTheServersNetwork(t *testing.T) {
	t.Parallel()
	w := newWallet(t)
	port := strings.TrimPrefix(w.domain, "127.0.0.1:")
	b := setup(t, attributed(func(a *sep10.Attribution) {
		a.Outbound, a.PlainHTTP = outbound.New(outbound.Options{Timeout: time.Second}), false
	}))
	for _, domain := range []string{
		w.domain, "localhost:" + port, "127.1:" + port, "2130706433:" + port, "0x7f000001:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port,
		"169.254.169.254", "10.0.0.1", "192.168.0.1:8080", "100.64.0.1", "[fd00::1]", "metadata.google.internal", "db.local", "intranet",
	} {
		requireRefused(t, http.StatusBadRequest, "must be a public host name",
			b.ask("account="+keypair.MustRandom().Address()+"&client_domain="+url.QueryEscape(domain)))
	}
	require.Zero(t, w.asked.Load())
}

func TestAClientDomainIsAHostAndNothingElse(t *testing.T) {
	t.Parallel()
	b, w := setup(t, attributed()), newWallet(t)
	for _, domain := range []string{
		"http://" + w.domain, "https://wallet.example", w.domain + "/", w.domain + "/x?", w.domain + "?x", w.domain + "#x", "user@" + w.domain,
		w.domain + "\\@evil.example", " " + w.domain, w.domain + " ", w.domain + "\n", "wallet.example:0", "wallet.example:99999", "wallet.example:", ":443",
		"wallet.example:http", "wallet..example", "wället.example", "wallet%2eexample", "-", "*", "..", "a,b", strings.Repeat("a", 60) + ".example",
		"wallet.example/.well-known/stellar.toml", "wallet.example/../..",
	} {
		requireRefused(t, http.StatusBadRequest, "client_domain", b.ask("account="+keypair.MustRandom().Address()+"&client_domain="+url.QueryEscape(domain)))
	}
	requireRefused(t, http.StatusBadRequest, "more than once", b.ask(w.query(keypair.MustRandom())+"&client_domain="+w.domain))
	require.Zero(t, w.asked.Load())
}

func TestADomainIsAskedOnceInAWhile(t *testing.T) {
	t.Parallel()
	b, w, client := setup(t, attributed()), newWallet(t), keypair.MustRandom()
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() { require.Equal(t, http.StatusOK, b.ask(w.query(client)).status) })
	}
	group.Wait()
	require.Equal(t, int32(1), w.asked.Load())

	b.ahead = 59 * time.Second
	b.challenge(w.query(client))
	require.Equal(t, int32(1), w.asked.Load())
	before := w.key
	w.key = keypair.MustRandom()
	b.ahead = 61 * time.Second
	b.login(w.query(client), client, w.key)
	require.NotEqual(t, before, w.key)
	require.Equal(t, int32(2), w.asked.Load(), "a key that was replaced is seen")
}

func TestADomainThatFailsIsNotAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	key := keypair.MustRandom()
	w := newWallet(t, func(rw http.ResponseWriter, r *http.Request) {
		if !mended.Load() {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprintf(rw, "SIGNING_KEY = %q", key.Address())
	})
	b, client := setup(t, attributed()), keypair.MustRandom()
	for range 3 {
		requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(client)))
	}
	require.Equal(t, int32(1), w.asked.Load())
	mended.Store(true)
	b.ahead = 11 * time.Second
	b.login(w.query(client), client, key)
}

// unreachable is a wallet that can be told to answer otherwise than with its key.
func unreachable(t *testing.T) (w *wallet, answerWith func(http.HandlerFunc)) {
	var instead atomic.Pointer[http.HandlerFunc]
	key := keypair.MustRandom()
	w = newWallet(t, func(rw http.ResponseWriter, r *http.Request) {
		if answer := instead.Load(); answer != nil {
			(*answer)(rw, r)
			return
		}
		fmt.Fprintf(rw, "SIGNING_KEY = %q", key.Address())
	})
	w.key = key
	return w, func(answer http.HandlerFunc) { instead.Store(&answer) }
}

func TestADomainThatDoesNotAnswerKeepsItsKeyForAnHour(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a fault":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"too many requests": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"nothing":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, answerWith := unreachable(t)
			b, client := setup(t, attributed()), keypair.MustRandom()
			b.login(w.query(client), client, w.key)
			answerWith(answer)
			for _, b.ahead = range []time.Duration{2 * time.Minute, 30 * time.Minute, 59 * time.Minute} {
				asked := w.asked.Load()
				b.login(w.query(client), client, w.key)
				require.Greater(t, w.asked.Load(), asked, "it is asked all the same")
			}
			b.ahead = 61 * time.Minute
			requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(client)))
		})
	}
}

func TestADomainThatTakesItsKeyAwayIsBelieved(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"with a document without it": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "VERSION = \"1\"") },
		"with the document":          http.NotFound,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, answerWith := unreachable(t)
			b, client := setup(t, attributed()), keypair.MustRandom()
			b.login(w.query(client), client, w.key)
			answerWith(answer)
			b.ahead = 2 * time.Minute
			requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(client)))
			answerWith(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
			b.ahead = 3 * time.Minute
			requireRefused(t, http.StatusBadRequest, "cannot be read", b.ask(w.query(client)))
		})
	}
}

// Whoever names slow domains keeps nobody from logging in whose domain was asked before.
func TestWhileAllSlotsAreTakenAKeyThatWasReadBeforeCounts(t *testing.T) {
	t.Parallel()
	const most = 8
	b, client, w := setup(t, attributed()), keypair.MustRandom(), newWallet(t)
	b.login(w.query(client), client, w.key)
	b.ahead = 2 * time.Minute
	asked, release := make(chan struct{}, most), make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	slow := func(rw http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		http.NotFound(rw, r)
	}
	var group sync.WaitGroup
	for range most {
		query := newWallet(t, slow).query(keypair.MustRandom())
		group.Go(func() {
			b.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/auth?"+query, nil))
		})
	}
	for range most {
		<-asked
	}
	b.login(w.query(client), client, w.key)
	require.Equal(t, int32(1), w.asked.Load(), "there was no slot to ask it")
	let()
	group.Wait()
	b.login(w.query(client), client, w.key)
	require.Equal(t, int32(2), w.asked.Load())
}

func TestAClientThatHangsUpDoesNotSpoilTheDomainForOthers(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	key := keypair.MustRandom()
	w := newWallet(t, func(rw http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		fmt.Fprintf(rw, "SIGNING_KEY = %q", key.Address())
	})
	b, client := setup(t, attributed()), keypair.MustRandom()
	request := httptest.NewRequest(http.MethodGet, "/auth?"+w.query(client), nil)
	ctx, hangUp := contextOf(t)
	var group sync.WaitGroup
	group.Go(func() { b.server.ServeHTTP(httptest.NewRecorder(), request.WithContext(ctx)) })
	<-asked
	hangUp()
	close(release)
	b.login(w.query(client), client, key)
	group.Wait()
	require.Equal(t, int32(1), w.asked.Load())
}

// Nobody can have this server call many others at once by naming their domains.
func TestFewDomainsAreAskedAtOnce(t *testing.T) {
	t.Parallel()
	const most, wallets = 8, 24
	var now, peak atomic.Int32
	var once sync.Once
	full, release := make(chan struct{}), make(chan struct{})
	answer := func(rw http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		if n == most {
			once.Do(func() { close(full) })
		}
		<-release
		http.NotFound(rw, r)
	}
	b := setup(t, attributed())
	var group sync.WaitGroup
	for range wallets {
		w := newWallet(t, answer)
		group.Go(func() {
			r := httptest.NewRecorder()
			b.server.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/auth?"+w.query(keypair.MustRandom()), nil))
			var body map[string]string
			if err := json.Unmarshal(r.Body.Bytes(), &body); err != nil || r.Code != http.StatusBadRequest {
				t.Errorf("answered %d: %s", r.Code, r.Body)
			}
		})
	}
	<-full
	close(release)
	group.Wait()
	require.Equal(t, int32(most), peak.Load())
}
