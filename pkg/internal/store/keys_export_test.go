package store

import "context"

// NextWhile is Next for a first page, with something that happens after it was read and before it is written.
func (r *Rewrap) NextWhile(ctx context.Context, table int, meanwhile func()) (Rewrapped, error) {
	t := wrappedTables()[table]
	page, err := t.page(ctx, r.db, "", 100)
	if err != nil {
		return Rewrapped{}, err
	}
	meanwhile()
	return r.rewrap(ctx, t, page)
}
