package auth

import (
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// phc is a password hash as it is stored: $argon2id$v=19$m=…,t=…,p=…$salt$key.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errHashDamaged
	}
	cost := strings.Split(parts[3], ",")
	if len(cost) != 3 {
		return phc{}, errHashDamaged
	}
	memory, okM := costOf(cost[0], "m=", maxArgonMemory)
	time, okT := costOf(cost[1], "t=", maxArgonTime)
	threads, okP := costOf(cost[2], "p=", 255)
	salt, errS := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, errK := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if !okM || !okT || !okP || errS != nil || errK != nil || len(key) < saltBytes || len(key) > maxKeyBytes {
		return phc{}, errHashDamaged
	}
	return phc{memory: memory, time: time, threads: uint8(threads), salt: salt, key: key}, nil
}

// costOf reads one parameter between 1 and limit.
func costOf(text, name string, limit uint64) (uint32, bool) {
	digits, ok := strings.CutPrefix(text, name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n >= 1 && n <= limit
}
