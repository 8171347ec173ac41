package store

import (
	"context"
	"fmt"
)

// Risks says, one sentence each, with which settings the database may lose what it has acknowledged; none is good.
func (s *Store) Risks(ctx context.Context) ([]string, error) {
	if s.sqlite {
		return nil, nil // opened with what keeps the promise
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var risks []string
	for _, c := range []struct{ setting, what string }{
		{"synchronous_commit", "a crash of its machine loses what was acknowledged in the last moments"},
		{"fsync", "a crash of its machine may destroy the whole database"},
		{"full_page_writes", "a crash of its machine may destroy parts of the database"},
	} {
		var value string
		if err := s.read.QueryRowContext(limited, "SELECT current_setting($1)", c.setting).Scan(&value); err != nil {
			return nil, fmt.Errorf("look at the settings of the database: %w", s.reads.told(ctx, err))
		}
		if value == "off" {
			risks = append(risks, fmt.Sprintf("PostgreSQL runs with %s=off: %s. Set %s=on.", c.setting, c.what, c.setting))
		}
	}
	return risks, nil
}

// warn tells the operator about the risks at the start.
func (s *Store) warn(ctx context.Context) error {
	risks, err := s.Risks(ctx)
	for _, r := range risks {
		s.log.WarnContext(ctx, r)
	}
	if err != nil {
		return err
	}
	rights, err := s.Rights(ctx)
	if text := rights.Sentence(); text != "" {
		s.log.WarnContext(ctx, text+" docs/operate/postgresql.md says how the server gets a role of its own.")
	}
	return err
}
