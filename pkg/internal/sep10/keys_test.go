package sep10_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
)

func otherKey(letter string) []byte { return []byte(strings.Repeat(letter, 40)) }

// kid is how tokens name a key, written once more on purpose: tokens that are about must stay good.
func kid(key []byte) string {
	sum := sha256.Sum256([]byte("anchor jwt key" + string(key)))
	return hex.EncodeToString(sum[:8])
}

func keys(list ...[]byte) func(*sep10.Deps) {
	return func(d *sep10.Deps) { d.JWTKeys, d.Signing = list, fixed(2) }
}

func (b *bundle) show(token string) answer {
	b.t.Helper()
	return b.send(http.MethodPost, "/who/403", "", nil, "Authorization", "Bearer "+token)
}

func TestATokenNamesTheKeyThatSignedIt(t *testing.T) {
	t.Parallel()
	b, client := setup(t, keys(otherKey("a"), jwtKey())), keypair.MustRandom()
	token, _, err := jwt.NewParser().ParseUnverified(b.login("account="+client.Address(), client), jwt.MapClaims{})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid(otherKey("a"))}, token.Header)
	require.Regexp(t, "^[0-9a-f]{16}$", token.Header["kid"])
}

func TestTokensOutliveTheKeyThatTookOver(t *testing.T) {
	t.Parallel()
	client := keypair.MustRandom()
	before := setup(t, keys(jwtKey()))
	token := before.login("account="+client.Address(), client)

	during := setup(t, keys(otherKey("a"), jwtKey()))
	require.Equal(t, client.Address(), during.who(token).Account)
	require.Equal(t, client.Address(), during.who(during.login("account="+client.Address(), client)).Account)

	after := setup(t, keys(otherKey("a")))
	requireRefused(t, http.StatusForbidden, "not valid", after.show(token))
	requireRefused(t, http.StatusForbidden, "not valid", before.show(during.login("account="+client.Address(), client)))
}

func TestATokenIsVerifiedByTheKeyThatItNames(t *testing.T) {
	t.Parallel()
	b, account := setup(t, keys(otherKey("a"), otherKey("b"))), keypair.MustRandom().Address()
	signed := func(method jwt.SigningMethod, key any, kid any) string {
		token := jwt.NewWithClaims(method, jwt.MapClaims{"iss": issuer, "sub": account, "exp": time.Now().Add(time.Hour).Unix()})
		if kid != nil {
			token.Header["kid"] = kid
		}
		text, err := token.SignedString(key)
		require.NoError(t, err)
		return text
	}
	hs := jwt.SigningMethodHS256
	for name, token := range map[string]string{
		"by its name, the one that signs": signed(hs, otherKey("a"), kid(otherKey("a"))),
		"by its name, an older one":       signed(hs, otherKey("b"), kid(otherKey("b"))),
		"without a name, the first":       signed(hs, otherKey("a"), nil),
		"without a name, an older one":    signed(hs, otherKey("b"), nil),
	} {
		require.Equal(t, http.StatusOK, b.show(token).status, name)
	}
	for name, token := range map[string]string{
		"the name of another key":          signed(hs, otherKey("a"), kid(otherKey("b"))),
		"an unknown name":                  signed(hs, otherKey("a"), kid(otherKey("c"))),
		"an unknown key and its name":      signed(hs, otherKey("c"), kid(otherKey("c"))),
		"an unknown key without a name":    signed(hs, otherKey("c"), nil),
		"an empty name":                    signed(hs, otherKey("a"), ""),
		"a number as its name":             signed(hs, otherKey("a"), 1),
		"a longer name":                    signed(hs, otherKey("a"), kid(otherKey("a"))+"0"),
		"no signature, but a name":         signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid(otherKey("a"))),
		"another method, with a good name": signed(jwt.SigningMethodHS384, otherKey("a"), kid(otherKey("a"))),
	} {
		requireRefused(t, http.StatusForbidden, "not valid", b.show(token))
		require.NotEmpty(t, name)
	}
}

func TestWhoShowsNoTokenMayPassAsNobody(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	token := b.login("account="+client.Address(), client)
	optional := func(headers ...string) answer { return b.send(http.MethodPost, "/who/optional", "", nil, headers...) }

	a := optional()
	require.Equal(t, http.StatusOK, a.status)
	require.Empty(t, a.body["Account"])
	require.Equal(t, client.Address(), optional("Authorization", "Bearer "+token).body["Account"])
	for _, header := range []string{"", "Bearer", "Basic " + token, "Bearer " + token + "x", token} {
		requireRefused(t, http.StatusForbidden, "token", optional("Authorization", header))
	}
	requireRefused(t, http.StatusForbidden, "token", optional("Authorization", "Bearer "+token, "Authorization", "Bearer "+token))
	b.ahead = 2 * time.Hour
	requireRefused(t, http.StatusForbidden, "expired", optional("Authorization", "Bearer "+token))
	require.Equal(t, anchor.SendingAnchor{}, sep10.Caller(nobody()))
}
