package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// rule judges a decoded JSON value; at says where it stands.
type rule func(at string, value any) error

func anything(string, any) error { return nil }

func text(at string, value any) error {
	if _, ok := value.(string); !ok {
		return expected(at+" to be a text", show(value))
	}
	return nil
}

func number(at string, value any) error {
	if _, ok := value.(json.Number); !ok {
		return expected(at+" to be a number", show(value))
	}
	return nil
}

func integer(at string, value any) error {
	n, ok := value.(json.Number)
	if !ok {
		return expected(at+" to be a whole number", show(value))
	}
	if _, err := n.Int64(); err != nil {
		return expected(at+" to be a whole number", n)
	}
	return nil
}

func boolean(at string, value any) error {
	if _, ok := value.(bool); !ok {
		return expected(at+" to be true or false", show(value))
	}
	return nil
}

// moment is a time with its zone (RFC 3339).
func moment(at string, value any) error {
	s, ok := value.(string)
	if !ok {
		return expected(at+" to be a time", show(value))
	}
	if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
		return expected(at+" to be a time with its zone", s)
	}
	return nil
}

// enough is a text that is not empty.
func enough(at string, value any) error {
	if s, ok := value.(string); !ok || s == "" {
		return expected(at+" to be a text that is not empty", show(value))
	}
	return nil
}

func oneOf(allowed ...string) rule {
	return func(at string, value any) error {
		if s, ok := value.(string); !ok || !slices.Contains(allowed, s) {
			return expected(at+" to be one of "+strings.Join(allowed, ", "), show(value))
		}
		return nil
	}
}

func nullable(is rule) rule {
	return func(at string, value any) error {
		if value == nil {
			return nil
		}
		return is(at, value)
	}
}

func list(of rule) rule {
	return func(at string, value any) error {
		items, ok := value.([]any)
		if !ok {
			return expected(at+" to be a list", show(value))
		}
		for i, item := range items {
			if err := of(fmt.Sprintf("%s[%d]", at, i), item); err != nil {
				return err
			}
		}
		return nil
	}
}

// eachKey is an object with any keys that pass, whose values have one shape.
func eachKey(name func(string) bool, of rule) rule {
	return func(at string, value any) error {
		object, ok := value.(map[string]any)
		if !ok {
			return expected(at+" to be an object", show(value))
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if !name(key) {
				return expected(at+" to have known keys only", key)
			}
			if err := of(at+"."+key, object[key]); err != nil {
				return err
			}
		}
		return nil
	}
}

func anyName(string) bool { return true }

// object is a JSON object.
type object struct {
	must map[string]rule // keys that have to be there
	may  map[string]rule // keys that may be there
	more bool            // others may be there as well
}

func (o object) is(at string, value any) error {
	given, ok := value.(map[string]any)
	if !ok {
		return expected(at+" to be an object", show(value))
	}
	for _, key := range slices.Sorted(maps.Keys(o.must)) {
		if _, ok := given[key]; !ok {
			return expected(at+" to have the key "+key, "only "+strings.Join(slices.Sorted(maps.Keys(given)), ", "))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if err := o.key(at, key, given[key]); err != nil {
			return err
		}
	}
	return nil
}

func (o object) key(at, key string, value any) error {
	for _, known := range []map[string]rule{o.must, o.may} {
		if is, ok := known[key]; ok {
			return is(at+"."+key, value)
		}
	}
	if !o.more {
		return expected(at+" to have no other keys", key)
	}
	return nil
}

// problem is the body of every error answer of SEP-10, 31 and 38.
func problem() rule { return object{must: map[string]rule{"error": enough}, more: true}.is }

func show(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}
