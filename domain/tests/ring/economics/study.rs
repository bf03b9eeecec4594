//! A what-if as a whole: one question has one answer, whoever draws and however often levers moved.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::economics::EconomicsError;
use domain::economics::quantity::float;
use domain::economics::scenario::Scenario;
use domain::economics::simulation::Simulation;
use domain::economics::study::{
    self, Answer, Asked, Board, Desk, Inputs, LatencyBasis, LatencyOf, PlaceUsage, Request,
    Sampled, Sources, Step, TierPromise, Timed,
};
use domain::event::TenantId;
use domain::usage::Latencies;
use rust_decimal::Decimal;

fn place(tenant: u32) -> PlaceUsage {
    let provider = ["azure", "bedrock", "vertex"][tenant as usize % 3];
    PlaceUsage {
        tenant_id: TenantId::try_from(format!("tenant-{tenant:03}")).expect("an id"),
        tier: ["pro", "free"][tenant as usize % 2].to_owned(),
        provider: provider.to_owned(),
        region: ["eu-west-1", "us-east-1"][tenant as usize % 2].to_owned(),
        tokens: Decimal::from(1_000_000 + 37_000 * tenant),
        revenue_usd: Decimal::new(9_000 + i64::from(tenant) * 13, 2),
        cost_usd: Decimal::new(5_100 + i64::from(tenant) * 11, 2),
    }
}

fn inputs() -> Inputs {
    let promise = TierPromise { latency_p99_ms: Some(1_500), uptime: Vec::new() };
    let at = Timestamp::from_unix_ms(1_790_000_000_000);
    Inputs {
        usage: (0..70).map(place).collect(),
        tiers: [("pro".to_owned(), promise), ("free".to_owned(), TierPromise::default())].into(),
        latency_mean_s: [("eu-west-1".to_owned(), Some(0.6)), ("us-east-1".to_owned(), None)]
            .into(),
        latencies: Vec::new(),
        samples: Vec::new(),
        served: BTreeMap::new(),
        sources: Sources {
            usage_rows: 70,
            usage_from: Some(at),
            usage_through: Some(at),
            price_map_as_of: at,
            prices_as_of: at,
            inexact_rows: 0,
            jumps: BTreeMap::new(),
            excluded: Vec::new(),
        },
    }
}

fn changes(text: &str) -> Scenario {
    serde_json::from_str(text).expect("a scenario")
}

fn request(all: &[&str]) -> Request {
    let asked =
        |(at, text): (usize, &&str)| Asked { name: format!("s{at}"), changes: changes(text) };
    Request {
        draws: 500,
        scenarios: all.iter().enumerate().map(asked).collect(),
        ..Request::default()
    }
}

fn whole(request: &Request) -> Board {
    Board::of::<EconomicsError>(&inputs(), request, None, Simulation::run).expect("a board")
}

/// Lets a desk work until it has said all.
fn settled(desk: &mut Desk) -> Board {
    let mut said = None;
    loop {
        match desk.advance().expect("a step") {
            Step::Drawing(_) => {}
            Step::Settled(board) => said = Some(*board),
            Step::Idle => return said.expect("something was said"),
        }
    }
}

const DEARER: &str = r#"{"cost":{"azure":"0.3"}}"#;
const MUCH: &str = r#"{"cost":{"azure":"0.3"},"latency":{"eu-west-1":"0.2"},"price":{"pro":"0.05"},
    "usage":{"free":"-0.2"},"latencyPenalty":{"pro":"0.1"},
    "routing":{"vertex":"0.5","azure":"0.5"}}"#;

#[test]
fn a_desk_says_what_a_whole_answer_says_to_the_bit() {
    let request = request(&[MUCH, DEARER]);
    let mut desk = Desk::new(inputs(), request.clone()).expect("a desk");
    assert!(settled(&mut desk) == whole(&request), "desk and whole answer differ");
}

#[test]
fn inputs_that_have_travelled_as_json_give_the_same_bits() {
    let (inputs, request) = (inputs(), request(&[MUCH]));
    let run = |inputs: &Inputs| -> Answer {
        study::answer::<EconomicsError>(inputs, &request, Simulation::run).expect("an answer")
    };
    let text = serde_json::to_string(&inputs).expect("json");
    let travelled: Inputs = serde_json::from_str(&text).expect("inputs");
    assert!(run(&travelled) == run(&inputs), "inputs changed on their way");
    let answer = serde_json::to_string(&run(&inputs)).expect("json");
    let read = serde_json::from_str::<Answer>(&answer).expect("an answer");
    assert!(read == run(&inputs), "an answer changed on its way");
}

