//! Every vector of routing, by its kind.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::damping::{Damping, Rule};
use domain::fabric::health::{Health, Seen, Thresholds};
use domain::fabric::hysteresis::{Hysteresis, Margin};
use domain::fabric::region;
use domain::fabric::score::{Candidate, Policy, Status, rank};
use domain::fabric::selector::{Selector, Settings};
use domain::fabric::smoothing::PeakEwma;
use domain::fabric::spill::spill;
use domain::fabric::ttl::{Bound, Limits, ttl_s};
use domain::fabric::verdict::{Mode, NEEDED, Verdict, View, count};
use domain::fabric::weight::{rendezvous, softmin};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{fixtures, vectors};

/// A file of one case.
#[derive(Deserialize)]
struct Vector {
    name: String,
    kind: String,
    params: Value,
    input: Value,
    expected: Value,
    tolerance: f64,
}

/// Other files of the folder are of other parts.
fn all() -> Vec<(PathBuf, Vector)> {
    let Some(folder) = vectors::folder() else { return Vec::new() };
    let read = |path: PathBuf| {
        let value: Value = fixtures::read_json(&path);
        let is_ours = value.get("kind").is_some() && value.get("expected").is_some();
        is_ours.then(|| (path, serde_json::from_value(value).expect("a vector of routing")))
    };
    fixtures::files(&folder, "json").into_iter().filter_map(read).collect()
}

#[test]
fn every_vector_of_routing_gives_what_it_expects() {
    let vectors = all();
    let count = vectors.len();
    for (path, vector) in vectors {
        match vector.kind.as_str() {
            "select" => select(&vector),
            "peak_ewma" => peak_ewma(&vector),
            "hysteresis" => hysteresis(&vector),
            "health_fsm" => health(&vector),
            "quorum" => quorum(&vector),
            "flap_damping" => damping(&vector),
            "spill" => spilling(&vector),
            "softmin" => weights(&vector),
            "rendezvous" => sticky(&vector),
            "ttl" => ttl(&vector),
            "region_matrix" => matrix(&vector),
            "panic" => panicking(&vector),
            "failover_bound" => bound(&vector),
            other => panic!("{}: no test knows the kind {other}", path.display()),
        }
    }
    let _ = writeln!(std::io::stderr(), "routing vectors: {count} passed");
}

impl Vector {
    fn of<T: DeserializeOwned>(&self, part: &Value, path: &str) -> T {
        let value = part.pointer(path).unwrap_or_else(|| panic!("{}: no {path}", self.name));
        serde_json::from_value(value.clone())
            .unwrap_or_else(|error| panic!("{}: {path}: {error}", self.name))
    }

    fn param<T: DeserializeOwned>(&self, name: &str) -> T {
        self.of(&self.params, &format!("/{name}"))
    }

    fn given<T: DeserializeOwned>(&self, name: &str) -> T {
        self.of(&self.input, &format!("/{name}"))
    }

    fn wanted<T: DeserializeOwned>(&self, name: &str) -> T {
        self.of(&self.expected, &format!("/{name}"))
    }

    #[track_caller]
    fn near(&self, what: &str, found: f64, wanted: f64) {
        let close = (found - wanted).abs() <= self.tolerance;
        assert!(close, "{}: {what} is {found}, expected {wanted}", self.name);
    }

    #[track_caller]
    fn all_near<K: Ord + std::fmt::Debug>(
        &self,
        what: &str,
        found: &BTreeMap<K, f64>,
        wanted: &BTreeMap<K, f64>,
    ) {
        let keys = |map: &BTreeMap<K, f64>| format!("{:?}", map.keys().collect::<Vec<_>>());
        assert_eq!(keys(found), keys(wanted), "{}: {what}", self.name);
        for ((key, found), wanted) in found.iter().zip(wanted.values()) {
            self.near(&format!("{what} of {key:?}"), *found, *wanted);
        }
    }
}

