// Package apikeys keeps the keys by which programs of the business use the operations API, and makes what they ask for happen
// once.
//
// It promises that a key is told once and stored as a hash, that one which is unknown, wrong, expired or revoked is refused in
// the same words, and that a request repeated under its Idempotency-Key is not made twice after it has succeeded. It must never
// log a key or put one into an error. The edge that serves the API asks it, operators' commands make and revoke keys.
package apikeys
