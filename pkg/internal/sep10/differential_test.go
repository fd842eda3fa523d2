package sep10_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// mutation changes a challenge in a way that a client could.
type mutation struct {
	name   string
	change func(b *bundle, d *draft)
}

// mutations are the ways in which a challenge can differ from one of ours.
func mutations(client, other *keypair.Full, muxedClient string) []mutation {
	data := func(source, name string, value []byte) txnbuild.Operation {
		return &txnbuild.ManageData{SourceAccount: source, Name: name, Value: value}
	}
	add := func(o func(*bundle) txnbuild.Operation) func(*bundle, *draft) {
		return func(b *bundle, d *draft) { d.operations = append(d.operations, o(b)) }
	}
	now := time.Now().Unix()
	return []mutation{
		{"of another source", func(_ *bundle, d *draft) { d.source.AccountID = other.Address() }},
		{"of a muxed source", func(b *bundle, d *draft) { d.source.AccountID = muxed(b.t, b.signing.Address(), 1) }},
		{"with a sequence number", func(_ *bundle, d *draft) { d.source.Sequence = 1 }},
		{"with a negative one", func(_ *bundle, d *draft) { d.source.Sequence = -1 }},
		{"without an end", func(_ *bundle, d *draft) { d.bounds = txnbuild.NewInfiniteTimeout() }},
		{"that has run out", func(_ *bundle, d *draft) { d.bounds = txnbuild.NewTimebounds(now-1000, now-10) }},
		{"of the far future", func(_ *bundle, d *draft) { d.bounds = txnbuild.NewTimebounds(now+400, now+900) }},
		{"of the near future", func(_ *bundle, d *draft) { d.bounds = txnbuild.NewTimebounds(now+200, now+900) }},
		{"of another kind", func(_ *bundle, d *draft) { d.operations[0] = &txnbuild.BumpSequence{SourceAccount: client.Address()} }},
		{"without a client", func(_ *bundle, d *draft) {
			if o, ok := d.operations[0].(*txnbuild.ManageData); ok {
				o.SourceAccount = ""
			}
		}},
		{"of a muxed client", func(_ *bundle, d *draft) {
			if o, ok := d.operations[0].(*txnbuild.ManageData); ok {
				o.SourceAccount = muxedClient
			}
		}},
		{"for another domain", rename("evil.example auth")},
		{"for another that is served", rename(otherDomain + " auth")},
		{"for a domain in capitals", rename(strings.ToUpper(otherDomain) + " auth")},
		{"for no domain", rename(" auth")},
		{"with a short nonce", renonce(nonce(40))},
		{"with a nonce of 47", renonce(nonce(47))},
		{"with a nonce that is no base64", renonce([]byte(strings.Repeat("*", 64)))},
		{"with a nonce of two lines", renonce([]byte(strings.Repeat("A", 62) + "\n\n"))},
		{"without a nonce", renonce(nil)},
		{"with a memo", func(_ *bundle, d *draft) { d.memo = txnbuild.MemoID(7) }},
		{"with a memo of 0", func(_ *bundle, d *draft) { d.memo = txnbuild.MemoID(0) }},
		{"with a text memo", func(_ *bundle, d *draft) { d.memo = txnbuild.MemoText("7") }},
		{"with a return memo", func(_ *bundle, d *draft) { d.memo = txnbuild.MemoReturn{7} }},
		{"without its endpoint", func(_ *bundle, d *draft) { d.operations = d.operations[:1] }},
		{"for another endpoint", func(b *bundle, d *draft) {
			d.operations = append(d.operations, data(b.signing.Address(), "web_auth_domain", []byte("evil.example")))
		}},
		{"with its endpoint twice", add(func(b *bundle) txnbuild.Operation {
			return data(b.signing.Address(), "web_auth_domain", []byte(authDomain))
		})},
		{"with an endpoint of the client's", add(func(*bundle) txnbuild.Operation { return data(client.Address(), "web_auth_domain", []byte(authDomain)) })},
		{"with data of the server's", add(func(b *bundle) txnbuild.Operation { return data(b.signing.Address(), "more", []byte("x")) })},
		{"with data that removes", add(func(b *bundle) txnbuild.Operation { return data(b.signing.Address(), "more", nil) })},
		{"with a client_domain of the server's", add(func(b *bundle) txnbuild.Operation { return data(b.signing.Address(), "client_domain", []byte("x")) })},
		{"with data of nobody's", add(func(*bundle) txnbuild.Operation { return data("", "more", []byte("x")) })},
		{"with data of another", add(func(*bundle) txnbuild.Operation { return data(other.Address(), "more", []byte("x")) })},
		{"with a payment", add(func(b *bundle) txnbuild.Operation {
			return &txnbuild.Payment{SourceAccount: b.signing.Address(), Destination: other.Address(), Amount: "1", Asset: txnbuild.NativeAsset{}}
		})},
		{"signed by another", func(_ *bundle, d *draft) { d.signer = other }},
		{"of another network", func(_ *bundle, d *draft) { d.passphrase = "Another" }},
	}
}

