package sandbox

import (
	"encoding/hex"
	"strconv"
)

// print writes the ledger as Horizon's resource.
func (l *closedLedger) print(p *printer, _ bool) {
	sequence, hash := strconv.Itoa(int(l.sequence)), hex.EncodeToString(l.hash[:])
	p.open('{')
	p.object("_links")
	p.link("self", "/ledgers/", sequence)
	for _, name := range [...]string{"transactions", "operations", "payments", "effects"} {
		p.template(name, "/ledgers/", sequence, "/", name, paging)
	}
	p.close('}')
	p.plain("id", hash)
	p.count("paging_token", l.start())
	p.plain("hash", hash)
	p.plain("prev_hash", hex.EncodeToString(l.previous[:]))
	p.number("sequence", int64(l.sequence))
	p.number("successful_transaction_count", int64(l.successful))
	p.number("failed_transaction_count", int64(l.failed))
	p.number("operation_count", int64(l.operations))
	p.number("tx_set_operation_count", int64(l.allOperations))
	p.plain("closed_at", l.closedAt)
	p.amount("total_coins", totalCoins)
	p.amount("fee_pool", l.feePool)
	p.number("base_fee_in_stroops", l.baseFee)
	p.number("base_reserve_in_stroops", baseReserve)
	p.number("max_tx_set_size", ledgerCapacity)
	p.number("protocol_version", protocol)
	p.plain("header_xdr", l.header)
	p.close('}')
}
