package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

func serveCommand(s *shared) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer sending anchors: SEP-1, 10, 12 and 31; deliver callbacks",
		Long: `Serves the SEP endpoints and delivers status callbacks in the background.

SIGINT or SIGTERM ends it cleanly: requests and deliveries under way are finished within
server.stop_timeout. A second signal ends it at once.`,
		Example: `  anchor serve
  anchor serve --listen 127.0.0.1:8000`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.role(c.Context(), config.RoleServe, (*app.App).Serve)
		},
	}
	s.settingFlag(c, "listen", "server.listen", "address to listen on, host:port")
	s.operatorFlag(c)
	return c
}

func watchCommand(s *shared) *cobra.Command {
	var once bool
	var again replay
	c := &cobra.Command{
		Use:   "watch-transactions",
		Short: "See payments to the receiving accounts and credit them",
		Long: `Reads the payments of every receiving account from where it stopped, stores each of them and credits those
that belong to a transaction. Of several such processes one works, the others stand by.

With --once it reads every account to the present end and exits.

With --from (and --to) it reads ledgers again that have been read before, stores what is missing of them, says what it
found and exits. Nothing that is stored changes, so doing it twice does no harm, and it may be done while another
process watches. Ledgers that have not been read yet are left to the watcher.`,
		Example: `  anchor watch-transactions
  anchor watch-transactions --once     # from cron
  anchor watch-transactions --from 51234000 --to 51234999`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if again.asked(c) {
				return s.replay(c.Context(), again)
			}
			return s.role(c.Context(), config.RoleWatch, func(a *app.App, life worker.Life) error { return a.Watch(life, once) })
		},
	}
	c.Flags().BoolVar(&once, "once", false, "read to the present end and exit")
	again.flags(c)
	s.operatorFlag(c)
	return c
}

func executeCommand(s *shared) *cobra.Command {
	return s.outgoingCommand(&cobra.Command{
		Use:   "execute-outgoing",
		Short: "Pay recipients through the rails",
		Long: `Pays out what is ready, oldest first. Without --loop it makes one pass and exits; nothing to do is success.
Any number of them may run at once. A payout whose outcome is not known is never sent again by this command:
poll-outgoing finds out about it first.`,
		Example: `  anchor execute-outgoing --loop
  anchor execute-outgoing              # one pass, from cron or a timer`,
	}, config.RoleExecute, (*app.App).Execute)
}

func pollCommand(s *shared) *cobra.Command {
	return s.outgoingCommand(&cobra.Command{
		Use:   "poll-outgoing",
		Short: "Find out what became of payouts under way",
		Long: `Asks the rails about payouts that they accepted and about those whose outcome is not known. Without --loop it
makes one pass and exits.`,
		Example: `  anchor poll-outgoing --loop
  anchor poll-outgoing                 # one pass, from cron or a timer`,
	}, config.RolePoll, (*app.App).Poll)
}

func (s *shared) outgoingCommand(c *cobra.Command, role config.Role, run func(*app.App, worker.Life, bool) error) *cobra.Command {
	var loop bool
	c.Args = noArguments
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.role(c.Context(), role, func(a *app.App, life worker.Life) error { return run(a, life, loop) })
	}
	c.Flags().BoolVar(&loop, "loop", false, "go on until a signal comes")
	c.Flags().FuncP("interval", "i", "longest wait between two passes; a number is seconds (work wakes it at once)", func(value string) error {
		s.flags["workers.interval"] = value
		return nil
	})
	s.operatorFlag(c)
	return c
}

func runCommand(s *shared) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "All four processes in one",
		Long: `Runs serve, watch-transactions, execute-outgoing --loop and poll-outgoing --loop in one process: enough for
development and for small anchors on SQLite.`,
		Example: `  anchor migrate && anchor run`,
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.role(c.Context(), config.RoleRun, (*app.App).Run)
		},
	}
	s.settingFlag(c, "listen", "server.listen", "address to listen on, host:port")
	s.operatorFlag(c)
	return c
}

func (s *shared) operatorFlag(c *cobra.Command) {
	s.settingFlag(c, "operator-listen", "server.operator_listen", "address of /healthz, /readyz and /metrics, host:port (default off)")
}

// role opens an app for a role, runs it until it is done or a signal comes, and closes it.
func (s *shared) role(ctx context.Context, role config.Role, run func(*app.App, worker.Life) error) error {
	settings, err := s.load()
	if err != nil {
		return err
	}
	life, end := worker.NewLife(ctx, s.Signals, settings.Server.StopTimeout)
	defer end()
	return s.withApp(life.Hard, settings, role, func(a *app.App) error { return run(a, life) })
}

func (s *shared) withApp(ctx context.Context, settings config.Settings, role config.Role, run func(*app.App) error) (err error) {
	log := settings.Log
	if short := role == config.RoleAssets || role == config.RoleOperate; short && log.Level == "info" {
		log.Level = "warn" // these say themselves what they did
	}
	a, err := app.Open(ctx, app.Options{Settings: settings, Role: role, Setup: s.Setup, Log: s.logger(log)})
	if err != nil {
		return err
	}
	defer func() {
		if closing := a.Close(); err == nil {
			err = closing
		}
	}()
	return run(a)
}
