package store

import (
	"context"
	"database/sql"
	"errors"

	"konklave/approval"
	"konklave/audit"
	"konklave/audit/retention"
	"konklave/store/sqlgen"
)

const (
	// settingRetention is the policy of retention that is in force. Before the first it is the default.
	settingRetention = "audit.retention"
	// settingRetentionRefused is the shorter policy that a second person refused, as long as it is configured; empty for none.
	settingRetentionRefused = "audit.retention.refused"
)

// NoteRetention implements retention.Log.
func (s *Store) NoteRetention(ctx context.Context, configured retention.Policy, guarded bool, changed func(before, after retention.Policy) audit.Entry) (inForce retention.Policy, err error) {
	err = s.change(ctx, "note retention", func(ctx context.Context, q *sqlgen.Queries) error {
		before, err := lockRetention(ctx, q)
		if err != nil {
			return err
		}
		value, err := q.Setting(ctx, settingRetentionRefused)
		refused, err := policyOf(value, err, retention.Policy{})
		if err == nil && refused != (retention.Policy{}) && refused != configured { // so it may be asked for once more
			err = q.PutSetting(ctx, sqlgen.PutSettingParams{Name: settingRetentionRefused})
		}
		if err != nil {
			return err
		}
		if inForce = configured; guarded {
			inForce = configured.Longer(before)
		}
		if inForce == before {
			return nil
		}
		if err := q.PutSetting(ctx, sqlgen.PutSettingParams{Name: settingRetention, Value: inForce.String()}); err != nil {
			return err
		}
		return s.recordImpersonal(ctx, q, changed(before, inForce))
	})
	return inForce, err
}

// Retention implements approval.Store.
func (s *Store) Retention(ctx context.Context) (inForce, refused retention.Policy, err error) {
	value, err := ask(ctx, s, (*sqlgen.Queries).Setting, settingRetention)
	if inForce, err = policyOf(value, err, retention.Default()); err != nil {
		return retention.Policy{}, retention.Policy{}, err
	}
	value, err = ask(ctx, s, (*sqlgen.Queries).Setting, settingRetentionRefused)
	refused, err = policyOf(value, err, retention.Policy{})
	return inForce, refused, err
}

// decideRetention puts a shorter policy in force that was agreed to, or remembers that it was refused.
func decideRetention(ctx context.Context, q *sqlgen.Queries, change approval.RetentionChange, state approval.State) error {
	before, err := lockRetention(ctx, q)
	if err != nil {
		return err
	}
	same, after := before == change.Before.Policy(), change.After.Policy().String()
	switch {
	case state == approval.Used && same:
		return q.PutSetting(ctx, sqlgen.PutSettingParams{Name: settingRetention, Value: after})
	case state == approval.Used:
		return approval.ErrChanged
	case same: // what was refused when something else was in force is another question
		return q.PutSetting(ctx, sqlgen.PutSettingParams{Name: settingRetentionRefused, Value: after})
	}
	return nil
}

// lockRetention returns the policy in force, which nobody else can change before the end of the transaction.
func lockRetention(ctx context.Context, q *sqlgen.Queries) (retention.Policy, error) {
	if _, err := q.AddSetting(ctx, sqlgen.AddSettingParams{Name: settingRetention, Value: retention.Default().String()}); err != nil {
		return retention.Policy{}, err
	}
	if err := q.LockSetting(ctx, settingRetention); err != nil {
		return retention.Policy{}, err
	}
	value, err := q.Setting(ctx, settingRetention)
	return policyOf(value, err, retention.Default())
}

// policyOf reads a policy that is a setting; otherwise is what it is when nobody has set it.
func policyOf(value string, err error, otherwise retention.Policy) (retention.Policy, error) {
	if errors.Is(err, sql.ErrNoRows) || err == nil && value == "" {
		return otherwise, nil
	}
	if err != nil {
		return retention.Policy{}, err
	}
	return retention.Parse(value)
}
