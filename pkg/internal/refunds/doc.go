// Package refunds sends money back on the network: envelopes of one payment from a receiving account to who paid it.
//
// It promises that a refund reaches the ledger at most once whatever crashes, answers late or lies: an envelope is committed,
// signed and with its hash, before the network sees it; one envelope of an account may land at a time; and another one is
// made only after the ledger itself shows that the one before cannot land any more. It stops by itself where something is
// not as it knows it: an account that has not been read to the network's head since this process began, money that left an
// account without a refund that explains it, a database that was restored from an older copy.
//
// It must never take an answer to a submission, a 404 or a clock of this machine for proof; never send what no committed row
// tells of; never decide by itself that a payment goes back, which policies, rails and operators do (store.Tx.RequestRefund).
//
// execute-outgoing runs it beside the payouts, and the operators' commands release, cancel and explain with it.
package refunds
