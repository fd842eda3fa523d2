package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Manual is docs/settings.md, made from the table of settings.
func Manual() string {
	var m manual
	m.line("# Settings")
	m.line("")
	m.line("<!-- Made from the table in config/ by `go test ./config -run Docs -update`. Do not edit. -->")
	m.introduction()
	m.settings()
	m.lists()
	m.business()
	return m.text.String()
}

type manual struct{ text strings.Builder }

func (m *manual) line(format string, args ...any) {
	fmt.Fprintf(&m.text, format+"\n", args...)
}

func (m *manual) introduction() {
	for _, text := range []string{
		"Settings are read from `anchor.yaml`, then `.env`, then the environment, then the command line; later wins. " +
			"`.env` is put into the process environment without overriding what is there. All processes of one anchor share their settings; " +
			"each process says at its start everything that is wrong with them, with the mend.",
		"In `anchor.yaml` a setting stands under its key (`server.host_url` is `host_url:` in the section `server:`); " +
			"a key that is not listed here is an error. `anchor.yaml.example` has them all.",
		"- **yes or no** is `1`, `0`, `true` or `false`, nothing else.\n" +
			"- **list** is a YAML list, or one text with commas; spaces around an item do not count.\n" +
			"- **duration** is a number with its unit, `90s`, `15m`, `1h30m`; **duration or seconds** also a plain number of seconds, as in Polaris.\n" +
			"- **secret** is never printed, and is refused on the command line (a database without a password is not). Every secret may stand in a file instead: " +
			"the variable with `_FILE`, or the key with `_file`, gives its path, and one newline at the end of the file does not count.\n" +
			"- **translated text** is one text, which is English, or a mapping of language tags to texts: `{en: given name, pt: nome, pt-BR: prenome}`. " +
			"Clients get that of the language they ask for (`lang`), else that of its primary language (`pt` for `pt-PT`), else the English one, else any. " +
			"Choices and the texts of errors are not translated; errors are English.",
	} {
		m.line("")
		m.line("%s", text)
	}
}

func (m *manual) settings() {
	current := ""
	for _, setting := range Table() {
		if s := section(setting.Key); s != current {
			current = s
			m.line("")
			m.line("## %s", current)
			m.line("")
			m.line("| Key | Variable | Type | Default | Meaning | If it is wrong |")
			m.line("| --- | --- | --- | --- | --- | --- |")
		}
		m.line("| `%s` | `%s` | %s | %s | %s | %s |",
			setting.Key, setting.Env, setting.Type, code(setting.Default), cell(setting.Meaning), cell(setting.Mend))
	}
}

func (m *manual) lists() {
	m.line("")
	m.line("## Lists")
	m.line("")
	m.line("These stand in `anchor.yaml` only.")
	for _, list := range lists() {
		m.line("")
		m.line("### %s", list.key)
		m.line("")
		m.line("%s", list.meaning)
		m.line("")
		m.line("| Key of an item | Type | Default | Meaning |")
		m.line("| --- | --- | --- | --- |")
		m.items("", reflect.TypeOf(list.into(new(Settings))).Elem().Elem())
	}
}

func (m *manual) items(prefix string, item reflect.Type) {
	for i := range item.NumField() {
		field := item.Field(i)
		key := prefix + field.Tag.Get("yaml")
		nested := field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct
		m.line("| `%s` | %s | %s | %s |", key, typeName(field.Type), code(field.Tag.Get("default")), cell(field.Tag.Get("doc")))
		switch {
		case nested:
			m.items(key+"[].", field.Type.Elem())
		case hasKeys(field.Type):
			m.items(key+".", field.Type)
		}
	}
}

// hasKeys tells whether a value is written as keys of its own.
func hasKeys(t reflect.Type) bool { return t.Kind() == reflect.Struct && t != reflect.TypeFor[Text]() }

func typeName(t reflect.Type) string {
	switch {
	case hasKeys(t):
		return kindKeys
	case t == reflect.TypeFor[time.Duration]():
		return kindDuration
	case t == reflect.TypeFor[Text]():
		return kindTranslated
	case t.Kind() == reflect.Int:
		return kindNumber
	case t.Kind() == reflect.Slice:
		return kindList
	case t.Kind() == reflect.Bool:
		return kindYesNo
	default:
		return kindText
	}
}

func (m *manual) business() {
	m.line("")
	m.line("## %s", businessKey)
	m.line("")
	m.line("Free for the business' own program, which reads it through `Host.Setting`: any keys, and their case is kept.")
}

func code(text string) string {
	if text == "" {
		return "–"
	}
	return "`" + text + "`"
}

// cell keeps a text inside its column.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
