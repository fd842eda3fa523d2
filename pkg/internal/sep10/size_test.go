package sep10_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/xdr"
	"github.com/stretchr/testify/require"
)

// 1917: an envelope costs no more than its size, which is bounded, whatever it claims to hold.
func TestAnEnvelopeThatIsLargeOrClaimsToBeIsNoLargeWork(t *testing.T) { // not beside others, whose memory would be counted
	b, client := setup(t, quiet), keypair.MustRandom()
	for name, envelope := range map[string]string{
		"many operations":           claiming(8 + 36 + 4 + 8 + 4 + 4),
		"many signatures":           base64.StdEncoding.EncodeToString(append(make([]byte, 3), append([]byte{2}, strings.Repeat("\xff", 4000)...)...)),
		"a long name":               named(t, b.encode(b.draft(client.Address()).build(t)), 1<<31-1),
		"the largest that is read":  strings.Repeat("A", 50_000),
		"the smallest that is not":  strings.Repeat("A", 50_001),
		"zeroes behind a challenge": b.encode(b.draft(client.Address()).build(t)) + strings.Repeat("A", 40_000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := b.post(envelope)
			runtime.ReadMemStats(&after)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, a.status)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
		})
	}
}

// claiming is an envelope that says at an offset that as much as possible follows.
func claiming(offset int) string {
	raw := make([]byte, 4096)
	binary.BigEndian.PutUint32(raw, uint32(xdr.EnvelopeTypeEnvelopeTypeTx))
	binary.BigEndian.PutUint32(raw[offset:], 100)
	return base64.StdEncoding.EncodeToString(raw)
}

// named has the name of the first operation claim another length.
func named(t testing.TB, envelope string, length uint32) string {
	raw, err := base64.StdEncoding.DecodeString(envelope)
	require.NoError(t, err)
	at := strings.Index(string(raw), homeDomain)
	require.Positive(t, at)
	binary.BigEndian.PutUint32(raw[at-4:], length)
	return base64.StdEncoding.EncodeToString(raw)
}
