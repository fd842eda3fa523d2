package config

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is shown in place of a secret.
const hidden = "[secret]"

// Secret is a value that no log line, error or answer may show: every way of printing or encoding it yields
// "[secret]", an empty one included, so that its absence is not told either. Reveal gives the value itself.
type Secret string

// Reveal returns the value. Whoever calls it must keep it out of logs, errors and arguments of other programs.
func (s Secret) Reveal() string { return string(s) }

// IsSet tells whether there is a value at all.
func (s Secret) IsSet() bool { return s != "" }

// String returns "[secret]".
func (s Secret) String() string { return hidden }

// GoString returns "[secret]".
func (s Secret) GoString() string { return hidden }

// Format writes "[secret]" for every verb; without it a wrong verb such as %d would print the value.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, hidden) }

// LogValue returns "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns "[secret]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText returns "[secret]"; encoders of YAML, TOML and XML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
