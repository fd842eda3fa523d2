package sandbox

import (
	"slices"
	"strconv"
)

// feeWindow is over how many ledgers fee statistics go.
const feeWindow = 5

// printFeeStats writes what GET /fee_stats answers; n.mu is held.
func (n *Network) printFeeStats(p *printer) {
	latest := n.latest()
	charged, bid := n.recentFees()
	p.open('{')
	p.count("last_ledger", int64(latest.sequence))
	p.count("last_ledger_base_fee", latest.baseFee)
	usage := float64(len(latest.transactions)) / ledgerCapacity
	if n.rate() > n.opts.BaseFee {
		usage = 1 // that is what makes a surge
	}
	p.plain("ledger_capacity_usage", strconv.FormatFloat(usage, 'f', -1, 64))
	p.distribution("fee_charged", charged)
	p.distribution("max_fee", bid)
	p.close('}')
}

// recentFees are the fees per operation of the last ledgers, sorted; the least fee if nobody paid any. In a surge they
// are as if it had lasted for all of them.
func (n *Network) recentFees() (charged, bid []int64) {
	for _, l := range n.ledgers[max(0, len(n.ledgers)-feeWindow):] {
		for _, t := range l.transactions {
			charged = append(charged, max((t.feeCharged-t.resources)/t.feeUnits, n.surge))
			bid = append(bid, max((t.maxFee-t.resources)/t.feeUnits, n.surge))
		}
	}
	if len(charged) == 0 {
		return []int64{n.rate()}, []int64{n.rate()}
	}
	slices.Sort(charged)
	slices.Sort(bid)
	return charged, bid
}

func (p *printer) distribution(name string, sorted []int64) {
	p.object(name)
	p.count("max", sorted[len(sorted)-1])
	p.count("min", sorted[0])
	p.count("mode", mode(sorted))
	for _, percent := range [...]int{10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99} {
		p.count("p"+strconv.Itoa(percent), sorted[(len(sorted)-1)*percent/100])
	}
	p.close('}')
}

// mode is the most frequent value of a sorted list, the smallest of several.
func mode(sorted []int64) int64 {
	best, bestRun, run := sorted[0], 0, 0
	for i, v := range sorted {
		if i > 0 && v != sorted[i-1] {
			run = 0
		}
		if run++; run > bestRun {
			best, bestRun = v, run
		}
	}
	return best
}
