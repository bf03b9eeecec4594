//! How the fabric is: what a screen shows, and what programs watch.

use std::collections::BTreeMap;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Over;
use domain::fabric::selector::{RegionChoice, Selection, Settings, Standing};
use domain::fabric::shares::{Shares, moved};
use domain::fabric::spill::Flow;
use domain::fabric::ttl::Bound;
use serde_json::{Value, json};

use super::decided::{SharesChange, changes, told_waiting, waiting};
use super::regions::Matrix;
use super::{Fabric, explain, place, probe};
use crate::projection::{Catalog, Entity, SWITCH_KEY, Version};

/// Most switches that one answer tells of; the ledger has the others.
const SWITCHES_MAX: usize = 50;
/// A report travels at once when something changes, and once a second anyway.
const VERDICT_S: f64 = 1.0;

impl Fabric {
    /// Everything, as of the last evaluation of this node.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn state(&self) -> Result<Value, sqlx::Error> {
        let switches = self.projection.versions(Entity::Switch, SWITCH_KEY).await?;
        let latest = self.latest.load_full();
        let catalog = self.projection.catalog();
        let selection = &latest.selection;
        let observers = PerCloud::from_fn(|cloud| {
            let (age_ms, report) = latest.heard.get(cloud).as_ref()?;
            Some(json!({
                "counts": selection.votes.get(cloud).is_some(),
                "ageMs": age_ms,
                "sees": report.view,
                "failures": report.failures,
                "rttMs": report.readings.map(|_, reading| reading.map(|reading| thousandth(reading.rtt_ms))),
            }))
        });
        Ok(json!({
            "cloud": self.me,
            "at": latest.at,
            "mode": selection.mode,
            "policy": self.plan.policy,
            "name": self.plan.name,
            "zone": self.plan.zone,
            "ttlS": selection.ttl_s,
            "bound": self.bound(),
            "observers": observers,
            "clouds": selection.clouds.map(|cloud, standing| self.cloud(cloud, standing, &catalog)),
            "regions": regions(&selection.regions, &self.trips.load()),
            "capacity": self.capacity_without(None).map(|flow| capacity(&flow)),
            "shares": self.shares_of(&catalog, selection),
            "version": catalog.switch().map_or(0, |switch| switch.value.version.number()),
            "switches": switches.iter().take(SWITCHES_MAX).map(switch).collect::<Vec<_>>(),
        }))
    }

    fn cloud(&self, cloud: Cloud, standing: &Standing, catalog: &Catalog) -> Value {
        let site = self.plan.sites.get(cloud);
        let drain = catalog.drain(cloud).filter(|drain| drain.value.drained);
        json!({
            "down": standing.down,
            "heldOut": standing.held_out,
            "damping": thousandth(standing.damping),
            "drained": standing.drained,
            "drainReason": drain.map(|drain| &drain.value.reason),
            "status": standing.status,
            "load": thousandth(standing.load),
            "nextChangeMs": standing.next_change_ms,
            "endpoint": self.plan.endpoints.get(cloud),
            "addresses": self.plan.addresses.get(cloud),
            "site": site,
            "place": site.as_deref().and_then(place::of),
        })
    }

    /// How long a client can be left at a dead cloud, and what that is made of (F14).
    pub(super) fn bound_of_answers(&self) -> Bound {
        let settings = Settings::of(self.plan.policy);
        Bound {
            down: u32::from(settings.thresholds.down),
            interval_s: probe::EVERY.as_secs_f64(),
            timeout_s: probe::TIMEOUT.as_secs_f64(),
            verdict_s: VERDICT_S,
            publish_s: 0.0,
            ttl_s: f64::from(settings.ttl.max_s),
        }
    }

    fn bound(&self) -> Value {
        let bound = self.bound_of_answers();
        json!({
            "failures": bound.down,
            "intervalS": bound.interval_s,
            "timeoutS": bound.timeout_s,
            "verdictS": bound.verdict_s,
            "ttlS": bound.ttl_s,
            "detectS": bound.detect_s(),
            "lastClientMovesS": bound.last_client_moves_s(),
        })
    }

    /// What people decided on and when, how far it can be kept now, and whose share asks for too much.
    fn shares_of(&self, catalog: &Catalog, selection: &Selection) -> Value {
        let (book, chain) = (catalog.book(), catalog.book().shares());
        let last = chain.last();
        let changes = changes(book).take(SWITCHES_MAX);
        json!({
            "version": chain.version(), "wished": chain.current(), "kept": selection.shares,
            "over": self.over(selection),
            "since": last.map(|last| last.at), "eventId": last.map(|last| last.event_id),
            "proposalId": last.map(|last| last.proposal_id),
            "changes": changes.map(|change: SharesChange| change.told()).collect::<Vec<_>>(),
            "waiting": waiting(book, crate::now()).map(told_waiting),
        })
    }

    /// What shares would come to, as programs are told.
    #[must_use]
    pub fn previewed_shares(&self, shares: &Shares) -> Value {
        let then = self.preview_shares(shares);
        json!({
            "at": self.latest.load().at, "shares": shares, "kept": then.shares,
            "spills": then.spills(), "warnings": self.warnings(&then),
        })
    }

    /// Why people might think again, as the answers will not quite be what they decide.
    pub(crate) fn warnings(&self, selection: &Selection) -> Vec<Value> {
        let told = |over: &Over| {
            let mut told = json!(over);
            told["code"] = "over_capacity".into();
            told["detail"] = format!("{over}.").into();
            told
        };
        self.over(selection).iter().map(told).collect()
    }

    /// What a drain would come to, as programs are told.
    #[must_use]
    pub fn previewed(&self, cloud: Cloud, drained: bool) -> Value {
        let now = self.latest.load_full();
        let then = self.preview(cloud, drained);
        let moves = then.regions.iter().filter_map(|(region, choice)| {
            let from = now.selection.regions.get(region)?.pick;
            (from != choice.pick)
                .then(|| json!({ "region": region, "from": from, "to": choice.pick }))
        });
        json!({
            "cloud": cloud, "drained": drained, "at": now.at,
            "moves": moves.collect::<Vec<_>>(), "picks": then.picks(), "spills": then.spills(),
            "shares": then.shares, "sharesNow": now.selection.shares,
            "networksMoved": networks_moved(&now.selection, &then).map(thousandth),
            "warnings": self.warnings(&then),
        })
    }
}

