//! What each cloud says of itself and the others, asked when somebody looks.

use std::time::{Duration, Instant};

use app::backend::{Condition, LabLog, LabScrub, LabView};
use domain::cloud::{Cloud, PerCloud};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::ledger::ScrubStatus;

/// Reads everything and changes nothing.
const TOKEN: &str = "demo-auditor";
/// However many look, each cloud is asked once in this time.
const FRESH: Duration = Duration::from_millis(900);
/// Who does not answer in this time says nothing.
const ANSWER_MAX: Duration = Duration::from_millis(800);

/// When it was asked, and what it said, if anything.
type LastAnswer = (Instant, Option<LabView>);

/// The last answer of each cloud.
#[derive(Debug)]
pub(super) struct Views {
    client: reqwest::Client,
    urls: PerCloud<String>,
    last: PerCloud<Mutex<Option<LastAnswer>>>,
}

#[derive(Debug, Deserialize)]
struct Health {
    clouds: PerCloud<Condition>,
}

#[derive(Debug, Deserialize)]
struct Logs {
    items: Vec<Log>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    origin: Cloud,
    size: u64,
    final_size: u64,
}

impl Views {
    pub fn new(client: reqwest::Client, urls: PerCloud<String>) -> Self {
        Views { client, urls, last: PerCloud::default() }
    }

    /// `None`: it does not answer.
    pub async fn of(&self, cloud: Cloud, runs: bool) -> Option<LabView> {
        if !runs {
            return None;
        }
        // Those who come while one asks wait for its answer.
        let mut last = self.last.get(cloud).lock().await;
        if let Some((at, view)) = &*last
            && at.elapsed() < FRESH
        {
            return view.clone();
        }
        let view = self.ask(cloud).await;
        *last = Some((Instant::now(), view.clone()));
        view
    }

    async fn ask(&self, cloud: Cloud) -> Option<LabView> {
        let (health, logs, scrub) = tokio::join!(
            self.get::<Health>(cloud, "/health"),
            self.get::<Logs>(cloud, "/v1/logs"),
            self.scrub(cloud),
        );
        let (health, mut held) = (health?, PerCloud::default());
        for log in logs?.items {
            *held.get_mut(log.origin) = LabLog { size: log.size, final_size: log.final_size };
        }
        // Its users are events: until they are known it tells nobody of its scrub.
        let scrub = scrub.map_or_else(LabScrub::default, |status| LabScrub {
            found: status.found,
            repaired: status.repaired,
            open: status.open.len() as u64,
        });
        Some(LabView { at: crate::now(), conditions: health.clouds, logs: held, scrub })
    }

    /// What a cloud's scrub has found.
    pub async fn scrub(&self, cloud: Cloud) -> Option<ScrubStatus> {
        self.get(cloud, "/v1/scrub").await
    }

    /// What deriving snapshots again has found at a cloud.
    pub async fn rechecks(&self, cloud: Cloud) -> Option<serde_json::Value> {
        self.get(cloud, "/v1/snapshots").await
    }

    /// The body, whatever the status: an unhealthy node says why in the same shape.
    async fn get<T: DeserializeOwned>(&self, cloud: Cloud, path: &str) -> Option<T> {
        let url = format!("{}{path}", self.urls.get(cloud));
        let request = self.client.get(url).bearer_auth(TOKEN).timeout(ANSWER_MAX);
        request.send().await.ok()?.json().await.ok()
    }
}
