package cli

import (
	"context"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/money"
)

// operator names whoever calls the command, for the history.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "operator:" + u.Username
	}
	return "operator"
}

// help shows the help of a command that only groups others.
func help(c *cobra.Command, _ []string) error { return c.Help() }

// amount shows units for people; an amount that cannot be is shown as "?".
func amount(units int64, decimals int) string {
	a, err := money.New(units, decimals)
	if err != nil {
		return "?"
	}
	return a.Short()
}

// operate opens an app for a command that reads or changes the database and nothing else.
func (s *shared) operate(ctx context.Context, f func(context.Context, *app.App) error) error {
	settings, err := s.load()
	if err != nil {
		return err
	}
	return s.withApp(ctx, settings, config.RoleOperate, func(a *app.App) error { return f(ctx, a) })
}
