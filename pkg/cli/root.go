package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
)

// shared is what all commands have in common: the process and the flags that say where settings are.
type shared struct {
	*Process
	file, envFile string
	set           []string
	flags         map[string]string // setting key -> value, from flags of single commands
}

func rootCommand(p *Process) *cobra.Command {
	s := &shared{Process: p, flags: map[string]string{}}
	root := &cobra.Command{
		Use:   cmp.Or(p.Name, "anchor"),
		Short: "The receiving side of cross-border payments on Stellar (SEP-31)",
		Long: `anchor receives payments from sending anchors over the Stellar network (SEP-31, with SEP-1, 10 and 12)
and pays them out to people through the rails of a business.

Four processes work over one database: serve, watch-transactions, execute-outgoing --loop and
poll-outgoing --loop; 'anchor run' is all of them in one. 'anchor demo' shows everything and needs nothing.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 settings are missing or wrong,
4 books and ledger do not agree (reconcile).`,
		Example: `  anchor demo                      # see it work: no settings, no network, no server needed
  anchor init && anchor migrate    # begin an anchor of your own on the test network
  anchor create-asset USDC --issue --funding-method SEPA
  anchor run`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().StringVar(&s.file, "config", "", "settings file (default anchor.yaml, if it exists)")
	root.PersistentFlags().StringVar(&s.envFile, "env-file", "", "file with environment variables (default .env, if it exists)")
	root.PersistentFlags().StringArrayVar(&s.set, "set", nil, "a setting as KEY=VALUE, over every other source; may be repeated (see docs/settings.md)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddGroup(
		&cobra.Group{ID: "start", Title: "To begin:"},
		&cobra.Group{ID: "roles", Title: "The processes:"},
		&cobra.Group{ID: "operate", Title: "To operate:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("start", demoCommand(s), initCommand(s), migrateCommand(s), createAssetCommand(s), sandboxCommand(s))
	add("roles", serveCommand(s), watchCommand(s), executeCommand(s), pollCommand(s), runCommand(s))
	add("operate", doctorCommand(s), explainCommand(s), assetsCommand(s), customersCommand(s), transactionsCommand(s), paymentsCommand(s), payoutsCommand(s), callbacksCommand(s), refundsCommand(s), reconcileCommand(s), keysCommand(s))
	root.AddCommand(versionCommand(s))
	return root
}

// polarisName gives our name of a command that is called as django-polaris spells it: its users have those in units and
// scripts. They are translated before anything is parsed, so that no help shows them.
func polarisName(name string) string {
	switch name {
	case "runserver":
		return "serve"
	case "watch_transactions":
		return "watch-transactions"
	case "execute_outgoing_transactions":
		return "execute-outgoing"
	case "poll_outgoing_transactions":
		return "poll-outgoing"
	}
	return name
}

// settings loads the settings and checks them for a role.
func (s *shared) settings(role config.Role, supplied config.Supplied) (config.Settings, error) {
	loaded, err := s.load()
	if err != nil {
		return config.Settings{}, err
	}
	return loaded, loaded.Validate(role, supplied)
}

func (s *shared) load() (config.Settings, error) {
	flags := map[string]string{}
	for key, value := range s.flags {
		flags[key] = value
	}
	for _, pair := range s.set {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return config.Settings{}, usageError{fmt.Errorf("--set %q must be KEY=VALUE", pair)}
		}
		flags[strings.TrimSpace(key)] = value
	}
	source := config.Source{File: s.file, EnvFile: s.envFile, Environ: s.Environ, Flags: flags, Dir: s.Dir}
	if s.Environ != nil { // a process within a process has an environment of its own
		source.Setenv = func(string, string) error { return nil }
	}
	return config.Load(source)
}

// settingFlag gives a command a flag for one setting.
func (s *shared) settingFlag(c *cobra.Command, flag, key, usage string) {
	c.Flags().Func(flag, usage, func(value string) error {
		s.flags[key] = value
		return nil
	})
}

// logger writes to standard error, as the settings say.
func (s *shared) logger(l config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo // Validate has refused every other text
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(s.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(s.Stderr, options))
}

// workingDir is where relative paths begin.
func (s *shared) workingDir() (string, error) {
	if s.Dir != "" {
		return s.Dir, nil
	}
	return os.Getwd()
}
