package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/stellar/go-stellar-sdk/clients/horizonclient"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// wallet makes the requests that the Stellar demo wallet makes for "SEP-31 Send", shaped as it shapes them: an empty
// client_domain, users told apart by hash memos, multipart without a type, the amount as text and no funding method.
type wallet struct {
	ctx     context.Context
	home    string // of the anchor
	folder  string // in which the anchor works
	network *horizonclient.Client
	account *keypair.Full

	passphrase, token string
	info              struct {
		Auth    string `toml:"WEB_AUTH_ENDPOINT"`
		KYC     string `toml:"KYC_SERVER"`
		Send    string `toml:"DIRECT_PAYMENT_SERVER"`
		Signing string `toml:"SIGNING_KEY"`
	}
	asset            txnbuild.CreditAsset
	sender, receiver string // customers' ids
	sent             []string
}

// stepPatience is how long the anchor's processes may take to move a transaction on.
const stepPatience = 30 * time.Second

func newWallet(ctx context.Context, home, horizon string, account *keypair.Full) *wallet {
	return &wallet{
		ctx: ctx, home: home, account: account,
		network: &horizonclient.Client{HorizonURL: strings.TrimSuffix(horizon, "/") + "/", HTTP: http.DefaultClient},
	}
}

// call makes a request, demands a status and decodes the JSON answer.
func (w *wallet) call(t require.TestingT, status int, method, address, contentType string, body io.Reader, into any) {
	request, err := http.NewRequestWithContext(w.ctx, method, address, body)
	require.NoError(t, err)
	if w.token != "" {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, status, response.StatusCode, "%s %s: %s", method, address, raw)
	if into != nil {
		require.NoError(t, json.Unmarshal(raw, into), "%s", raw)
	}
}

func (w *wallet) get(t require.TestingT, address string, into any) {
	w.call(t, http.StatusOK, http.MethodGet, address, "", nil, into)
}

func (w *wallet) send(t require.TestingT, status int, method, address string, body, into any) {
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	w.call(t, status, method, address, "application/json", bytes.NewReader(raw), into)
}

// readsToml finds the anchor's servers (SEP-1).
func (w *wallet) readsToml(t require.TestingT) {
	var document strings.Builder
	require.NoError(t, fetch(w.ctx, w.home+"/.well-known/stellar.toml", &document))
	_, err := toml.Decode(document.String(), &w.info)
	require.NoError(t, err)
	require.NotEmpty(t, w.info.Send)
}

// logsIn proves the account (SEP-10). The challenge is checked before it is signed.
func (w *wallet) logsIn(t require.TestingT) {
	w.readsToml(t)
	home, err := url.Parse(w.home)
	require.NoError(t, err)
	auth, err := url.Parse(w.info.Auth)
	require.NoError(t, err)
	query := url.Values{"account": {w.account.Address()}, "home_domain": {home.Host}, "client_domain": {""}}
	var challenge struct {
		Transaction       string `json:"transaction"`
		NetworkPassphrase string `json:"network_passphrase"`
	}
	w.get(t, w.info.Auth+"?"+query.Encode(), &challenge)
	tx, _, _, _, err := txnbuild.ReadChallengeTx(
		challenge.Transaction, w.info.Signing, challenge.NetworkPassphrase, auth.Host, []string{home.Host})
	require.NoError(t, err)
	tx, err = tx.Sign(challenge.NetworkPassphrase, w.account)
	require.NoError(t, err)
	signed, err := tx.Base64()
	require.NoError(t, err)
	var answer struct{ Token string }
	form := strings.NewReader(url.Values{"transaction": {signed}}.Encode())
	w.call(t, http.StatusOK, http.MethodPost, w.info.Auth, "application/x-www-form-urlencoded", form, &answer)
	w.token, w.passphrase = answer.Token, challenge.NetworkPassphrase
}

// holds gives the account a balance of the asset, from the issuer whose seed create-asset has left in a file.
func (w *wallet) holds(t require.TestingT, code, amount, seedFile string) {
	raw, err := os.ReadFile(seedFile)
	require.NoError(t, err)
	issuer, err := keypair.ParseFull(strings.TrimSpace(string(raw)))
	require.NoError(t, err)
	w.asset = txnbuild.CreditAsset{Code: code, Issuer: issuer.Address()}
	_, err = w.network.Fund(w.account.Address())
	require.NoError(t, err)
	line, err := w.asset.ToChangeTrustAsset()
	require.NoError(t, err)
	w.submits(t, nil, []*keypair.Full{issuer},
		&txnbuild.ChangeTrust{Line: line, Limit: txnbuild.MaxTrustlineLimit},
		&txnbuild.Payment{SourceAccount: issuer.Address(), Destination: w.account.Address(), Amount: amount, Asset: w.asset})
}

func (w *wallet) submits(t require.TestingT, memo txnbuild.Memo, others []*keypair.Full, operations ...txnbuild.Operation) {
	source, err := w.network.AccountDetail(horizonclient.AccountRequest{AccountID: w.account.Address()})
	require.NoError(t, err)
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: &source, IncrementSequenceNum: true, Operations: operations, BaseFee: 5 * txnbuild.MinBaseFee, Memo: memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: txnbuild.NewTimeout(30)},
	})
	require.NoError(t, err)
	tx, err = tx.Sign(w.passphrase, append(others, w.account)...)
	require.NoError(t, err)
	_, err = w.network.SubmitTransaction(tx)
	require.NoError(t, err)
}

