package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// party is somebody with a token: a sending anchor, or a user of its account. It sends whatever it likes.
type party struct {
	*testing.T
	home    string
	network string // its passphrase
	account *keypair.Full
	token   string // none: somebody who did not log in
}

// nobody has no token.
func (w *world) nobody() party { return party{T: w.T, home: w.home, network: w.network.Passphrase()} }

// party logs a new sending anchor in.
func (w *world) party() party {
	w.Helper()
	return w.user(keypair.MustRandom(), "")
}

// user logs a user of an account in; without a memo it is the account itself.
func (w *world) user(account *keypair.Full, memo string) party {
	w.Helper()
	query := url.Values{"account": {account.Address()}}
	if memo != "" {
		query.Set("memo", memo)
	}
	return w.loggedIn(account, query)
}

// muxed logs a user of an account in that names itself by an M… address.
func (w *world) muxed(account *keypair.Full, id uint64) party {
	w.Helper()
	var m strkey.MuxedAccount
	m.SetID(id)
	require.NoError(w, m.SetAccountID(account.Address()))
	address, err := m.Address()
	require.NoError(w, err)
	return w.loggedIn(account, url.Values{"account": {address}})
}

func (w *world) loggedIn(account *keypair.Full, query url.Values) party {
	w.Helper()
	p := w.nobody()
	p.account = account
	a := p.post("/auth", map[string]any{"transaction": p.signedChallenge(query)})
	require.Equal(w, http.StatusOK, a.status, string(a.body))
	p.token = a.text("token")
	return p
}

// signedChallenge asks for a challenge and signs it, with further keys if there are any.
func (p party) signedChallenge(query url.Values, more ...*keypair.Full) string {
	p.Helper()
	a := p.get("/auth?" + query.Encode())
	require.Equal(p, http.StatusOK, a.status, string(a.body))
	generic, err := txnbuild.TransactionFromXDR(a.text("transaction"))
	require.NoError(p, err)
	tx, ok := generic.Transaction()
	require.True(p, ok)
	tx, err = tx.Sign(p.network, append([]*keypair.Full{p.account}, more...)...)
	require.NoError(p, err)
	signed, err := tx.Base64()
	require.NoError(p, err)
	return signed
}

// ask makes a request with a body as it is.
func (p party) ask(method, path, kind string, body []byte, header ...string) reply {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), method, p.home+path, bytes.NewReader(body))
	require.NoError(p, err)
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(p, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(p, err)
	return reply{response.StatusCode, response.Header, answer}
}

func (p party) get(path string) reply {
	p.Helper()
	return p.ask(http.MethodGet, path, "", nil)
}

func (p party) send(method, path string, body map[string]any, header ...string) reply {
	p.Helper()
	raw, err := json.Marshal(body)
	require.NoError(p, err)
	return p.ask(method, path, "application/json", raw, header...)
}

func (p party) post(path string, body map[string]any, header ...string) reply {
	p.Helper()
	return p.send(http.MethodPost, path, body, header...)
}

func (p party) put(path string, body map[string]any) reply {
	p.Helper()
	return p.send(http.MethodPut, path, body)
}

func (a reply) text(key string) string {
	text, _ := a.object()[key].(string)
	return text
}

// What the people of these tests are asked for.
const bankAccount = "DE89370400440532013000"

func senderFields() map[string]any {
	return map[string]any{"type": "sep31-sender", "first_name": "Ada", "last_name": "Lovelace"}
}

func receiverFields() map[string]any {
	return map[string]any{"type": "sep31-receiver", "first_name": "Bruno", "bank_account_number": bankAccount}
}

// people are a sender and a receiver that a sending anchor has registered.
type people struct{ sender, receiver string }

func (p party) people() people {
	p.Helper()
	return people{p.registered("1", senderFields()), p.registered("2", receiverFields())}
}

// registered registers somebody under a memo of the account.
func (p party) registered(memo string, fields map[string]any) string {
	p.Helper()
	fields["memo"], fields["memo_type"] = memo, "id"
	return p.mustPut(fields)
}

func (p party) mustPut(fields map[string]any) string {
	p.Helper()
	a := p.put("/kyc/customer", fields)
	require.Equal(p, http.StatusAccepted, a.status, string(a.body))
	return a.text("id")
}

func agreement(who people) map[string]any {
	return map[string]any{
		"amount": 100, "asset_code": assetCode, "funding_method": "SEPA", "sender_id": who.sender, "receiver_id": who.receiver,
	}
}

// agreed opens a transaction.
func (p party) agreed(who people) reply {
	p.Helper()
	a := p.post("/sep31/transactions", agreement(who))
	require.Equal(p, http.StatusCreated, a.status, string(a.body))
	return a
}

// requireRefused wants a JSON error of one of the statuses that tells nothing of what others have.
func requireRefused(t *testing.T, a reply, statuses ...int) {
	t.Helper()
	require.Contains(t, statuses, a.status, string(a.body))
	require.NotEmpty(t, a.text("error"), string(a.body))
	require.NotContains(t, string(a.body), bankAccount)
}

// requireSameAs wants two answers that nobody can tell apart.
func requireSameAs(t *testing.T, unknown, foreign reply) {
	t.Helper()
	require.Equal(t, unknown.status, foreign.status, string(foreign.body))
	require.Equal(t, string(unknown.body), string(foreign.body), "the answer tells that there is one")
}
