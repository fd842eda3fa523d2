package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// Ledger is one closed ledger.
type Ledger struct {
	Sequence     int64
	ClosedAt     time.Time
	Hash         string // lower hex
	PreviousHash string // lower hex
	Successful   int    // transactions
	Failed       int    // transactions
}

// closedLedger is a Ledger with what Horizon tells of it besides; it never changes.
type closedLedger struct {
	sequence           uint32
	second             int64
	closedAt           string
	hash, previous     [32]byte
	header             string // base64 of the XDR
	successful, failed int
	operations         int // of successful transactions
	allOperations      int
	feePool            int64
	baseFee            int64
	rate               int64 // the least fee per operation; more than the base fee in a surge
	transactions       []*transaction
}

func (l *closedLedger) position() place { return place{id: l.start()} }
func (l *closedLedger) shown() bool     { return true }

// start is the TOID with which a ledger begins.
func (l *closedLedger) start() int64 { return int64(l.sequence) << 32 }

func (l *closedLedger) public() Ledger {
	return Ledger{
		Sequence: int64(l.sequence), ClosedAt: time.Unix(l.second, 0).UTC(), Successful: l.successful, Failed: l.failed,
		Hash: hex.EncodeToString(l.hash[:]), PreviousHash: hex.EncodeToString(l.previous[:]),
	}
}

// seal writes the header over what the ledger holds and takes its hash.
func (l *closedLedger) seal(previous [32]byte, incarnation uint64) error {
	l.closedAt = stamp(l.second)
	l.previous = previous
	contents, results := sha256.New(), sha256.New()
	for _, t := range l.transactions {
		contents.Write(t.rawHash[:])
		results.Write([]byte(t.result))
	}
	header := xdr.LedgerHeader{
		LedgerVersion:      protocol,
		PreviousLedgerHash: previous,
		ScpValue:           xdr.StellarValue{TxSetHash: xdr.Hash(contents.Sum(nil)), CloseTime: xdr.TimePoint(l.second)},
		TxSetResultHash:    xdr.Hash(results.Sum(nil)),
		BucketListHash:     sha256.Sum256(binary.BigEndian.AppendUint64(previous[:], incarnation)),
		LedgerSeq:          xdr.Uint32(l.sequence),
		TotalCoins:         totalCoins,
		FeePool:            xdr.Int64(l.feePool),
		BaseFee:            xdr.Uint32(l.baseFee),
		BaseReserve:        baseReserve,
		MaxTxSetSize:       ledgerCapacity,
	}
	raw, err := header.MarshalBinary()
	if err != nil {
		return err
	}
	l.hash = sha256.Sum256(raw)
	l.header = base64.StdEncoding.EncodeToString(raw)
	return nil
}

func stamp(second int64) string { return time.Unix(second, 0).UTC().Format("2006-01-02T15:04:05Z") }
