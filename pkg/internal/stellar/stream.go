package stellar

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// shortestWait keeps a server that ends its streams at once from being asked in a loop; it is what Horizon itself asks of
// its clients (retry: 1000).
const shortestWait = time.Second

func (e *endpoint) await(ctx context.Context, account string, after int64) error {
	if err := checkAsked(account, after); err != nil {
		return err
	}
	return named("GET "+paymentsPath(account)+" (stream)", e.wait(ctx, account, after))
}

func (e *endpoint) wait(caller context.Context, account string, after int64) error {
	ctx, cancel := context.WithCancel(caller)
	defer cancel()
	var silent atomic.Bool
	silence := jittered(e.silenceAfter)
	watchdog := time.AfterFunc(silence, func() {
		silent.Store(true)
		cancel()
	})
	defer watchdog.Stop()

	resp, err := e.open(ctx, caller, account, after)
	if err != nil && silent.Load() && caller.Err() == nil {
		return &UnavailableError{Err: fmt.Errorf("the stream did not open within %s", silence)}
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	watchdog.Reset(silence)
	earliest := time.NewTimer(shortestWait)
	defer earliest.Stop()

	end, err := readStream(resp.Body)
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case end == endRecord:
		return nil
	case err != nil:
		return err
	}
	select {
	case <-earliest.C:
		return nil
	case <-caller.Done():
		return caller.Err()
	}
}

// open asks for one record only: the first is all that is needed to wake up.
func (e *endpoint) open(ctx, caller context.Context, account string, after int64) (*http.Response, error) {
	query := url.Values{"cursor": {strconv.FormatInt(after, 10)}, "order": {"asc"}, "limit": {"1"}}
	req, err := e.request(ctx, http.MethodGet, paymentsPath(account), query, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, unanswered(caller, e.readTimeout, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
		if err != nil {
			return nil, unanswered(caller, e.readTimeout, err)
		}
		return nil, refusal(answer{resp.StatusCode, resp.Header, body})
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		resp.Body.Close()
		return nil, &AnswerError{Reason: fmt.Sprintf("it is no stream but %q", Printable(kind))}
	}
	return resp, nil
}

// streamEnd says why a stream was left.
type streamEnd int

const (
	endCut    streamEnd = iota // the connection ended, by whatever means
	endRecord                  // a record came
	endClose                   // the server said byebye
	endError                   // the server said why it cannot go on
)

// readStream reads until there is a reason to stop. Its error is the server's own (endError).
func readStream(body io.Reader) (streamEnd, error) {
	lines := bufio.NewReaderSize(body, 4096)
	var e event
	for {
		line, err := readLine(lines)
		if err != nil && e.name == "error" {
			return endError, streamError(e.data) // the last words count even without the blank line behind them
		}
		if err != nil {
			return endCut, nil //nolint:nilerr // that the stream was cut is what it has to tell
		}
		if len(line) > 0 {
			e.field(line)
			continue
		}
		switch {
		case e.name == "close":
			return endClose, nil
		case e.name == "error":
			return endError, streamError(e.data)
		case e.hasData && (e.name == "" || e.name == "message"):
			return endRecord, nil
		}
		e = event{}
	}
}

// event is the one being received. Of its data only the beginning is kept.
type event struct {
	name, data string
	hasData    bool
}

func (e *event) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(name) {
	case "event":
		e.name = string(value)
	case "data":
		e.hasData = true
		e.data = string(value)
	}
}

// readLine answers the beginning of a line and passes all of it: a record's line is some KB that nobody needs.
func readLine(lines *bufio.Reader) ([]byte, error) {
	line, more, err := lines.ReadLine()
	if err != nil {
		return nil, err
	}
	if !more {
		return line, nil
	}
	line = bytes.Clone(line)
	for more {
		if _, more, err = lines.ReadLine(); err != nil {
			return nil, err
		}
	}
	return line, nil
}

func streamError(said string) error {
	if strings.Contains(said, "rate_limit_exceeded") {
		return &RateLimitedError{}
	}
	return &UnavailableError{Err: errors.New("the stream ended with: " + Printable(said))}
}
