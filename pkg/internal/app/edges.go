package app

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/stellar/go-stellar-sdk/keypair"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/quotes"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
	"github.com/anchorkit/anchor/pkg/internal/sep12"
	"github.com/anchorkit/anchor/pkg/internal/sep31"
	"github.com/anchorkit/anchor/pkg/internal/sep38"
	"github.com/anchorkit/anchor/pkg/money"
)

// tomlBytes is the most that a stellar.toml may have (SEP-1).
const tomlBytes = 100_000

// server puts the active SEPs on the public address. Tokens are verified before anything else of a request is looked at, and
// accounts are counted once they are known.
func (a *App) server() (*httpserver.Server, error) {
	s := a.settings.Server
	server, err := httpserver.New(a.httpOptions())
	if err != nil {
		return nil, err
	}
	a.registry.MustRegister(server.Metrics())
	auth, err := a.sep10()
	if err != nil {
		return nil, err
	}
	everything := server.PerAccount(httpserver.Everything, sep10.CallerAccount)
	if s.Active("sep-1") {
		if a.toml, err = a.sep1(auth.Signing.Address()); err != nil {
			return nil, err
		}
		a.toml.Routes(server.Group("/.well-known"))
	}
	if s.Active("sep-10") {
		auth.Routes(server.Group("/auth"))
	}
	if s.Active("sep-12") {
		customers := server.PerAccount(httpserver.Customers, sep10.CallerAccount)
		sep12.New(a.customers, sep10.Caller, sep12.FileBytes(a.settings.Limits.FileBytes)).
			Routes(server.Group("/kyc", auth.Require(anchor.CodeUnauthenticated), customers))
	}
	if s.Active("sep-31") {
		sep31.New(a.transactions, sep10.Caller).Routes(server.Group("/sep31"), auth.Require(anchor.CodeForbidden), everything)
	}
	if s.Active("sep-38") {
		sep38.New(a.quotes(), sep10.Caller).Routes(server.Group("/sep38"),
			httpserver.Both(auth.Require(anchor.CodeForbidden), everything), httpserver.Both(auth.Optional(anchor.CodeForbidden), everything))
	}
	return server, a.documents(server)
}

func (a *App) httpOptions() httpserver.Options {
	s, l := a.settings.Server, a.settings.Limits
	return httpserver.Options{
		Listen: s.Listen, Listener: a.listener, TrustedProxies: s.TrustedProxies, Log: a.log,
		MaxMultipart: sep12.MultipartBytes(l.FileBytes),
		Limits: httpserver.Limits{
			RequestsPerAddress: l.RequestsPerAddress, LoginsPerAddress: l.LoginsPerAddress, CustomersPerAddress: l.CustomersPerAddress,
			RequestsPerAccount: l.RequestsPerAccount, CustomersPerAccount: l.CustomersPerAccount,
		},
		Connections: l.Connections, TLSCertificate: s.TLSCertificate, TLSKey: s.TLSKey, HTTPS: strings.HasPrefix(s.HostURL, "https://"),
	}
}

func (a *App) sep10() (*sep10.Handler, error) {
	s := a.settings
	signing, err := keypair.ParseFull(s.Keys.SigningSeed.Reveal())
	if err != nil {
		return nil, fmt.Errorf("signing seed: %w", err)
	}
	host, err := url.Parse(s.Server.HostURL)
	if err != nil {
		return nil, fmt.Errorf("host URL: %w", err)
	}
	keys := [][]byte{[]byte(s.Keys.ServerJWTKey.Reveal())}
	previous, err := s.Keys.PreviousJWT()
	if err != nil {
		return nil, err
	}
	for _, key := range previous {
		keys = append(keys, []byte(key.Reveal()))
	}
	return sep10.New(sep10.Deps{
		Challenges: a.db, Accounts: a.horizon, Signing: signing, Passphrase: s.Network.Passphrase, HomeDomains: s.SEP10.HomeDomains,
		WebAuthDomain: host.Host, Issuer: s.Server.HostURL + "/auth", JWTKeys: keys, TokenLifetime: s.SEP10.TokenLifetime,
		ChallengeLifetime: s.SEP10.ChallengeLifetime, MuxedAllowed: s.Server.SEP23, Log: a.log,
		Attribution: sep10.Attribution{
			Outbound: a.domains, Required: s.SEP10.AttributionRequired, Allow: s.SEP10.AttributionAllowlist,
			Deny: s.SEP10.AttributionDenylist, PlainHTTP: s.Server.LocalMode,
		},
	})
}

func (a *App) sep1(signingKey string) (*sep1.Handler, error) {
	o := a.tomlOptions(signingKey)
	if path := a.settings.Server.TomlFile; path != "" {
		var err error
		if o.Own, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("ANCHOR_TOML_FILE: %w", err)
		}
	}
	return sep1.New(o)
}

func (a *App) tomlOptions(signingKey string) sep1.Options {
	s := a.settings
	o := sep1.Options{
		HostURL: s.Server.HostURL, Passphrase: s.Network.Passphrase, SigningKey: signingKey, ActiveSEPs: s.Server.ActiveSEPs,
		Documentation: documentation(s.Documentation), Assets: a.publishedAssets, Change: a.business.Toml, Log: a.log,
	}
	for _, p := range s.Principals {
		o.Principals = append(o.Principals, principal(p))
	}
	return o
}

// quotes are given to whom transactions are agreed with.
func (a *App) quotes() *quotes.Service {
	return quotes.New(quotes.Deps{
		DB: a.db, Integration: a.business.Quotes, Assets: a.exchangedAssets, Log: a.log, Admit: a.admitted,
	})
}

// admitted tells whether the business has an agreement with an account; an error of CodeForbidden if not.
func (a *App) admitted(ctx context.Context, who anchor.SendingAnchor) error {
	_, err := a.transactions.Admit(ctx, who)
	return err
}

func (a *App) exchangedAssets(ctx context.Context) ([]quotes.Received, error) {
	all, err := a.db.Assets(ctx)
	if err != nil {
		return nil, err
	}
	var list []quotes.Received
	for _, asset := range all {
		if !asset.Receivable() || !asset.Sep38Enabled {
			continue
		}
		id, err := money.Stellar(asset.Code, asset.Issuer)
		if err != nil {
			return nil, fmt.Errorf("asset %s: %w", asset.Code, err)
		}
		list = append(list, quotes.Received{Asset: id, Decimals: int(asset.Decimals)})
	}
	return list, nil
}

// documents describes all that is served.
func (a *App) documents(server *httpserver.Server) error {
	s := a.settings
	docs, err := openapi.New(openapi.Options{
		Title: title(s.Documentation.OrgName), ServerURL: s.Server.HostURL, ActiveSEPs: s.Server.ActiveSEPs,
	})
	if err != nil {
		return err
	}
	docs.Routes(server)
	return nil
}

func title(organisation string) string {
	if organisation == "" {
		return "Receiving anchor"
	}
	return organisation + ": receiving anchor"
}

// newDomains is the client for the stellar.toml of domains that clients name (SEP-10 client_domain).
func (a *App) newDomains() *outbound.Client {
	s := a.settings
	return outbound.New(outbound.Options{
		Timeout: s.SEP10.AttributionRequestTimeout, MaxBody: tomlBytes, AllowPrivate: s.Server.LocalMode, UserAgent: "anchor",
	})
}
