package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample is one recorded answer of a real Horizon: its header lines, if it was recorded with them, and its body.
type sample struct {
	status  string
	headers []string // names
	body    string
}

func load(t *testing.T, name string) sample {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "horizon", name))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	head, body, hasHead := strings.Cut(text, "\n\n")
	if !strings.HasPrefix(head, "HTTP/") || !hasHead {
		return sample{body: text}
	}
	lines := strings.Split(head, "\n")
	s := sample{status: strings.TrimPrefix(lines[0], "HTTP/1.1 "), body: body}
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, ":")
		s.headers = append(s.headers, name)
	}
	return s
}

// shape lists every value of a JSON document as "path: type and format", in the order of the document.
func shape(t *testing.T, document string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var lines []string
	require.NoError(t, walk(d, "", &lines), "%s", document)
	return lines
}

func walk(d *json.Decoder, path string, lines *[]string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		*lines = append(*lines, fmt.Sprintf("%s: %s", path, token))
		for i := 0; d.More(); i++ {
			step := fmt.Sprintf("%s[%d]", path, i)
			if token == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				step = fmt.Sprintf("%s.%s", path, key)
			}
			if err := walk(d, step, lines); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	case string:
		*lines = append(*lines, path+": "+format(token))
	default:
		*lines = append(*lines, fmt.Sprintf("%s: %T", path, token))
	}
	return nil
}

type textFormat struct {
	pattern *regexp.Regexp
	name    string
}

func textFormats() []textFormat {
	return []textFormat{
		{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`), "time"},
		{regexp.MustCompile(`^\d+\.\d{7}$`), "amount"},
		{regexp.MustCompile(`^\d+$`), "integer"},
		{regexp.MustCompile(`^[0-9a-f]{64}$`), "hash"},
		{regexp.MustCompile(`^G[A-Z2-7]{55}$`), "account"},
		{regexp.MustCompile(`^M[A-Z2-7]{68}$`), "muxed account"},
		{regexp.MustCompile(`^AAAA[A-Za-z0-9+/]+=*$`), "XDR"},
		{regexp.MustCompile(`^[A-Za-z0-9+/]{86}==$`), "signature"},
	}
}

func format(text string) string {
	if rest, isLink := strings.CutPrefix(text, "http://127.0.0.1:"); isLink {
		return "link " + linkShape(rest)
	}
	for _, f := range textFormats() {
		if f.pattern.MatchString(text) {
			return f.name
		}
	}
	return "text"
}

// linkShape is a link without what differs from run to run: its port and its ids.
func linkShape(link string) string {
	for _, r := range [][2]string{{`^\d+`, ""}, {`[0-9a-f]{64}`, "HASH"}, {`G[A-Z2-7]{55}`, "ACCOUNT"}, {`([/=])\d+`, "${1}NUMBER"}} {
		link = regexp.MustCompile(r[0]).ReplaceAllString(link, r[1])
	}
	return link
}

func requireSameShape(t *testing.T, want, got string, except ...string) {
	t.Helper()
	drop := func(line string) bool {
		return slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix(line, e) })
	}
	require.Equal(t, slices.DeleteFunc(shape(t, want), drop), slices.DeleteFunc(shape(t, got), drop))
}

// requireSameHeaders compares the names, and the values of those that tell something.
func requireSameHeaders(t *testing.T, want sample, got answer) {
	t.Helper()
	var names []string
	for _, name := range want.headers {
		if name != "Date" && name != "Content-Length" && name != "Transfer-Encoding" {
			names = append(names, name)
		}
	}
	var gotNames []string
	for name := range got.header {
		if name != "Date" && name != "Content-Length" {
			gotNames = append(gotNames, name)
		}
	}
	require.ElementsMatch(t, names, gotNames)
	require.Contains(t, want.status, fmt.Sprint(got.status))
}

// only returns the single record of a page.
func only(t *testing.T, page answer) string {
	t.Helper()
	var p struct {
		Embedded struct {
			Records []json.RawMessage `json:"records"`
		} `json:"_embedded"`
	}
	require.NoError(t, json.Unmarshal([]byte(page.body), &p), "%s", page.body)
	require.Len(t, p.Embedded.Records, 1)
	return string(p.Embedded.Records[0])
}

// pluck is one member of every record of a page.
func pluck(t *testing.T, page, member string) []string {
	t.Helper()
	var p struct {
		Embedded struct {
			Records []map[string]any `json:"records"`
		} `json:"_embedded"`
	}
	require.NoError(t, json.Unmarshal([]byte(page), &p), "%s", page)
	all := []string{}
	for _, r := range p.Embedded.Records {
		if value, ok := r[member].(string); ok {
			all = append(all, value)
		}
	}
	return all
}

// pluckOne is one member of a document.
func pluckOne(t *testing.T, document, member string) string {
	t.Helper()
	var d map[string]any
	require.NoError(t, json.Unmarshal([]byte(document), &d), "%s", document)
	value, _ := d[member].(string)
	return value
}
