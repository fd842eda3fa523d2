package sep12_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func (s server) postFile(token string, f *form) answer {
	s.Helper()
	require.NoError(s, f.writer.Close())
	return s.ask(http.MethodPost, "/customer/files", token, f.writer.FormDataContentType(), f.body.Bytes())
}

func (s server) mustPostFile(token string) (id string) {
	s.Helper()
	a := s.postFile(token, newForm().file(s, "file", image(100)))
	require.Equal(s, http.StatusOK, a.status, a.raw)
	return a.body["file_id"].(string)
}

func (s server) listFiles(token, query string) []any {
	s.Helper()
	a := s.ask(http.MethodGet, "/customer/files"+query, token, "", nil)
	require.Equal(s, http.StatusOK, a.status, a.raw)
	require.Len(s, a.body, 1)
	return a.body["files"].([]any)
}

func TestAFile_is_sent_ahead_and_named_in_a_PUT_of_any_encoding(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		for name, put := range map[string]func(token, file string) answer{
			"JSON": func(token, file string) answer {
				return s.putJSON(token, `{"type":"sep31-receiver","first_name":"Ada","photo_id_front_file_id":"`+file+`"}`)
			},
			"form": func(token, file string) answer {
				return s.ask(http.MethodPut, "/customer", token, "application/x-www-form-urlencoded", []byte("type=sep31-receiver&photo_id_front_file_id="+file))
			},
			"multipart": func(token, file string) answer {
				return s.putForm(token, newForm().file(t, "photo_id_back", image(10)).text(t, "photo_id_front_file_id", file).text(t, "type", "sep31-receiver"))
			},
		} {
			token := account() + ":1"
			a := s.postFile(token, newForm().text(t, "note", "x").file(t, "file", image(100)))
			require.Equal(t, http.StatusOK, a.status, a.raw)
			require.Equal(t, "image/png", a.body["content_type"])
			require.EqualValues(t, 100, a.body["size"])
			require.Nil(t, a.body["customer_id"])
			require.Contains(t, a.raw, `"customer_id":null`)
			require.NotEmpty(t, a.body["expires_at"])

			kept := put(token, a.body["file_id"].(string))
			require.Equal(t, http.StatusAccepted, kept.status, "%s: %s", name, kept.raw)
			list := s.listFiles(token, "?customer_id="+kept.body["id"].(string))
			require.Equal(t, list, s.listFiles(token, "?file_id="+a.body["file_id"].(string)))
			require.Equal(t, map[string]any{
				"file_id": a.body["file_id"], "content_type": "image/png", "size": a.body["size"], "customer_id": kept.body["id"],
			}, list[0], name)
			require.Contains(t, s.get(token, "?type=sep31-receiver").body["provided_fields"], "photo_id_front", name)
		}
	})
}

func TestFilesThatCannotBeKept_are_refused_with_a_text(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		token := account()
		for name, c := range map[string]struct {
			form   *form
			status int
		}{
			"too large":           {newForm().file(t, "file", image(4<<20+1)), 413},
			"far too large":       {newForm().file(t, "file", image(10<<20)), 413},
			"empty":               {newForm().file(t, "file", nil), 400},
			"a page":              {newForm().file(t, "file", []byte("<html>CANARY</html>")), 400},
			"a script in a photo": {newForm().file(t, "file", []byte("CANARY\x89PNG\r\n\x1a\n")), 400},
			"under another name":  {newForm().file(t, "photo_id_front", image(10)), 400},
			"as text":             {newForm().text(t, "file", "CANARY"), 400},
			"two":                 {newForm().file(t, "file", image(10)).file(t, "file", image(10)), 400},
			"none":                {newForm(), 400},
		} {
			a := s.postFile(token, c.form)
			require.Equal(t, c.status, a.status, "%s: %s", name, a.raw)
			require.NotEmpty(t, a.body["error"], name)
			require.NotContains(t, a.raw, "CANARY", name)
		}
		for name, c := range map[string][2]string{
			"JSON":                    {"application/json", `{"file":"CANARY"}`},
			"no content type":         {"", "CANARY"},
			"text":                    {"text/plain", "[object Object]"},
			"multipart without parts": {"multipart/form-data; boundary=x", ""},
			"multipart broken off":    {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nCANARY"},
			"multipart unbounded":     {"multipart/form-data", "--x"},
		} {
			a := s.ask(http.MethodPost, "/customer/files", token, c[0], []byte(c[1]))
			require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
			require.NotContains(t, a.raw, "CANARY", name)
		}
	})
}

func TestFileLists_are_empty_for_what_is_not_there_or_somebody_elses(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	owner := account()
	file := s.mustPostFile(owner + ":1")
	id := s.putJSON(owner+":1", `{"first_name":"Ada","photo_id_front_file_id":"`+s.mustPostFile(owner+":1")+`"}`).body["id"].(string)
	require.Len(t, s.listFiles(owner+":1", "?file_id="+file), 1)
	for _, token := range []string{account(), owner + ":2", account() + ":1"} {
		require.Empty(t, s.listFiles(token, "?file_id="+file))
		require.Empty(t, s.listFiles(token, "?customer_id="+id))
	}
	require.Empty(t, s.listFiles(owner, "?customer_id=unknown"))
	for _, query := range []string{"", "?file_id=", "?file_id=a&customer_id=b", "?file_id=a&file_id=b", "?customer_id=%00", "?file_id=" + strings.Repeat("a", 500)} {
		a := s.ask(http.MethodGet, "/customer/files"+query, owner, "", nil)
		require.Equal(t, http.StatusBadRequest, a.status, "%.40s: %s", query, a.raw)
	}
}

func TestEveryOtherEndpoint_needs_a_token_before_anything_is_parsed(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	for _, request := range [][2]string{
		{http.MethodPost, "/customer/files"}, {http.MethodGet, "/customer/files"}, {http.MethodPut, "/customer/verification"}, {http.MethodPut, "/customer/callback"},
	} {
		a := s.ask(request[0], request[1], "", "text/plain", []byte("[object Object]"))
		require.Equal(t, http.StatusUnauthorized, a.status, "%v", request)
		require.NotEmpty(t, a.body["error"])
	}
}

func TestWhatIsNotServed_is_answered_in_JSON(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t))
	for _, request := range [][2]string{{http.MethodPost, "/customer"}, {http.MethodPost, "/customer/callback"}, {http.MethodGet, "/customer/verification"}} {
		a := s.ask(request[0], request[1], account(), "application/json", []byte("{}"))
		require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.status, fmt.Sprint(request))
		require.NotEmpty(t, a.body["error"])
	}
}
