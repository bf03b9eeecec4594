//! Why here? The answer for a client, with what spoke for it: now, or at a past time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use domain::catalog::RoutingMove;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::hysteresis::Why;
use domain::fabric::network::{BadNetwork, Network};
use domain::fabric::selector::{ANYWHERE, Level, RegionChoice, Selection};
use domain::fabric::shares::network_of;
use domain::fabric::verdict::Mode;
use serde_json::{Value, json};

use super::{Fabric, Latest, Switched};
use crate::projection::{Entity, SWITCH_KEY, Version};

/// Of whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// One of which nothing is known.
    Anyone,
    Region(String),
    /// An address, or a network such as `198.51.100.0/24`.
    Subnet(String),
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error("this deployment answers for {answered}, and not for \"{asked}\"")]
    Name { asked: String, answered: String },
    #[error("no client region \"{asked}\" is known; these are: {}", told(.known))]
    Region { asked: String, known: Vec<String> },
    #[error(transparent)]
    Network(#[from] BadNetwork),
    #[error("nothing was recorded before {0}")]
    TooEarly(Timestamp),
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
}

/// Regions that a refusal names: more of them nobody reads.
const REGIONS_TOLD: usize = 50;

fn unknown<'a>(region: &str, known: impl Iterator<Item = &'a String>) -> ExplainError {
    ExplainError::Region { asked: region.to_owned(), known: known.cloned().collect() }
}

/// `aws:eu-west-1, gcp:us-west1`.
fn told(known: &[String]) -> String {
    let first = known[..known.len().min(REGIONS_TOLD)].join(", ");
    match known.len().saturating_sub(REGIONS_TOLD) {
        0 => first,
        more => format!("{first} and {more} more, which GET /v1/fabric/state lists"),
    }
}

/// The answer for a client as of the last evaluation.
#[derive(Clone, Debug)]
pub struct Now {
    pub region: String,
    /// Bits of the address under which the answer is the same; none: the region was named.
    pub scope: Option<u8>,
    pub choice: RegionChoice,
    pub latest: Arc<Latest>,
}

/// The answer for a client at a past time, from what was recorded.
#[derive(Clone, Debug)]
pub struct Then {
    pub region: String,
    pub scope: Option<u8>,
    pub pick: Cloud,
    /// The last switch that was recorded by then.
    pub switch: Switched,
    /// When this region moved last, with the move.
    pub last_move: Option<(Switched, RoutingMove)>,
}

impl Fabric {
    /// The answer for a client as of now.
    ///
    /// # Errors
    /// The name is not ours, or the region unknown.
    pub fn now_for(&self, name: Option<&str>, client: &Client) -> Result<Now, ExplainError> {
        self.is_ours(name)?;
        let latest = self.latest.load_full();
        let (region, scope) = self.region_of(client)?;
        let regions = &latest.selection.regions;
        let choice = regions.get(&region).cloned();
        let choice = choice.ok_or_else(|| unknown(&region, regions.keys()))?;
        Ok(Now { region, scope, choice, latest })
    }

    /// The answer for a client at a past time.
    ///
    /// # Errors
    /// The name is not ours, the region unknown then, or nothing was recorded that early.
    pub async fn then_for(
        &self,
        name: Option<&str>,
        client: &Client,
        at: Timestamp,
    ) -> Result<Then, ExplainError> {
        self.is_ours(name)?;
        let (region, scope) = self.region_of(client)?;
        let versions = self.projection.versions(Entity::Switch, SWITCH_KEY).await?;
        let before: Vec<&Version> =
            versions.iter().filter(|version| time_of(version) <= at).collect();
        let newest = before.first().and_then(|version| Switched::read(version));
        let switch = newest.ok_or(ExplainError::TooEarly(at))?;
        let picks = &switch.switch.picks;
        let pick = picks.get(&region).copied();
        let pick = pick.ok_or_else(|| unknown(&region, picks.keys()))?;
        let last_move = before.iter().find_map(|version| {
            let switched = Switched::read(version)?;
            let found = switched.switch.moves.iter().find(|one| one.region == region).cloned();
            found.map(|found| (switched, found))
        });
        Ok(Then { region, scope, pick, switch, last_move })
    }

    /// As [`Fabric::now_for`], as programs are told.
    ///
    /// # Errors
    /// The name is not ours, or the region unknown.
    pub fn explain(&self, name: Option<&str>, client: &Client) -> Result<Value, ExplainError> {
        let Now { region, scope, choice, latest } = self.now_for(name, client)?;
        let mut told = self::choice(&choice);
        told["reason"] = reason(&choice, &latest).into();
        if let Some(shares) = latest.selection.shares {
            told["shares"] = json!(shares);
        }
        if latest.selection.shares.is_some() || choice.spill.is_some() {
            let dealt = dealt(client, &region, &latest.selection);
            told["cloud"] = json!(dealt.unwrap_or(choice.pick));
        }
        if let Some(bucket) = bucket(client, &region, &latest.selection) {
            told["reason"] = format!("{} {bucket}", reason(&choice, &latest)).into();
            told["dealt"] = json!({
                "network": bucket.network, "cloud": bucket.cloud, "shares": bucket.shares,
            });
        }
        told["clouds"] = json!(latest.selection.clouds);
        Ok(self.whole(told, &region, scope, &latest))
    }

