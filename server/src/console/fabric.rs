//! Where clients are sent, in the words of its page.

use app::backend::{
    CapacityPlan, CapacityReport, DrainPreview, FabricAnswer, FabricAsked, FabricBefore,
    FabricBound, FabricCloud, FabricDrain, FabricNow, FabricObserver, FabricPublisher, FabricQuery,
    FabricRegion, FabricShares, FabricSwitch, FabricThen, FabricTrip, FabricView, RegionMove,
    TripFrom,
};
use domain::catalog::{RoutingStanding, RoutingSwitch};
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Over;
use domain::fabric::selector::{Level, RegionChoice, Selection, Settings, Standing};
use domain::fabric::shares::Shares;
use domain::fabric::spill::Flow;
use domain::fabric::ttl::Bound;

use super::Console;
use crate::fabric::{
    Client, ExplainError, Glance, Now, OnDrift, Publisher, Source, Switched, Then, Trip, dealt,
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
            clouds: selection.clouds.map(|cloud, standing| self.fabric_cloud(cloud, standing)),
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

    fn fabric_shares(&self, selection: &Selection) -> FabricShares {
        let catalog = self.projection.catalog();
        let chain = catalog.book().shares();
        let last = chain.last();
        FabricShares {
            wished: chain.current().wished().map(|shares| told_shares(&shares)),
            kept: selection.shares.map(|shares| told_shares(&shares)),
            over: self.fabric.over(selection).iter().map(|over| format!("{over}.")).collect(),
            version: chain.version(),
            proposal_id: last.map(|last| last.proposal_id.to_string()),
            can_be_taken_back: last.is_some_and(|last| !last.grounds.takes_back()),
        }
    }

    /// Whose proposed shares would ask for more than they take now, with what to say of each.
    pub(super) fn over_by(&self, shares: &Shares) -> Vec<(Cloud, String)> {
        let then = self.fabric.preview_shares(shares);
        let told = |over: &Over| {
            let Over { asked_per_s, takes_per_s, .. } = over;
            (over.cloud, format!("asks for {asked_per_s:.0} requests/s, takes {takes_per_s:.0}"))
        };
        self.fabric.over(&then).iter().map(told).collect()
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
            shares: then.shares.as_ref().map(told_shares),
        }
    }

    fn capacity_report(&self) -> Option<CapacityReport> {
        let plan = self.fabric.plan();
        let cases = std::iter::once(None).chain(Cloud::ALL.map(Some));
        let plans = cases.map(|without| {
            let flow = self.fabric.capacity_without(without)?;
            Some(capacity_plan(without, &flow))
        });
        Some(CapacityReport {
            capacity: plan.capacity,
            demand: plan.demand.values().sum(),
            plans: plans.collect::<Option<Vec<_>>>()?,
        })
    }

    fn publishers(&self) -> Vec<FabricPublisher> {
        let is_stated = self.fabric.capacity_without(None).is_some();
        let publishers = self.fabric.publishers().iter();
        publishers.map(|one| publisher(one, is_stated)).collect()
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
        let refused = |because: String| Ok(Some(FabricAnswer::Refused { because }));
        if let Some(text) = &query.bad_at {
            return refused(format!("\"{text}\" is no time such as 2026-11-26T08:00."));
        }
        let answer = match query.at {
            None => self.fabric.now_for(None, &client).map(|now| self.told_now(now, query, glance)),
            Some(at) => {
                let then = self.fabric.then_for(None, &client, at).await;
                then.map(|then| told_then(then, query, at))
            }
        };
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(ExplainError::Database(cause)) => Err(cause.into()),
            Err(refusal) => refused(sentence(&refusal)),
        }
    }

    fn told_now(&self, now: Now, query: &FabricQuery, glance: &Glance) -> FabricAnswer {
        let Now { region, scope, choice, latest } = now;
        let selection = &latest.selection;
        let settings = Settings::of(self.fabric.plan().policy);
        let client = query.subnet.clone().map_or(Client::Anyone, Client::Subnet);
        let dealt = dealt(&client, &region, selection);
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
        }))
    }
}

/// `gcp 62.5 %, aws 37.5 %`: who has a share.
fn told_shares(shares: &PerCloud<f64>) -> String {
    let some = shares.iter().filter(|(_, share)| **share > 0.0);
    let each = some.map(|(cloud, share)| format!("{cloud} {} %", tenth(100.0 * share)));
    each.collect::<Vec<_>>().join(", ")
}

fn told_spills(selection: &Selection) -> Vec<(String, String)> {
    let spills = selection.spills().into_iter();
    spills.map(|(region, shares)| (region, told_shares(&shares))).collect()
}

fn sentence(refusal: &ExplainError) -> String {
    let text = refusal.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn told_then(then: Then, query: &FabricQuery, at: domain::clock::Timestamp) -> FabricAnswer {
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
    }))
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

fn publisher(one: &Publisher, is_capacity_stated: bool) -> FabricPublisher {
    let standing = one.standing();
    let writer = standing.writer.map(|(token, cloud)| {
        let by = cloud.map_or_else(String::new, |cloud| format!("by {cloud}, "));
        format!("Last written {by}under token {token}.")
    });
    FabricPublisher {
        publisher: one.name().to_owned(),
        place: one.place(),
        dry_run: one.is_dry_run(),
        applies: one.on_drift() == OnDrift::Apply,
        ignores_capacity: is_capacity_stated && !one.deals_by_weight(),
        writer,
        waiting: standing.waiting,
        drift: standing.drift,
        problem: standing.problem,
        read_at: standing.read_at,
    }
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

fn capacity_plan(without: Option<Cloud>, flow: &Flow) -> CapacityPlan {
    let taken = |cloud| flow.flow.values().filter_map(|to| to.get(&cloud)).sum::<f64>().round();
    // Less than one request a minute is what rounding leaves.
    let shed = flow.shed.iter().filter(|(_, per_s)| **per_s > 0.015);
    CapacityPlan {
        without,
        takes: PerCloud::from_fn(taken),
        shed: shed.map(|(region, per_s)| (region.clone(), per_s.ceil())).collect(),
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

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