fn select(vector: &Vector) {
    #[derive(Deserialize)]
    struct Given {
        cloud: Cloud,
        status: Status,
        load: f64,
        latency: f64,
    }
    let given: Vec<Given> = vector.given("clouds");
    let candidates: Vec<Candidate> = given
        .iter()
        .map(|Given { cloud, status, load, latency }| Candidate {
            cloud: *cloud,
            status: *status,
            load: *load,
            latency_ms: *latency,
        })
        .collect();
    let ranked = rank(vector.param("policy"), &candidates);
    let order: Vec<Cloud> = ranked.iter().map(|one| one.cloud).collect();
    assert_eq!(order, vector.wanted::<Vec<Cloud>>("order"), "{}", vector.name);
    let scores = ranked.iter().map(|one| (one.cloud, one.score_ms)).collect();
    vector.all_near("score", &scores, &vector.wanted("scores"));
    assert_eq!(order.first().copied(), vector.wanted("pick"), "{}", vector.name);
}

fn peak_ewma(vector: &Vector) {
    let mut figure = PeakEwma::new(vector.param("tau_ms"));
    let samples: Vec<(u64, f64)> = vector.given("samples");
    let wanted: Vec<f64> = vector.wanted("values");
    assert_eq!(samples.len(), wanted.len(), "{}", vector.name);
    for ((at_ms, sample), wanted) in samples.into_iter().zip(wanted) {
        vector.near(&format!("the figure at {at_ms}"), figure.take(at_ms, sample), wanted);
    }
}

fn hysteresis(vector: &Vector) {
    let margin = Margin {
        rel: vector.param("rel"),
        abs_ms: vector.param("abs_ms"),
        dwell: vector.param("dwell"),
    };
    let mut held = Hysteresis::default();
    let steps: Vec<BTreeMap<Cloud, f64>> = vector.given("steps");
    let picks: Vec<Option<Cloud>> = steps
        .into_iter()
        .map(|step| {
            let mut ranked: Vec<(Cloud, f64)> = step.into_iter().collect();
            ranked.sort_by(|one, other| one.1.total_cmp(&other.1));
            held.evaluate(&margin, &ranked).0
        })
        .collect();
    assert_eq!(picks, vector.wanted::<Vec<Option<Cloud>>>("picks"), "{}", vector.name);
}

fn seen(text: &str) -> Seen {
    match text {
        "UP" => Seen::Up,
        "DOWN" => Seen::Down,
        other => panic!("no state {other}"),
    }
}

fn health(vector: &Vector) {
    let interval_s: u32 = vector.param("interval");
    let thresholds = Thresholds {
        up: vector.param("up"),
        ok: vector.param("ok"),
        down: vector.param("down"),
        interval_ms: interval_s * 1_000,
    };
    let mut health = Health::new(thresholds, seen(&vector.param::<String>("init")));
    let probes: String = vector.given("probes");
    let after: Vec<(String, u64)> = vector.wanted("after_each");
    assert_eq!(probes.len(), after.len(), "{}", vector.name);
    for (at, (probe, (state, next_s))) in probes.chars().zip(after).enumerate() {
        health.probe(probe == '1');
        let found = (health.seen(), health.next_change_ms());
        assert_eq!(found, (seen(&state), next_s * 1_000), "{}: probe {at}", vector.name);
    }
}

fn quorum(vector: &Vector) {
    let views: BTreeMap<Cloud, BTreeMap<Cloud, String>> = vector.given("views");
    let votes = PerCloud::from_fn(|observer| {
        let view = views.get(&observer)?;
        Some(View::from_fn(|cloud| view.get(&cloud).map_or(Seen::Unknown, |word| seen(word))))
    });
    let verdict = count(&votes);
    assert_eq!(verdict.mode(), vector.wanted::<Mode>("mode"), "{}", vector.name);
    let found: BTreeMap<Cloud, String> = match verdict {
        Verdict::FailStatic => BTreeMap::new(),
        Verdict::Decided(down) => {
            let word = |down: &bool| if *down { "DOWN" } else { "UP" }.to_owned();
            down.iter().map(|(cloud, down)| (cloud, word(down))).collect()
        }
    };
    let wanted: BTreeMap<Cloud, String> = vector.wanted("verdict");
    assert_eq!(found, wanted, "{}", vector.name);
}

