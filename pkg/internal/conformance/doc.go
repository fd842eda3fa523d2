// Package conformance judges a receiving anchor from outside, by the 60 checks that Stellar's own conformance suite makes for
// SEP-1, 10, 12, 31 and 38, and by what sending anchors could do to each other.
//
// It promises that each check demands what the suite demands, under the suite's number, and that a check which cannot run
// because another one failed counts as failed. It must never know the anchor's own packages: what it expects is written down
// here a second time, else both could be wrong alike. Tests call it.
package conformance
