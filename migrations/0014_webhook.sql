-- What is told to programs of others. What there is to tell follows from FINAL events; here stands what
-- became of it, so that a restart loses nothing and repeats only what was under way.

-- Written by server::webhook only.
CREATE TABLE webhook_receiver (
    name       text        NOT NULL PRIMARY KEY,
    -- What happened before is not told: that is when it was first configured.
    since      timestamptz NOT NULL
);

-- Written by server::webhook only.
CREATE TABLE webhook_message (
    receiver   text        NOT NULL,
    -- The same for every attempt: the header webhook-id.
    message_id text        NOT NULL,
    kind       text        NOT NULL,
    -- JSON, as it is signed and sent.
    body       text        NOT NULL,
    happened_at timestamptz NOT NULL,
    -- Since then it is tried.
    written_at timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL,
    state      text        NOT NULL DEFAULT 'waiting'
                           CHECK (state IN ('waiting', 'delivered', 'dead')),
    -- Why the last attempt failed.
    problem    text,
    -- When it was delivered or given up.
    settled_at timestamptz,
    PRIMARY KEY (receiver, message_id),
    CHECK ((settled_at IS NULL) = (state = 'waiting'))
);

CREATE INDEX webhook_message_due ON webhook_message (receiver, next_at) WHERE state = 'waiting';

-- The version before this one does not know the kinds foresight.run, approval.delegate and
-- approval.withdraw, nor the grounds foresight, and projects such events as if they said nothing. What has
-- been projected so is derived again at the next start.
UPDATE projection_position SET is_whole = false WHERE size > 0;
UPDATE snapshot.projection_position SET is_whole = false WHERE size > 0;
