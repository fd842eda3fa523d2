package sep10_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// The checks of Stellar's conformance suite for SEP-10, by its numbers; 6 and 7 are about stellar.toml.

func TestSuite_08_a_challenge_is_valid(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	before := time.Now().Unix()
	a := b.ask("account=" + client.Address())
	after := time.Now().Unix()

	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, passphrase, a.body["network_passphrase"])
	require.Len(t, a.body, 2, "no other keys")
	tx := b.parse(a.body["transaction"].(string))
	require.Zero(t, tx.SequenceNumber())
	require.Equal(t, b.signing.Address(), tx.SourceAccount().AccountID)
	require.GreaterOrEqual(t, tx.Timebounds().MinTime, before, "it is not back-dated")
	require.LessOrEqual(t, tx.Timebounds().MinTime, after)
	require.Equal(t, tx.Timebounds().MinTime+int64(lifetime.Seconds()), tx.Timebounds().MaxTime)
	require.Nil(t, tx.Memo())

	require.Len(t, tx.Operations(), 2)
	login := tx.Operations()[0].(*txnbuild.ManageData)
	require.Equal(t, client.Address(), login.SourceAccount)
	require.Equal(t, homeDomain+" auth", login.Name)
	require.Len(t, login.Value, 64)
	nonce, err := base64.StdEncoding.DecodeString(string(login.Value))
	require.NoError(t, err)
	require.Len(t, nonce, 48)
	domain := tx.Operations()[1].(*txnbuild.ManageData)
	require.Equal(t, b.signing.Address(), domain.SourceAccount)
	require.Equal(t, "web_auth_domain", domain.Name)
	require.Equal(t, authDomain, string(domain.Value))

	require.Len(t, tx.Signatures(), 1)
	hash, err := tx.Hash(passphrase)
	require.NoError(t, err)
	require.NoError(t, b.signing.Verify(hash[:], tx.Signatures()[0].Signature))
}

func TestSuite_09_a_challenge_needs_an_account(t *testing.T) {
	t.Parallel()
	requireRefused(t, http.StatusBadRequest, "account is missing", setup(t).ask(""))
}

func TestSuite_10_a_challenge_needs_a_valid_account(t *testing.T) {
	t.Parallel()
	requireRefused(t, http.StatusBadRequest, "must be a Stellar account", setup(t).ask("account=GINVALID"))
}

func TestSuite_11_a_signed_challenge_sent_as_a_form_gives_a_token(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	a := b.postForm(b.sign(b.challenge("account="+client.Address()), client))
	require.Equal(t, http.StatusOK, a.status, a.error())
	require.Len(t, a.body, 1)

	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(a.body["token"].(string), claims, func(*jwt.Token) (any, error) { return jwtKey(), nil })
	require.NoError(t, err)
	require.Equal(t, client.Address(), claims["sub"])
	iss, err := url.Parse(claims["iss"].(string))
	require.NoError(t, err)
	require.Equal(t, "https", iss.Scheme)
	require.IsType(t, float64(0), claims["iat"])
	require.InDelta(t, time.Hour.Seconds(), claims["exp"].(float64)-claims["iat"].(float64), 0)
	require.Len(t, claims["jti"], 64)
}

func TestSuite_12_a_signed_challenge_sent_as_JSON_gives_a_token(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	require.Equal(t, client.Address(), b.who(b.login("account="+client.Address(), client)).Account)
}

func TestSuite_13_a_body_without_a_transaction_is_refused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireRefused(t, http.StatusBadRequest, "transaction is missing",
		b.send(http.MethodPost, "/auth", "application/json", strings.NewReader(`{}`)))
	requireRefused(t, http.StatusBadRequest, "transaction is missing",
		b.send(http.MethodPost, "/auth", "application/x-www-form-urlencoded", strings.NewReader("other=1")))
}

func TestSuite_14_a_challenge_that_its_client_did_not_sign_is_refused(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	requireRefused(t, http.StatusBadRequest, "not signed by the client", b.post(b.encode(b.challenge("account="+client.Address()))))
}

func TestSuite_15_a_transaction_that_is_an_object_is_refused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireRefused(t, http.StatusBadRequest, "must be a string",
		b.send(http.MethodPost, "/auth", "application/json", strings.NewReader(`{"transaction":{"a":1}}`)))
	requireRefused(t, http.StatusBadRequest, "Content-Type",
		b.send(http.MethodPost, "/auth", "text/plain;charset=UTF-8", strings.NewReader("[object Object]")))
}

func TestSuite_16_a_challenge_that_the_server_did_not_sign_is_refused(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	tx, err := b.challenge("account=" + client.Address()).ClearSignatures()
	require.NoError(t, err)
	requireRefused(t, http.StatusBadRequest, "not signed by "+b.signing.Address(), b.post(b.sign(tx, client)))
}

func TestSuite_17_an_account_that_does_not_exist_signs_alone(t *testing.T) {
	t.Parallel()
	b, client, other := setup(t), keypair.MustRandom(), keypair.MustRandom()
	tx := b.challenge("account=" + client.Address())
	requireRefused(t, http.StatusBadRequest, "unrecognized signatures", b.post(b.sign(tx, client, other)))
	requireRefused(t, http.StatusBadRequest, "not signed by", b.post(b.sign(tx, other)))
	requireRefused(t, http.StatusBadRequest, "unrecognized signatures", b.post(b.sign(tx, client, client)))
}

func TestSuite_18_a_weight_below_the_medium_threshold_is_not_enough(t *testing.T) {
	t.Parallel()
	b, client, signer := setup(t), keypair.MustRandom(), keypair.MustRandom()
	b.accounts.create(client.Address(), 2, map[string]int{client.Address(): 0, signer.Address(): 1})
	requireRefused(t, http.StatusBadRequest, "weigh 1, the account asks for 2",
		b.post(b.sign(b.challenge("account="+client.Address()), signer)))
}

func TestSuite_19_one_signer_that_is_not_the_master_key_is_enough(t *testing.T) {
	t.Parallel()
	b, client, signer := setup(t), keypair.MustRandom(), keypair.MustRandom()
	b.accounts.create(client.Address(), 1, map[string]int{client.Address(): 1, signer.Address(): 1})
	require.Equal(t, client.Address(), b.who(b.login("account="+client.Address(), signer)).Account)
}

func TestSuite_20_a_signer_counts_once_however_often_it_signs(t *testing.T) {
	t.Parallel()
	b, client, signer := setup(t), keypair.MustRandom(), keypair.MustRandom()
	b.accounts.create(client.Address(), 2, map[string]int{client.Address(): 1, signer.Address(): 1})
	requireRefused(t, http.StatusBadRequest, "signatures",
		b.post(b.sign(b.challenge("account="+client.Address()), signer, signer)))
}

func TestSuite_21_two_signers_reach_the_threshold_together(t *testing.T) {
	t.Parallel()
	b, client, one, two := setup(t), keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom()
	b.accounts.create(client.Address(), 2, map[string]int{client.Address(): 0, one.Address(): 1, two.Address(): 1})
	require.Equal(t, client.Address(), b.who(b.login("account="+client.Address(), one, two)).Account)
}
