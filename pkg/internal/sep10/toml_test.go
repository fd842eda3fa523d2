package sep10_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/sep10"
)

func TestTheKeyOfAClientDomainIsReadFromItsToml(t *testing.T) {
	t.Parallel()
	key := fixed(1).Address()
	line := "SIGNING_KEY = \"" + key + "\"\n"
	for name, document := range map[string]string{
		"alone":                          line,
		"as a literal text":              "SIGNING_KEY='" + key + "'",
		"with a quoted key":              `"SIGNING_KEY" = "` + key + `"`,
		"of lines that end like DOS's":   "VERSION=\"2\"\r\n" + strings.TrimSpace(line) + "\r\n",
		"behind a comment with brackets": "# [[[[[[[[[[[[[[[[[[[[[[[[[ \" '\n" + line,
		"behind a list":                  "ACCOUNTS = [\n \"G1\", # one\n \"G2\"\n]\n" + line,
		"before tables":                  line + "[DOCUMENTATION]\nORG_NAME = \"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t\"\n[[CURRENCIES]]\ncode=\"X\"\n",
		"behind a long text":             "A = \"\"\"\n[[[[ \\\"\"\" ]]]] \"\" {{{{{{{{{{{{{{{{{{ \"\"\"\"\"\n" + line,
		"behind a long literal":          "A = '''\n...................'' [[[[[[[[[[[[[[[[[[[[[[[\\'''\n" + line,
		"behind an escaped quote":        `A = "\"[[[[[[[[[[[[[[[[[[[[[["` + "\n" + line,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sep10.SigningKey([]byte(document))
			require.NoError(t, err)
			require.Equal(t, key, got)
		})
	}
}

func TestATomlWithoutAUsableKeyIsRefused(t *testing.T) {
	t.Parallel()
	key := fixed(1).Address()
	for name, document := range map[string]string{
		"nothing":             "",
		"another case":        `signing_key = "` + key + `"`,
		"in a table":          "[DOCUMENTATION]\nSIGNING_KEY = \"" + key + `"`,
		"a number":            "SIGNING_KEY = 1",
		"a list":              `SIGNING_KEY = ["` + key + `"]`,
		"a seed":              `SIGNING_KEY = "` + fixed(1).Seed() + `"`,
		"a muxed account":     `SIGNING_KEY = "` + muxed(t, key, 1) + `"`,
		"a contract":          `SIGNING_KEY = "` + strkey.MustEncode(strkey.VersionByteContract, make([]byte, 32)) + `"`,
		"a space":             `SIGNING_KEY = "` + key + ` "`,
		"twice":               strings.Repeat(`SIGNING_KEY = "`+key+"\"\n", 2),
		"HTML":                "<!doctype html>",
		"a text that goes on": `SIGNING_KEY = "` + key,
		"a long one too":      `SIGNING_KEY = """` + key,
		"bytes":               "SIGNING_KEY = \"\xff\"",
		"a large exponent":    "A = 1e500000000\nSIGNING_KEY = \"" + key + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sep10.SigningKey([]byte(document))
			require.Error(t, err)
			require.NotContains(t, err.Error(), key)
			require.NotContains(t, err.Error(), fixed(1).Seed())
		})
	}
}

// bombs are documents of the largest size that cost a decoder more than they should.
func bombs() map[string]string {
	lines := func(line func(i int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < 100_000; i++ {
			b.WriteString(line(i))
		}
		return b.String()
	}
	const n = 50_000
	deep := strings.Repeat("a.", 7)
	return map[string]string{
		"a key of many parts":         strings.Repeat("a.", n) + "a = 1",
		"a table of many parts":       "[" + strings.Repeat("a.", n) + "a]",
		"tables of many parts":        lines(func(i int) string { return fmt.Sprintf("[%s%d]\n", strings.Repeat("a.", 500), i) }),
		"a list in a list":            "a = " + strings.Repeat("[", n) + strings.Repeat("]", n),
		"a list that goes on":         "a = " + strings.Repeat("[", 2*n),
		"a table in a table":          "a = " + strings.Repeat("{a=", n/2),
		"parts in a table in a line":  "a = {" + strings.Repeat("a.", n) + "a = 1}",
		"many keys":                   lines(func(i int) string { return fmt.Sprintf("k%d=1\n", i) }),
		"many tables":                 lines(func(i int) string { return fmt.Sprintf("[%s%d]\n", deep, i) }),
		"many tables of one name":     lines(func(int) string { return "[[a]]\n" }),
		"many keys of as many parts":  lines(func(i int) string { return fmt.Sprintf("%s%d=1\n", deep, i) }),
		"many lists":                  "a = [" + strings.Repeat("[],", n/2) + "]",
		"many tables in a line":       "a = [" + strings.Repeat("{},", n/2) + "]",
		"quotes":                      "a = " + strings.Repeat(`"`, 2*n),
		"keys of quotes":              strings.Repeat(`"".`, 7) + "a = 1",
		"a comment after the other":   strings.Repeat("#\n", n),
		"a large number, many digits": "a = " + strings.Repeat("9", 2*n),
	}
}

// 1894: a stellar.toml that somebody else wrote must not cost more than its size.
func TestASmallTomlIsNoLargeWork(t *testing.T) { // not beside others, whose memory would be counted
	for name, document := range bombs() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := sep10.SigningKey([]byte(document))
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(48<<20))
			require.Less(t, took, 2*time.Second)
		})
	}
}

func FuzzSigningKey(f *testing.F) {
	f.Add([]byte("SIGNING_KEY = \"" + fixed(1).Address() + "\"\n[[CURRENCIES]]\ncode = '''a'''\n"))
	f.Add([]byte("a.b = {c = [1, 2.5e3, \"\"\"\nx\\\"\"\"\"]}\n"))
	for _, document := range bombs() {
		f.Add([]byte(document[:min(len(document), 200)]))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if key, err := sep10.SigningKey(document); err == nil {
			require.True(t, strkey.IsValidEd25519PublicKey(key))
		}
	})
}
