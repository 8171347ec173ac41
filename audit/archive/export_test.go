package archive

import (
	"context"
	"time"
)

// InSegmentsOf makes the segments shorter.
func (a *Archive) InSegmentsOf(entries int64) { a.segment = entries }

// Looking bounds how many entries a page of a search looks at.
func (a *Archive) Looking(entries int64) { a.looks = entries }

// JumpBlock is how many entries are asked together.
const JumpBlock = jumpBlock

// Jump returns where a search that ends at a time begins to look.
func (a *Archive) Jump(ctx context.Context, size int64, to time.Time) (int64, error) {
	return a.jump(ctx, size, to)
}
