-- Who may come in: what must never stand in the log, and what is this cloud's alone.
--
-- Users are projections of FINAL events (projection_version). Credentials are equal on all clouds
-- and travel over the peers' channel. Sessions and pending decisions are local.

-- Verifiers of passwords and tokens. The greatest (revoked, version, digest) of a key wins,
-- whichever order writes arrive in, so merging is commutative, associative and idempotent.
CREATE TABLE identity_credential (
    kind       text        NOT NULL CHECK (kind IN ('password', 'token')),
    -- The login of a password; the public id of a token.
    id         text        NOT NULL,
    login      text        NOT NULL,
    -- Argon2id in PHC form, or the SHA-256 of a token in hex. Empty: no password any more.
    verifier   text        NOT NULL,
    -- What the owner calls a token.
    label      text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked    boolean     NOT NULL,
    version    bigint      NOT NULL,
    digest     bytea       NOT NULL CHECK (octet_length(digest) = 32),
    -- Where this state stands in this cloud's sequence of changes: a peer's cursor.
    position   bigint      NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX identity_credential_position ON identity_credential (position);
CREATE INDEX identity_credential_login ON identity_credential (login);
-- Every request with a token that is not cached asks this.
CREATE INDEX identity_credential_token ON identity_credential (verifier) WHERE kind = 'token';

-- Positions count from here. They are taken under a lock that is held until commit, so that a
-- reader never sees a later position before an earlier one.
CREATE SEQUENCE identity_position AS bigint;

-- Which database this is: a peer's cursor into another one starts again.
CREATE TABLE identity_store (
    id     uuid    NOT NULL,
    single boolean PRIMARY KEY DEFAULT true CHECK (single)
);
INSERT INTO identity_store (id) VALUES (gen_random_uuid());

-- Signed-in browsers, this cloud only.
CREATE TABLE identity_session (
    -- SHA-256 of the cookie's value in hex: who reads this table cannot come in with it.
    id         text        PRIMARY KEY,
    login      text,
    data       jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX identity_session_login ON identity_session (login);
CREATE INDEX identity_session_expiry ON identity_session (expires_at);

-- Users that the command line put into this database and that the running node has yet to record
-- in the ledger. So comes the first admin.
CREATE TABLE identity_pending_user (
    -- Sent as the event's id, so that recording twice records once.
    event_id   uuid        PRIMARY KEY,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL
);

-- Running nodes forget what they cached.
CREATE FUNCTION identity_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('identity_changed', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE TRIGGER identity_credential_changed AFTER INSERT OR UPDATE OR DELETE ON identity_credential
    FOR EACH STATEMENT EXECUTE FUNCTION identity_notify();
CREATE TRIGGER identity_pending_user_changed AFTER INSERT ON identity_pending_user
    FOR EACH STATEMENT EXECUTE FUNCTION identity_notify();
-- A row trigger with a condition: usage and tenants must not wake anybody.
CREATE TRIGGER identity_user_changed AFTER INSERT ON projection_version
    FOR EACH ROW WHEN (NEW.entity = 'user') EXECUTE FUNCTION identity_notify();
