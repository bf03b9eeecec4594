-- What the scrub found wrong in this cloud's copy, and what it put right.

-- The quarantine of what was found: its bytes, and those that stand there now. Never changed.
CREATE TABLE ledger_repair (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    origin   smallint    NOT NULL CHECK (origin BETWEEN 1 AND 3),
    epoch    integer     NOT NULL,
    -- "gcp/1/204", "gcp/1 tile/0/003", "gcp/1 head", "gcp/1 signature of aws at 77".
    place    text        NOT NULL,
    -- The column, or "row", "tile", "signature" as a whole.
    field    text        NOT NULL,
    found    bytea,
    -- NULL: what was found was removed, or could not be repaired.
    replaced bytea,
    repaired boolean     NOT NULL,
    -- The cloud whose copy was taken after it was verified; NULL: it follows from what stands here.
    source   smallint    CHECK (source BETWEEN 1 AND 3),
    reason   text        NOT NULL
);

-- Only a repair passes, in its own transaction, and leaves its record behind. This guards against
-- mistakes, not against an attacker who owns the database: the cosigned roots do that.
CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'TRUNCATE' AND TG_TABLE_NAME <> 'ledger_repair'
       AND current_setting('ternion.repair', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING HINT = 'Recorded events never change; record a new event instead.';
END $$;

CREATE TRIGGER ledger_repair_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_repair
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
