package jsonbody_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
)

// broken is a body that cannot be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestABodyThatCannotBeReadIsTheClientsFault(t *testing.T) {
	t.Parallel()
	for code, err := range map[anchor.Code]error{
		anchor.CodeTooLarge:    &http.MaxBytesError{Limit: 1},
		anchor.CodeUnavailable: anchor.RefuseAs(anchor.CodeUnavailable, "busy"),
		anchor.CodeInvalid:     io.ErrUnexpectedEOF,
	} {
		_, got := jsonbody.Read(httptest.NewRequest(http.MethodPost, "/", broken{err}))
		require.Equal(t, code, anchor.CodeOf(got))
	}
}

func TestABodyThatIsNoObjectOfBoundedSizeIsRefused(t *testing.T) {
	t.Parallel()
	for body, code := range map[string]anchor.Code{
		"": anchor.CodeInvalid, "[]": anchor.CodeInvalid, "null": anchor.CodeInvalid, "{": anchor.CodeInvalid,
		"{} {}": anchor.CodeInvalid, "{\"a\":\"\xff\"}": anchor.CodeInvalid,
		"{\"a\":\"" + strings.Repeat("x", jsonbody.Most) + "\"}": anchor.CodeTooLarge,
	} {
		_, err := jsonbody.Read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		require.Equal(t, code, anchor.CodeOf(err))
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "text/plain")
	_, err := jsonbody.Read(r)
	require.Equal(t, anchor.CodeUnsupported, anchor.CodeOf(err))
}

func TestValuesAreReadByTheirType(t *testing.T) {
	t.Parallel()
	o, err := jsonbody.Decode([]byte(`{"text":"x","null":null,"number":1.50,"inner":{"a":"b"},"zero":"\u0000"}`))
	require.NoError(t, err)
	text, err := o.Text("text")
	require.NoError(t, err)
	require.Equal(t, "x", text)
	for _, absent := range []string{"null", "nothing"} {
		require.False(t, o.Given(absent))
		text, err = o.Text(absent)
		require.NoError(t, err)
		require.Empty(t, text)
	}
	for _, wrong := range []string{"number", "inner", "zero"} {
		_, err = o.Text(wrong)
		require.ErrorContains(t, err, wrong+" must")
	}
	digits, ok := jsonbody.Digits(o["number"])
	require.True(t, ok)
	require.Equal(t, "1.50", digits)
	_, ok = jsonbody.Digits(o["text"])
	require.False(t, ok)
	inner, err := o.Nested("inner", "inner")
	require.NoError(t, err)
	require.True(t, inner.Given("a"))
	_, err = o.Nested("text", "the text")
	require.EqualError(t, err, "the text must be an object")
}
