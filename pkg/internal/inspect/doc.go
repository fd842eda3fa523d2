// Package inspect tells operators what happened, why something has not moved on, and what is wrong with an installation:
// the answers of anchor explain and anchor doctor.
//
// It promises that a story is complete and in order, that whatever is not finished is given a reason in plain words with what
// to do about it, and that an examination ends in time whatever does not answer. It must never change anything, decide
// anything about money, or show personal data, seeds or keys: what it reads of people are ids, statuses and names of fields.
// The command line calls it.
package inspect
