package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultLanguage is that of a text for which anchor.yaml names no language, and of whoever asks for none.
const DefaultLanguage = "en"

// Text is something that people read, by language tag (BCP 47): "en", "pt", "pt-BR". In anchor.yaml it is one text, which
// is English, or a mapping of tags to texts. It is not changed after it was read and may be used from any goroutine.
type Text map[string]string

// In returns the text in a language: that of the tag, whatever its case, else that of its primary language, else the
// English one, else that of the first tag by alphabet. It is empty only where there is no text at all.
func (t Text) In(lang string) string {
	primary, _, _ := strings.Cut(lang, "-")
	for _, wanted := range []string{lang, primary, DefaultLanguage} {
		if tag, ok := t.tag(wanted); ok {
			return t[tag]
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(t)) {
		return t[tag]
	}
	return ""
}

// tag finds a tag as it was written in the file.
func (t Text) tag(wanted string) (string, bool) {
	if _, ok := t[wanted]; ok {
		return wanted, true
	}
	for tag := range t { // no two of them differ in case alone
		if strings.EqualFold(tag, wanted) {
			return tag, true
		}
	}
	return "", false
}

func english(text string) Text { return Text{DefaultLanguage: text} }

// readText reads one text, or one per language.
func (d *document) readText(path string, node *yaml.Node) Text {
	switch node.Kind {
	case yaml.ScalarNode:
		return english(strings.TrimSpace(node.Value))
	case yaml.MappingNode:
		return d.readLanguages(path, node)
	default:
		d.wrong(path, node, "is neither a text nor a mapping of languages to texts", "write one text, or {en: …, pt: …}")
		return nil
	}
}

func (d *document) readLanguages(path string, node *yaml.Node) Text {
	text := Text{}
	form := regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)
	d.pairs(path, node, func(key string, value *yaml.Node) {
		tag := strings.TrimPrefix(key, path+".")
		before, twice := text.tag(tag)
		switch {
		case !form.MatchString(tag):
			d.wrong(key, value, "is not the tag of a language", "use tags such as en, pt or pt-BR")
		case twice:
			d.wrong(key, value, "is the same language as "+before, "keep one of them")
		case value.Kind != yaml.ScalarNode:
			d.wrong(key, value, "is not a text", "write one text for each language")
		case isNull(value) || strings.TrimSpace(value.Value) == "":
			d.wrong(key, value, "is empty", "write the text, or remove the language")
		default:
			text[tag] = strings.TrimSpace(value.Value)
		}
	})
	return text
}
