package sandbox

import (
	"encoding/hex"
	"strconv"

	rpcwire "github.com/stellar/go-stellar-sdk/protocols/rpc"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// The ledgers of one answer of getLedgers: usually, and at most.
const (
	rpcUsualLedgers = 50
	rpcMostLedgers  = 200
)

// rpcRange is which ledgers are told of.
type rpcRange struct{ oldest, latest *closedLedger }

func (r rpcRange) wire() rpcwire.LedgerSeqRange {
	return rpcwire.LedgerSeqRange{FirstLedger: r.oldest.sequence, LastLedger: r.latest.sequence}
}

// kept is the range of ledgers that are told of; n.mu is held.
func (n *Network) kept() rpcRange { return rpcRange{oldest: n.ledgers[n.elder-1], latest: n.latest()} }

func (n *Network) rpcHealth() rpcwire.GetHealthResponse {
	n.mu.RLock()
	defer n.mu.RUnlock()
	r := n.kept()
	return rpcwire.GetHealthResponse{
		Status:       "healthy",
		LatestLedger: r.latest.sequence, LatestLedgerCloseTime: r.latest.second,
		OldestLedger: r.oldest.sequence, OldestLedgerCloseTime: r.oldest.second,
		LedgerRetentionWindow: r.latest.sequence - r.oldest.sequence + 1,
	}
}

func (n *Network) rpcLatestLedger() (rpcwire.GetLatestLedgerResponse, error) {
	n.mu.RLock()
	l := n.latest()
	n.mu.RUnlock()
	info, err := l.rpcInfo()
	if err != nil {
		return rpcwire.GetLatestLedgerResponse{}, err
	}
	return rpcwire.GetLatestLedgerResponse{
		Hash: info.Hash, ProtocolVersion: protocol, Sequence: info.Sequence, LedgerCloseTime: info.LedgerCloseTime,
		LedgerHeader: info.LedgerHeader, LedgerMetadata: info.LedgerMetadata,
	}, nil
}

func (n *Network) rpcLedgers(request rpcwire.GetLedgersRequest) (rpcwire.GetLedgersResponse, error) {
	n.mu.RLock()
	r, all := n.kept(), n.ledgers
	n.mu.RUnlock()
	if err := request.Validate(rpcMostLedgers, r.wire()); err != nil {
		return rpcwire.GetLedgersResponse{}, rpcRefused(rpcInvalid, "%s", err.Error())
	}
	first, count, err := readLedgerRange(request)
	if err != nil {
		return rpcwire.GetLedgersResponse{}, err
	}
	answer := rpcwire.GetLedgersResponse{
		Ledgers:      []rpcwire.LedgerInfo{},
		LatestLedger: r.latest.sequence, LatestLedgerCloseTime: r.latest.second,
		OldestLedger: r.oldest.sequence, OldestLedgerCloseTime: r.oldest.second,
	}
	first = max(first, uint64(r.oldest.sequence))
	for sequence := first; sequence < first+count && sequence <= uint64(r.latest.sequence); sequence++ {
		info, err := all[sequence-1].rpcInfo()
		if err != nil {
			return rpcwire.GetLedgersResponse{}, err
		}
		answer.Ledgers = append(answer.Ledgers, info)
		answer.Cursor = strconv.FormatUint(sequence, 10)
	}
	return answer, nil
}

// readLedgerRange answers the first ledger and how many. A cursor is the last ledger of the answer before.
func readLedgerRange(request rpcwire.GetLedgersRequest) (first, count uint64, err error) {
	first, count = uint64(request.StartLedger), rpcUsualLedgers
	if request.Pagination == nil {
		return first, count, nil
	}
	if request.Pagination.Limit > 0 {
		count = uint64(request.Pagination.Limit)
	}
	if request.Pagination.Cursor != "" {
		last, err := strconv.ParseUint(request.Pagination.Cursor, 10, 32)
		if err != nil {
			return 0, 0, rpcRefused(rpcInvalid, "the cursor is no ledger")
		}
		first = last + 1
	}
	return first, count, nil
}

func (l *closedLedger) rpcInfo() (rpcwire.LedgerInfo, error) {
	meta, err := l.closeMeta()
	if err != nil {
		return rpcwire.LedgerInfo{}, err
	}
	header, err := xdr.MarshalBase64(meta.V2.LedgerHeader)
	if err != nil {
		return rpcwire.LedgerInfo{}, err
	}
	text, err := xdr.MarshalBase64(meta)
	if err != nil {
		return rpcwire.LedgerInfo{}, err
	}
	return rpcwire.LedgerInfo{
		Hash: hex.EncodeToString(l.hash[:]), Sequence: l.sequence, LedgerCloseTime: l.second, LedgerHeader: header, LedgerMetadata: text,
	}, nil
}
