package sep10_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sep10"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// draft is a challenge of which a test can change anything before the server's key signs it.
type draft struct {
	source     *txnbuild.SimpleAccount
	operations []txnbuild.Operation
	memo       txnbuild.Memo
	bounds     txnbuild.TimeBounds
	passphrase string
	signer     *keypair.Full
}

func (b *bundle) draft(client string) *draft {
	now := time.Now().Unix()
	return &draft{
		source: &txnbuild.SimpleAccount{AccountID: b.signing.Address()},
		operations: []txnbuild.Operation{
			&txnbuild.ManageData{SourceAccount: client, Name: homeDomain + " auth", Value: nonce(48)},
			&txnbuild.ManageData{SourceAccount: b.signing.Address(), Name: "web_auth_domain", Value: []byte(authDomain)},
		},
		bounds: txnbuild.NewTimebounds(now, now+900), passphrase: passphrase, signer: b.signing,
	}
}

func nonce(n int) []byte { return []byte(base64.StdEncoding.EncodeToString(make([]byte, n))) }

func (d *draft) login() *txnbuild.ManageData  { return d.operations[0].(*txnbuild.ManageData) }
func (d *draft) domain() *txnbuild.ManageData { return d.operations[1].(*txnbuild.ManageData) }

func (d *draft) build(t testing.TB) *txnbuild.Transaction {
	t.Helper()
	tx, err := txnbuild.NewTransaction(txnbuild.TransactionParams{
		SourceAccount: d.source, Operations: d.operations, BaseFee: 100, Memo: d.memo,
		Preconditions: txnbuild.Preconditions{TimeBounds: d.bounds},
	})
	require.NoError(t, err)
	tx, err = tx.Sign(d.passphrase, d.signer)
	require.NoError(t, err)
	return tx
}

func TestAChallengeThatIsNotOursAsItWasGivenIsRefused(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	other := keypair.MustRandom()
	now := time.Now().Unix()
	for name, c := range map[string]struct {
		change func(*draft)
		want   string
	}{
		"of another server":      {func(d *draft) { d.source.AccountID = other.Address() }, "source account"},
		"signed by another key":  {func(d *draft) { d.signer = other }, "not signed by " + b.signing.Address()},
		"of another network":     {func(d *draft) { d.passphrase = network.PublicNetworkPassphrase }, "not signed by"},
		"with a sequence number": {func(d *draft) { d.source.Sequence = 1 }, "sequence number must be 0"},
		"without an end":         {func(d *draft) { d.bounds = txnbuild.NewInfiniteTimeout() }, "non-infinite"},
		"that has run out":       {func(d *draft) { d.bounds = txnbuild.NewTimebounds(now-901, now-1) }, "timebounds"},
		"of the future":          {func(d *draft) { d.bounds = txnbuild.NewTimebounds(now+900, now+1800) }, "timebounds"},
		"of another operation":   {func(d *draft) { d.operations[0] = &txnbuild.BumpSequence{SourceAccount: client.Address()} }, "manage_data"},
		"without a client":       {func(d *draft) { d.login().SourceAccount = "" }, "source account"},
		"for another domain":     {func(d *draft) { d.login().Name = "evil.example auth" }, "homeDomains"},
		"for no domain":          {func(d *draft) { d.login().Name = " auth" }, "homeDomains"},
		"with a short nonce":     {func(d *draft) { d.login().Value = nonce(47)[:60] }, "64 bytes"},
		"with a nonce of 47":     {func(d *draft) { d.login().Value = nonce(47) }, "48 bytes"},
		"without a nonce":        {func(d *draft) { d.login().Value = nil }, "64 bytes"},
		"for another endpoint":   {func(d *draft) { d.domain().Value = []byte("evil.example") }, "web auth domain"},
		"without its endpoint":   {func(d *draft) { d.operations = d.operations[:1] }, "no web_auth_domain"},
		"of a foreign endpoint":  {func(d *draft) { d.domain().SourceAccount = client.Address() }, "server source"},
		"with a payment": {func(d *draft) {
			d.operations = append(d.operations, &txnbuild.Payment{Destination: other.Address(), Amount: "1", Asset: txnbuild.NativeAsset{}})
		}, "manage_data"},
		"with a client domain": {func(d *draft) {
			d.operations = append(d.operations, &txnbuild.ManageData{SourceAccount: other.Address(), Name: "client_domain", Value: []byte("a.example")})
		}, "unrecognized"},
		"with a text memo":      {func(d *draft) { d.memo = txnbuild.MemoText("1") }, "only ID memos"},
		"with a hash memo":      {func(d *draft) { d.memo = txnbuild.MemoHash{1} }, "only ID memos"},
		"muxed and with a memo": {func(d *draft) { d.memo, d.login().SourceAccount = txnbuild.MemoID(1), muxed(t, client.Address(), 1) }, "memos are not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			d := b.draft(client.Address())
			c.change(d)
			requireRefused(t, http.StatusBadRequest, c.want, b.post(b.sign(d.build(t), client)))
		})
	}
	t.Run("but the draft itself is fine", func(t *testing.T) {
		a := b.post(b.sign(b.draft(client.Address()).build(t), client))
		require.Equal(t, http.StatusOK, a.status, a.error())
	})
	require.Equal(t, 1, b.accounts.asked, "the network is not asked about any of these")
}

