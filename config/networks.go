package config

// machineSettings say what programs get.
func machineSettings() []Setting {
	return []Setting{
		{"machines.token-lifetime", "How long the access token of a machine (konklave machine) is good; an hour at most. A machine that is removed is out at once in any case.",
			func(c *Config) value { return durationValue{&c.Machines.TokenLifetime} }},
	}
}

// networkSettings say from where those who hold a role may come.
func networkSettings() []Setting {
	return []Setting{
		{"networks.user", "Networks (such as 10.0.0.0/24), separated by commas, from which alone accounts with the role user may be used. Empty means from everywhere.\nWho holds several roles comes from a network of each that has some. Behind proxies set trusted-proxies first. The command line on the server is always open.",
			func(c *Config) value { return prefixesValue{&c.Networks.User} }},
		{"networks.meeting-manager", "The same for the role meeting_manager.",
			func(c *Config) value { return prefixesValue{&c.Networks.MeetingManager} }},
		{"networks.operator", "The same for the role operator.",
			func(c *Config) value { return prefixesValue{&c.Networks.Operator} }},
		{"networks.user-admin", "The same for the role user_admin.",
			func(c *Config) value { return prefixesValue{&c.Networks.UserAdmin} }},
		{"networks.security-officer", "The same for the role security_officer.",
			func(c *Config) value { return prefixesValue{&c.Networks.SecurityOfficer} }},
		{"networks.auditor", "The same for the role auditor.",
			func(c *Config) value { return prefixesValue{&c.Networks.Auditor} }},
	}
}
