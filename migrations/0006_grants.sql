-- Grants: where exactly one may win, two of three clouds vote for it (domain::grant). This cloud's
-- votes, and the decisions that it knows of.

-- Every vote that this cloud has cast, in order: an acceptor has no other state. Never changed: a
-- cloud that forgot a vote could vote twice.
CREATE TABLE grant_vote (
    resource text        NOT NULL,
    version  bigint      NOT NULL CHECK (version > 0),
    -- The n-th vote on this grant. Two that are cast at one time want one place: the key lets one
    -- of them in, and the other thinks again.
    number   bigint      NOT NULL CHECK (number > 0),
    -- An accept, or else a promise.
    accepts  boolean     NOT NULL,
    -- The signed note: what was voted, under which ballot.
    note     text        NOT NULL,
    -- Of an accept: what was accepted, in RFC 8785 form …
    value    bytea,
    -- … and the promises, as signed notes, that allowed it to be proposed: evidence, should one of
    -- them turn out to be a lie.
    promises text[],
    cast_at  timestamptz NOT NULL,
    PRIMARY KEY (resource, version, number),
    CHECK (accepts = (value IS NOT NULL) AND accepts = (promises IS NOT NULL))
);

CREATE TRIGGER grant_vote_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON grant_vote
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- What was decided, as this cloud came to know it.
CREATE TABLE grant_decision (
    resource  text        NOT NULL,
    version   bigint      NOT NULL CHECK (version > 0),
    value     bytea       NOT NULL,
    -- The signed note of the accepts: the proof.
    note      text        NOT NULL,
    -- The cloud whose ballot it was decided under: the first to record it as an event.
    proposer  smallint    NOT NULL CHECK (proposer BETWEEN 1 AND 3),
    learnt_at timestamptz NOT NULL,
    -- Where it stands in this cloud's order of learning: a peer's cursor, and that of pages. Taken
    -- under a lock that is held until commit, so that a reader never sees a later one before an
    -- earlier one.
    position  bigint      NOT NULL,
    -- Is its event in the ledger, as far as known here?
    recorded  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (resource, version)
);

CREATE SEQUENCE grant_position AS bigint;

CREATE INDEX grant_decision_position ON grant_decision (position);
CREATE INDEX grant_decision_resource ON grant_decision (resource, position);
CREATE INDEX grant_decision_unrecorded ON grant_decision (position) WHERE NOT recorded;

-- Proofs of another winner than the one that is known: some cloud has voted twice. Kept for people,
-- never followed.
CREATE TABLE grant_conflict (
    resource  text        NOT NULL,
    version   bigint      NOT NULL,
    hash      bytea       NOT NULL CHECK (octet_length(hash) = 32),
    value     bytea       NOT NULL,
    note      text        NOT NULL,
    learnt_at timestamptz NOT NULL,
    PRIMARY KEY (resource, version, hash)
);

-- How far this cloud has learnt what each peer knows: a position of the peer's.
CREATE TABLE grant_peer (
    cloud    smallint PRIMARY KEY CHECK (cloud BETWEEN 1 AND 3),
    position bigint   NOT NULL
);
