// Package sender is a sending anchor: the other side of SEP-31, for the demo and for tests from end to end.
//
// It promises to be a stranger. It learns everything from the receiving anchor's stellar.toml, has wire structs of its own
// and checks what a careful client checks: the challenge before signing it, the signature of every callback. So it must never
// import a package of this module. It repeats what is safe to repeat (a POST under its Idempotency-Key, a payment as the
// same envelope) until it is answered, and survives a receiving anchor that is killed and restarted at any moment.
package sender
