package sandbox

import (
	"net/http"
	"time"
)

const (
	hello  = "retry: 1000\nevent: open\ndata: \"hello\"\n\n"
	byebye = "retry: 10\nevent: close\ndata: \"byebye\"\n\n"
)

// sse is one open stream.
type sse struct {
	network *Network
	x       *exchange
	list    listing
	query   query
	flush   func() error
	sent    int
	ledger  uint32 // the latest one that the stream has paid for
	expired bool
}

// stream delivers a list as server-sent events: what is there after the cursor, then what comes, until as many records
// as asked for were sent or the time is up.
func (n *Network) stream(x *exchange, l listing, q query) *problem {
	if _, p := n.read(l, q); p != nil {
		return p
	}
	end := n.faults.end()
	s := &sse{network: n, x: x, list: l, query: q, flush: http.NewResponseController(x.w).Flush, ledger: n.latestSequence()}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-cache")
	h.Set("Connection", "keep-alive")
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.WriteHeader(http.StatusOK)
	if s.write(hello) != nil {
		return nil
	}
	n.countStreams(1)
	defer n.countStreams(-1)
	s.follow(end)
	return nil
}

func (s *sse) follow(end *streamEnd) {
	timeout := time.NewTimer(s.network.opts.StreamTimeout)
	defer timeout.Stop()
	for {
		silent, stirred := s.network.faults.streamState()
		closed := s.network.nextClose()
		if !silent && s.deliver() {
			return
		}
		select {
		case <-closed:
		case <-stirred:
		case <-timeout.C:
			s.expired = true
		case <-s.x.r.Context().Done():
			return
		case <-end.now:
			s.end(end.text)
			return
		}
	}
}

// deliver sends what there is to send and tells whether the stream is over.
func (s *sse) deliver() bool {
	if !s.payForLedgers() {
		s.end("problem: rate_limit_exceeded. full details: " + rateLimitExceeded().Detail)
		return true
	}
	q := s.query
	q.limit -= s.sent
	records, p := s.network.read(s.list, q)
	if p != nil {
		s.end("Unexpected stream error")
		return true
	}
	if len(records) > 0 && s.send(records) != nil {
		return true
	}
	if s.sent < s.query.limit && !s.expired {
		return false
	}
	_ = s.write(byebye) // the stream is over whether the client still reads or not
	return true
}

// payForLedgers takes one request of the rate limit for every ledger since the last time.
func (s *sse) payForLedgers() bool {
	for latest := s.network.latestSequence(); s.ledger < latest; s.ledger++ {
		if !s.network.limiter.take(s.x.r).ok {
			return false
		}
	}
	return true
}

func (s *sse) send(records []record) error {
	p := &printer{base: s.x.base}
	for _, r := range records {
		p.buf = append(p.buf, "id: "...)
		p.buf = append(p.buf, r.position().text()...)
		p.buf = append(p.buf, "\ndata: "...)
		r.print(p, s.query.join)
		p.buf = append(p.buf, "\n\n"...)
		p.inside = false
		s.query.cursor, s.query.cursorText = r.position(), "sent"
	}
	s.sent += len(records)
	return s.write(string(p.buf))
}

// end ends the stream without byebye: with an error event, or in the middle of the response if there is no text.
func (s *sse) end(text string) {
	if text == "" {
		panic(http.ErrAbortHandler) // the server's way to cut a response that has begun
	}
	_ = s.write("event: error\ndata: " + text + "\n\n") // the stream is over whether the client still reads or not
}

func (s *sse) write(text string) error {
	if _, err := s.x.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.flush()
}

// nextClose is closed when the next ledger closes.
func (n *Network) nextClose() <-chan struct{} {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.closed
}

func (n *Network) countStreams(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.streams += by
	n.announce()
}
