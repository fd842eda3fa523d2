package customers

import (
	"bytes"
	"slices"

	"github.com/anchorkit/anchor/pkg/anchor"
)

// liveness is the one SEP-9 field that may be a video.
const liveness = "proof_of_liveness"

// kind is what a file is, told by how its content begins and never by what its sender calls it.
type kind struct {
	contentType string
	video       bool
}

// kindOf recognises the photos, documents and videos that people prove things by. Whatever else there is, pages and scripts
// above all, is not known here.
func kindOf(data []byte) (kind, bool) {
	for _, known := range []struct {
		kind
		starts func([]byte) bool
	}{
		{kind{contentType: "image/jpeg"}, with("\xff\xd8\xff")},
		{kind{contentType: "image/png"}, with("\x89PNG\r\n\x1a\n")},
		{kind{contentType: "image/gif"}, with("GIF87a", "GIF89a")},
		{kind{contentType: "image/webp"}, func(b []byte) bool { return with("RIFF")(b) && len(b) >= 12 && string(b[8:12]) == "WEBP" }},
		{kind{contentType: "application/pdf"}, with("%PDF-")},
		{kind{contentType: "image/heic"}, brand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")},
		{kind{"video/quicktime", true}, brand("qt  ")},
		{kind{"video/mp4", true}, brand("isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "MSNV", "dash", "3gp4", "3gp5", "3gp6")},
		{kind{"video/webm", true}, webm},
	} {
		if known.starts(data) {
			return known.kind, true
		}
	}
	return kind{}, false
}

func with(beginnings ...string) func([]byte) bool {
	return func(data []byte) bool {
		return slices.ContainsFunc(beginnings, func(b string) bool { return bytes.HasPrefix(data, []byte(b)) })
	}
}

// brand recognises an ISO base media file (ISO/IEC 14496-12) by the major brand of its first box.
func brand(brands ...string) func([]byte) bool {
	return func(data []byte) bool {
		return len(data) >= 12 && string(data[4:8]) == "ftyp" && slices.Contains(brands, string(data[8:12]))
	}
}

// webm recognises a Matroska file whose header calls itself WebM: others hold whatever they like.
func webm(data []byte) bool {
	const header = 64
	return with("\x1a\x45\xdf\xa3")(data) && bytes.Contains(data[:min(len(data), header)], []byte("\x42\x82\x84webm"))
}

// checkKind tells whether a field may be a file of that type.
func checkKind(field, contentType string) error {
	switch contentType {
	case "video/quicktime", "video/mp4", "video/webm":
		if field != liveness {
			return anchor.Refusef("'%s' cannot be a video", field)
		}
	}
	return nil
}

// recognise is the type of a file, or a refusal that says which there are. name is what the client calls it.
func recognise(name string, data []byte) (string, error) {
	if len(data) == 0 {
		return "", anchor.Refusef("'%s' is an empty file", name)
	}
	k, known := kindOf(data)
	if !known {
		return "", anchor.Refusef("'%s' cannot be decoded: it must be a JPEG, PNG, GIF, WebP or HEIC image or a PDF document, "+
			"for '%s' also an MP4, WebM or QuickTime video", name, liveness)
	}
	return k.contentType, nil
}
