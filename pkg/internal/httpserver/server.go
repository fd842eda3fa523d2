package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Limits that hold where Options do not say otherwise.
const (
	defaultBody      = 64 << 10
	defaultMultipart = 2 << 20
	defaultHeader    = 5 * time.Second
	defaultRead      = 30 * time.Second
	defaultWrite     = 60 * time.Second
	defaultIdle      = 2 * time.Minute
	maxHeaderBytes   = 32 << 10
)

// Options say where a server listens and what it puts up with. A zero limit is the default in brackets.
type Options struct {
	// Listen is host:port; port 0 takes a free one, see Addr. Empty: Run waits for its end and answers nobody.
	Listen string
	// Listener replaces Listen where somebody opened it already.
	Listener net.Listener
	// TrustedProxies are the networks (CIDR) whose X-Forwarded-For is believed; without any, the peer is the client.
	TrustedProxies []string

	MaxBody      int64 // bytes of a body [64 KiB]
	MaxMultipart int64 // bytes of a multipart/form-data body [2 MiB]

	HeaderTimeout time.Duration // for the header of a request [5 s]
	ReadTimeout   time.Duration // for a whole request [30 s]
	WriteTimeout  time.Duration // from the header of a request to the end of its answer [60 s]
	IdleTimeout   time.Duration // between two requests of a connection [2 min]

	Limits Limits // how much one client may ask for [no limits]
	// Connections is how many may be open at once, TLS or not; more wait to be accepted. One address that is no trusted
	// proxy gets a quarter of them; what it opens beyond that is closed at once. 0: no bound.
	Connections int

	// TLSCertificate and TLSKey are paths of PEM files, given together; the server then speaks TLS (1.2 or newer) and
	// nothing else. Files that change are read anew. Empty: plain HTTP.
	TLSCertificate, TLSKey string
	// HTTPS says that clients reach this server by https although it speaks plain HTTP, to a proxy.
	HTTPS bool

	Now func() time.Time // [time.Now] for limits and files that change
	Log *slog.Logger     // required
}

// Server answers HTTP. Routes are added before Run; from then on it may be used from any goroutine.
type Server struct {
	options Options
	echo    *echo.Echo
	public  []string // prefixes of the paths that browsers of any origin may call

	clients     clients
	limits      limits
	metrics     *metrics
	certificate *certificate // nil: plain HTTP

	mu       sync.Mutex
	listener net.Listener
}

// New makes a server without routes. It fails where a trusted proxy is no network, and where the files for TLS cannot be
// used: the error names the setting.
func New(o Options) (*Server, error) {
	now := clockOr(o.Now)
	client, err := newClients(o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	pair, err := newCertificate(o, now)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: withDefaults(o), echo: echo.New(), listener: o.Listener,
		clients: client, limits: newLimits(o.Limits, now), metrics: newMetrics(), certificate: pair,
	}
	s.echo.IPExtractor = client.text
	s.echo.HTTPErrorHandler = s.answerError
	s.echo.OnAddRouteHandler = s.addHead
	s.echo.Pre(withoutTrailingSlash)
	s.echo.Use(s.observe, s.protect, s.allowOrigins, recovered, s.inTime, s.perAddress, s.preflight, readable, s.limitBody)
	return s, nil
}

func withDefaults(o Options) Options {
	for _, size := range []struct {
		of      *int64
		without int64
	}{{&o.MaxBody, defaultBody}, {&o.MaxMultipart, defaultMultipart}} {
		if *size.of == 0 {
			*size.of = size.without
		}
	}
	for _, timeout := range []struct {
		of      *time.Duration
		without time.Duration
	}{{&o.HeaderTimeout, defaultHeader}, {&o.ReadTimeout, defaultRead}, {&o.WriteTimeout, defaultWrite}, {&o.IdleTimeout, defaultIdle}} {
		if *timeout.of == 0 {
			*timeout.of = timeout.without
		}
	}
	return o
}

// Group is where the routes below a path are added, "/auth" say. Browsers of any origin may call them (CORS, which
// SEP-1, 10, 12, 31 and 38 ask for).
func (s *Server) Group(prefix string, middleware ...echo.MiddlewareFunc) *echo.Group {
	s.public = append(s.public, prefix)
	return s.echo.Group(prefix, middleware...)
}

// Plain is where routes are added that browsers of other origins have no business with, documents for people say. Prefix
// may be empty.
func (s *Server) Plain(prefix string, middleware ...echo.MiddlewareFunc) *echo.Group {
	return s.echo.Group(prefix, middleware...)
}

// addHead answers HEAD wherever GET is answered; net/http leaves the body out.
func (s *Server) addHead(_ string, route echo.Route, handler echo.HandlerFunc, middleware []echo.MiddlewareFunc) {
	if route.Method == http.MethodGet {
		s.echo.HEAD(route.Path, handler, middleware...)
	}
}

// Routes lists what was added, each as "GET /pattern", without the HEAD of every GET and the catch-alls of groups.
func (s *Server) Routes() []string {
	var list []string
	for _, route := range s.echo.Routes() {
		if route.Method != http.MethodHead && route.Method != echo.RouteNotFound {
			list = append(list, route.Method+" "+route.Path)
		}
	}
	slices.Sort(list)
	return list
}

// ServeHTTP answers one request, for tests and for servers that stand before this one.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Bind opens the listener, so that an address in use is known before anything else starts and Addr can be asked. Run does
// it where nobody has; doing it twice is doing it once.
func (s *Server) Bind(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil || s.options.Listen == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.options.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.options.Listen, err)
	}
	s.listener = listener
	return nil
}

// Addr is the address that Bind has opened, host:port; empty before that and when the server is off.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Run answers requests until soft ends, then takes no new ones and returns nil once those under way are finished or hard
// has ended, which also ends their contexts. It is called once; a server that cannot go on returns why.
func (s *Server) Run(soft, hard context.Context) error {
	if err := s.Bind(soft); err != nil {
		return err
	}
	if s.Addr() == "" {
		<-soft.Done()
		return nil
	}
	server := s.server(hard)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.guarded(s.listener)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", s.Addr(), err)
	case <-soft.Done():
	}
	return s.stop(hard, server, ended)
}

// guarded is how the server accepts connections of a listener.
func (s *Server) guarded(l net.Listener) net.Listener {
	exempt := func(peer net.Addr) bool { return s.clients.trusts(addrOf(peer)) }
	guarded := &listener{Listener: l, gate: newGate(s.options.Connections, s.metrics, exempt), patience: s.options.HeaderTimeout}
	if s.certificate != nil {
		guarded.tls = s.certificate.config()
	}
	return guarded
}

func (s *Server) server(hard context.Context) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // see certificate.config
	return &http.Server{
		Handler:           s,
		Protocols:         protocols,
		ReadHeaderTimeout: s.options.HeaderTimeout,
		ReadTimeout:       s.options.ReadTimeout,
		WriteTimeout:      s.options.WriteTimeout,
		IdleTimeout:       s.options.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug), // what peers did wrong below HTTP
		BaseContext:       func(net.Listener) context.Context { return hard },

		DisableGeneralOptionsHandler: true, // it does not answer in JSON
	}
}

func (s *Server) stop(hard context.Context, server *http.Server, ended <-chan error) error {
	if err := server.Shutdown(hard); err != nil {
		if hard.Err() == nil {
			return fmt.Errorf("stop serving: %w", err)
		}
		s.options.Log.WarnContext(hard, "requests under way were cut off", "why", context.Cause(hard))
		if err := server.Close(); err != nil {
			return fmt.Errorf("stop serving: %w", err)
		}
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// below tells whether a path is the prefix or lies below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
