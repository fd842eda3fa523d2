package httpserver_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/internal/httpserver"
)

// issued is a certificate and its key, PEM.
type issued struct{ certificate, key []byte }

func issue(t testing.TB, name string) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return issued{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// secured is a server with TLS and the files that it reads.
type secured struct {
	*bundle
	*wire
	clock            *handClock
	certificate, key string
	modified         time.Time
}

func secure(t *testing.T, first issued) *secured {
	t.Helper()
	folder := t.TempDir()
	s := &secured{
		clock: newHandClock(), certificate: filepath.Join(folder, "chain.pem"), key: filepath.Join(folder, "key.pem"), modified: time.Unix(1_700_000_000, 0),
	}
	s.put(t, s.certificate, first.certificate)
	s.put(t, s.key, first.key)
	s.bundle = setup(t, onFreePort, func(o *httpserver.Options) { o.TLSCertificate, o.TLSKey, o.Now = s.certificate, s.key, s.clock.Now })
	s.group.GET("", fine)
	s.wire = s.bundle.wire()
	return s
}

// put writes a file whose time of change differs from all before.
func (s *secured) put(t testing.TB, path string, content []byte) {
	t.Helper()
	s.modified = s.modified.Add(time.Millisecond)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	require.NoError(t, os.Chtimes(path, s.modified, s.modified))
}

// shows is the name in the certificate that a client sees now.
func (s *secured) shows() string {
	s.bundle.t.Helper()
	connection, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
	require.NoError(s.bundle.t, err)
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestTLSIsSpokenWithTheCertificateOfTheFiles(t *testing.T) {
	t.Parallel()
	first := issue(t, "anchor.example")
	s := secure(t, first)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(first.certificate))
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "anchor.example", MinVersion: tls.VersionTLS12},
	}}
	defer client.CloseIdleConnections()
	response, err := client.Get("https://" + s.address + "/sep")
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.JSONEq(t, `{"fine":true}`, string(raw))
	require.Equal(t, "HTTP/1.1", response.Proto)
	require.Equal(t, uint16(tls.VersionTLS13), response.TLS.Version)
	require.Equal(t, "max-age=31536000", response.Header.Get("Strict-Transport-Security"))
}

func TestVersionsOfTLSThatAreBrokenAreRefused(t *testing.T) {
	t.Parallel()
	s := secure(t, issue(t, "anchor.example"))
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		config := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
		connection, err := tls.Dial("tcp", s.address, config)
		require.Equal(t, accepted, err == nil, tls.VersionName(version))
		if err == nil {
			require.NoError(t, connection.Close())
		}
	}
}

func TestACertificateThatWasRenewedIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	s := secure(t, issue(t, "first"))
	require.Equal(t, "first", s.shows())
	second := issue(t, "second")
	s.put(t, s.certificate, second.certificate)
	s.put(t, s.key, second.key)
	require.Equal(t, "first", s.shows(), "the files are looked at once a second")
	s.clock.pass(time.Second)
	require.Equal(t, "second", s.shows())
	s.clock.pass(time.Hour)
	require.Equal(t, "second", s.shows())
	require.Len(t, linesWith(s.log.String(), "read anew"), 1, "files that are the same are left alone")
}

func TestFilesThatCannotBeUsedLeaveTheCertificateBeforeInUse(t *testing.T) {
	t.Parallel()
	first, second := issue(t, "first"), issue(t, "second")
	s := secure(t, first)
	look := func() string {
		s.clock.pass(time.Second)
		return s.shows()
	}
	s.put(t, s.certificate, second.certificate) // its key is yet to come
	for range 3 {
		require.Equal(t, "first", look())
	}
	require.Contains(t, s.log.String(), "ANCHOR_TLS_CERTIFICATE")
	require.Len(t, linesWith(s.log.String(), "level=ERROR"), 1, "the same fault is logged once")
	s.put(t, s.key, second.key[:len(second.key)/2]) // half written
	require.Equal(t, "first", look())
	require.NoError(t, os.Remove(s.key))
	require.Equal(t, "first", look())
	s.put(t, s.key, second.key)
	require.Equal(t, "second", look())
	require.NotContains(t, s.log.String(), string(second.key[40:60]), "no part of a key")
}

