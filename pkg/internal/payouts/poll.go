package payouts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// strangersMost bounds how many attempts a rail may speak of in one answer without having been asked.
const strangersMost = 100

// Poll is one pass of poll-outgoing: it asks the rails what became of payouts that are accepted or unknown, or whose sender
// was lost, as far as they are due, in batches. The rails are asked side by side, so that one that hangs delays no questions to
// another. It sends nothing. It tells whether there was anything to ask. When soft ends it asks no more; when hard ends the
// calls are cancelled.
func (s *Service) Poll(soft, hard context.Context) (worked bool, err error) {
	record, end := outliving(hard, lastWords)
	defer end()
	worked, err = s.eachRail(soft, hard, store.TopicUnderWay, func(rail string, _ <-chan struct{}) (worked bool, err error) {
		for soft.Err() == nil {
			asked, err := s.pollOnce(hard, record, rail)
			if err != nil {
				return worked, err
			}
			if asked == 0 {
				return worked, s.listen(hard, record, rail)
			}
			worked = true
		}
		return worked, nil
	})
	if hard.Err() != nil {
		return worked, nil // told to stop at once
	}
	return worked, err
}

// pollOnce asks a rail about as many payouts as it is asked about at once, unless it has left too many calls behind.
func (s *Service) pollOnce(hard, record context.Context, rail string) (asked int, err error) {
	if s.left.by(rail) >= int64(s.Concurrency) {
		return 0, nil
	}
	window, cancel := context.WithTimeout(hard, s.Lease/2)
	defer cancel()
	deadline, _ := window.Deadline()
	claims, err := s.db.ClaimUnderWay(window, s.terms(actorPoll, rail, s.PollBatch))
	if err != nil || len(claims) == 0 {
		return 0, err
	}
	return len(claims), s.pollRail(hard, record, deadline, rail, claims)
}

// news is what one call of PollOutgoing brought.
type news struct {
	outcomes map[anchor.PayoutKey]anchor.Outcome
	doubts   map[anchor.PayoutKey]string // why it concludes nothing that a key is not known
	err      error
}

func (s *Service) pollRail(hard, record context.Context, deadline time.Time, rail string, claims []store.Claim) error {
	if _, known := s.rails[rail]; !known {
		s.log.ErrorContext(hard, "payouts are under way by a rail that is not configured here; nobody can ask about them",
			"rail", rail, "payouts", len(claims))
		return s.postpone(record, claims)
	}
	late := func(n news) {
		ctx, cancel := context.WithTimeout(context.Background(), s.Lease)
		defer cancel()
		if err := s.settleNews(ctx, rail, claims, n); err != nil {
			s.log.ErrorContext(ctx, "late answers of a rail could not be stored", "rail", rail, "error", err)
		}
	}
	n := askRail(s, hard, rail, deadline, func(ctx context.Context) news { return s.ask(ctx, rail, claims) }, late,
		news{err: errors.New("the rail did not answer in time")})
	if n.err != nil {
		s.log.WarnContext(hard, "a rail could not be asked about payouts", "rail", rail, "payouts", len(claims), "error", n.err)
	}
	return s.settleNews(record, rail, claims, n)
}

// ask calls the rail; an error is no news about any payout.
func (s *Service) ask(ctx context.Context, rail string, claims []store.Claim) (n news) {
	defer func() {
		if value := recover(); value != nil {
			s.panicked(ctx, rail, value)
			n = news{err: errors.New("the rail panicked")}
		}
	}()
	open := make([]anchor.Payout, len(claims))
	for i, c := range claims {
		open[i] = c.Request
	}
	outcomes, err := s.rails[rail].PollOutgoing(ctx, open)
	if err != nil {
		return news{err: errors.New(withoutPeople(err.Error(), open...))}
	}
	return s.askFurther(ctx, rail, claims, news{outcomes: outcomes})
}

// settleNews stores what was said, and asks again later about what nothing was said of.
func (s *Service) settleNews(ctx context.Context, rail string, claims []store.Claim, n news) error {
	var silent []store.Claim
	var answers []answer
	asked := make(map[anchor.PayoutKey]bool, len(claims))
	for _, c := range claims {
		asked[c.Key()] = true
		outcome, said := n.outcomes[c.Key()]
		if !said || n.err != nil {
			silent = append(silent, c)
			continue
		}
		why := withoutPeople(outcome.Why(), c.Request)
		if doubt, doubted := n.doubts[c.Key()]; doubted {
			outcome, why = anchor.Outcome{}, doubt
		}
		answers = append(answers, answer{
			key: c.Key(), outcome: outcome, source: SourcePoll, fence: c.Payout.Fence, actor: actorPoll, why: why,
		})
	}
	errs := []error{s.postpone(ctx, silent)}
	for group := range slices.Chunk(answers, settleMost) {
		errs = append(errs, s.settleGroup(ctx, group))
	}
	errs = append(errs, s.unasked(ctx, rail, asked, n))
	return errors.Join(errs...)
}

func (s *Service) settleGroup(ctx context.Context, group []answer) error {
	err := s.settle(ctx, group...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	var errs []error
	for _, a := range group {
		if err := s.settle(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("key %s: %w", a.key, err))
		}
	}
	return errors.Join(errs...)
}

// unasked stores what a rail says of attempts that it was not asked about; most likely it means somebody else's.
func (s *Service) unasked(ctx context.Context, rail string, asked map[anchor.PayoutKey]bool, n news) error {
	var keys []anchor.PayoutKey
	for key := range n.outcomes {
		if !asked[key] {
			keys = append(keys, key)
		}
	}
	if len(keys) > strangersMost {
		s.log.ErrorContext(ctx, "a rail speaks of many payouts that it was not asked about; most are passed over", "payouts", len(keys))
	}
	slices.SortFunc(keys, func(a, b anchor.PayoutKey) int { return strings.Compare(string(a), string(b)) })
	for _, key := range keys[:min(len(keys), strangersMost)] {
		err := s.settle(ctx, answer{key: key, outcome: n.outcomes[key], source: SourcePoll, actor: actorPoll, rail: rail})
		if err != nil && !errors.Is(err, errUnknownKey) {
			return err
		}
	}
	return nil
}

// postpone gives claims back that brought nothing, each until its own next time.
func (s *Service) postpone(ctx context.Context, claims []store.Claim) error {
	if len(claims) == 0 {
		return nil
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		list := make([]store.Postponed, len(claims))
		for i, c := range claims {
			list[i] = store.Postponed{
				PayoutID: c.Payout.ID, Version: c.Payout.Version, Fence: c.Payout.Fence,
				NextUs: now + s.PollWait.After(c.Payout.Tries+1, spread()).Microseconds(),
			}
		}
		return tx.PostponePayouts(ctx, list)
	})
}
