//! Which division of the traffic meets a stress, judged by drawing the stress once more with it.

use std::collections::BTreeMap;
use std::fmt::Display;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::room::Most;
use super::traffic::{Division, dearer, divisions};
use super::{Ask, Foresaw, View, words};
use crate::catalog::{
    Foreseen, Forewarning, Grounds, ProposalOpen, Rerouted, Threshold, Unmoved, stated,
};
use crate::clock::{DAY_MS, Timestamp};
use crate::cloud::Cloud;
use crate::economics::EconomicsError;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::simulation::{Outcome, Simulation};
use crate::economics::study::{Assumptions, Level, Stressed};
use crate::pricing::controls::{Content, Subject};
use crate::pricing::edition::edition;
use crate::pricing::look::may_open;

/// Traffic is not moved for less than a hundredth of probability.
const GAIN_MIN: f64 = 0.01;
/// Places of a share that a cloud has now.
const PRESENT_DECIMALS: u32 = 3;
/// How the stress is called where it is asked with the traffic moved.
const MOVED: &str = "The same with the traffic moved";

/// Proposes shares against the stress that hits the portfolio worst, of those that make a cloud
/// dearer and break the portfolio's threshold: one tenant's is the matter of its price. At most
/// one: there is one division of the traffic.
pub(super) fn propose<E: From<EconomicsError> + Display>(
    view: &View<'_>,
    asks: &[Ask],
    foresaw: &mut Foresaw,
    base: &impl Fn(&Assumptions) -> Option<Level>,
    draw: &impl Fn(&Simulation) -> Result<Outcome, E>,
    name: &impl Fn(&Subject) -> Uuid,
) -> Result<(), E> {
    let may_move = view.book.policy().1.foresight.traffic_step_max > Share::ZERO;
    let Some(at) = worst(&foresaw.scenarios).filter(|_| may_move) else { return Ok(()) };
    if let Some(until) = rests_until(view) {
        foresaw.scenarios[at].unmoved = Some(Unmoved::Resting { until });
        return Ok(());
    }
    if !may_open(view.book, &Subject::Routing, rest_days(view), view.now) {
        return Ok(());
    }
    let ask = &asks[at];
    let Some((now, stressed)) = base(&ask.assumptions).zip(foresaw.scenarios[at].stressed) else {
        return Ok(());
    };
    let most = Most::of(&view.room);
    let tried = match tried(view, ask, &most) {
        Ok(tried) => tried,
        Err(why) => {
            foresaw.scenarios[at].unmoved = Some(why);
            return Ok(());
        }
    };
    let best = match best(view, ask, (now, stressed), tried, draw) {
        Err(error) if ask.is_kept() => {
            let left_out = &mut foresaw.scenarios[at].left_out;
            left_out.push(format!("moving traffic, because it has no answer: {error}"));
            return Ok(());
        }
        best => best?,
    };
    let Some((division, after)) = best else { return Ok(()) };
    let id = name(&Subject::Routing);
    let at_most = most.stated();
    let reason = reason(view, ask, &division, &at_most, [now, stressed, after]);
    foresaw.scenarios[at].routing = Some(Rerouted {
        shares: division.shares.clone(),
        present: rounded(&division.present),
        at_most,
        served: BTreeMap::new(),
        after: stated(after),
        proposal_id: id,
    });
    foresaw.openings.push(opening(view, ask, id, (division, reason), [now, stressed, after]));
    Ok(())
}

/// As they are told.
fn rounded(present: &BTreeMap<Cloud, Decimal>) -> BTreeMap<Cloud, Share> {
    let share = |share: &Decimal| Share::try_from(share.round_dp(PRESENT_DECIMALS).normalize());
    present.iter().filter_map(|(cloud, it)| Some((*cloud, share(it).ok()?))).collect()
}

/// Shares rest as long as prices do.
fn rest_days(view: &View<'_>) -> u32 {
    view.book.policy().1.everybody().map_or(0, |rule| rule.limits.cooldown_days)
}

/// `None`: the last shares were applied long enough ago, or there were none. Taking shares back is
/// a change, too.
fn rests_until(view: &View<'_>) -> Option<Timestamp> {
    let last = view.book.shares().last()?;
    let rest_ms = i64::from(rest_days(view)) * DAY_MS;
    let until = Timestamp::from_unix_ms(last.at.unix_ms().saturating_add(rest_ms));
    (view.now < until).then_some(until)
}

