package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/inspect"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func doctorCommand(s *shared) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Examine settings, database, network, accounts and processes; each line is ok or says what to do",
		Long: `Examines the whole installation from here: the settings, the database and its schema, the master keys, each Horizon, the
clocks, the receiving accounts with their trust lines and signers, HOST_URL, the business' own server, and whether the processes do their work.

Each line is 'ok' or '!!' with what to do about it. It changes nothing, sends nothing but requests to read, and ends whatever
does not answer. It exits with 1 when something is wrong.`,
		Example: `  anchor doctor
  anchor doctor --json`,
		Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long each check may take")
	c.RunE = func(c *cobra.Command, _ []string) error {
		plan, err := s.examination()
		if err != nil {
			return err
		}
		plan.Timeout = timeout
		return s.printFindings(inspect.Examine(c.Context(), plan), *asJSON)
	}
	return c
}

// examination says what to look at. Settings that are wrong are findings like any other.
func (s *shared) examination() (inspect.Plan, error) {
	settings, err := s.load()
	if err != nil {
		faults, isFaults := errors.AsType[config.Faults](err)
		if !isFaults {
			return inspect.Plan{}, err
		}
		return inspect.Plan{Settings: settingsFindings(faults), Admission: inspect.Admission{ByBusiness: true}}, nil
	}
	var faults config.Faults
	if err := settings.Validate(config.RoleRun, s.presumed(settings)); err != nil && !errors.As(err, &faults) {
		return inspect.Plan{}, err
	}
	plan := s.networkPlan(settings)
	plan.Settings = settingsFindings(append(faults, app.FileRailFaults(settings)...))
	plan.Admission = inspect.Admission{
		Listed: len(settings.SEP31.SendingAnchors), Everybody: settings.Server.LocalMode,
		ByBusiness: s.Setup != nil || settings.Remote.Asks(config.PartReceiver),
	}
	if path, ok := strings.CutPrefix(settings.Database.URL.Reveal(), "sqlite:"); ok {
		plan.DatabaseFile = strings.TrimPrefix(path, "//")
	}
	plan.OpenDatabase = func(ctx context.Context) (*store.DB, error) { return s.openUnchecked(ctx, settings) }
	plan.Business = businessParts(settings)
	plan.Terms = railTerms(settings)
	return plan, nil
}

func businessParts(settings config.Settings) []inspect.BusinessPart {
	questions, err := app.Questions(settings)
	if err != nil {
		questions = nil // Validate has said so
	}
	var parts []inspect.BusinessPart
	for _, q := range questions {
		parts = append(parts, inspect.BusinessPart{Name: q.Part, Ask: q.Ask})
	}
	return parts
}

func (s *shared) networkPlan(settings config.Settings) inspect.Plan {
	plan := inspect.Plan{
		Passphrase: settings.Network.Passphrase, RemoteSigner: settings.Refunds.SignerURL.IsSet(),
		SendsBack: func(code, issuer string) bool {
			return sendsBack(settings.PolicyOf(store.AssetName{Code: code, Issuer: issuer}.ID()))
		},
	}
	if settings.Server.Active("sep-1") {
		plan.HostURL = settings.Server.HostURL
	}
	if pair, err := keypair.ParseFull(settings.Keys.SigningSeed.Reveal()); err == nil {
		plan.SigningKey = pair.Address()
	}
	header, err := settings.Network.Headers()
	if err != nil {
		header = nil // Validate has said so
	}
	for _, address := range settings.Network.HorizonURIs {
		plan.Horizons = append(plan.Horizons, inspect.NetworkAddress{URL: address, Header: header})
	}
	if settings.Network.LedgerSource == config.LedgerRPC {
		plan.RPC = rpcAddress(settings.Network)
	}
	return plan
}

func rpcAddress(n config.Network) *inspect.NetworkAddress {
	header, err := n.RPCHeader()
	if err != nil {
		header = nil // Validate has said so
	}
	return &inspect.NetworkAddress{URL: n.RPCURL.Reveal(), Header: header}
}

// sendsBack tells whether a policy returns any payment by itself.
func sendsBack(p config.Policy) bool {
	for _, choice := range []string{p.Underpaid, p.Overpaid, p.Late, p.Duplicate, p.WrongAsset, p.Unmatched} {
		if choice == config.PolicyRefund || choice == config.PolicyRefundExcess || choice == config.PolicyAccumulate {
			return true
		}
	}
	return false
}

// presumed is what the business may bring: its setup does not run to be examined.
func (s *shared) presumed(settings config.Settings) config.Supplied {
	if s.Setup == nil {
		return app.SuppliedByServer(settings.Remote)
	}
	p := config.Supplied{Receiver: true, Customers: true, Quotes: true}
	for _, method := range settings.FundingMethods {
		p.Rails = append(p.Rails, method.Rail)
	}
	return p
}

// openUnchecked opens the database with the master keys, whatever its schema is.
func (s *shared) openUnchecked(ctx context.Context, settings config.Settings) (*store.DB, error) {
	var keys store.Keyring
	if settings.Keys.MasterKeys.IsSet() {
		masters, err := settings.Keys.Master()
		if err != nil {
			return nil, err
		}
		for _, m := range masters {
			if keys, err = keys.Add(m.ID, []byte(m.Key.Reveal())); err != nil {
				return nil, err
			}
		}
	}
	log := settings.Log
	log.Level = "error" // what is found is printed
	return store.OpenUnchecked(ctx, app.StoreOptions(settings, keys, s.logger(log)))
}

func settingsFindings(faults config.Faults) []inspect.Finding {
	if len(faults) == 0 {
		return []inspect.Finding{{Check: "settings", OK: true, Text: "are complete for every process"}}
	}
	list := make([]inspect.Finding, len(faults))
	for i, fault := range faults {
		unmended := *fault
		unmended.Mend = ""
		list[i] = inspect.Finding{Check: "settings", Text: unmended.Error(), Mend: fault.Mend}
	}
	return list
}

func (s *shared) printFindings(findings []inspect.Finding, asJSON bool) error {
	wrong := 0
	for _, f := range findings {
		if !f.OK {
			wrong++
		}
	}
	if asJSON {
		if err := printJSON(s.Stdout, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			s.printFinding(f)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks found something wrong", wrong, len(findings))
	}
	return nil
}

func (s *shared) printFinding(f inspect.Finding) {
	mark := "ok"
	if !f.OK {
		mark = "!!"
	}
	fmt.Fprintf(s.Stdout, "%s  %s: %s\n", mark, f.Check, f.Text)
	if f.Mend != "" {
		fmt.Fprintf(s.Stdout, "      %s\n", f.Mend)
	}
}
