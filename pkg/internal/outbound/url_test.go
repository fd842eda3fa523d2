package outbound

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckURL_accepts_public_https_urls(t *testing.T) {
	t.Parallel()
	client := New(Options{DenyDomains: []string{"denied.example.com"}})
	for _, text := range []string{
		"https://example.com", "https://example.com/", "https://Example.COM./callback?token=1", "https://a.b-c.example.com:8443/x",
		"https://xn--bcher-kva.example/", "https://8.8.8.8/x", "https://example.com:443/", "https://example.com:1024/", "https://[2606:4700::1111]:443/x", "https://_x.example.com",
		"HTTPS://example.com/", "https://notdenied.example.com/", "https://denied.example.com.org/",
	} {
		u, err := client.CheckURL(text)
		require.NoError(t, err, text)
		require.NotEmpty(t, u.Host)
	}
}

func TestCheckURL_refuses_every_other_url(t *testing.T) {
	t.Parallel()
	client := New(Options{DenyDomains: []string{" Denied.example.com. ", ""}})
	for _, text := range []string{
		"", "example.com", "/callback", "//example.com/", "https:", "https://", "https:///x", "https:example.com", "https://:443/",
		"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)",
		"https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/", "https://example.com/#part",
		"https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://example.com:http/",
		"https://example.com:22/", "https://example.com:25/", "https://example.com:80/", "https://8.8.8.8:1023/", "https://example.com:0443x/",
		"https://localhost/", "https://LOCALHOST./", "https://intern/", "https://a.local/", "https://metadata.google.internal/",
		"https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/",
		"https://127.0.0.1./", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://10.0.0.1:8443/",
		"https://169.254.169.254/latest/meta-data/", "https://[64:ff9b::a00:1]/", "https://example.com.1/",
		"https://exämple.com/", "https://ⓛocalhost.com/", "https://example。com/", "https://127。0。0。1/", "https://exa mple.com/",
		"https://example..com/", "https://.example.com/", "https://exa%6dple.com%2f/", "https://example.com\\@evil.com/",
		"https://denied.example.com/", "https://DENIED.example.com./", "https://x.denied.example.com/",
		"https://example.com/\x00", "https://example.com/\n", " https://example.com/", "https://example.com/" + strings.Repeat("x", 2048),
	} {
		u, err := client.CheckURL(text)
		require.ErrorIs(t, err, ErrRefused, "%q", text)
		require.Nil(t, u)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestCheckURL_accepts_local_urls_when_private_addresses_are_allowed(t *testing.T) {
	t.Parallel()
	client := New(Options{AllowPrivate: true, DenyDomains: []string{"denied.example.com"}})
	for _, text := range []string{"http://localhost:8000/x", "http://127.0.0.1:8000/", "https://10.0.0.1/", "http://wallet/", "http://[::1]:1/", "http://localhost:80/"} {
		_, err := client.CheckURL(text)
		require.NoError(t, err, text)
	}
	for _, text := range []string{"ftp://localhost/", "http://user@localhost/", "http://denied.example.com/"} {
		_, err := client.CheckURL(text)
		require.ErrorIs(t, err, ErrRefused, text)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, text := range []string{"https://example.com/x?y", "https://127.1/", "https://[::1]:80/", "https://a@b/", "http://x", "https://%31/"} {
		f.Add(text)
	}
	client := New(Options{})
	f.Fuzz(func(t *testing.T, text string) {
		u, err := client.CheckURL(text)
		if err != nil {
			require.ErrorIs(t, err, ErrRefused)
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		again, err := client.CheckURL(u.String())
		require.NoError(t, err, "what is dialled must pass like what was judged")
		require.Equal(t, u.Host, again.Host)
	})
}