func TestAServerWhoseTLSFilesCannotBeUsedDoesNotStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	one, other := issue(t, "one"), issue(t, "other")
	certificate, key, foreign := file("one.pem", one.certificate), file("one.key", one.key), file("other.key", other.key)
	nonsense, nowhere := file("nonsense", []byte("nonsense")), filepath.Join(folder, "nowhere")
	for name, c := range map[string]struct {
		certificate, key string
		want             []string
	}{
		"no key":               {certificate, "", []string{"ANCHOR_TLS_CERTIFICATE and ANCHOR_TLS_KEY", "together"}},
		"no certificate":       {"", key, []string{"ANCHOR_TLS_CERTIFICATE and ANCHOR_TLS_KEY", "together"}},
		"certificate missing":  {nowhere, key, []string{"ANCHOR_TLS_CERTIFICATE: ", "no such file"}},
		"key missing":          {certificate, nowhere, []string{"ANCHOR_TLS_KEY: ", "no such file"}},
		"a folder":             {folder, key, []string{"ANCHOR_TLS_CERTIFICATE: ", "is a directory"}},
		"a key of another":     {certificate, foreign, []string{"ANCHOR_TLS_KEY", "does not match"}},
		"no certificate in it": {nonsense, key, []string{"ANCHOR_TLS_CERTIFICATE", "certificate input"}},
		"no key in it":         {certificate, nonsense, []string{"ANCHOR_TLS_KEY", "key input"}},
		"exchanged":            {key, certificate, []string{"ANCHOR_TLS_CERTIFICATE"}},
	} {
		_, err := httpserver.New(httpserver.Options{TLSCertificate: c.certificate, TLSKey: c.key, Log: slog.New(slog.DiscardHandler)})
		require.Error(t, err, name)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, name)
		}
	}
}

func TestWhoSpeaksPlainHTTPToAnAddressOfTLSIsToldSoInJSON(t *testing.T) {
	t.Parallel()
	s := secure(t, issue(t, "anchor.example"))
	list := s.answers("GET /sep HTTP/1.1\r\nHost: a\r\n\r\n")
	require.Len(t, list, 1)
	require.Equal(t, http.StatusBadRequest, list[0].status)
	require.JSONEq(t, `{"error":"this address speaks https"}`, list[0].body)
}

func TestWhatIsMalformedIsAnsweredInJSONOverTLSToo(t *testing.T) {
	t.Parallel()
	s := secure(t, issue(t, "anchor.example"))
	connection := tls.Client(s.dial(), &tls.Config{InsecureSkipVerify: true})
	_, err := io.WriteString(connection, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"error":"bad request"}`, string(raw))
}

func TestAHandshakeThatNeverEndsDoesNotHoldAConnectionForEver(t *testing.T) {
	t.Parallel()
	pair := issue(t, "anchor.example")
	folder := t.TempDir()
	certificate, key := filepath.Join(folder, "c"), filepath.Join(folder, "k")
	require.NoError(t, os.WriteFile(certificate, pair.certificate, 0o600))
	require.NoError(t, os.WriteFile(key, pair.key, 0o600))
	b := setup(t, onFreePort, func(o *httpserver.Options) {
		o.TLSCertificate, o.TLSKey, o.HeaderTimeout = certificate, key, 50*time.Millisecond
	})
	soft, stop := context.WithCancel(t.Context())
	_, wait := b.start(soft, t.Context())
	connection, err := net.Dial("tcp", b.server.Addr())
	require.NoError(t, err)
	defer connection.Close()
	_, err = connection.Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01})
	require.NoError(t, err)
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadAll(connection)
	require.NoError(t, err, "the server closes it")
	stop()
	require.NoError(t, wait())
}
