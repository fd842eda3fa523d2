package sep10_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

func sign(t testing.TB, method jwt.SigningMethod, key any, claims jwt.Claims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return token
}

func TestATokenThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	account := keypair.MustRandom().Address()
	now := time.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": issuer, "sub": account, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	}
	with := func(name string, value any) string {
		claims := good()
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
		return sign(t, jwt.SigningMethodHS256, jwtKey(), claims)
	}
	ours := sign(t, jwt.SigningMethodHS256, jwtKey(), good())
	parts := strings.Split(ours, ".")
	otherClaims := strings.Split(with("sub", keypair.MustRandom().Address()), ".")[1]
	for name, c := range map[string]struct{ token, want string }{
		"without a signature":       {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()), "not valid"},
		"with its signature cut":    {parts[0] + "." + parts[1] + ".", "not valid"},
		"with another signature":    {parts[0] + "." + otherClaims + "." + parts[2], "not valid"},
		"of another key":            {sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), good()), "not valid"},
		"of another method":         {sign(t, jwt.SigningMethodHS512, jwtKey(), good()), "not valid"},
		"of another issuer":         {with("iss", "https://evil.example/auth"), "not valid"},
		"of no issuer":              {with("iss", nil), "not valid"},
		"that has expired":          {with("exp", now.Unix()-1), "expired"},
		"that expires now":          {with("exp", now.Unix()), "expired"},
		"without an expiry":         {with("exp", nil), "not valid"},
		"with a text as expiry":     {with("exp", "tomorrow"), "not valid"},
		"with a huge exponent":      {with("exp", json.RawMessage("1e500000000")), "not valid"}, // 1903
		"with a negative expiry":    {with("exp", -1), "expired"},
		"of nobody":                 {with("sub", nil), "names no account"},
		"of a contract":             {with("sub", strkey.MustEncode(strkey.VersionByteContract, make([]byte, 32))), "names no account"},
		"of a text memo":            {with("sub", account+":one"), "names no account"},
		"of an empty memo":          {with("sub", account+":"), "names no account"},
		"of an odd memo":            {with("sub", account+":007"), "names no account"},
		"of a large memo":           {with("sub", account+":"+maxMemo+"0"), "names no account"},
		"of two memos":              {with("sub", account+":1:2"), "names no account"},
		"of a muxed one and a memo": {with("sub", muxed(t, account, 1)+":1"), "names no account"},
		"of a seed":                 {with("sub", keypair.MustRandom().Seed()), "names no account"},
		"with a number as subject":  {with("sub", 1), "not valid"},
		"that is none":              {"x", "not valid"},
		"that is three dots":        {"...", "not valid"},
		"with no JSON in it":        {strings.Repeat(base64.RawURLEncoding.EncodeToString([]byte("{"))+".", 2) + "x", "not valid"},
		"followed by something":     {ours + " x", "not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, http.StatusForbidden, c.want,
				b.send(http.MethodPost, "/who/403", "", nil, "Authorization", "Bearer "+c.token))
		})
	}
	t.Run("but the one they are made from is fine", func(t *testing.T) {
		require.Equal(t, anchor.SendingAnchor{Account: account}, b.who(ours))
	})
}

func TestATokenRunsOut(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	token := b.login("account="+client.Address(), client)
	b.ahead = time.Hour - 2*time.Second
	require.Equal(t, client.Address(), b.who(token).Account)
	b.ahead = time.Hour
	requireRefused(t, http.StatusUnauthorized, "expired",
		b.send(http.MethodPost, "/who/401", "", nil, "Authorization", "Bearer "+token))
}

func TestATokenIsReadFromTheBearerSchemeOnly(t *testing.T) {
	t.Parallel()
	b, client := setup(t), keypair.MustRandom()
	token := b.login("account="+client.Address(), client)
	for _, header := range []string{"Bearer " + token, "bearer " + token, "BEARER   " + token} {
		require.Equal(t, http.StatusOK, b.send(http.MethodPost, "/who/401", "", nil, "Authorization", header).status, header)
	}
	for name, header := range map[string]string{
		"no scheme": token, "another scheme": "Basic " + token, "a scheme that holds it": "xBearer " + token, "a longer scheme": "Bearers " + token,
		"nothing": "", "no token": "Bearer", "an empty token": "Bearer ", "no space": "Bearer" + token, "a tab": "Bearer\t" + token,
		"two schemes": "Basic Bearer " + token,
	} {
		t.Run(name, func(t *testing.T) {
			a := b.send(http.MethodPost, "/who/401", "", nil, "Authorization", header)
			requireRefused(t, http.StatusUnauthorized, "token", a)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
		})
	}
	t.Run("two headers", func(t *testing.T) {
		requireRefused(t, http.StatusForbidden, "is needed",
			b.send(http.MethodPost, "/who/403", "", nil, "Authorization", "Bearer "+token, "Authorization", "Bearer "+token))
	})
}

func TestWithoutATokenTheBodyIsNotLookedAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	huge := strings.NewReader(strings.Repeat("x", 3<<20))
	requireRefused(t, http.StatusUnauthorized, "is needed", b.send(http.MethodPost, "/who/401", "text/plain", huge))
	require.Equal(t, 3<<20, huge.Len())
	requireRefused(t, http.StatusForbidden, "is needed", b.send(http.MethodPost, "/who/403", "text/plain", strings.NewReader("[object Object]")))
}

func TestWithoutTheMiddlewareThereIsNoCaller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.send(http.MethodGet, "/who/nobody", "", nil)
	require.Empty(t, a.body["Account"])
}