    /// As [`Fabric::then_for`], as programs are told.
    ///
    /// # Errors
    /// The name is not ours, the region unknown then, or nothing was recorded that early.
    pub async fn explain_at(
        &self,
        name: Option<&str>,
        client: &Client,
        at: Timestamp,
    ) -> Result<Value, ExplainError> {
        let then = self.then_for(name, client, at).await?;
        let Then { region, scope, pick, switch: newest, last_move } = then;
        let switch = &newest.switch;
        // What was decided by then; who could keep to it is in `clouds`.
        let catalog = self.projection.catalog();
        let shares = catalog.book().shares().iter().rev().find(|applied| applied.at <= at);
        Ok(json!({
            "shares": shares.map(|applied| &applied.value),
            "name": self.plan.name, "region": region, "scope": scope, "at": at, "recorded": true,
            "cloud": pick, "spill": switch.spills.get(&region), "mode": switch.mode,
            "votes": switch.votes, "clouds": switch.clouds, "version": switch.version,
            "move": last_move.map(|(moved, one)| json!({
                "since": moved.at, "eventId": moved.event_id, "from": one.from,
                "to": one.to, "why": one.why, "level": one.level, "scores": one.scores,
                "limitMs": one.limit_ms,
            })),
            "event": { "eventId": newest.event_id, "slot": newest.slot, "at": newest.at },
        }))
    }

    /// Where to send a request from a region; one that is unknown is anywhere. `key`: what is dealt where
    /// shares of the traffic are in force.
    #[must_use]
    pub fn select(&self, region: Option<&str>, key: Option<&str>) -> Value {
        let latest = self.latest.load_full();
        let known = region.and_then(|region| latest.selection.regions.get_key_value(region));
        let anywhere = || latest.selection.regions.get_key_value(ANYWHERE);
        let Some((region, choice)) = known.or_else(anywhere) else { return Value::Null };
        let dealt = key.and_then(|key| latest.selection.serving(region, key));
        let cloud = dealt.unwrap_or(choice.pick);
        json!({
            "cloud": cloud,
            "endpoint": self.plan.endpoints.get(cloud),
            "shares": latest.selection.shares,
            "spill": choice.spill,
            "ttl": latest.selection.ttl_s,
            "region": region,
            "mode": latest.selection.mode,
            "reason": reason(choice, &latest),
        })
    }

    fn is_ours(&self, name: Option<&str>) -> Result<(), ExplainError> {
        let asked = name.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        match asked {
            Some(asked) if asked != self.plan.name => {
                Err(ExplainError::Name { asked, answered: self.plan.name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The region, and how many bits of the address it takes to know it.
    fn region_of(&self, client: &Client) -> Result<(String, Option<u8>), ExplainError> {
        match client {
            Client::Anyone => Ok((ANYWHERE.to_owned(), None)),
            Client::Region(region) => Ok((region.clone(), None)),
            Client::Subnet(text) => {
                let (region, scope) = self.answers.region_of(address_of(text)?);
                Ok((region.to_owned(), Some(scope)))
            }
        }
    }

    fn whole(&self, mut told: Value, region: &str, scope: Option<u8>, latest: &Latest) -> Value {
        let selection = &latest.selection;
        told["name"] = self.plan.name.as_str().into();
        told["region"] = region.into();
        told["scope"] = json!(scope);
        told["at"] = json!(latest.at);
        told["recorded"] = false.into();
        told["mode"] = json!(selection.mode);
        told["votes"] = json!(selection.votes);
        told["ttlS"] = selection.ttl_s.into();
        told["endpoint"] = json!(told["cloud"].as_str().and_then(|name| {
            let cloud: Cloud = name.parse().ok()?;
            self.plan.endpoints.get(cloud).clone()
        }));
        told
    }
}

/// Who serves that very network, by the shares in force. `None`: no network was named.
pub(crate) fn dealt(client: &Client, region: &str, selection: &Selection) -> Option<Cloud> {
    let Client::Subnet(text) = client else { return None };
    selection.serving(region, &network_of(address_of(text).ok()?).0)
}

/// The share that a client's network falls into.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) network: String,
    /// Whose share it is.
    pub(crate) cloud: Cloud,
    /// Those that the region's networks are dealt by.
    pub(crate) shares: PerCloud<f64>,
}

impl fmt::Display for Bucket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bucket { network, cloud, shares } = self;
        write!(out, "{network} falls into the {:.0} % of {cloud}.", 100.0 * shares.get(*cloud))
    }
}

/// `None`: no network was named, or no shares deal the networks of the region.
pub(crate) fn bucket(client: &Client, region: &str, selection: &Selection) -> Option<Bucket> {
    let Client::Subnet(text) = client else { return None };
    let shares = dealing(selection.regions.get(region), selection)?;
    let (network, _) = network_of(address_of(text).ok()?);
    let cloud = selection.serving(region, &network)?;
    Some(Bucket { network, cloud, shares })
}

/// The shares that the networks of a region are dealt by: those that find room go before those in force.
pub(crate) fn dealing(
    choice: Option<&RegionChoice>,
    selection: &Selection,
) -> Option<PerCloud<f64>> {
    choice.and_then(|choice| choice.spill).or(selection.shares)
}

/// Of an address, or of a network.
fn address_of(text: &str) -> Result<IpAddr, BadNetwork> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => text.parse::<Network>().map(|network| network.address()),
    }
}

