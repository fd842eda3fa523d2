package sep10

import (
	"strings"
	"sync"
	"time"
)

// slots bound how much is done at once, altogether and for one site.
type slots struct {
	all   chan struct{}
	ofOne int

	mu    sync.Mutex
	sites map[string]*site // those that somebody has a slot of, or waits for
}

type site struct {
	slots chan struct{}
	users int // who has a slot or waits
}

func newSlots(all, ofOne int) *slots {
	return &slots{all: make(chan struct{}, all), ofOne: ofOne, sites: map[string]*site{}}
}

// take waits for a slot, so long at most. Who waits for one of a site that has none left keeps none from others.
func (s *slots) take(name string, wait time.Duration) (release func(), ok bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	one := s.enter(name)
	if !acquire(one.slots, timer.C) {
		s.leave(name, one)
		return nil, false
	}
	if !acquire(s.all, timer.C) {
		<-one.slots
		s.leave(name, one)
		return nil, false
	}
	return func() {
		<-s.all
		<-one.slots
		s.leave(name, one)
	}, true
}

// acquire prefers a slot that is free to a time that is over.
func acquire(slots chan struct{}, over <-chan time.Time) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-over:
		return false
	}
}

func (s *slots) enter(name string) *site {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.sites[name]
	if !ok {
		one = &site{slots: make(chan struct{}, s.ofOne)}
		s.sites[name] = one
	}
	one.users++
	return one
}

func (s *slots) leave(name string, one *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.sites, name)
	}
}

// siteOf is what one owner is likely to have of host[:port]: an address, or a name's last two labels with all that is below
// them, which under some registries are several owners'. On this machine every port is somebody else's.
func siteOf(name string) string {
	host := hostOf(name)
	if loopback(host) {
		return name
	}
	labels := strings.Split(host, ".")
	if len(labels) <= 2 || isAddress(host) {
		return host
	}
	return strings.Join(labels[len(labels)-2:], ".")
}
