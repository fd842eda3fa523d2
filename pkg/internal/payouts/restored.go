package payouts

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// How far the world is thought to have gone on from a copy: the attempts at a payout after the one that the copy has, and the payouts
// after that one with their first attempts.
const (
	furtherAttempts = 4
	furtherPayouts  = 2
	firstAttempts   = 2
)

// askFurther asks a rail, that does not know keys of payouts which an older copy of the database has, about the keys that follow: the
// world may have given up a key that was never sent, and paid under the next one. Unless it says of all of them that it does not
// know them either, or that they were not sent, nothing follows from its not knowing the first: n has a doubt then. What it says of
// others is news as ever.
func (s *Service) askFurther(ctx context.Context, rail string, claims []store.Claim, n news) news {
	open, of := furtherOf(claims, n)
	if len(open) == 0 {
		return n
	}
	n.outcomes, n.doubts = maps.Clone(n.outcomes), map[anchor.PayoutKey]string{}
	for some := range slices.Chunk(open, s.PollBatch) {
		said, err := s.rails[rail].PollOutgoing(ctx, some)
		if err != nil { // what is known stays known, and those that were asked about come again
			s.log.WarnContext(ctx, "a rail could not be asked about keys that may follow those of a restored copy", "rail", rail,
				"error", withoutPeople(err.Error(), some...))
		}
		n.note(some, of, said)
	}
	return n
}

// note takes in what was said of keys that may follow; of is the key that each of them is asked for.
func (n news) note(further []anchor.Payout, of map[anchor.PayoutKey]anchor.PayoutKey, said map[anchor.PayoutKey]anchor.Outcome) {
	for key, outcome := range said {
		if _, asked := of[key]; !asked {
			n.outcomes[key] = outcome
		}
	}
	for _, p := range further {
		if kind := said[p.Key].Kind(); kind != anchor.OutcomeNotKnown && kind != anchor.OutcomeNotSent {
			n.doubts[of[p.Key]] = fmt.Sprintf("its rail does not know it, and says %s of %s, which the payout may have got after the copy was taken "+
				"from which the database was restored", kindOf(said[p.Key]), p.Key)
		}
	}
}

// furtherOf lists what is asked besides, and for which key each of it is.
func furtherOf(claims []store.Claim, n news) (open []anchor.Payout, of map[anchor.PayoutKey]anchor.PayoutKey) {
	of = map[anchor.PayoutKey]anchor.PayoutKey{}
	for _, c := range claims {
		if !c.Older || n.outcomes[c.Key()].Kind() != anchor.OutcomeNotKnown {
			continue
		}
		for _, p := range furtherRequests(c) {
			open, of[p.Key] = append(open, p), c.Key()
		}
	}
	return open, of
}

// furtherRequests are the requests that may have followed that of a claim.
func furtherRequests(c store.Claim) (list []anchor.Payout) {
	add := func(payout, attempt int64) {
		p := c.Request
		p.Key, p.ExternalID = anchor.NewPayoutKey(c.Payout.TransactionID, payout, attempt), ""
		list = append(list, p)
	}
	for i := range int64(furtherAttempts) {
		add(c.Payout.Number, c.Attempt.Number+1+i)
	}
	for i := range int64(furtherPayouts) {
		for j := range int64(firstAttempts) {
			add(c.Payout.Number+1+i, 1+j)
		}
	}
	return list
}
