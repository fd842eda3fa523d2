// Package payments credits what arrives on the receiving accounts: it reads their payments from the network, stores every
// one of them, decides to which transaction it belongs, and expires transactions whose payment did not come in time.
//
// It promises that every payment becomes exactly one row whatever crashed and however often it was read (I1), that the
// position of an account moves only together with what it passed and never skips anything (I2), and that a payment is
// credited to at most one transaction, by account, asset, memo type and memo (I3). It must never call a business' hook, send
// money, or expire anything by a clock of ours. Only watch-transactions runs it.
package payments
