package stellar

import (
	"bytes"
	"encoding/json"
	"errors"
)

// scanner walks JSON without building it. Nine tenths of a page are XDR and links that nobody here reads; those are
// jumped over with bytes.IndexByte, which is what makes it several times faster than encoding/json. What it accepts and
// valid JSON is read exactly as encoding/json reads it; inside of what it jumps over it only pairs brackets and quotes.
type scanner struct {
	data []byte
	pos  int
}

var (
	errSyntax  = errors.New("malformed JSON")
	errDeep    = errors.New("JSON nested too deeply")
	errEndless = errors.New("JSON cut short")
)

// peek passes white space and answers the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// take passes white space and the byte given.
func (s *scanner) take(want byte) error {
	if s.peek() != want {
		return s.unexpected()
	}
	s.pos++
	return nil
}

func (s *scanner) unexpected() error {
	if s.pos >= len(s.data) {
		return errEndless
	}
	return errSyntax
}

// object calls member for each member, which must pass the value. The key is valid until then.
func (s *scanner) object(member func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, err := s.quoted()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// list calls item for each item between the brackets, which must pass it.
func (s *scanner) list(left, right byte, item func() error) error {
	if err := s.take(left); err != nil {
		return err
	}
	if s.peek() == right {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case right:
			s.pos++
			return nil
		default:
			return s.unexpected()
		}
	}
}

// text passes any value. It answers a string's bytes, which are never nil; nil for null; and false for anything else.
func (s *scanner) text() (value []byte, ok bool, err error) {
	switch s.peek() {
	case '"':
		value, err = s.quoted()
		return value, true, err
	case 'n':
		return nil, true, s.skip()
	}
	return nil, false, s.skip()
}

// quoted answers the bytes of a string; they alias the data where there is nothing to unescape.
func (s *scanner) quoted() ([]byte, error) {
	if err := s.take('"'); err != nil {
		return nil, err
	}
	for i := s.pos; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			value := s.data[s.pos:i:i]
			s.pos = i + 1
			return value, nil
		case c == '\\' || c < ' ' || c >= 0x80:
			return s.unquoted()
		}
	}
	return nil, errEndless
}

// unquoted leaves escapes, control characters and what is not ASCII to encoding/json. It starts behind the first quote.
func (s *scanner) unquoted() ([]byte, error) {
	start := s.pos - 1
	if err := s.skipString(); err != nil {
		return nil, err
	}
	var value string
	if json.Unmarshal(s.data[start:s.pos], &value) != nil {
		return nil, errSyntax
	}
	return append([]byte{}, value...), nil
}

// skipString passes the rest of a string, starting behind its first quote.
func (s *scanner) skipString() error {
	for {
		i := bytes.IndexByte(s.data[s.pos:], '"')
		if i < 0 {
			return errEndless
		}
		end := s.pos + i
		escapes := 0
		for end-escapes > s.pos && s.data[end-escapes-1] == '\\' {
			escapes++
		}
		s.pos = end + 1
		if escapes%2 == 0 {
			return nil
		}
	}
}

// skip passes one value of any kind.
func (s *scanner) skip() error {
	const deepest = 64
	var curly uint64 // a bit for each open bracket, the innermost lowest
	for depth := 0; ; {
		switch c := s.peek(); c {
		case '{', '[':
			if depth == deepest {
				return errDeep
			}
			depth++
			curly <<= 1
			if c == '{' {
				curly |= 1
			}
			s.pos++
		case '}', ']':
			if depth == 0 || (curly&1 == 1) != (c == '}') {
				return errSyntax
			}
			depth--
			curly >>= 1
			s.pos++
		case '"':
			s.pos++
			if err := s.skipString(); err != nil {
				return err
			}
		case ',', ':':
			if depth == 0 {
				return errSyntax
			}
			s.pos++
		default:
			if err := s.skipWord(); err != nil {
				return err
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

// skipWord passes a number, true, false or null.
func (s *scanner) skipWord() error {
	start := s.pos
	for ; s.pos < len(s.data); s.pos++ {
		c := s.data[s.pos]
		if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != 'E' {
			break
		}
	}
	if s.pos == start {
		return s.unexpected()
	}
	return nil
}

// word passes any value and answers its bytes, to be compared with true or false.
func (s *scanner) word() ([]byte, error) {
	s.peek()
	start := s.pos
	err := s.skip()
	return s.data[start:s.pos], err
}