fn damping(vector: &Vector) {
    let half_life_s: f64 = vector.param("half_life_s");
    let mut damping = Damping::new(Rule {
        penalty: vector.param("penalty"),
        half_life_ms: half_life_s * 1_000.0,
        suppress: vector.param("suppress"),
        reuse: vector.param("reuse"),
        cap: vector.param("cap"),
    });
    let events: Vec<(String, u64)> = vector.given("events");
    let after: Vec<(f64, bool)> = vector.wanted("after_each");
    assert_eq!(events.len(), after.len(), "{}", vector.name);
    for ((event, at_s), (points, held)) in events.into_iter().zip(after) {
        match event.as_str() {
            "down" => damping.fall(at_s * 1_000),
            "query" => damping.pass(at_s * 1_000),
            other => panic!("{}: no event {other}", vector.name),
        }
        vector.near(&format!("the points at {at_s} s"), damping.points(), points);
        assert_eq!(damping.is_held(), held, "{}: at {at_s} s", vector.name);
    }
}

fn spilling(vector: &Vector) {
    let found = spill(
        &vector.given("demand"),
        &vector.given("capacity"),
        &vector.given("scores"),
        vector.param("target_util"),
    );
    vector.near("the use", found.target_util, vector.wanted("target_util"));
    let wanted: BTreeMap<String, BTreeMap<Cloud, f64>> = vector.wanted("flow");
    assert_eq!(found.flow.len(), wanted.len(), "{}", vector.name);
    for (region, wanted) in wanted {
        vector.all_near(&region, &found.flow[&region], &wanted);
    }
    vector.all_near("shed", &found.shed, &vector.wanted("shed"));
}

fn weights(vector: &Vector) {
    let found = softmin(&vector.given("scores"), &vector.given("capacity"), vector.param("T_ms"));
    vector.all_near("weight", &found, &vector.wanted("weights"));
}

fn sticky(vector: &Vector) {
    let (keys, weights): (Vec<String>, _) = (vector.given("keys"), vector.given("weights"));
    let picks: Vec<Option<Cloud>> = keys.iter().map(|key| rendezvous(key, &weights)).collect();
    assert_eq!(picks, vector.wanted::<Vec<Option<Cloud>>>("picks"), "{}", vector.name);
}

fn ttl(vector: &Vector) {
    let limits = Limits { min_s: vector.param("min"), max_s: vector.param("max") };
    let next: Vec<u64> = vector.given("next_change_s");
    let found = ttl_s(next.into_iter().map(|next_s| next_s * 1_000), limits);
    assert_eq!(found, vector.wanted::<u32>("ttl"), "{}", vector.name);
}

fn matrix(vector: &Vector) {
    let choice = region::choose(
        vector.param::<Policy>("policy"),
        &vector.given("rtt_ms"),
        &vector.param("load"),
    );
    let choice = choice.expect("there are regions");
    assert_eq!(choice.picks, vector.wanted("pick"), "{}", vector.name);
    vector.near("the mean", choice.mean_ms, vector.wanted("mean_ms_per_region_pick"));
    let one = vector.wanted("mean_ms_best_single_cloud");
    vector.near("the mean of one cloud", choice.mean_ms_of_one_cloud, one);
}

/// Through the whole machine: everybody fails every probe, and the last good answer stands.
fn panicking(vector: &Vector) {
    if vector.param::<String>("fail") != "open" {
        return;
    }
    let state: BTreeMap<Cloud, String> = vector.given("state");
    let last_good: Vec<Cloud> = vector.given("last_good");
    let mut selector = Selector::new(Cloud::Gcp, Settings::default());
    let region = domain::fabric::selector::ANYWHERE.to_owned();
    selector.adopt(&last_good.iter().map(|cloud| (region.clone(), *cloud)).collect());
    for (cloud, word) in &state {
        for _ in 0..if word == "DOWN" { 3 } else { 0 } {
            selector.probe(*cloud, None, 0);
        }
    }
    selector.hear(Cloud::Aws, selector.report(), 0);
    let found = selector.evaluate(0);
    assert_eq!(found.mode, vector.wanted::<Mode>("mode"), "{}", vector.name);
    let answer = [found.regions[&region].pick];
    assert_eq!(answer.as_slice(), vector.wanted::<Vec<Cloud>>("answer"), "{}", vector.name);
}

fn bound(vector: &Vector) {
    let bound: Bound = serde_json::from_value(vector.params.clone()).expect("a bound");
    vector.near("detection", bound.detect_s(), vector.wanted("detect_s"));
    vector.near("the bound", bound.last_client_moves_s(), vector.wanted("last_client_moves_s"));
}

#[test]
fn a_majority_of_three_is_two() {
    assert_eq!(NEEDED, 2);
}
