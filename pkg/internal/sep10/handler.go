package sep10

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"
	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

const (
	// maxDomain is what fits into the name and the value of a ManageData operation (64 bytes), "<domain> auth" included.
	maxHomeDomain    = 64 - len(" auth")
	maxWebAuthDomain = 64
	// lookupTimeout bounds the question for the signers of an account.
	lookupTimeout = 10 * time.Second
)

// Accounts tells the present signers of an account; stellar.ErrNotFound where it does not exist.
type Accounts interface {
	Account(ctx context.Context, id string) (stellar.Account, error)
}

// Deps are what a Handler is made of.
type Deps struct {
	Challenges Challenges
	Accounts   Accounts
	Signing    *keypair.Full // SIGNING_KEY of stellar.toml
	Passphrase string        // of the network

	HomeDomains   []string // host[:port] of the stellar.toml; the first is meant by requests that name none
	WebAuthDomain string   // host[:port] of the endpoint itself
	Issuer        string   // URL of the endpoint: the iss of its tokens

	JWTKeys           [][]byte      // at least 32 bytes each: the first signs tokens, all verify them
	TokenLifetime     time.Duration // whole seconds
	ChallengeLifetime time.Duration // whole seconds
	MuxedAllowed      bool          // M… accounts (SEP-23)

	Attribution Attribution

	Log *slog.Logger
	Now func() time.Time // nil: the host's clock
}

// Handler answers at the endpoint and verifies its tokens. It is safe for concurrent use.
type Handler struct {
	Deps
	keys     keyring
	parser   *jwt.Parser
	domains  *domains
	redeemer *redeemer
}

// New checks the parts and makes a Handler of them.
func New(d Deps) (*Handler, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("sep10: %w", err)
	}
	d.Now = clockOf(d.Now)
	h := &Handler{Deps: d, keys: newKeyring(d.JWTKeys), parser: parserOf(d), redeemer: &redeemer{challenges: d.Challenges}}
	h.domains = newDomains(h)
	return h, nil
}

func (d Deps) check() error {
	var faults []error
	must := func(holds bool, fault string) {
		if !holds {
			faults = append(faults, errors.New(fault))
		}
	}
	must(d.Challenges != nil && d.Accounts != nil && d.Signing != nil && d.Log != nil, "a part is missing")
	must(d.Passphrase != "" && d.Issuer != "", "the network's passphrase or the issuer is missing")
	must(len(d.HomeDomains) > 0, "there is no home domain")
	for _, domain := range d.HomeDomains {
		must(domain != "" && len(domain) <= maxHomeDomain, fmt.Sprintf("home domain %q has not 1 to %d bytes", domain, maxHomeDomain))
	}
	must(d.WebAuthDomain != "" && len(d.WebAuthDomain) <= maxWebAuthDomain,
		fmt.Sprintf("web auth domain %q has not 1 to %d bytes", d.WebAuthDomain, maxWebAuthDomain))
	must(len(d.JWTKeys) > 0, "there is no key for the tokens")
	for _, key := range d.JWTKeys {
		must(len(key) >= shortestKey, fmt.Sprintf("a key of the tokens is shorter than %d bytes", shortestKey))
	}
	must(d.Attribution.Outbound != nil || !d.Attribution.Required, "client domains are required, and nothing to read them with is given")
	must(d.TokenLifetime >= time.Second && d.ChallengeLifetime >= time.Second, "a lifetime is shorter than a second")
	return errors.Join(faults...)
}

// Routes adds the endpoint to a group, which is WEB_AUTH_ENDPOINT: /auth.
func (h *Handler) Routes(g *echo.Group) {
	g.GET("", h.getChallenge)
	g.POST("", h.postChallenge)
}

type challengeAnswer struct {
	Transaction       string `json:"transaction"`
	NetworkPassphrase string `json:"network_passphrase"`
}

type tokenAnswer struct {
	Token string `json:"token"`
}

func (h *Handler) getChallenge(c echo.Context) error {
	asked, err := h.askedOf(c.QueryParams())
	if err != nil {
		return err
	}
	if asked.domain, err = h.domains.of(c.Request().Context(), c.QueryParam("client_domain")); err != nil {
		return err
	}
	envelope, err := h.challenge(asked)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, challengeAnswer{Transaction: envelope, NetworkPassphrase: h.Passphrase})
}

func (h *Handler) postChallenge(c echo.Context) error {
	envelope, err := envelopeOf(c.Request())
	if err != nil {
		return err
	}
	token, err := h.login(c.Request().Context(), envelope)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, tokenAnswer{token})
}

// login gives a token for a signed challenge. A challenge is used up only by a login that succeeds.
func (h *Handler) login(ctx context.Context, envelope string) (string, error) {
	signed, err := h.read(envelope)
	if err != nil {
		return "", err
	}
	need, err := h.required(ctx, signed.client)
	if err != nil {
		return "", err
	}
	if err := h.checkSignatures(signed, need); err != nil {
		return "", err
	}
	first, err := h.redeemer.use(ctx, signed.name(), signed.expires)
	if err != nil {
		return "", fmt.Errorf("remember the challenge: %w", err)
	}
	if !first {
		return "", anchor.Refuse("this challenge was used before; ask for a new one")
	}
	return h.token(signed)
}
