package archive

// InSegmentsOf makes the segments shorter.
func (a *Archive) InSegmentsOf(entries int64) { a.segment = entries }
