package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"konklave/backup"
)

// sabotages make PostgreSQL fail at the last steps of a restore, when all rows are in it.
func sabotages() map[string][]string {
	onEvent := func(event, condition, body string) []string {
		return []string{
			"CREATE SCHEMA sabotage",
			"CREATE FUNCTION sabotage.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sabotaged'; END $$",
			"CREATE FUNCTION sabotage.act() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE c record; BEGIN " + body + " END $$",
			"CREATE EVENT TRIGGER sabotage ON " + event + " WHEN TAG IN (" + condition + ") EXECUTE FUNCTION sabotage.act()",
		}
	}
	return map[string][]string{
		"the entry about the restore is refused": onEvent("ddl_command_end", "'CREATE TABLE'", `
			FOR c IN SELECT object_identity AS name FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' AND object_identity LIKE '%audit_log' LOOP
				EXECUTE 'CREATE TRIGGER sabotage BEFORE INSERT ON ' || c.name || ' FOR EACH ROW WHEN (NEW.kind = ''backup.restored'') EXECUTE FUNCTION sabotage.refuse()';
			END LOOP;`),
		"the last step is refused":                    onEvent("ddl_command_end", "'DROP SCHEMA'", `RAISE EXCEPTION 'sabotaged';`),
		"the connection is lost at the last step":     onEvent("ddl_command_end", "'DROP SCHEMA'", `PERFORM pg_terminate_backend(pg_backend_pid());`),
		"a table cannot be put where it belongs":      onEvent("ddl_command_end", "'ALTER TABLE'", `RAISE EXCEPTION 'sabotaged';`),
		"something cannot be made in the first place": onEvent("ddl_command_end", "'CREATE TRIGGER'", `RAISE EXCEPTION 'sabotaged';`),
	}
}

func TestARestoreThatFailsLateLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	b, _ := h.backup(t)
	server := postgres(t)
	for name, statements := range sabotages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := strings.ReplaceAll(name, " ", "_")
			dsn, err := server.Create(t.Context(), database, "template0")
			if err := errors.Join(err, server.Execute(t.Context(), database, statements...)); err != nil {
				t.Fatal(err)
			}
			to := backup.Target{Data: filepath.Join(t.TempDir(), "d"), DSN: dsn}
			to.MasterKey = filepath.Join(to.Data, "master.key")
			if _, err := backup.Restore(t.Context(), bytes.NewReader(b), h.secret, to); err == nil {
				t.Fatal("restored in spite of it")
			}
			if left, err := server.Tables(t.Context(), database); err != nil || len(left) != 0 {
				t.Errorf("left in the database: %v, %v", left, err)
			}
			if left, err := os.ReadDir(to.Data); err != nil || len(left) != 0 {
				t.Errorf("left in the directory: %v, %v", left, err)
			}
			if err := server.Execute(t.Context(), database, "DROP EVENT TRIGGER sabotage", "DROP SCHEMA sabotage CASCADE"); err != nil {
				t.Fatal(err)
			}
			restored(t, h, b, to)
		})
	}
}
