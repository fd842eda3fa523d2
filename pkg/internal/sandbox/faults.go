package sandbox

import (
	"slices"
	"strings"
	"sync"
)

// Always as a number of times: until Clear.
const Always = -1

// Faults are the switches by which tests make the network misbehave. All methods are safe for concurrent use; none
// changes what ledgers hold.
type Faults struct {
	mu      sync.Mutex
	planned []*fault
	silent  bool
	// ended is closed and replaced when the open streams shall end; stirred likewise when silent changes.
	ended   *streamEnd
	stirred chan struct{}
}

// fault is something that happens to the next requests of a kind.
type fault struct {
	kind   faultKind
	status int
	prefix string
	left   int // times; negative: without end
}

type faultKind int

const (
	answerFault faultKind = iota
	dropFault
	landLateFault
	neverLandFault
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
// they began included: 429 (with Retry-After), 503 (stale_history), 504 (timeout), everything else as server_error.
func (f *Faults) Answer(status, times int, pathPrefix string) {
	f.plan(&fault{kind: answerFault, status: status, left: times, prefix: pathPrefix})
}

// DropConnections closes the connection of the next requests without an answer.
func (f *Faults) DropConnections(times int) {
	f.plan(&fault{kind: dropFault, left: times})
}

// TimeOutSubmissions answers the next valid POST /transactions with 504 at once. If landing, the transaction gets into
// the next ledger nevertheless; else it is forgotten.
func (f *Faults) TimeOutSubmissions(times int, landing bool) {
	kind := neverLandFault
	if landing {
		kind = landLateFault
	}
	f.plan(&fault{kind: kind, left: times})
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

// Clear ends every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	f.planned = nil
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
