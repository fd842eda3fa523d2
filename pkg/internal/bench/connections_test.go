package bench_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// line is a connection that is kept open. One goroutine uses it.
type line struct {
	net.Conn
	answers *bufio.Reader
}

// newLines connects to a host as often as the load has connections.
func newLines(b *testing.B, host string) []*line {
	lines := make([]*line, connections)
	for i := range lines {
		c, err := net.Dial("tcp", host)
		require.NoError(b, err)
		b.Cleanup(func() { _ = c.Close() })
		lines[i] = &line{c, bufio.NewReader(c)}
	}
	return lines
}

// ask sends a request and reads its answer.
func (l *line) ask(request string) (status int, body []byte, err error) {
	if _, err := io.WriteString(l, request); err != nil {
		return 0, nil, err
	}
	answer, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// share has n things done, on all lines at once; each thing has its number.
func share(b *testing.B, lines []*line, n int, do func(l *line, i int) error) {
	group, ctx := errgroup.WithContext(b.Context())
	var done atomic.Int64
	deadline := time.Now().Add(patience)
	for _, l := range lines {
		require.NoError(b, l.SetDeadline(deadline))
		group.Go(func() error {
			for i := done.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = done.Add(1) - 1 {
				if err := do(l, int(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
}

// bare has n things done on as many database connections as the load has.
func bare(b *testing.B, n int, do func(ctx context.Context, i int) error) {
	group, ctx := errgroup.WithContext(b.Context())
	var done atomic.Int64
	for range connections {
		group.Go(func() error {
			for i := done.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = done.Add(1) - 1 {
				if err := do(ctx, int(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, group.Wait())
}
