//! What standing stresses would do, in the words of the pages Optimizer and Approvals.

use app::backend::{
    FallenRow, ForeseenWhy, ForesightRow, ForesightView, ScenarioAddress, StressRow,
};
use domain::catalog::{
    Broken, Fallen, Foreseen, ForesightRun, Forewarning, Rerouted, Shock, Threshold, Unmoved,
};
use domain::clock::Timestamp;
use domain::economics::quantity::Share;
use domain::economics::study::Level;
use domain::fabric::shares::Shares;
use domain::pricing::book::{Book, Case};
use domain::pricing::controls::Content;
use domain::pricing::foresight::KEPT_MAX;

use super::approvals::{percent, share_text, shares_text};
use super::optimizer::{guarded_trail, rule_words, time_of};
use super::scenarios::kept;
use crate::projection::{Catalog, Current};

/// The card.
pub(super) fn view(catalog: &Catalog) -> ForesightView {
    let foresight = catalog.book().policy().1.foresight;
    ForesightView {
        on: foresight.on,
        every_hours: foresight.every_hours,
        run: catalog.foresight().map(|run| row(catalog, run)),
    }
}

fn row(catalog: &Catalog, run: &Current<ForesightRun>) -> ForesightRow {
    let it = &run.value;
    ForesightRow {
        number: it.run,
        at: time_of(run.logical_clock),
        by: it.by.to_string(),
        event_id: run.event_id.to_string(),
        basis: format!(
            "Usage of {} tenants from {} to {}, prices as of {}; {} draws, seed {}.{}",
            it.tenants,
            day(it.usage_from),
            hour(it.usage_to),
            day(it.price_map_as_of),
            it.draws,
            it.seed,
            unasked(it.unasked)
        ),
        floor: percent(it.floor.get()),
        stresses: it.scenarios.iter().map(|foreseen| stress(catalog, it, foreseen)).collect(),
    }
}

fn unasked(count: u32) -> String {
    if count == 0 {
        return String::new();
    }
    let is_kept = "kept scenarios marked “Ask it on schedule” were not asked";
    format!(" {count} {is_kept}: at most {KEPT_MAX} are. Take the mark off others.")
}

fn stress(catalog: &Catalog, run: &ForesightRun, foreseen: &Foreseen) -> StressRow {
    let named = u64::try_from(foreseen.tenants.len()).unwrap_or(u64::MAX);
    StressRow {
        name: foreseen.shock.name.clone(),
        href: place_of_run(catalog, run, &foreseen.shock),
        now: below(foreseen.now),
        stressed: below(foreseen.stressed),
        broken: foreseen.broken.iter().map(|it| broken(it, &foreseen.already)).collect(),
        under_water: under_water(foreseen),
        fallen: foreseen.tenants.iter().map(fallen).collect(),
        others: foreseen.fell.saturating_sub(named),
        left_out: foreseen.left_out.clone(),
        routing: foreseen.routing.as_ref().map(rerouted),
        unmoved: foreseen.unmoved.map(unmoved),
    }
}

fn rerouted(routing: &Rerouted) -> (String, String) {
    let at_most = Shares(routing.at_most.clone());
    let bound = if at_most.0.is_empty() {
        String::new()
    } else {
        format!(" By their capacity, clouds get at most: {}.", shares_text(&at_most))
    };
    let text = format!(
        "Shares of the traffic are proposed ({}): {} under it with them.{bound}",
        shares_text(&routing.shares),
        likely(routing.after)
    );
    (text, routing.proposal_id.to_string())
}

fn unmoved(why: Unmoved) -> String {
    match why {
        Unmoved::Resting { until } => format!(
            "No shares of the traffic are proposed: the last ones rest for the cool-down of the \
             policy, until {}.",
            hour(until)
        ),
        Unmoved::NoRoom => "No shares of the traffic are proposed: by the stated demand and \
                            capacity, no cloud that it could go to can take more."
            .to_owned(),
    }
}

