//! The list of settings: how the environment and flags reach each, and what it means.

/// Of the environment variables that are settings.
pub(super) const PREFIX: &str = "TERNION_";

/// How a text from the environment or a flag becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    /// Separated by commas.
    List,
}

/// One place of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Dotted, as in TOML: `limits.body_bytes`.
    pub path: &'static str,
    pub kind: Kind,
}

impl Setting {
    /// `TERNION_LIMITS_BODY_BYTES`. `data` is `TERNION_DATA_DIR`, since the tests' folder of
    /// sample data is called `TERNION_DATA`.
    #[must_use]
    pub fn variable(&self) -> String {
        if self.path == "data" {
            return "TERNION_DATA_DIR".to_owned();
        }
        format!("{PREFIX}{}", self.path.replace('.', "_").to_uppercase())
    }

    #[must_use]
    pub fn find(path: &str) -> Option<Setting> {
        SETTINGS.into_iter().find(|setting| setting.path == path)
    }
}

const fn text(path: &'static str) -> Setting {
    Setting { path, kind: Kind::Text }
}

const fn integer(path: &'static str) -> Setting {
    Setting { path, kind: Kind::Integer }
}

const fn boolean(path: &'static str) -> Setting {
    Setting { path, kind: Kind::Boolean }
}

const fn list(path: &'static str) -> Setting {
    Setting { path, kind: Kind::List }
}

/// Every setting, in the order in which `ternion config` prints them.
pub const SETTINGS: [Setting; 131] = [
    text("deployment"),
    text("cloud"),
    text("region"),
    list("listen"),
    list("dns_listen"),
    text("url"),
    text("data"),
    text("database_url"),
    text("mode"),
    text("genesis"),
    text("witness.url"),
    text("witness.key"),
    boolean("demonstration"),
    boolean("story"),
    text("lab_url"),
    text("lab_secret"),
    list("signer.command"),
    text("signer.socket"),
    text("anchor.ethereum.url"),
    integer("anchor.ethereum.chain_id"),
    text("anchor.ethereum.key_file"),
    text("anchor.ethereum.max_fee_gwei"),
    text("anchor.ethereum.max_spend_eth_per_month"),
    integer("anchor.ethereum.confirmations"),
    boolean("anchor.ethereum.dry_run"),
    text("anchor.bitcoin.url"),
    text("anchor.bitcoin.cookie_file"),
    text("anchor.bitcoin.user"),
    text("anchor.bitcoin.password"),
    text("anchor.bitcoin.network"),
    integer("anchor.bitcoin.max_fee_sat_per_vbyte"),
    text("anchor.bitcoin.max_spend_btc_per_month"),
    integer("anchor.bitcoin.confirmations"),
    boolean("anchor.bitcoin.dry_run"),
    list("anchor.calendars"),
    list("anchor.explorers"),
    text("anchor.timestamp_authority.url"),
    text("anchor.timestamp_authority.ca_file"),
    text("fabric.name"),
    text("fabric.zone"),
    text("fabric.policy"),
    list("fabric.networks"),
    list("fabric.demand"),
    list("fabric.gcp.addresses"),
    text("fabric.gcp.url"),
    text("fabric.gcp.site"),
    integer("fabric.gcp.capacity"),
    integer("fabric.gcp.weight"),
    text("fabric.gcp.aws_region"),
    text("fabric.gcp.health_check"),
    list("fabric.aws.addresses"),
    text("fabric.aws.url"),
    text("fabric.aws.site"),
    integer("fabric.aws.capacity"),
    integer("fabric.aws.weight"),
    text("fabric.aws.aws_region"),
    text("fabric.aws.health_check"),
    list("fabric.azure.addresses"),
    text("fabric.azure.url"),
    text("fabric.azure.site"),
    integer("fabric.azure.capacity"),
    integer("fabric.azure.weight"),
    text("fabric.azure.aws_region"),
    text("fabric.azure.health_check"),
    text("fabric.route53.zone_id"),
    text("fabric.route53.access_key_id"),
    text("fabric.route53.secret_file"),
    text("fabric.route53.session_token_file"),
    text("fabric.route53.url"),
    text("fabric.route53.policy"),
    integer("fabric.route53.ttl_s"),
    text("fabric.route53.on_drift"),
    boolean("fabric.route53.dry_run"),
    text("fabric.cloudflare.zone_id"),
    text("fabric.cloudflare.token_file"),
    text("fabric.cloudflare.url"),
    integer("fabric.cloudflare.ttl_s"),
    boolean("fabric.cloudflare.proxied"),
    text("fabric.cloudflare.on_drift"),
    boolean("fabric.cloudflare.dry_run"),
    text("fabric.cloudflare_balancer.account_id"),
    text("fabric.cloudflare_balancer.zone_id"),
    text("fabric.cloudflare_balancer.token_file"),
    text("fabric.cloudflare_balancer.url"),
    integer("fabric.cloudflare_balancer.ttl_s"),
    boolean("fabric.cloudflare_balancer.proxied"),
    boolean("fabric.cloudflare_balancer.monitor.enabled"),
    text("fabric.cloudflare_balancer.monitor.scheme"),
    integer("fabric.cloudflare_balancer.monitor.port"),
    integer("fabric.cloudflare_balancer.monitor.interval_s"),
    integer("fabric.cloudflare_balancer.monitor.timeout_s"),
    integer("fabric.cloudflare_balancer.monitor.retries"),
    integer("fabric.cloudflare_balancer.monitor.consecutive_down"),
    integer("fabric.cloudflare_balancer.monitor.consecutive_up"),
    text("fabric.cloudflare_balancer.on_drift"),
    boolean("fabric.cloudflare_balancer.dry_run"),
    text("postgres.bin"),
    text("postgres.account"),
    integer("postgres.connections"),
    integer("postgres.acquire_ms"),
    integer("postgres.statement_ms"),
    integer("postgres.shared_buffers_mb"),
    integer("postgres.wal_max_mb"),
    integer("limits.body_bytes"),
    integer("limits.intake_events"),
    integer("limits.batch_events"),
    integer("limits.batch_ms"),
    integer("limits.requests"),
    integer("limits.waiters"),
    integer("limits.streams"),
    integer("limits.wait_ms"),
    text("log.format"),
    text("log.filter"),
    text("peers.gcp.url"),
    text("peers.gcp.link_url"),
    text("peers.gcp.region"),
    text("peers.gcp.log_key"),
    text("peers.gcp.cosigner_key"),
    text("peers.gcp.transport_key"),
    text("peers.aws.url"),
    text("peers.aws.link_url"),
    text("peers.aws.region"),
    text("peers.aws.log_key"),
    text("peers.aws.cosigner_key"),
    text("peers.aws.transport_key"),
    text("peers.azure.url"),
    text("peers.azure.link_url"),
    text("peers.azure.region"),
    text("peers.azure.log_key"),
    text("peers.azure.cosigner_key"),
    text("peers.azure.transport_key"),
];

/// How many letters have to change to make one name of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (index, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *candidate);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// The name that was probably meant, if one is near.
pub(super) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// More changes than this, or than a third of the name, is another word.
    const CHANGES_MAX: usize = 4;
    let near = names.into_iter().map(|name| (distance(wrong, name), name)).min()?;
    (near.0 <= CHANGES_MAX.min(wrong.len().div_ceil(3))).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let names = || SETTINGS.iter().map(|setting| setting.path);
        assert_eq!(nearest("listne", names()), Some("listen"));
        assert_eq!(nearest("databaseurl", names()), Some("database_url"));
        assert_eq!(nearest("wallpaper", names()), None);
    }
}
