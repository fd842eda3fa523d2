package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// assetFlags are the flags of create-asset as they were given.
type assetFlags struct {
	issuer, account, balance                   string
	issue, update, promptSeed, sep31, sep38    bool
	seedFile, issuerSeedFile                   string
	decimals                                   int
	feeFixed, feePercent, minAmount, maxAmount string
	methods                                    []string
	fromLedger                                 int64
}

// Variables with seeds; a flag would show them to everybody on the machine.
const (
	receivingSeedVariable = "ANCHOR_RECEIVING_SEED"
	issuerSeedVariable    = "ANCHOR_ISSUER_SEED"
)

func createAssetCommand(s *shared) *cobra.Command {
	var f assetFlags
	c := &cobra.Command{
		Use:   "create-asset CODE",
		Short: "Register an asset to be received; on a test network also issue it",
		Long: `Registers an asset and the account that receives it, after checking both against the network. Called again with the same
values it changes nothing; with others it shows the difference and exits 1, unless --update is given.

--issuer registers an asset that exists. --issue makes one on a test network: issuer, receiving account, trust line
and a first balance; the issuer's new seed is written to CODE-issuer.seed, readable by you alone.

Receiving needs no seed at all. A seed, which only refunds use, is stored encrypted and comes from ` + receivingSeedVariable + `,
from --seed-file or from --prompt-seed, never from a flag; an issuer's likewise from ` + issuerSeedVariable + ` or --issuer-seed-file.`,
		Example: `  anchor create-asset USDC --issue --funding-method SEPA
  anchor create-asset USDC --issuer GA5Z… --account GC3H… --funding-method SEPA --fee-percent 0.5 --min 1 --max 5000`,
		Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error { return s.createAsset(c, args[0], f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.issuer, "issuer", "", "account that issues the asset (G…)")
	flags.BoolVar(&f.issue, "issue", false, "issue it on a test network first")
	flags.StringVar(&f.account, "account", "", "account that receives it (G…)")
	flags.StringVar(&f.seedFile, "seed-file", "", "file with the receiving account's seed")
	flags.BoolVar(&f.promptSeed, "prompt-seed", false, "ask for the receiving account's seed on the terminal")
	flags.StringVar(&f.issuerSeedFile, "issuer-seed-file", "", "file with the issuer's seed, for --issue")
	flags.StringVar(&f.balance, "balance", "", "with --issue: first balance of the receiving account (default "+assets.DefaultBalance+")")
	flags.IntVar(&f.decimals, "decimals", assets.DefaultDecimals, "finest step of amounts, 0 to 7; fixed for ever")
	flags.StringVar(&f.feeFixed, "fee-fixed", "0", "fixed fee, in units of the asset")
	flags.StringVar(&f.feePercent, "fee-percent", "0", "fee in percent of the amount")
	flags.StringVar(&f.minAmount, "min", "0", "least amount of a transaction; 0 is no limit")
	flags.StringVar(&f.maxAmount, "max", "0", "greatest amount of a transaction; 0 is no limit")
	flags.StringSliceVar(&f.methods, "funding-method", nil, "how recipients are paid, as in the settings; may be repeated")
	flags.BoolVar(&f.sep31, "sep31", true, "accept SEP-31 transactions in it")
	flags.BoolVar(&f.sep38, "sep38", true, "quote prices for it, where SEP-38 is served and can exchange it")
	flags.Int64Var(&f.fromLedger, "from-ledger", 0, "first ledger whose payments are looked at (default: the next one)")
	flags.BoolVar(&f.update, "update", false, "change an asset that is registered with other values")
	return c
}

func (s *shared) createAsset(c *cobra.Command, code string, f assetFlags) error {
	if !f.issue && f.issuer == "" {
		return usageError{errors.New("say which asset is meant: --issuer G… for one that exists, --issue to make one on a test network")}
	}
	spec := assets.Spec{Code: code, Issuer: f.issuer, Account: f.account, Update: f.update, Actor: operator()}
	spec.Terms = f.terms(c)
	if c.Flags().Changed("from-ledger") {
		spec.FromLedger = &f.fromLedger
	}
	var err error
	if spec.Seed, err = s.seed(receivingSeedVariable, f.seedFile, f.promptSeed); err != nil {
		return err
	}
	return s.withAssets(c.Context(), func(ctx context.Context, service *assets.Service) error {
		if !f.issue {
			result, err := service.Register(ctx, spec)
			return s.reportAsset(result, nil, err)
		}
		issue := assets.IssueSpec{Spec: spec, Balance: f.balance, KeepIssuer: s.keepIssuer(code)}
		if issue.IssuerSeed, err = s.seed(issuerSeedVariable, f.issuerSeedFile, false); err != nil {
			return err
		}
		result, err := service.Issue(ctx, issue)
		return s.reportAsset(result.Result, result.Done, err)
	})
}

// terms are those flags that were given; the others keep what is registered.
func (f assetFlags) terms(c *cobra.Command) assets.Terms {
	var t assets.Terms
	given := c.Flags().Changed
	for _, text := range []struct {
		flag  string
		value *string
		into  **string
	}{{"fee-fixed", &f.feeFixed, &t.FeeFixed}, {"fee-percent", &f.feePercent, &t.FeePercent}, {"min", &f.minAmount, &t.Min}, {"max", &f.maxAmount, &t.Max}} {
		if given(text.flag) {
			*text.into = text.value
		}
	}
	if given("decimals") {
		t.Decimals = &f.decimals
	}
	if given("sep31") {
		t.SEP31 = &f.sep31
	}
	if given("sep38") {
		t.SEP38 = &f.sep38
	}
	if given("funding-method") {
		t.FundingMethods = f.methods
	}
	return t
}

// seed finds a seed in a file, on the terminal or in the environment; none at all is fine.
func (s *shared) seed(variable, file string, prompt bool) (assets.Seed, error) {
	var text string
	switch {
	case file != "":
		raw, err := os.ReadFile(file)
		if err != nil {
			return assets.Seed{}, fmt.Errorf("read the seed: %w", err)
		}
		text = string(raw)
	case prompt:
		fmt.Fprint(s.Stderr, "seed of the receiving account (S…): ")
		line, err := s.secretLine()
		if err != nil {
			return assets.Seed{}, fmt.Errorf("read the seed: %w", err)
		}
		text = line
	default:
		text = s.variable(variable)
	}
	if text = strings.TrimSpace(text); text == "" {
		return assets.Seed{}, nil
	}
	seed, err := assets.ParseSeed(text)
	if err != nil {
		return assets.Seed{}, usageError{err}
	}
	return seed, nil
}

// secretLine reads one line, unseen where standard input is a terminal.
func (s *shared) secretLine() (string, error) {
	if f, ok := s.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		raw, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Stderr)
		return string(raw), err
	}
	line, err := bufio.NewReader(s.Stdin).ReadString('\n')
	if line != "" {
		return line, nil
	}
	return "", err
}

