package sep10

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/stellar/go-stellar-sdk/strkey"
)

const (
	// maxKeyParts and maxNesting are far beyond what a stellar.toml has. The decoder takes time and memory that grow with
	// the square of them: 100 KB of dots in one key cost it 30 GB.
	maxKeyParts = 8
	maxNesting  = 16
)

// signingKey reads the SIGNING_KEY (SEP-1) of a document that somebody else wrote.
func signingKey(document []byte) (string, error) {
	text := string(document)
	if !shallow(text) {
		return "", errors.New("its stellar.toml is nested too deeply")
	}
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		return "", errors.New("its stellar.toml is no TOML") // the decoder's text repeats the document
	}
	key, ok := values["SIGNING_KEY"].(string)
	if !ok {
		return "", errors.New("its stellar.toml has no SIGNING_KEY")
	}
	if !strkey.IsValidEd25519PublicKey(key) {
		return "", fmt.Errorf("the SIGNING_KEY of its stellar.toml is no account (G…)")
	}
	return key, nil
}

// shallow tells whether a document can be given to the decoder. It looks at each character once.
func shallow(text string) bool {
	parts, nesting := 0, 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"', '\'':
			n := stringLength(text[i:])
			if n == 0 {
				return false
			}
			i += n
			continue
		case '#':
			i += lineLength(text[i:])
			continue
		case '.':
			parts++
		case '=', ',', '\n':
			parts = 0
		case '[', '{':
			nesting++
		case ']', '}':
			nesting = max(nesting-1, 0)
		}
		if parts > maxKeyParts || nesting > maxNesting {
			return false
		}
		i++
	}
	return true
}

func lineLength(text string) int {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}

// stringLength is how long the string is with which a text begins, quotes included; 0 where it does not end.
func stringLength(text string) int {
	quote := text[:1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(text, long) {
		return longStringLength(text, long)
	}
	for i := 1; i < len(text) && text[i] != '\n'; i++ {
		switch {
		case text[i] == quote[0]:
			return i + 1
		case text[i] == '\\' && quote == `"`:
			i++
		}
	}
	return 0
}

// longStringLength is that of a string of several lines, which may end with up to two quotes of its own before the closing three.
func longStringLength(text, long string) int {
	for i := len(long); i < len(text); i++ {
		switch {
		case text[i] == '\\' && long[0] == '"':
			i++
		case strings.HasPrefix(text[i:], long):
			end := i + len(long)
			for more := 0; more < 2 && strings.HasPrefix(text[end:], long[:1]); more++ {
				end++
			}
			return end
		}
	}
	return 0
}
