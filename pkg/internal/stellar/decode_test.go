package stellar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

const ours = "GAW7ATPDJOSXNQBNWQSKUBUMMXV3P7SACDDFOLK3WKSJ3ZERY2VM6NXF"

func sampleRecords(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/horizon/record-*.json")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var records [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		records = append(records, data)
	}
	return records
}

func asPage(records ...[]byte) []byte {
	return []byte(`{"_embedded": {"records": [` + string(bytes.Join(records, []byte(","))) + `]}}`)
}

// plainly decodes a page with encoding/json: the same record type, filled the slow way.
func plainly(data []byte) ([]record, error) {
	var page map[string]json.RawMessage
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, err
	}
	var embedded map[string]json.RawMessage
	if err := json.Unmarshal(page["_embedded"], &embedded); err != nil {
		return nil, err
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(embedded["records"], &raws); err != nil {
		return nil, err
	}
	var records []record
	for _, raw := range raws {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil || m == nil {
			return nil, fmt.Errorf("no object")
		}
		records = append(records, plainRecord(m))
	}
	return records, nil
}

func plainRecord(m map[string]json.RawMessage) record {
	var r record
	for key, value := range m {
		if field := r.field([]byte(key)); field != nil {
			*field = plainText(value)
		}
	}
	r.succeeded = string(m["transaction_successful"]) == "true"
	r.failed = string(m["transaction_successful"]) == "false"
	var t map[string]json.RawMessage
	if json.Unmarshal(m["transaction"], &t) == nil && t != nil {
		r.joined = joined{
			present: true, hash: plainText(t["hash"]),
			memoType: plainText(t["memo_type"]), memo: plainText(t["memo"]), memoBytes: plainText(t["memo_bytes"]),
			outer: plainHash(t["fee_bump_transaction"]), inner: plainHash(t["inner_transaction"]),
		}
	}
	var changes []map[string]json.RawMessage
	if json.Unmarshal(m["asset_balance_changes"], &changes) == nil {
		for _, fields := range changes {
			var c change
			for key, value := range fields {
				if field := c.field([]byte(key)); field != nil {
					*field = plainText(value)
				}
			}
			r.changes = append(r.changes, c)
		}
	}
	return r
}

func plainHash(value json.RawMessage) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(value, &m) != nil {
		return nil
	}
	return plainText(m["hash"])
}

func plainText(value json.RawMessage) []byte {
	var s *string
	if json.Unmarshal(value, &s) != nil || s == nil {
		return nil
	}
	return append([]byte{}, *s...)
}

func quickly(data []byte) ([]record, error) {
	s := &scanner{data: data}
	var records []record
	err := s.object(func(key []byte) error {
		if string(key) != "_embedded" {
			return s.skip()
		}
		return s.object(func(key []byte) error {
			if string(key) != "records" {
				return s.skip()
			}
			return s.list('[', ']', func() error {
				r, err := readRecord(s)
				records = append(records, r)
				return err
			})
		})
	})
	return records, err
}

func Test_the_scanner_reads_every_sample_as_encoding_json_does(t *testing.T) {
	t.Parallel()
	odd := []byte(`{"id":"1\u0030","type":null,"\u0074o":"\u00e9\n\"\\","from":"` + "\xff" + `","amount":"\ud800","_links":{"a":[1,-2.5e+3,true,null,{"b":"]}\\\""}]},
		"transaction":{"hash":"a","hash":"b","memo":"\\\\","fee_bump_transaction":null},"asset_balance_changes":[{"to":"x","x":[[]]},{}]}`)
	for _, data := range append(sampleRecords(t), odd) {
		page := asPage(data, data)
		want, err := plainly(page)
		require.NoError(t, err)
		got, err := quickly(page)
		require.NoError(t, err)
		for i := range got {
			require.Empty(t, got[i].fault)
			require.Equal(t, string(bytes.TrimSpace(data)), string(got[i].raw))
			got[i].raw = nil
		}
		require.Equal(t, want, got)
	}
}