// offered is an asset of GET /info, as far as the wallet looks at it.
type offered struct {
	Enabled bool
	SEP12   map[string]struct{ Types map[string]any } `json:"sep12"`
	Fields  map[string]map[string]any
}

// registers asks what is needed of both people and gives it (SEP-12).
func (w *wallet) registers(t require.TestingT) {
	var info struct{ Receive map[string]offered }
	w.get(t, w.info.Send+"/info", &info)
	offer := info.Receive[w.asset.Code]
	require.True(t, offer.Enabled)
	require.ElementsMatch(t, []string{routingNumber, accountNumber}, slices.Collect(maps.Keys(offer.Fields["transaction"])))
	w.sender = w.registersOne(t, offer, "sender")
	w.receiver = w.registersOne(t, offer, "receiver")
	require.NotEqual(t, w.sender, w.receiver)
}

func (w *wallet) registersOne(t require.TestingT, offer offered, side string) (id string) {
	types := slices.Collect(maps.Keys(offer.SEP12[side].Types))
	require.Equal(t, []string{"sep31-" + side}, types)
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	memo := base64.StdEncoding.EncodeToString(raw)
	query := url.Values{"type": types, "account": {w.account.Address()}, "memo": {memo}, "memo_type": {"hash"}}
	var asked struct {
		Status string
		Fields map[string]any
	}
	w.get(t, w.info.KYC+"/customer?"+query.Encode(), &asked)
	require.Equal(t, "NEEDS_INFO", asked.Status)
	values := map[string]string{"account": w.account.Address(), "memo": memo, "memo_type": "hash"}
	for name := range asked.Fields {
		values[name] = map[string]string{"first_name": "Jane", "last_name": "Doe", "email_address": "jane@example.com"}[name]
		require.NotEmpty(t, values[name], "%s is something else than the wallet's user knows", name)
	}
	return w.putsCustomer(t, values)
}

func (w *wallet) putsCustomer(t require.TestingT, values map[string]string) (id string) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range values {
		require.NoError(t, form.WriteField(name, value))
	}
	require.NoError(t, form.Close())
	var answer struct{ ID string }
	w.call(t, http.StatusAccepted, http.MethodPut, w.info.KYC+"/customer", form.FormDataContentType(), &body, &answer)
	return answer.ID
}

// agreed is the answer to a POST.
type agreed struct {
	ID       string `json:"id"`
	Account  string `json:"stellar_account_id"`
	MemoType string `json:"stellar_memo_type"`
	Memo     string `json:"stellar_memo"`
}

// posts asks for a transaction (SEP-31).
func (w *wallet) posts(t require.TestingT, status int, amount string, fields map[string]string, into any) {
	w.send(t, status, http.MethodPost, w.info.Send+"/transactions", map[string]any{
		"sender_id": w.sender, "receiver_id": w.receiver, "fields": map[string]any{"transaction": fields},
		"asset_code": w.asset.Code, "amount": amount,
	}, into)
}

// pays a transaction that was agreed.
func (w *wallet) pays(t require.TestingT, tx agreed, amount string) {
	var memo txnbuild.Memo
	switch tx.MemoType {
	case "id":
		id, err := strconv.ParseUint(tx.Memo, 10, 64)
		require.NoError(t, err)
		memo = txnbuild.MemoID(id)
	case "hash":
		raw, err := base64.StdEncoding.DecodeString(tx.Memo)
		require.NoError(t, err)
		require.Len(t, raw, 32)
		memo = txnbuild.MemoHash(raw)
	default:
		require.Fail(t, "unexpected memo type", tx.MemoType)
	}
	w.submits(t, memo, nil, &txnbuild.Payment{Destination: tx.Account, Amount: amount, Asset: w.asset})
	w.sent = append(w.sent, tx.ID)
}

// followed is a transaction as GET shows it.
type followed struct {
	Status    string
	Message   string                               `json:"status_message"`
	AmountIn  string                               `json:"amount_in"`
	AmountOut string                               `json:"amount_out"`
	External  string                               `json:"external_transaction_id"`
	Required  map[string]map[string]map[string]any `json:"required_info_updates"`
}

// follows asks about a transaction until it has a status.
func (w *wallet) follows(t require.TestingT, id, status string) followed {
	var tx followed
	require.Eventually(t, func() bool {
		var answer struct{ Transaction followed }
		w.get(t, w.info.Send+"/transactions/"+id, &answer)
		tx = answer.Transaction
		return tx.Status == status
	}, stepPatience, 50*time.Millisecond, "transaction %s never became %s", id, status)
	return tx
}

// updates gives fields that a payout asked for (SEP-31 "PATCH Transaction").
func (w *wallet) updates(t require.TestingT, status int, id string, fields map[string]string, into any) {
	w.send(t, status, http.MethodPatch, w.info.Send+"/transactions/"+id, map[string]any{
		"id": id, "fields": map[string]any{"transaction": fields},
	}, into)
}
