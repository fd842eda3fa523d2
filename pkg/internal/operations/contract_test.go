package operations_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
)

// contract is the document that programs of a business are written by.
type contract struct {
	*openapi3.T
	seen map[string]bool // operations with the status that came, as "payoutOutcome 200"
}

func loadContract(t *testing.T) *contract {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../../../docs/operations-api.openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	return &contract{document, map[string]bool{}}
}

// operation is the one that a request is for.
func (c *contract) operation(t *testing.T, r request) *openapi3.Operation {
	t.Helper()
	path := strings.NewReplacer(transactionID, "{id}", customerID, "{id}", payoutKey, "{key}", "unknown", map[bool]string{true: "{key}", false: "{id}"}[strings.Contains(r.path, "payouts")]).Replace(r.path)
	item := c.Paths.Value(path)
	require.NotNil(t, item, path)
	return item.GetOperation(r.method)
}

// check holds an answer against the document, and the request where it was taken.
func (c *contract) check(t *testing.T, r request, a answer) {
	t.Helper()
	o := c.operation(t, r)
	described := o.Responses.Status(a.status)
	require.NotNil(t, described, "%s: %d %s", o.OperationID, a.status, a.body)
	fits(t, described.Value.Content.Get("application/json").Schema.Value, a.body)
	for name, header := range described.Value.Headers {
		require.NoError(t, header.Value.Schema.Value.VisitJSON(a.header.Get(name)), name)
	}
	if a.status == http.StatusOK && r.body != "" {
		schema := o.RequestBody.Value.Content.Get("application/json").Schema.Value
		fits(t, schema, r.body)
	}
	c.seen[o.OperationID+" "+http.StatusText(a.status)] = true
}

// fits holds JSON against a schema in which nothing is allowed that it does not name.
func fits(t *testing.T, schema *openapi3.Schema, raw string) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(raw), &value))
	require.NoError(t, schema.VisitJSON(value), raw)
	object, is := value.(map[string]any)
	require.True(t, is)
	for name := range object {
		require.Contains(t, schema.Properties, name)
	}
}

func TestTheContract_describes_every_answer(t *testing.T) {
	s := aSite(t)
	c := loadContract(t)
	_, token := s.key()
	_, reader := s.key(apikeys.ReadTransactions)
	_, reporter := s.key(apikeys.ReportPayouts)
	elsewhere := func(r request) request {
		r.path = strings.NewReplacer(transactionID, "unknown", customerID, "unknown", payoutKey, "unknown").Replace(r.path)
		return r
	}
	form := func(r request) request {
		r.header = http.Header{"Content-Type": {"text/plain"}}
		return r
	}
	long := `{"why":"` + strings.Repeat("a", 65<<10) + `"}`
	for _, r := range []request{
		look(token), look(""), look(reporter), elsewhere(look(token)),
		judge(token, accepted), judge(token, `{"type":"a","version":1,"status":"NEEDS_INFO","message":"m","fields":{"first_name":{"status":"VERIFICATION_REQUIRED","error":"","code":"1"}}}`),
		judge(token, `{}`), judge("", accepted), judge(reader, accepted), elsewhere(judge(token, accepted)), judge(token, long), form(judge(token, accepted)),
		under("k", judge(token, accepted)), under("k", judge(token, `{"status":"PROCESSING"}`)),
		report(token, `{}`), report("", returned), report(reader, returned), elsewhere(report(token, returned)), report(token, long), form(report(token, returned)),
		report(token, `{"outcome":"delivered","amount":"1","asset":"x"}`),
		report(token, `{"key":"`+payoutKey+`","outcome":"needs_info","amount":"12.30","asset":"iso4217:BRL","external_id":"e","why":"","needs":[{"of":"sender","field":"a","problem":"b","description":"c","choices":["d"],"optional":true}]}`),
	} {
		c.check(t, r, s.ask(r))
	}
	s.fail(anchor.RefuseAs(anchor.CodeUnavailable, ""))
	c.check(t, judge(token, accepted), s.ask(judge(token, accepted)))
	c.check(t, report(token, returned), s.ask(report(token, returned)))
	for range triesPerMinute {
		s.ask(look("wrong"))
	}
	for _, r := range []request{look(token), judge(token, accepted), report(token, returned)} {
		c.check(t, r, s.ask(r))
	}
	c.requireAllSeen(t)
}

// requireAllSeen fails the test for what the document has and no answer was like. That a transaction cannot be looked at because
// the anchor is away is left to the others.
func (c *contract) requireAllSeen(t *testing.T) {
	t.Helper()
	for _, item := range c.Paths.Map() {
		for _, o := range item.Operations() {
			for code := range o.Responses.Map() {
				status := map[string]int{"200": 200, "400": 400, "401": 401, "403": 403, "404": 404, "409": 409, "413": 413, "415": 415, "429": 429, "503": 503}[code]
				seen := o.OperationID + " " + http.StatusText(status)
				require.True(t, c.seen[seen] || seen == "transaction Service Unavailable", seen)
			}
		}
	}
}

func TestTheContract_names_the_outcomes_and_statuses_that_are_taken_and_no_others(t *testing.T) {
	s := aSite(t)
	c := loadContract(t)
	_, token := s.key()
	for _, o := range c.Components.Schemas["Outcome"].Value.Properties["outcome"].Value.Enum {
		a := s.ask(report(token, `{"outcome":"`+o.(string)+`","why":"because","needs":[{"of":"sender","field":"last_name"}]}`))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", o, a.body)
	}
	for _, status := range c.Components.Schemas["Verdict"].Value.Properties["status"].Value.Enum {
		a := s.ask(judge(token, `{"status":"`+status.(string)+`","message":"because"}`))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", status, a.body)
	}
	require.Len(t, s.written(), 6+4)
	require.Equal(t, []any{"delivered", "accepted", "failed", "refund", "needs_info", "returned"}, c.Components.Schemas["Outcome"].Value.Properties["outcome"].Value.Enum)
}

func TestAFault_is_told_in_the_words_that_the_contract_has_for_any_error(t *testing.T) {
	s := aSite(t)
	_, token := s.key()
	s.fail(errors.New("broken"))
	fits(t, loadContract(t).Components.Schemas["Error"].Value, s.ask(judge(token, accepted)).body)
}