fn reason(choice: &RegionChoice, latest: &Latest) -> String {
    match (latest.selection.shares, choice.spill) {
        (Some(shares), Some(spill)) => by_shares_with_room(shares, spill),
        (Some(shares), None) => by_shares(shares),
        (None, Some(spill)) => by_spill(choice.pick, spill),
        (None, None) => sentence(choice, latest),
    }
}

fn by_shares(shares: PerCloud<f64>) -> String {
    format!(
        "Shares of the traffic are in force: {}. Each client's network, or key, is dealt by them.",
        told_shares(&shares)
    )
}

fn by_shares_with_room(shares: PerCloud<f64>, spill: PerCloud<f64>) -> String {
    format!(
        "Shares of the traffic are in force: {}. Not everybody has room for its share of this region, \
         and the rest goes to others: {}. Each client's network, or key, is dealt by these.",
        told_shares(&shares),
        told_shares(&spill)
    )
}

fn by_spill(pick: Cloud, spill: PerCloud<f64>) -> String {
    format!(
        "{pick} serves this region and cannot take all of it: {}. Each client's network, or key, is \
         dealt by these shares.",
        told_shares(&spill)
    )
}

fn told_shares(shares: &PerCloud<f64>) -> String {
    let some = shares.iter().filter(|(_, share)| **share > 0.0);
    let each = some.map(|(cloud, share)| format!("{cloud} {:.0} %", 100.0 * share));
    each.collect::<Vec<_>>().join(", ")
}

/// A choice with its figures.
pub(super) fn choice(choice: &RegionChoice) -> Value {
    let ranked = choice.ranked.iter().map(|one| {
        let score_ms = super::state::thousandth(one.score_ms);
        json!({ "cloud": one.cloud, "scoreMs": score_ms, "status": one.status })
    });
    json!({
        "cloud": choice.pick,
        "why": choice.why,
        "level": choice.level,
        "lastGood": choice.last_good,
        "ranked": ranked.collect::<Vec<_>>(),
        "spill": choice.spill.map(|shares| shares.map(|_, share| super::state::thousandth(*share))),
        "rttMs": choice.rtt_ms.map(|_, rtt_ms| super::state::thousandth(*rtt_ms)),
    })
}

/// One sentence for people.
fn sentence(choice: &RegionChoice, latest: &Latest) -> String {
    let pick = choice.pick;
    let score = |cloud: Cloud| {
        let of = choice.ranked.iter().find(|one| one.cloud == cloud);
        of.map_or_else(|| "no score".to_owned(), |one| format!("{:.1} ms", one.score_ms))
    };
    let leader = choice.ranked.first().map_or(pick, |one| one.cloud);
    let head = match choice.why {
        Why::First | Why::Leads => format!("{pick} scores best, with {}.", score(pick)),
        Why::WithinMargin => format!(
            "{leader} scores {} and {pick} {}: not better by the margin, so {pick} stays.",
            score(leader),
            score(pick)
        ),
        Why::Dwelling => format!("{leader} scores better, and not for long enough yet."),
        Why::BetterByMargin => {
            format!("{pick} scores {}: better than before by more than the margin.", score(pick))
        }
        Why::IncumbentOut => {
            format!("The cloud that served before cannot serve; {pick} scores {}.", score(pick))
        }
        Why::Nobody => format!("No cloud is up; {pick} was the last good answer."),
        Why::Alone => format!("This node hears no majority, so {pick} stays as it was."),
    };
    let relaxed = match choice.level {
        Level::Rules | Level::Nobody => "",
        Level::HeldOut => " Nobody else is left, so clouds that are held out may serve.",
        Level::Drained => " Nobody else is left, so drained clouds may serve.",
    };
    let mode = match latest.selection.mode {
        Mode::Normal => "",
        Mode::Degraded => " Two clouds are up.",
        Mode::Critical => " One cloud is up.",
        Mode::Panic | Mode::FailStatic => "",
    };
    format!("{head}{relaxed}{mode}")
}

/// When it was recorded, by the clock of the cloud that did.
pub(super) fn time_of(version: &Version) -> Timestamp {
    let ms = i64::try_from(version.logical_clock.ms).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(ms)
}
