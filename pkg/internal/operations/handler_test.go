package operations_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
)

func TestAnyTransaction_can_be_looked_at(t *testing.T) {
	eachSite(t, func(s *site) {
		_, token := s.key(apikeys.ReadTransactions)
		a := s.ask(look(token))
		require.Equal(s, http.StatusOK, a.status)
		require.Contains(s, a.body, `{"transaction":{"id":"`+transactionID+`","status":"completed"`)
		require.Equal(s, "no-store", a.header.Get("Cache-Control"))
		unknown := look(token)
		unknown.path += "0"
		require.Equal(s, http.StatusNotFound, s.ask(unknown).status)
	})
}

func TestALateVerdict_reaches_the_customer_with_the_name_of_the_key(t *testing.T) {
	eachSite(t, func(s *site) {
		k, token := s.key(apikeys.WriteCustomers)
		a := s.ask(judge(token, `{"type":"sep31-receiver","version":3,"status":"NEEDS_INFO","fields":{"first_name":{"status":"REJECTED","error":"too short"}}}`))
		require.Equal(s, http.StatusOK, a.status, a.body)
		require.JSONEq(s, `{"recorded":true}`, a.body)
		require.Equal(s, []string{"api_key:" + k.ID + ": sep31-receiver is NEEDS_INFO, version 3, fields map[first_name:{REJECTED too short }]"}, s.written())
	})
}

func TestNewsOfAPayout_are_recorded_whatever_they_are(t *testing.T) {
	eachSite(t, func(s *site) {
		k, token := s.key(apikeys.ReportPayouts)
		for body, want := range map[string]string{
			delivered: "delivered B-1",
			returned:  "returned the account was closed",
			`{"key":"` + payoutKey + `","outcome":"accepted","external_id":"B-1","amount":"12.3","asset":"iso4217:BRL"}`: "accepted B-1",
			`{"outcome":"failed","why":"refused"}`:                                                        "failed refused",
			`{"outcome":"refund","why":"sanctions"}`:                                                      "refund sanctions",
			`{"outcome":"needs_info","needs":[{"of":"receiver","field":"bank_account_number"}]}`:          "needs_info ",
			`{"outcome":"returned","why":"wrong name","amount":"12.30","asset":"iso4217:BRL","needs":[]}`: "returned wrong name",
		} {
			a := s.ask(report(token, body))
			require.Equal(s, http.StatusOK, a.status, a.body)
			lines := s.written()
			require.Equal(s, "api_key:"+k.ID+": "+want, lines[len(lines)-1])
		}
	})
}

func TestNewsOfAnotherAmountThanThePayoutHas_are_not_recorded(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for _, moved := range []string{
		`"amount":"12.31","asset":"iso4217:BRL"`, `"amount":"12.301","asset":"iso4217:BRL"`, `"amount":"12.30","asset":"iso4217:EUR"`,
		`"amount":"-12.30","asset":"iso4217:BRL"`, `"amount":"NaN","asset":"iso4217:BRL"`,
	} {
		a := s.ask(report(token, `{"outcome":"delivered",`+moved+`}`))
		require.Equal(s, http.StatusConflict, a.status, a.body)
		require.JSONEq(s, `{"error":"amount and asset are not those of the payout"}`, a.body)
	}
	require.Empty(s, s.written())
	require.Contains(s, s.log.String(), "level=ERROR")
}

