package app

import (
	"slices"
	"time"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// newRefunds makes the engine of refunds; it signs with what the business brought, else with the seeds that are kept, else
// with the remote signer of the settings.
func (a *App) newRefunds(awaitHead time.Duration) (*refunds.Service, error) {
	s := a.settings
	custody, err := a.custody()
	if err != nil {
		return nil, err
	}
	lease := s.Workers.Lease
	return refunds.New(a.db, a.hooks.network(a.horizon), custody, a.log, refunds.Options{
		Owner: a.owner, Lease: lease, SubmitTimeout: min(time.Minute, lease/2), CallTimeout: min(20*time.Second, lease/4),
		Passphrase: s.Network.Passphrase, TimeBound: s.Refunds.TimeBound, MaxFeeStroops: int64(s.Network.MaxFeeStroops), AwaitHead: awaitHead,
		Excluded: slices.Concat(s.Refunds.ExcludedAccounts, s.Refunds.TreasuryAccounts), // what the business puts in stays
		Policy: func(code, issuer string) refunds.Policy {
			p := policyOf(s, code, issuer)
			return refunds.Policy{Floor: stellarUnits(p.RefundFloor), DailyCap: stellarUnits(p.RefundDailyCap)}
		},
	}), nil
}

// untilRead is how long a single pass waits for the watcher to read the accounts to the network's head: nothing is sent
// before that.
const untilRead = 30 * time.Second

// refundOnce sends the refunds that are due. A database without any is not made to wait.
func (a *App) refundOnce(life worker.Life) error {
	s, err := a.newRefunds(untilRead)
	if err != nil {
		return err
	}
	_, err = s.Execute(life.Soft, life.Hard)
	return err
}

func (a *App) custody() (anchor.Custody, error) {
	if a.business.Custody != nil {
		return a.business.Custody, nil
	}
	r := a.settings.Refunds
	if !r.SignerURL.IsSet() {
		return refunds.NewSigners(a.db, nil), nil
	}
	remote, err := refunds.NewRemote(refunds.RemoteOptions{URL: r.SignerURL.Reveal(), Token: r.SignerToken.Reveal()})
	if err != nil {
		return nil, err
	}
	return refunds.NewSigners(a.db, remote), nil
}

// Refunds is how operators decide about refunds.
func (a *App) Refunds() *refunds.Operator { return refunds.NewOperator(a.db) }

// source is where payments are read from.
func (a *App) source() (payments.Source, error) {
	n := a.settings.Network
	if n.LedgerSource != config.LedgerRPC {
		return a.horizon, nil
	}
	header, err := n.RPCHeader()
	if err != nil {
		return nil, err
	}
	return rpc.New(rpc.Options{URL: n.RPCURL.Reveal(), Passphrase: n.Passphrase, Header: header, Log: a.log})
}
