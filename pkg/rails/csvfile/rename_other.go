//go:build !linux

package csvfile

// renameNew renames a file in one step, and not over one that is there.
func renameNew(from, to string) error { return renameLooking(from, to) }
