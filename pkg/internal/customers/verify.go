package customers

import (
	"context"
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const (
	// codeTries is how often a code may be guessed at before the value must be given again.
	codeTries   = 5
	longestCode = 100
)

// Verify takes verification codes only and tells where the customer stands (SEP-12 "Customer PUT Verification", deprecated;
// Put takes them as well). The id must be given.
func (s *Service) Verify(ctx context.Context, caller anchor.SendingAnchor, p Put) (View, error) {
	if p.ID == "" {
		return View{}, anchor.Refuse("'id' is missing")
	}
	onlyCodes := len(p.Values) > 0 && len(p.Files) == 0
	for name, code := range p.Values {
		onlyCodes = onlyCodes && strings.HasSuffix(name, verification) && code != ""
	}
	if !onlyCodes {
		return View{}, anchor.Refusef("a field with '%s' after its name is needed, and nothing else", verification)
	}
	if _, err := s.Put(ctx, caller, p); err != nil {
		return View{}, err
	}
	return s.Get(ctx, caller, Query{Who: p.Who, Type: p.Type, TransactionID: p.TransactionID, Lang: p.Lang})
}

// guesses is what came of the verification codes of a request.
type guesses struct {
	right    []string          // fields that are verified
	wrong    []string          // fields whose code has one try less
	over     []string          // fields that must be given again: no try is left, or the time is over
	business map[string]string // codes that only the business can compare, by field
	refusal  error             // what the client is told where one was wrong or over; it counts all the same
}

// failed tells that a code was wrong or is over: nothing else of the request counts.
func (g guesses) failed() bool { return len(g.wrong)+len(g.over) > 0 }

// guess holds codes against those that fields wait for. changed are the fields that the same request gives anew. An error
// refuses the request, and counts nothing.
func guess(codes map[string]string, sent map[string]store.SentCode, fields map[string]store.CustomerField, changed map[string]store.CustomerValue) (guesses, error) {
	g := guesses{business: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		if _, anew := changed[name]; anew {
			return guesses{}, anchor.Refusef("'%s' is given anew: its code comes after it", name)
		}
		switch status := fields[name].Status; {
		case status == anchor.FieldAccepted: // a repeated request
			continue
		case status != anchor.FieldVerificationRequired:
			return guesses{}, notWaiting(name)
		}
		waits, known := sent[name]
		if !known || waits.Text == "" && waits.Tries > 0 {
			g.business[name] = codes[name]
			continue
		}
		g.compare(name, codes[name], waits)
	}
	return g, nil
}

// countGuesses takes a try off every code that was wrong, and off those that the business will be asked about: whether they
// are right is known only when it is too late to count.
func countGuesses(ctx context.Context, tx *store.Tx, customerID string, g guesses) error {
	for _, name := range g.wrong {
		if err := tx.CountDownCode(ctx, customerID, name); err != nil {
			return err
		}
	}
	if g.failed() { // nobody will be asked
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(g.business)) {
		if err := tx.CountGuess(ctx, customerID, name, codeTries); err != nil {
			return err
		}
	}
	return nil
}

// checkCodesSent refuses a value given anew for a field that was sent as many codes as it may: every one of them can be
// guessed at, and may be a message to somebody who did not ask for it.
func (s *Service) checkCodesSent(ctx context.Context, tx *store.Tx, fields map[string]store.CustomerField, changed map[string]store.CustomerValue) error {
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if fields[name].Codes < int64(s.options.codesPerHour) {
			continue
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if sent, untilUs := fields[name].SentWithin(now); sent >= int64(s.options.codesPerHour) {
			return anchor.Refusef("'%s': %d codes were sent within an hour; send it again after %s",
				name, sent, time.UnixMicro(untilUs).UTC().Format(time.RFC3339))
		}
	}
	return nil
}

func notWaiting(name string) error {
	return anchor.Refusef("'%s' is not waiting for a verification code", name)
}

func (g *guesses) compare(name, code string, waits store.SentCode) {
	switch {
	case waits.Over || waits.Tries <= 0:
		g.over = append(g.over, name)
		g.refusal = anchor.Refusef("'%s': the confirmation code has run out; send '%s' again", name, name)
	case subtle.ConstantTimeCompare([]byte(strings.TrimSpace(code)), []byte(waits.Text)) == 1:
		g.right = append(g.right, name)
	case waits.Tries == 1:
		g.over = append(g.over, name)
		g.refusal = anchor.Refusef("'%s': the confirmation code is wrong, and no try is left; send '%s' again", name, name)
	default:
		g.wrong = append(g.wrong, name)
		g.refusal = anchor.Refusef("'%s': the confirmation code is wrong; tries left: %d", name, waits.Tries-1)
	}
}

// verified marks the fields whose codes were right.
func verified(names []string) map[string]store.JudgedField {
	fields := map[string]store.JudgedField{}
	for _, name := range names {
		fields[name] = store.JudgedField{Status: anchor.FieldAccepted}
	}
	return fields
}

// lost is the change that asks for the fields again whose codes are over; nil if there are none.
func lost(names []string, statuses map[string]store.CustomerStatus, roles []role) *store.CustomerChange {
	if len(names) == 0 {
		return nil
	}
	change := &store.CustomerChange{
		Cause: store.CustomerJudged, Actor: sendingAnchor, Reason: "a verification code is used up or has run out",
		Fields: map[string]store.JudgedField{}, Statuses: map[string]store.DecidedStatus{},
	}
	for _, name := range names {
		change.Fields[name] = store.JudgedField{
			Status: anchor.FieldRejected, Error: "it was not verified in time; send it again", Asked: store.AskedField{Type: roles[0].name},
		}
		for _, r := range roles { // whoever was being processed has to give something now
			if demanded, ok := r.fields[name]; ok && !demanded.Optional && statuses[r.name].Status == anchor.CustomerProcessing {
				change.Statuses[r.name] = store.DecidedStatus{Status: anchor.CustomerNeedsInfo}
			}
		}
	}
	return change
}

// checkCodes tells what verdicts mean for codes that the business compared: a field that it left waiting, or rejected, was
// not verified.
func checkCodes(codes map[string]string, verdicts map[string]ruling) error {
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		if err := checkCode(name, verdicts); err != nil {
			return err
		}
	}
	return nil
}

func checkCode(name string, verdicts map[string]ruling) error {
	why := "the confirmation code is wrong"
	for _, customerType := range slices.Sorted(maps.Keys(verdicts)) {
		for spelling, field := range verdicts[customerType].Fields {
			if anchor.SEP9Canonical(spelling) != name {
				continue
			}
			if field.Status == anchor.FieldAccepted || field.Status == anchor.FieldProcessing {
				return nil
			}
			if field.Error != "" {
				why = field.Error
			}
		}
	}
	return anchor.Refusef("'%s': %s", name, why)
}
