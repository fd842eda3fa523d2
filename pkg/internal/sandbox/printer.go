package sandbox

import (
	"encoding/json"
	"strconv"
)

// printer writes JSON as Horizon does: indented in answers, on one line in streams. A page of 200 joined records is a
// million bytes, so it appends straight into one buffer, with the base of the links put in as it goes.
type printer struct {
	buf    []byte
	base   string
	pretty bool
	depth  int
	inside bool // something was written into the innermost object or list
}

func (p *printer) line() {
	if !p.pretty {
		return
	}
	const spaces = "\n                                "
	p.buf = append(p.buf, spaces[:1+2*min(p.depth, 16)]...)
}

// item begins the next member of an object or list.
func (p *printer) item() {
	if p.inside {
		p.buf = append(p.buf, ',')
	}
	p.inside = true
	p.line()
}

func (p *printer) open(bracket byte) {
	p.buf = append(p.buf, bracket)
	p.depth++
	p.inside = false
}

func (p *printer) close(bracket byte) {
	p.depth--
	if p.inside {
		p.line()
	}
	p.buf = append(p.buf, bracket)
	p.inside = true
}

func (p *printer) key(name string) {
	p.item()
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, name...)
	p.buf = append(p.buf, '"', ':')
	if p.pretty {
		p.buf = append(p.buf, ' ')
	}
}

// object writes a member that is an object; its end is close('}').
func (p *printer) object(name string) {
	p.key(name)
	p.open('{')
}

// list writes a member that is a list; its end is close(']').
func (p *printer) list(name string) {
	p.key(name)
	p.open('[')
}

// plain writes a member whose text needs no escaping.
func (p *printer) plain(name, value string) {
	p.key(name)
	p.quoted(value)
}

func (p *printer) quoted(value string) {
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, value...)
	p.buf = append(p.buf, '"')
}

// text writes a member that somebody else chose.
func (p *printer) text(name, value string) {
	p.key(name)
	p.escaped(value)
}

func (p *printer) escaped(value string) {
	raw, err := json.Marshal(value)
	if err != nil {
		raw = []byte(`""`)
	}
	p.buf = append(p.buf, raw...)
}

func (p *printer) number(name string, value int64) {
	p.key(name)
	p.buf = strconv.AppendInt(p.buf, value, 10)
}

// count writes a number as a text.
func (p *printer) count(name string, value int64) {
	p.key(name)
	p.buf = append(p.buf, '"')
	p.buf = strconv.AppendInt(p.buf, value, 10)
	p.buf = append(p.buf, '"')
}

func (p *printer) flag(name string, value bool) {
	p.key(name)
	p.buf = strconv.AppendBool(p.buf, value)
}

// amount writes units of 10^-7 with their seven digits.
func (p *printer) amount(name string, units int64) {
	p.key(name)
	p.buf = append(p.buf, '"')
	p.buf = strconv.AppendInt(p.buf, units/one, 10)
	p.buf = append(p.buf, '.')
	fraction := units % one
	for digit := int64(one / 10); digit > 0; digit /= 10 {
		p.buf = append(p.buf, byte('0'+fraction/digit%10))
	}
	p.buf = append(p.buf, '"')
}

// link writes a link to base and these parts of a path, which need no escaping.
func (p *printer) link(name string, path ...string) {
	p.object(name)
	p.href(path)
	p.close('}')
}

// template is link for an address with {variables}.
func (p *printer) template(name string, path ...string) {
	p.object(name)
	p.href(path)
	p.flag("templated", true)
	p.close('}')
}

func (p *printer) href(path []string) {
	p.key("href")
	p.buf = append(p.buf, '"')
	p.buf = append(p.buf, p.base...)
	for _, part := range path {
		p.buf = append(p.buf, part...)
	}
	p.buf = append(p.buf, '"')
}
