package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/apikeys"
	"github.com/anchorkit/anchor/pkg/internal/app"
)

// apiKeyCommands are the commands about the keys of the operations API; they share 'anchor keys' with those about master keys.
func apiKeyCommands(s *shared) []*cobra.Command {
	return []*cobra.Command{s.createKeyCommand(), s.listKeysCommand(), s.revokeKeyCommand()}
}

// keysOf makes the service for commands, which has nothing to log.
func keysOf(a *app.App) *apikeys.Service {
	return apikeys.New(a.DB(), slog.New(slog.DiscardHandler), time.Now)
}

func (s *shared) createKeyCommand() *cobra.Command {
	var o apikeys.Order
	var scopes []string
	var expires string
	c := &cobra.Command{
		Use: "create --name TEXT --scope SCOPE", Short: "Make an API key, by which a program of yours uses the operations API",
		Long: `Makes an API key for the HTTP API on the operator's address, by which programs of yours speak first (docs/operations-api.md).
It is printed once, alone on standard output, and cannot be shown again: only its hash is stored.

Scopes, one or several with --scope repeated or commas:
  transactions:read   look at any transaction
  customers:write     decide about customers (late KYC)
  payouts:report      report what became of payouts (a bank's webhook)`,
		Example: `  anchor keys create --name "bank webhook" --scope payouts:report
  anchor keys create --name screening --scope customers:write,transactions:read --expires 30d`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, scope := range scopes {
				o.Scopes = append(o.Scopes, apikeys.Scope(strings.TrimSpace(scope)))
			}
			var err error
			if o.Lifetime, err = lifetimeOf(expires); err != nil {
				return usageError{err}
			}
			o.Actor = operator()
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error { return s.createKey(ctx, a, o) })
		},
	}
	c.Flags().StringVar(&o.Name, "name", "", "who will use it; no personal data")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "what it permits: "+apikeys.Listed(apikeys.Scopes()))
	c.Flags().StringVar(&expires, "expires", "90d", "how long it is good for, in days (90d) or hours (12h); a year at most")
	return c
}

func (s *shared) createKey(ctx context.Context, a *app.App, o apikeys.Order) error {
	k, token, err := keysOf(a).Create(ctx, o)
	if anchor.CodeOf(err) == anchor.CodeInvalid {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.Stdout, token.Reveal()); err != nil {
		return errors.Join(err, fmt.Errorf("nobody has seen the key: 'anchor keys revoke %s'", k.ID))
	}
	_, err = fmt.Fprintf(s.Stderr, "API key %s (%s) permits %s until %s. Keep it secret: it is not shown again.\n",
		k.ID, k.Name, apikeys.Listed(k.Scopes), when(k.ExpiresAt))
	return err
}

// lifetimeOf reads a number of days or hours, which must be positive.
func lifetimeOf(text string) (time.Duration, error) {
	wrong := fmt.Errorf("--expires must be a number of days or hours, 90d or 12h, a year at most; not %q", text)
	if text == "" {
		return 0, wrong
	}
	unit, known := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour}[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	if err != nil || !known || n == 0 {
		return 0, wrong
	}
	return time.Duration(n) * unit, nil
}

func (s *shared) listKeysCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List the API keys: who may use the operations API, for what, until when",
		Long:    `Lists the API keys, those that are over included, the oldest first. The keys themselves are not stored and cannot be shown.`,
		Example: `  anchor keys list`, Args: noArguments,
	}
	asJSON := jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
			keys, err := keysOf(a).List(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(s.Stdout, listedKeys(keys, time.Now()))
			}
			return s.printAPIKeys(keys, time.Now())
		})
	}
	return c
}

func (s *shared) printAPIKeys(keys []apikeys.Key, now time.Time) error {
	t := newTable("API KEY", "NAME", "SCOPES", "STATE", "EXPIRES", "LAST USED", "REVOKED", "CREATED", "BY")
	for _, k := range keys {
		t.row(k.ID, k.Name, apikeys.Listed(k.Scopes), string(k.State(now)), when(k.ExpiresAt), when(k.LastUsedAt), when(k.RevokedAt), when(k.CreatedAt), k.CreatedBy)
	}
	return t.print(s.Stdout)
}

// listedKey is an API key in a JSON document.
type listedKey struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Scopes     []apikeys.Scope `json:"scopes"`
	State      apikeys.State   `json:"state"`
	ExpiresAt  *string         `json:"expires_at"`
	LastUsedAt *string         `json:"last_used_at"`
	RevokedAt  *string         `json:"revoked_at"`
	CreatedAt  *string         `json:"created_at"`
	CreatedBy  string          `json:"created_by"`
}

func listedKeys(keys []apikeys.Key, now time.Time) []listedKey {
	list := make([]listedKey, len(keys))
	for i, k := range keys {
		list[i] = listedKey{
			ID: k.ID, Name: k.Name, Scopes: k.Scopes, State: k.State(now), ExpiresAt: stamp(k.ExpiresAt), LastUsedAt: stamp(k.LastUsedAt),
			RevokedAt: stamp(k.RevokedAt), CreatedAt: stamp(k.CreatedAt), CreatedBy: k.CreatedBy,
		}
	}
	return list
}

func (s *shared) revokeKeyCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "revoke ID --reason TEXT", Short: "End an API key for good, from the next request on",
		Long: `Ends an API key for good: the next request with it is refused, by every process. ID is what 'anchor keys list' shows, the
part between the two underscores of the key. A copy of the database from before knows nothing of it: after restoring one, look at
'anchor keys list' and revoke it again.`,
		Example: `  anchor keys revoke mfzwizlomztw2zlo --reason "it was in a log"`, Args: arguments(1),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is needed: it stays in the history")}
			}
			return s.operate(c.Context(), func(ctx context.Context, a *app.App) error {
				done, err := keysOf(a).Revoke(ctx, args[0], reason, operator())
				if err != nil {
					return err
				}
				text := "API key %s is revoked\n"
				if !done {
					text = "API key %s was revoked before\n"
				}
				_, err = fmt.Fprintf(s.Stdout, text, args[0])
				return err
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; no personal data")
	return c
}
