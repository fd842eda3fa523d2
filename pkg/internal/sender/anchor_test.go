package sender_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/sender"
)

const passphrase = network.TestNetworkPassphrase

// receiving is a receiving anchor of a few lines: it believes everything and completes what it is asked about. The network
// behind it is the sandbox.
type receiving struct {
	*httptest.Server
	horizon  *httptest.Server
	network  *sandbox.Network
	signer   *keypair.Full
	issuer   *keypair.Full
	account  *keypair.Full // receives
	toml     func(string) string
	sign     func(client string) (*txnbuild.Transaction, error)
	before   func(w http.ResponseWriter, r *http.Request) bool // answers itself if it returns true
	withhold bool                                              // the account is told later
	people   []string                                          // statuses that GET /customer tells one after the other

	mu       sync.Mutex
	logins   int
	byKey    map[string]string // transaction by Idempotency-Key
	posts    int
	asked    map[string]int // GETs by transaction
	callback map[string]string
}

func newReceiving(t *testing.T) *receiving {
	t.Helper()
	a := &receiving{
		network: sandbox.New(sandbox.Options{CloseEvery: 5 * time.Millisecond}),
		signer:  keypair.MustRandom(), issuer: keypair.MustRandom(), account: keypair.MustRandom(),
		toml: func(s string) string { return s }, before: func(http.ResponseWriter, *http.Request) bool { return false },
		byKey: map[string]string{}, asked: map[string]int{}, callback: map[string]string{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = a.network.Run(ctx)
	}()
	a.horizon = httptest.NewServer(a.network.Handler())
	a.Server = httptest.NewServer(a.routes())
	a.sign = func(client string) (*txnbuild.Transaction, error) { return a.challengeFor(client, a.signer) }
	t.Cleanup(func() {
		a.Close()
		cancel()
		<-closed
		a.horizon.Close()
	})
	a.openAccounts(t)
	return a
}

// openAccounts lets the receiving account trust the asset.
func (a *receiving) openAccounts(t *testing.T) {
	t.Helper()
	for _, kp := range []*keypair.Full{a.issuer, a.account} {
		get(t, a.horizon.URL+"/friendbot?addr="+kp.Address(), nil)
	}
	var account struct {
		Sequence int64 `json:"sequence,string"`
	}
	get(t, a.horizon.URL+"/accounts/"+a.account.Address(), &account)
	line, err := txnbuild.CreditAsset{Code: "USDC", Issuer: a.issuer.Address()}.ToChangeTrustAsset()
	require.NoError(t, err)
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &txnbuild.SimpleAccount{AccountID: a.account.Address(), Sequence: account.Sequence}, IncrementSequenceNum: true,
		Operations: []txnbuild.Operation{&txnbuild.ChangeTrust{Line: line}}, BaseFee: txnbuild.MinBaseFee,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewInfiniteTimeout()},
	})
	require.NoError(t, err)
	tx, err = tx.Sign(passphrase, a.account)
	require.NoError(t, err)
	envelope, err := tx.Base64()
	require.NoError(t, err)
	response, err := http.PostForm(a.horizon.URL+"/transactions", map[string][]string{"tx": {envelope}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	if into != nil {
		require.NoError(t, json.NewDecoder(response.Body).Decode(into))
	}
}

func (a *receiving) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/stellar.toml", a.getToml)
	mux.HandleFunc("GET /auth", a.getChallenge)
	mux.HandleFunc("POST /auth", a.postToken)
	mux.HandleFunc("PUT /kyc/customer", func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		_ = json.NewDecoder(r.Body).Decode(&body)
		answer(w, http.StatusAccepted, map[string]string{"id": body["type"] + "/" + body["memo"] + "/" + body["first_name"]})
	})
	mux.HandleFunc("GET /kyc/customer", a.getCustomer)
	mux.HandleFunc("POST /sep31/transactions", a.postTransaction)
	mux.HandleFunc("GET /sep31/transactions/{id}", a.getTransaction)
	mux.HandleFunc("PUT /sep31/transactions/{id}/callback", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ URL string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.callback[r.PathValue("id")] = body.URL
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.before(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *receiving) getToml(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, a.toml(fmt.Sprintf(`
NETWORK_PASSPHRASE = %q
SIGNING_KEY = %q
WEB_AUTH_ENDPOINT = "%[3]s/auth"
KYC_SERVER = "%[3]s/kyc"
DIRECT_PAYMENT_SERVER = "%[3]s/sep31"
[[CURRENCIES]]
code = "USDC"
issuer = %[4]q
`, passphrase, a.signer.Address(), a.URL, a.issuer.Address())))
}

