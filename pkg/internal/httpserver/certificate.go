package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// How the errors name what they are about: as the operator has set it.
const (
	certificateSetting = "ANCHOR_TLS_CERTIFICATE"
	keySetting         = "ANCHOR_TLS_KEY"
)

// freshness is how long files are not looked at again.
const freshness = time.Second

// stamp tells a file from the one it was before.
type stamp struct {
	modified time.Time
	size     int64
}

// certificate is a pair of files with a certificate and its key, read anew when they have changed. A pair that cannot be
// used, such as one that is half written, leaves the one before in use.
type certificate struct {
	path, keyPath string
	log           *slog.Logger
	elapsed       func() time.Duration

	mu     sync.Mutex
	pair   *tls.Certificate
	read   [2]stamp      // of the files that pair was made of
	looked time.Duration // when the files were looked at
	fault  string        // what was wrong with them then; it is logged once
}

// newCertificate reads the files; without any it is nil.
func newCertificate(o Options, now clock) (*certificate, error) {
	if o.TLSCertificate == "" && o.TLSKey == "" {
		return nil, nil
	}
	if o.TLSCertificate == "" || o.TLSKey == "" {
		return nil, errors.New(certificateSetting + " and " + keySetting + " are given together or not at all")
	}
	c := &certificate{path: o.TLSCertificate, keyPath: o.TLSKey, log: o.Log, elapsed: now.since()}
	_, err := c.refresh()
	return c, err
}

// config is how TLS is spoken: HTTP/1.1 only. Its callers are servers with a handful of connections, which gain nothing by
// HTTP/2, and with one request per connection at a time the bound on connections is one on requests under way.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: c.current}
}

// current is the pair for a handshake.
func (c *certificate) current(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.elapsed(); now-c.looked >= freshness {
		c.looked = now
		c.look(hello.Context())
	}
	return c.pair, nil
}

// look takes over files that have changed.
func (c *certificate) look(ctx context.Context) {
	changed, err := c.refresh()
	switch {
	case err != nil && err.Error() != c.fault:
		c.log.ErrorContext(ctx, "the new TLS certificate cannot be used; the one before stays in use", "error", err)
	case changed:
		c.log.InfoContext(ctx, "the TLS certificate was read anew")
	}
	c.fault = ""
	if err != nil {
		c.fault = err.Error()
	}
}

func (c *certificate) refresh() (changed bool, err error) {
	read, err := c.stamps()
	if err != nil || read == c.read {
		return false, err
	}
	pair, err := readPair(c.path, c.keyPath)
	if err != nil {
		return false, err
	}
	c.pair, c.read = pair, read
	return true, nil
}

func (c *certificate) stamps() (list [2]stamp, err error) {
	for i, file := range [2]struct{ setting, path string }{{certificateSetting, c.path}, {keySetting, c.keyPath}} {
		info, err := os.Stat(file.path)
		if err != nil {
			return list, fmt.Errorf("%s: %w", file.setting, err)
		}
		list[i] = stamp{info.ModTime(), info.Size()}
	}
	return list, nil
}

func readPair(path, keyPath string) (*tls.Certificate, error) {
	chain, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certificateSetting, err)
	}
	key, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keySetting, err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("%s (%s) and %s (%s) cannot be used together: %w", certificateSetting, path, keySetting, keyPath, err)
	}
	return &pair, nil
}
