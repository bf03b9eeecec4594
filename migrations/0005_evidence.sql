-- Evidence against clouds: what was verified under the pinned keys when it was stored.
--
-- The record is the truth, and whoever reads a row verifies it again: a row that somebody wrote
-- into the table by hand blames nobody. The columns beside it are for finding and counting.

CREATE TABLE evidence (
    -- In the order in which it came here; pages continue below one.
    number      bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    -- SHA-256 of the record's RFC 8785 bytes: the same evidence is stored once.
    id          bytea       PRIMARY KEY CHECK (octet_length(id) = 32),
    kind        text        NOT NULL CHECK (kind IN ('equivocation', 'double_cosignature', 'bad_entry')),
    -- Who is to blame: domain::cloud::Cloud::code, and the key as a C2SP vkey.
    cloud       smallint    NOT NULL CHECK (cloud BETWEEN 1 AND 3),
    key         text        NOT NULL,
    -- The log that was signed.
    origin      smallint    NOT NULL CHECK (origin BETWEEN 1 AND 3),
    epoch       integer     NOT NULL CHECK (epoch > 0),
    -- Two tree sizes, the smaller first; of a bad entry its index and the tree's size.
    first_size  bigint      NOT NULL,
    second_size bigint      NOT NULL,
    -- RFC 8785 text, as `ternion verify` reads it.
    record      text        NOT NULL,
    found_at    timestamptz NOT NULL,
    -- The cloud that sent it; NULL: found here.
    source      smallint    CHECK (source BETWEEN 1 AND 3)
);

-- How often one key is blamed for one thing.
CREATE INDEX evidence_blame ON evidence (key, kind, origin, epoch);

CREATE TRIGGER evidence_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
