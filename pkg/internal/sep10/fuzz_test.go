package sep10_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stretchr/testify/require"
)

// FuzzEnvelope posts envelopes of any bytes: each is answered with JSON, and none is a fault of the server.
func FuzzEnvelope(f *testing.F) {
	b, client := setup(f), keypair.MustRandom()
	add := func(envelope string) {
		raw, err := base64.StdEncoding.DecodeString(envelope)
		require.NoError(f, err)
		f.Add(raw)
	}
	valid := b.challenge("account=" + client.Address() + "&memo=1")
	add(b.encode(valid))
	add(b.sign(valid, client))
	add(b.sign(b.challenge("account="+muxed(f, client.Address(), 3)), client))
	odd := b.draft(client.Address())
	odd.operations = append(odd.operations, &txnbuild.ClaimClaimableBalance{BalanceID: "00000000" + string(bytes.Repeat([]byte("0"), 64))},
		&txnbuild.Payment{Destination: client.Address(), Amount: "1", Asset: txnbuild.NativeAsset{}})
	add(b.sign(odd.build(f), client))
	f.Add([]byte{0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b.t = t
		a := b.post(base64.StdEncoding.EncodeToString(raw))
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge}, a.status, a.error())
	})
}

// FuzzAuthorization shows tokens of any text.
func FuzzAuthorization(f *testing.F) {
	b, client := setup(f), keypair.MustRandom()
	token := b.login("account="+client.Address(), client)
	f.Add("Bearer " + token)
	f.Add("Bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add("Bearer")
	f.Fuzz(func(t *testing.T, header string) {
		b.t = t
		a := b.send(http.MethodPost, "/who/401", "", nil, "Authorization", header)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized}, a.status)
		if a.status == http.StatusOK {
			require.Contains(t, header, token, "nobody makes a token")
		}
	})
}
