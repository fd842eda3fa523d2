package customers

import (
	"context"
	"errors"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Bounds of what an account keeps here before customers take it over.
const (
	mostLooseFiles = 200
	mostLooseBytes = 50 << 20
)

// FileView is a file as its sending anchor sees it (SEP-12 "Customer Files").
type FileView struct {
	ID          string     `json:"file_id"`
	ContentType string     `json:"content_type"`
	Size        int64      `json:"size"` // bytes
	ExpiresAt   *time.Time `json:"expires_at,omitempty"`
	CustomerID  *string    `json:"customer_id"` // null until a customer has taken it over
}

func fileView(f store.CustomerFile) FileView {
	v := FileView{ID: f.ID, ContentType: f.ContentType, Size: f.Size}
	if f.ExpiresUs > 0 {
		v.ExpiresAt = new(time.UnixMicro(f.ExpiresUs).UTC().Truncate(time.Second))
	}
	if f.CustomerID != "" {
		v.CustomerID = &f.CustomerID
	}
	return v
}

// AddFile keeps a file until a field of a customer takes it over or its time is up (SEP-12 "Customer Files", POST). What it
// is is told by its content. It belongs to whom the token names.
func (s *Service) AddFile(ctx context.Context, caller anchor.SendingAnchor, data []byte) (FileView, error) {
	if err := s.checkCaller(caller); err != nil {
		return FileView{}, err
	}
	value, err := s.fileValue("file", data)
	if err != nil {
		return FileView{}, err
	}
	stranger, err := s.strangerOf(ctx, caller)
	if err != nil {
		return FileView{}, err
	}
	f, err := s.keepFile(ctx, fileOwner(caller).Owner, value, stranger)
	if errors.Is(err, store.ErrNoRoom) {
		return FileView{}, anchor.Refuse("too many files of this account wait for a customer; name some of them in PUT /customer, or wait until they run out")
	}
	if err != nil {
		return FileView{}, err
	}
	return fileView(f), nil
}

func (s *Service) keepFile(ctx context.Context, owner store.Owner, value store.CustomerValue, stranger *store.Stranger) (f store.CustomerFile, err error) {
	room := store.FileRoom{Files: mostLooseFiles, Bytes: max(mostLooseBytes, int64(s.options.fileBytes))}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := s.takePlace(ctx, tx, stranger, owner.Account, false); err != nil {
			return err
		}
		if f, err = tx.AddFile(ctx, owner, value, s.options.fileLifetime, room); err != nil {
			return err
		}
		return s.checkPlace(ctx, tx, stranger)
	})
	return f, err
}

// fileValue checks a file's size and content; name is what the client calls it.
func (s *Service) fileValue(name string, data []byte) (store.CustomerValue, error) {
	if len(data) > s.options.fileBytes {
		return store.CustomerValue{}, tooLarge(name, s.options.fileBytes)
	}
	contentType, err := recognise(name, data)
	return store.CustomerValue{Data: data, ContentType: contentType}, err
}

// Files describes one file, or all that a customer's fields hold (SEP-12 "Customer Files", GET). What is not there and what
// is somebody else's make an empty list alike. Exactly one of the ids must be given.
func (s *Service) Files(ctx context.Context, caller anchor.SendingAnchor, fileID, customerID string) ([]FileView, error) {
	if err := s.checkCaller(caller); err != nil {
		return nil, err
	}
	if (fileID == "") == (customerID == "") {
		return nil, anchor.Refuse("either 'file_id' or 'customer_id' is needed")
	}
	if err := tidy(fileID, customerID); err != nil {
		return nil, err
	}
	files, err := s.filesOf(ctx, caller, fileID, customerID)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !notFound(err) {
		return nil, err
	}
	list := make([]FileView, len(files))
	for i, f := range files {
		list[i] = fileView(f)
	}
	return list, nil
}

func (s *Service) filesOf(ctx context.Context, caller anchor.SendingAnchor, fileID, customerID string) ([]store.CustomerFile, error) {
	if fileID != "" {
		f, err := s.db.FileOf(ctx, fileOwner(caller), fileID)
		if err != nil {
			return nil, err
		}
		return []store.CustomerFile{f}, nil
	}
	sc, err := s.scopeOf(caller, Who{ID: customerID})
	if err != nil {
		return nil, err
	}
	row, err := s.find(ctx, sc, customerID)
	if err != nil {
		return nil, err
	}
	return s.db.FilesOfCustomer(ctx, row.ID)
}

// fileOwner is whose files a caller may name: those of the one user that its token names, else those of its account.
func fileOwner(caller anchor.SendingAnchor) store.FileOwner {
	return store.FileOwner{
		Owner:   store.Owner{Account: caller.Account, MemoType: caller.MemoType, Memo: caller.Memo},
		AnyUser: caller.MemoType == "",
	}
}

// sweepFiles removes files that ran out.
func (s *Service) sweepFiles(ctx context.Context) error {
	for {
		if n, err := s.db.PruneFiles(ctx); err != nil || n == 0 {
			return err
		}
	}
}
