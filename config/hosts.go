package config

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Address is where people reach this instance: the public address, or else what follows from the listen address, without a
// slash at the end.
func (c Config) Address() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	scheme := "http"
	if c.TLS.On() {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return scheme + "://" + c.Listen
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified():
		host = "localhost"
		if own := ownAddress(); len(own) > 0 {
			host = own[0].String()
		}
	case err == nil && ip.Is4() && ip.IsLoopback():
		host = "localhost"
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}

// Hosts are the names and addresses, without ports, by which this instance may be reached: those of the public address and of
// the listen address, and when it listens on all addresses those of this machine.
func (c Config) Hosts() []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return hosts
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		hosts = append(hosts, host)
	} else {
		hosts = append(hosts, machineHosts()...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// machineHosts are the addresses of this machine, and its names as far as they are names of hosts.
func machineHosts() []string {
	var hosts []string
	if list, err := net.InterfaceAddrs(); err == nil {
		for _, a := range list {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && !prefix.Addr().IsLinkLocalUnicast() {
				hosts = append(hosts, prefix.Addr().String())
			}
		}
	}
	name, err := os.Hostname()
	name = strings.ToLower(name)
	if err != nil || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return hosts
	}
	hosts = append(hosts, name)
	if !strings.Contains(name, ".") {
		hosts = append(hosts, name+".local") // as multicast DNS has it
	}
	return hosts
}

// RelayURLs are where browsers find the relay (RFC 7065): by UDP where it listens there, and with TLS at the web server's port.
func (c Config) RelayURLs() []string {
	u, err := url.Parse(c.Address())
	if err != nil {
		return nil
	}
	var urls []string
	if _, port, err := net.SplitHostPort(c.TURN.Listen); err == nil && c.TURN.Listen != "" {
		urls = append(urls, "turn:"+net.JoinHostPort(u.Hostname(), port)+"?transport=udp")
	}
	if c.TLS.On() {
		port := u.Port()
		if port == "" {
			port = "443"
		}
		urls = append(urls, "turns:"+net.JoinHostPort(u.Hostname(), port)+"?transport=tcp")
	}
	return urls
}
