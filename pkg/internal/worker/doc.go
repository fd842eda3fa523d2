// Package worker is how a role works through what is due: a loop that is woken, a lease that makes one of several
// processes the working one, and an orderly end.
//
// It promises that work goes on at once while there is some, that an error never ends a loop unless it says so itself,
// that nothing is started after a request to stop, and that whoever holds a lease is told that it lost it before
// anybody else can have it (judged by the monotonic clock, since the wall clock may be set).
//
// It must never decide what the work is, read a signal itself (the command layer hands them in), or take a wake-up for
// the truth: a pass looks into the database, always.
//
// The four long-running roles and the delivery of callbacks are built on it.
package worker
