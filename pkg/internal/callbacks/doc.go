// Package callbacks tells sending anchors what became of their transactions and customers: it delivers the callback rows
// (SEP-31 "PUT Transaction Callback", SEP-12 "Customer Callback PUT") that were written together with each change.
//
// It promises that each message arrives at least once, those about one transaction, or one customer in one role, in their
// order, until the receiver accepts it or it is given up after days; that address and signature are those of the moment of
// sending, while the body is that of the moment of the change for a transaction and of the moment of sending for a customer;
// and that a slow or broken receiver delays nobody else. It must never write anything but the state of callback rows, follow
// what an answer says, or keep or log what a receiver wrote.
//
// The role serve runs it. Any number of processes may deliver at once.
package callbacks
