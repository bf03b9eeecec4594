-- The billing ledger: derived from usage, prices, tiers, tenants and billing decisions by
-- server::projection alone, equal on every cloud, and derived again by `ternion rebuild`.
-- Texts sort by their bytes, so that rows have one order on every cloud whatever its locale is.

-- Entries in double entry: each is one amount on the debit side of one account and on the credit
-- side of another, so the books balance by the shape of the table.
CREATE TABLE billing_entry (
    period     text COLLATE "C" NOT NULL,  -- '2026-10', UTC
    tenant_id  text COLLATE "C" NOT NULL,
    day        date             NOT NULL,
    -- domain::billing::What.
    kind       text COLLATE "C" NOT NULL CHECK (kind IN
               ('charge', 'credit', 'penalty', 'rounding', 'carriedOut', 'carriedIn')),
    -- Of several of one tenant, day and kind: product and price, event, tier, other month.
    key        text COLLATE "C" NOT NULL,
    -- domain::billing::Account.
    debit      text COLLATE "C" NOT NULL,
    credit     text COLLATE "C" NOT NULL CHECK (credit <> debit),
    -- US dollars; a charge at a price of nothing is 0.
    amount_usd numeric(38, 10)  NOT NULL CHECK (amount_usd >= 0),
    -- Of charges: what the month's service level is computed from.
    tier       text COLLATE "C",
    requests   bigint           NOT NULL,
    failed     bigint           NOT NULL,
    -- The whole entry as RFC 8785 text: what the API gives and audit snapshots hash.
    body       text             NOT NULL,
    PRIMARY KEY (period, tenant_id, day, kind, key)
);

-- Statements of one tenant over all months.
CREATE INDEX billing_entry_tenant ON billing_entry (tenant_id, period, day, kind, key);

-- Usage that no price applied to: listed, and never charged as nothing.
CREATE TABLE billing_unpriced (
    period    text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    day       date             NOT NULL,
    key       text COLLATE "C" NOT NULL,
    -- Empty: nobody said of which tier the tenant is.
    tier      text COLLATE "C" NOT NULL,
    requests  bigint           NOT NULL,
    failed    bigint           NOT NULL,
    body      text             NOT NULL,
    PRIMARY KEY (period, tenant_id, day, key)
);

-- What must be derived again before the books are read: written with the chunk that made it so, and
-- empty once the projection has caught up.
CREATE TABLE billing_dirty (
    period    text COLLATE "C" NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    day       smallint         NOT NULL,  -- of the month; 0: what follows from the month as a whole
    PRIMARY KEY (period, tenant_id, day)
);

-- Usage that was projected before there was a billing ledger.
INSERT INTO billing_dirty
    SELECT DISTINCT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM'), tenant_id,
                    extract(day FROM hour AT TIME ZONE 'UTC')::smallint
    FROM usage_hour;

-- Credits and closings stand side by side; none supersedes another, so none is "current".
CREATE OR REPLACE VIEW projection_current AS
    SELECT DISTINCT ON (entity, key) *
    FROM projection_version
    WHERE entity NOT IN ('ruling', 'credit', 'closing')
    ORDER BY entity, key, logical_clock DESC, origin DESC, epoch DESC, sequence DESC;
