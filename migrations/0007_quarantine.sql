-- What is held without effect: inputs that this cloud refused, and event ids in conflict.

-- Inputs that were refused here, each once. This cloud's alone: what another refused is held there.
-- Written by server::quarantine only. What was decided about one stands in the log, not here.
CREATE TABLE quarantine_item (
    -- domain::quarantine::Source, as text.
    source    text        NOT NULL,
    -- domain::quarantine::Reason::code.
    reason    text        NOT NULL,
    -- Of the whole input: the same again counts up.
    sha256    bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    -- UUID version 7.
    id        uuid        NOT NULL,
    -- domain::quarantine::Form: how to read the bytes.
    form      text        NOT NULL,
    -- A sentence about this very case.
    detail    text        NOT NULL,
    -- What it is about, as far as that could be told: "gcp/1/204", "gcp/1", a path.
    place     text,
    tenant_id text,
    event_id  uuid,
    -- The input, or as much of it as is kept, and how long it was.
    bytes     bytea       NOT NULL,
    length    bigint      NOT NULL CHECK (length >= octet_length(bytes)),
    count     bigint      NOT NULL CHECK (count > 0),
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    PRIMARY KEY (source, reason, sha256)
);

ALTER TABLE quarantine_item ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE INDEX quarantine_item_id ON quarantine_item (id);
CREATE INDEX quarantine_item_first ON quarantine_item (first_at, id);

-- Every input that was refused, kept or not: what is beyond a source's share is only counted.
CREATE TABLE quarantine_count (
    source   text        NOT NULL,
    reason   text        NOT NULL,
    inputs   bigint      NOT NULL,
    not_kept bigint      NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (source, reason)
);

-- Decisions about held things are versions of the entity 'ruling', by the name of what they are
-- about (domain::quarantine::HeldId). Unlike other versions, of these the first one stands.
CREATE OR REPLACE VIEW projection_current AS
    SELECT DISTINCT ON (entity, key) *
    FROM projection_version
    WHERE entity <> 'ruling'
    ORDER BY entity, key, logical_clock DESC, origin DESC, epoch DESC, sequence DESC;

-- Held inputs with what FINAL events decided about them: no row changes when a decision takes
-- effect, so there is nothing to forget and nothing that a rebuild would miss.
CREATE VIEW quarantine_current AS
    SELECT item.*, ruling.event_id AS ruling_id, ruling.logical_clock AS ruling_clock,
           ruling.body AS ruling,
           CASE ruling.body ->> 'kind' WHEN 'quarantine.release' THEN 'released'
                WHEN 'quarantine.reject' THEN 'rejected' ELSE 'held' END AS state
    FROM quarantine_item AS item
    LEFT JOIN LATERAL (
        SELECT event_id, logical_clock, body FROM projection_version
        WHERE entity = 'ruling' AND key = item.id::text
        ORDER BY logical_clock, origin, epoch, sequence LIMIT 1
    ) AS ruling ON true;

-- An id in conflict may have been resolved: the contents of one place count, or none ever do.
ALTER TABLE projection_conflict
    -- When contents that differ from the first were accepted.
    ADD COLUMN since           timestamptz,
    -- The decision's event; NULL: nobody has decided.
    ADD COLUMN ruling_id       uuid,
    -- The place whose contents count; NULL: none do.
    ADD COLUMN chosen_origin   smallint,
    ADD COLUMN chosen_epoch    integer,
    ADD COLUMN chosen_sequence bigint,
    -- SHA-256 of the contents that count: what is equal to them is not held.
    ADD COLUMN chosen_payload  bytea CHECK (octet_length(chosen_payload) = 32);

UPDATE projection_conflict AS conflict SET since = coalesce((
    SELECT timestamptz 'epoch' + (min(entry.logical_clock) >> 16) * interval '1 millisecond'
    FROM ledger_event AS entry
    WHERE entry.event_id = conflict.event_id AND entry.tenant_id = conflict.tenant_id
      AND entry.payload <> (
          SELECT payload FROM ledger_event AS first
          WHERE first.event_id = conflict.event_id AND first.tenant_id = conflict.tenant_id
          ORDER BY logical_clock, origin, epoch, sequence LIMIT 1)
), now());

ALTER TABLE projection_conflict ALTER COLUMN since SET NOT NULL;

CREATE INDEX projection_conflict_since ON projection_conflict (since, event_id, tenant_id);
