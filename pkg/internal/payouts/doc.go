// Package payouts pays recipients: it claims payouts that are ready, calls their rails, and records what became of them.
//
// It promises that a rail is called only for an attempt whose key and request are committed, that an attempt which may have
// been carried out is never followed by another key without a definitive failure, that a resend has the same key and the same
// bytes, and that every answer is stored whether or not it changes anything. What an answer changes is decided by Decide,
// which is pure.
//
// It must never call a rail while a database transaction is open, take an error of a rail for a failure, or pay again by
// itself what a rail said has failed. The roles execute-outgoing and poll-outgoing run its passes; the business' webhooks and
// operators reach it through Report, Resolve and Retry.
package payouts
