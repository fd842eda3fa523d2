package callbacks

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

const pageSize = 200

// scan remembers how far the due callbacks were looked at, so that the backlog of a slow receiver is not read again and
// again. Whatever becomes due, or is freed by the one before it, comes behind the frontier.
type scan struct {
	frontier store.CallbackPlace            // everything up to here was taken or skipped
	skipped  map[string]store.CallbackPlace // by host: behind this place there are some that found no room
	whole    time.Time                      // when a look began at the very beginning
	looked   int64                          // the database's time at the last look, in microseconds
}

// picked is a callback for which there is room, with the host that the room is at.
type picked struct {
	id, host string
}

// pick finds callbacks that are due and have room, oldest first, and reserves the room.
func (s *Service) pick(ctx context.Context) ([]picked, error) {
	if now := s.options.Now(); s.scan.whole.IsZero() || now.Sub(s.scan.whole) >= s.options.Interval {
		s.scan = scan{skipped: map[string]store.CallbackPlace{}, whole: now}
	}
	p := picking{db: s.db, gate: s.gate, scan: &s.scan, met: map[string]bool{}, overlap: s.options.Overlap}
	err := p.refill(ctx)
	if err == nil {
		err = p.advance(ctx)
	}
	if err != nil {
		s.scan.whole = time.Time{} // the places are not to be trusted
		s.giveRoomBack(p.picked)
		return nil, err
	}
	return p.picked, nil
}

func (s *Service) giveRoomBack(unused []picked) {
	for _, p := range unused {
		s.gate.cancel(p.host)
	}
}

// picking is one look at what is due.
type picking struct {
	db     *store.DB
	gate   *gate
	scan   *scan
	picked []picked
	met    map[string]bool // ids; what was looked at twice is picked once

	overlap time.Duration
}

// refill takes those that were skipped and have room by now.
func (p *picking) refill(ctx context.Context) error {
	for _, host := range slices.Sorted(maps.Keys(p.scan.skipped)) {
		if !p.gate.room(host) {
			continue
		}
		if err := p.refillOne(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

func (p *picking) refillOne(ctx context.Context, host string) error {
	place := p.scan.skipped[host]
	delete(p.scan.skipped, host)
	for {
		list, _, err := p.db.DueCallbacks(ctx, place, pageSize)
		if err != nil {
			return err
		}
		for _, c := range list {
			if p.scan.frontier.Before(c.CallbackPlace) {
				return nil // from here on advance looks
			}
			if !p.take(c) {
				p.skip(hostOf(c.URL), place)
				if p.gate.full() {
					p.skip(host, place)
				}
			}
			if _, skippedAgain := p.scan.skipped[host]; skippedAgain {
				return nil
			}
			place = c.CallbackPlace
		}
		if len(list) < pageSize {
			return nil
		}
	}
}

// advance looks at those that have become due since the last time.
func (p *picking) advance(ctx context.Context) error {
	for {
		list, now, err := p.db.DueCallbacks(ctx, p.scan.frontier, pageSize)
		if err != nil {
			return err
		}
		p.scan.looked = now
		for _, c := range list {
			if !p.take(c) {
				if p.gate.full() {
					return nil
				}
				p.skip(hostOf(c.URL), p.scan.frontier)
			}
			p.scan.frontier = c.CallbackPlace
		}
		if len(list) < pageSize {
			p.scan.frontier = store.CallbackPlace{NextUs: now - p.overlap.Microseconds()}
			return nil
		}
	}
}

// take picks a callback if its receiver has room.
func (p *picking) take(c store.DueCallback) bool {
	if p.met[c.ID] {
		return true
	}
	host := hostOf(c.URL)
	if !p.gate.enter(host) {
		return false
	}
	p.met[c.ID] = true
	p.picked = append(p.picked, picked{c.ID, host})
	return true
}

func (p *picking) skip(host string, place store.CallbackPlace) {
	if earlier, known := p.scan.skipped[host]; !known || place.Before(earlier) {
		p.scan.skipped[host] = place
	}
}

// hostOf names the receiver whose room a callback takes; addresses that cannot be read share one.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
