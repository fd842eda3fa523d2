// Package payments credits what arrives on the receiving accounts: it reads their payments from the network, stores every
// one of them, decides to which transaction it belongs and what becomes of those that are not what was agreed, by policies
// and by operators, and expires transactions whose payment did not come in time.
//
// It promises that every payment becomes exactly one row whatever crashed and however often it was read (I1), that the
// position of an account moves only together with what it passed and never skips anything (I2), and that a payment is
// credited to at most one transaction, by account, asset, memo type and memo (I3), or by an operator's word; and that the same
// history ends in the same rows however it is cut into pages. It must never call a business' hook, send money itself (it asks
// for refunds), keep what nobody agreed to, or expire anything by a clock of ours. watch-transactions runs it, and the commands
// by which operators decide about payments.
package payments
