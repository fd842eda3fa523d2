package remote

import (
	"sync"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	admissionUsable = 5 * time.Minute
	mostAdmissions  = 10_000
)

// admissions remembers whom the server has just admitted, so that a sending anchor can go on reading its own transactions
// while the server cannot be asked. Nothing is agreed by it: a new transaction, and a change of one, need a word of the same
// server. It is safe for concurrent use.
type admissions struct {
	now func() time.Time

	mu    sync.Mutex
	until map[anchor.SendingAnchor]time.Time
}

func newAdmissions(now func() time.Time) *admissions {
	return &admissions{now: now, until: map[anchor.SendingAnchor]time.Time{}}
}

// note keeps what the server has said of a sending anchor.
func (a *admissions) note(who anchor.SendingAnchor, admitted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !admitted {
		delete(a.until, who)
		return
	}
	if _, known := a.until[who]; !known && len(a.until) >= mostAdmissions {
		a.makeRoom()
	}
	a.until[who] = a.now().Add(admissionUsable)
}

// recent tells whether a sending anchor was admitted when the server was last asked, and that was a moment ago.
func (a *admissions) recent(who anchor.SendingAnchor) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	until, known := a.until[who]
	return known && a.now().Before(until)
}

// makeRoom forgets what is too old to be used, or else anybody: who is forgotten has to wait for the server.
func (a *admissions) makeRoom() {
	now := a.now()
	for who, until := range a.until {
		if !now.Before(until) {
			delete(a.until, who)
		}
	}
	for who := range a.until {
		if len(a.until) < mostAdmissions {
			return
		}
		delete(a.until, who)
	}
}
