//! Rules between settings, and rules that a type does not carry.

use domain::cloud::Cloud;
use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
use domain::quorum::Mode;

use super::{Config, anchor, fabric, webhook};
use crate::ledger::BATCH_EVENTS_MAX;
use crate::postgres::WRITERS;

/// The setting that breaks a rule, and which.
type Broken = (&'static str, String);

/// Names in notes and files stay well below this; DNS names end at 253.
const DEPLOYMENT_CHARS_MAX: usize = 253;
/// Beside the ledger's writers: projection, scrub and the listener each hold one; requests need
/// some more.
const READERS_MIN: u32 = 6;
/// More of anything than memory holds.
const PLACES_MAX: usize = 1_000_000;
/// A client waits all that time for every event.
const BATCH_MS_MAX: u64 = 1_000;

pub(super) fn rules(config: &Config) -> Result<(), Broken> {
    deployment(&config.deployment)?;
    url("url", &config.url)?;
    if let Some(lab) = &config.lab_url {
        url("lab_url", lab)?;
    }
    witness(config)?;
    if config.listen.is_empty() {
        return Err(("listen", "must name at least one address".to_owned()));
    }
    peers(config)?;
    demonstration(config)?;
    anchor::rules(config)?;
    fabric::rules(config)?;
    webhook::rules(config)?;
    endpoints(config)?;
    limits(config)
}

fn deployment(name: &str) -> Result<(), Broken> {
    // The key does not matter: this asks whether a note can carry the name.
    let any_key = SigningKey::from_seed([1; 32]).public();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let usable = name.len() <= DEPLOYMENT_CHARS_MAX
        && name.bytes().all(allowed)
        && NoteKey::new(name, NoteAlgorithm::Ed25519, any_key).is_ok();
    if usable {
        return Ok(());
    }
    let what = "must be letters, digits, '.', '-' and '_', such as \"prod.example.com\"";
    Err(("deployment", what.to_owned()))
}

fn url(setting: &'static str, text: &str) -> Result<(), Broken> {
    let bare = reqwest::Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/"
    });
    match bare {
        Some(url) if url.query().is_none() && !text.ends_with('/') => Ok(()),
        _ => {
            let what = format!(
                "\"{text}\" must be http:// or https:// and a host, such as \
                 \"https://gcp.example.com\", without a path"
            );
            Err((setting, what))
        }
    }
}

fn endpoints(config: &Config) -> Result<(), Broken> {
    const URLS: [&str; 3] = ["fabric.gcp.url", "fabric.aws.url", "fabric.azure.url"];
    let all = config.endpoints();
    let named = Cloud::ALL.into_iter().filter_map(|cloud| Some((cloud, all.get(cloud).as_ref()?)));
    named.into_iter().try_for_each(|(cloud, text)| url(URLS[cloud.index()], text))
}

fn peers(config: &Config) -> Result<(), Broken> {
    const URLS: [&str; 3] = ["peers.gcp.url", "peers.aws.url", "peers.azure.url"];
    const LINKS: [&str; 3] = ["peers.gcp.link_url", "peers.aws.link_url", "peers.azure.link_url"];
    for cloud in Cloud::ALL {
        let setting = URLS[cloud.index()];
        let Some(peer) = config.peers.get(cloud) else { continue };
        if cloud == config.cloud {
            return Err((setting, format!("{cloud} is this cloud itself; leave it out")));
        }
        url(setting, &peer.url)?;
        if let Some(link) = &peer.link_url {
            url(LINKS[cloud.index()], link)?;
        }
    }
    Ok(())
}

fn witness(config: &Config) -> Result<(), Broken> {
    match &config.witness {
        Some(witness) => url("witness.url", &witness.url),
        None if config.mode == Mode::Witness => {
            let what = "is missing: the mode \"witness\" counts its signature. Run \
                        `ternion witness --key-only` there and copy what it prints";
            Err(("witness.key", what.to_owned()))
        }
        None => Ok(()),
    }
}

/// The passwords of the demonstration are on its sign-in page.
fn demonstration(config: &Config) -> Result<(), Broken> {
    let open = config.listen.iter().chain(&config.dns_listen).find(|at| !at.ip().is_loopback());
    if let (true, Some(at)) = (config.demonstration, open) {
        let what = format!("{at}: the demonstration's passwords are public; use 127.0.0.1");
        return Err(("listen", what));
    }
    if !config.demonstration && (config.story || config.lab_url.is_some()) {
        let what = "must be true where story or lab_url is set".to_owned();
        return Err(("demonstration", what));
    }
    if config.lab_url.is_some() != config.lab_secret.is_some() {
        return Err(("lab_secret", "goes together with lab_url".to_owned()));
    }
    Ok(())
}

fn limits(config: &Config) -> Result<(), Broken> {
    let (limits, postgres) = (&config.limits, &config.postgres);
    let zero = [
        ("limits.body_bytes", limits.body_bytes == 0),
        ("limits.intake_events", limits.intake_events == 0),
        ("limits.batch_events", limits.batch_events == 0),
        ("limits.requests", limits.requests == 0),
        ("limits.waiters", limits.waiters == 0),
        ("limits.streams", limits.streams == 0),
        ("limits.wait_ms", limits.wait_ms == 0),
        ("postgres.acquire_ms", postgres.acquire_ms == 0),
        ("postgres.statement_ms", postgres.statement_ms == 0),
    ];
    if let Some((setting, _)) = zero.into_iter().find(|(_, zero)| *zero) {
        return Err((setting, "must be more than 0".to_owned()));
    }
    let least = WRITERS + READERS_MIN;
    if postgres.connections < least {
        return Err(("postgres.connections", format!("must be at least {least}")));
    }
    if limits.intake_events < limits.batch_events {
        return Err(("limits.intake_events", "must hold at least one batch".to_owned()));
    }
    let most = [
        ("limits.batch_events", limits.batch_events, BATCH_EVENTS_MAX),
        ("limits.intake_events", limits.intake_events, PLACES_MAX),
        ("limits.requests", limits.requests, PLACES_MAX),
        ("limits.waiters", limits.waiters, PLACES_MAX),
        ("limits.streams", limits.streams, PLACES_MAX),
    ];
    if let Some((setting, _, most)) = most.into_iter().find(|(_, value, most)| value > most) {
        return Err((setting, format!("must be at most {most}")));
    }
    if limits.batch_ms > BATCH_MS_MAX {
        return Err(("limits.batch_ms", format!("must be at most {BATCH_MS_MAX}")));
    }
    Ok(())
}
