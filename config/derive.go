package config

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"strings"
)

// derive brings values to one form and fills in those that follow from others.
func derive(s *Settings) {
	s.Server.ActiveSEPs = lowerOnce(s.Server.ActiveSEPs)
	s.Server.HostURL = strings.TrimRight(s.Server.HostURL, "/")
	for i, uri := range s.Network.HorizonURIs {
		s.Network.HorizonURIs[i] = strings.TrimRight(uri, "/")
	}
	s.Remote.URL = strings.TrimRight(s.Remote.URL, "/")
	s.Database.URL = plainSQLite(s.Database.URL)
	host, err := url.Parse(s.Server.HostURL)
	if err != nil || host.Host == "" {
		return
	}
	if len(s.SEP10.HomeDomains) == 0 {
		s.SEP10.HomeDomains = []string{host.Host}
	}
	if s.Server.Listen == "" {
		s.Server.Listen = net.JoinHostPort("127.0.0.1", cmp.Or(host.Port(), "8000"))
	}
}

func lowerOnce(items []string) []string {
	var once []string
	for _, item := range items {
		if item = strings.ToLower(item); !slices.Contains(once, item) {
			once = append(once, item)
		}
	}
	return once
}

// plainSQLite turns the spelling that Polaris' users have, sqlite:///PATH, into ours.
func plainSQLite(value Secret) Secret {
	if path, ok := strings.CutPrefix(value.Reveal(), "sqlite:///"); ok {
		return Secret("sqlite:" + path)
	}
	return value
}
