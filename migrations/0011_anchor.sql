-- Anchors: hashes on their way to publishers outside (domain::anchor::state). This cloud's alone;
-- each reads the chain back for itself. Written by server::anchor, one task a publisher.

CREATE TABLE anchor (
    -- Derived from hash and publisher: the same at every cloud.
    id        uuid        PRIMARY KEY,
    -- The hash that is published.
    subject   bytea       NOT NULL CHECK (octet_length(subject) = 32),
    -- What it is the hash of, for people: "2026-10".
    period    text        NOT NULL,
    -- domain::anchor::Publisher, as text.
    publisher text        NOT NULL,
    -- domain::anchor::state::Anchor: stage, signed transactions, proof, what happened. Stored
    -- before anything that is in it is sent.
    state     jsonb       NOT NULL,
    -- Of the state, for queries: where it is, and when something is to be done.
    stage     text        NOT NULL,
    due_at    timestamptz NOT NULL,
    -- What it cost or may cost, in the chain's smallest unit, and since when: the month's limit.
    cost      bigint      NOT NULL CHECK (cost >= 0),
    cost_at   timestamptz,
    -- Certificates that the proof needs beside it.
    chain     bytea,
    queued_at timestamptz NOT NULL,
    -- How much of what people are told stands in the ledger.
    recorded  bigint      NOT NULL DEFAULT 0,
    -- Counts changes: one that was made to an older state is refused.
    changes   bigint      NOT NULL DEFAULT 0,
    UNIQUE (subject, publisher)
);

CREATE INDEX anchor_queued ON anchor (queued_at DESC, id);
CREATE INDEX anchor_cost ON anchor (publisher, cost_at);

-- Every transaction that was signed and every request that was made, as the state held it. Never
-- changed: what was sent once must be there to be sent again, whatever becomes of the state.
CREATE TABLE anchor_attempt (
    anchor  uuid        NOT NULL,
    number  bigint      NOT NULL CHECK (number > 0),
    -- A transaction's id. Of two with one number, the clouds chose one.
    name    text        NOT NULL,
    bytes   bytea       NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (anchor, number, name)
);

CREATE TRIGGER anchor_attempt_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON anchor_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
