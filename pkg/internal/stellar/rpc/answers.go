package rpc

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// The methods that are called, and what of their results is read.
const (
	methodNetwork = "getNetwork"
	methodHealth  = "getHealth"
	methodLedgers = "getLedgers"
)

type networkResult struct {
	Passphrase      string `json:"passphrase"`
	ProtocolVersion int    `json:"protocolVersion"`
}

// healthResult is asked for rather than getLatestLedger, whose answer carries the whole ledger.
type healthResult struct {
	Latest         number `json:"latestLedger"`
	LatestClosedAt number `json:"latestLedgerCloseTime"`
	Oldest         number `json:"oldestLedger"`
}

type ledgersParams struct {
	Start      int64      `json:"startLedger"`
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	Limit int `json:"limit"`
}

type ledgersResult struct {
	Ledgers        []ledgerResult `json:"ledgers"`
	Latest         number         `json:"latestLedger"`
	LatestClosedAt number         `json:"latestLedgerCloseTime"`
	Oldest         number         `json:"oldestLedger"`
}

type ledgerResult struct {
	Sequence number `json:"sequence"`
	Meta     string `json:"metadataXdr"` // base64 of a LedgerCloseMeta
}

// number is one that some methods and versions write as a string.
type number int64

func (n *number) UnmarshalJSON(text []byte) error {
	parsed, err := strconv.ParseInt(string(bytes.Trim(text, `"`)), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", stellar.Printable(string(text)))
	}
	*n = number(parsed)
	return nil
}
