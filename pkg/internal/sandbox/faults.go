package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Always as a number of times: until Clear.
const Always = -1

// Faults are the switches by which tests make the network misbehave. All methods are safe for concurrent use; none
// changes what ledgers hold.
type Faults struct {
	mu      sync.Mutex
	planned []*fault
	silent  bool
	// nowForgotten: cursor=now is the beginning.
	nowForgotten bool
	// ended is closed and replaced when the open streams shall end; stirred likewise when silent changes.
	ended   *streamEnd
	stirred chan struct{}
}

// fault is something that happens to the next requests of a kind.
type fault struct {
	kind       faultKind
	status     int
	prefix     string
	left       int // times; negative: without end
	retryAfter time.Duration
	ledgers    int // until a submission lands; zero: never
	smooth     bool
}

type faultKind int

const (
	answerFault faultKind = iota
	dropFault
	loseFault
	cutFault
	submitFault
	laterFault
)

// streamEnd tells open streams to end: with an error event, or cut if there is no text.
type streamEnd struct {
	now  chan struct{}
	text string
}

func newFaults() *Faults {
	return &Faults{ended: &streamEnd{now: make(chan struct{})}, stirred: make(chan struct{})}
}

// Faults returns the switches; the same ones at every call.
func (n *Network) Faults() *Faults { return n.faults }

// Answer answers the next requests whose path begins with pathPrefix with an error of this status, streams before
// they began included: 429 (with Retry-After: 1), 503 (stale_history), 504 (timeout), everything else as server_error.
func (f *Faults) Answer(status, times int, pathPrefix string) {
	f.plan(&fault{kind: answerFault, status: status, left: times, prefix: pathPrefix, retryAfter: time.Second})
}

// Limit is Answer with 429 and this Retry-After, in whole seconds rounded up.
func (f *Faults) Limit(retryAfter time.Duration, times int, pathPrefix string) {
	f.plan(&fault{kind: answerFault, status: http.StatusTooManyRequests, left: times, prefix: pathPrefix, retryAfter: retryAfter})
}

// DropConnections closes the connection of the next requests without an answer, and without doing what they ask for.
func (f *Faults) DropConnections(times int) {
	f.plan(&fault{kind: dropFault, left: times})
}

// LoseAnswers does what the next requests whose path begins with pathPrefix ask for and closes the connection without an
// answer. Streams are spared.
func (f *Faults) LoseAnswers(times int, pathPrefix string) {
	f.plan(&fault{kind: loseFault, left: times, prefix: pathPrefix})
}

// CutAnswers cuts the answers to the next requests whose path begins with pathPrefix in the middle of their bodies. The
// connection breaks there, or, if smooth, the answer ends as if that were all of it. Streams are spared: see CutStreams.
func (f *Faults) CutAnswers(times int, pathPrefix string, smooth bool) {
	f.plan(&fault{kind: cutFault, left: times, prefix: pathPrefix, smooth: smooth})
}

// TimeOutSubmissions answers the next POST /transactions with 504 at once, and /transactions_async with PENDING. If
// landing, the transaction gets into the next ledger nevertheless; else it is forgotten. One that is not valid is refused
// as ever.
func (f *Faults) TimeOutSubmissions(times int, landing bool) {
	if landing {
		f.DelaySubmissions(times, 1)
		return
	}
	f.plan(&fault{kind: submitFault, left: times})
}

// DelaySubmissions is TimeOutSubmissions for transactions that land after so many ledgers, at least one. Until the last
// of them the network knows nothing of such a transaction, so that another one may use up its sequence number or its
// funds; it is judged anew then, by its time bounds too, and may never land.
func (f *Faults) DelaySubmissions(times, ledgers int) {
	f.plan(&fault{kind: submitFault, left: times, ledgers: max(1, ledgers)})
}

// TryAgainLater refuses the next submissions for now: POST /transactions answers 504 after its timeout, and
// /transactions_async TRY_AGAIN_LATER.
func (f *Faults) TryAgainLater(times int) {
	f.plan(&fault{kind: laterFault, left: times})
}

// SilenceStreams makes streams deliver nothing, byebye included, while their connections stay open.
func (f *Faults) SilenceStreams(silent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = silent
	close(f.stirred)
	f.stirred = make(chan struct{})
}

// CutStreams cuts every open stream in the middle of its response, as when a Horizon is stopped or killed.
func (f *Faults) CutStreams() { f.endStreams("") }

// FailStreams ends every open stream with an error event, as when a Horizon loses its database.
func (f *Faults) FailStreams() { f.endStreams("Unexpected stream error") }

// ForgetNow makes cursor=now mean the oldest record, as at a Horizon that has just started.
func (f *Faults) ForgetNow(forgotten bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nowForgotten = forgotten
}

// now is the ledger that cursor=now means.
func (f *Faults) now(latest uint32) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.nowForgotten {
		return 0
	}
	return latest
}

// Clear ends every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	f.planned, f.nowForgotten = nil, false
	f.mu.Unlock()
	f.SilenceStreams(false)
}

func (f *Faults) endStreams(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended.text = text
	close(f.ended.now)
	f.ended = &streamEnd{now: make(chan struct{})}
}

func (f *Faults) plan(next *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planned = append(f.planned, next)
}

// take uses up the oldest planned fault of these kinds that applies to a path; nil if there is none.
func (f *Faults) take(path string, kinds ...faultKind) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, p := range f.planned {
		if p.left == 0 || !slices.Contains(kinds, p.kind) || !strings.HasPrefix(path, p.prefix) {
			continue
		}
		if p.left > 0 {
			p.left--
		}
		if p.left == 0 {
			f.planned = slices.Delete(f.planned, i, i+1)
		}
		return p
	}
	return nil
}

// streamState is what a stream has to mind now.
func (f *Faults) streamState() (silent bool, stirred <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.silent, f.stirred
}

func (f *Faults) end() *streamEnd {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}
