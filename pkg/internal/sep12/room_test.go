package sep12_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/sep12"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// narrow is a server that holds no more than 1 MiB of bodies at once.
func narrow(t *testing.T, db *store.DB) server {
	t.Helper()
	s := newServer(t, db)
	front, err := httpserver.New(httpserver.Options{Log: slog.New(slog.DiscardHandler), MaxMultipart: sep12.MultipartBytes(0)})
	require.NoError(t, err)
	sep12.New(s.keep, caller, sep12.HeldBytes(1<<20)).Routes(front.Group("/kyc", protect))
	s.http = openapitest.Checked(t, front)
	return s
}

// slowly begins to upload a file and returns once the server has read all but its end; finish sends that.
func (s server) slowly(token string, size int) (finish func() *httptest.ResponseRecorder) {
	s.Helper()
	f := newForm().file(s, "file", image(size))
	require.NoError(s, f.writer.Close())
	arriving, sending := io.Pipe()
	s.Cleanup(func() { _ = sending.Close() })
	r := httptest.NewRequestWithContext(s.Context(), http.MethodPost, "/kyc/customer/files", arriving)
	r.Header.Set("Content-Type", f.writer.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token)
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, r)
		answered <- w
	}()
	all := f.body.Bytes()
	most, some, rest := all[:len(all)-2], all[len(all)-2:len(all)-1], all[len(all)-1:]
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		_, _ = sending.Write(most)
		_, _ = sending.Write(some) // whoever reads this has counted what came before
	}()
	select {
	case <-taken:
	case w := <-answered:
		require.Fail(s, "answered before everything was sent", w.Body.String())
	}
	return func() *httptest.ResponseRecorder {
		go func() {
			_, _ = sending.Write(rest)
			_ = sending.Close()
		}()
		return <-answered
	}
}

func TestUploads_at_once_hold_no_more_than_there_is_room_for(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := narrow(t, db)
	finish := s.slowly(account(), 900<<10)

	late := s.postFile(account(), newForm().file(t, "file", image(300<<10)))
	require.Equal(t, http.StatusServiceUnavailable, late.status, late.raw)
	require.Contains(t, late.body["error"], "try again")
	photo := s.putForm(account(), newForm().text(t, "type", "sep31-receiver").file(t, "photo_id_front", image(300<<10)))
	require.Equal(t, http.StatusServiceUnavailable, photo.status, photo.raw)

	small := s.putJSON(account(), `{"first_name":"Ada"}`)
	require.Equal(t, http.StatusAccepted, small.status, "what holds no file is taken: %s", small.raw)

	require.Equal(t, http.StatusOK, finish().Code)
	for range 4 {
		again := s.postFile(account(), newForm().file(t, "file", image(900<<10)))
		require.Equal(t, http.StatusOK, again.status, "whoever was answered gives the room back: %s", again.raw)
	}
	refused := s.postFile(account(), newForm().file(t, "file", make([]byte, 900<<10)))
	require.Equal(t, http.StatusBadRequest, refused.status)
	last := s.postFile(account(), newForm().file(t, "file", image(900<<10)))
	require.Equal(t, http.StatusOK, last.status, "and whoever was refused: %s", last.raw)
}
