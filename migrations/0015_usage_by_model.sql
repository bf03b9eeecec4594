-- Who used a model, and when: what a list price is held against before it is recorded. The key begins
-- with the tenant. No column of it is ever updated, so counting up rows does not touch it. Only here:
-- nobody asks so of the projections aside.
CREATE INDEX usage_hour_by_model ON usage_hour (provider, model, hour);
