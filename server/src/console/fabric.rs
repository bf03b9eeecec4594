//! Where clients are sent, in the words of its page.

mod publishers;
mod shares;

use app::backend::{
    CapacityPlan, CapacityReport, DrainPreview, FabricAnswer, FabricAsked, FabricBefore,
    FabricBound, FabricCloud, FabricDrain, FabricNow, FabricObserver, FabricQuery, FabricRegion,
    FabricSwitch, FabricThen, FabricTrip, FabricView, RegionMove, TripFrom,
};
use domain::catalog::{RoutingStanding, RoutingSwitch};
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::selector::{Level, RegionChoice, Selection, Settings, Standing};
use domain::fabric::spill::Flow;
use domain::fabric::ttl::Bound;

use self::shares::{dealt_of, told_shares, told_spills};
use super::Console;
use crate::fabric::{
    Client, ExplainError, Glance, Now, Source, Switched, Then, Trip, dealt, networks_moved,
};
use crate::problem::Problem;

/// Switches of one page; the ledger has the others.
const SWITCHES: usize = 20;
/// Regions of one page: more fit no map and no reader.
const REGIONS: usize = 200;

impl Console {
    /// # Errors
    /// The database cannot be read.
    pub async fn fabric(&self, query: &FabricQuery) -> Result<FabricView, Problem> {
        let glance = self.fabric.glance();
        let Glance { me, latest, bound, .. } = &glance;
        let selection = &latest.selection;
        // One more than is shown says how it was before the last of them.
        let switches = self.fabric.switches(SWITCHES + 1).await?;
        let regions = selection.regions.iter().take(REGIONS);
        let observer = |cloud| observer(cloud, &glance);
        let plan = self.fabric.plan();
        Ok(FabricView {
            at: latest.at,
            me: *me,
            mode: selection.mode,
            policy: plan.policy,
            name: plan.name.clone(),
            ttl_s: selection.ttl_s,
            bound: bound_of(bound),
            observers: PerCloud::from_fn(observer),
            clouds: selection.clouds.map(|cloud, standing| FabricCloud {
                share: selection.shares.map(|shares| thousandth(*shares.get(cloud))),
                ..self.fabric_cloud(cloud, standing)
            }),
            regions: regions.map(|(name, choice)| self.region(name, choice, &glance)).collect(),
            regions_left_out: selection.regions.len().saturating_sub(REGIONS) as u64,
            drains: PerCloud::from_fn(|cloud| self.drain_preview(cloud, selection)),
            capacity: self.capacity_report(),
            switches: told(&switches),
            shares: self.fabric_shares(selection),
            publishers: self.publishers(),
            reason: self.fabric_reason(query, &glance).await?,
        })
    }

    fn fabric_cloud(&self, cloud: Cloud, standing: &Standing) -> FabricCloud {
        let plan = self.fabric.plan();
        let site = plan.sites.get(cloud).clone();
        let catalog = self.projection.catalog();
        let drain = catalog.drain(cloud).filter(|drain| drain.value.drained);
        FabricCloud {
            down: standing.down,
            held_out: standing.held_out,
            damping: standing.damping.round(),
            status: standing.status,
            load: hundredth(standing.load),
            share: None,
            drained: standing.drained,
            drain: drain.map(|drain| FabricDrain {
                reason: drain.value.reason.clone(),
                event_id: drain.event_id.to_string(),
            }),
            place: site.as_deref().and_then(|site| self.fabric.place_of(site)),
            site,
            endpoint: plan.endpoints.get(cloud).clone(),
        }
    }

    fn region(&self, name: &str, choice: &RegionChoice, glance: &Glance) -> FabricRegion {
        let scores = choice.ranked.iter().map(|one| (one.cloud, tenth(one.score_ms)));
        FabricRegion {
            name: name.to_owned(),
            place: self.fabric.place_of(name),
            pick: choice.pick,
            spill: choice.spill.as_ref().map(told_shares),
            why: choice.why,
            level: choice.level,
            trips: glance.trips.get(name).map(|trips| trips.map(|_, trip| trip_of(trip))),
            scores: scores.collect(),
        }
    }

