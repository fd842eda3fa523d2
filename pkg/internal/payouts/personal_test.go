package payouts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

func TestWhat_a_rail_says_of_people_is_neither_logged_nor_kept(t *testing.T) {
	t.Parallel()
	const said = `Post "https://bank/pay?to=DE%2FQ0X42V%20x&of=021000021": Lovelace, account DE/Q0X42V x, 021000021`
	for name, b := range map[string]*bank{
		"in an error": {execute: func(context.Context, anchor.Payout, int) (anchor.Outcome, error) {
			return anchor.Outcome{}, errors.New(said)
		}},
		"in a failure": {execute: always(anchor.Failed(said))},
		"in the error of a poll": {execute: always(anchor.Accepted("x")), poll: func([]anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
			return nil, errors.New(said)
		}},
		"in the failure that a poll tells": {execute: always(anchor.Accepted("x")), poll: says(anchor.Failed(said))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := payoutstest.New(t, db)
				w.Judge(w.Receiver, payoutstest.ReceiverType, anchor.CustomerAccepted, map[string]string{"bank_account_number": "DE/Q0X42V x"})
				id := w.Funded(1)[0]
				var log strings.Builder
				s := payouts.New(db, map[string]anchor.Rail{payoutstest.Rail: {Rails: &bank{execute: b.execute, poll: b.poll}}},
					slog.New(slog.NewTextHandler(&log, nil)), atOnce())
				execute(t, s)
				pollOnce(t, s)
				kept := log.String() + fmt.Sprint(w.Answers(id), w.Transaction(id).StatusMessage)
				for kind, subject := range map[store.SubjectKind]string{store.SubjectPayout: w.Payout(id).ID, store.SubjectTransaction: id} {
					history, err := db.History(t.Context(), kind, subject)
					require.NoError(t, err)
					kept += fmt.Sprint(history)
				}
				require.Contains(t, kept, "https://bank/pay", "the rest is for operators")
				for _, personal := range []string{"Q0X42V", "Lovelace", "021000021"} {
					require.NotContains(t, kept, personal)
				}
			})
		})
	}
}
