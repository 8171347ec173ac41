// Package geoiptest makes small files in the MaxMind DB format for tests.
package geoiptest

import (
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"
)

// value writes what such a file holds: a map, a text, a float64, a uint16, uint32 or uint64, or a list.
func value(v any) []byte {
	sized := func(kind byte, extended bool, size int) []byte {
		small, rest := byte(size), []byte(nil)
		if size >= 29 {
			small, rest = 29, []byte{byte(size - 29)}
		}
		if extended {
			return append([]byte{small, kind - 7}, rest...)
		}
		return append([]byte{kind<<5 | small}, rest...)
	}
	var out []byte
	switch v := v.(type) {
	case string:
		out = append(sized(2, false, len(v)), v...)
	case float64:
		out = binary.BigEndian.AppendUint64(sized(3, false, 8), math.Float64bits(v))
	case uint16:
		out = binary.BigEndian.AppendUint16(sized(5, false, 2), v)
	case uint32:
		out = binary.BigEndian.AppendUint32(sized(6, false, 4), v)
	case uint64:
		out = binary.BigEndian.AppendUint64(sized(9, true, 8), v)
	case []string:
		out = sized(11, true, len(v))
		for _, each := range v {
			out = append(out, value(each)...)
		}
	case map[string]any:
		out = sized(7, false, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(append(out, value(name)...), value(v[name])...)
		}
	}
	return out
}

// File returns a file of a kind, such as GeoLite2-City, that was built at a time and knows these networks: a tree over IPv6, in which IPv4 stands at its beginning, with records of 24 bits.
func File(kind string, built time.Time, networks map[string]map[string]any) []byte {
	const open, leafBit = -1, 1 << 30
	tree := [][2]int{{open, open}}
	var data []byte
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		p := netip.MustParsePrefix(network)
		bits, address := p.Bits(), p.Addr().As16()
		if p.Addr().Is4() {
			four := p.Addr().As4()
			address, bits = [16]byte{}, bits+96
			copy(address[12:], four[:])
		}
		node := 0
		for i := range bits {
			side := address[i/8] >> (7 - i%8) & 1
			if i == bits-1 {
				tree[node][side] = leafBit + len(data)
				break
			}
			if tree[node][side] == open {
				tree = append(tree, [2]int{open, open})
				tree[node][side] = len(tree) - 1
			}
			node = tree[node][side]
		}
		data = append(data, value(networks[network])...)
	}
	var out []byte
	for _, sides := range tree {
		for _, to := range sides {
			switch {
			case to == open:
				to = len(tree)
			case to >= leafBit:
				to = to - leafBit + len(tree) + 16
			}
			out = append(out, byte(to>>16), byte(to>>8), byte(to))
		}
	}
	out = append(append(append(out, make([]byte, 16)...), data...), "\xab\xcd\xefMaxMind.com"...)
	return append(out, value(map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(built.Unix()), "database_type": kind,
		"description": map[string]any{"en": "test"}, "ip_version": uint16(6), "languages": []string{"en"}, "node_count": uint32(len(tree)), "record_size": uint16(24),
	})...)
}
