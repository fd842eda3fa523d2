package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/openapi"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
)

func load(t testing.TB, seps ...string) *openapi.Document {
	t.Helper()
	o := openapitest.All()
	if len(seps) > 0 {
		o.ActiveSEPs = seps
	}
	d, err := openapi.Load(o)
	require.NoError(t, err)
	return d
}

// validated reads a document as OpenAPI, its examples held to their schemas.
func validated(t testing.TB, raw []byte) (*openapi3.T, error) {
	t.Helper()
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(raw)
	require.NoError(t, err)
	return document, document.Validate(t.Context(), openapi3.EnableMultiError(), openapi3.EnableExamplesValidation())
}

func whole(t testing.TB) *openapi3.T {
	t.Helper()
	document, err := validated(t, load(t).JSON())
	require.NoError(t, err)
	return document
}

func TestTheDocument_is_valid_whichever_SEPs_are_active(t *testing.T) {
	t.Parallel()
	for _, active := range [][]string{
		{"none"}, {"sep-1"}, {"sep-1", "sep-10"}, {"sep-1", "sep-10", "sep-12"}, {"sep-1", "sep-10", "sep-12", "sep-31"},
		{"sep-1", "sep-10", "sep-38"}, openapitest.All().ActiveSEPs,
	} {
		_, err := validated(t, load(t, active...).JSON())
		require.NoError(t, err, active)
	}
}

func TestAnExample_that_its_schema_does_not_allow_is_found(t *testing.T) {
	t.Parallel()
	for example, wrong := range map[string]string{
		`"stellar_memo_type":"id","stellar_memo":"6520417337185620493"}`: `"stellar_memo_type":"id","stellar_memo":6520417337185620493}`,
		`"status":"pending_external"`:                                    `"status":"paid"`,
		`{"buy_assets":[`:                                                `{"prices":[`,
		`"example":{"error":"transaction not found"}`:                    `"example":{"error":404}`,
	} {
		raw := string(load(t).JSON())
		require.Contains(t, raw, example)
		_, err := validated(t, []byte(strings.Replace(raw, example, wrong, 1)))
		require.Error(t, err, wrong)
	}
}

func TestPathsOfInactiveSEPs_are_left_out_with_all_that_belongs_to_them(t *testing.T) {
	t.Parallel()
	d := load(t, "sep-1", "sep-10")
	require.Equal(t, []openapi.Route{
		{Method: "GET", Path: "/.well-known/stellar.toml"}, {Method: "GET", Path: "/auth"}, {Method: "POST", Path: "/auth"},
		{Method: "GET", Path: "/openapi.json"}, {Method: "GET", Path: "/docs"},
	}, d.Paths())
	for _, word := range []string{`"Transaction"`, `"Quote"`, `"CustomerPut"`, `"name":"SEP-31"`} {
		require.NotContains(t, string(d.JSON()), word)
		require.Contains(t, string(load(t).JSON()), word)
	}
}

func TestARoute_can_be_written_as_the_router_has_it(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/sep31/transactions/:id/callback", openapi.Route{Method: "PUT", Path: "/sep31/transactions/{id}/callback"}.Pattern())
}

func TestTheDocument_says_who_serves_it(t *testing.T) {
	t.Parallel()
	d, err := openapi.Load(openapi.Options{Title: `A "<b>" & Söhne`, ServerURL: "https://anchor.example/", Version: "1.0"})
	require.NoError(t, err)
	var read struct {
		Info    struct{ Title, Version string }
		Servers []struct{ URL string }
	}
	require.NoError(t, json.Unmarshal(d.JSON(), &read))
	require.Equal(t, `A "<b>" & Söhne`, read.Info.Title)
	require.Equal(t, "1.0", read.Info.Version)
	require.Equal(t, "https://anchor.example", read.Servers[0].URL)
	for _, o := range []openapi.Options{{ServerURL: "https://anchor.example"}, {Title: "x"}} {
		_, err := openapi.Load(o)
		require.ErrorContains(t, err, "missing")
		_, err = openapi.New(o)
		require.ErrorContains(t, err, "missing")
	}
}

func TestEveryOperation_is_described_for_people(t *testing.T) {
	t.Parallel()
	for path, item := range whole(t).Paths.Map() {
		for method, o := range item.Operations() {
			name := method + " " + path
			require.Len(t, o.Tags, 1, name)
			require.NotEmpty(t, o.OperationID, name)
			require.NotEmpty(t, o.Summary, name)
			require.NotEmpty(t, o.Description, name)
			require.NotNil(t, o.Security, "%s: whether a token is needed must be said", name)
			for _, p := range o.Parameters {
				require.NotEmpty(t, p.Value.Description, "%s: %s", name, p.Value.Name)
			}
			requireAnswers(t, name, path, o)
		}
	}
}

