-- Audit snapshots: what this cloud has derived at each cut. That all clouds agree on a hash stands
-- in the log (kind 'snapshot.attest'); where to cut, in grant_decision.

-- Written by server::snapshot only.
CREATE TABLE audit_snapshot (
    -- The version of the grant 'snapshot/chain' that says where to cut.
    number     bigint      NOT NULL PRIMARY KEY CHECK (number > 0),
    -- domain::snapshot::Manifest, its RFC 8785 bytes: their SHA-256 is the snapshot's hash.
    manifest   bytea       NOT NULL,
    hash       bytea       NOT NULL CHECK (octet_length(hash) = 32),
    derived_at timestamptz NOT NULL
);

-- Projections aside: the same tables as those of the projections, standing at a cut. 'snapshot'
-- stands at the last cut, so that the next month continues from there. 'recheck' is filled from the
-- beginning whenever somebody wants to see a snapshot derived again.
CREATE SCHEMA snapshot;
CREATE SCHEMA recheck;

CREATE TABLE snapshot.projection_position (LIKE projection_position INCLUDING ALL);
CREATE TABLE snapshot.projection_version (LIKE projection_version INCLUDING ALL);
CREATE TABLE snapshot.projection_conflict (LIKE projection_conflict INCLUDING ALL);
CREATE TABLE snapshot.usage_hour (LIKE usage_hour INCLUDING ALL);
CREATE TABLE snapshot.billing_entry (LIKE billing_entry INCLUDING ALL);
CREATE TABLE snapshot.billing_unpriced (LIKE billing_unpriced INCLUDING ALL);
CREATE TABLE snapshot.billing_dirty (LIKE billing_dirty INCLUDING ALL);

CREATE TABLE recheck.projection_position (LIKE projection_position INCLUDING ALL);
CREATE TABLE recheck.projection_version (LIKE projection_version INCLUDING ALL);
CREATE TABLE recheck.projection_conflict (LIKE projection_conflict INCLUDING ALL);
CREATE TABLE recheck.usage_hour (LIKE usage_hour INCLUDING ALL);
CREATE TABLE recheck.billing_entry (LIKE billing_entry INCLUDING ALL);
CREATE TABLE recheck.billing_unpriced (LIKE billing_unpriced INCLUDING ALL);
CREATE TABLE recheck.billing_dirty (LIKE billing_dirty INCLUDING ALL);
