// Package outbound is the one HTTP client for addresses that somebody else chose: callback urls of sending anchors,
// stellar.toml files of client domains.
//
// It promises that no such address reaches into the network this process stands in: what is judged is the address of
// each connection at the moment it is made, so a name that resolves differently the second time gains nothing. Every
// call is bounded in time and size, follows no redirect, uses no proxy and speaks https only. Errors name the host and
// nothing else of the url, whose path and query may be secrets of its owner.
//
// It must never send credentials of ours, retry by itself, or be used for addresses that the operator configured
// (Horizon, the business' own server): those may well be private.
//
// The delivery of callbacks and the reading of client domains call it; the handlers that take in a url call CheckURL.
package outbound
