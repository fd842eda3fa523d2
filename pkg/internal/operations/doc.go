// Package operations is the HTTP API by which programs of the business speak first: late KYC, what a bank tells of a payout,
// a look at a transaction (docs/operations-api.md). It is the HTTP face of anchor.Operations, for the operator's address.
//
// It promises that nothing of a body is read before a valid key of the right scope was shown, that a body which could mean two
// things is refused, and that repeating a request is safe. It must never decide what news mean, tell of people, or be put on the
// public address. The wiring mounts it on the operator's server.
package operations
