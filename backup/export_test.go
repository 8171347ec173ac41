package backup

// Reporting is the target whose Restore calls reached after each step.
func (t Target) Reporting(reached func(step string)) Target {
	t.reached = reached
	return t
}