func TestWhatCannotBeMeant_is_refused_and_nothing_is_recorded(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for name, r := range map[string]request{
		"no body":                               judge(token, ""),
		"no object":                             judge(token, `["ACCEPTED"]`),
		"no status":                             judge(token, `{}`),
		"a status that does not exist":          judge(token, `{"status":"OK"}`),
		"a status in small letters":             judge(token, `{"status":"accepted"}`),
		"a rejection without a message":         judge(token, `{"status":"REJECTED"}`),
		"a field without a status":              judge(token, `{"status":"ACCEPTED","fields":{"first_name":{}}}`),
		"an unknown key":                        judge(token, `{"status":"ACCEPTED","verison":3}`),
		"an unknown key of a field":             judge(token, `{"status":"ACCEPTED","fields":{"first_name":{"status":"ACCEPTED","x":1}}}`),
		"a key twice":                           judge(token, `{"status":"ACCEPTED","status":"REJECTED","message":"no"}`),
		"a key twice in two cases":              judge(token, `{"status":"ACCEPTED","Status":"ACCEPTED"}`),
		"a version of a fraction":               judge(token, `{"status":"ACCEPTED","version":1.5}`),
		"the version 0":                         judge(token, `{"status":"ACCEPTED","version":0}`),
		"text of the character U+0000":          judge(token, `{"status":"ACCEPTED","message":"\u0000"}`),
		"no UTF-8":                              judge(token, "{\"status\":\"ACCEPTED\",\"message\":\"\xff\"}"),
		"two objects":                           judge(token, `{"status":"ACCEPTED"}{"status":"ACCEPTED"}`),
		"no outcome":                            report(token, `{}`),
		"an outcome that does not exist":        report(token, `{"outcome":"paid"}`),
		"an outcome that is none":               report(token, `{"outcome":"unknown"}`),
		"an answer to a question":               report(token, `{"outcome":"not_known"}`),
		"what only the sender of a payout says": report(token, `{"outcome":"not_sent","why":"no line"}`),
		"a failure without a reason":            report(token, `{"outcome":"failed"}`),
		"a return without a reason":             report(token, `{"outcome":"returned"}`),
		"a need of nobody":                      report(token, `{"outcome":"needs_info","needs":[{"of":"us","field":"x"}]}`),
		"a need of nothing":                     report(token, `{"outcome":"needs_info"}`),
		"another key in the body":               report(token, `{"key":"7d0c74ad-08b5-8a8f-98f3-f52d25d03e81","outcome":"delivered"}`),
		"an amount of nothing":                  report(token, `{"outcome":"delivered","amount":"1"}`),
		"an asset without an amount":            report(token, `{"outcome":"delivered","asset":"iso4217:BRL"}`),
		"an amount that is a number":            report(token, `{"outcome":"delivered","amount":12.30,"asset":"iso4217:BRL"}`),
		"several Idempotency-Keys":              {method: "POST", path: report("", "").path, token: token, body: delivered, header: http.Header{"Idempotency-Key": {"a", "b"}}},
		"an empty Idempotency-Key":              under("", report(token, delivered)),
	} {
		a := s.ask(r)
		require.Equal(s, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
		require.Contains(s, a.body, `{"error":"`, name)
	}
	require.Empty(s, s.written())
}

func TestABodyOfAnotherKindOrSize_is_refused(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	form := report(token, "outcome=delivered")
	form.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	require.Equal(s, http.StatusUnsupportedMediaType, s.ask(form).status)
	long := report(token, `{"outcome":"failed","why":"`+string(make([]byte, 64<<10))+`"}`)
	require.Equal(s, http.StatusRequestEntityTooLarge, s.ask(long).status)
	require.Empty(s, s.written())
}

func TestWhatIsNotThere_is_not_found(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for _, r := range []request{
		{method: "POST", path: "/operations/customers/nobody/status", token: token, body: accepted},
		{method: "POST", path: "/operations/payouts/none/outcome", token: token, body: delivered},
		{method: "POST", path: "/operations/payouts/none/outcome", token: token, body: `{"outcome":"delivered","amount":"1","asset":"iso4217:BRL"}`},
		{method: "POST", path: "/operations/payouts/'%20OR%201=1%20--/outcome", token: token, body: delivered},
		{method: "GET", path: "/operations/transactions/%27%20OR%20%27%27=%27", token: token},
		{method: "GET", path: "/operations/transactions/..%2f..%2fmetrics", token: token},
		{method: "GET", path: "/operations/transactions", token: token},
		{method: "GET", path: "/operations", token: token},
	} {
		a := s.ask(r)
		require.Equal(s, http.StatusNotFound, a.status, "%s %s", r.path, a.body)
		require.Contains(s, a.body, `{"error":"`)
	}
	require.Empty(s, s.written())
}

func TestWhatTheAnchorRefuses_reaches_the_caller_and_its_faults_do_not(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	for _, c := range []struct {
		fault  error
		status int
		body   string
	}{
		{anchor.RefuseAs(anchor.CodeConflict, "version 3 was judged"), http.StatusConflict, `{"error":"version 3 was judged"}`},
		{anchor.RefuseAs(anchor.CodeUnavailable, ""), http.StatusServiceUnavailable, `{"error":"service unavailable"}`},
		{errors.New("dial tcp 10.0.0.1: no route"), http.StatusInternalServerError, `{"error":"internal error"}`},
	} {
		s.fail(c.fault)
		a := s.ask(judge(token, accepted))
		require.Equal(s, c.status, a.status)
		require.JSONEq(s, c.body, a.body)
	}
}

func TestARequestRepeatedUnderItsKey_is_answered_alike_and_made_once(t *testing.T) {
	eachSite(t, func(s *site) {
		_, token := s.key()
		first := s.ask(under("news-1", report(token, delivered)))
		require.Equal(s, http.StatusOK, first.status)
		require.Equal(s, http.StatusOK, s.ask(under("news-2", report(token, returned))).status)
		again := s.ask(under("news-1", report(token, `{ "external_id":"B-1", "outcome":"delivered", "why":"" }`)))
		require.Equal(s, []any{first.status, first.body}, []any{again.status, again.body})
		require.Len(s, s.written(), 2, "what was delivered before it was returned is not delivered again")

		for _, other := range []request{report(token, returned), judge(token, accepted)} {
			a := s.ask(under("news-1", other))
			require.Equal(s, http.StatusConflict, a.status)
			require.JSONEq(s, `{"error":"this Idempotency-Key was used for another request before"}`, a.body)
		}
		require.Len(s, s.written(), 2)
	})
}

func TestARequestThatFailed_can_be_repeated_under_its_key(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	s.fail(errors.New("the database is away"))
	require.Equal(s, http.StatusInternalServerError, s.ask(under("k", judge(token, accepted))).status)
	s.fail(nil)
	require.Equal(s, http.StatusOK, s.ask(under("k", judge(token, accepted))).status)
	require.Len(s, s.written(), 1)
}

func TestTwoEqualRequestsAtOnce_are_both_answered_well(t *testing.T) {
	eachSite(t, func(s *site) {
		_, token := s.key()
		answers := make(chan answer, 8)
		for range cap(answers) {
			go func() { answers <- s.ask(under("k", report(token, returned))) }()
		}
		for range cap(answers) {
			require.Equal(s, http.StatusOK, (<-answers).status)
		}
		before := len(s.written())
		require.Equal(s, http.StatusOK, s.ask(under("k", report(token, returned))).status)
		require.Len(s, s.written(), before)
	})
}

func TestAKeyThatRunsOut_opens_nothing_from_that_moment_on(t *testing.T) {
	s := aSite(t)
	k, token := s.key()
	s.clock(k.ExpiresAt.Add(-time.Microsecond))
	require.Equal(s, http.StatusOK, s.ask(look(token)).status)
	s.clock(k.ExpiresAt)
	require.Equal(s, http.StatusUnauthorized, s.ask(look(token)).status)
}
