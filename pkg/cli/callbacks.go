package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func callbacksCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "callbacks", Short: "What sending anchors are told, and what they did not take", Args: noArguments, RunE: help}
	c.AddCommand(s.listCallbacksCommand(), s.retryCallbacksCommand())
	return c
}

func (s *shared) listCallbacksCommand() *cobra.Command {
	var dead bool
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List callbacks that were given up, then those that are to be sent",
		Long: `Lists callbacks that were given up, the last first, and then those that nobody has taken yet, in the order in which they are
due. OLD NEWS is said of one that was given up while something later about the same was taken: there is nothing left to say.`,
		Example: `  anchor callbacks list --dead`, Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			rows, err := a.DB().DeadCallbacks(ctx, limit)
			if err != nil {
				return err
			}
			if left := limit - len(rows); !dead && left > 0 {
				pending, err := a.DB().PendingCallbacks(ctx, left)
				if err != nil {
					return err
				}
				rows = append(rows, pending...)
			}
			list := listedCallbacks(rows)
			if *asJSON {
				return printJSON(s.Stdout, list)
			}
			return s.printCallbacks(list)
		})
	}
	c.Flags().BoolVar(&dead, "dead", false, "only those that were given up")
	c.Flags().IntVar(&limit, "limit", listLimit, "most rows")
	return c
}

// listedCallback is a callback as programs get it; what it says is not shown.
type listedCallback struct {
	ID            string  `json:"id"`
	SubjectKind   string  `json:"subject_kind"` // transaction or customer
	SubjectID     string  `json:"subject_id"`
	Seq           int64   `json:"seq"` // of the event that it tells of
	SendingAnchor string  `json:"sending_anchor"`
	State         string  `json:"state"`
	OldNews       bool    `json:"old_news"` // something later about the same was taken
	Attempts      int64   `json:"attempts"`
	LastAnswer    string  `json:"last_answer,omitempty"`
	NextAt        *string `json:"next_at,omitempty"`
	CreatedAt     *string `json:"created_at"`
	UpdatedAt     *string `json:"updated_at"`
}

func listedCallbacks(rows []store.ListedCallback) []listedCallback {
	list := make([]listedCallback, len(rows))
	for i, c := range rows {
		list[i] = listedCallback{
			ID: c.ID, SubjectKind: c.SubjectKind, SubjectID: c.SubjectID, Seq: c.Seq, SendingAnchor: c.OwnerAccount, State: c.State,
			OldNews: c.Superseded, Attempts: c.Attempts, LastAnswer: c.LastAnswer, CreatedAt: stamp(store.At(c.CreatedUs)),
			UpdatedAt: stamp(store.At(c.UpdatedUs)),
		}
		if c.State == store.CallbackPending {
			list[i].NextAt = stamp(store.At(c.NextUs))
		}
	}
	return list
}

func (s *shared) printCallbacks(list []listedCallback) error {
	t := newTable("CALLBACK", "ABOUT", "EVENT", "SENDING ANCHOR", "STATE", "OLD NEWS", "ATTEMPTS", "CHANGED", "NEXT", "LAST ANSWER")
	for _, c := range list {
		t.row(c.ID, c.SubjectKind+" "+c.SubjectID, fmt.Sprint(c.Seq), c.SendingAnchor, c.State, yesNo(c.OldNews), fmt.Sprint(c.Attempts),
			moment(c.UpdatedAt), moment(c.NextAt), c.LastAnswer)
	}
	return t.print(s.Stdout)
}

func (s *shared) retryCallbacksCommand() *cobra.Command {
	var r callbacks.Retry
	c := &cobra.Command{
		Use: "retry CALLBACK|--subscriber ACCOUNT --reason TEXT", Short: "Send callbacks after all that were given up",
		Long: `Makes a callback that was given up, or all to one sending anchor, due again; 'anchor serve' sends them. What is pending about
the same transaction or customer waits behind it. What would be told after later news about the same stays given up.`,
		Example: `  anchor callbacks retry 0198… --reason "their server is up again"
  anchor callbacks retry --subscriber GAAZ… --reason "they have mended their address, mail of 3 May"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{errors.New("one callback can be named, or --subscriber")}
			}
			return nil
		},
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if r.Reason == "" {
			return usageError{errNoReason}
		}
		if (len(args) == 0) == (r.Account == "") {
			return usageError{errors.New("name what is meant: a callback, or --subscriber ACCOUNT")}
		}
		if len(args) == 1 {
			r.ID = args[0]
		}
		r.Actor = operator()
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			done, err := callbacks.NewOperator(a.DB()).Retry(ctx, r)
			if err != nil {
				return err
			}
			return s.printRetried(done, *asJSON)
		})
	}
	c.Flags().StringVar(&r.Account, "subscriber", "", "all to this sending anchor (G…)")
	c.Flags().StringVar(&r.Reason, "reason", "", "why; no personal data")
	return c
}

func (s *shared) printRetried(done callbacks.Retried, asJSON bool) error {
	if asJSON {
		return printJSON(s.Stdout, struct {
			Due        int `json:"due"`
			OldNews    int `json:"old_news"`
			Overtaking int `json:"being_overtaken"`
		}{done.Revived, done.Superseded, done.Overtaken})
	}
	text := fmt.Sprintf("%d are due again", done.Revived)
	if done.Revived == 1 {
		text = "1 is due again"
	}
	if done.Superseded > 0 {
		text += fmt.Sprintf("; %d stay given up, as later news were taken", done.Superseded)
	}
	if done.Overtaken > 0 {
		text += fmt.Sprintf("; %d could not be judged, as later news are being delivered: try again in a minute", done.Overtaken)
	}
	_, err := fmt.Fprintln(s.Stdout, text)
	return err
}