fn tried(view: &View<'_>, ask: &Ask, most: &Most) -> Result<Vec<Division>, Unmoved> {
    let in_force = view.book.shares().current();
    let step_max = view.book.policy().1.foresight.traffic_step_max;
    divisions(view.inputs, &in_force, &dearer(&ask.shock.changes), step_max, most)
}

/// The place of the stress.
fn worst(scenarios: &[Foreseen]) -> Option<usize> {
    let level = |foreseen: &Foreseen| foreseen.stressed.map_or(0.0, |level| level.below_floor);
    let answerable = scenarios.iter().enumerate().filter(|(_, foreseen)| {
        let changes = &foreseen.shock.changes;
        // One that says itself where the traffic goes is not answered by another division.
        breaks_portfolio(foreseen) && changes.routing.is_empty() && !dearer(changes).is_empty()
    });
    // Of equal ones the first.
    let worst = answerable.rev().max_by(|(_, a), (_, b)| level(a).total_cmp(&level(b)));
    worst.map(|(at, _)| at)
}

fn breaks_portfolio(foreseen: &Foreseen) -> bool {
    foreseen.broken.iter().any(|broken| broken.threshold == Threshold::Portfolio)
}

/// The smallest move that brings the portfolio back within what is borne, or else the one after
/// which it is likeliest above its floor. `None`: none helps, or each would break without the
/// stress what holds now.
fn best<E: From<EconomicsError>>(
    view: &View<'_>,
    ask: &Ask,
    (now, stressed): (Level, Level),
    tried: Vec<Division>,
    draw: &impl Fn(&Simulation) -> Result<Outcome, E>,
) -> Result<Option<(Division, Level)>, E> {
    let borne = view.book.policy().1.foresight.below_floor_max.to_float();
    let mut best: Option<(Division, Level)> = None;
    for division in tried {
        let with = |changes: &Scenario| {
            let changes = Scenario { routing: division.routing.clone(), ..changes.clone() };
            let request = view.request(&ask.assumptions, &[]);
            let drawn = Stressed::of(view.inputs, &request, &changes, draw)?;
            Ok::<_, E>(drawn.portfolio)
        };
        let Some(after) = with(&ask.shock.changes)? else { continue };
        let least = best.as_ref().map_or(stressed.below_floor - GAIN_MIN, |(_, it)| it.below_floor);
        if after.below_floor >= least {
            continue;
        }
        let calm = with(&Scenario::default())?.map_or(1.0, |level| level.below_floor);
        if calm > borne.max(now.below_floor) {
            continue;
        }
        let enough = after.below_floor <= borne;
        best = Some((division, after));
        if enough {
            break;
        }
    }
    Ok(best)
}

fn reason(
    view: &View<'_>,
    ask: &Ask,
    division: &Division,
    at_most: &BTreeMap<Cloud, Share>,
    levels: [Level; 3],
) -> String {
    let replaces = view.book.shares().current().0.is_empty();
    let (name, floor) = (&ask.shock.name, view.book.policy().1.margin_floor());
    let bound = words::Bound { at_most, shares: &division.shares.0 };
    words::of_traffic(name, floor, division.moved, (replaces, bound), levels)
}

fn opening(
    view: &View<'_>,
    ask: &Ask,
    proposal_id: Uuid,
    (division, reason): (Division, String),
    levels: [Level; 3],
) -> ProposalOpen {
    let [now, stressed, after] = levels.map(stated);
    let name = &ask.shock.name;
    let moved = Scenario { routing: division.routing, ..ask.shock.changes.clone() };
    let scenarios = [(name.as_str(), &ask.shock.changes), (MOVED, &moved)];
    let content = Content::Routing { shares: division.shares };
    ProposalOpen {
        proposal_id,
        grounds: Grounds::Foresight,
        edition: edition(view.book, content, reason, None, None, view.now),
        foresight: Some(Box::new(Forewarning {
            run: view.run,
            shock: ask.shock.clone(),
            request: view.request(&ask.assumptions, &scenarios),
            price_map_as_of: view.inputs.sources.price_map_as_of,
            now,
            stressed,
            after,
            guarded: None,
        })),
    }
}
