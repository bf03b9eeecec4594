-- What a cloud that may have forgotten votes knows of them (see 0006_grants.sql).

-- Grants that this cloud leaves to the others: it may have voted on them and forgotten how.
CREATE TABLE grant_left (
    resource text   NOT NULL,
    version  bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (resource, version)
);

-- Epochs that began since something of this cloud was lost, and in which it votes again: both peers
-- have said what was open.
CREATE TABLE grant_return (
    epoch bigint      PRIMARY KEY,
    at    timestamptz NOT NULL
);
