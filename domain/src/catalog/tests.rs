//! What reads, what is refused, and by which field.

use super::*;
use crate::event::Slot;
use serde_json::json;

fn usage() -> Value {
    json!({
        "kind": "usage", "provider": "azure", "model": "gpt-4o", "region": "eu",
        "inputTokens": 374, "outputTokens": 44, "requestedAt": "2026-11-22T12:00:00Z",
        "workload": "conv"
    })
}

#[test]
fn a_usage_payload_may_carry_more_than_is_metered() {
    assert!(matches!(Known::read(&usage()), Ok(Some(Known::Usage(_)))));
}

#[test]
fn wrong_fields_are_named() {
    let mut late = usage();
    late["latencyMs"] = json!(-1);
    assert_eq!(Known::read(&late).expect_err("negative").field, "/latencyMs");
    let mut missing = usage();
    missing.as_object_mut().expect("object").remove("model");
    assert_eq!(Known::read(&missing).expect_err("missing").field, "/model");
    let unknown = json!({"kind": "user.put", "login": "a", "name": "A", "role": "admin", "x": 1});
    assert_eq!(Known::read(&unknown).expect_err("unknown").field, "/x");
}

#[test]
fn other_kinds_are_left_alone_and_misspelt_decisions_are_not() {
    assert_eq!(Known::read(&json!({"kind": "weather", "x": 1})), Ok(None));
    assert_eq!(Known::read(&json!({"x": 1})), Ok(None));
    assert!(Known::read(&json!({"kind": "tenant.putt"})).is_err());
}

#[test]
fn a_decision_reads_back_from_its_payload() {
    let tier = Known::TierPut(TierPut {
        tier: "pro".into(),
        name: "Pro".into(),
        sla: Sla {
            bands: vec![
                SlaBand { min_uptime_pct: Decimal::new(999, 1), credit: Decimal::ZERO },
                SlaBand { min_uptime_pct: Decimal::ZERO, credit: Decimal::new(1, 1) },
            ],
            latency_p99_ms: None,
        },
    });
    assert_eq!(Known::read(&tier.to_payload()), Ok(Some(tier)));
}

#[test]
fn a_decided_grant_reads_back_and_a_version_that_cannot_be_is_refused() {
    let payload = |version: u64| {
        json!({"kind": "grant.decided", "resource": "price/pro", "version": version,
            "value": {"input": "0.36"}})
    };
    let read = Known::read(&payload(7)).expect("valid").expect("known");
    assert_eq!(read.to_payload(), payload(7));
    assert!(is_recorded_by_clouds("grant.decided") && !is_recorded_by_clouds("user.put"));
    assert!(Known::read(&payload(0)).is_err());
}

#[test]
fn a_decision_about_held_things_needs_a_reason_and_reads_back() {
    let resolve = json!({
        "kind": "conflict.resolve", "tenantId": "acme", "reason": "the invoice says so",
        "eventId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b",
        "slot": {"origin": "aws", "epoch": 1, "sequence": 7}
    });
    let read = Known::read(&resolve).expect("valid").expect("known");
    assert_eq!(read.to_payload(), resolve);
    let Known::ConflictResolve(read) = read else { panic!("{read:?}") };
    assert_eq!(read.slot, Slot::parse("aws/1/7"));
    for reason in [json!(""), json!(" "), json!("a\nb"), json!("r".repeat(501)), json!(7)] {
        let mut wrong = resolve.clone();
        wrong["reason"] = reason;
        assert!(Known::read(&wrong).is_err(), "{wrong}");
    }
    let reject = json!({"kind": "quarantine.reject", "reason": "forged",
        "itemId": "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b"});
    assert!(matches!(Known::read(&reject), Ok(Some(Known::QuarantineReject(_)))));
    assert!(is_decision("quarantine.release") && is_decision("conflict.resolve"));
}

#[test]
fn a_decision_about_keys_says_why_and_no_person_says_that_a_log_was_restored() {
    let begin = |reason: &str, comment: &str| {
        json!({"kind": "key.begin", "origin": "gcp", "epoch": 2, "reason": reason,
            "comment": comment})
    };
    let read = Known::read(&begin("keyStolen", "a laptop was lost")).expect("valid");
    assert_eq!(read.expect("known").to_payload(), begin("keyStolen", "a laptop was lost"));
    assert_eq!(Known::read(&begin("restored", "x")).expect_err("ours").field, "/reason");
    assert_eq!(Known::read(&begin("rotation", " ")).expect_err("blank").field, "/comment");
    let gone = json!({"kind": "key.gone", "cloud": "aws", "reason": ""});
    assert_eq!(Known::read(&gone).expect_err("no reason").field, "/reason");
}

#[test]
fn a_decision_may_say_who_made_it() {
    let mut user = json!({"kind": "user.put", "login": "a", "name": "A", "role": "admin"});
    user["decidedBy"] = json!("b@ternion.example");
    assert!(matches!(Known::read(&user), Ok(Some(Known::UserPut(_)))));
    user["decidedBy"] = json!(7);
    assert_eq!(Known::read(&user).expect_err("no login").field, "/decidedBy");
}

#[test]
fn an_sla_ladder_that_does_not_fall_is_refused() {
    let band = |min: &str| json!({"minUptimePct": min, "credit": "0.1"});
    let tier = |bands: Value| json!({"kind": "tier.put", "tier": "pro", "name": "Pro", "sla": {"bands": bands}});
    assert!(Known::read(&tier(json!([band("99"), band("99.9"), band("0")]))).is_err());
    assert!(Known::read(&tier(json!([band("99.9"), band("95")]))).is_err());
    assert!(Known::read(&tier(json!([band("99.9"), band("0")]))).is_ok());
}
