-- +goose Up

-- Who was erased, by a hash of the id. In a database that is older they are erased again.
CREATE TABLE erasures (
    tenant    TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant, pseudonym)
);
CREATE TRIGGER erasures_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

-- When the person behind an account was erased; 0 for all others.
ALTER TABLE users ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;

-- With the person go the keys of what the audit log tells about that person, if the erasure is written down. It is done with the
-- rights of the owner: the role of the application may remove no keys. Nobody else may use the function.
-- +goose StatementBegin
CREATE FUNCTION users_erased() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    noted BOOLEAN;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.erasures WHERE tenant = $1 AND pseudonym = $2)', TG_TABLE_SCHEMA) INTO noted
        USING NEW.tenant, substr(encode(sha256(convert_to('konklave erased 1' || E'\n' || NEW.tenant || E'\n' || NEW.id, 'UTF8')), 'hex'), 1, 32);
    IF NOT noted THEN
        RAISE EXCEPTION 'an erasure is written down first';
    END IF;
    EXECUTE format('DELETE FROM %I.audit_keys WHERE tenant = $1 AND subject = $2', TG_TABLE_SCHEMA) USING NEW.tenant, NEW.id;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION users_erased() FROM PUBLIC;
CREATE TRIGGER users_erased AFTER UPDATE OF erased_at ON users
    FOR EACH ROW WHEN (NEW.erased_at <> 0) EXECUTE FUNCTION users_erased();
