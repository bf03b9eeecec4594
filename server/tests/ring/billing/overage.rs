//! Tokens beyond a cap on real Postgres: the same entries whatever was learnt first, moved by what comes
//! late, carried once the month is closed.

use domain::catalog::{Edition, Grounds, Known, ProposalApply, ProposalApprove, ProposalOpen};
use domain::pricing::approval::Facts;
use domain::pricing::controls::{Content, Controls};
use uuid::Uuid;

use super::*;

const HOUR_MS: u64 = 3_600_000;
/// When the decision about cap and overage is proposed: 3 October, 05:00 UTC.
const PROPOSED_MS: u64 = OCTOBER_MS + 2 * DAY_MS + 5 * HOUR_MS;

fn by(person: &str, known: &Known) -> Value {
    let mut payload = known.to_payload();
    payload["decidedBy"] = json!(person);
    payload
}

/// A cap of 2.5 million tokens with half as much again beyond it, in force from 3 October, 06:00 UTC.
fn decision() -> Vec<Line> {
    let controls = Controls {
        overage_of_list: Some(usd("1.5")),
        token_cap: Some(2_500_000),
        ..Controls::STANDARD
    };
    let content = Content::Controls { tenant_id: acme(), controls };
    let (proposal_id, version, hash) = (Uuid::from_u128(900), 1, content.hash());
    let edition = Edition {
        content,
        base_version: 0,
        policy_version: 0,
        rule: Some("everybody".to_owned()),
        facts: Facts::new(),
        expires_at: "2026-10-10T00:00:00Z".parse().expect("a time"),
        reason: "usage outgrows the plan".to_owned(),
    };
    let open = ProposalOpen { proposal_id, grounds: Grounds::Person, edition, foresight: None };
    let approve = |person| {
        let approve = ProposalApprove { proposal_id, version, hash, on_behalf_of: None };
        by(person, &Known::ProposalApprove(approve))
    };
    let apply = ProposalApply { proposal_id, version, hash, result_version: 1 };
    vec![
        line(GCP, 901, PROPOSED_MS, by("ada", &Known::ProposalOpen(Box::new(open)))),
        line(AWS, 902, PROPOSED_MS + 1, approve("bob")),
        line(AZURE, 903, PROPOSED_MS + 2, approve("cleo")),
        line(AWS, 904, PROPOSED_MS + HOUR_MS, Known::ProposalApply(apply).to_payload()),
    ]
}

/// Four requests of a million tokens at 3 dollars a million, told by two clouds: two before the
/// decision, one that passes the cap, one beyond it.
fn business() -> Vec<Line> {
    let mut lines = vec![
        line(GCP, 1, OCTOBER_MS, tenant("acme", "pro")),
        line(GCP, 2, OCTOBER_MS + 1, tier("pro", "0.25")),
        line(AWS, 3, OCTOBER_MS + 2, price("3", "2026-10-01T00:00:00Z")),
    ];
    lines.extend(decision());
    let used = [
        (AZURE, "2026-10-02T10:00:00Z"),
        (AWS, "2026-10-02T12:30:00Z"),
        (AZURE, "2026-10-05T00:00:00Z"),
        (AWS, "2026-10-20T07:00:00Z"),
        (AZURE, "2026-11-02T07:00:00Z"),
    ];
    for (number, (cloud, at)) in (10_u128..).zip(used) {
        lines.push(line(cloud, number, OCTOBER_MS + 5, usage(at, 1_000_000, true)).of("acme"));
    }
    lines
}

/// Half a million tokens of 4 October.
fn late() -> Line {
    line(GCP, 40, NOVEMBER_MS + 4, usage("2026-10-04T01:00:00Z", 500_000, true)).of("acme")
}

fn close_with(invoice: &str, overage: bool) -> Line {
    let mut payload = close("2026-10", &[("acme", invoice)]);
    if overage {
        payload["overage"] = json!(true);
    }
    line(GCP, 30, NOVEMBER_MS + 1, payload)
}

/// Day, tokens beyond the cap, and what they cost more.
async fn beyond(projection: &Projection, period: &str) -> Vec<(String, u64, String)> {
    let entries = entries(projection, period).await;
    let told = entries.iter().filter_map(|entry| match &entry.what {
        What::Overage(overage) => {
            Some((entry.day.to_string(), overage.beyond_tokens, entry.amount_usd().to_string()))
        }
        _ => None,
    });
    told.collect()
}

fn told(day: &str, beyond: u64, amount: &str) -> (String, u64, String) {
    (day.to_owned(), beyond, amount.to_owned())
}

#[tokio::test]
async fn tokens_beyond_the_cap_are_charged_alike_on_every_cloud_and_after_a_rebuild() {
    let mut lines = business();
    lines.push(late());
    let mut seen: Option<Digests> = None;
    for seed in 0..6 {
        let (database, projection) = projected(&lines, seed).await;
        let digests = projection.digests().await.expect("digests");
        assert_eq!(*seen.get_or_insert_with(|| digests.clone()), digests, "seed {seed}");
        // 4.5 million at 3 dollars, and half as much again for two million of them.
        assert_eq!(owed(&projection, "2026-10").await, usd("16.5"), "seed {seed}");
        projection::rebuild(&database.pool, |_| ()).await.expect("rebuilt");
        assert_eq!(projection.digests().await.expect("digests"), digests, "seed {seed}");
    }
}