#[test]
fn levers_that_move_while_draws_are_made_end_where_they_stand() {
    let mut desk = Desk::new(inputs(), request(&["{}"])).expect("a desk");
    desk.advance().expect("a step");
    desk.aim(changes(DEARER)).expect("a glance or none");
    desk.advance().expect("a step");
    desk.aim(changes(MUCH)).expect("a glance or none");
    assert!(settled(&mut desk) == whole(&request(&[MUCH])), "the levers' board is another");
    // Back to the base: nothing is left to draw, and the board says so.
    desk.aim(Scenario::default()).expect("a glance");
    assert_eq!(settled(&mut desk).now, whole(&request(&["{}"])).base);
}

#[test]
fn a_glance_at_a_cost_agrees_with_draws_made_for_it() {
    let mut desk = Desk::new(inputs(), request(&["{}"])).expect("a desk");
    settled(&mut desk);
    let glance = desk.aim(changes(DEARER)).expect("a glance").expect("costs need no draws");
    let drawn = whole(&request(&[DEARER])).now;
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
    let (now, then) =
        (glance.margin.as_ref().expect("revenue"), drawn.margin.as_ref().expect("revenue"));
    assert!(close(now.p5.value, then.p5.value) && close(now.p95.value, then.p95.value));
    assert!(close(glance.profit_usd.p50.value, drawn.profit_usd.p50.value));
    assert_eq!((glance.fallen, glance.tenants), (drawn.fallen, drawn.tenants));
    assert_eq!(glance.break_even, drawn.break_even);
    for (now, then) in glance.falling.iter().zip(&drawn.falling) {
        assert_eq!(now.tenant_id, then.tenant_id);
        assert!(close(now.p50, then.p50) && close(now.below_floor, then.below_floor));
    }
    // What is not linear is not guessed.
    assert_eq!(desk.aim(changes(r#"{"price":{"pro":"0.05"}}"#)).expect("no error"), None);
}

#[test]
fn levers_that_go_away_and_come_back_are_answered_with_a_board() {
    let mut desk = Desk::new(inputs(), request(&["{}"])).expect("a desk");
    let board = settled(&mut desk);
    let glance = desk.aim(Scenario::default()).expect("no error");
    assert_eq!(glance.as_ref(), Some(&board.now));
    assert!(settled(&mut desk) == board, "the second board differs");
}

#[test]
fn costs_that_go_beyond_what_sums_are_stretched_to_are_drawn() {
    let mut desk = Desk::new(inputs(), request(&["{}"])).expect("a desk");
    settled(&mut desk);
    desk.aim(changes(r#"{"cost":{"azure":"-0.995"}}"#)).expect("a glance");
    settled(&mut desk);
    // From a two-hundredth to the whole: a glance at the base's draws, and not at these.
    assert!(desk.aim(Scenario::default()).expect("no error").is_some());
    let back = settled(&mut desk).now;
    assert_eq!(back, whole(&request(&["{}"])).now);
    // From there beyond any slider: no glance, and a board all the same.
    let (less, more) = (
        r#"{"cost":{"azure":"-0.995"},"usage":{"pro":"0.1"}}"#,
        r#"{"cost":{"azure":"0.3"},"usage":{"pro":"0.1"}}"#,
    );
    desk.aim(changes(less)).expect("none");
    settled(&mut desk);
    assert_eq!(desk.aim(changes(more)).expect("no error"), None);
    assert!(settled(&mut desk) == whole(&request(&[more])), "the levers' board is another");
}

#[test]
fn break_even_is_said_where_there_is_one_and_why_not_where_there_is_none() {
    let said = |revenue: i64, cost: i64, floor: &str| {
        let place = PlaceUsage {
            revenue_usd: Decimal::new(revenue, 2),
            cost_usd: Decimal::new(cost, 2),
            ..place(1)
        };
        let inputs = Inputs { usage: vec![place], ..inputs() };
        let request = Request {
            floor: serde_json::from_value(floor.into()).expect("a share"),
            ..request(&["{}"])
        };
        let board = Board::of::<EconomicsError>(&inputs, &request, None, Simulation::run);
        board.expect("a board").now.break_even
    };
    for (revenue, cost, floor, sentence) in [
        (10_000, 5_000, "0.35", "Costs can rise 30 % before the margin reaches 35 %."),
        (10_000, 6_460, "0.35", "Costs can rise 0.6 % before the margin reaches 35 %."),
        (10_000, 8_000, "0.355", "Costs must fall 19 % before the margin reaches 35.5 %."),
        (10_000, 6_500, "0.35", "The margin is 35 %: costs have no room left."),
        (10_000, 5_000, "1", "No cost is low enough for a margin of 100 %."),
        (0, 5_000, "0.35", "Without revenue there is no margin."),
        (10_000, 0, "0.35", "Without cost no rise matters."),
    ] {
        let found = said(revenue, cost, floor);
        assert_eq!(found.sentence, sentence);
        let told = sentence.starts_with("Costs") || sentence.starts_with("The margin");
        assert_eq!(found.cost_change.is_some(), told, "{sentence}");
    }
}

#[test]
fn a_bridge_names_the_levers_that_moved_and_sums_exactly() {
    let board = whole(&request(&[MUCH]));
    assert_eq!(board.bridge.len(), 6);
    let sum: f64 = board.bridge.iter().map(|(_, part)| part).sum();
    assert!((board.bridge_from + sum - board.bridge_to).abs() < 1e-6);
    let still = whole(&request(&["{}"]));
    assert_eq!(still.bridge_from.to_bits(), still.bridge_to.to_bits());
}

/// Inputs whose tier "solo" is one tenant's, in two places.
fn with_a_tier_of_one_tenant() -> Inputs {
    let mut inputs = inputs();
    inputs.tiers.insert("solo".to_owned(), inputs.tiers["pro"].clone());
    for (at, provider) in [(4, "azure"), (6, "vertex")] {
        inputs.usage[at].tenant_id = TenantId::try_from("tenant-solo".to_owned()).expect("an id");
        inputs.usage[at].tier = "solo".to_owned();
        inputs.usage[at].provider = provider.to_owned();
    }
    inputs
}

#[test]
fn a_tenants_price_is_to_the_bit_what_its_tiers_is_where_the_tier_has_one_tenant() {
    let results = |text: &str| {
        let asked = request(&[text]);
        let answer =
            study::answer::<EconomicsError>(&with_a_tier_of_one_tenant(), &asked, Simulation::run);
        answer.expect("an answer").scenarios.remove(0)
    };
    let of_tier = results(r#"{"cost":{"azure":"0.3"},"price":{"solo":"0.08"}}"#);
    let own = results(r#"{"cost":{"azure":"0.3"},"tenantPrice":{"tenant-solo":"0.08"}}"#);
    assert!(own.results == of_tier.results, "the tenant's lever gives other figures");
    assert_eq!(own.bridge, of_tier.bridge);
    // One upon the other: 1.08 is 0.9 times 1.2.
    let both = results(
        r#"{"cost":{"azure":"0.3"},"price":{"solo":"-0.1"},"tenantPrice":{"tenant-solo":"0.2"}}"#,
    );
    assert!(both.results == of_tier.results, "the levers do not stand upon each other");
}

#[test]
fn a_tenants_price_moves_nobody_else_and_goes_with_its_traffic() {
    let board = |text: &str| whole(&request(&[text]));
    let (still, moved) = (board("{}"), board(r#"{"tenantPrice":{"tenant-004":"0.5"}}"#));
    let all = |board: &Board| board.groups[0].usd[0];
    let own = float(place(4).revenue_usd);
    assert!((all(&moved) - all(&still) - own / 2.0).abs() < 1e-6);
    let routed =
        board(r#"{"tenantPrice":{"tenant-004":"0.5"},"routing":{"vertex":"0.5","azure":"0.5"}}"#);
    assert!((all(&routed) - all(&moved)).abs() < 1e-6, "revenue stays, wherever it is served");
    assert_eq!(moved.bridge.len(), 1);
}

#[test]
fn a_screen_shows_the_places_likeliest_below_the_floor_beside_their_base() {
    let board = whole(&request(&[DEARER, MUCH]));
    assert_eq!(board.tenants.len(), study::TENANTS_SHOWN_MAX);
    assert_eq!(board.tenants[0].tenant_id, board.now.falling[0].tenant_id.as_str());
    assert!(board.tenants.iter().all(|row| row.base_p50.is_some()));
    let names: Vec<_> = board.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["", "s0", "s1"]);
    let all = &board.groups[0];
    assert!((all.usd[0] - all.usd[1] - all.usd[2] - all.usd[3]).abs() < 1e-9);
}

#[test]
fn a_scenario_that_names_what_does_not_exist_is_refused_by_name() {
    for (text, name) in [
        (r#"{"routing":{"groq":"1"}}"#, "groq"),
        (r#"{"usage":{"gold":"0.1"}}"#, "gold"),
        (r#"{"tenantPrice":{"nobody":"0.1"}}"#, "no tenant called \"nobody\""),
        (r#"{"routing":{"azure":"0.6"}}"#, "the sum of the shares of traffic is 0.6"),
    ] {
        let refused =
            study::answer::<EconomicsError>(&inputs(), &request(&[text]), Simulation::run);
        assert!(refused.expect_err("refused").to_string().contains(name), "{text}");
    }
}

/// So many requests of so many milliseconds each.
fn took(counts: &[(u64, u64)]) -> Latencies {
    let mut latencies = Latencies::default();
    for (requests, ms) in counts {
        (0..*requests).for_each(|_| latencies.record_us(ms * 1_000));
    }
    latencies
}

fn timed(provider: &str, region: &str, counts: &[(u64, u64)]) -> Timed {
    Timed { provider: provider.to_owned(), region: region.to_owned(), took: took(counts) }
}

fn answer(inputs: &Inputs, request: &Request) -> Answer {
    study::answer::<EconomicsError>(inputs, request, Simulation::run).expect("an answer")
}

#[test]
fn stalls_that_were_metered_are_owed_for_and_a_law_through_the_mean_would_not_see_them() {
    // Promised is a second and a half, to `pro`, who are all in eu-west-1. Three in a hundred hang.
    let stalling = |provider: &str| timed(provider, "eu-west-1", &[(970, 300), (30, 40_000)]);
    let steady = |provider: &str| timed(provider, "eu-west-1", &[(1_000, 300)]);
    let request = request(&[r#"{"latency":{"eu-west-1":"0.2"}}"#]);
    let with = |timed: fn(&str) -> Timed| {
        let latencies = ["azure", "bedrock", "vertex"].map(timed).to_vec();
        answer(&Inputs { latencies, ..inputs() }, &request)
    };
    let owed = |answer: &Answer| answer.base.statement.statement.penalty_usd();
    let (calm, hung) = (with(steady), with(stalling));
    assert_eq!(owed(&calm).round_dp(6), Decimal::ZERO, "a fifth of what is promised");
    let revenue = hung.base.by_tier["pro"].statement.revenue_usd();
    let share = owed(&hung).checked_div(revenue).expect("revenue");
    // Below 99 % in time in nearly every month, and above 95 %.
    assert!((share - Decimal::new(5, 2)).abs() < Decimal::new(1, 3), "{share}");
    let place = &hung.provenance.latency["eu-west-1"].providers["azure"];
    assert_eq!(
        (place.basis, place.requests, place.stalled),
        (LatencyBasis::Measured, Some(1_000), 30)
    );
    assert_eq!(place.of, Some(LatencyOf::Requests));
    assert!((place.p50_s - 0.3).abs() < 0.01 && (place.p99_s - 40.0).abs() < 1.3, "{place:?}");
    let profit = |answer: &Answer| answer.scenarios[0].results.profit_usd.p50.value;
    assert!(profit(&hung) < profit(&calm));
    let text = serde_json::to_string(&hung).expect("json");
    assert!(serde_json::from_str::<Answer>(&text).expect("an answer") == hung);
}

#[test]
fn latencies_are_taken_from_where_they_are_known_best_and_assumed_only_where_nobody_knows() {
    let sampled = |provider: &str, region: Option<&str>, requests| Sampled {
        provider: provider.to_owned(),
        region: region.map(str::to_owned),
        source: "llmperf".to_owned(),
        as_of: Timestamp::from_unix_ms(1_700_000_000_000),
        took: took(&[(requests, 2_000)]),
    };
    let latencies = vec![
        timed("azure", "eu-west-1", &[(200, 500)]),
        timed("bedrock", "eu-west-1", &[(9, 700), (1, 60_000)]),
    ];
    let with = |samples| Inputs { latencies: latencies.clone(), samples, ..inputs() };
    let found = |inputs: &Inputs, provider: &str, region: &str| {
        let answer = answer(inputs, &request(&[]));
        answer.provenance.latency[region].providers[provider].clone()
    };
    let own = with(Vec::new());
    // Ten requests are too few; the region has enough.
    let place = found(&own, "bedrock", "eu-west-1");
    assert_eq!((place.basis, place.of), (LatencyBasis::Measured, Some(LatencyOf::Region)));
    let place = found(&own, "bedrock", "us-east-1");
    assert_eq!((place.basis, place.of, place.requests), (LatencyBasis::Assumed, None, None));
    let recorded =
        with(vec![sampled("bedrock", None, 150), sampled("bedrock", Some("eu-west-1"), 20)]);
    for region in ["eu-west-1", "us-east-1"] {
        let place = found(&recorded, "bedrock", region);
        assert_eq!((place.basis, place.requests), (LatencyBasis::Measured, Some(150)), "{region}");
        assert!(
            matches!(&place.of, Some(LatencyOf::Samples { source, .. }) if source == "llmperf")
        );
    }
    let few = Inputs { latencies: latencies[1..].to_vec(), ..inputs() };
    let place = found(&few, "bedrock", "eu-west-1");
    assert_eq!((place.basis, place.requests, place.stalled), (LatencyBasis::Fitted, Some(10), 1));
    assert!((place.p99_s / 60.0 - 1.0).abs() < 0.033, "one in ten hung: {place:?}");
    let few = Inputs { latencies: vec![timed("bedrock", "eu-west-1", &[(9, 700)])], ..inputs() };
    let place = found(&few, "bedrock", "eu-west-1");
    assert_eq!((place.basis, place.stalled), (LatencyBasis::Fitted, 0));
    assert!((place.p99_s / place.p50_s - 3.0).abs() < 1e-9, "the tail is assumed: {place:?}");
    let mean = found(&inputs(), "azure", "eu-west-1");
    assert_eq!((mean.basis, mean.requests), (LatencyBasis::Mean, None));
}

#[test]
fn the_assumptions_name_the_places_for_which_something_is_assumed_and_no_others() {
    let said = |latencies: Vec<Timed>| {
        let inputs = Inputs { latencies, ..inputs() };
        let board = Board::of::<EconomicsError>(&inputs, &request(&["{}"]), None, Simulation::run);
        board.expect("a board").basis
    };
    let enough = |provider: &&str| timed(provider, "eu-west-1", &[(100, 500)]);
    let eu: Vec<Timed> = ["azure", "bedrock", "vertex"].iter().map(enough).collect();
    let basis = said(eu.clone());
    assert!(!basis.assumptions.contains("eu-west-1"), "{}", basis.assumptions);
    let assumed =
        "No request to azure in us-east-1, bedrock in us-east-1, vertex in us-east-1 stated";
    assert!(basis.assumptions.contains(assumed), "{}", basis.assumptions);
    assert!(basis.warnings.iter().any(|warning| warning.contains("is assumed")));
    let few = timed("azure", "us-east-1", &[(3, 500)]);
    let basis = said([eu.clone(), vec![few]].concat());
    let fitted =
        "Too few requests to azure in us-east-1, bedrock in us-east-1, vertex in us-east-1";
    assert!(basis.assumptions.contains(fitted), "{}", basis.assumptions);
    assert!(basis.assumptions.contains("3 times the median."), "{}", basis.assumptions);
    assert!(basis.warnings.is_empty(), "a tail alone is assumed: {:?}", basis.warnings);
    let hung = timed("azure", "us-east-1", &[(47, 500), (3, 30_000)]);
    let basis = said([eu.clone(), vec![hung]].concat());
    let but = "3 times the median, but for those that stalled.";
    assert!(basis.assumptions.contains(but), "{}", basis.assumptions);
    let all = [eu, vec![timed("azure", "us-east-1", &[(100, 500)])]].concat();
    let basis = said(all);
    assert!(!basis.assumptions.contains("times the median"), "{}", basis.assumptions);
    assert!(basis.warnings.is_empty(), "{:?}", basis.warnings);
}

#[test]
fn traffic_that_a_scenario_leads_elsewhere_has_the_latency_of_where_it_goes() {
    // Vertex is slow: whoever is led there is owed for.
    let latencies = vec![
        timed("azure", "eu-west-1", &[(200, 500)]),
        timed("bedrock", "eu-west-1", &[(200, 500)]),
        timed("vertex", "eu-west-1", &[(200, 30_000)]),
    ];
    let inputs = Inputs { latencies, ..inputs() };
    let answer = answer(
        &inputs,
        &request(&[r#"{"routing":{"vertex":"1"}}"#, r#"{"routing":{"azure":"1"}}"#]),
    );
    let owed = |at: usize| answer.scenarios[at].results.by_tier["pro"].statement.penalty_usd();
    let revenue = answer.base.by_tier["pro"].statement.revenue_usd();
    let share = owed(0).checked_div(revenue).expect("revenue");
    assert!((share - Decimal::new(1, 1)).abs() < Decimal::new(1, 4), "{share}");
    assert!(owed(1) < owed(0));
}
