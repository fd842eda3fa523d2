package bench_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

const loginsPerRound = 2000

// measureLogins has accounts that exist log in: a challenge, the client's signature, a token. The network that is asked for
// their signers runs beside the client, on the same processors.
func measureLogins(b *testing.B, e engine, t *table) {
	url := e.url(b)
	s := newSite(b, url)
	s.start(b, "serve").ready(b, s.home+"/.well-known/stellar.toml")
	clients := make([]*keypair.Full, connections)
	for i := range clients {
		clients[i] = s.chain.account(b, "")
	}
	host := strings.TrimPrefix(s.home, "http://")
	lines := newLines(b, host)
	login := func(n int) {
		share(b, lines, n, func(l *line, i int) error { return l.login(host, clients[i%len(clients)]) })
	}
	raw := openRaw(b, url, connections)
	insert := prepared(b, raw, "INSERT INTO used_challenges (hash, expires_us) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
	insertBare := func(n int) {
		bare(b, n, func(ctx context.Context, _ int) error {
			_, err := insert.ExecContext(ctx, randomHash(), int64(1))
			return err
		})
	}
	login(warmUp)
	analyze(b, raw)
	insertBare(warmUp)
	r := row{
		what: fmt.Sprintf("logins, %d connections", connections), engine: e.name, unit: "/s", besideWhat: "bare statements", bar: atLeast(1000, "/s"),
	}
	t.add(b, turns(r,
		func() float64 { return perSecond(loginsPerRound, func() { insertBare(loginsPerRound) }) },
		func() float64 { return perSecond(loginsPerRound, func() { login(loginsPerRound) }) },
	))
	require.Equal(b, warmUp+rounds*loginsPerRound, count(b, raw, "SELECT COUNT(*) FROM used_challenges WHERE expires_us > 1"))
}

func (l *line) login(host string, client *keypair.Full) error {
	status, body, err := l.ask("GET /auth?account=" + client.Address() + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
	var challenge struct {
		Transaction string `json:"transaction"`
		Passphrase  string `json:"network_passphrase"`
	}
	if err != nil || status != 200 || json.Unmarshal(body, &challenge) != nil || challenge.Passphrase != passphrase {
		return fmt.Errorf("no challenge: %d %s (%w)", status, body, err)
	}
	envelope, err := signChallenge(challenge.Transaction, client)
	if err != nil {
		return err
	}
	posted := `{"transaction":"` + envelope + `"}`
	status, body, err = l.ask(fmt.Sprintf("POST /auth HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, len(posted), posted))
	var answer struct {
		Token string `json:"token"`
	}
	if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || answer.Token == "" {
		return fmt.Errorf("no token: %d %s (%w)", status, body, err)
	}
	return nil
}

func signChallenge(challenge string, client *keypair.Full) (string, error) {
	var e xdr.TransactionEnvelope
	if err := xdr.SafeUnmarshalBase64(challenge, &e); err != nil {
		return "", err
	}
	hash, err := network.HashTransactionInEnvelope(e, passphrase)
	if err != nil {
		return "", err
	}
	signature, err := client.SignDecorated(hash[:])
	if err != nil {
		return "", err
	}
	e.V1.Signatures = append(e.V1.Signatures, signature)
	return xdr.MarshalBase64(e)
}

func randomHash() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw[:])
}