    fn drain_preview(&self, cloud: Cloud, now: &Selection) -> DrainPreview {
        let drained = !now.clouds.get(cloud).drained;
        let then = self.fabric.preview(cloud, drained);
        let moves = then.regions.iter().filter_map(|(region, choice)| {
            let from = now.regions.get(region)?.pick;
            let moved = RegionMove { region: region.clone(), from, to: choice.pick };
            (from != choice.pick).then_some(moved)
        });
        let stays = |choice: &RegionChoice| choice.pick == cloud && choice.level != Level::Rules;
        DrainPreview {
            drained,
            moves: moves.take(REGIONS).collect(),
            in_vain: drained && then.regions.values().any(stays),
            spills: told_spills(&then),
            shares_now: now.shares.as_ref().map(told_shares),
            shares: then.shares.as_ref().map(told_shares),
            networks_moved: networks_moved(now, &then).map(thousandth),
            over: self.over_words(&then),
        }
    }

    fn capacity_report(&self) -> Option<CapacityReport> {
        let plan = self.fabric.plan();
        let demand = plan.demand.values().sum();
        let cases = std::iter::once(None).chain(Cloud::ALL.map(Some));
        let plans = cases.map(|without| {
            let flow = self.fabric.capacity_without(without)?;
            Some(capacity_plan(without, &flow, demand))
        });
        Some(CapacityReport {
            capacity: plan.capacity,
            demand,
            plans: plans.collect::<Option<Vec<_>>>()?,
        })
    }

    async fn fabric_reason(
        &self,
        query: &FabricQuery,
        glance: &Glance,
    ) -> Result<Option<FabricAnswer>, Problem> {
        let client = match (&query.subnet, &query.region) {
            (Some(subnet), _) => Client::Subnet(subnet.clone()),
            (None, Some(region)) => Client::Region(region.clone()),
            (None, None) => return Ok(None),
        };
        let refused = |because: String, field: Option<&str>| {
            let field = field.map(str::to_owned);
            Ok(Some(FabricAnswer::Refused { because, field }))
        };
        if let Some(text) = &query.bad_at {
            let because = format!("\"{text}\" is no time such as 2026-11-26T08:00.");
            return refused(because, Some("at"));
        }
        let answer = match query.at {
            None => self.fabric.now_for(None, &client).map(|now| self.told_now(now, query, glance)),
            Some(at) => {
                let then = self.fabric.then_for(None, &client, at).await;
                then.map(|then| self.told_then(then, query, at))
            }
        };
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(ExplainError::Database(cause)) => Err(cause.into()),
            Err(refusal) => refused(sentence(&refusal), asked_by(&refusal)),
        }
    }

    fn told_now(&self, now: Now, query: &FabricQuery, glance: &Glance) -> FabricAnswer {
        let Now { region, scope, choice, latest } = now;
        let selection = &latest.selection;
        let settings = Settings::of(self.fabric.plan().policy);
        let client = query.subnet.clone().map_or(Client::Anyone, Client::Subnet);
        let (dealt, how) =
            (dealt(&client, &region, selection), dealt_of(&client, &region, selection));
        let serving = choice.ranked.iter().find(|one| Some(one.cloud) == choice.last_good);
        FabricAnswer::Now(Box::new(FabricNow {
            asked: FabricAsked {
                subnet: query.subnet.clone().zip(scope),
                at: latest.at,
                cloud: dealt.unwrap_or(choice.pick),
                mode: selection.mode,
                votes: selection.votes,
                clouds: selection.clouds.map(|_, standing| RoutingStanding {
                    load: hundredth(standing.load),
                    damping: standing.damping.round(),
                    held_out: standing.held_out,
                    drained: standing.drained,
                }),
                region: region.clone(),
            },
            statuses: selection.clouds.map(|_, standing| standing.status),
            region: self.region(&region, &choice, glance),
            last_good: choice.last_good,
            limit_ms: serving.map(|one| tenth(settings.margin.limit_ms(one.score_ms))),
            ttl_s: selection.ttl_s,
            policy: settings.policy,
            shares: selection.shares.map(|shares| told_shares(&shares)),
            dealt: how,
        }))
    }

    fn told_then(&self, then: Then, query: &FabricQuery, at: Timestamp) -> FabricAnswer {
        let Then { region, scope, pick, switch: newest, last_move } = then;
        let switch = newest.switch;
        FabricAnswer::Then(Box::new(FabricThen {
            asked: FabricAsked {
                region,
                subnet: query.subnet.clone().zip(scope),
                at,
                cloud: pick,
                mode: switch.mode,
                votes: switch.votes,
                clouds: switch.clouds,
            },
            version: switch.version.number(),
            recorded_at: newest.at,
            event_id: newest.event_id.to_string(),
            moved: last_move.map(|(moved, one)| (moved.at, moved.event_id.to_string(), one)),
            shares: self.shares_at(at),
        }))
    }
}