// variable reads a variable of the process' environment, or of the one it was given.
func (s *shared) variable(name string) string {
	if s.Environ == nil {
		return os.Getenv(name)
	}
	value := ""
	for _, pair := range s.Environ {
		if n, v, _ := strings.Cut(pair, "="); n == name {
			value = v
		}
	}
	return value
}

// keepIssuer writes the seed of a new issuer where only its owner can read it, before the network hears of the account.
func (s *shared) keepIssuer(code string) func(string, assets.Seed) error {
	return func(issuer string, seed assets.Seed) error {
		dir, err := s.workingDir()
		if err != nil {
			return err
		}
		path := filepath.Join(dir, code+"-issuer.seed")
		if err := writeNew(path, seed.Reveal()+"\n", 0o600); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Stdout, "the seed of the new issuer %s is in %s\n", issuer, path)
		return err
	}
}

func (s *shared) reportAsset(r assets.Result, done []string, err error) error {
	for _, line := range done {
		fmt.Fprintln(s.Stdout, line)
	}
	if err != nil {
		return err
	}
	id := r.Asset.Code + ":" + r.Asset.Issuer
	switch {
	case r.Created:
		fmt.Fprintf(s.Stdout, "registered %s, received by %s\n", id, r.Asset.ReceivingAccount)
	case len(r.Changed) > 0:
		fmt.Fprintf(s.Stdout, "changed %s:\n", id)
		for _, d := range r.Changed {
			fmt.Fprintln(s.Stdout, "  ", d)
		}
	default:
		fmt.Fprintf(s.Stdout, "%s is registered with these values already\n", id)
	}
	return nil
}

func assetsCommand(s *shared) *cobra.Command {
	c := &cobra.Command{Use: "assets", Short: "List assets, or switch one off", Args: noArguments, RunE: help}
	disable := &cobra.Command{
		Use: "disable CODE[:ISSUER]", Short: "Agree no more transactions in an asset; those under way go on",
		Example: `  anchor assets disable USDC`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			code, issuer, _ := strings.Cut(args[0], ":")
			return s.withAssets(c.Context(), func(ctx context.Context, service *assets.Service) error {
				asset, changed, err := service.Disable(ctx, code, issuer, operator())
				if err != nil {
					return err
				}
				if !changed {
					fmt.Fprintf(s.Stdout, "%s:%s was switched off already\n", asset.Code, asset.Issuer)
					return nil
				}
				fmt.Fprintf(s.Stdout, "switched off %s:%s; 'anchor create-asset' with --update --sep31 switches it on again\n", asset.Code, asset.Issuer)
				return nil
			})
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List all assets", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withAssets(c.Context(), func(ctx context.Context, service *assets.Service) error {
				all, err := service.List(ctx)
				if err != nil {
					return err
				}
				return s.printAssets(all)
			})
		},
	}
	c.AddCommand(list, disable)
	return c
}

func (s *shared) printAssets(all []store.Asset) error {
	t := newTable("CODE", "ISSUER", "RECEIVED BY", "ON", "SEP-31", "SEP-38", "FEE", "MIN", "MAX", "FUNDING METHODS")
	for _, a := range all {
		methods, err := a.Methods()
		if err != nil {
			return err
		}
		t.row(a.Code, a.Issuer, a.ReceivingAccount, yesNo(a.Enabled), yesNo(a.Sep31Enabled), yesNo(a.Sep38Enabled),
			amount(a.FeeFixedUnits, money.StellarDecimals)+" + "+a.FeePercent+" %",
			amount(a.MinUnits, money.StellarDecimals), amount(a.MaxUnits, money.StellarDecimals), strings.Join(methods, ", "))
	}
	return t.print(s.Stdout)
}

// withAssets opens what create-asset and assets need: the database and, for the former, the network.
func (s *shared) withAssets(ctx context.Context, f func(context.Context, *assets.Service) error) error {
	settings, err := s.load()
	if err != nil {
		return err
	}
	return s.withApp(ctx, settings, config.RoleAssets, func(a *app.App) error { return f(ctx, a.Assets()) })
}
