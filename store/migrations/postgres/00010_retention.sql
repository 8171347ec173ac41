-- +goose Up

-- What one of several programs does at a time: who, and for how long unless it says so again.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- A checkpoint says for ever what it says; cosignatures are added to it. All may be let go but the newest.
-- +goose StatementBegin
CREATE FUNCTION audit_checkpoints_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.size = OLD.size AND split_part(encode(NEW.note, 'escape'), E'\n\n', 1) = split_part(encode(OLD.note, 'escape'), E'\n\n', 1) THEN
            RETURN NEW;
        END IF;
    ELSIF EXISTS (SELECT 1 FROM audit_checkpoints WHERE size > OLD.size) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_checkpoints only grows';
END;
$$;
-- +goose StatementEnd

DROP TRIGGER audit_checkpoints_no_removal ON audit_checkpoints;
CREATE TRIGGER audit_checkpoints_no_change BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_checkpoints_keep();
CREATE TRIGGER audit_checkpoints_no_removal BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
