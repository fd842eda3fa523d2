package sandbox

import (
	"net/http"
	"strconv"
)

// held is an answer that is not sent yet.
type held struct {
	header http.Header
	status int
	body   []byte
}

func (h *held) Header() http.Header    { return h.header }
func (h *held) WriteHeader(status int) { h.status = status }
func (h *held) Write(p []byte) (int, error) {
	h.body = append(h.body, p...)
	return len(p), nil
}

// breakage is the fault that breaks the answer to a request; nil if none does.
func (n *Network) breakage(x *exchange) *fault {
	if x.streaming {
		return nil
	}
	return n.faults.take(x.r.URL.Path, loseFault, cutFault)
}

// serveBroken does what a request asks for and delivers half of the answer, or none of it.
func (n *Network) serveBroken(x *exchange, methods map[string]handler, f *fault) {
	w := x.w
	answer := &held{header: w.Header(), status: http.StatusOK}
	x.w = answer
	n.serveWhole(x, methods)
	if f.kind == loseFault {
		panic(http.ErrAbortHandler) // the server's way to close a connection without an answer
	}
	half := answer.body[:len(answer.body)/2]
	if f.smooth {
		w.WriteHeader(answer.status)
		_, _ = w.Write(half) // a client that is gone needs no answer
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.body)))
	w.WriteHeader(answer.status)
	_, _ = w.Write(half) // as above
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // and to cut an answer that has begun
}
