// Package decision is the JSON in which a business tells what became of a payout and what it decided about a customer. It is
// the same whether the anchor asked (docs/remote-integration.md) or not (docs/operations-api.md).
//
// It promises that what it reads means one thing, and that nothing which is short of that passes for a decision. It must never
// know who said it, nor decide whether it is to be believed. The edges that talk to a business call it.
package decision
