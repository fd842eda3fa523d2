package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

func migrateCommand(s *shared) *cobra.Command {
	up := func(c *cobra.Command, _ []string) error {
		return s.schema(c.Context(), func(ctx context.Context, db *store.DB) error {
			steps, err := db.MigrateUp(ctx)
			if err != nil {
				return err
			}
			if steps == 0 {
				fmt.Fprintln(s.Stdout, "the schema is up to date")
				return nil
			}
			fmt.Fprintf(s.Stdout, "the schema was brought up to date (steps: %d)\n", steps)
			return nil
		})
	}
	migrate := &cobra.Command{
		Use:   "migrate",
		Short: "Create or upgrade the database schema",
		Long: `Brings the schema of the database to this program's version. It is the only command that changes the schema; run it
before the others after each upgrade. Several at once wait for each other.`,
		Example: `  anchor migrate
  anchor migrate status`,
		Args: noArguments,
		RunE: up,
	}
	migrate.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply all missing steps (the default)", Args: noArguments, RunE: up},
		s.migrateDownCommand(),
		&cobra.Command{
			Use: "status", Short: "List the steps and whether they were applied", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				return s.schema(c.Context(), func(ctx context.Context, db *store.DB) error {
					list, err := db.Migrations(ctx)
					if err != nil {
						return err
					}
					table := newTable("VERSION", "STEP", "APPLIED")
					for _, m := range list {
						table.row(fmt.Sprint(m.Version), m.Name, yesNo(m.Applied))
					}
					return table.print(s.Stdout)
				})
			},
		},
	)
	return migrate
}

func (s *shared) migrateDownCommand() *cobra.Command {
	var sure bool
	c := &cobra.Command{
		Use: "down", Short: "Undo the newest step; what its tables hold is LOST", Example: `  anchor migrate down --yes`, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if !sure {
				return usageError{errors.New("this destroys data: repeat it with --yes if that is meant")}
			}
			return s.schema(c.Context(), func(ctx context.Context, db *store.DB) error {
				if err := db.MigrateDown(ctx); err != nil {
					return err
				}
				fmt.Fprintln(s.Stdout, "the newest step was undone")
				return nil
			})
		},
	}
	c.Flags().BoolVar(&sure, "yes", false, "really destroy the data")
	return c
}

// schema opens the database whatever its schema is.
func (s *shared) schema(ctx context.Context, f func(context.Context, *store.DB) error) error {
	settings, err := s.settings(config.RoleMigrate, config.Supplied{})
	if err != nil {
		return err
	}
	db, err := store.OpenUnchecked(ctx, app.StoreOptions(settings, store.Keyring{}, s.logger(settings.Log)))
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, db), db.Close())
}
