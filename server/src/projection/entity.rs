//! What decisions put, by its name in the database.

/// What decisions put: each has versions, of which the latest is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    Tenant,
    Tier,
    Price,
    User,
    /// A decision about something held, by the name of what it is about. Of these the first is in
    /// force: what was decided stays decided.
    Ruling,
    /// What a provider takes for a model, by the day of the price map.
    Cost,
    /// How long a provider's requests were recorded to take, by the day of the samples.
    Sample,
    Scenario,
    /// Of a scenario, by its id.
    Promotion,
    /// A cloud's word on a snapshot, by its number and the cloud whose log it stands in.
    Attestation,
    /// An amount that was waived, by the id of its event.
    Credit,
    /// Of a month, by its name: all of them add up.
    Closing,
    /// Who serves whom: the clouds' switches, under one key.
    Switch,
    /// Whether people have taken a cloud out of service, by its name.
    Drain,
    /// A measured round trip, by its two ends.
    Latency,
    /// What was said of a proposal about prices, by its id and that of the event: all of it counts.
    Proposal,
    /// Who approves in whose stead, by the id of the event: all of it counts.
    Delegation,
    /// A word on a switch of automatic prices, by its event.
    Autonomy,
    /// What the optimizer last said of a tenant, by its id.
    Recommendation,
    /// The optimizer's runs, under one key.
    Run,
    /// Runs of the standing stresses, under one key.
    Foresight,
}

impl Entity {
    pub const ALL: [Entity; 21] = [
        Entity::Tenant,
        Entity::Tier,
        Entity::Price,
        Entity::User,
        Entity::Ruling,
        Entity::Cost,
        Entity::Sample,
        Entity::Scenario,
        Entity::Promotion,
        Entity::Attestation,
        Entity::Credit,
        Entity::Closing,
        Entity::Switch,
        Entity::Drain,
        Entity::Latency,
        Entity::Proposal,
        Entity::Delegation,
        Entity::Autonomy,
        Entity::Recommendation,
        Entity::Run,
        Entity::Foresight,
    ];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Entity::Tenant => "tenant",
            Entity::Tier => "tier",
            Entity::Price => "price",
            Entity::User => "user",
            Entity::Ruling => "ruling",
            Entity::Cost => "cost",
            Entity::Sample => "sample",
            Entity::Scenario => "scenario",
            Entity::Promotion => "promotion",
            Entity::Attestation => "attestation",
            Entity::Credit => "credit",
            Entity::Closing => "closing",
            Entity::Switch => "switch",
            Entity::Drain => "drain",
            Entity::Latency => "latency",
            Entity::Proposal => "proposal",
            Entity::Delegation => "delegation",
            Entity::Autonomy => "autonomy",
            Entity::Recommendation => "recommendation",
            Entity::Run => "run",
            Entity::Foresight => "foresight",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Entity> {
        Entity::ALL.into_iter().find(|entity| entity.name() == name)
    }
}
