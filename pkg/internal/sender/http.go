package sender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// call is one request that is safe to repeat until it is answered.
type call struct {
	method, url string
	body        any // sent as JSON
	header      http.Header
	token       bool // needs a SEP-10 token
}

// Answer is an error answer of the receiving anchor.
type Answer struct {
	Status int
	Body   string
}

func (a *Answer) Error() string { return fmt.Sprintf("answered %d: %s", a.Status, a.Body) }

const maxAnswer = 1 << 20

// call makes a request and repeats it while the anchor cannot be reached, fails (5xx) or asks for patience (429).
func (s *Sender) call(ctx context.Context, c call) ([]byte, error) {
	wait := 50 * time.Millisecond
	for {
		body, err := s.once(ctx, c)
		if err == nil || !again(err) {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, time.Second)
	}
}

// again tells whether an error says nothing about the request itself.
func again(err error) bool {
	if answer, ok := errors.AsType[*Answer](err); ok {
		return answer.Status >= 500 || answer.Status == http.StatusTooManyRequests
	}
	return true
}

func (s *Sender) once(ctx context.Context, c call) ([]byte, error) {
	body, err := s.attempt(ctx, c)
	if answer, ok := errors.AsType[*Answer](err); ok && c.token && (answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden) {
		s.forget() // the token may have run out
		return s.attempt(ctx, c)
	}
	return body, err
}

func (s *Sender) attempt(ctx context.Context, c call) ([]byte, error) {
	var body io.Reader
	if c.body != nil {
		raw, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token {
		token, err := s.authenticate(ctx)
		if err != nil {
			return nil, fmt.Errorf("log in: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(request)
}

func (s *Sender) do(request *http.Request) ([]byte, error) {
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		return nil, &Answer{response.StatusCode, string(raw)}
	}
	return raw, nil
}