func TestAFeeBumpIsNoChallenge(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	inner, err := b.draft(client.Address()).build(t).Sign(passphrase, client)
	require.NoError(t, err)
	bump, err := txnbuild.NewFeeBumpTransaction(txnbuild.FeeBumpTransactionParams{Inner: inner, FeeAccount: b.signing.Address(), BaseFee: 200})
	require.NoError(t, err)
	envelope, err := bump.Base64()
	require.NoError(t, err)
	requireRefused(t, http.StatusBadRequest, "fee bump", b.post(envelope))
}

func TestABodyThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const json, form = "application/json", "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"no body":             {"", "", 400},
		"no JSON":             {json, "{", 400},
		"a list":              {json, "[]", 400},
		"null":                {json, "null", 400},
		"a number":            {json, `{"transaction":1}`, 400},
		"a null transaction":  {json, `{"transaction":null}`, 400},
		"another key":         {json, `{"Transaction":"AAAA"}`, 400},
		"two values":          {json, `{"transaction":"AAAA"}{}`, 400},
		"not UTF-8":           {json, "{\"transaction\":\"\xff\"}", 400},
		"U+0000":              {json, `{"transaction":"\u0000"}`, 400},
		"no base64":           {json, `{"transaction":"*"}`, 400},
		"no envelope":         {json, `{"transaction":"AAAA"}`, 400},
		"an empty form":       {form, "", 400},
		"a broken form":       {form, "transaction=%zz", 400},
		"two in a form":       {form, "transaction=AAAA&transaction=AAAA", 400},
		"multipart":           {"multipart/form-data; boundary=x", "--x--", 400},
		"a bad content type":  {"application/", "{}", 400},
		"a large transaction": {json, `{"transaction":"` + strings.Repeat("A", 50_001) + `"}`, 413},
		"a large body":        {json, `{"transaction":"` + strings.Repeat("A", 64<<10) + `"}`, 413},
		"a large form":        {form, "transaction=" + strings.Repeat("A", 64<<10), 413},
		"a deep body":         {json, strings.Repeat("[", 60_000), 400},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, c.status, "", b.send(http.MethodPost, "/auth", c.contentType, strings.NewReader(c.body)))
		})
	}
}

func TestSignaturesAreCountedBySignersAsTheyAreNow(t *testing.T) {
	t.Parallel()
	client, a, c := keypair.MustRandom(), keypair.MustRandom(), keypair.MustRandom()
	for name, k := range map[string]struct {
		medium  int
		weights map[*keypair.Full]int
		signers []*keypair.Full
		want    string // of the refusal; empty: a token
	}{
		"threshold 0 and the master key":        {0, map[*keypair.Full]int{client: 1}, []*keypair.Full{client}, ""},
		"threshold 0 and a disabled master key": {0, map[*keypair.Full]int{client: 0, a: 1}, []*keypair.Full{client}, "not signed by"},
		"threshold 0 and no signer at all":      {0, map[*keypair.Full]int{client: 0}, []*keypair.Full{client}, "no verifiable signers"},
		"a stranger besides enough weight":      {1, map[*keypair.Full]int{client: 1}, []*keypair.Full{client, c}, "unrecognized"},
		"a signer that was taken away":          {1, map[*keypair.Full]int{client: 1, a: 0}, []*keypair.Full{a}, "not signed by"},
		"more weight than needed":               {10, map[*keypair.Full]int{client: 255, a: 255}, []*keypair.Full{client, a}, ""},
		"a threshold that nobody reaches":       {255, map[*keypair.Full]int{client: 100, a: 100}, []*keypair.Full{client, a}, "weigh 200"},
		"a threshold that no account has":       {257, map[*keypair.Full]int{client: 1}, []*keypair.Full{client}, "asks for 257"},
		"the third of three signers":            {1, map[*keypair.Full]int{client: 1, a: 1, c: 1}, []*keypair.Full{c}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			weights := map[string]int{}
			for key, weight := range k.weights {
				weights[key.Address()] = weight
			}
			b.accounts.create(client.Address(), k.medium, weights)
			got := b.post(b.sign(b.challenge("account="+client.Address()), k.signers...))
			if k.want == "" {
				require.Equal(t, http.StatusOK, got.status, got.error())
				return
			}
			requireRefused(t, http.StatusBadRequest, k.want, got)
		})
	}
}

