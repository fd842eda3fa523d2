package app

import (
	"context"
	"fmt"

	"github.com/stellar/go-stellar-sdk/keypair"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/callbacks"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
	"github.com/anchorkit/anchor/pkg/internal/store"
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
	group.Go(func() error { return a.refresh(life.Soft) })
	return group.Wait()
}

// refresh has stellar.toml show a change of an asset at once, whichever process made it.
func (a *App) refresh(ctx context.Context) error {
	changed := a.db.Wake(ctx, store.TopicAssets)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			if a.toml != nil {
				a.toml.Refresh()
			}
		}
	}
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
		CustomerBody: a.customers.Body,
	})
}
