package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// switching is what pause and resume are told.
type switching struct {
	rail, asset, reason string
	unseen              bool
	paused              bool
}

func (s *shared) pauseCommand() *cobra.Command {
	return s.switchCommand(&cobra.Command{
		Use: "pause --rail NAME|--asset CODE:ISSUER --reason TEXT", Short: "Send nothing more by a rail, or of what was paid in an asset",
		Long: `Pauses a rail, or all payouts of what was paid in an asset: once the command has ended, nothing more is claimed by any process,
until 'anchor payouts resume'. What a process had claimed before is sent, and the rail is asked about what is under way as ever.
Payments are credited, and payouts are priced, as ever. A change stays across restarts.

A rail that neither the settings name nor payouts have gone by is a mistake, unless --unseen says that a program of your own
brings it.`,
		Example: `  anchor payouts pause --rail pix --reason "the bank does not answer since 14:10"
  anchor payouts pause --asset USDC:GA5Z… --reason "the issuer is in trouble"`,
	}, true)
}

func (s *shared) resumeCommand() *cobra.Command {
	return s.switchCommand(&cobra.Command{
		Use: "resume --rail NAME|--asset CODE:ISSUER --reason TEXT", Short: "Send again what was paused",
		Example: `  anchor payouts resume --rail pix --reason "the bank is well again, call of 15:02"`,
	}, false)
}

func (s *shared) switchCommand(c *cobra.Command, paused bool) *cobra.Command {
	w := switching{paused: paused}
	c.Args = noArguments
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if w.reason == "" {
			return usageError{errNoReason}
		}
		if (w.rail == "") == (w.asset == "") {
			return usageError{errNoSwitch}
		}
		settings, err := s.load()
		if err != nil {
			return err
		}
		return s.withApp(c.Context(), settings, config.RoleOperate, func(a *app.App) error {
			return s.turn(c.Context(), a, settings, w, *asJSON)
		})
	}
	c.Flags().StringVar(&w.rail, "rail", "", "the rail that is meant")
	c.Flags().StringVar(&w.asset, "asset", "", "the asset that was paid to us, as CODE:ISSUER")
	c.Flags().StringVar(&w.reason, "reason", "", "why; it is shown wherever payouts wait because of it")
	c.Flags().BoolVar(&w.unseen, "unseen", false, "the rail is brought by a program that this one knows nothing of")
	return c
}

func (s *shared) turn(ctx context.Context, a *app.App, settings config.Settings, w switching, asJSON bool) error {
	r := payouts.SwitchRequest{Kind: store.SwitchRail, Name: w.rail, Paused: w.paused, Actor: operator(), Reason: w.reason}
	var err error
	if w.asset != "" {
		r.Kind = store.SwitchAsset
		r.Name, err = knownAsset(ctx, a.DB(), w.asset)
	} else {
		err = s.knownRail(ctx, a.DB(), settings, w)
	}
	if err != nil {
		return err
	}
	done, err := a.Payouts().Switch(ctx, r)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.Stdout, changedSwitch{shownSwitches([]store.Switch{done.Switch})[0], done.Changed, done.Sending})
	}
	return s.printSwitched(r, done)
}

// changedSwitch is what pause and resume print for programs.
type changedSwitch struct {
	shownSwitch
	Changed bool  `json:"changed"` // false: it stood like that already
	Sending int64 `json:"sending"` // payouts that had been claimed before the pause: they are sent
}

func (s *shared) printSwitched(r payouts.SwitchRequest, done payouts.Switched) error {
	what := string(r.Kind) + " " + r.Name
	switch {
	case !done.Changed && done.Switch.Paused:
		_, err := fmt.Fprintf(s.Stdout, "%s was paused already, nothing has changed: %s\n", what, pauseWords(done.Switch))
		return err
	case !done.Changed:
		_, err := fmt.Fprintf(s.Stdout, "%s is not paused, nothing has changed\n", what)
		return err
	case !done.Switch.Paused:
		_, err := fmt.Fprintf(s.Stdout, "%s is resumed\n", what)
		return err
	}
	text := what + " is paused: nothing more is claimed"
	if done.Sending > 0 {
		text += fmt.Sprintf("; %d payouts of it had been claimed before and are sent", done.Sending)
	}
	_, err := fmt.Fprintln(s.Stdout, text)
	return err
}

