package config

import (
	"fmt"
	"strings"
)

// Fault is one thing wrong with the settings. It never carries the value of a secret.
type Fault struct {
	Key     string // the path in anchor.yaml, "server.host_url"; "rails[0].kind" inside a list; the file where a whole file is at fault
	Env     string // the environment variable, "HOST_URL"; empty where there is none
	Problem string // what is wrong
	Mend    string // what to do about it
}

// Error names the setting, then the problem, then the mend.
func (f *Fault) Error() string {
	text := f.name() + " " + f.Problem
	if f.Mend != "" {
		text += "; " + f.Mend
	}
	return text
}

func (f *Fault) name() string {
	switch {
	case f.Env == "":
		return f.Key
	case f.Key == "":
		return f.Env
	default:
		return f.Env + " (" + f.Key + ")"
	}
}

// Faults is everything that was found wrong, in the order of the table of settings.
type Faults []*Fault

// Error lists the faults, one a line.
func (f Faults) Error() string {
	if len(f) == 1 {
		return f[0].Error()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d settings are wrong:", len(f))
	for _, fault := range f {
		text.WriteString("\n  - " + fault.Error())
	}
	return text.String()
}

// Unwrap lets errors.As and errors.Is look at each fault.
func (f Faults) Unwrap() []error {
	all := make([]error, len(f))
	for i, fault := range f {
		all[i] = fault
	}
	return all
}

func (f *Faults) add(fault *Fault) { *f = append(*f, fault) }

// err keeps an empty list from becoming a non-nil error.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
