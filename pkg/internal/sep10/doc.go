// Package sep10 is how a sending anchor proves which Stellar account it speaks for (SEP-10): the challenge, the token given
// for a signed one, and the middleware that reads tokens.
//
// It promises that a token is given only for a challenge of ours that is in time, was not used before and carries
// signatures of the account's present signers up to its medium threshold (or of its master key alone, where the account does
// not exist), that a token names a client domain only if the domain's SIGNING_KEY signed as well, and that the middleware lets
// nothing pass but a token of ours that has not run out. Whatever a client domain answers costs little, and few are asked at
// once.
//
// It must never ask whether an account is a client of the business (SEP-31's endpoints do; any account may log in), remember
// signers between requests, call an address that a request names but through package outbound, or let a seed, a key or a
// token into an error or a log line. The wiring puts it on the server; the other edges get Caller from there.
package sep10
