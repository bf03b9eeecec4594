-- Projections of FINAL events: equal on every cloud, and rebuildable from the logs
-- (`ternion rebuild`). Nothing else writes here.

-- How far each log has been projected.
CREATE TABLE projection_position (
    origin smallint NOT NULL,
    epoch  integer  NOT NULL,
    size   bigint   NOT NULL,
    PRIMARY KEY (origin, epoch)
);

-- Every version of every entity that decisions put. The current one is the greatest by
-- (logical_clock, origin, epoch, sequence), whichever order this cloud learnt of them in.
CREATE TABLE projection_version (
    entity        text        NOT NULL,  -- 'tenant', 'tier', 'price', 'user'
    key           text        NOT NULL,
    logical_clock bigint      NOT NULL,
    origin        smallint    NOT NULL,
    epoch         integer     NOT NULL,
    sequence      bigint      NOT NULL,
    event_id      uuid        NOT NULL,
    body          jsonb       NOT NULL,
    PRIMARY KEY (entity, key, logical_clock, origin, epoch, sequence)
);

-- The current version of each entity.
CREATE VIEW projection_current AS
    SELECT DISTINCT ON (entity, key) *
    FROM projection_version
    ORDER BY entity, key, logical_clock DESC, origin DESC, epoch DESC, sequence DESC;

-- Metered usage.
CREATE TABLE usage_hour (
    tenant_id     text        NOT NULL,
    provider      text        NOT NULL,
    model         text        NOT NULL,
    region        text        NOT NULL,
    hour          timestamptz NOT NULL,
    requests      bigint      NOT NULL,
    failed        bigint      NOT NULL,
    input_tokens  bigint      NOT NULL,
    output_tokens bigint      NOT NULL,
    cached_tokens bigint      NOT NULL,
    timed         bigint      NOT NULL,
    latency_us    bigint      NOT NULL,
    PRIMARY KEY (tenant_id, hour, provider, model, region)
);

-- Event ids that two clouds accepted with different contents: FINAL in their logs, without
-- effect until an admin chooses.
CREATE TABLE projection_conflict (
    tenant_id text NOT NULL,
    event_id  uuid NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
