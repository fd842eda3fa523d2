package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/inspect"
)

func explainCommand(s *shared) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain ID",
		Short: "The whole story of a transaction, payment, payout, refund, quote or customer, and why it has not moved on",
		Long: `Tells everything that is known of one thing, in order, and in the end why it has not moved on and what to do about it.

ID is the id of a transaction, payment, payout, refund, quote or customer, the key of a payout, the hash of a Stellar
transaction, or a memo: plain, or as id:…, text:… or hash:…. What belongs to a transaction is told in its story. Nothing
personal is shown. It only reads the database, and asks nobody.`,
		Example: `  anchor explain 0198…
  anchor explain 7146923085231 --json
  anchor explain text:INV-2044`,
		Args: arguments(1),
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		settings, err := s.load()
		if err != nil {
			return err
		}
		return s.withApp(c.Context(), settings, config.RoleOperate, func(a *app.App) error {
			return s.explain(c.Context(), inspect.NewExplainer(a.DB(), s.explaining(settings)), args[0], *asJSON)
		})
	}
	return c
}

// explaining is what the settings tell beyond the tables. A business with code of its own may ask for other fields and bring
// other rails, so nothing is claimed about them.
func (s *shared) explaining(settings config.Settings) inspect.Options {
	terms := railTerms(settings)
	if s.Setup != nil {
		return inspect.Options{Terms: terms}
	}
	o := inspect.Options{RequiredFields: map[string][]string{}, Rails: []string{}, Terms: terms}
	for _, t := range settings.Customers.Types {
		for _, f := range t.Fields {
			if !f.Optional {
				o.RequiredFields[t.Name] = append(o.RequiredFields[t.Name], f.Name)
			}
		}
	}
	for _, r := range settings.Rails {
		o.Rails = append(o.Rails, r.Name)
	}
	slices.Sort(o.Rails)
	return o
}

// railTerms are those that hold for rails whoever brings them. What is wrong with settings is for doctor to say.
func railTerms(settings config.Settings) map[string]inspect.RailTerms {
	all := map[string]inspect.RailTerms{}
	for _, r := range settings.Rails {
		limits, calendar, err := r.Terms()
		if err != nil {
			continue
		}
		all[r.Name] = inspect.RailTerms{
			Calendar: calendar, Limits: limits, Batches: r.Kind == config.RailCSV, BatchMost: r.BatchMost, BatchEvery: r.BatchEvery,
		}
	}
	return all
}

func (s *shared) explain(ctx context.Context, e *inspect.Explainer, id string, asJSON bool) error {
	stories, err := e.Explain(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.Stdout, stories)
	}
	for i, story := range stories {
		if i > 0 {
			fmt.Fprintln(s.Stdout)
		}
		if err := s.printStory(story); err != nil {
			return err
		}
	}
	return nil
}

func (s *shared) printStory(story inspect.Story) error {
	if err := s.printHistory(story); err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout, "\nWhy it has not moved on:")
	for _, r := range story.Why {
		fmt.Fprintln(s.Stdout, "  - "+r.Why)
		if r.Mend != "" {
			fmt.Fprintln(s.Stdout, "    "+r.Mend)
		}
	}
	return nil
}

// printHistory prints what is, and what happened.
func (s *shared) printHistory(story inspect.Story) error {
	facts := newTable(story.Kind, story.ID)
	for _, f := range story.Facts {
		facts.row(f.Name, f.Value)
	}
	if err := facts.print(s.Stdout); err != nil {
		return err
	}
	if len(story.Lines) == 0 {
		return nil
	}
	fmt.Fprintln(s.Stdout)
	lines := newTable("WHEN", "OF", "WHAT", "BY", "WHY")
	for _, l := range story.Lines {
		lines.row(when(l.At), l.Of, l.What, l.By, l.Why)
	}
	return lines.print(s.Stdout)
}