func (a *receiving) challengeFor(client string, signer *keypair.Full) (*txnbuild.Transaction, error) {
	host := strings.TrimPrefix(a.URL, "http://")
	return txnbuild.BuildChallengeTx(signer.Seed(), client, host, host, passphrase, time.Minute, nil)
}

func (a *receiving) getChallenge(w http.ResponseWriter, r *http.Request) {
	tx, err := a.sign(r.URL.Query().Get("account"))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	envelope, _ := tx.Base64()
	answer(w, http.StatusOK, map[string]string{"transaction": envelope, "network_passphrase": passphrase})
}

func (a *receiving) postToken(w http.ResponseWriter, r *http.Request) {
	var body struct{ Transaction string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	host := strings.TrimPrefix(a.URL, "http://")
	_, client, _, _, err := txnbuild.ReadChallengeTx(body.Transaction, a.signer.Address(), passphrase, host, []string{host})
	if err == nil {
		_, err = txnbuild.VerifyChallengeTxSigners(body.Transaction, a.signer.Address(), passphrase, host, []string{host}, client)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins++
	answer(w, http.StatusOK, map[string]string{"token": fmt.Sprint("token", a.logins)})
}

func (a *receiving) getCustomer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	status := "ACCEPTED"
	if len(a.people) > 0 {
		status, a.people = a.people[0], a.people[1:]
	}
	answer(w, http.StatusOK, map[string]string{"id": r.URL.Query().Get("id"), "status": status, "message": "because"})
}

func (a *receiving) postTransaction(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts++
	key := r.Header.Get("Idempotency-Key")
	if a.byKey[key] == "" {
		a.byKey[key] = fmt.Sprint(len(a.byKey) + 1)
	}
	answer(w, http.StatusCreated, a.shown(a.byKey[key], "", a.withhold))
}

func (a *receiving) getTransaction(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.PathValue("id")
	statuses := []string{"pending_receiver", "pending_receiver", "completed"}
	if a.withhold {
		statuses = []string{"pending_receiver", "pending_sender", "completed"}
	}
	n := min(a.asked[id], len(statuses)-1)
	a.asked[id]++
	answer(w, http.StatusOK, map[string]any{"transaction": a.shown(id, statuses[n], a.withhold && n == 0)})
}

// shown is a transaction; its memo is its id.
func (a *receiving) shown(id, status string, withoutAccount bool) map[string]string {
	t := map[string]string{"id": id}
	if status != "" {
		t["status"] = status
	}
	if !withoutAccount {
		t["stellar_account_id"], t["stellar_memo_type"], t["stellar_memo"] = a.account.Address(), "id", id
	}
	return t
}

// sender makes a sending anchor with a filled account.
func (a *receiving) sender(t *testing.T, change ...func(*sender.Options)) *sender.Sender {
	t.Helper()
	o := sender.Options{
		Home: a.URL, Horizon: a.horizon.URL, Passphrase: passphrase, Account: keypair.MustRandom(), AssetCode: "USDC",
		PollEvery: time.Millisecond,
	}
	for _, c := range change {
		c(&o)
	}
	s, err := sender.New(within(t), o)
	require.NoError(t, err)
	require.NoError(t, s.SetUp(within(t), a.issuer, "1000"))
	return s
}

// within bounds what a test waits for.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// arrived are the memos of the payments in the asset that the receiving account got, and their amounts.
func (a *receiving) arrived(t *testing.T) (memos, amounts []string) {
	t.Helper()
	var page struct {
		Embedded struct {
			Records []struct {
				Type, Amount string
				Code         string `json:"asset_code"`
				Transaction  struct{ Memo string }
			}
		} `json:"_embedded"`
	}
	get(t, a.horizon.URL+"/accounts/"+a.account.Address()+"/payments?limit=200&join=transactions", &page)
	for _, r := range page.Embedded.Records {
		if r.Type == "payment" && r.Code == "USDC" {
			memos, amounts = append(memos, r.Transaction.Memo), append(amounts, r.Amount)
		}
	}
	return memos, amounts
}
