-- +goose Up

-- The audit log: what the tree hashes (leaf), what happened (body) and what of it is personal (the sealed parts). Rows are numbered as
-- they are written; the place in the log is in audit_places.
CREATE TABLE audit_log (
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    tenant   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    category TEXT NOT NULL,
    leaf     BYTEA NOT NULL,
    body     BYTEA,
    personal BYTEA
);
CREATE INDEX audit_log_kept ON audit_log (category, at) WHERE body IS NOT NULL;

-- Entries that are not in the tree yet.
CREATE TABLE audit_waiting (
    seq BIGINT PRIMARY KEY REFERENCES audit_log (seq)
);

-- The order of the log: which entry is which leaf of the tree.
CREATE TABLE audit_places (
    leaf_index BIGINT PRIMARY KEY,
    seq        BIGINT NOT NULL UNIQUE REFERENCES audit_log (seq)
);

-- The hashes of the tree by stored index: 32 bytes each, several that follow each other in a row.
CREATE TABLE audit_hashes (
    first_index BIGINT PRIMARY KEY,
    hashes      BYTEA NOT NULL
);

-- Signed checkpoints by the size of the tree.
CREATE TABLE audit_checkpoints (
    size BIGINT PRIMARY KEY,
    note BYTEA NOT NULL
);

-- The keys of what is personal, wrapped. Without its row, what the log tells about somebody in a month cannot be read.
CREATE TABLE audit_keys (
    id      TEXT PRIMARY KEY,
    tenant  TEXT NOT NULL,
    subject TEXT NOT NULL,
    period  TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    UNIQUE (tenant, subject, period)
);

-- +goose StatementBegin
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME;
END;
$$;
-- +goose StatementEnd

-- What is personal, and bodies, may be let go; nothing else of the log changes.
-- +goose StatementBegin
CREATE FUNCTION audit_log_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.category <> 'log' AND NEW.personal IS NULL AND (NEW.body IS NULL OR NEW.body IS NOT DISTINCT FROM OLD.body)
        AND NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.tenant = OLD.tenant AND NEW.at = OLD.at
        AND NEW.kind = OLD.kind AND NEW.category = OLD.category AND NEW.leaf = OLD.leaf THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_log only grows';
END;
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION audit_waiting_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM audit_places WHERE seq = OLD.seq) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_waiting keeps what has no place in the log yet';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_lets_go();
CREATE TRIGGER audit_log_no_removal BEFORE DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_waiting_no_delete BEFORE DELETE ON audit_waiting
    FOR EACH ROW EXECUTE FUNCTION audit_waiting_keeps();
CREATE TRIGGER audit_waiting_no_change BEFORE UPDATE OR TRUNCATE ON audit_waiting
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_places_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_places
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_hashes_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_hashes
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_checkpoints_no_removal BEFORE DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

-- audit_entries holds entries in clear, as they were written before. The program that has the keys seals them in audit_log,
-- removes them row by row, and at last the table.
DROP TRIGGER audit_entries_no_change ON audit_entries;
DROP FUNCTION audit_entries_only_grows();