func rename(name string) func(*bundle, *draft) {
	return func(_ *bundle, d *draft) {
		if o, ok := d.operations[0].(*txnbuild.ManageData); ok {
			o.Name = name
		}
	}
}

func renonce(value []byte) func(*bundle, *draft) {
	return func(_ *bundle, d *draft) {
		if o, ok := d.operations[0].(*txnbuild.ManageData); ok {
			o.Value = value
		}
	}
}

// TestChallengesAreJudgedAsTheSDKJudgesThem changes challenges in up to three ways at once, signs them by any of several
// keys, spoils bytes of some, and compares with the SDK, which knows no client_domain.
func TestChallengesAreJudgedAsTheSDKJudgesThem(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	b := setup(t, quiet)
	client, one, two, other := keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom()
	keys := []*keypair.Full{client, one, two, other, b.signing}
	ways := mutations(client, other, muxed(t, client.Address(), 9))
	accepted := 0
	const rounds = 2500
	for range rounds {
		d, names := b.draft(client.Address()), []string{}
		for range [...]int{0, 0, 1, 1, 1, 2, 3}[random.IntN(7)] {
			way := ways[random.IntN(len(ways))]
			names = append(names, way.name)
			way.change(b, d)
		}
		tx, ok := d.tryBuild()
		if !ok {
			continue // the SDK does not even write it
		}
		for range [...]int{1, 1, 1, 2, 2, 3}[random.IntN(6)] {
			key := keys[[...]int{0, 0, 0, 0, 1, 1, 2, 3, 4}[random.IntN(9)]]
			names = append(names, "signed by "+key.Address()[:5])
			var err error
			tx, err = tx.Sign(passphrase, key)
			require.NoError(t, err)
		}
		envelope := b.encode(tx)
		switch random.IntN(6) {
		case 0:
			envelope = spoiled(t, envelope, random)
			names = append(names, "spoiled")
		case 1:
			envelope = asVersion0(t, envelope)
			names = append(names, "of version 0")
		}
		threshold := b.account(client, one, two, random)
		want := b.sdkAccepts(envelope, threshold)
		a := b.post(envelope)
		require.Equal(t, want, a.status == http.StatusOK, "%v: answered %d %s", names, a.status, a.error())
		if want {
			accepted++
		}
		clear(b.challenges.used)
	}
	require.Greater(t, accepted, rounds/20, "both kinds are met")
	t.Logf("%d of %d accepted", accepted, rounds)
}

// account has the client's account exist, or not, and tells its weights.
func (b *bundle) account(client, one, two *keypair.Full, random *rand.Rand) txnbuild.SignerSummary {
	delete(b.accounts.known, client.Address())
	if random.IntN(2) == 0 {
		return txnbuild.SignerSummary{client.Address(): 1}
	}
	weights, summary := map[string]int{}, txnbuild.SignerSummary{}
	for _, key := range []*keypair.Full{client, one, two, b.signing} {
		if weight := random.IntN(4); weight > 0 {
			weights[key.Address()], summary[key.Address()] = weight, int32(weight)
		}
	}
	b.accounts.create(client.Address(), random.IntN(4), weights)
	return summary
}

