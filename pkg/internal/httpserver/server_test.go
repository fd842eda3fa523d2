package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

func TestEachCategoryHasItsAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		body   string
	}{
		"invalid":         {anchor.Refuse("no amount"), 400, `{"error":"no amount"}`},
		"wrapped":         {fmt.Errorf("create: %w", anchor.Refuse("no amount")), 400, `{"error":"no amount"}`},
		"unauthenticated": {anchor.RefuseAs(anchor.CodeUnauthenticated, "a"), 401, `{"error":"a"}`},
		"forbidden":       {anchor.RefuseAs(anchor.CodeForbidden, "a"), 403, `{"error":"a"}`},
		"not found":       {anchor.RefuseAs(anchor.CodeNotFound, "a"), 404, `{"error":"a"}`},
		"conflict":        {anchor.RefuseAs(anchor.CodeConflict, "a"), 409, `{"error":"a"}`},
		"too large":       {anchor.RefuseAs(anchor.CodeTooLarge, "a"), 413, `{"error":"a"}`},
		"unsupported":     {anchor.RefuseAs(anchor.CodeUnsupported, "a"), 415, `{"error":"a"}`},
		"rate limited":    {anchor.RefuseAs(anchor.CodeRateLimited, "a"), 429, `{"error":"a"}`},
		"unavailable":     {anchor.RefuseAs(anchor.CodeUnavailable, "a"), 503, `{"error":"a"}`},
		"internal":        {anchor.RefuseAs(anchor.CodeInternal, "a"), 500, `{"error":"internal error"}`},
		"without a text":  {anchor.RefuseAs(anchor.CodeNotFound, ""), 404, `{"error":"not found"}`},
		"customer info":   {anchor.CustomerInfoNeeded("sep31-sender"), 400, `{"error":"customer_info_needed","type":"sep31-sender"}`},
		"no type":         {anchor.CustomerInfoNeeded(""), 400, `{"error":"customer_info_needed"}`},
		"transaction info": {
			anchor.TransactionInfoNeeded(map[string]anchor.Field{
				"bank": {Type: anchor.FieldString, Description: "the bank", Choices: []string{"A"}, Optional: true}, "iban": {Description: "i"},
			}), 400,
			`{"error":"transaction_info_needed","fields":{"transaction":{"bank":{"description":"the bank","choices":["A"],"optional":true},"iban":{"description":"i"}}}}`,
		},
		"no fields":               {anchor.TransactionInfoNeeded(nil), 400, `{"error":"transaction_info_needed","fields":{"transaction":{}}}`},
		"anything else":           {errors.New("password=hunter2"), 500, `{"error":"internal error"}`},
		"echo's 4xx":              {echo.NewHTTPError(http.StatusBadRequest, "syntax error: secret"), 400, `{"error":"bad request"}`},
		"echo's 5xx":              {echo.NewHTTPError(http.StatusBadGateway, "secret"), 500, `{"error":"internal error"}`},
		"a body that is too long": {fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413, `{"error":"the body is too large"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.group.GET("/fails", func(echo.Context) error { return c.err })
			w := b.send(http.MethodGet, "/sep/fails", nil)
			require.Equal(t, c.status, w.Code)
			require.JSONEq(t, c.body, w.Body.String())
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), "browsers read errors too")
			require.Equal(t, c.status == 500, strings.Contains(b.log.String(), "level=ERROR"), "only faults of ours are errors in the log")
		})
	}
}

func TestAFaultIsLoggedOnceWithWhatItBelongsTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/customer/:id", func(echo.Context) error { return errors.New("disk full") })
	w := b.send(http.MethodGet, "/sep/customer/GSECRET?account=GHIDDEN", nil)
	log := b.log.String()
	require.Equal(t, 1, strings.Count(log, "disk full"))
	require.Contains(t, log, "route=/sep/customer/:id")
	require.Contains(t, log, "request="+w.Header().Get("X-Request-Id"))
	require.Contains(t, log, "status=500")
	require.NotContains(t, log, "GSECRET")
	require.NotContains(t, log, "GHIDDEN")
}

func TestARequestThatTakesTooLongIsAnsweredAndItsWorkEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *httpserver.Options) { o.WriteTimeout = 60 * time.Millisecond })
	b.group.GET("/waits", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	b.group.GET("/interrupted", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return errors.New("statement interrupted")
	})
	b.group.GET("/fails", func(echo.Context) error { return context.DeadlineExceeded })
	for _, path := range []string{"/sep/waits", "/sep/interrupted"} {
		w := b.send(http.MethodGet, path, nil)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "this took too long and was given up; try again", errorOf(t, w))
	}
	require.Equal(t, http.StatusInternalServerError, b.send(http.MethodGet, "/sep/fails", nil).Code, "somebody else's deadline is a fault")
}

func TestAPanicIsAFaultLikeAnyOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/panics", func(echo.Context) error { panic("at the disco") })
	w := b.send(http.MethodGet, "/sep/panics", nil)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "internal error", errorOf(t, w))
	require.Contains(t, b.log.String(), "panic: at the disco")
	require.Contains(t, b.log.String(), "server_test.go", "with its stack")

	b.group.GET("/aborts", func(echo.Context) error { panic(http.ErrAbortHandler) })
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { b.send(http.MethodGet, "/sep/aborts", nil) })
}

func TestAClientThatHungUpIsNoFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/slow", func(c echo.Context) error { return fmt.Errorf("read: %w", c.Request().Context().Err()) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := b.do(httptest.NewRequest(http.MethodGet, "/sep/slow", nil).WithContext(ctx))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, b.log.String(), "level=ERROR")
}

func TestAnErrorAfterTheAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/late", func(c echo.Context) error {
		if err := fine(c); err != nil {
			return err
		}
		return errors.New("too late")
	})
	w := b.send(http.MethodGet, "/sep/late", nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"fine":true}`, w.Body.String())
	require.Contains(t, b.log.String(), "too late")
}

func TestRoutesThatAreNotThereAreJSONToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/there", fine)
	b.group.POST("", fine)
	for target, want := range map[string]struct {
		method string
		status int
		text   string
	}{
		"/":              {http.MethodGet, 404, "not found"},
		"/nowhere":       {http.MethodGet, 404, "not found"},
		"/sep/nowhere":   {http.MethodGet, 404, "not found"},
		"/sep/there/not": {http.MethodGet, 404, "not found"},
		"/sep/there":     {http.MethodPost, 405, "method not allowed"},
		"/sep":           {http.MethodGet, 405, "method not allowed"},
		"/sep//there":    {http.MethodGet, 404, "not found"},
	} {
		w := b.send(want.method, target, nil)
		require.Equal(t, want.status, w.Code, target)
		require.Equal(t, want.text, errorOf(t, w))
	}
	require.Equal(t, "OPTIONS, GET, HEAD", b.send(http.MethodDelete, "/sep/there", nil).Header().Get("Allow"))
	require.Equal(t, http.StatusMethodNotAllowed, b.send("BREW", "/sep/there", nil).Code)
}

func TestATrailingSlashIsTolerated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("", fine)
	b.group.GET("/customer/:id", func(c echo.Context) error { return c.JSON(http.StatusOK, c.Param("id")) })
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, "/sep/?a=b", nil).Code)
	require.JSONEq(t, `"x"`, b.send(http.MethodGet, "/sep/customer/x/", nil).Body.String())
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, "/sep/customer/x%2Fy/", nil).Code)
}

func TestBrowsersOfAnyOriginMayCallThePublicPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.PUT("/customer", fine)
	for _, target := range []string{"/sep/customer", "/sep/customer/", "/sep/nowhere"} {
		w := b.send(http.MethodOptions, target, nil)
		require.Equal(t, http.StatusNoContent, w.Code)
		require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
		for _, header := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
			require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), header)
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			require.Contains(t, w.Header().Get("Access-Control-Allow-Methods"), method)
		}
	}
	for _, target := range []string{"/sep/customer", "/sep/nowhere", "/sep/customer?a=%00"} {
		require.Equal(t, "*", b.send(http.MethodGet, target, nil).Header().Get("Access-Control-Allow-Origin"), target)
	}
	for _, target := range []string{"/", "/elsewhere", "/separate"} {
		require.Empty(t, b.send(http.MethodGet, target, nil).Header().Get("Access-Control-Allow-Origin"), target)
	}
}

func TestTextThatNoDatabaseTakesIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.GET("/:id", fine)
	for target, want := range map[string]string{
		"/sep/a%00b": "path", "/sep/%ff": "path", "/sep/a?x=%00": "query", "/sep/a?%00=x": "query", "/sep/a?x=%c3%28": "query",
		"/sep/a?x=1;y=2": "cannot be read", "/sep/a?x=%zz": "cannot be read",
	} {
		w := b.send(http.MethodGet, target, nil)
		require.Equal(t, http.StatusBadRequest, w.Code, target)
		require.Contains(t, errorOf(t, w), want)
	}
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
		for _, value := range []string{"a\x00b", "a\xffb"} {
			r := httptest.NewRequest(http.MethodGet, "/sep/a", nil)
			r.Header.Set(name, value)
			w := b.do(r)
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Contains(t, errorOf(t, w), name)
		}
	}
	require.Equal(t, http.StatusOK, b.send(http.MethodGet, "/sep/%C3%A4?x=%F0%9F%90%91", nil).Code)
}

func TestARequestHasAnID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask := func(given string) string {
		r := httptest.NewRequest(http.MethodGet, "/sep", nil)
		r.Header.Set("X-Request-Id", given)
		return b.do(r).Header().Get("X-Request-Id")
	}
	require.Equal(t, "from-proxy_1.2", ask("from-proxy_1.2"))
	first, second := ask(""), ask("")
	require.NotEqual(t, first, second)
	for _, odd := range []string{"a b", "a\nb", "ä", strings.Repeat("a", 65), `"`} {
		require.Regexp(t, `^[A-Z2-7]{26}$`, ask(odd))
	}
}

// reader answers how much of the body could be read, and hands on why not more.
func reader(c echo.Context) error {
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, len(raw))
}

func TestEveryBodyIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.group.POST("", reader)
	const limit, multipartLimit = 64 << 10, 2 << 20
	for name, c := range map[string]struct {
		contentType string
		size        int
		status      int
	}{
		"JSON at the limit":           {"application/json", limit, 200},
		"JSON above it":               {"application/json", limit + 1, 413},
		"no type":                     {"", limit + 1, 413},
		"a form":                      {"application/x-www-form-urlencoded", limit + 1, 413},
		"multipart at its limit":      {"multipart/form-data; boundary=x", multipartLimit, 200},
		"multipart above it":          {"Multipart/Form-Data; boundary=x", multipartLimit + 1, 413},
		"what is called like it":      {"multipart/form-data-not", limit + 1, 413},
		"multipart with a bad detail": {"multipart/form-data; boundary", limit + 1, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, chunked := range []bool{false, true} {
				r := httptest.NewRequest(http.MethodPost, "/sep", strings.NewReader(strings.Repeat("x", c.size)))
				if chunked {
					r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
				}
				r.Header.Set("Content-Type", c.contentType)
				w := b.do(r)
				require.Equal(t, c.status, w.Code)
				if c.status != http.StatusOK {
					require.Equal(t, "the body is too large", errorOf(t, w))
				}
			}
		})
	}
	t.Run("also below a parser of multipart", func(t *testing.T) {
		b.group.POST("/form", func(c echo.Context) error {
			if _, err := c.MultipartForm(); err != nil {
				return err
			}
			return fine(c)
		})
		var body strings.Builder
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormField("photo")
		require.NoError(t, err)
		_, err = io.Copy(part, io.LimitReader(zeros{}, 3<<20))
		require.NoError(t, err)
		require.NoError(t, form.Close())
		r := httptest.NewRequest(http.MethodPost, "/sep/form", strings.NewReader(body.String()))
		r.Header.Set("Content-Type", form.FormDataContentType())
		require.Equal(t, http.StatusRequestEntityTooLarge, b.do(r).Code)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// start runs a server on a free port until the test ends its life; wait tells how it ended.
func (b *bundle) start(soft, hard context.Context) (address string, wait func() error) {
	b.t.Helper()
	require.NoError(b.t, b.server.Bind(soft))
	ended := make(chan error, 1)
	go func() { ended <- b.server.Run(soft, hard) }()
	return "http://" + b.server.Addr(), func() error {
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the server did not stop")
		}
	}
}

func onFreePort(o *httpserver.Options) { o.Listen = "127.0.0.1:0" }

func TestARequestUnderWayIsFinishedWhenTheServerStops(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	begun, release := make(chan struct{}), make(chan struct{})
	b.group.GET("/slow", func(c echo.Context) error {
		close(begun)
		<-release
		return fine(c)
	})
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	answered := make(chan int, 1)
	go func() {
		response, err := http.Get(address + "/sep/slow")
		if err != nil {
			answered <- 0
			return
		}
		defer response.Body.Close()
		answered <- response.StatusCode
	}()
	<-begun
	stop()
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			return true
		}
		_ = connection.Close()
		return false
	}, 10*time.Second, time.Millisecond, "nobody new gets in")
	close(release)
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, wait())
}