fn sentence(refusal: &ExplainError) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let what_to_do = match refusal {
        ExplainError::Network(_) => {
            " Give an IPv4 or IPv6 address such as 198.51.100.7 or 2001:db8::7, or a network with its \
             prefix length, such as 198.51.100.0/24 or 2001:db8::/48."
        }
        _ => "",
    };
    format!("{first}{}.{what_to_do}", letters.as_str())
}

/// The field of the question that is wrong.
fn asked_by(refusal: &ExplainError) -> Option<&'static str> {
    match refusal {
        ExplainError::Network(_) => Some("subnet"),
        ExplainError::Region { .. } => Some("region"),
        ExplainError::TooEarly(_) => Some("at"),
        ExplainError::Name { .. } | ExplainError::Database(_) => None,
    }
}

fn observer(cloud: Cloud, glance: &Glance) -> Option<FabricObserver> {
    let (age_ms, report) = glance.latest.heard.get(cloud).as_ref()?;
    let rtt = |reading: domain::fabric::selector::Reading| tenth(reading.rtt_ms);
    Some(FabricObserver {
        counts: glance.latest.selection.votes.get(cloud).is_some(),
        age_ms: *age_ms,
        sees: report.view,
        failures: report.failures,
        rtt_ms: report.readings.map(|_, reading| reading.map(rtt)),
    })
}

fn bound_of(bound: &Bound) -> FabricBound {
    FabricBound {
        failures: bound.down,
        interval_s: bound.interval_s,
        timeout_s: bound.timeout_s,
        verdict_s: bound.verdict_s,
        ttl_s: bound.ttl_s,
        whole_s: bound.last_client_moves_s(),
    }
}

fn trip_of(trip: &Trip) -> FabricTrip {
    let from = match trip.source {
        Source::Recorded => TripFrom::Recorded,
        Source::Distance => TripFrom::Distance,
        Source::Nowhere => TripFrom::Nowhere,
    };
    FabricTrip { rtt_ms: tenth(trip.rtt_ms), from }
}

/// Less than one request a minute is what rounding leaves.
const LEAST_PER_S: f64 = 0.015;

fn capacity_plan(without: Option<Cloud>, flow: &Flow, demand_per_s: f64) -> CapacityPlan {
    let taken = |cloud| flow.flow.values().filter_map(|to| to.get(&cloud)).sum::<f64>();
    let takes = PerCloud::from_fn(taken);
    let shed = flow.shed.iter().filter(|(_, per_s)| **per_s > LEAST_PER_S);
    let counted = takes.iter().map(|(_, per_s)| per_s).chain(flow.shed.values()).sum::<f64>();
    let uncounted = demand_per_s - counted;
    CapacityPlan {
        without,
        takes: takes.map(|_, per_s| per_s.round()),
        // Something is never told as nothing.
        shed: shed.map(|(region, per_s)| (region.clone(), per_s.round().max(1.0))).collect(),
        uncounted: if uncounted > LEAST_PER_S { uncounted.round().max(1.0) } else { 0.0 },
    }
}

/// Each with how it was before it.
fn told(switches: &[Switched]) -> Vec<FabricSwitch> {
    let before = |at: usize| {
        let RoutingSwitch { mode, down, clouds, .. } = switches.get(at + 1)?.switch.clone();
        Some(FabricBefore { mode, down: down.into_iter().collect(), clouds })
    };
    let one = |(at, switched): (usize, &Switched)| FabricSwitch {
        at: switched.at,
        event_id: switched.event_id.to_string(),
        switch: RoutingSwitch {
            picks: std::collections::BTreeMap::new(),
            ..switched.switch.clone()
        },
        before: before(at),
    };
    switches.iter().enumerate().take(SWITCHES).map(one).collect()
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn thousandth(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