fn under_water(foreseen: &Foreseen) -> String {
    if foreseen.stressed.is_none() {
        return "What it would do is not known.".to_owned();
    }
    let before = foreseen.under_water.saturating_sub(foreseen.fell);
    match (foreseen.fell, before) {
        (0, 0) => "No tenant is under water.".to_owned(),
        (0, before) => format!("Nobody would fall under water. {}", already(before, foreseen)),
        (fell, 0) => format!("{fell} would fall under water."),
        (fell, before) => format!("{fell} would fall under water. {}", already(before, foreseen)),
    }
}

/// Who is beyond the threshold today, whatever comes.
fn already(count: u64, foreseen: &Foreseen) -> String {
    let (who, whose, is) = if count == 1 {
        ("1 tenant is".to_owned(), "its", "is")
    } else {
        (format!("{count} tenants are"), "their", "is up to")
    };
    let today = foreseen.already.iter().find(|it| it.threshold == Threshold::Tenant);
    let figure = today.map_or_else(String::new, |it| {
        format!(
            ": today’s probability to be below {whose} floor {is} {:.0} %, and {} are borne",
            it.is * 100.0,
            percent(it.max.get())
        )
    });
    format!("{who} under water already, before the stress{figure}.")
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

/// A tenant that falls is above water today; the portfolio may be beyond its threshold already.
fn broken(it: &Broken, already: &[Broken]) -> String {
    let (then, max) = (format!("{:.0} %", it.is * 100.0), percent(it.max.get()));
    let today = already.iter().find(|today| today.threshold == it.threshold);
    match (it.threshold, today) {
        (Threshold::Portfolio, Some(today)) => format!(
            "The portfolio is beyond its threshold already, before the stress: today’s probability to be \
             below its floor is {:.0} %, and {max} are borne. Under the stress it would be {then}.",
            today.is * 100.0
        ),
        (threshold, _) => {
            let who = match threshold {
                Threshold::Portfolio => "The portfolio",
                Threshold::Tenant => "A tenant",
            };
            format!(
                "{who} would fall beyond its threshold: the probability to be below its floor would be \
                 {then}, {:.0} points more than the {max} that are borne.",
                it.by() * 100.0
            )
        }
    }
}

/// The page Scenarios as the run asked it: the same usage, prices, seed and draws, and under the levers
/// what the stress changed. A kept one stands open, for its assumptions, as long as it is kept.
fn place_of_run(catalog: &Catalog, run: &ForesightRun, shock: &Shock) -> String {
    let saved = shock.scenario_id.and_then(|id| catalog.scenario(id));
    let usual = saved.and_then(|saved| kept(&saved.current.value, &mut Vec::new()));
    let opened = shock.scenario_id.filter(|_| usual.is_some()).map(|id| id.to_string());
    let mut address = ScenarioAddress::over("", usual.unwrap_or_default());
    address.opened = opened;
    place(&asked(run, address), shock)
}

fn asked(run: &ForesightRun, mut address: ScenarioAddress) -> ScenarioAddress {
    let request = &mut address.request;
    (request.from, request.to) = (Some(run.usage_from), Some(run.usage_to));
    request.prices_as_of = Some(run.usage_to);
    (request.seed, request.floor) = (run.seed, run.floor);
    request.draws = usize::try_from(run.draws).unwrap_or(usize::MAX);
    address
}

fn place(address: &ScenarioAddress, shock: &Shock) -> String {
    format!("/scenarios?{}", address.write(&shock.changes))
}

/// What the guardrails made of the price that is foreseen, as long as that price is in hand.
pub(super) fn guardrails(case: &Case) -> Option<Vec<String>> {
    let guarded = case.foresight.as_deref()?.guarded.as_ref()?;
    let Content::Controls { controls, .. } = &case.current().edition.content else { return None };
    let [target, found] = [guarded.target_of_list, guarded.price_of_list];
    let aim = "is the least that keeps it above water under the stress, or else the ceiling";
    (controls.price_of_list == found)
        .then(|| guarded_trail(aim, [target, found], guarded.binding, &guarded.trail))
}

/// Why a proposal is made, where it foresees something.
pub(super) fn why(case: &Case) -> Option<ForeseenWhy> {
    let Forewarning { run, shock, request, price_map_as_of, now, stressed, after, .. } =
        case.foresight.as_deref()?;
    let line = |when: &str, level: &Level| {
        [when.to_owned(), likely(*level), format!("{:.1} %", level.p50 * 100.0)]
    };
    let mut address = ScenarioAddress::default();
    address.request.clone_from(request);
    let since = request.from.map(|from| format!(" since {}", day(from))).unwrap_or_default();
    Some(ForeseenWhy {
        name: shock.name.clone(),
        // Another version may be kept meanwhile: what was asked stands under the levers.
        href: place(&address, shock),
        sentence: format!(
            "Nothing has happened yet: run {run} of the foresight loop asked what “{}” would do. With what \
             is proposed, the probability of a margin below {} would be {} and not {} if it comes true.",
            shock.name,
            percent(request.floor.get()),
            likely(*after),
            likely(*stressed)
        ),
        levels: vec![
            line("Now, expected penalties", now),
            line("Under it", stressed),
            line("Under it, with this", after),
        ],
        basis: format!(
            "Here penalties are those to be expected; the margins below count those recorded, so that they \
             differ. Usage{since}, prices as of {}; {} draws, seed {}. The proposal’s event holds the question, \
             as POST /v1/economics/simulate takes it.",
            day(*price_map_as_of),
            request.draws,
            request.seed
        ),
    })
}

/// Where even what is proposed leaves the stress beyond what the policy bears.
pub(super) fn still_missed(book: &Book, case: &Case) -> Option<String> {
    let warned = case.foresight.as_deref()?;
    let edition = &case.current().edition;
    let borne = book.policy_of(edition.policy_version)?.foresight;
    let (with, max) = match &edition.content {
        Content::Controls { controls, .. } => {
            let guarded = warned.guarded.as_ref()?;
            // Of another price nothing was asked.
            let is_asked = guarded.price_of_list == controls.price_of_list;
            is_asked.then_some(("at this price", borne.tenant_below_floor_max))?
        }
        Content::Routing { .. } => ("with these shares", borne.below_floor_max),
        Content::Policy { .. } => return None,
    };
    missed(warned, with, max)
}

fn missed(warned: &Forewarning, with: &str, max: Share) -> Option<String> {
    let Forewarning { shock, request, after, .. } = warned;
    (after.below_floor > max.to_float()).then(|| {
        format!(
            "Even {with} P(margin < {}) would be {} if “{}” comes true; the policy bears {}.",
            percent(request.floor.get()),
            share_text(after.below_floor),
            shock.name,
            percent(max.get())
        )
    })
}

fn below(level: Option<Level>) -> String {
    level.map_or_else(|| "not known".to_owned(), likely)
}

fn likely(level: Level) -> String {
    format!("{:.0} %", level.below_floor * 100.0)
}

/// `2026-11-12 14:00 UTC`.
pub(super) fn hour(at: Timestamp) -> String {
    let text: String = at.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

/// `2026-11-12`.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use domain::economics::scenario::Scenario;
    use domain::economics::study::Request;

    use super::*;

    #[test]
    fn what_is_marked_beyond_ten_is_told_and_nothing_otherwise() {
        assert_eq!(unasked(0), "");
        assert!(unasked(2).contains("2 kept scenarios") && unasked(2).contains("at most 10"));
    }

    fn run() -> ForesightRun {
        let run = serde_json::json!({
            "run": 3, "by": "aws", "policyVersion": 0, "usageFrom": "2026-10-27T12:00:00.000Z",
            "usageTo": "2026-11-26T12:00:00.000Z", "priceMapAsOf": "2026-11-12T00:00:00.000Z",
            "seed": "1", "draws": 2000, "floor": "0.35", "tenants": 1, "opened": 0, "scenarios": []
        });
        serde_json::from_value(run).expect("a run")
    }

    fn dearer() -> Scenario {
        let cost = [("azure".to_owned(), serde_json::from_str("\"0.3\"").expect("a change"))];
        Scenario { cost: cost.into(), ..Scenario::default() }
    }

    #[test]
    fn a_stress_opens_with_the_window_that_was_asked_and_its_changes_under_the_levers() {
        let shock = Shock { name: "x".into(), scenario_id: None, version: None, changes: dearer() };
        let href = place(&asked(&run(), ScenarioAddress::default()), &shock);
        let search = href.strip_prefix("/scenarios?").expect("the page");
        assert!(search.starts_with("cost.azure=30&"), "{href}");
        let ScenarioAddress { request, .. } = ScenarioAddress::read(search);
        let run = run();
        assert_eq!((request.from, request.to), (Some(run.usage_from), Some(run.usage_to)));
        assert_eq!((request.prices_as_of, request.draws), (Some(run.usage_to), 2_000));
        assert_eq!(request.scenarios[0].changes, dearer());
    }

    #[test]
    fn a_kept_stress_stands_open_and_its_changes_need_no_words_as_long_as_they_are_kept_so() {
        let usual = Request {
            scenarios: vec![app::backend::under_levers(dearer())],
            draws: 2_000,
            ..Request::default()
        };
        let mut address = ScenarioAddress::over("", usual);
        address.opened = Some("an-id".to_owned());
        let shock = |changes| Shock {
            name: "x".into(),
            scenario_id: Some(uuid::Uuid::from_u128(7)),
            version: Some(1),
            changes,
        };
        let href = place(&asked(&run(), address.clone()), &shock(dearer()));
        assert!(!href.contains("cost.azure") && href.contains("from=2026-10-27"), "{href}");
        assert!(href.ends_with("&open=an-id"), "{href}");
        let other = place(&asked(&run(), address), &shock(Scenario::default()));
        assert!(other.contains("moved=1"), "{other}");
    }

    #[test]
    fn a_price_that_still_misses_what_the_policy_bears_says_so_with_both_figures() {
        let level = |below_floor| Level { below_floor, p50: 0.3 };
        let warned = |below_floor| Forewarning {
            run: 3,
            shock: Shock {
                name: "Dearer".into(),
                scenario_id: None,
                version: None,
                changes: dearer(),
            },
            request: Request {
                floor: serde_json::from_str("\"0.35\"").expect("a share"),
                ..Request::default()
            },
            price_map_as_of: Timestamp::from_unix_ms(0),
            now: level(0.01),
            stressed: level(0.9),
            after: level(below_floor),
            guarded: None,
        };
        let max = serde_json::from_str("\"0.05\"").expect("a share");
        assert_eq!(missed(&warned(0.05), "at this price", max), None);
        let told = "Even at this price P(margin < 35 %) would be 12.3 % if “Dearer” comes true; the \
                    policy bears 5 %.";
        assert_eq!(missed(&warned(0.1234), "at this price", max).as_deref(), Some(told));
    }

    #[test]
    fn what_is_beyond_a_threshold_today_is_told_apart_from_what_would_fall_beyond_it() {
        let max = |text: &str| serde_json::from_value(serde_json::json!(text)).expect("a share");
        let of = |threshold, is, borne| Broken { threshold, is, max: max(borne) };
        let then = of(Threshold::Portfolio, 0.61, "0.25");
        let falls = broken(&then, &[]);
        assert!(falls.contains("would fall beyond its threshold"), "{falls}");
        let stands = broken(&then, &[of(Threshold::Portfolio, 0.4, "0.25")]);
        let said = "already, before the stress: today’s probability to be below its floor is 40 %, and 25 %";
        assert!(stands.contains(said), "{stands}");
        let foreseen = Foreseen {
            shock: Shock { name: "x".into(), scenario_id: None, version: None, changes: dearer() },
            now: None,
            stressed: Some(Level { below_floor: 0.61, p50: 0.3 }),
            under_water: 2,
            fell: 0,
            tenants: Vec::new(),
            broken: Vec::new(),
            already: vec![of(Threshold::Tenant, 0.72, "0.5")],
            left_out: Vec::new(),
            routing: None,
            unmoved: None,
        };
        assert_eq!(
            under_water(&foreseen),
            "Nobody would fall under water. 2 tenants are under water already, before the stress: \
             today’s probability to be below their floor is up to 72 %, and 50 % are borne."
        );
    }
}
