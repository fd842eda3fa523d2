package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ErrRefused is wrapped by every error that says that an address will never be called: its url is unsuitable, its
// domain is on the deny list, or it leads to an address that is not public. Trying again does not help, except that a
// name may come to resolve to another address.
var ErrRefused = errors.New("address refused")

const (
	maxURL = 2048
	// firstFreePort follows those that are set aside for well-known services.
	firstFreePort = 1024
)

// CheckURL judges a url at the moment it is taken in, without resolving its name: https (or http where private
// addresses are allowed), a host, port 443 or one above 1023 (any where private addresses are allowed), no user
// information, no fragment, not on the deny list, no literal address that is not public. Its error wraps ErrRefused and is
// fit for the party that sent the url. A url that passes may still be refused when it is called.
func (c *Client) CheckURL(text string) (*url.URL, error) {
	u, err := parseURL(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if err := c.checkParts(u); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return u, nil
}

func parseURL(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("the url is longer than %d characters", maxURL)
	}
	u, err := url.Parse(text)
	if err != nil { // its text would repeat the url
		return nil, errors.New("the url cannot be read")
	}
	return u, nil
}

func (c *Client) checkParts(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !c.options.AllowPrivate):
		return errors.New("the url must begin with https://")
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("the url must name a host")
	case u.User != nil:
		return errors.New("the url must not contain a user name or password")
	case u.Fragment != "":
		return errors.New("the url must not have a fragment")
	}
	if err := c.checkPort(u); err != nil {
		return err
	}
	return c.checkHost(normalHost(u))
}

// checkPort refuses the ports that belong to other protocols: what is sent there is read as mail or as a login.
func (c *Client) checkPort(u *url.URL) error {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return errors.New("the url has a colon without a port")
		}
		return nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || number == 0:
		return errors.New("the port of the url must be from 1 to 65535")
	case number < firstFreePort && number != 443 && !c.options.AllowPrivate:
		return fmt.Errorf("the port of the url must be 443, or %d and above", firstFreePort)
	}
	return nil
}

// normalHost gives the one spelling of a host by which the deny list is asked.
func normalHost(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

func (c *Client) checkHost(host string) error {
	if c.denied(host) {
		return errors.New("this domain is not called")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if c.options.AllowPrivate {
			return nil
		}
		return c.guard.check(addr)
	}
	return c.checkName(host)
}

// checkName refuses names that software reads in different ways: letters beyond ASCII, which some map to dots or
// digits, and numbers such as 2130706433 or 0x7f.1, which some take for an address.
func (c *Client) checkName(host string) error {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || strings.ContainsFunc(label, notOfName) {
			return errors.New("the host name must be made of letters, digits and hyphens (international names as xn--…)")
		}
	}
	last := labels[len(labels)-1]
	if last[0] >= '0' && last[0] <= '9' {
		return errors.New("the host is neither a name nor a plain address")
	}
	if !c.options.AllowPrivate && (len(labels) == 1 || localDomain(last)) {
		return errors.New("the host name is not public")
	}
	return nil
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// localDomain names the top level domains that never exist on the public internet.
func localDomain(top string) bool {
	switch top {
	case "localhost", "local", "internal", "localdomain", "lan", "intranet", "home", "corp":
		return true
	default:
		return false
	}
}

// denied tells whether the host is one of the denied domains or beneath one.
func (c *Client) denied(host string) bool {
	for _, domain := range c.options.DenyDomains {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}
