package config

import (
	"strings"
	"time"
)

// Setting is one line of the table of settings.
type Setting struct {
	Key     string // path in anchor.yaml, "server.host_url"
	Env     string // environment variable; Polaris' spelling where Polaris has it
	Type    string // text, whole number, yes or no, duration, list or secret
	Default string // as it would be written in the environment; empty is none
	Secret  bool   // also as Env+"_FILE" and Key+"_file"
	Meaning string
	Mend    string // what to do when it is wrong or missing
}

// Table returns every setting that has a value of its own, in the order of the manual. The lists of anchor.yaml
// (principals, customers.types, …) are not in it: they have neither a variable nor a flag.
func Table() []Setting {
	rows := rows()
	table := make([]Setting, len(rows))
	for i, row := range rows {
		table[i] = row.Setting
	}
	return table
}

// FileKey is the key under which the path of a file with the secret may be given instead; empty for other settings.
func (s Setting) FileKey() string {
	if !s.Secret {
		return ""
	}
	return s.Key + "_file"
}

// FileEnv is the variable under which the path of a file with the secret may be given instead; empty for other settings.
func (s Setting) FileEnv() string {
	if !s.Secret {
		return ""
	}
	return s.Env + "_FILE"
}

func (s Setting) fault(problem string) *Fault {
	return &Fault{Key: s.Key, Env: s.Env, Problem: problem, Mend: s.Mend}
}

// Kinds of values, as the manual calls them.
const (
	kindText     = "text"
	kindNumber   = "whole number"
	kindYesNo    = "yes or no"
	kindDuration = "duration"
	kindSeconds  = "duration or seconds"
	kindList     = "list"
	kindKeys     = "keys"
	kindSecret   = "secret"
	// kindTranslated is found in lists only.
	kindTranslated = "translated text"
)

// row ties a setting to its place in Settings.
type row struct {
	Setting
	field   func(*Settings) any // pointer to the value; its type is the type of the setting
	seconds bool                // a plain integer is a number of seconds, as in Polaris
}

func rows() []row {
	var all []row
	for _, section := range [][]row{
		serverRows(), networkRows(), databaseRows(), keyRows(), sep10Rows(), sep31Rows(), sep38Rows(),
		customerRows(), limitRows(), callbackRows(), workerRows(), refundRows(), remoteRows(), logRows(), documentationRows(),
	} {
		all = append(all, section...)
	}
	for i := range all {
		all[i].Type = all[i].kind()
		all[i].Secret = all[i].Type == kindSecret
	}
	return all
}

func (r row) kind() string {
	switch r.field(new(Settings)).(type) {
	case *int:
		return kindNumber
	case *bool:
		return kindYesNo
	case *time.Duration:
		if r.seconds {
			return kindSeconds
		}
		return kindDuration
	case *[]string:
		return kindList
	case *Secret:
		return kindSecret
	default:
		return kindText
	}
}

// settingOf finds the line of a key. Keys come from this package's own code; a test walks through all of them.
func settingOf(key string) Setting {
	for _, row := range rows() {
		if row.Key == key {
			return row.Setting
		}
	}
	return Setting{Key: key}
}

// section is the part of a key before its last dot.
func section(key string) string {
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		return key[:i]
	}
	return ""
}
