package directory

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"konklave/auth"
	"konklave/auth/settings"
)

// The attributes that say who somebody is for ever, and whether the account may be used.
const (
	attributeUUID           = "entryUUID"            // RFC 4530
	attributeGUID           = "objectGUID"           // of Active Directory, 16 bytes
	attributeControl        = "userAccountControl"   // of Active Directory: flags
	attributeAccountExpires = "accountExpires"       // of Active Directory: 100 ns since 1601
	attributeLocked         = "pwdAccountLockedTime" // of the password policy of OpenLDAP
	attributeShadowExpire   = "shadowExpire"         // days since 1970 (RFC 2307)
	attributeLock           = "nsAccountLock"        // of 389 Directory Server
)

const (
	controlDisabled = 0x2             // in userAccountControl
	lockedForGood   = "000001010000Z" // in pwdAccountLockedTime: until an administrator unlocks it
	guidBytes       = 16
	tick            = 100 * time.Nanosecond
)

// epoch1601 is when the time of Active Directory begins.
func epoch1601() time.Time { return time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// wanted are the attributes that are read of a person.
func (d *Directory) wanted() []string {
	return slices.Concat([]string{
		attributeUUID, attributeGUID, attributeControl, attributeAccountExpires, attributeLocked, attributeShadowExpire, attributeLock,
		"uid", "memberOf", d.settings.NameAttribute, d.settings.EmailAttribute,
	}, d.settings.Attributes)
}

// identity makes an identity of the entry of a person, with all groups.
func (s *session) identity(entry *ldap.Entry) (auth.ProviderIdentity, error) {
	d := s.directory
	subject, ok := d.subject(entry)
	if !ok {
		return auth.ProviderIdentity{}, fmt.Errorf("the server does not tell what identifies people for ever (%s or %s); may the service account read it?", attributeUUID, attributeGUID)
	}
	all, err := s.groupsOf(entry)
	if err != nil {
		return auth.ProviderIdentity{}, err
	}
	now := d.now()
	id := auth.ProviderIdentity{
		Provider: d.settings.ID, Subject: subject, Groups: all,
		Name:       entry.GetEqualFoldAttributeValue(d.settings.NameAttribute),
		Email:      entry.GetEqualFoldAttributeValue(d.settings.EmailAttribute),
		Attributes: map[string][]string{},
		Methods:    []string{"pwd"},
		SignedInAt: now, AskAgain: now.Add(d.settings.Review),
	}
	for _, name := range d.settings.Attributes {
		if values := entry.GetEqualFoldAttributeValues(name); len(values) > 0 {
			id.Attributes[name] = values
		}
	}
	return id, nil
}

// subject is the UUID that the server gave to the person.
func (d *Directory) subject(entry *ldap.Entry) (string, bool) {
	if d.settings.Kind == settings.ActiveDirectory {
		raw := entry.GetEqualFoldRawAttributeValue(attributeGUID)
		if len(raw) != guidBytes {
			return "", false
		}
		return formatGUID(raw), true
	}
	subject := strings.ToLower(entry.GetEqualFoldAttributeValue(attributeUUID))
	return subject, uuidShape.MatchString(subject)
}

// formatGUID writes the 16 bytes as Windows does: the first three groups are little-endian.
func formatGUID(raw []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(raw), le.Uint16(raw[4:]), le.Uint16(raw[6:]), raw[8:10], raw[10:])
}

// subjectFilter finds the person with that subject.
func (d *Directory) subjectFilter(subject string) (string, bool) {
	if !uuidShape.MatchString(subject) {
		return "", false
	}
	if d.settings.Kind != settings.ActiveDirectory {
		return "(" + attributeUUID + "=" + subject + ")", true
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(subject, "-", ""))
	if err != nil {
		return "", false
	}
	slices.Reverse(raw[:4])
	slices.Reverse(raw[4:6])
	slices.Reverse(raw[6:8])
	filter := "(" + attributeGUID + "="
	for _, b := range raw {
		filter += fmt.Sprintf("\\%02x", b)
	}
	return filter + ")", true
}

// barred tells why the account may not be used, or nothing. A value that cannot be read bars. A lock by failed guesses
// is left to the bind: otherwise whoever guesses could throw people out.
func (d *Directory) barred(entry *ldap.Entry) auth.Reason {
	value := entry.GetEqualFoldAttributeValue
	if text := value(attributeControl); text != "" {
		flags, err := strconv.ParseInt(text, 10, 64)
		if err != nil || flags&controlDisabled != 0 {
			return auth.ReasonDisabled
		}
	}
	if value(attributeLocked) == lockedForGood || value(attributeLock) != "" && !strings.EqualFold(value(attributeLock), "false") {
		return auth.ReasonDisabled
	}
	if expired(value(attributeAccountExpires), d.now(), accountEnd) || expired(value(attributeShadowExpire), d.now(), shadowEnd) {
		return auth.ReasonExpired
	}
	return ""
}

// expired reports whether the number means a time that is not after now; end says which, or that there is none.
func expired(text string, now time.Time, end func(n int64) (time.Time, bool)) bool {
	if text == "" {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return true
	}
	at, ends := end(n)
	return ends && !now.Before(at)
}

const never = 1<<63 - 1 // in accountExpires, as is 0

func accountEnd(n int64) (time.Time, bool) {
	if n <= 0 || n == never {
		return time.Time{}, false
	}
	perDay := int64(24 * time.Hour / tick)
	return epoch1601().AddDate(0, 0, int(n/perDay)).Add(time.Duration(n%perDay) * tick), true
}

func shadowEnd(n int64) (time.Time, bool) {
	if n < 0 {
		return time.Time{}, false
	}
	const furthest = 1 << 31 // days; beyond is not a date any more
	return time.Unix(0, 0).UTC().AddDate(0, 0, int(min(n, furthest))), true
}
