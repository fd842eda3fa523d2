package sep10_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sep10"
)

// FuzzEnvelope posts envelopes of any bytes: each is answered with JSON, and none is a fault of the server.
func FuzzEnvelope(f *testing.F) {
	b, client := setup(f, quiet, known), fixed(1)
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

// TestNoOperationThatCanBeWrittenIsAFaultOfTheServer walks through envelopes with one operation of each kind there is, its
// body made of small numbers, which is what lengths, kinds and flags are.
func TestNoOperationThatCanBeWrittenIsAFaultOfTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t, quiet)
	random := rand.New(rand.NewPCG(1, 2))
	decoded := map[xdr.OperationType]bool{}
	for kind := xdr.OperationType(0); kind.ValidEnum(int32(kind)); kind++ {
		for words := range 80 {
			for range 4 {
				a := b.post(envelopeWith(kind, words, random))
				require.Equal(t, http.StatusBadRequest, a.status, a.error())
				decoded[kind] = decoded[kind] || !strings.Contains(a.error(), "unable to unmarshal")
			}
		}
	}
	require.Greater(t, len(decoded), 20)
	require.True(t, decoded[xdr.OperationTypePayment] && decoded[xdr.OperationTypeSetOptions], "bodies are reached")
}

// envelopeWith is an unsigned envelope of a zero account with one operation, whose body has this many words.
func envelopeWith(kind xdr.OperationType, words int, random *rand.Rand) string {
	var raw []byte
	add := func(word uint32) { raw = binary.BigEndian.AppendUint32(raw, word) }
	add(uint32(xdr.EnvelopeTypeEnvelopeTypeTx))
	raw = append(raw, make([]byte, 4+32+4+8+4+4)...) // source, fee, sequence number, preconditions, memo
	add(1)                                           // operations
	add(0)                                           // no source
	add(uint32(kind))
	for range words {
		add(random.Uint32N(4) * random.Uint32N(2))
	}
	add(0) // extension
	add(0) // signatures
	return base64.StdEncoding.EncodeToString(raw)
}

func quiet(d *sep10.Deps) { d.Log = discard() }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// known has every process that fuzzes know the same keys, so that what one has made is good in another.
func known(d *sep10.Deps) { d.Signing = fixed(2) }

func fixed(n byte) *keypair.Full {
	key, err := keypair.FromRawSeed([32]byte{n})
	if err != nil {
		panic(err) // 32 bytes are always a seed
	}
	return key
}

// FuzzAuthorization shows tokens of any text.
func FuzzAuthorization(f *testing.F) {
	b := setup(f, quiet, known)
	token := sign(f, jwt.SigningMethodHS256, jwtKey(), jwt.MapClaims{"iss": issuer, "sub": fixed(1).Address(), "exp": 1 << 33})
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
