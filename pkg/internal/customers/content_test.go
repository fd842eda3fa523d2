package customers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is recognised is one of the types that the refusal of others names, and never something that a browser runs.
func FuzzContent(f *testing.F) {
	for _, seed := range []string{
		"", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF89a", "RIFF....WEBP", "%PDF-1.7", "\x00\x00\x00\x18ftypheic", "\x00\x00\x00\x18ftypqt  ",
		"\x1a\x45\xdf\xa3\x42\x82\x84webm", "<html>", "ftyp",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		contentType, err := recognise("file", data)
		if err != nil {
			require.Empty(t, contentType)
			return
		}
		require.True(t, strings.HasPrefix(contentType, "image/") || strings.HasPrefix(contentType, "video/") || contentType == "application/pdf")
		require.NotContains(t, contentType, "svg")
		require.Equal(t, strings.HasPrefix(contentType, "video/"), checkKind("photo_id_front", contentType) != nil)
		require.NoError(t, checkKind(liveness, contentType))
	})
}
