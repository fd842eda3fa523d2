package bench_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// ran is a statement as it was run: with its parameters as they went over the wire.
type ran struct {
	text       string
	parameters [][]byte
	formats    []int16
}

// tap stands between the anchor and Postgres, hands on every byte, and keeps what is run: by its text, with the parameters
// that it had last. It is safe for concurrent use.
type tap struct {
	mu   sync.Mutex
	ran  map[string]ran
	runs sync.WaitGroup
}

// newTap answers the url by which a database is reached through the tap.
func newTap(b *testing.B, database string) (*tap, string) {
	address, err := url.Parse(database)
	require.NoError(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	t := &tap{ran: map[string]ran{}}
	server := address.Host
	t.runs.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil { // closed
				return
			}
			t.runs.Go(func() { t.connect(client, server) })
		}
	})
	b.Cleanup(func() {
		require.NoError(b, listener.Close())
		t.runs.Wait()
	})
	address.Host = listener.Addr().String()
	query := address.Query()
	query.Set("sslmode", "disable") // what is encrypted cannot be read
	address.RawQuery = query.Encode()
	return t, address.String()
}

// connect hands on until one side has had enough. Whoever loses the connection by that says so.
func (t *tap) connect(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	t.runs.Go(func() {
		_, _ = io.Copy(client, upstream)
		_ = client.Close()
	})
	_ = t.listen(io.TeeReader(client, upstream))
	_ = upstream.Close()
}

// listen reads what a client says: a first message that has no kind, and then messages of a kind each.
func (t *tap) listen(client io.Reader) error {
	if _, err := message(client); err != nil {
		return err
	}
	prepared := map[string]string{}
	kind := make([]byte, 1)
	for {
		if _, err := io.ReadFull(client, kind); err != nil {
			return err
		}
		body, err := message(client)
		if err != nil {
			return err
		}
		switch kind[0] {
		case 'P':
			var m pgproto3.Parse
			if err := m.Decode(body); err != nil {
				return err
			}
			prepared[m.Name] = m.Query
		case 'B':
			var m pgproto3.Bind
			if err := m.Decode(body); err != nil {
				return err
			}
			t.keep(prepared[m.PreparedStatement], m)
		}
	}
}

func message(from io.Reader) ([]byte, error) {
	length := make([]byte, 4)
	if _, err := io.ReadFull(from, length); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length)
	if n < 4 || n > 1<<26 {
		return nil, errors.New("not a message")
	}
	body := make([]byte, n-4)
	_, err := io.ReadFull(from, body)
	return body, err
}

func (t *tap) keep(text string, m pgproto3.Bind) {
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch strings.ToUpper(verb) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ran[text] = ran{text, m.Parameters, m.ParameterFormatCodes}
}

// take answers what was run since the last time.
func (t *tap) take() map[string]ran {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.ran
	t.ran = map[string]ran{}
	return taken
}
