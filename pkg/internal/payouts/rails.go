package payouts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// lookRest is the shortest time between two looks for rails while others are worked for: many commits are one wake-up then.
const lookRest = 20 * time.Millisecond

// eachRail runs work for every rail that has some that is due, side by side, so that none waits for another: also for those that
// get some while others are still at theirs. It ends when none is at work. nudge tells work that there may be more by its rail.
// Work that fails is begun again after a while if others are still at theirs; its last error is returned unless it has gone well
// since.
func (s *Service) eachRail(
	soft, hard context.Context, topic store.Topic, work func(rail string, nudge <-chan struct{}) (bool, error),
) (worked bool, err error) {
	r := &rails{
		service: s, hard: hard, topic: topic, work: work, ended: make(chan railEnd), nudges: map[string]chan struct{}{},
		failed: map[string]error{}, held: map[string]bool{},
	}
	r.look()
	if len(r.nudges) > 0 {
		r.attend(soft)
	}
	return r.worked, errors.Join(append(slices.Collect(maps.Values(r.failed)), r.blind)...)
}

// rails are those that are worked for. All of it belongs to the goroutine of eachRail.
type rails struct {
	service *Service
	hard    context.Context
	topic   store.Topic
	work    func(rail string, nudge <-chan struct{}) (bool, error)
	ended   chan railEnd
	nudges  map[string]chan struct{} // of those at work
	failed  map[string]error
	held    map[string]bool // have failed and are not begun again before the next tick
	blind   error           // of the last look
	worked  bool
}

// railEnd is how the work for a rail ended.
type railEnd struct {
	rail   string
	worked bool
	err    error
}

// look begins work for those that are due and have none, and nudges the others.
func (r *rails) look() {
	var due []string
	due, _, r.blind = r.service.dueRails(r.hard, r.topic)
	for _, rail := range due {
		nudge, atWork := r.nudges[rail]
		if !atWork && !r.held[rail] {
			r.begin(rail)
			continue
		}
		select {
		case nudge <- struct{}{}:
		default: // it has not looked since the last one, or is held
		}
	}
}

func (r *rails) begin(rail string) {
	nudge := make(chan struct{}, 1)
	r.nudges[rail] = nudge
	go func() {
		worked, err := r.work(rail, nudge)
		r.ended <- railEnd{rail, worked, err}
	}()
}

// attend waits until no rail is worked for any more. Once soft has ended nothing is begun.
func (r *rails) attend(soft context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.hard))
	defer cancel()
	woken := r.service.db.Wake(ctx, r.topic)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	ticks, stopped := tick.C, soft.Done()
	rest := time.NewTimer(lookRest)
	defer rest.Stop()
	var heard <-chan struct{} // woken, but for a while after each look
	for len(r.nudges) > 0 {
		select {
		case end := <-r.ended:
			r.note(end)
		case <-stopped:
			ticks, stopped, woken, heard = nil, nil, nil, nil
		case <-rest.C:
			heard = woken
		case <-heard:
			heard = nil
			r.look()
			rest.Reset(lookRest)
		case <-ticks:
			clear(r.held)
			r.look()
		}
	}
}

func (r *rails) note(end railEnd) {
	delete(r.nudges, end.rail)
	r.worked = r.worked || end.worked
	delete(r.failed, end.rail)
	if end.err != nil {
		r.failed[end.rail], r.held[end.rail] = end.err, true
		r.service.log.WarnContext(r.hard, "the work for a rail failed", "rail", end.rail, "error", end.err)
	}
}

// dueRails lists the rails by which something is to be done now, and tells how long it is until there is more of them; at most
// maxLook, and more than that where nothing is known to come.
func (s *Service) dueRails(ctx context.Context, topic store.Topic) (due []string, wait time.Duration, err error) {
	now, list, err := s.db.RailsDue(ctx, topic)
	if err != nil {
		return nil, 0, err
	}
	wait = maxLook + 1
	if topic == store.TopicReady {
		if due, wait, err = s.dueBatches(ctx); err != nil {
			return nil, 0, err
		}
	}
	for _, r := range list {
		if topic == store.TopicReady && s.rails[r.Rail].Batch != nil {
			continue // it has its own times
		}
		at, ever := s.dueAt(topic, r, now)
		switch {
		case !ever:
		case at <= now:
			due = append(due, r.Rail)
		default:
			wait = min(wait, max(time.Duration(at-now)*time.Microsecond, 0), maxLook)
		}
	}
	if topic == store.TopicUnderWay {
		due = append(due, s.unheard(due)...)
	}
	return due, wait, nil
}

// dueAt is when something is to be done by a rail, or now; false where that is never.
func (s *Service) dueAt(topic store.Topic, r store.RailDue, now int64) (at int64, ever bool) {
	at = max(r.NextUs, now)
	rail, usable := s.rails[r.Rail]
	if topic != store.TopicReady || !usable {
		return at, true
	}
	if rail.Limits.CallsPerSecond > 0 {
		at = max(at, r.FreeUs)
	}
	opening, ever := rail.Calendar.Opening(store.At(at))
	return opening.UnixMicro(), ever
}