func Test_the_scanner_finds_JSON_that_was_cut_or_garbled(t *testing.T) {
	t.Parallel()
	whole := asPage(sampleRecords(t)[0])
	for end := range len(whole) {
		_, err := decodePage(whole[:end], ours, 0)
		require.Error(t, err, "cut at %d", end)
	}
	for _, garbled := range []string{
		`[]`, `{}`, `null`, `{"_embedded":{}}`, `{"_embedded":[]}`, `{"_embedded":{"records":{}}}`, `{"_embedded":{"records":null}}`,
		`{"_embedded":{"records":[]}} x`, `{"_embedded":{"records":[{]]}}`, `{"a":[}],"_embedded":{"records":[]}}`, `{"_embedded":{"records":[,]}}`,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"_embedded":{"records":[]}}`,
		`{"_embedded":{"records":[{"id":"a` + "\n" + `"}]}}`,
	} {
		_, err := decodePage([]byte(garbled), ours, 0)
		require.Error(t, err, garbled)
	}
}

// FuzzDecodePage checks that no page makes the decoder stop or break its promises, and that it reads what is valid JSON as
// encoding/json does.
func FuzzDecodePage(f *testing.F) {
	// Without the XDR, or the fuzzer spends its time on making large seeds smaller.
	long := regexp.MustCompile(`"[^"]{80,}"`)
	records := sampleRecords(f)
	for _, data := range records {
		f.Add(asPage(long.ReplaceAll(data, []byte(`"AAAA"`))))
	}
	f.Add(asPage(long.ReplaceAll(records[0], []byte(`""`)), []byte(`{"id":"9223372036854775807"}`)))
	f.Add([]byte(`{"_embedded":{"records":[{"id":"5","transaction_successful":true,"type":7},5]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkPage(t, data)
		want, err := plainly(data)
		if err != nil {
			return
		}
		got, err := quickly(data)
		if err != nil {
			require.ErrorIs(t, err, errDeep)
			return
		}
		compareRecords(t, want, got)
	})
}

func compareRecords(t *testing.T, want, got []record) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range got {
		if !clean(got[i]) {
			continue // fields of a wrong type are kept by neither in the same way
		}
		got[i].raw = nil
		require.Equal(t, want[i], got[i])
	}
}

// clean tells whether a record has no field of a wrong type and none twice.
func clean(r record) bool {
	for _, c := range r.changes {
		if c.fault != "" {
			return false
		}
	}
	return r.fault == "" && !repeats(r.raw)
}

// repeats finds a key that comes twice in one object: encoding/json merges what mine replaces.
func repeats(raw []byte) bool {
	type level struct {
		object, value bool
		keys          map[string]bool
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var levels []level
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if d, ok := token.(json.Delim); ok && (d == '}' || d == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if n := len(levels); n > 0 && levels[n-1].object {
			top := &levels[n-1]
			if !top.value {
				key, _ := token.(string)
				if top.keys[key] {
					return true
				}
				top.keys[key] = true
			}
			top.value = !top.value
		}
		if d, ok := token.(json.Delim); ok {
			levels = append(levels, level{object: d == '{', keys: map[string]bool{}})
		}
	}
}

func checkPage(t *testing.T, data []byte) {
	t.Helper()
	const after = 3
	page, err := decodePage(data, ours, after)
	if err != nil {
		require.Empty(t, page.positions)
		return
	}
	last := int64(after)
	for _, position := range page.positions {
		require.Greater(t, position, last)
		last = position
	}
	for _, m := range page.movements {
		p, ok := m.settled()
		if !ok {
			continue
		}
		require.Equal(t, page.positions[m.record], p.OperationID)
		require.Equal(t, ours, p.Account)
		require.True(t, utf8.ValidString(p.Unreadable))
		if p.Unreadable == "" {
			require.Positive(t, p.Units)
			own, other := p.To, p.From
			if m.outgoing {
				own, other = p.From, p.To
			}
			require.Equal(t, ours, own)
			require.NotEqual(t, ours, other)
			require.Empty(t, p.Raw)
			continue
		}
		require.Zero(t, p.Units)
		require.True(t, json.Valid(p.Raw) && utf8.Valid(p.Raw))
	}
}

func BenchmarkDecodePage(b *testing.B) {
	data, err := os.ReadFile("testdata/horizon/record-payment-credit-memo-hash-join.json")
	require.NoError(b, err)
	var compact bytes.Buffer
	require.NoError(b, json.Compact(&compact, data))
	for _, form := range []struct {
		name   string
		record []byte
	}{{"indented", data}, {"compact", compact.Bytes()}} {
		page := pageOf200(form.record)
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				records, err := decodePage(page, ours, 0)
				if err != nil || len(records.movements) != MaxLimit {
					b.Fatal(err, len(records.movements))
				}
			}
			b.ReportMetric(float64(MaxLimit*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func pageOf200(data []byte) []byte {
	var records [][]byte
	for i := range MaxLimit {
		id := fmt.Sprintf(`"%d"`, 124554055681+i)
		records = append(records, bytes.ReplaceAll(data, []byte(`"124554055681"`), []byte(id)))
	}
	return asPage(records...)
}
