package sep12_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
	"github.com/anchorkit/anchor/pkg/internal/integration/declared"
	"github.com/anchorkit/anchor/pkg/internal/openapi/openapitest"
	"github.com/anchorkit/anchor/pkg/internal/sep12"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// server is /kyc as clients reach it. A token is the account it names, or account:memo.
type server struct {
	testing.TB
	http http.Handler
	db   *store.DB
	keep *customers.Service
}

func newServer(t testing.TB, db *store.DB, options ...customers.Option) server {
	t.Helper()
	business := declared.New(declared.Options{Types: []declared.CustomerType{
		{Name: "sep31-sender", Side: declared.Sender, Fields: map[string]anchor.Field{
			"first_name": {Type: anchor.FieldString, Description: "given name"},
			"last_name":  {Type: anchor.FieldString, Description: "family name"},
			"birth_date": {Type: anchor.FieldDate, Description: "day of birth", Optional: true},
			"occupation": {Type: anchor.FieldNumber, Description: "ISCO-08", Optional: true},
		}},
		{Name: "sep31-receiver", Side: declared.Receiver, Fields: map[string]anchor.Field{
			"first_name":          {Type: anchor.FieldString, Description: "given name"},
			"bank_account_number": {Type: anchor.FieldString, Description: "number of the account"},
			"photo_id_front":      {Type: anchor.FieldBinary, Description: "photo of the document", Optional: true},
		}},
	}})
	service := customers.New(db, business.Customers, nil, append(options, customers.CheckCallbackURL(onlyHTTPS))...)
	s, err := httpserver.New(httpserver.Options{Log: slog.New(slog.DiscardHandler), MaxMultipart: sep12.MultipartBytes(4 << 20)})
	require.NoError(t, err)
	sep12.New(service, caller).Routes(s.Group("/kyc", protect))
	return server{t, openapitest.Checked(t, s), db, service}
}

func onlyHTTPS(url string) error {
	if !strings.HasPrefix(url, "https://") {
		return errors.New("it must be https")
	}
	return nil
}

// eachServer runs a test on both databases.
func eachServer(t *testing.T, test func(t *testing.T, s server)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newServer(t, db)) })
}

func caller(c echo.Context) anchor.SendingAnchor {
	account, memo, _ := strings.Cut(strings.TrimPrefix(c.Request().Header.Get("Authorization"), "Bearer "), ":")
	who := anchor.SendingAnchor{Account: account, Memo: memo}
	if memo != "" {
		who.MemoType = "id"
	}
	return who
}

// protect refuses requests without a token, as the middleware in front does.
func protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Header.Get("Authorization") == "" {
			return anchor.RefuseAs(anchor.CodeUnauthenticated, "a token is needed")
		}
		return next(c)
	}
}

// image is what begins like a PNG image and is so many bytes long.
func image(size int) []byte {
	data := make([]byte, size)
	copy(data, "\x89PNG\r\n\x1a\n")
	return data
}

func account() string { return keypair.MustRandom().Address() }

// answer is what came back; every answer is JSON.
type answer struct {
	status int
	raw    string
	body   map[string]any
}

// ask sends a request; without a token it is not authenticated, without a content type it does not say what it sends.
func (s server) ask(method, path, token, contentType string, body []byte) answer {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, "/kyc"+path, bytes.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	a := answer{status: w.Code, raw: w.Body.String()}
	require.Contains(s, w.Header().Get("Content-Type"), "application/json", a.raw)
	require.NoError(s, json.Unmarshal(w.Body.Bytes(), &a.body), a.raw)
	return a
}

func (s server) get(token, query string) answer {
	s.Helper()
	return s.ask(http.MethodGet, "/customer"+query, token, "", nil)
}

func (s server) putJSON(token, body string) answer {
	s.Helper()
	return s.ask(http.MethodPut, "/customer", token, "application/json", []byte(body))
}

// form is a multipart body.
type form struct {
	body   bytes.Buffer
	writer *multipart.Writer
}

func newForm() *form {
	f := &form{}
	f.writer = multipart.NewWriter(&f.body)
	return f
}

func (f *form) text(t testing.TB, name, value string) *form {
	require.NoError(t, f.writer.WriteField(name, value))
	return f
}

func (f *form) file(t testing.TB, name string, data []byte) *form {
	w, err := f.writer.CreateFormFile(name, name+".png")
	require.NoError(t, err)
	_, err = io.Copy(w, bytes.NewReader(data))
	require.NoError(t, err)
	return f
}

func (s server) putForm(token string, f *form) answer {
	s.Helper()
	require.NoError(s, f.writer.Close())
	return s.ask(http.MethodPut, "/customer", token, f.writer.FormDataContentType(), f.body.Bytes())
}

// values are what is kept of a customer.
func (s server) values(owner, id string) map[string]string {
	s.Helper()
	c, err := s.keep.ForTransaction(s.Context(), owner, id, "")
	require.NoError(s, err)
	return c.Values
}
