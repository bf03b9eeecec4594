-- How long requests that did not fail took. Metered rows (usage_hour) keep the sum of latencies and no
-- percentile, and audit snapshots hash them as they are; so the counts stand in a table of their own.

-- Requests by provider, region, hour and bucket of latency. Written by server::projection alone, equal
-- on every cloud, and derived again by `ternion rebuild`. Over an hour's rows, the requests are those of
-- the `timed` of its usage that did not fail.
CREATE TABLE usage_latency (
    hour     timestamptz      NOT NULL,
    provider text COLLATE "C" NOT NULL,
    region   text COLLATE "C" NOT NULL,
    -- Microseconds where the bucket begins (domain::usage::Bucket): sixteen to each doubling.
    from_us  bigint           NOT NULL CHECK (from_us >= 0),
    -- Never negative, which no CHECK may ask for: what is taken back is inserted as a negative row that
    -- meets the one it lessens, and a CHECK sees it before they meet. Whoever reads it refuses it.
    requests bigint           NOT NULL,
    PRIMARY KEY (hour, provider, region, from_us)
);

CREATE TABLE snapshot.usage_latency (LIKE usage_latency INCLUDING ALL);
CREATE TABLE recheck.usage_latency (LIKE usage_latency INCLUDING ALL);

-- False: projected when one of these tables was not derived yet. What has been projected so is derived
-- again at the next start.
ALTER TABLE projection_position ADD COLUMN is_whole boolean NOT NULL DEFAULT true;
ALTER TABLE snapshot.projection_position ADD COLUMN is_whole boolean NOT NULL DEFAULT true;
ALTER TABLE recheck.projection_position ADD COLUMN is_whole boolean NOT NULL DEFAULT true;

UPDATE projection_position SET is_whole = false WHERE size > 0;
UPDATE snapshot.projection_position SET is_whole = false WHERE size > 0;
