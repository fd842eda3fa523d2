package sep12

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// requireUnderstood checks that a body was either refused with a text or understood as something that can be stored.
func requireUnderstood(t *testing.T, b body, err error) {
	t.Helper()
	if err != nil {
		require.NotEqual(t, anchor.CodeInternal, anchor.CodeOf(err), "%v", err)
		require.True(t, utf8.ValidString(err.Error()))
		return
	}
	require.LessOrEqual(t, len(b.texts)+len(b.files), mostParts)
	for name, text := range b.texts {
		require.True(t, name != "" && clean(name) && clean(text))
	}
	for name := range b.files {
		require.True(t, name != "" && clean(name))
		require.NotContains(t, b.texts, name)
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"first_name":"Ada","memo":1,"ok":true,"none":null}`, `{"a":{"b":1}}`, `{"a":[1]}`, `[1]`, `{}{}`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}",
		`{"a":"\ud800"}`, `{"a":1e999999999}`, strings.Repeat(`{"a":`, 10_000), "", "[object Object]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decodeJSON(raw)
		requireUnderstood(t, b, err)
	})
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=b", "a=%zz", "a=b&a=c", "%ff=1", "=", "a;b", strings.Repeat("a=b&", 300)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decodeForm(raw)
		requireUnderstood(t, b, err)
	})
}

func FuzzMultipart(f *testing.F) {
	for _, seed := range []string{
		"--x\r\nContent-Disposition: form-data; name=\"first_name\"\r\n\r\nAda\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ\r\n--x--\r\n",
		"--x\r\n", "--x--", "", "--x\r\n\r\n\r\n--x\r\n\r\n",
	} {
		f.Add([]byte(seed), "multipart/form-data; boundary=x")
	}
	f.Add([]byte("{}"), "application/json")
	f.Add([]byte("a=b"), "application/x-www-form-urlencoded")
	h := New(nil, nil)
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		r := &http.Request{Header: http.Header{"Content-Type": {contentType}}, Body: nopCloser{bytes.NewReader(raw)}}
		b, err := h.decode(r)
		requireUnderstood(t, b, err)
	})
}

// A file is taken as it is or refused, whatever the form around it looks like.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ntext\r\n--x--\r\n",
		"--x\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\n\r\n--x--\r\n", "--x--", "",
	} {
		f.Add([]byte(seed), "multipart/form-data; boundary=x")
	}
	f.Add([]byte("{}"), "application/json")
	h := New(nil, nil, FileBytes(1000))
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		data, err := h.decodeFile(&http.Request{Header: http.Header{"Content-Type": {contentType}}, Body: nopCloser{bytes.NewReader(raw)}})
		if err != nil {
			require.NotEqual(t, anchor.CodeInternal, anchor.CodeOf(err), "%v", err)
			return
		}
		require.True(t, bytes.Contains(raw, data) || bytes.Contains(raw, []byte("quoted-printable")))
	})
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }
