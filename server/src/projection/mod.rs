//! Projections of FINAL events: tenants, tiers, prices, users, metered usage.