/// The part of all networks that another cloud would serve. `None`: shares do not deal them both now and
/// then.
pub(crate) fn networks_moved(now: &Selection, then: &Selection) -> Option<f64> {
    Some(moved(now.shares.as_ref()?, then.shares.as_ref()?))
}

fn regions(regions: &BTreeMap<String, RegionChoice>, trips: &Matrix) -> Vec<Value> {
    let region = |(name, choice): (&String, &RegionChoice)| {
        let mut told = explain::choice(choice);
        told["region"] = name.as_str().into();
        told["place"] = json!(place::of(name));
        told["rttFrom"] =
            json!(trips.get(name).map(|trips| trips.map(|_, trip| trip.source.name())));
        told
    };
    regions.iter().map(region).collect()
}

fn capacity(flow: &Flow) -> Value {
    json!({ "targetUtilization": flow.target_util, "flow": flow.flow, "shed": flow.shed })
}

/// A switch as it was recorded, and where.
pub(super) fn switch(version: &Version) -> Value {
    let mut told = version.body.clone();
    if let Some(fields) = told.as_object_mut() {
        fields.remove("kind");
        // Whoever wants to know who served everybody then asks for that time.
        fields.remove("picks");
        fields.insert("at".to_owned(), json!(explain::time_of(version)));
        fields.insert("eventId".to_owned(), json!(version.event_id));
        fields.insert("slot".to_owned(), json!(version.slot));
    }
    told
}

/// What is measured is shown to a thousandth.
pub(super) fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
