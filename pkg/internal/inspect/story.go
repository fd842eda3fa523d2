package inspect

import (
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Story is everything that is known of one subject, in order, with why it has not moved on. It holds no personal data.
type Story struct {
	Kind  string   `json:"kind"` // transaction, payment, quote, customer, refund or movement
	ID    string   `json:"id"`
	Facts []Fact   `json:"facts"`
	Lines []Line   `json:"history"`
	Why   []Reason `json:"why"` // why it has not moved on, the most important first; never empty
}

// Fact is one thing about the subject as it stands.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Line is one thing that happened.
type Line struct {
	At   time.Time `json:"at"`
	Of   string    `json:"of"` // what it happened to, such as "payout 1"
	What string    `json:"what"`
	By   string    `json:"by,omitempty"`
	Why  string    `json:"why,omitempty"`

	order time.Time // where it comes in the story; zero: At
}

func (l Line) place() time.Time {
	if l.order.IsZero() {
		return l.At
	}
	return l.order
}

// Reason says why something has not moved on, or that it is done, and what to do; Mend is empty where there is nothing to do.
type Reason struct {
	Why  string `json:"why"`
	Mend string `json:"mend,omitempty"`
}

func newStory(kind store.SubjectKind, id string) Story {
	return Story{Kind: string(kind), ID: id, Facts: []Fact{}, Lines: []Line{}}
}

func (s *Story) fact(name, value string) {
	if value != "" {
		s.Facts = append(s.Facts, Fact{name, value})
	}
}

func (s *Story) line(l Line) { s.Lines = append(s.Lines, l) }

// inOrder sorts what happened by time; what happened at once stays as it was told.
func (s *Story) inOrder() {
	slices.SortStableFunc(s.Lines, func(a, b Line) int { return a.place().Compare(b.place()) })
}
