package tree

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Memory is a Storage in memory. Its zero value is the empty tree. It is not for use by several goroutines while it is written.
type Memory struct{ hashes []tlog.Hash }

// ReadHashes implements Reader.
func (m *Memory) ReadHashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		found[i] = m.hashes[index]
	}
	return found, nil
}

// WriteHashes implements Storage.
func (m *Memory) WriteHashes(_ context.Context, index int64, hashes []tlog.Hash) error {
	if index != int64(len(m.hashes)) {
		return fmt.Errorf("hash %d does not follow the %d that are there", index, len(m.hashes))
	}
	m.hashes = append(m.hashes, hashes...)
	return nil
}
