package callbacks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// recordWithin bounds the recording of an answer, which also happens when everything else has ended.
const recordWithin = 10 * time.Second

// maxAnswer bounds what is kept of an answer.
const maxAnswer = 200

// judge decides what an answer means. SEP-31 has two: any 2xx is accepted, 400 says that the message is bad, which no
// repetition will mend. Everything else is tried again, unless there is nothing left to tell.
func (s *Service) judge(c store.CallbackClaim, answer outbound.Answer, err error) store.CallbackResult {
	r := store.CallbackResult{Claim: c, State: store.CallbackPending, Attempts: c.Attempts + 1, Answer: describe(answer, err)}
	var tooLarge *outbound.TooLargeError
	answered := err == nil || errors.As(err, &tooLarge) // what counts is the status
	switch {
	case answered && answer.Status >= 200 && answer.Status < 300:
		r.State = store.CallbackDelivered
	case errors.Is(err, errPointless), answered && answer.Status == http.StatusBadRequest, r.Attempts >= int64(s.options.MaxAttempts):
		r.State = store.CallbackDead
	default:
		r.Wait = s.pause(r.Attempts)
	}
	return r
}

// describe says for operators what came back, without a word of the receiver's.
func describe(answer outbound.Answer, err error) string {
	text := fmt.Sprintf("HTTP %d", answer.Status)
	if err != nil && answer.Status == 0 {
		text = err.Error()
	}
	if len(text) > maxAnswer {
		text = text[:maxAnswer]
	}
	return strings.ToValidUTF8(text, "")
}

// pause is the wait after so many failures in a row.
func (s *Service) pause(attempts int64) time.Duration {
	wait := s.options.FirstWait
	for range attempts - 1 {
		if wait >= s.options.MaxWait {
			break
		}
		wait *= 2
	}
	return s.options.Spread(min(wait, s.options.MaxWait))
}

func (s *Service) report(ctx context.Context, c claimed, r store.CallbackResult, took time.Duration) {
	log := s.log.With(c.SubjectKind, c.SubjectID, "seq", c.Seq, "receiver", c.host, "answer", r.Answer, "attempts", r.Attempts, "took", took)
	switch r.State {
	case store.CallbackDelivered:
		log.DebugContext(ctx, "callback delivered")
	case store.CallbackDead:
		log.WarnContext(ctx, "callback given up")
	default:
		log.InfoContext(ctx, "callback not accepted", "again_in", r.Wait)
	}
}

// settle records a result; it returns when it is recorded, or could not be: then the lease runs out and the message is sent
// once more.
func (s *Service) settle(ctx context.Context, r store.CallbackResult) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	s.settler.settle(ctx, r)
}

// settler records results; those that come while one Tx is under way go together into the next.
type settler struct {
	db  *store.DB
	log *slog.Logger

	mu      sync.Mutex
	waiting *batch
	working sync.Mutex
}

// batch are results that are recorded together.
type batch struct {
	results []store.CallbackResult
	done    chan struct{}
}

func (s *settler) settle(ctx context.Context, r store.CallbackResult) {
	s.mu.Lock()
	first := s.waiting == nil
	if first {
		s.waiting = &batch{done: make(chan struct{})}
	}
	b := s.waiting
	b.results = append(b.results, r)
	s.mu.Unlock()
	if first {
		s.record(ctx, b)
	}
	<-b.done
}

// record waits for its turn, closes the batch to latecomers and writes it.
func (s *settler) record(ctx context.Context, b *batch) {
	s.working.Lock()
	defer s.working.Unlock()
	s.mu.Lock()
	s.waiting = nil
	s.mu.Unlock()
	defer close(b.done)
	lost, err := s.db.SettleCallbacks(ctx, b.results)
	if err != nil {
		s.log.ErrorContext(ctx, "deliveries could not be recorded; they are repeated", "error", err, "count", len(b.results))
		return
	}
	for _, id := range lost {
		s.log.WarnContext(ctx, "a delivery took longer than its lease; it may have been repeated", "callback", id)
	}
}
