package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDotEnv_reads_lines_as_they_are_usually_written(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"A=b":                            "b",
		"export A=b":                     "b",
		"  A = b  \r":                    "b",
		"A=":                             "",
		"A=b # a comment":                "b",
		"A=b#c":                          "b#c",
		"A= # only a comment":            "",
		"A=Test SDF Network ; September": "Test SDF Network ; September",
		"A=a$b${c}":                      "a$b${c}",
		"A=YWJj=":                        "YWJj=",
		`A="b # c" # d`:                  "b # c",
		`A='b\n"c'`:                      `b\n"c`,
		`A="b\nc\"\\\$\x"`:               "b\nc\"\\$\\x",
		`A=it's`:                         "it's",
		"\ufeffA=b":                      "b",
	} {
		variables, faults := parseDotEnv(".env", line)
		require.Empty(t, faults, line)
		require.Equal(t, []variable{{"A", want}}, variables, line)
	}
	variables, faults := parseDotEnv(".env", "\n# a comment\n   # another\nA=1\n\nB_2=2\n")
	require.Empty(t, faults)
	require.Equal(t, []variable{{"A", "1"}, {"B_2", "2"}}, variables)
}

func TestDotEnv_names_the_line_that_it_cannot_read(t *testing.T) {
	t.Parallel()
	for line, problem := range map[string]string{
		"word":       "is not a NAME=value",
		"=b":         "is not a NAME=value",
		"1A=b":       "is not a NAME=value",
		"A B=c":      "is not a NAME=value",
		`A="b`:       "cannot be read at A: its quote is not closed",
		`A='b' c`:    "cannot be read at A: something follows its closing quote",
		"A=b\x00c":   "cannot be read at A: it contains a zero byte",
		"Z=1":        "gives Z a second time",
		`A="b\`:      "cannot be read at A: its quote is not closed",
		"export A":   "is not a NAME=value",
		"A-B=c":      "is not a NAME=value",
		"\u00c4=c":   "is not a NAME=value",
		"export =cc": "is not a NAME=value",
	} {
		_, faults := parseDotEnv("x.env", "Z=0\n"+line)
		require.Len(t, faults, 1, line)
		require.Equal(t, "x.env line 2", faults[0].Key)
		require.Equal(t, problem, faults[0].Problem)
		require.NotEmpty(t, faults[0].Mend)
	}
}

func FuzzDotEnv(f *testing.F) {
	f.Add("A=b\nexport C='d' # e\nF=\"g\\n\"\n")
	f.Fuzz(func(t *testing.T, content string) {
		variables, _ := parseDotEnv(".env", content)
		for _, v := range variables {
			require.True(t, isVariableName(v.name))
			require.NotContains(t, v.value, "\x00")
		}
	})
}
