package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func (s *shared) showPayoutCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show PAYOUT|KEY|TRANSACTION", Short: "Show a payout with its attempts and all that was said of them",
		Long: `Shows a payout by its id or by the key of an attempt, or all payouts of a transaction: attempts with keys and sendings, every
answer that came, the batch, and what happened. Nothing personal is shown. 'anchor explain' tells besides why it has not moved on.`,
		Example: `  anchor payouts show 0198…`, Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := findPayouts(ctx, a.DB(), args[0])
			if err != nil {
				return err
			}
			shown, err := readPayouts(ctx, a.DB(), rows)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, shown)
			}
			for i, p := range shown {
				if i > 0 {
					fmt.Fprintln(s.Stdout)
				}
				if err := s.printPayout(p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c
}

// shownPayout is a payout with all that is known of it, except what it says of people.
type shownPayout struct {
	listedPayout
	LeaseOwner string         `json:"lease_owner,omitempty"` // the process that works on it
	LeaseUntil *string        `json:"lease_until,omitempty"`
	Attempts   []shownAttempt `json:"attempts"`
	Answers    []shownAnswer  `json:"answers"`
	History    []shownHistory `json:"history"`
}

type shownAttempt struct {
	Number      int64        `json:"number"`
	Key         string       `json:"key"`
	State       string       `json:"state"`
	Sends       int64        `json:"sends"`
	FirstSentAt *string      `json:"first_sent_at,omitempty"`
	LastSentAt  *string      `json:"last_sent_at,omitempty"`
	Outcome     string       `json:"outcome,omitempty"`
	ExternalID  string       `json:"external_id,omitempty"`
	RequestHash string       `json:"request_hash"` // SHA-256 of what the rail is handed
	Batch       *listedBatch `json:"batch,omitempty"`
}

type shownAnswer struct {
	At         *string         `json:"at"`
	Attempt    int64           `json:"attempt"`
	Source     string          `json:"source"`
	Outcome    string          `json:"outcome"`
	ExternalID string          `json:"external_id,omitempty"`
	Why        string          `json:"why,omitempty"`
	Needs      json.RawMessage `json:"needs,omitempty"` // names of fields, never what is in them
	Used       bool            `json:"used"`            // false: it came too late or was known already
}

func readPayouts(ctx context.Context, db *store.DB, rows []store.ListedPayout) ([]shownPayout, error) {
	listed := listedPayouts(rows)
	list := make([]shownPayout, len(rows))
	for i, row := range rows {
		var err error
		if list[i], err = readPayout(ctx, db, row.Payout, listed[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readPayout(ctx context.Context, db *store.DB, p store.Payout, listed listedPayout) (shownPayout, error) {
	shown := shownPayout{listedPayout: listed, Attempts: []shownAttempt{}, Answers: []shownAnswer{}, History: []shownHistory{}}
	if p.LeaseOwner != "" {
		shown.LeaseOwner, shown.LeaseUntil = p.LeaseOwner, stamp(store.At(p.LeaseUntilUs))
	}
	attempts, err1 := db.AttemptsOf(ctx, p.ID)
	answers, err2 := db.AnswersOf(ctx, p.ID)
	history, err3 := db.History(ctx, store.SubjectPayout, p.ID)
	if err := errors.Join(err1, err2, err3); err != nil {
		return shownPayout{}, err
	}
	for _, a := range attempts {
		one, err := readAttempt(ctx, db, a)
		if err != nil {
			return shownPayout{}, err
		}
		shown.Attempts = append(shown.Attempts, one)
	}
	for _, a := range answers {
		shown.Answers = append(shown.Answers, shownAnswer{
			At: stamp(store.At(a.AtUs)), Attempt: a.Number, Source: a.Source, Outcome: outcomeWord(string(a.Outcome)), ExternalID: a.ExternalID,
			Why: a.Why, Needs: needs(a.Needs), Used: a.Used,
		})
	}
	for _, e := range history {
		shown.History = append(shown.History, shownHistory{stamp(store.At(e.AtUs)), e.FromStatus, e.ToStatus, e.Actor, e.Reason})
	}
	return shown, nil
}

func readAttempt(ctx context.Context, db *store.DB, a store.Attempt) (shownAttempt, error) {
	shown := shownAttempt{
		Number: a.Number, Key: a.Key, State: string(a.State), Sends: a.Sends, FirstSentAt: stamp(store.At(a.FirstSentUs)),
		LastSentAt: stamp(store.At(a.LastSentUs)), Outcome: string(a.Outcome), ExternalID: a.ExternalID, RequestHash: a.RequestHash,
	}
	if a.BatchID == "" {
		return shown, nil
	}
	b, err := db.BatchByID(ctx, a.BatchID)
	if err != nil {
		return shownAttempt{}, err
	}
	shown.Batch = new(listedBatches([]store.Batch{b})[0])
	return shown, nil
}

// needs is what an answer says is needed, if it is JSON as it was stored.
func needs(text string) json.RawMessage {
	if text == "" || !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(text)
}

func outcomeWord(outcome string) string {
	if outcome == "" {
		return "unknown"
	}
	return outcome
}

func (s *shared) printPayout(p shownPayout) error {
	facts := newTable("payout", p.ID)
	facts.row("transaction", fmt.Sprintf("%s, %s, payout %d of it", p.TransactionID, p.TransactionStatus, p.Number))
	facts.row("state", p.State+waitsWords(p.WaitsFor))
	for _, fact := range []struct{ name, value string }{
		{"contradiction", p.Conflict}, {"rail", p.Rail}, {"pays", strings.TrimSpace(p.Amount + " " + p.Asset)}, {"takes", p.Debit},
		{"worked on by", p.LeaseOwner + untilWords(p.LeaseUntil)}, {"looked at again", moment(p.NextAt)},
	} {
		if fact.value != "" {
			facts.row(fact.name, fact.value)
		}
	}
	if err := facts.print(s.Stdout); err != nil {
		return err
	}
	return s.printAttempts(p)
}

func (s *shared) printAttempts(p shownPayout) error {
	attempts := newTable("ATTEMPT", "KEY", "STATE", "SENT", "FIRST", "LAST", "OUTCOME", "RAIL'S ID", "BATCH")
	for _, a := range p.Attempts {
		batch := ""
		if a.Batch != nil {
			batch = a.Batch.Name + ", " + a.Batch.State
		}
		attempts.row(fmt.Sprint(a.Number), a.Key, a.State, fmt.Sprint(a.Sends), moment(a.FirstSentAt), moment(a.LastSentAt), a.Outcome, a.ExternalID, batch)
	}
	answers := newTable("ANSWERED", "ATTEMPT", "BY", "OUTCOME", "RAIL'S ID", "USED", "WHY", "NEEDS")
	for _, a := range p.Answers {
		answers.row(moment(a.At), fmt.Sprint(a.Attempt), a.Source, a.Outcome, a.ExternalID, yesNo(a.Used), a.Why, string(a.Needs))
	}
	history := newTable("HAPPENED", "WHAT", "BY", "WHY")
	for _, e := range p.History {
		history.row(moment(e.At), strings.TrimPrefix(e.From+" -> "+e.To, " -> "), e.Actor, e.Reason)
	}
	for _, t := range []*table{attempts, answers, history} {
		if len(t.lines) == 1 { // its head alone
			continue
		}
		fmt.Fprintln(s.Stdout)
		if err := t.print(s.Stdout); err != nil {
			return err
		}
	}
	return nil
}

// moment shows a time of a JSON document to people; empty for none.
func moment(stamp *string) string {
	if stamp == nil {
		return ""
	}
	at, err := time.Parse(time.RFC3339Nano, *stamp)
	if err != nil {
		return *stamp
	}
	return when(at)
}

func untilWords(at *string) string {
	if at == nil {
		return ""
	}
	return ", until " + moment(at)
}
