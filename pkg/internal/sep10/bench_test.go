package sep10_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// BenchmarkLogin is one login on all cores: GET, the client's own work between (reading the challenge and signing it) and
// POST, without the network and the database.
func BenchmarkLogin(b *testing.B) {
	for name, existing := range map[string]bool{"existing": true, "unknown": false} {
		b.Run(name, func(b *testing.B) {
			bundle, client := setup(b, quiet), keypair.MustRandom()
			if existing {
				bundle.accounts.create(client.Address(), 1, map[string]int{client.Address(): 1})
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					login(b, bundle, client)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
		})
	}
}

func login(b *testing.B, bundle *bundle, client *keypair.Full) {
	w := httptest.NewRecorder()
	bundle.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth?account="+client.Address(), nil))
	var challenge struct{ Transaction string }
	require.NoError(b, json.Unmarshal(w.Body.Bytes(), &challenge))
	generic, err := txnbuild.TransactionFromXDR(challenge.Transaction)
	require.NoError(b, err)
	tx, _ := generic.Transaction()
	tx, err = tx.Sign(passphrase, client)
	require.NoError(b, err)
	envelope, err := tx.Base64()
	require.NoError(b, err)
	r := httptest.NewRequest(http.MethodPost, "/auth", strings.NewReader(`{"transaction":"`+envelope+`"}`))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	bundle.server.ServeHTTP(w, r)
	require.Equal(b, http.StatusOK, w.Code, w.Body.String())
}
