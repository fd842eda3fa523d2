package payments

import (
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/stellar/rpc"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// ConflictError says that two different payments claim the same place in the ledger: the source shows another history than
// the one that was stored.
type ConflictError struct {
	Account        string
	OperationID    int64
	Index          int
	StoredHash     string
	ReadHash       string
	StoredU, ReadU int64 // units, 10^-7
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("account %s: operation %d (%d) was stored as %s over %s and now reads as %s over %s. The network is shown with another "+
		"history than before: check HORIZON_URI (ANCHOR_RPC_URL); after a reset of the network use a new database (DATABASE_URL)",
		e.Account, e.OperationID, e.Index, e.StoredHash, amount(e.StoredU), e.ReadHash, amount(e.ReadU))
}

// GapError says that ledgers which were never read are not kept by the source any more.
type GapError struct {
	Account     string
	First, Last int64 // the ledgers that are missing
}

func (e *GapError) Error() string {
	return fmt.Sprintf("account %s: ledgers %d to %d have not been read and are no longer kept where they are read from, so payments in them "+
		"would be missed: add a Horizon that keeps ledger %d to HORIZON_URI (with ANCHOR_LEDGER_SOURCE=horizon), or set ANCHOR_RPC_URL to a Stellar RPC "+
		"that does (with ANCHOR_LEDGER_SOURCE=rpc), and start again; the source may be changed back once the account is read to the head",
		e.Account, e.First, e.Last, e.First)
}

// ResetError says that the network has begun anew under the same passphrase, as test networks do.
type ResetError struct {
	Account string
	Reason  string
}

func (e *ResetError) Error() string {
	return fmt.Sprintf("account %s: the network has been reset or another one is shown: %s. What this database knows is gone from it: "+
		"check HORIZON_URI (ANCHOR_RPC_URL); after a reset use a new database (DATABASE_URL) and create the assets again", e.Account, e.Reason)
}

// stops tells whether going on after err could miss or mistake payments: the watcher then ends, for all accounts.
func stops(err error) bool {
	var (
		conflict *ConflictError
		gap      *GapError
		reset    *ResetError
		network  *stellar.WrongNetworkError
		broken   *rpc.ChainError
		chain    *store.OtherChainError
	)
	return errors.As(err, &broken) || errors.As(err, &conflict) || errors.As(err, &gap) || errors.As(err, &reset) || errors.As(err, &network) || errors.As(err, &chain)
}

// tolerance is by how many ledgers one Horizon may well be behind the one that was asked when an account was registered.
const tolerance = 100

// checkHistory judges by what the source announced before it answered whether its history is the one read so far, without
// a gap.
func checkHistory(from store.Cursor, latest stellar.Ledger, elder int64) error {
	if err := checkChain(from, latest); err != nil {
		return err
	}
	if missing := firstUnseen(from); elder > missing {
		return &GapError{Account: from.Account, First: missing, Last: elder - 1}
	}
	return nil
}

// checkChain judges whether the source shows the chain read so far. One that is merely behind is no reason to stop.
func checkChain(from store.Cursor, latest stellar.Ledger) error {
	if latest.Sequence > 0 && latest.Sequence < from.ThroughLedger && latest.ClosedAt.UnixMicro() > from.ThroughClosedUs && from.ThroughClosedUs > 0 {
		return &ResetError{from.Account, fmt.Sprintf("its newest ledger %d closed at %s, but ledger %d closed earlier, at %s",
			latest.Sequence, instant(latest.ClosedAt), from.ThroughLedger, instant(from.ThroughClosed()))}
	}
	if from.ThroughClosedUs == 0 && latest.Sequence > 0 && latest.Sequence+tolerance < from.StartedLedger {
		return &ResetError{from.Account, fmt.Sprintf("the account is watched from ledger %d on, but the newest is %d", from.StartedLedger, latest.Sequence)}
	}
	if latest.Sequence == from.ThroughLedger {
		if err := checkHash(from, latest); err != nil {
			return err
		}
	}
	return nil
}

// checkHash compares the ledger that was seen through with the one that the source has under its number.
func checkHash(from store.Cursor, same stellar.Ledger) error {
	if from.LedgerHash == "" || same.Hash == "" || from.LedgerHash == same.Hash {
		return nil
	}
	return &ResetError{from.Account, fmt.Sprintf("ledger %d had the hash %s and now has %s", same.Sequence, from.LedgerHash, same.Hash)}
}

// firstUnseen is the first ledger of which something may not have been read. The position's own ledger counts as unseen,
// for it may have been read in part, save where the position is the very last of it. The first ledger of a network holds no payments.
func firstUnseen(c store.Cursor) int64 {
	const first = 2
	return max(c.ThroughLedger+1, (c.Position+1)>>ledgerShift, first)
}
