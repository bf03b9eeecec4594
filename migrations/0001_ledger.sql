-- The quorum ledger of one cloud: its copy of all three clouds' logs.
--
-- Keys start with the log (origin, epoch), so that a distributed Postgres can shard by it. No
-- foreign keys across tables, and no unique constraint beyond the keys, for the same reason.

-- One row per slot. `origin` is domain::cloud::Cloud::code. Rows are never updated or deleted:
-- finality is a watermark per log (ledger_signature), not a column.
CREATE TABLE ledger_event (
    origin         smallint    NOT NULL CHECK (origin BETWEEN 1 AND 3),
    epoch          integer     NOT NULL CHECK (epoch > 0),
    sequence       bigint      NOT NULL CHECK (sequence >= 0),
    event_id       uuid        NOT NULL,
    tenant_id      text        NOT NULL,
    -- domain::clock::LogicalClock::packed: milliseconds << 16 | counter.
    logical_clock  bigint      NOT NULL,
    region         text        NOT NULL,
    created_at     timestamptz NOT NULL,
    -- RFC 8785 bytes: the truth. Postgres' own JSON types would re-spell them.
    payload        bytea       NOT NULL,
    salt           bytea       NOT NULL CHECK (octet_length(salt) = 16),
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    signature      bytea       NOT NULL CHECK (octet_length(signature) = 64),
    -- The payload's "kind", if any: for finding and filtering only.
    kind           text,
    PRIMARY KEY (origin, epoch, sequence)
);

-- Payloads are small and read whole; compressing each costs more CPU than it saves I/O.
ALTER TABLE ledger_event ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE INDEX ledger_event_id ON ledger_event (event_id);
CREATE INDEX ledger_event_clock ON ledger_event (logical_clock, origin);
CREATE INDEX ledger_event_tenant ON ledger_event (tenant_id, logical_clock, origin);
-- Decisions are few among usage: finding them must not scan the traffic.
CREATE INDEX ledger_event_kind ON ledger_event (kind, logical_clock, origin)
    WHERE kind IS DISTINCT FROM 'usage';
-- Finding by hash. A B-tree over random hashes would dirty a random page with every insert, so
-- that writing grew slower as the table grew; a Bloom filter per block range does not.
CREATE INDEX ledger_event_hash ON ledger_event
    USING brin (hash bytea_bloom_ops (n_distinct_per_range = 4000, false_positive_rate = 0.005))
    WITH (pages_per_range = 128, autosummarize = on);

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING HINT = 'Recorded events never change; record a new event instead.';
END $$;

CREATE TRIGGER ledger_event_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- Full tiles (C2SP tlog-tiles): 256 hashes of one tree level, and the node above them.
CREATE TABLE ledger_tile (
    origin  smallint NOT NULL,
    epoch   integer  NOT NULL,
    level   smallint NOT NULL,
    index   bigint   NOT NULL,
    hashes  bytea    NOT NULL CHECK (octet_length(hashes) = 256 * 32),
    root    bytea    NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (origin, epoch, level, index)
);
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TRIGGER ledger_tile_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_tile
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- The head of each log as stored here. Moved by conditional update on the old size, in the
-- transaction that stores the rows: one writer wins, and one hash stands per slot.
CREATE TABLE ledger_log (
    origin  smallint NOT NULL,
    epoch   integer  NOT NULL,
    size    bigint   NOT NULL,
    root    bytea    NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (origin, epoch)
);

-- Who signed which head: append-only history, one row per checkpoint and signer. The first row
-- of a signer with size > sequence says when that cloud confirmed a slot, as learnt here.
CREATE TABLE ledger_signature (
    origin    smallint    NOT NULL,
    epoch     integer     NOT NULL,
    signer    smallint    NOT NULL CHECK (signer BETWEEN 1 AND 3),
    size      bigint      NOT NULL,
    root      bytea       NOT NULL CHECK (octet_length(root) = 32),
    -- Signed-note lines, ready to stand under the checkpoint: the signer's cosignature, and for
    -- the origin also the log's own signature.
    lines     text        NOT NULL,
    learnt_at timestamptz NOT NULL,
    PRIMARY KEY (origin, epoch, signer, size)
);

CREATE TRIGGER ledger_signature_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_signature
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
