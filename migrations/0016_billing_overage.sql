-- Entries for tokens beyond a tenant's monthly cap (domain::billing::overage).

ALTER TABLE billing_entry DROP CONSTRAINT billing_entry_kind_check,
    ADD CONSTRAINT billing_entry_kind_check CHECK (kind IN
    ('charge', 'overage', 'credit', 'penalty', 'rounding', 'carriedOut', 'carriedIn'));
ALTER TABLE snapshot.billing_entry DROP CONSTRAINT billing_entry_kind_check,
    ADD CONSTRAINT billing_entry_kind_check CHECK (kind IN
    ('charge', 'overage', 'credit', 'penalty', 'rounding', 'carriedOut', 'carriedIn'));
ALTER TABLE recheck.billing_entry DROP CONSTRAINT billing_entry_kind_check,
    ADD CONSTRAINT billing_entry_kind_check CHECK (kind IN
    ('charge', 'overage', 'credit', 'penalty', 'rounding', 'carriedOut', 'carriedIn'));

-- Few tenants are beyond a cap, and each derivation looks for what was derived before.
CREATE INDEX billing_entry_overage ON billing_entry (period, tenant_id) WHERE kind = 'overage';
CREATE INDEX billing_entry_overage ON snapshot.billing_entry (period, tenant_id)
    WHERE kind = 'overage';
CREATE INDEX billing_entry_overage ON recheck.billing_entry (period, tenant_id)
    WHERE kind = 'overage';

-- Few proposals set an overage price, and each derivation asks which of its tenants have one
-- (server::projection::billing::own).
CREATE INDEX projection_version_overage
    ON projection_version ((body -> 'edition' -> 'content' ->> 'tenantId'))
    WHERE entity = 'proposal'
      AND body -> 'edition' -> 'content' -> 'controls' -> 'overageOfList' IS NOT NULL;
CREATE INDEX projection_version_overage
    ON snapshot.projection_version ((body -> 'edition' -> 'content' ->> 'tenantId'))
    WHERE entity = 'proposal'
      AND body -> 'edition' -> 'content' -> 'controls' -> 'overageOfList' IS NOT NULL;
CREATE INDEX projection_version_overage
    ON recheck.projection_version ((body -> 'edition' -> 'content' ->> 'tenantId'))
    WHERE entity = 'proposal'
      AND body -> 'edition' -> 'content' -> 'controls' -> 'overageOfList' IS NOT NULL;

-- Months of tenants to whom a cap was ever proposed: what was used beyond it has no entry yet. Months
-- that are closed stay without (server::projection::billing::months).
INSERT INTO billing_dirty
    SELECT DISTINCT period, tenant_id, 0::smallint FROM billing_entry
    WHERE kind = 'charge' AND tenant_id IN
        (SELECT body -> 'edition' -> 'content' ->> 'tenantId' FROM projection_version
         WHERE entity = 'proposal'
           AND body -> 'edition' -> 'content' -> 'controls' -> 'tokenCap' IS NOT NULL)
    ON CONFLICT DO NOTHING;
INSERT INTO snapshot.billing_dirty
    SELECT DISTINCT period, tenant_id, 0::smallint FROM snapshot.billing_entry
    WHERE kind = 'charge' AND tenant_id IN
        (SELECT body -> 'edition' -> 'content' ->> 'tenantId' FROM snapshot.projection_version
         WHERE entity = 'proposal'
           AND body -> 'edition' -> 'content' -> 'controls' -> 'tokenCap' IS NOT NULL)
    ON CONFLICT DO NOTHING;