func requireAnswers(t *testing.T, name, path string, o *openapi3.Operation) {
	t.Helper()
	require.NotNil(t, o.Responses.Value("429"), "%s: everything is limited", name)
	for status, r := range o.Responses.Map() {
		require.NotEmpty(t, *r.Value.Description, "%s %s", name, status)
		for kind, media := range r.Value.Content {
			require.True(t, kind == "text/html" || media.Example != nil || len(media.Examples) > 0, "%s %s has no example", name, status)
			require.True(t, status < "400" || kind == "application/json", "%s %s: errors are JSON", name, status)
		}
	}
	if o.RequestBody != nil {
		require.NotNil(t, o.Responses.Value("413"), "%s: bodies are limited", name)
	}
	if len(*o.Security) == 1 {
		_, unauthenticated := o.Responses.Map()["401"]
		_, forbidden := o.Responses.Map()["403"]
		require.Equal(t, strings.HasPrefix(path, "/kyc/"), unauthenticated, "%s: 401 is SEP-12's", name)
		require.True(t, unauthenticated || forbidden, name)
	}
}

func TestPromisesOfNoOtherKeys_are_in_the_schemas(t *testing.T) {
	t.Parallel()
	schemas := whole(t).Components.Schemas
	for _, name := range []string{
		"Error", "Challenge", "Token", "Customer", "CustomerField", "ProvidedField", "CustomerKept", "File", "FileList", "Info", "ReceivedAsset",
		"TransactionPosted", "TransactionEnvelope", "Transaction", "Refunds", "RefundPayment", "FeeDetails", "CustomerInfoNeeded", "TransactionInfoNeeded",
		"QuoteInfo", "StellarAsset", "OffChainAsset", "BuyPrices", "SellPrices", "AssetPrice", "Price", "Quote",
	} {
		additional := schemas[name].Value.AdditionalProperties.Has
		require.True(t, additional != nil && !*additional, name)
	}
}

func TestWordsOfTheProgram_are_those_of_the_document(t *testing.T) {
	t.Parallel()
	schemas := whole(t).Components.Schemas
	values := func(schema, property string) []string {
		var texts []string
		for _, value := range schemas[schema].Value.Properties[property].Value.Enum {
			texts = append(texts, value.(string))
		}
		return texts
	}
	var statuses []string
	for _, s := range anchor.Statuses() {
		statuses = append(statuses, string(s))
	}
	require.ElementsMatch(t, statuses, values("Transaction", "status"))
	for _, s := range statuses {
		require.Contains(t, schemas["Transaction"].Value.Properties["status"].Value.Description, "`"+s+"`")
	}
	require.ElementsMatch(t, values("Customer", "status"), []string{
		string(anchor.CustomerAccepted), string(anchor.CustomerProcessing), string(anchor.CustomerNeedsInfo), string(anchor.CustomerRejected),
	})
	require.ElementsMatch(t, values("ProvidedField", "status"), []string{
		string(anchor.FieldAccepted), string(anchor.FieldProcessing), string(anchor.FieldRejected), string(anchor.FieldVerificationRequired),
	})
	for schema, of := range map[string]any{
		"Transaction": anchor.Transaction{}, "FeeDetails": anchor.FeeDetails{}, "FeeDetail": anchor.FeeDetail{},
		"Refunds": anchor.Refunds{}, "RefundPayment": anchor.RefundPayment{},
	} {
		for key := range keysOf(of) {
			require.Contains(t, schemas[schema].Value.Properties, key, schema)
		}
	}
}

// keysOf are the JSON keys of a struct, and whether each can be absent.
func keysOf(of any) map[string]bool {
	keys := map[string]bool{}
	for field := range reflect.TypeOf(of).Fields() {
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		keys[name] = strings.Contains(rest, "omitempty")
	}
	return keys
}

func TestNamesOfSEP9_are_all_there_with_their_types(t *testing.T) {
	t.Parallel()
	schemas := whole(t).Components.Schemas
	count := 0
	for _, group := range []string{"Person", "FinancialAccount", "Organization", "Documents"} {
		for name := range schemas[group].Value.Properties {
			kind, known := anchor.SEP9Type(name)
			require.True(t, known, name)
			require.Equal(t, group == "Documents", kind == anchor.FieldBinary, name)
			count++
		}
	}
	require.Equal(t, 36+14+17, count, "natural person, financial account, organization")
}

func TestComponents_are_all_used_and_no_key_is_a_slip(t *testing.T) {
	t.Parallel()
	raw := load(t).JSON()
	var document map[string]any
	require.NoError(t, json.Unmarshal(raw, &document))
	for kind, list := range document["components"].(map[string]any) {
		for name := range list.(map[string]any) {
			ref := fmt.Sprintf(`"$ref":"#/components/%s/%s"`, kind, name)
			require.True(t, kind == "securitySchemes" || bytes.Contains(raw, []byte(ref)), ref)
		}
	}
	walk(t, "", document)
}

// walk looks for what YAML makes of a text with a comma in a flow mapping: a key that is a sentence, or one without a value.
func walk(t *testing.T, path string, value any) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			walk(t, path, one)
		}
	case map[string]any:
		for key, one := range v {
			require.NotContains(t, key, " ", path)
			require.True(t, one != nil || key == "customer_id", "%s/%s", path, key)
			walk(t, path+"/"+key, one)
		}
	}
}

func TestTexts_keep_the_order_in_which_they_were_written(t *testing.T) {
	t.Parallel()
	raw := string(load(t).JSON())
	places := []int{}
	for _, word := range []string{`"openapi":`, `"info":`, `"paths":`, `"/auth":`, `"/sep31/info":`, `"/sep38/info":`, `"/docs":`, `"components":`} {
		places = append(places, strings.Index(raw, word))
	}
	require.NotContains(t, places, -1)
	require.True(t, slices.IsSorted(places))
}
