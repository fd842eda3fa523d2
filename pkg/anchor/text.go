package anchor

import "strings"

// longestText is what is kept of a text that somebody else wrote, in bytes.
const longestText = 1000

// CleanText makes a text that somebody else wrote fit to be stored, logged and shown: valid UTF-8 without control
// characters, and not longer than a paragraph. The constructors of refusals and outcomes apply it.
func CleanText(text string) string {
	if len(text) > longestText {
		text = text[:longestText]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}
