//! A cloud that cheats: the supervisor speaks to the two peers as somebody inside it would.

use std::sync::Arc;
use std::time::Duration;

use app::backend::{LabAttempt, LabBranch, LabEquivocation, LabForgery, LabTrick, LabVerdict};
use domain::cloud::{Cloud, PerCloud};
use domain::key::SigningKey;
use domain::quorum::Mode;
use sqlx::postgres::PgPoolOptions;
use tokio::time::sleep;

use super::links::Links;
use super::place::{self, DEPLOYMENT, Place};
use crate::keys::{CloudKeys, Keyring, Roster};
use crate::ledger::{Branch, Fork, Insider, InsiderError, Reaction};
use crate::peer::Channel;
use crate::postgres;
use crate::problem::Problem;
use crate::quarantine::Quarantine;

/// The demonstration's program that submits events.
const TOKEN: &str = "demo-ingest";
/// A peer that is storing something is asked again, and a checkpoint takes a moment to be made.
const TRIES: usize = 20;
const TRY_EVERY: Duration = Duration::from_millis(100);
/// What was on its way when the links were held has arrived by then.
const SETTLE: Duration = Duration::from_millis(150);
/// Longest wait for the cloud to record one event.
const RECORD_MAX: Duration = Duration::from_secs(3);

/// Somebody inside one cloud of the demonstration.
pub(super) struct Malice<'a> {
    cloud: Cloud,
    insider: Insider,
    links: &'a Links,
    client: &'a reqwest::Client,
    url: String,
}

impl<'a> Malice<'a> {
    /// With the keys of the cloud's folder and its database. It reaches the peers past the links.
    ///
    /// # Errors
    /// The cloud's keys or database cannot be used just now.
    pub async fn inside(
        cloud: Cloud,
        place: &Place,
        links: &'a Links,
        client: &'a reqwest::Client,
    ) -> Result<Self, Problem> {
        let keys = |of: Cloud| CloudKeys::load(&place.folders.get(of).join("keys"), None);
        let (gcp, aws, azure) = (keys(Cloud::Gcp), keys(Cloud::Aws), keys(Cloud::Azure));
        let keys = PerCloud {
            gcp: gcp.map_err(Problem::fault)?,
            aws: aws.map_err(Problem::fault)?,
            azure: azure.map_err(Problem::fault)?,
        };
        let roster = Roster {
            deployment: DEPLOYMENT.to_owned(),
            mode: Mode::default(),
            keys: keys.map(|_, keys| keys.public()),
            witness: None,
        };
        let folder = place.folders.get(cloud).join("keys");
        let ring = Keyring::open(&folder, keys.get(cloud), None).map_err(Problem::fault)?;
        let no_database = || {
            let detail = format!("The database of {} does not run. Start it first.", cloud.title());
            Problem::conflict(detail)
        };
        let database = postgres::running_in(place.folders.get(cloud)).await;
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect_with(database.ok_or_else(no_database)?).await?;
        let channel = Channel {
            me: cloud,
            roster: Arc::new(roster),
            keys: Arc::new(keys.get(cloud).clone()),
            urls: place.urls.map(|_, url| Some(url.clone())),
            client: client.clone(),
            quarantine: Quarantine::unattended(pool.clone()),
        };
        let region = place::region(cloud).map_err(Problem::fault)?;
        let insider = Insider::enter(region, channel, Arc::new(ring), pool).await;
        let insider = insider.map_err(Problem::fault)?;
        Ok(Malice { cloud, insider, links, client, url: place.urls.get(cloud).clone() })
    }

    /// Tries both forgeries with both peers.
    pub async fn forge(&self) -> Result<LabForgery, Problem> {
        let made_up = made_up_keys()?;
        let mut attempts = Vec::new();
        for to in self.cloud.peers() {
            let tried = self.insist(LabTrick::MadeUpKeys, &made_up, to).await;
            attempts.push(attempt(LabTrick::MadeUpKeys, to, tried));
        }
        // Both must lack something that the cloud has signed: for a moment nothing passes.
        let hold = self.links.hold();
        sleep(SETTLE).await;
        let recorded = self.record_one().await;
        for to in self.cloud.peers() {
            let tried = match &recorded {
                Ok(()) => self.insist(LabTrick::ChangedPayload, &made_up, to).await,
                Err(reason) => Err(reason.clone()),
            };
            attempts.push(attempt(LabTrick::ChangedPayload, to, tried));
        }
        drop(hold);
        Ok(LabForgery { cloud: self.cloud, attempts })
    }

