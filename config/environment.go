package config

import (
	"os"
	"slices"
	"strings"
)

// environment merges the variables, and returns those of .env that are to be put into the process environment.
func (l *loader) environment() []variable {
	environ := l.environ()
	name, content := l.read(l.src.EnvFile, ".env")
	parsed, faults := parseDotEnv(name, string(content))
	l.faults = append(l.faults, faults...)
	twins := twins()
	var added []variable
	values := map[string]given{}
	for _, v := range parsed {
		_, set := environ[v.name]
		_, twinSet := environ[twins[v.name]]
		if set || twinSet {
			continue
		}
		added = append(added, v)
		values[v.name] = given{text: v.value, origin: name}
	}
	for variable, value := range environ {
		values[variable] = given{text: value, origin: "the environment"}
	}
	l.misspelt(values)
	l.merge(byKey(values), Setting.FileEnv)
	return added
}

func (l *loader) environ() map[string]string {
	list := l.src.Environ
	if list == nil {
		list = os.Environ()
	}
	environ := map[string]string{}
	for _, entry := range list {
		name, value, ok := strings.Cut(entry, "=")
		if _, before := environ[name]; ok && !before {
			environ[name] = value
		}
	}
	return environ
}

// twins maps each variable of a secret to the other one, so that a value in the environment also hides a …_FILE of .env.
func twins() map[string]string {
	twins := map[string]string{}
	for _, setting := range Table() {
		if setting.Secret {
			twins[setting.Env], twins[setting.FileEnv()] = setting.FileEnv(), setting.Env
		}
	}
	return twins
}

func byKey(variables map[string]given) map[string]given {
	values := map[string]given{}
	for _, setting := range Table() {
		if value, ok := variables[setting.Env]; ok {
			values[setting.Key] = value
		}
		if value, ok := variables[setting.FileEnv()]; ok && setting.Secret {
			values[setting.FileKey()] = value
		}
	}
	return values
}

// misspelt refuses an ANCHOR_… variable that is nearly one of ours: silently ignored, it would leave a list or a limit
// at its default. Others are none of our business.
func (l *loader) misspelt(variables map[string]given) {
	const near = 2
	known := map[string]bool{}
	for _, setting := range Table() {
		known[setting.Env], known[setting.FileEnv()] = true, true
	}
	var names []string
	for name := range variables {
		if strings.HasPrefix(name, "ANCHOR_") && !known[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, setting := range Table() {
			if distance(name, setting.Env) <= near {
				l.faults.add(&Fault{Env: name, Problem: "is not a setting (" + variables[name].origin + ")", Mend: "did you mean " + setting.Env + "?"})
				break
			}
		}
	}
}

func (l *loader) export(variables []variable) {
	setenv := l.src.Setenv
	if setenv == nil {
		setenv = os.Setenv
	}
	for _, v := range variables {
		if err := setenv(v.name, v.value); err != nil {
			l.faults.add(&Fault{Env: v.name, Problem: "cannot be put into the environment: " + reason(err)})
		}
	}
}
