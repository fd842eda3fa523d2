package config

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// read returns the content of a named file, or of the usual one, which may be missing.
func (l *loader) read(named, usual string) (name string, content []byte) {
	name = cmp.Or(named, usual)
	content, err := readLimited(l.path(name))
	switch {
	case err == nil:
		return name, content
	case named == "" && errors.Is(err, fs.ErrNotExist):
		return name, nil
	default:
		l.faults.add(&Fault{Key: name, Problem: "cannot be read: " + reason(err), Mend: "give the path of a file that this process may read"})
		return name, nil
	}
}

func (l *loader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.src.Dir, name)
}

// readLimited reads what may also be a pipe, and never without end.
func readLimited(path string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(content) > most {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return content, err
}

// reason is an error of the file system without its path, which the fault names by its setting.
func reason(err error) string {
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