    /// Two histories: the cloud goes on with one, and `to` is shown the other.
    pub async fn equivocate(&self, to: Cloud) -> Result<LabEquivocation, Problem> {
        let hold = self.links.hold();
        sleep(SETTLE).await;
        let honest = self.record_one().await;
        let shown = match honest {
            Ok(()) => self.show(to).await,
            Err(reason) => Err(reason),
        };
        drop(hold);
        shown.map(|fork| self.told(to, fork)).map_err(Problem::conflict)
    }

    /// The peer's head may still move by what it is storing: then the next try fits.
    async fn show(&self, to: Cloud) -> Result<Fork, String> {
        let mut last = format!("{} was busy.", to.title());
        for _ in 0..TRIES {
            match self.insider.fork(to).await {
                Ok(fork) if fork.reaction != Reaction::Busy => return Ok(fork),
                Ok(_) => {}
                Err(cause @ InsiderError::NothingNew(..)) => last = sentence(&cause),
                Err(cause) => return Err(sentence(&cause)),
            }
            sleep(TRY_EVERY).await;
        }
        Err(last)
    }

    fn told(&self, to: Cloud, fork: Fork) -> LabEquivocation {
        let branch = |branch: Branch| LabBranch {
            root: branch.head.root.to_string(),
            event_id: branch.event_id.to_string(),
            note: branch.note,
        };
        let (size, place) = (fork.honest.head.size, fork.slot.to_string());
        let (verdict, answer) = verdict(to, Ok(fork.reaction));
        LabEquivocation {
            cloud: self.cloud,
            log: self.insider.log().to_string(),
            size,
            place,
            honest: branch(fork.honest),
            other: branch(fork.other),
            to,
            verdict,
            answer,
        }
    }

    /// Tries until the peer says yes or no.
    async fn insist(
        &self,
        trick: LabTrick,
        made_up: &CloudKeys,
        to: Cloud,
    ) -> Result<Reaction, String> {
        let mut last = Ok(Reaction::Busy);
        for _ in 0..TRIES {
            let reaction = match trick {
                LabTrick::MadeUpKeys => self.insider.forge_with(made_up, to).await,
                LabTrick::ChangedPayload => self.insider.change_under_way(to).await,
            };
            match reaction {
                Ok(Reaction::Busy) => {}
                Ok(reaction) => return Ok(reaction),
                Err(cause @ InsiderError::NothingNew(..)) => last = Err(sentence(&cause)),
                Err(cause) => return Err(sentence(&cause)),
            }
            sleep(TRY_EVERY).await;
        }
        last
    }

    /// An honest event, so that the log is longer than what the peers hold.
    async fn record_one(&self) -> Result<(), String> {
        let event = serde_json::json!({
            "tenantId": "platform",
            "payload": { "kind": "lab.honest", "note": "recorded so that there is something to forge" },
        });
        let request = self.client.post(format!("{}/v1/events", self.url)).bearer_auth(TOKEN);
        let answer = request.json(&event).timeout(RECORD_MAX).send().await;
        let name = self.cloud.title();
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("{name} takes no event just now ({}).", answer.status())),
            Err(_) => Err(format!("{name} does not answer.")),
        }
    }
}

fn sentence(cause: &InsiderError) -> String {
    format!("{cause}.")
}

fn attempt(trick: LabTrick, to: Cloud, tried: Result<Reaction, String>) -> LabAttempt {
    let (verdict, answer) = verdict(to, tried);
    LabAttempt { trick, to, verdict, answer }
}

fn verdict(to: Cloud, tried: Result<Reaction, String>) -> (LabVerdict, String) {
    match tried {
        Ok(Reaction::Refused(reason)) => (LabVerdict::Refused, reason),
        Ok(Reaction::Taken(_)) => {
            (LabVerdict::Taken, format!("{} has stored and signed it", to.title()))
        }
        Ok(Reaction::Busy) => (LabVerdict::NoAnswer, "busy".to_owned()),
        Err(reason) => (LabVerdict::NoAnswer, reason),
    }
}

/// Nobody's.
fn made_up_keys() -> Result<CloudKeys, Problem> {
    let key = || {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(Problem::fault)?;
        Ok::<_, Problem>(SigningKey::from_seed(seed))
    };
    Ok(CloudKeys { log: key()?.into(), cosigner: key()?.into(), transport: key()? })
}
