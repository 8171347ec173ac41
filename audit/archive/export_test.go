package archive

// InSegmentsOf makes the segments shorter.
func (a *Archive) InSegmentsOf(entries int64) { a.segment = entries }

// Looking bounds how many entries a page of a search looks at.
func (a *Archive) Looking(entries int64) { a.looks = entries }

// InSegmentsOfAtMost makes the longest segment shorter.
func (a *Archive) InSegmentsOfAtMost(entries int64) { a.most = entries }