// sdkAccepts is what the SDK makes of a challenge; we ask for the endpoint besides.
func (b *bundle) sdkAccepts(envelope string, summary txnbuild.SignerSummary) bool {
	tx, client, _, _, err := txnbuild.ReadChallengeTx(envelope, b.signing.Address(), passphrase, authDomain, []string{homeDomain, otherDomain})
	if err != nil {
		return false
	}
	named := false
	for _, o := range tx.Operations()[1:] {
		named = named || o.(*txnbuild.ManageData).Name == "web_auth_domain"
	}
	threshold := 1
	if account, ok := b.accounts.known[base(b.t, client)]; ok {
		threshold = max(account.Thresholds.Medium, 1)
	}
	_, err = txnbuild.VerifyChallengeTxThreshold(
		envelope, b.signing.Address(), passphrase, authDomain, []string{homeDomain, otherDomain}, txnbuild.Threshold(threshold), summary)
	return named && err == nil
}

func base(t testing.TB, account string) string {
	m, err := xdr.AddressToMuxedAccount(account)
	require.NoError(t, err)
	id := m.ToAccountId()
	return id.Address()
}

func (d *draft) tryBuild() (*txnbuild.Transaction, bool) {
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: d.source, Operations: d.operations, BaseFee: 100, Memo: d.memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: d.bounds},
	})
	if err != nil {
		return nil, false
	}
	tx, err = tx.Sign(d.passphrase, d.signer)
	return tx, err == nil
}

func spoiled(t testing.TB, envelope string, random *rand.Rand) string {
	raw, err := base64.StdEncoding.DecodeString(envelope)
	require.NoError(t, err)
	switch random.IntN(4) {
	case 0:
		raw = raw[:random.IntN(len(raw))]
	case 1:
		raw = append(raw, 0, 0, 0, 0)
	default:
		raw[random.IntN(len(raw))] ^= 1 << random.IntN(8)
	}
	if len(raw) == 0 {
		raw = []byte{0}
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// asVersion0 writes an envelope as networks did before protocol 13; its signatures stay good.
func asVersion0(t testing.TB, envelope string) string {
	var e xdr.TransactionEnvelope
	require.NoError(t, xdr.SafeUnmarshalBase64(envelope, &e))
	tx := e.V1.Tx
	if tx.SourceAccount.Type != xdr.CryptoKeyTypeKeyTypeEd25519 {
		return envelope
	}
	text, err := xdr.MarshalBase64(xdr.TransactionEnvelope{Type: xdr.EnvelopeTypeEnvelopeTypeTxV0, V0: &xdr.TransactionV0Envelope{
		Tx: xdr.TransactionV0{
			SourceAccountEd25519: *tx.SourceAccount.Ed25519, Fee: tx.Fee, SeqNum: tx.SeqNum, TimeBounds: tx.Cond.TimeBounds,
			Memo: tx.Memo, Operations: tx.Operations,
		},
		Signatures: e.V1.Signatures,
	}})
	require.NoError(t, err)
	return text
}

func TestOurChallengesAreWhatTheSDKReads(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	for _, query := range []string{"", "&memo=0", "&memo=" + maxMemo, "&home_domain=" + otherDomain} {
		envelope := b.encode(b.challenge("account=" + client.Address() + query))
		_, account, domain, memo, err := txnbuild.ReadChallengeTx(envelope, b.signing.Address(), passphrase, authDomain, []string{homeDomain, otherDomain})
		require.NoError(t, err)
		require.Equal(t, client.Address(), account)
		require.Equal(t, strings.Contains(query, otherDomain), domain == otherDomain)
		require.Equal(t, strings.Contains(query, "memo"), memo != nil)
		if memo != nil {
			require.Contains(t, query, "memo="+fmt.Sprint(uint64(*memo)))
		}
	}
}
