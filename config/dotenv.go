package config

import (
	"errors"
	"fmt"
	"strings"
)

// variable is one NAME=value.
type variable struct{ name, value string }

// parseDotEnv reads the lines of a .env file: NAME=value, optionally after `export`. A value in single quotes is taken
// as it stands; in double quotes \n, \t, \", \\ and \$ are replaced; without quotes it ends at " #". Nothing is
// expanded, so that a key with a $ in it stays what it is. The first of two lines of one name would be lost, so
// a repeated name is a fault. Messages never repeat a value.
func parseDotEnv(name string, content string) ([]variable, Faults) {
	var (
		variables []variable
		faults    Faults
		seen      = map[string]bool{}
	)
	content = strings.TrimPrefix(content, "\ufeff")
	for i, line := range strings.Split(content, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := parseLine(line)
		if err == nil && seen[v.name] {
			err = fmt.Errorf("gives %s a second time", v.name)
		}
		if err != nil {
			faults.add(&Fault{
				Key: fmt.Sprintf("%s line %d", name, i+1), Problem: err.Error(),
				Mend: "write NAME=value, one a line",
			})
			continue
		}
		seen[v.name] = true
		variables = append(variables, v)
	}
	return variables, faults
}

func parseLine(line string) (variable, error) {
	if rest, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimSpace(rest)
	}
	name, value, ok := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !ok || !isVariableName(name) {
		return variable{}, errors.New("is not a NAME=value")
	}
	value, err := unquote(strings.TrimSpace(value))
	if err != nil {
		return variable{}, fmt.Errorf("cannot be read at %s: %w", name, err)
	}
	if strings.ContainsRune(value, 0) {
		return variable{}, fmt.Errorf("cannot be read at %s: it contains a zero byte", name)
	}
	return variable{name: name, value: value}, nil
}

func isVariableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

func unquote(value string) (string, error) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return withoutComment(value), nil
	}
	quote := value[0]
	var text strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; {
		case c == quote:
			return text.String(), onlyComment(value[i+1:])
		case c == '\\' && quote == '"' && i+1 < len(value):
			i++
			text.WriteString(escaped(value[i]))
		default:
			text.WriteByte(c)
		}
	}
	return "", errors.New("its quote is not closed")
}

func escaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(rune(c))
	default:
		return `\` + string([]byte{c})
	}
}

func withoutComment(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	if strings.HasPrefix(value, "#") {
		return ""
	}
	return value
}

func onlyComment(rest string) error {
	if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
		return errors.New("something follows its closing quote")
	}
	return nil
}
