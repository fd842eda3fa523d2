// Package anchortest is the test kit of those who write a business for the anchor: CheckRails and CheckReceiver hold their
// code against the contracts of package anchor, Start gives them a whole anchor to try it in.
//
// It promises that what a check reports breaks a rule which the anchor relies on, and names that rule; and that an anchor
// of Start is the real one, on a fresh SQLite database, with a Stellar network of its own in the same process, listening on
// loopback only, gone when its test ends. It must never be given a rail that moves real money: a check makes payouts. It
// needs no settings, no network and no other server, and keeps no state between two calls. Only tests import it.
package anchortest