func TestTheServersOwnSignatureNeverCounts(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	server := b.signing.Address()
	b.accounts.create(client.Address(), 2, map[string]int{client.Address(): 1, server: 1})
	tx := b.challenge("account=" + client.Address())
	requireRefused(t, http.StatusBadRequest, "weigh 1", b.post(b.sign(tx, client)))
	requireRefused(t, http.StatusBadRequest, "unrecognized", b.post(b.sign(tx, client, b.signing)))

	t.Run("nor does it log the server in", func(t *testing.T) {
		requireRefused(t, http.StatusBadRequest, "signer", b.post(b.sign(b.challenge("account="+server), b.signing)))
	})
}

func TestSignersOfOtherTypesAreNoKeys(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	b.accounts.known[client.Address()] = stellar.Account{
		ID: client.Address(), Signers: []stellar.Signer{{Key: client.Address(), Type: "sha256_hash", Weight: 1}},
	}
	requireRefused(t, http.StatusBadRequest, "no verifiable signers", b.post(b.sign(b.challenge("account="+client.Address()), client)))
}

func TestAChallengeGivesOneToken(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	tx := b.challenge("account=" + client.Address())
	requireRefused(t, http.StatusBadRequest, "not signed by", b.post(b.sign(tx, keypair.MustRandom())))
	require.Equal(t, http.StatusOK, b.post(b.sign(tx, client)).status, "a failed attempt does not use it up")
	requireRefused(t, http.StatusBadRequest, "used before", b.post(b.sign(tx, client)))
	requireRefused(t, http.StatusBadRequest, "used before", b.postForm(b.sign(tx, client)))

	t.Run("also when its signatures are written differently", func(t *testing.T) {
		tx, err := tx.ClearSignatures()
		require.NoError(t, err)
		requireRefused(t, http.StatusBadRequest, "used before", b.post(b.sign(tx, client, b.signing)))
	})
	t.Run("and is remembered until it runs out", func(t *testing.T) {
		hash, err := tx.HashHex(passphrase)
		require.NoError(t, err)
		require.Equal(t, time.Unix(tx.Timebounds().MaxTime, 0), b.challenges.used[hash])
	})
}

func TestOneOfManyLoginsWithAChallengeAtOnceSucceeds(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	envelope := b.sign(b.challenge("account="+client.Address()), client)
	var tokens atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if b.post(envelope).status == http.StatusOK {
				tokens.Add(1)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), tokens.Load())
}

func TestAChallengeRunsOut(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	envelope := b.sign(b.challenge("account="+client.Address()), client)
	b.ahead = lifetime + time.Second
	requireRefused(t, http.StatusBadRequest, "run out", b.post(envelope))
}

func TestNobodyLogsInWhileTheNetworkCannotBeAsked(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	tx := b.challenge("account=" + client.Address())
	b.accounts.err = &stellar.UnavailableError{Status: 503}
	requireRefused(t, http.StatusServiceUnavailable, "try again", b.post(b.sign(tx, client)))
	require.Contains(t, b.log.String(), "Horizon answered 503")

	b.accounts.err = nil
	require.Equal(t, http.StatusOK, b.post(b.sign(tx, client)).status, "the same challenge is good later")
}

func TestAFaultOfTheDatabaseIsNotShown(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	b.challenges.err = errors.New("disk full")
	a := b.post(b.sign(b.challenge("account="+client.Address()), client))
	requireRefused(t, http.StatusInternalServerError, "internal error", a)
	require.Equal(t, 1, strings.Count(b.log.String(), "disk full"), "it is logged once")
}

func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	token := b.login("account="+client.Address()+"&memo=4711", client)
	b.who(token)
	b.send(http.MethodPost, "/who/401", "", nil, "Authorization", "Bearer "+token+"x")
	log := b.log.String()
	require.NotEmpty(t, log)
	for _, secret := range []string{token, b.signing.Seed(), string(jwtKey()), client.Address(), "4711"} {
		require.NotContains(t, log, secret)
	}
}

func TestEveryHomeDomainThatIsListedIsServed(t *testing.T) {
	t.Parallel()
	b, client := setup(t, func(d *sep10.Deps) { d.HomeDomains = []string{"a.example", "b.example"} }), keypair.MustRandom()
	for _, domain := range []string{"a.example", "b.example"} {
		b.login("account="+client.Address()+"&home_domain="+domain, client)
	}
}
