// Package remote is the integration with a business whose own server, in whatever language, decides and pays: each hook of
// package anchor becomes one signed HTTP call. docs/remote-integration.md is the contract, remote-integration.openapi.yaml
// beside it the same for machines.
//
// It promises that an answer is believed only when it is signed for the very request that was made, that every call ends
// within seconds, that a server which is down is left alone for a while, and that a payout is called failed or not sent only
// when that is certain: everything else is unknown. It must never send a payout twice by itself, follow a redirect, or put
// what a request or an answer says of people into errors and logs. Package app builds it from the settings.
package remote