#[tokio::test]
async fn late_usage_of_an_earlier_day_moves_what_a_later_day_has_beyond_the_cap() {
    let (database, projection) = projected(&business(), 1).await;
    let before = [told("2026-10-05", 500_000, "0.75"), told("2026-10-20", 1_000_000, "1.5")];
    assert_eq!(beyond(&projection, "2026-10").await, before);
    assert!(beyond(&projection, "2026-11").await.is_empty(), "a month counts from nothing");
    let mut whole: PerCloud<u64> = PerCloud::default();
    business().iter().for_each(|line| *whole.get_mut(line.origin) += 1);
    sqlx::query(
        "INSERT INTO ledger_event (origin, epoch, sequence, event_id, tenant_id, logical_clock, \
         region, created_at, payload, salt, hash, signature, kind) \
         SELECT origin, epoch, $1, $2, tenant_id, logical_clock, region, created_at, $3, salt, hash, \
         signature, kind FROM ledger_event \
         WHERE kind = 'usage' AND origin = $4 LIMIT 1",
    )
    .bind(i64::try_from(*whole.get(AZURE)).expect("small"))
    .bind(Uuid::from_u128(40))
    .bind(domain::json::canonical(&usage("2026-10-04T01:00:00Z", 500_000, true)))
    .bind(i16::from(AZURE.code()))
    .execute(&database.pool)
    .await
    .expect("a late entry");
    *whole.get_mut(AZURE) += 1;
    projection.catch_up(&marks(whole), &CancellationToken::new()).await.expect("applied");
    let after = [told("2026-10-05", 1_000_000, "1.5"), told("2026-10-20", 1_000_000, "1.5")];
    assert_eq!(beyond(&projection, "2026-10").await, after);
    let balances = projection.tenant_balances(Some(month("2026-10")), None, None, 10).await;
    let acme = balances.expect("read").remove(0);
    assert_eq!((acme.charges_usd, acme.overage_usd, acme.net_usd), {
        (usd("13.5"), usd("3"), usd("16.5"))
    });
}

#[tokio::test]
async fn a_missed_service_level_gives_back_its_share_of_the_overage_too() {
    let mut lines = business();
    let failed = usage("2026-10-21T00:00:00Z", 0, false);
    lines.push(line(AWS, 41, OCTOBER_MS + 9, failed).of("acme"));
    let (_database, projection) = projected(&lines, 2).await;
    let closings = projection.closings(month("2026-10")).await.expect("derived");
    assert!(closings[0].overage);
    // A quarter of 14.25 is given back.
    assert_eq!(closings[0].invoices[0].amount_usd, usd("10.69"));
}

#[tokio::test]
async fn what_is_found_after_the_closing_is_carried_with_its_overage() {
    let mut lines = business();
    lines.extend([close_with("14.25", true), late()]);
    for seed in [3, 4, 5] {
        let (_database, projection) = projected(&lines, seed).await;
        assert_eq!(owed(&projection, "2026-10").await, usd("14.25"), "what was invoiced");
        // 1.50 for the tokens, 0.75 since they moved the cap; and November's own 3 dollars.
        assert_eq!(owed(&projection, "2026-11").await, usd("5.25"), "seed {seed}");
    }
}

#[tokio::test]
async fn a_month_that_was_closed_before_there_was_overage_stays_without_it() {
    let mut lines = business();
    lines.push(close_with("12", false));
    for seed in [6, 7, 8] {
        let (_database, projection) = projected(&lines, seed).await;
        assert!(beyond(&projection, "2026-10").await.is_empty(), "seed {seed}");
        assert_eq!(owed(&projection, "2026-10").await, usd("12"));
        assert_eq!(owed(&projection, "2026-11").await, usd("3"), "nothing is carried");
    }
    // In conflict, the closing closes nothing, and the month is as any open one.
    lines.push(line(AWS, 30, NOVEMBER_MS + 2, close("2026-10", &[("acme", "1")])));
    let (_database, projection) = projected(&lines, 9).await;
    assert_eq!(owed(&projection, "2026-10").await, usd("14.25"));
}

#[tokio::test]
async fn a_decision_in_conflict_takes_its_overage_with_it() {
    let mut lines = business();
    let twin = json!({"kind": "weather", "sky": "clear"});
    lines.push(line(AZURE, 904, NOVEMBER_MS + 5, twin));
    for seed in [10, 11] {
        let (_database, projection) = projected(&lines, seed).await;
        assert!(beyond(&projection, "2026-10").await.is_empty(), "seed {seed}");
        assert_eq!(owed(&projection, "2026-10").await, usd("12"), "seed {seed}");
    }
}
