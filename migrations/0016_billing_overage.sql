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

-- The version before this one does not know list prices as proposals, nor a price's reason, withdrawal
-- and proposal, nor a closing that counts overage, and projects such events as if they said nothing; and
-- it kept only the last word on a switch. What has been projected so is derived again at the next start,
-- with what was used beyond a cap.
UPDATE projection_position SET is_whole = false WHERE size > 0;
UPDATE snapshot.projection_position SET is_whole = false WHERE size > 0;
