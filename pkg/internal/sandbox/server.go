package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// handler answers one request, or tells the problem.
type handler func(x *exchange) *problem

// exchange is one request and its answer.
type exchange struct {
	w         http.ResponseWriter
	r         *http.Request
	base      string
	streaming bool
	network   *Network
}

// Handler serves the paths of a Horizon, friendbot under /friendbot, and what the operator sets under /sandbox.
func (n *Network) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, methods map[string]handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { n.serve(w, r, methods) })
	}
	get := func(pattern string, h handler) { route(pattern, map[string]handler{http.MethodGet: h}) }
	get("/{$}", plain(n.getRoot))
	get("/health", plain(n.getHealth))
	get("/fee_stats", plain(n.getFeeStats))
	get("/accounts/{account}", plain(n.getAccount))
	get("/accounts/{account}/payments", n.list(paymentList))
	get("/accounts/{account}/transactions", n.list(transactionList))
	get("/accounts/{account}/effects", n.list(effectList))
	get("/payments", n.list(paymentList))
	get("/effects", n.list(effectList))
	get("/operations/{operation}/effects", n.listWithin(effectList, partOfOperation))
	get("/transactions/{hash}", plain(n.getTransaction))
	get("/transactions/{hash}/payments", n.listWithin(paymentList, n.partOfTransaction))
	get("/transactions/{hash}/effects", n.listWithin(effectList, n.partOfTransaction))
	get("/ledgers", n.list(ledgerList))
	get("/ledgers/{sequence}", plain(n.getLedger))
	get("/ledgers/{sequence}/transactions", n.listWithin(transactionList, n.partOfLedger))
	get("/ledgers/{sequence}/payments", n.listWithin(paymentList, n.partOfLedger))
	get("/ledgers/{sequence}/effects", n.listWithin(effectList, n.partOfLedger))
	route("/rpc", map[string]handler{http.MethodPost: n.postRPC})
	route("/transactions", map[string]handler{
		http.MethodGet: n.list(transactionList), http.MethodPost: n.postTransaction,
	})
	route("/transactions_async", map[string]handler{http.MethodPost: n.postAsync})
	route("/friendbot", map[string]handler{http.MethodGet: n.askFriendbot, http.MethodPost: n.askFriendbot})
	route("/", nil)
	n.routeOperator(mux)
	return mux
}

// plain keeps streams away from what cannot be streamed.
func plain(h handler) handler {
	return func(x *exchange) *problem {
		if x.streaming {
			return notAcceptable()
		}
		return h(x)
	}
}

func (n *Network) serve(w http.ResponseWriter, r *http.Request, methods map[string]handler) {
	if n.faults.take(r.URL.Path, dropFault) != nil {
		panic(http.ErrAbortHandler) // the server's way to close a connection without an answer
	}
	x := &exchange{w: w, r: r, base: n.baseOf(r), network: n}
	x.streaming = strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0")
	if f := n.breakage(x); f != nil {
		n.serveBroken(x, methods, f)
		return
	}
	n.serveWhole(x, methods)
}

func (n *Network) serveWhole(x *exchange, methods map[string]handler) {
	if p := n.admit(x, methods); p != nil {
		x.refuse(p)
		return
	}
	if p := methods[x.r.Method](x); p != nil {
		x.refuse(p)
	}
}

// admit tells why a request gets no further.
func (n *Network) admit(x *exchange, methods map[string]handler) *problem {
	allowed := n.limiter.take(x.r)
	if n.limiter.on() && !x.streaming {
		allowed.write(x.w.Header())
	}
	if !allowed.ok {
		return rateLimitExceeded()
	}
	if f := n.faults.take(x.r.URL.Path, answerFault); f != nil {
		if f.status == http.StatusTooManyRequests && !x.streaming {
			x.w.Header().Set("Retry-After", seconds(f.retryAfter))
		}
		return problemOf(f.status)
	}
	if methods == nil {
		return notFound()
	}
	if methods[x.r.Method] == nil {
		return methodNotAllowed()
	}
	return nil
}

func (n *Network) baseOf(r *http.Request) string {
	switch {
	case n.opts.BaseURL != "":
		return n.opts.BaseURL
	case r.TLS != nil:
		return "https://" + safeHost(r.Host)
	default:
		return "http://" + safeHost(r.Host)
	}
}

// safeHost drops what would have to be escaped in a link.
func safeHost(host string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(alphanumerics+".-_:[]", c) {
			return c
		}
		return -1
	}, host)
}

// answer sends what print writes, indented.
func (x *exchange) answer(status int, print func(p *printer)) {
	p := x.network.printer(x.base)
	print(p)
	h := x.w.Header()
	h.Set("Content-Disposition", "inline")
	h.Set("Content-Type", "application/hal+json; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(p.buf) // a client that is gone needs no answer
	x.network.printers.Put(p)
}

// printer is an indenting one, with a buffer that an earlier answer has grown.
func (n *Network) printer(base string) *printer {
	p, ok := n.printers.Get().(*printer)
	if !ok {
		p = &printer{}
	}
	*p = printer{buf: p.buf[:0], base: base, pretty: true}
	return p
}

func (x *exchange) refuse(p *problem) {
	x.w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	x.w.WriteHeader(p.Status)
	_, _ = x.w.Write(p.body()) // a client that is gone needs no answer
}

func (n *Network) getRoot(x *exchange) *problem {
	x.answer(http.StatusOK, func(p *printer) {
		n.mu.RLock()
		defer n.mu.RUnlock()
		n.printRoot(p)
	})
	return nil
}

func (n *Network) getFeeStats(x *exchange) *problem {
	x.answer(http.StatusOK, func(p *printer) {
		n.mu.RLock()
		defer n.mu.RUnlock()
		n.printFeeStats(p)
	})
	return nil
}

func (n *Network) getHealth(x *exchange) *problem {
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = x.w.Write([]byte(`{"database_connected":true,"core_up":true,"core_synced":true}` + "\n")) // as above
	return nil
}

func (n *Network) getAccount(x *exchange) *problem {
	x.w.Header().Set("Latest-Ledger", strconv.Itoa(int(n.latestSequence())))
	id, p := readAccount(x.r.PathValue("account"))
	if p != nil {
		return p
	}
	n.mu.RLock()
	a := n.accounts[id]
	n.mu.RUnlock()
	if a == nil {
		return notFound()
	}
	x.answer(http.StatusOK, func(p *printer) { a.print(p, false) })
	return nil
}

func (n *Network) getTransaction(x *exchange) *problem {
	t, hash, p := n.findTransaction(x)
	if p != nil {
		return p
	}
	x.answer(http.StatusOK, func(p *printer) { t.printAsked(p, hash) })
	return nil
}

func (n *Network) getLedger(x *exchange) *problem {
	l, p := n.findLedger(x)
	if p != nil {
		return p
	}
	x.answer(http.StatusOK, func(p *printer) { l.print(p, false) })
	return nil
}
