//! What standing stresses would do, in the words of the pages Optimizer and Approvals.

use app::backend::{
    FallenRow, ForeseenWhy, ForesightRow, ForesightView, ScenarioAddress, StressRow,
};
use domain::catalog::{Broken, Fallen, Foreseen, ForesightRun, Forewarning, Shock, Threshold};
use domain::clock::Timestamp;
use domain::economics::study::{Level, Request};
use domain::pricing::book::Case;
use domain::pricing::foresight::KEPT_MAX;

use super::approvals::{percent, shares_text};
use super::optimizer::{rule_words, time_of};
use crate::projection::{Catalog, Current};

/// The card.
pub(super) fn view(catalog: &Catalog) -> ForesightView {
    let foresight = catalog.book().policy().1.foresight;
    ForesightView {
        on: foresight.on,
        every_hours: foresight.every_hours,
        run: catalog.foresight().map(row),
    }
}

fn row(run: &Current<ForesightRun>) -> ForesightRow {
    let it = &run.value;
    ForesightRow {
        number: it.run,
        at: time_of(run.logical_clock),
        by: it.by.to_string(),
        event_id: run.event_id.to_string(),
        basis: format!(
            "Usage of {} tenants since {}, prices as of {}; {} draws, seed {}.{}",
            it.tenants,
            day(it.usage_from),
            day(it.price_map_as_of),
            it.draws,
            it.seed,
            unasked(it.unasked)
        ),
        floor: percent(it.floor.get()),
        stresses: it.scenarios.iter().map(|foreseen| stress(it, foreseen)).collect(),
    }
}

fn unasked(count: u32) -> String {
    if count == 0 {
        return String::new();
    }
    let is_kept = "kept scenarios marked “Ask it on schedule” were not asked";
    format!(" {count} {is_kept}: at most {KEPT_MAX} are. Take the mark off others.")
}

fn stress(run: &ForesightRun, foreseen: &Foreseen) -> StressRow {
    let named = u64::try_from(foreseen.tenants.len()).unwrap_or(u64::MAX);
    let request = Request { floor: run.floor, ..Request::default() };
    StressRow {
        name: foreseen.shock.name.clone(),
        href: place(&foreseen.shock, request),
        now: below(foreseen.now),
        stressed: below(foreseen.stressed),
        broken: foreseen.broken.iter().map(broken).collect(),
        under_water: under_water(foreseen),
        fallen: foreseen.tenants.iter().map(fallen).collect(),
        others: foreseen.fell.saturating_sub(named),
        left_out: foreseen.left_out.clone(),
        routing: foreseen.routing.as_ref().map(|routing| {
            let text = format!(
                "Shares of the traffic are proposed ({}): {} under it with them.",
                shares_text(&routing.shares),
                likely(routing.after)
            );
            (text, routing.proposal_id.to_string())
        }),
    }
}

fn under_water(foreseen: &Foreseen) -> String {
    if foreseen.stressed.is_none() {
        return "What it would do is not known.".to_owned();
    }
    let already = foreseen.under_water.saturating_sub(foreseen.fell);
    match (foreseen.fell, already) {
        (0, 0) => "No tenant is under water.".to_owned(),
        (0, already) => format!("Nobody falls; {already} are under water already."),
        (fell, 0) => format!("{fell} would fall under water."),
        (fell, already) => {
            format!("{fell} would fall under water, beside {already} that are already.")
        }
    }
}

fn fallen(of: &Fallen) -> FallenRow {
    let drawn = if of.exact { "" } else { ", drawn" };
    FallenRow {
        tenant_id: of.tenant_id.to_string(),
        risk: format!(
            "{} → {} below {}{drawn}",
            likely(of.now),
            likely(of.stressed),
            percent(of.floor.get())
        ),
        proposal_id: of.proposal_id.map(|id| id.to_string()),
        held: of.held.map(|rule| format!("Its price is held by {}.", rule_words(rule))),
    }
}

fn broken(it: &Broken) -> String {
    let who = match it.threshold {
        Threshold::Portfolio => "The portfolio’s",
        Threshold::Tenant => "A tenant’s",
    };
    format!(
        "{who} probability to be below its floor would be {:.0} %, {:.0} points more than the {} that \
         are borne.",
        it.is * 100.0,
        it.by() * 100.0,
        percent(it.max.get())
    )
}

/// The page Scenarios with it: a kept one as it is kept, another one under the levers.
fn place(shock: &Shock, request: Request) -> String {
    if let Some(id) = shock.scenario_id {
        return format!("/scenarios?open={id}");
    }
    let mut address = ScenarioAddress::default();
    address.request = request;
    format!("/scenarios?{}", address.write(&shock.changes))
}

/// Why a proposal is made, where it foresees something.
pub(super) fn why(case: &Case) -> Option<ForeseenWhy> {
    let Forewarning { run, shock, request, price_map_as_of, now, stressed, after } =
        case.foresight.as_deref()?;
    let line = |when: &str, level: &Level| {
        [when.to_owned(), likely(*level), format!("{:.1} %", level.p50 * 100.0)]
    };
    let since = request.from.map(|from| format!(" since {}", day(from))).unwrap_or_default();
    Some(ForeseenWhy {
        name: shock.name.clone(),
        // Another version may be kept meanwhile: what was asked stands under the levers.
        href: place(&Shock { scenario_id: None, ..shock.clone() }, request.clone()),
        sentence: format!(
            "Nothing has happened yet: run {run} of the foresight loop asked what “{}” would do. With what \
             is proposed, the probability of a margin below {} would be {} and not {} if it comes true.",
            shock.name,
            percent(request.floor.get()),
            likely(*after),
            likely(*stressed)
        ),
        levels: vec![
            line("Now", now),
            line("Under it", stressed),
            line("Under it, with this", after),
        ],
        basis: format!(
            "Usage{since}, prices as of {}; {} draws, seed {}. The proposal’s event holds the question, \
             as POST /v1/economics/simulate takes it.",
            day(*price_map_as_of),
            request.draws,
            request.seed
        ),
    })
}

fn below(level: Option<Level>) -> String {
    level.map_or_else(|| "not known".to_owned(), likely)
}

fn likely(level: Level) -> String {
    format!("{:.0} %", level.below_floor * 100.0)
}

/// `2026-11-12`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use domain::economics::scenario::Scenario;

    use super::*;

    #[test]
    fn what_is_marked_beyond_ten_is_told_and_nothing_otherwise() {
        assert_eq!(unasked(0), "");
        assert!(unasked(2).contains("2 kept scenarios") && unasked(2).contains("at most 10"));
    }

    #[test]
    fn a_stress_opens_under_the_levers_and_a_kept_one_as_it_is_kept() {
        let cost = [("azure".to_owned(), serde_json::from_str("\"0.3\"").expect("a change"))];
        let changes = Scenario { cost: cost.into(), ..Scenario::default() };
        let own = Shock { name: "x".into(), scenario_id: None, version: None, changes };
        assert_eq!(place(&own, Request::default()), "/scenarios?cost.azure=30");
        let id = uuid::Uuid::from_u128(7);
        let kept = Shock { scenario_id: Some(id), version: Some(1), ..own };
        assert_eq!(place(&kept, Request::default()), format!("/scenarios?open={id}"));
    }
}
