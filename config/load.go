package config

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// Source says where settings come from. The zero Source is what a command without flags uses.
type Source struct {
	File    string            // anchor.yaml; "" is anchor.yaml in Dir if it exists. A named file that is missing is a fault
	EnvFile string            // .env, likewise
	Environ []string          // NAME=value; nil is the environment of the process
	Flags   map[string]string // key of the table -> value, as given on the command line
	Dir     string            // where files without a directory are looked for; "" is the working directory

	// Setenv puts what .env says, and the environment does not, into the process environment, so that a business'
	// own code finds its variables there. nil is os.Setenv.
	Setenv func(name, value string) error
}

// Load reads the settings: the defaults, over them anchor.yaml, over that .env and the environment, over that the
// flags. It reports what cannot be read, all of it together as Faults; whether the values fit together is for
// Validate. It writes nothing but the variables of .env (see Source.Setenv), and those only when there is no fault.
func Load(src Source) (Settings, error) {
	l := loader{src: src, layers: newLayers()}
	s := defaults()
	l.defaults()
	doc := l.file()
	dotEnv := l.environment()
	l.flags()
	l.assign(&s)
	l.lists(&s, doc)
	derive(&s)
	l.locate(&s)
	if len(l.faults) == 0 {
		l.export(dotEnv)
	}
	if err := l.faults.err(); err != nil {
		return Settings{}, err
	}
	return s, nil
}

func defaults() Settings {
	return Settings{Customers: Customers{Types: defaultCustomerTypes()}}
}

// newLayers returns a viper of its own. viper keeps the precedence only: the layers are put into it as flat keys, with
// values that are still text, because left to itself it lower-cases names, forgets the environment when it unmarshals
// and guesses types.
func newLayers() *viper.Viper {
	const never = "\x00"
	return viper.NewWithOptions(viper.KeyDelimiter(never))
}

type loader struct {
	src    Source
	layers *viper.Viper
	faults Faults
}

func (l *loader) defaults() {
	for _, row := range rows() {
		if row.Default != "" {
			l.layers.SetDefault(row.Key, given{text: row.Default, origin: "the default"})
		}
	}
}

func (l *loader) file() *document {
	name, content := l.read(l.src.File, "anchor.yaml")
	doc := parseYAML(name, content)
	l.faults = append(l.faults, doc.faults...)
	doc.faults = nil
	l.merge(doc.values, Setting.FileKey)
	return doc
}

// merge puts a layer over those before it; nameOfFile tells where in it the path of a file with a secret would stand.
func (l *loader) merge(values map[string]given, nameOfFile func(Setting) string) {
	layer := map[string]any{}
	for _, setting := range Table() {
		if value, ok := l.valueOf(setting, values, nameOfFile(setting)); ok {
			layer[setting.Key] = value
		}
	}
	if err := l.layers.MergeConfigMap(layer); err != nil {
		l.faults.add(&Fault{Problem: "settings cannot be merged: " + err.Error()})
	}
}

// valueOf finds a setting in a layer whose entries are named by key, with the file of a secret in its stead.
func (l *loader) valueOf(setting Setting, values map[string]given, fileName string) (given, bool) {
	value, ok := values[setting.Key]
	if !setting.Secret {
		return value, ok
	}
	file, inFile := values[setting.FileKey()]
	inFile = inFile && file.text != ""
	switch {
	case inFile && ok && value.text != "":
		l.faults.add(&Fault{
			Key: setting.Key, Env: setting.Env, Problem: "is given twice, by itself and by " + fileName + " (" + file.origin + ")",
			Mend: "keep one of the two",
		})
		return given{}, false
	case inFile:
		return l.secretFile(setting, file, fileName)
	default:
		return value, ok
	}
}

func (l *loader) secretFile(setting Setting, file given, fileName string) (given, bool) {
	if file.isList {
		l.faults.add(&Fault{Key: setting.FileKey(), Env: setting.FileEnv(), Problem: "is a list, where one path belongs", Mend: "give one path"})
		return given{}, false
	}
	content, err := readLimited(l.path(file.text))
	if err != nil {
		l.faults.add(&Fault{
			Key: setting.FileKey(), Env: setting.FileEnv(), Problem: "names a file that cannot be read: " + reason(err),
			Mend: "give the path of a file that this process may read",
		})
		return given{}, false
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	return given{text: text, origin: "the file of " + fileName}, true
}

func (l *loader) flags() {
	values := map[string]given{}
	settings := map[string]Setting{}
	for _, setting := range Table() {
		settings[setting.Key] = setting
		if setting.Secret {
			settings[setting.FileKey()] = Setting{Key: setting.FileKey()}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.src.Flags)) {
		setting, ok := settings[key]
		switch {
		case !ok:
			l.faults.add(&Fault{Key: key, Problem: "is not a setting (the command line)", Mend: "see docs/settings.md"})
		case setting.Secret && !harmless(setting, l.src.Flags[key]):
			l.faults.add(&Fault{
				Key: key, Env: setting.Env, Problem: "is a secret and stands on the command line, which everybody on the machine can read",
				Mend: "give it in the environment, or the path of a file with it as " + setting.FileEnv(),
			})
		default:
			values[key] = given{text: l.src.Flags[key], origin: "the command line"}
		}
	}
	for _, setting := range Table() {
		if value, ok := l.valueOf(setting, values, setting.FileKey()); ok {
			l.layers.Set(setting.Key, value)
		}
	}
}

// harmless tells whether the value of a setting that may hold a secret holds none: a database without a password.
func harmless(setting Setting, value string) bool {
	if section(setting.Key) != "database" {
		return false
	}
	if strings.HasPrefix(value, "sqlite:") {
		return true
	}
	u, err := url.Parse(value)
	if err != nil || u.Query().Has("password") {
		return false
	}
	_, has := u.User.Password()
	return !has
}

func (l *loader) assign(s *Settings) {
	for _, row := range rows() {
		value, ok := l.layers.Get(row.Key).(given)
		if !ok {
			continue
		}
		if fault := row.assign(s, value); fault != nil {
			l.faults.add(fault)
		}
	}
}

// locate has the files that serve reads begin where all others do.
func (l *loader) locate(s *Settings) {
	for _, name := range []*string{&s.Server.TLSCertificate, &s.Server.TLSKey, &s.Server.TomlFile} {
		if *name != "" {
			*name = l.path(*name)
		}
	}
}

func (l *loader) lists(s *Settings, doc *document) {
	for _, list := range lists() {
		if node, ok := doc.lists[list.key]; ok {
			doc.readList(list.key, node, list.into(s))
		}
	}
	l.faults = append(l.faults, doc.faults...)
	s.business = doc.business
}
