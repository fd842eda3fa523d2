package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

const masterKeysVariable = "ANCHOR_MASTER_KEYS"

func keysCommand(s *shared) *cobra.Command {
	c := &cobra.Command{
		Use: "keys", Short: "API keys (create, list, revoke), and the master keys of stored data (status, rotate)",
		Long: `There are two kinds of keys, which have nothing to do with each other.

API keys: create, list, revoke. Programs of yours show one when they use the operations API, the HTTP API on the operator's
address (docs/operations-api.md). Each has a name, scopes and an end. No data are encrypted under them.

Master keys: status, rotate. Personal data are encrypted under data keys: one for each customer, transaction and uploaded file. Data keys and seeds are
wrapped under the first key of ` + masterKeysVariable + `; the others only open what was wrapped before. To change the master key:

  1. Put the new key behind the old one (` + masterKeysVariable + `=old:…,new:…) and restart every process: now all can open
     what will be wrapped under it.
  2. Put it first (new:…,old:…) and restart every process: from now on it is the one that wraps.
  3. Run 'anchor keys rotate', while everything goes on. It may be interrupted and repeated.
  4. When 'anchor keys status' says so, remove the old key. A backup from before can only be read with it: keep a copy for
     as long as one may have to be restored.

The data themselves are not encrypted anew: somebody who has had the old key and a copy of the database has had the data.`,
		Args: noArguments, RunE: help,
	}
	c.AddCommand(apiKeyCommands(s)...)
	c.AddCommand(s.keysStatusCommand(), s.keysRotateCommand())
	return c
}

func (s *shared) keysStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Master keys: tell what is wrapped under which master key, and which keys can be removed",
		Example: `  anchor keys status`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				uses, err := a.DB().KeysInUse(ctx)
				if err != nil {
					return err
				}
				return s.printKeys(uses)
			})
		},
	}
}

func (s *shared) printKeys(uses []store.KeyUse) error {
	t := newTable("KEY", "HERE", "CUSTOMERS", "TRANSACTIONS", "FILES", "SEEDS")
	for i, u := range uses {
		here := yesNo(u.Known)
		if u.Known && i == 0 {
			here = "yes, wraps"
		}
		t.row(u.ID, here, fmt.Sprint(u.Customers), fmt.Sprint(u.Transactions), fmt.Sprint(u.Files), fmt.Sprint(u.Seeds))
	}
	if err := t.print(s.Stdout); err != nil {
		return err
	}
	for i, u := range uses {
		if advice := adviceOn(u, i, uses[0].ID); advice != "" {
			if _, err := fmt.Fprintln(s.Stdout, advice); err != nil {
				return err
			}
		}
	}
	return nil
}

// adviceOn says what to do about a key; nothing about the one that wraps.
func adviceOn(u store.KeyUse, place int, first string) string {
	switch {
	case !u.Known:
		return missingKey(u).Error()
	case place == 0:
		return ""
	case u.Total() > 0:
		return fmt.Sprintf("%s: still needed; 'anchor keys rotate' wraps what lies under it under %s", u.ID, first)
	default:
		return fmt.Sprintf("%s: nothing lies under it; remove it from %s, if every process was started with %s in the first place",
			u.ID, masterKeysVariable, first)
	}
}

// missingKey is the fault of settings that lack a key which is needed.
func missingKey(u store.KeyUse) *config.Fault {
	return &config.Fault{
		Key: "keys.master_keys", Env: masterKeysVariable,
		Problem: fmt.Sprintf("lacks the key %q, without which %s cannot be read", u.ID, counted(u)),
		Mend:    "put it back, behind the others; a copy of it was to be kept",
	}
}

func counted(u store.KeyUse) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{{u.Customers, "customer"}, {u.Transactions, "transaction"}, {u.Files, "file"}, {u.Seeds, "seed"}} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.what)
		case part.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *shared) keysRotateCommand() *cobra.Command {
	var batch int
	c := &cobra.Command{
		Use: "rotate", Short: "Master keys: wrap everything under the first master key that lies under another one",
		Long: `Wraps all data keys and seeds under the first key of ` + masterKeysVariable + `. It is safe while everything runs, and may be
interrupted and repeated. It ends with exit code 0 when nothing lies under another key any more. 'anchor keys --help' tells
all that belongs to a change of the master key.`,
		Example: `  anchor keys rotate`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := s.load()
			if err != nil {
				return err
			}
			if err := needMasterKeys(settings.Keys); err != nil {
				return err
			}
			return s.withApp(c.Context(), settings, config.RoleOperate, func(a *app.App) error {
				return rotate(c.Context(), a.DB(), batch, s.Stdout, s.Stderr)
			})
		},
	}
	c.Flags().IntVar(&batch, "batch", 100, "how many keys are wrapped in one database transaction")
	return c
}

// needMasterKeys refuses a rotation that has nothing to wrap under, as a fault of settings.
func needMasterKeys(keys config.Keys) error {
	_, err := keys.Master()
	if fault, ok := errors.AsType[*config.Fault](err); ok {
		return config.Faults{fault}
	}
	return err
}

// rotate walks until nothing is left: what other processes wrapped behind the walk is found by the next one.
func rotate(ctx context.Context, db *store.DB, batch int, out, progress io.Writer) error {
	total := 0
	for {
		uses, err := db.KeysInUse(ctx)
		if err != nil {
			return err
		}
		left, err := toRotate(uses)
		if err != nil {
			return err
		}
		if left == 0 {
			_, err := fmt.Fprintf(out, "everything lies under %s; wrapped anew: %d\n", uses[0].ID, total)
			return err
		}
		w := walk{db: db, batch: batch, left: left, progress: progress}
		if err := w.run(ctx); err != nil {
			return err
		}
		if total += w.done; w.done == 0 {
			return w.stuck()
		}
	}
}

// toRotate counts what lies under other keys than the first, all of which this process must have.
func toRotate(uses []store.KeyUse) (left int64, err error) {
	var missing config.Faults
	for i, u := range uses {
		if !u.Known {
			missing = append(missing, missingKey(u))
		}
		if i > 0 {
			left += u.Total()
		}
	}
	if len(missing) > 0 {
		return 0, missing
	}
	return left, nil
}

// walk is one walk through everything, and what came of it.
type walk struct {
	db       *store.DB
	batch    int
	left     int64
	progress io.Writer
	done     int
	damaged  []string
}

func (w *walk) run(ctx context.Context) error {
	const lines = 20
	rewrap, told := w.db.NewRewrap(), 0
	for {
		result, err := rewrap.Next(ctx, w.batch)
		if err != nil {
			return err
		}
		if result.End {
			return nil
		}
		w.done += result.Done
		w.damaged = append(w.damaged, result.Damaged...)
		if int64(w.done) >= w.left || int64(w.done-told)*lines >= w.left {
			fmt.Fprintf(w.progress, "wrapped anew: %d of about %d\n", w.done, w.left)
			told = w.done
		}
	}
}

func (w *walk) stuck() error {
	if len(w.damaged) > 0 {
		return fmt.Errorf("damaged, so that the key they name does not open them: %s; all others are done", strings.Join(w.damaged, ", "))
	}
	return fmt.Errorf("%d keys appeared under another master key and went again; repeat it", w.left)
}
