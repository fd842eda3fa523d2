package operations_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/apikeys"
)

func TestWithoutAValidKey_everything_is_refused_alike_before_anything_is_read(t *testing.T) {
	s := aSite(t)
	revoked, dead := s.key()
	_, err := s.keys.Revoke(t.Context(), revoked.ID, "a test", "operator")
	require.NoError(t, err)
	for name, header := range map[string][]string{
		"none": nil, "an unknown one": {"Bearer anchor_" + strings.Repeat("a", 16) + "_" + strings.Repeat("a", 52)},
		"a revoked one": {"Bearer " + dead}, "another scheme": {"Basic YTpi"},
	} {
		for _, r := range []request{look(""), judge("", `not even JSON`), report("", returned)} {
			r.header = http.Header{"Authorization": header}
			fresh := s.reopened()
			a := fresh.ask(r)
			require.Equal(t, http.StatusUnauthorized, a.status, name)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
			require.JSONEq(t, `{"error":"a valid key is needed: Authorization: Bearer anchor_…"}`, a.body, name)
		}
	}
	require.Empty(t, s.written())
}

func TestAKeyIsGood_however_the_scheme_is_spelt_and_only_alone(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for header, status := range map[string]int{
		"Bearer " + token: 200, "bearer " + token: 200, "BEARER   " + token: 200,
		token: 401, "Bearer": 401, "Bearer " + token + ", Bearer " + token: 401,
	} {
		r := look("")
		r.header = http.Header{"Authorization": {header}}
		require.Equal(t, status, s.ask(r).status, header)
	}
	twice := look("")
	twice.header = http.Header{"Authorization": {"Bearer " + token, "Bearer " + token}}
	require.Equal(t, http.StatusUnauthorized, s.ask(twice).status)
	inQuery := look("")
	inQuery.path += "?access_token=" + token
	require.Equal(t, http.StatusUnauthorized, s.ask(inQuery).status)
}

func TestAKeyPermits_what_its_scopes_name_and_says_what_is_missing(t *testing.T) {
	s := aSite(t)
	for _, scope := range apikeys.Scopes() {
		_, token := s.key(scope)
		for needed, r := range map[apikeys.Scope]request{
			apikeys.ReadTransactions: look(token), apikeys.WriteCustomers: judge(token, accepted), apikeys.ReportPayouts: report(token, delivered),
		} {
			a := s.ask(r)
			if needed == scope {
				require.Equal(t, http.StatusOK, a.status, a.body)
				continue
			}
			require.Equal(t, http.StatusForbidden, a.status)
			require.Contains(t, a.body, string(needed))
		}
	}
	require.Len(t, s.written(), 2)
}

func TestWhoShowsWrongKeysTooOften_is_refused_for_a_while(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for range 50 {
		require.Equal(t, http.StatusOK, s.ask(look(token)).status, "who never fails never waits")
	}
	for range triesPerMinute {
		require.Equal(t, http.StatusUnauthorized, s.ask(look("wrong")).status)
	}
	a := s.ask(look(token))
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "12", a.header.Get("Retry-After"))
}

func TestOtherMethodsAndPaths_are_refused_in_JSON(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "TRACE", "POSTT"} {
		r := report(token, "")
		r.method = method
		a := s.ask(r)
		require.Equal(t, http.StatusMethodNotAllowed, a.status, method)
		require.JSONEq(t, `{"error":"method not allowed"}`, a.body)
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	}
	asked := s.ask(request{method: "OPTIONS", path: look("").path})
	require.Equal(t, http.StatusNoContent, asked.status)
	require.Empty(t, asked.header.Get("Access-Control-Allow-Origin"), "no browser of another origin is let in")
	require.Equal(t, http.StatusUnauthorized, s.ask(request{method: "HEAD", path: look("").path}).status)
	require.Equal(t, http.StatusOK, s.ask(request{method: "HEAD", path: look("").path, token: token}).status)
	slashed := report(token, delivered)
	slashed.path += "/"
	require.Equal(t, http.StatusOK, s.ask(slashed).status)
	doubled := report(token, delivered)
	doubled.path = "/" + doubled.path
	require.Equal(t, http.StatusNotFound, s.ask(doubled).status)
	require.Len(t, s.written(), 1)
}

func TestHugeHeaders_end_with_an_answer(t *testing.T) {
	s := aSite(t)
	for size, status := range map[int]int{16 << 10: http.StatusUnauthorized, 512 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		a := s.ask(look("anchor_" + strings.Repeat("a", size)))
		require.Contains(t, []int{status, http.StatusUnauthorized}, a.status)
	}
}

func TestNeitherKeysNorWhatIsSaid_are_logged(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	secret := strings.Split(token, "_")[2]
	for _, r := range []request{
		look(token), look(token + "x"), judge(token, `{"status":"REJECTED","message":"Ada is on a list"}`), judge(token, `{"Ada":1}`),
		under("k", report(token, `{"outcome":"failed","why":"Ada"}`)),
	} {
		s.ask(r)
	}
	require.NotEmpty(t, s.log.String())
	for _, hidden := range []string{secret, "Ada", transactionID} {
		require.NotContains(t, s.log.String(), hidden)
	}
}