// knownRail refuses a rail that nobody has heard of. A program of the business may bring rails that only it knows.
func (s *shared) knownRail(ctx context.Context, db *store.DB, settings config.Settings, w switching) error {
	known := railsOf(settings)
	switches, err := db.Switches(ctx)
	if err != nil {
		return err
	}
	for _, is := range switches {
		if is.Kind == string(store.SwitchRail) {
			known = append(known, is.Name)
		}
	}
	figures, err := db.PayoutFigures(ctx)
	if err != nil {
		return err
	}
	for _, open := range figures.Open {
		known = append(known, open.Rail)
	}
	slices.Sort(known)
	known = slices.DeleteFunc(slices.Compact(known), func(name string) bool { return name == "" })
	switch {
	case slices.Contains(known, w.rail):
		return nil
	case w.unseen:
		_, err := fmt.Fprintf(s.Stderr, "the rail %q is not among those known here (%s); it is taken for one that your own program brings\n", w.rail, strings.Join(known, ", "))
		return err
	default:
		return usageError{fmt.Errorf("there is no rail %q; known are: %s. If a program of your own brings it, add --unseen", w.rail, strings.Join(known, ", "))}
	}
}

func railsOf(settings config.Settings) (names []string) {
	for _, r := range settings.Rails {
		names = append(names, r.Name)
	}
	for _, m := range settings.FundingMethods {
		names = append(names, m.Rail)
	}
	return names
}

// knownAsset is the name of a registered asset; stellar: before it, or its code alone where that is clear, will do.
func knownAsset(ctx context.Context, db *store.DB, text string) (string, error) {
	assets, err := db.Assets(ctx)
	if err != nil {
		return "", err
	}
	text = strings.TrimPrefix(text, "stellar:")
	var known, meant []string
	for _, a := range assets {
		name := store.AssetName{Code: a.Code, Issuer: a.Issuer}
		known = append(known, name.String())
		if text == name.String() || text == a.Code || "stellar:"+text == name.ID() {
			meant = append(meant, store.AssetSwitch(a.Code, a.Issuer))
		}
	}
	switch len(meant) {
	case 1:
		return meant[0], nil
	case 0:
		return "", usageError{fmt.Errorf("there is no asset %q; registered are: %s", text, strings.Join(known, ", "))}
	default:
		return "", usageError{fmt.Errorf("%q can be any of %s: name its issuer", text, strings.Join(meant, ", "))}
	}
}

func (s *shared) pausesCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "pauses", Short: "What is paused, by whom, since when and why", Args: noArguments,
		Example: `  anchor payouts pauses`,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			list, err := a.DB().Switches(ctx)
			if err != nil {
				return err
			}
			if !all {
				list = slices.DeleteFunc(list, func(is store.Switch) bool { return !is.Paused })
			}
			if *asJSON {
				return printJSON(s.Stdout, shownSwitches(list))
			}
			t := newTable("KIND", "NAME", "PAUSED", "SINCE", "BY", "WHY")
			for _, is := range list {
				t.row(is.Kind, is.Name, yesNo(is.Paused), when(store.At(is.UpdatedUs)), is.Actor, is.Reason)
			}
			return t.print(s.Stdout)
		})
	}
	c.Flags().BoolVar(&all, "all", false, "also what was resumed")
	return c
}

// shownSwitch is a switch as programs get it.
type shownSwitch struct {
	Kind   string  `json:"kind"` // rail or asset
	Name   string  `json:"name"`
	Paused bool    `json:"paused"`
	Since  *string `json:"since"`
	Actor  string  `json:"actor"`
	Reason string  `json:"reason"`
}

func shownSwitches(list []store.Switch) []shownSwitch {
	shown := make([]shownSwitch, len(list))
	for i, is := range list {
		shown[i] = shownSwitch{is.Kind, is.Name, is.Paused, stamp(store.At(is.UpdatedUs)), is.Actor, is.Reason}
	}
	return shown
}

// printPauses says above a list what keeps its payouts.
func (s *shared) printPauses(ctx context.Context, db *store.DB) error {
	list, err := db.Switches(ctx)
	if err != nil {
		return err
	}
	any := false
	for _, is := range list {
		if is.Paused {
			any = true
			fmt.Fprintf(s.Stdout, "paused: %s %s, %s\n", is.Kind, is.Name, pauseWords(is))
		}
	}
	if any {
		fmt.Fprintln(s.Stdout)
	}
	return nil
}

func pauseWords(is store.Switch) string {
	return fmt.Sprintf("since %s by %s: %s", when(store.At(is.UpdatedUs)), is.Actor, is.Reason)
}