func TestRequestsAreCutOffWhenTheBoundHasPassed(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	begun, cut := make(chan struct{}), make(chan struct{})
	b.group.POST("/endless", func(c echo.Context) error { // of its body nothing is read, so a closed connection is not noticed
		close(begun)
		<-c.Request().Context().Done()
		close(cut)
		return c.Request().Context().Err()
	})
	soft, stop := context.WithCancel(t.Context())
	hard, kill := context.WithCancel(t.Context())
	defer kill()
	address, wait := b.start(soft, hard)
	go func() {
		if response, err := http.Post(address+"/sep/endless", "application/json", strings.NewReader("{}")); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-begun
	stop()
	kill()
	<-cut
	require.NoError(t, wait())
}

// It is not parallel: it looks at all goroutines there are.
func TestAServerThatHasStoppedLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := setup(t, onFreePort)
	b.group.GET("", fine)
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get(address + "/sep")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	stop()
	require.NoError(t, wait())
	client.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}

func TestAnAddressInUseIsAnErrorBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	b := setup(t, func(o *httpserver.Options) { o.Listen = taken.Addr().String() })
	require.ErrorContains(t, b.server.Bind(t.Context()), "listen on "+taken.Addr().String())
	require.ErrorContains(t, b.server.Run(t.Context(), t.Context()), "in use")
}

func TestAServerWithoutAnAddressWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	soft, stop := context.WithCancel(t.Context())
	require.NoError(t, b.server.Bind(soft))
	require.Empty(t, b.server.Addr())
	stop()
	require.NoError(t, b.server.Run(soft, t.Context()))
}

func TestAListenerThatSomebodyOpenedIsUsed(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := setup(t, func(o *httpserver.Options) { o.Listener = listener })
	require.Equal(t, listener.Addr().String(), b.server.Addr())
}

func TestAServerWhoseListenerFailsSaysSo(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	b := setup(t, func(o *httpserver.Options) { o.Listener = listener })
	require.ErrorContains(t, b.server.Run(t.Context(), t.Context()), "serve")
}

func TestHEADIsAnsweredLikeGETWithoutABody(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.GET("", fine)
	b.group.GET("/fails", func(echo.Context) error { return anchor.Refuse("no") })
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	for target, status := range map[string]int{"/sep": 200, "/sep/fails": 400, "/sep/nowhere": 404} {
		response, err := http.Head(address + target)
		require.NoError(t, err)
		raw, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
		require.Empty(t, raw)
		require.Equal(t, "application/json", response.Header.Get("Content-Type"))
	}
	stop()
	require.NoError(t, wait())
}

func TestASlowHeaderIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort, func(o *httpserver.Options) { o.HeaderTimeout = 20 * time.Millisecond })
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	_, err = connection.Write([]byte("GET /sep HTTP/1.1\r\nHost: a\r\n"))
	require.NoError(t, err)
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadAll(connection)
	require.NoError(t, err, "the server closes the connection")
	stop()
	require.NoError(t, wait())
}

func TestAChunkedBodyThatIsTooLongIsRefusedOverTheWire(t *testing.T) {
	t.Parallel()
	b := setup(t, onFreePort)
	b.group.POST("", reader)
	soft, stop := context.WithCancel(t.Context())
	address, wait := b.start(soft, t.Context())
	response, err := http.Post(address+"/sep", "application/json", io.LimitReader(zeros{}, 100<<10))
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	require.JSONEq(t, `{"error":"the body is too large"}`, string(raw))
	stop()
	require.NoError(t, wait())
}
