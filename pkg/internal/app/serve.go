package app

import (
	"context"
	"fmt"
	"net/url"

	"github.com/stellar/go-stellar-sdk/keypair"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
	"github.com/anchorkit/anchor/pkg/internal/sep10"
	"github.com/anchorkit/anchor/pkg/internal/sep12"
	"github.com/anchorkit/anchor/pkg/internal/sep31"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// Serve answers sending anchors and delivers callbacks until life ends.
func (a *App) Serve(life worker.Life) error { return a.roles(life, a.serve) }

func (a *App) serve(life worker.Life) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	if err := server.Bind(life.Soft); err != nil {
		return err
	}
	a.log.Info("serving", "address", server.Addr(), "host_url", a.settings.Server.HostURL)
	signer, err := keypair.ParseFull(a.settings.Keys.SigningSeed.Reveal())
	if err != nil {
		return fmt.Errorf("signing seed: %w", err)
	}
	group, soft := errgroup.WithContext(life.Soft)
	life.Soft = soft
	group.Go(func() error { return server.Run(life.Soft, life.Hard) })
	group.Go(func() error { return a.callbacks(signer).Run(life) })
	group.Go(func() error { return a.tidy(life.Soft) })
	return group.Wait()
}

func (a *App) server() (*httpserver.Server, error) {
	s := a.settings.Server
	server, err := httpserver.New(httpserver.Options{Listen: s.Listen, Listener: a.listener, TrustedProxies: s.TrustedProxies, Log: a.log})
	if err != nil {
		return nil, err
	}
	auth, err := a.sep10()
	if err != nil {
		return nil, err
	}
	if s.Active("sep-1") {
		toml, err := sep1.New(a.tomlOptions(auth.Signing.Address()))
		if err != nil {
			return nil, err
		}
		toml.Routes(server.Group("/.well-known"))
	}
	if s.Active("sep-10") {
		auth.Routes(server.Group("/auth"))
	}
	if s.Active("sep-12") {
		sep12.New(a.customers, sep10.Caller).Routes(server.Group("/kyc", auth.Require(anchor.CodeUnauthenticated)))
	}
	if s.Active("sep-31") {
		sep31.New(a.transactions, sep10.Caller).Routes(server.Group("/sep31"), auth.Require(anchor.CodeForbidden))
	}
	return server, nil
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
	return sep10.New(sep10.Deps{
		Challenges: a.db, Accounts: a.horizon, Signing: signing, Passphrase: s.Network.Passphrase, HomeDomains: s.SEP10.HomeDomains,
		WebAuthDomain: host.Host, Issuer: s.Server.HostURL + "/auth", JWTKey: []byte(s.Keys.ServerJWTKey.Reveal()),
		TokenLifetime: s.SEP10.TokenLifetime, ChallengeLifetime: s.SEP10.ChallengeLifetime, MuxedAllowed: s.Server.SEP23, Log: a.log,
	})
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

func (a *App) publishedAssets(ctx context.Context) ([]sep1.Asset, error) {
	all, err := a.db.Assets(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]sep1.Asset, len(all))
	for i, asset := range all {
		list[i] = sep1.Asset{
			Code: asset.Code, Issuer: asset.Issuer, Decimals: int(asset.Decimals), ReceivingAccount: asset.ReceivingAccount, Enabled: asset.Enabled,
		}
	}
	return list, nil
}

func documentation(d config.Documentation) map[string]string {
	return map[string]string{
		"ORG_NAME": d.OrgName, "ORG_DBA": d.OrgDBA, "ORG_URL": d.OrgURL, "ORG_LOGO": d.OrgLogo, "ORG_DESCRIPTION": d.OrgDescription,
		"ORG_PHYSICAL_ADDRESS": d.OrgPhysicalAddress, "ORG_PHYSICAL_ADDRESS_ATTESTATION": d.OrgPhysicalAddressAttestation,
		"ORG_PHONE_NUMBER": d.OrgPhoneNumber, "ORG_PHONE_NUMBER_ATTESTATION": d.OrgPhoneNumberAttestation, "ORG_KEYBASE": d.OrgKeybase,
		"ORG_TWITTER": d.OrgTwitter, "ORG_GITHUB": d.OrgGithub, "ORG_OFFICIAL_EMAIL": d.OrgOfficialEmail,
		"ORG_SUPPORT_EMAIL": d.OrgSupportEmail, "ORG_LICENSING_AUTHORITY": d.OrgLicensingAuthority, "ORG_LICENSE_TYPE": d.OrgLicenseType,
		"ORG_LICENSE_NUMBER": d.OrgLicenseNumber,
	}
}

func principal(p config.Principal) map[string]string {
	return map[string]string{
		"name": p.Name, "email": p.Email, "keybase": p.Keybase, "telegram": p.Telegram, "twitter": p.Twitter, "github": p.Github,
		"id_photo_hash": p.IDPhotoHash, "verification_photo_hash": p.VerificationPhotoHash,
	}
}

// newOutbound is the client for addresses that sending anchors choose.
func newOutbound(s config.Settings) *outbound.Client {
	return outbound.New(outbound.Options{
		Timeout: s.Callbacks.RequestTimeout, AllowPrivate: s.Server.LocalMode, DenyDomains: s.Callbacks.DomainDenylist, UserAgent: "anchor",
	})
}

func (a *App) checkCallbackURL() func(string) error {
	return func(text string) error {
		_, err := a.outbound.CheckURL(text)
		return err
	}
}

func (a *App) callbacks(signer callbacks.Signer) *callbacks.Service {
	c := a.settings.Callbacks
	return callbacks.New(a.db, signer, a.outbound, a.log, callbacks.Options{
		Timeout: c.RequestTimeout, MaxAttempts: c.MaxAttempts, MaxWait: c.MaxWait, Concurrency: c.Concurrency, Interval: a.settings.Workers.Interval,
	})
}
