//! What standing stresses would do, in the words of the pages Optimizer and Approvals.

use std::collections::BTreeMap;

use app::backend::{
    ChanceRow, ForeseenWhy, ForesightRow, ForesightView, ReroutedRow, ScenarioAddress, StressRow,
};
use domain::catalog::{
    Fallen, Foreseen, ForesightRun, Forewarning, Rerouted, Shock, Threshold, Unmoved,
};
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::economics::quantity::Share;
use domain::economics::study::Level;
use domain::fabric::capacity::TARGET_UTILIZATION;
use domain::pricing::book::{Book, Case};
use domain::pricing::controls::Content;
use domain::pricing::foresight::KEPT_MAX;
use rust_decimal::Decimal;

use super::approvals::{margin_text, percent, share_text};
use super::guardrails::rule_words;
use super::optimizer::time_of;
use super::recorded::{beside, expects};
use super::scenarios::kept;
use crate::economics::Found;
use crate::projection::{Catalog, Current};

/// The card.
pub(super) fn view(catalog: &Catalog, found: &Found) -> ForesightView {
    let foresight = catalog.book().policy().1.foresight;
    ForesightView {
        on: foresight.on,
        every_hours: foresight.every_hours,
        run: catalog.foresight().map(|run| row(catalog, run, found)),
    }
}

