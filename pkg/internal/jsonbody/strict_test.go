package jsonbody_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/jsonbody"
)

func TestAnObjectThatCanBeReadInTwoWays_is_refused(t *testing.T) {
	t.Parallel()
	for raw, why := range map[string]string{
		"":                                     "is not a JSON object",
		`["a"]`:                                "is not a JSON object",
		"\xff{}":                               "is not UTF-8",
		`{"a":"\u0000"}`:                       "contains the character U+0000",
		`{"\u0000":"a"}`:                       "contains the character U+0000",
		`{"a":1,"a":2}`:                        "says something twice",
		`{"a":1,"A":2}`:                        "says something twice",
		`{"asset":1,"aſſet":2}`:                "says something twice",
		`{"x":{"a":1,"a":1}}`:                  "says something twice",
		`{"x":[{"a":1,"a":1}]}`:                "says something twice",
		`{} {}`:                                "goes on after its JSON object",
		`{"a":}`:                               "is not valid JSON",
		`{"a":1`:                               "is not valid JSON",
		`{"x":` + strings.Repeat("[", 100_000): "is nested too deeply",
	} {
		require.EqualError(t, jsonbody.Unambiguous([]byte(raw)), why, raw[:min(len(raw), 40)])
	}
	require.NoError(t, jsonbody.Unambiguous([]byte(` {"a":{"a":[{"a":1},{"a":1e400}]},"b":null} `)))
}

func TestAnObjectReadStrictly_has_no_keys_but_those_that_are_expected(t *testing.T) {
	t.Parallel()
	var into struct {
		A string `json:"a"`
	}
	require.NoError(t, jsonbody.Strict([]byte(`{"a":"b"}`), &into))
	require.Equal(t, "b", into.A)
	require.EqualError(t, jsonbody.Strict([]byte(`{"a":"b","secret":1}`), &into), "has a key that is not known here")
	require.EqualError(t, jsonbody.Strict([]byte(`{"a":7}`), &into), "has a number where another type is expected")
	require.EqualError(t, jsonbody.Strict([]byte(`{"a":"x","A":"y"}`), &into), "says something twice")
}