fn row(catalog: &Catalog, run: &Current<ForesightRun>, found: &Found) -> ForesightRow {
    let it = &run.value;
    ForesightRow {
        number: it.run,
        at: time_of(run.logical_clock),
        by: it.by.to_string(),
        event_id: run.event_id.to_string(),
        basis: format!(
            "Usage of {} tenants from {} to {}, prices as of {}; {} simulated outcomes, seed {}. Penalties \
             are those to be expected; the tenants’ margins on this page count those that were recorded.{}",
            it.tenants,
            day(it.usage_from),
            hour(it.usage_to),
            day(it.price_map_as_of),
            it.draws,
            it.seed,
            unasked(it.unasked)
        ),
        beside: beside(it, found),
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
    let accepted = Accepted::of(catalog, run, foreseen);
    let floor = percent(run.floor.get());
    let portfolio = foreseen.stressed.map(|stressed| ChanceRow {
        tenant_id: None,
        floor: floor.clone(),
        today: below(foreseen.now),
        then: likely(stressed),
        accepted: accepted.portfolio.clone(),
        after: foreseen.routing.as_ref().map(|routing| likely(routing.after)),
        proposal_id: foreseen.routing.as_ref().map(|routing| routing.proposal_id.to_string()),
        held: None,
    });
    let fallen = foreseen.tenants.iter().map(|it| fallen(it, accepted.tenant.as_ref()));
    StressRow {
        name: foreseen.shock.name.clone(),
        href: place_of_run(catalog, run, &foreseen.shock),
        breaks: !foreseen.broken.is_empty(),
        happens: happens(foreseen, &floor),
        proposes: proposes(foreseen),
        already: already(foreseen),
        chances: portfolio.into_iter().chain(fallen).collect(),
        others: foreseen.fell.saturating_sub(named),
        left_out: foreseen.left_out.clone(),
        routing: foreseen.routing.as_ref().map(rerouted),
        unmoved: foreseen.unmoved.map(unmoved),
    }
}

/// How likely a margin may be below its floor, as texts.
struct Accepted {
    portfolio: Option<String>,
    tenant: Option<String>,
}

impl Accepted {
    /// As the run says; of what is not broken it says nothing, and the policy does if it is the same.
    fn of(catalog: &Catalog, run: &ForesightRun, foreseen: &Foreseen) -> Self {
        let (version, policy) = catalog.book().policy();
        let foresight = Some(policy.foresight).filter(|_| version == run.policy_version);
        let told = |threshold| {
            let mut all = foreseen.broken.iter().chain(&foreseen.already);
            all.find(|it| it.threshold == threshold).map(|it| it.max)
        };
        let text = |share: Share| percent(share.get());
        let of_all = told(Threshold::Portfolio).or(foresight.map(|it| it.below_floor_max));
        let of_one = told(Threshold::Tenant).or(foresight.map(|it| it.tenant_below_floor_max));
        Accepted { portfolio: of_all.map(text), tenant: of_one.map(text) }
    }
}

/// What would happen, in a sentence.
fn happens(foreseen: &Foreseen, floor: &str) -> String {
    let Some(stressed) = foreseen.stressed else {
        return "What it would do to margins is not known.".to_owned();
    };
    let tenants = match foreseen.fell {
        0 => "no tenant that is safe today would become likely to fall below its own".to_owned(),
        1 => "1 tenant that is safe today would become likely to fall below its own".to_owned(),
        many => {
            format!(
                "{many} tenants that are safe today would become likely to fall below their own"
            )
        }
    };
    format!(
        "If it happened, the margin of the whole portfolio would end below its floor of {floor} with a \
         chance of {} (today {}), and {tenants}.",
        likely(stressed),
        below(foreseen.now)
    )
}

/// What is proposed, and what it would bring, in a sentence.
fn proposes(foreseen: &Foreseen) -> String {
    let prices = foreseen.tenants.iter().filter(|it| it.proposal_id.is_some()).count();
    let prices = match prices {
        0 => None,
        1 => Some("a higher price for 1 of the tenants below".to_owned()),
        many => Some(format!("higher prices for {many} of the tenants below")),
    };
    let shares = foreseen.routing.as_ref().map(|routing| {
        format!(
            "other shares of the traffic, with which the portfolio’s chance would be {}",
            likely(routing.after)
        )
    });
    match (shares, prices) {
        (Some(shares), Some(prices)) => format!("Proposed: {shares}, and {prices}."),
        (Some(only), None) | (None, Some(only)) => format!("Proposed: {only}."),
        (None, None) if is_accepted(foreseen) => {
            "Nothing is proposed: all of it is within what the policy accepts.".to_owned()
        }
        (None, None) => "Nothing is proposed.".to_owned(),
    }
}

/// It is known what it would do, and nobody is below a floor in it or beyond a threshold today.
fn is_accepted(foreseen: &Foreseen) -> bool {
    let Foreseen { stressed, broken, under_water, already, .. } = foreseen;
    stressed.is_some() && broken.is_empty() && *under_water == 0 && already.is_empty()
}

/// Who is beyond a threshold today, whatever comes.
fn already(foreseen: &Foreseen) -> Option<String> {
    let today = |threshold| foreseen.already.iter().find(|it| it.threshold == threshold);
    let portfolio = today(Threshold::Portfolio).map(|it| {
        let max = percent(it.max.get());
        format!("The portfolio’s chance is above the {max} that the policy accepts today already.")
    });
    let tenants = match foreseen.under_water.saturating_sub(foreseen.fell) {
        0 => None,
        1 => Some("1 tenant is likely to be below its floor".to_owned()),
        many => Some(format!("{many} tenants are likely to be below their floor")),
    };
    let tenants = tenants.map(|who| {
        format!("{who} today already, before anything happens: see the margins on this page.")
    });
    let said: Vec<String> = portfolio.into_iter().chain(tenants).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

fn fallen(of: &Fallen, accepted: Option<&String>) -> ChanceRow {
    // What is drawn may be off by a little.
    let about = if of.exact { "" } else { "≈ " };
    ChanceRow {
        tenant_id: Some(of.tenant_id.to_string()),
        floor: percent(of.floor.get()),
        today: format!("{about}{}", likely(of.now)),
        then: format!("{about}{}", likely(of.stressed)),
        accepted: accepted.cloned(),
        after: None,
        proposal_id: of.proposal_id.map(|id| id.to_string()),
        held: of.held.map(|rule| format!("Its price is held by {}.", rule_words(rule))),
    }
}

fn rerouted(routing: &Rerouted) -> ReroutedRow {
    let wished = &routing.shares.0;
    let clouds = Cloud::ALL.into_iter().filter(|cloud| {
        let maps = [wished, &routing.present, &routing.at_most, &routing.served];
        maps.iter().any(|shares| shares.contains_key(cloud))
    });
    let serves = if routing.served.is_empty() { wished } else { &routing.served };
    let row = |cloud: Cloud| {
        let of = |shares: &BTreeMap<Cloud, Share>| {
            percent(shares.get(&cloud).map_or(Decimal::ZERO, |share| share.get().round_dp(3)))
        };
        let today =
            if routing.present.is_empty() { "–".to_owned() } else { of(&routing.present) };
        let most = routing.at_most.get(&cloud).map(|share| percent(share.get()));
        let most = most.unwrap_or_else(|| "not stated".to_owned());
        [cloud.to_string(), today, of(wished), most, of(serves)]
    };
    ReroutedRow {
        clouds: clouds.map(row).collect(),
        note: above_capacity(routing),
        proposal_id: routing.proposal_id.to_string(),
    }
}

/// Runs recorded before let a cloud keep what it had beyond what a plan fills it with.
fn above_capacity(routing: &Rerouted) -> Option<String> {
    let over = routing
        .shares
        .0
        .iter()
        .filter(|(cloud, share)| routing.at_most.get(cloud).is_some_and(|most| *share > most));
    let over: Vec<String> = over.map(|(cloud, _)| cloud.to_string()).collect();
    let (who, it, its) = match &over[..] {
        [] => return None,
        [one] => (format!("{one} is"), "it", "its"),
        several => (format!("{} are", several.join(" and ")), "them", "their"),
    };
    let counted = if routing.served.is_empty() {
        ""
    } else {
        " What has no room goes on to the other clouds, and the figures count it there."
    };
    let full = share_text(TARGET_UTILIZATION);
    Some(format!(
        "{who} already today above the {full} of {its} capacity that a plan fills, and this proposal does \
         not give {it} more.{counted}"
    ))
}

fn unmoved(why: Unmoved) -> String {
    match why {
        Unmoved::Resting { until } => format!(
            "No other shares of the traffic are proposed: the last ones rest until {}, as the policy \
             wants it after each change.",
            hour(until)
        ),
        Unmoved::NoRoom => "No other shares of the traffic are proposed: by the stated demand and \
                            capacity, the clouds that it could go to cannot take more within what may move \
                            at once. More capacity, or a larger step in the policy, would allow it."
            .to_owned(),
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

/// Why a proposal is made, where it foresees something.
pub(super) fn why(case: &Case) -> Option<ForeseenWhy> {
    let Forewarning { run, shock, request, price_map_as_of, now, stressed, after, .. } =
        case.foresight.as_deref()?;
    let line =
        |when: &str, level: &Level| [when.to_owned(), likely(*level), margin_text(level.p50)];
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
            "{} Usage{since}, prices as of {}; {} draws, seed {}. The proposal’s event holds the question, \
             as POST /v1/economics/simulate takes it.",
            expects(&case.current().edition.facts, now),
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
        Content::Policy { .. } | Content::ListPrice { .. } => return None,
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
    use domain::catalog::Broken;
    use domain::economics::scenario::Scenario;
    use domain::economics::study::Request;
    use domain::fabric::shares::Shares;

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

    fn share(text: &str) -> Share {
        serde_json::from_value(serde_json::json!(text)).expect("a share")
    }

    fn foreseen() -> Foreseen {
        Foreseen {
            shock: Shock { name: "x".into(), scenario_id: None, version: None, changes: dearer() },
            now: Some(Level { below_floor: 0.12, p50: 0.4 }),
            stressed: Some(Level { below_floor: 0.61, p50: 0.3 }),
            under_water: 2,
            fell: 0,
            tenants: Vec::new(),
            broken: Vec::new(),
            already: Vec::new(),
            left_out: Vec::new(),
            routing: None,
            unmoved: None,
        }
    }

    #[test]
    fn what_would_happen_is_a_sentence_with_today_beside_it() {
        let one = Foreseen { fell: 1, ..foreseen() };
        assert_eq!(
            happens(&one, "35 %"),
            "If it happened, the margin of the whole portfolio would end below its floor of 35 % with a \
             chance of 61 % (today 12 %), and 1 tenant that is safe today would become likely to fall \
             below its own."
        );
        let unknown = Foreseen { stressed: None, ..foreseen() };
        assert!(happens(&unknown, "35 %").contains("is not known"));
    }

    #[test]
    fn all_is_said_to_be_accepted_only_where_that_is_known_and_nobody_is_below_a_floor() {
        let well = Foreseen { under_water: 0, ..foreseen() };
        assert_eq!(
            proposes(&well),
            "Nothing is proposed: all of it is within what the policy accepts."
        );
        let beyond = Broken { threshold: Threshold::Portfolio, is: 0.4, max: share("0.25") };
        let others = [
            Foreseen { stressed: None, ..well.clone() },
            Foreseen { under_water: 2, ..well.clone() },
            Foreseen { broken: vec![beyond], ..well.clone() },
            Foreseen { already: vec![beyond], ..well },
        ];
        for other in others {
            assert_eq!(proposes(&other), "Nothing is proposed.", "{other:?}");
        }
    }

    #[test]
    fn what_is_beyond_a_threshold_today_is_told_apart_from_what_would_fall_beyond_it() {
        let said = already(&foreseen()).expect("two are");
        assert!(said.starts_with("2 tenants are likely to be below their floor today"), "{said}");
        assert_eq!(already(&Foreseen { fell: 2, ..foreseen() }), None);
        let portfolio = Broken { threshold: Threshold::Portfolio, is: 0.4, max: share("0.25") };
        let stands = Foreseen { fell: 2, already: vec![portfolio], ..foreseen() };
        let said = already(&stands).expect("the portfolio is");
        assert!(said.contains("above the 25 % that the policy accepts today already"), "{said}");
    }

    #[test]
    fn a_cloud_above_its_capacity_today_is_said_to_be_so_and_what_it_would_serve_stands_beside() {
        let all = |pairs: &[(Cloud, &str)]| {
            pairs.iter().map(|(cloud, text)| (*cloud, share(text))).collect::<BTreeMap<_, _>>()
        };
        let (aws, azure) = (Cloud::Aws, Cloud::Azure);
        let within = Rerouted {
            shares: Shares(all(&[(aws, "0.6"), (azure, "0.4")])),
            present: all(&[(aws, "0.55"), (azure, "0.45")]),
            at_most: all(&[(aws, "0.7"), (azure, "0.9")]),
            served: BTreeMap::new(),
            after: Level { below_floor: 0.2, p50: 0.4 },
            proposal_id: uuid::Uuid::from_u128(7),
        };
        let row = rerouted(&within);
        assert_eq!(row.note, None);
        assert_eq!(row.clouds[0], ["aws", "55 %", "60 %", "70 %", "60 %"]);
        let over = Rerouted {
            at_most: all(&[(aws, "0.5"), (azure, "0.9")]),
            served: all(&[(aws, "0.5"), (azure, "0.5")]),
            ..within
        };
        let row = rerouted(&over);
        assert_eq!(row.clouds[0], ["aws", "55 %", "60 %", "50 %", "50 %"]);
        let note = row.note.expect("it is above");
        let above = "aws is already today above the 80 % of its capacity that a plan fills, and";
        assert!(note.starts_with(above), "{note}");
        assert!(note.contains("the figures count it there"), "{note}");
    }
}
