//! Grants across three clouds on real databases: races, stops, kills in the middle, lies.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::{Cloud, PerCloud};
use domain::epoch::Register;
use domain::grant::{Ballot, Decision, GrantId, Resource, Statement, Value, Version, Vote, Voters};
use domain::policy::Policy;
use server::grant::{GrantError, Grants};
use sqlx::PgPool;

use crate::clouds::PATIENCE;
use crate::three::Deployment;

/// Longer than a question between two clouds takes on a busy machine.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

fn resource(text: &str) -> Resource {
    text.parse().expect("a resource")
}

fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}

fn value(text: &str) -> Value {
    Value::from_json(&serde_json::json!({ "by": text })).expect("a value")
}

/// Looks until it is so.
async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "it never was so: {what}");
}

async fn until_known(grants: &Arc<Grants>, decision: &Decision) {
    until("a cloud knows the decision", || async {
        let known = grants.latest(&decision.grant().resource).await.expect("readable");
        known.is_some_and(|known| {
            known.grant() == decision.grant() && known.value() == decision.value()
        })
    })
    .await;
}

async fn count(pool: &PgPool, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(pool).await.expect("a count")
}

/// From now on this database takes promises, and no accept.
async fn refuse_accepts(pool: &PgPool) {
    let statement = "CREATE FUNCTION refuse_accept() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''not now''; END';
        CREATE TRIGGER refuse_accept BEFORE INSERT ON grant_vote
            FOR EACH ROW WHEN (NEW.accepts) EXECUTE FUNCTION refuse_accept()";
    sqlx::raw_sql(statement).execute(pool).await.expect("a trigger");
}

async fn take_accepts(pool: &PgPool) {
    let statement = "DROP TRIGGER refuse_accept ON grant_vote";
    sqlx::raw_sql(statement).execute(pool).await.expect("no trigger");
}

#[tokio::test(flavor = "multi_thread")]
async fn clouds_that_race_for_one_version_get_one_winner_everywhere_and_one_event_of_it() {
    let clouds = Deployment::running().await;
    let price = resource("routing/pro");
    for number in 1..=5 {
        let race = Cloud::ALL.map(|cloud| {
            let (grants, price) = (clouds.grants(cloud).clone(), price.clone());
            tokio::spawn(async move {
                grants.decide(&price, version(number), &value(cloud.name())).await.expect("decided")
            })
        });
        let mut winners = Vec::new();
        for racer in race {
            winners.push(racer.await.expect("no panic"));
        }
        assert!(winners.iter().all(|won| won.value() == winners[0].value()), "{winners:?}");
        assert!(Cloud::ALL.iter().any(|cloud| *winners[0].value() == value(cloud.name())));
        for cloud in Cloud::ALL {
            until_known(clouds.grants(cloud), &winners[0]).await;
        }
        recorded_once(&clouds, &winners[0]).await;
    }
}

/// Its event is FINAL, and says the same wherever it was recorded.
async fn recorded_once(clouds: &Deployment, decision: &Decision) {
    let (ledger, id) = (clouds.ledger(Cloud::Azure), decision.grant().event_id());
    until("the decision is a final event", || async {
        let found = ledger.find(id).await.expect("readable");
        found.iter().any(|record| clouds.marks(Cloud::Azure).is_final(record.slot))
    })
    .await;
    for record in ledger.find(id).await.expect("readable") {
        let payload: serde_json::Value =
            serde_json::from_slice(record.event.payload.bytes()).expect("JSON");
        assert_eq!(payload["kind"], "grant.decided");
        assert_eq!(payload["resource"], decision.grant().resource.to_string());
        assert_eq!(payload["version"], decision.grant().version.number());
        assert_eq!(payload["value"], decision.value().to_json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_decide_and_the_third_learns_when_it_returns() {
    let mut clouds = Deployment::running().await;
    clouds.stop(Cloud::Azure).await;
    let policy = resource("routing/margins");
    let decide = |cloud: Cloud, number| {
        let (grants, policy) = (clouds.grants(cloud).clone(), policy.clone());
        async move { grants.decide(&policy, version(number), &value(cloud.name())).await }
    };
    let first = decide(Cloud::Gcp, 1).await.expect("two are enough");
    let second = decide(Cloud::Aws, 2).await.expect("two are enough");
    assert_eq!(*second.signers(), PerCloud { gcp: true, aws: true, azure: false });
    clouds.start(Cloud::Azure).await;
    until_known(clouds.grants(Cloud::Azure), &second).await;
    let again = clouds.grants(Cloud::Azure).decide(&policy, version(1), &value("azure")).await;
    assert_eq!(again.expect("decided").value(), first.value());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_cloud_decides_nothing_until_a_second_one_votes() {
    let mut clouds = Deployment::new().await;
    clouds.start(Cloud::Gcp).await;
    let approval = resource("approval/7");
    let (grants, wanted) = (clouds.grants(Cloud::Gcp).clone(), approval.clone());
    let deciding =
        tokio::spawn(async move { grants.decide(&wanted, version(1), &value("gcp")).await });
    let gcp = clouds.databases.gcp.pool.clone();
    until("it has voted for itself", || async {
        count(&gcp, "SELECT count(*) FROM grant_vote").await > 0
    })
    .await;
    assert!(clouds.grants(Cloud::Gcp).latest(&approval).await.expect("readable").is_none());
    clouds.start(Cloud::Aws).await;
    let decided = deciding.await.expect("no panic").expect("decided");
    assert_eq!(*decided.value(), value("gcp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_proposer_prepared_and_nobody_accepted_is_free_for_another() {
    let mut clouds = Deployment::running().await;
    for cloud in Cloud::ALL {
        refuse_accepts(&clouds.databases.get(cloud).pool).await;
    }
    let approval = resource("approval/7");
    let (grants, wanted) = (clouds.grants(Cloud::Gcp).clone(), approval.clone());
    let deciding =
        tokio::spawn(async move { grants.decide(&wanted, version(1), &value("gcp")).await });
    let aws = clouds.databases.aws.pool.clone();
    until("a promise is given", || async {
        count(&aws, "SELECT count(*) FROM grant_vote").await > 0
    })
    .await;
    deciding.abort();
    clouds.kill(Cloud::Gcp);
    // What it had asked of the others before is refused by then.
    tokio::time::sleep(ON_ITS_WAY).await;
    for cloud in [Cloud::Aws, Cloud::Azure] {
        take_accepts(&clouds.databases.get(cloud).pool).await;
    }
    let decided = clouds.grants(Cloud::Azure).decide(&approval, version(1), &value("azure")).await;
    assert_eq!(*decided.expect("two are left").value(), value("azure"));
}

/// gcp proposes "gcp", aws accepts it, and gcp hears of nothing more.
async fn accepted_by_aws_alone(clouds: &Deployment, price: &Resource) {
    for cloud in [Cloud::Gcp, Cloud::Azure] {
        refuse_accepts(&clouds.databases.get(cloud).pool).await;
    }
    let (grants, wanted) = (clouds.grants(Cloud::Gcp).clone(), price.clone());
    let deciding =
        tokio::spawn(async move { grants.decide(&wanted, version(1), &value("gcp")).await });
    let aws = clouds.databases.aws.pool.clone();
    until("one cloud has accepted", || async {
        count(&aws, "SELECT count(*) FROM grant_vote WHERE accepts").await > 0
    })
    .await;
    deciding.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_cloud_accepted_of_a_killed_proposer_is_finished_by_another_after_its_restart() {
    let mut clouds = Deployment::running().await;
    let price = resource("routing/pro");
    accepted_by_aws_alone(&clouds, &price).await;
    clouds.kill(Cloud::Gcp);
    // Connections outlive a server that is dropped: without its votes the cloud is gone for good.
    clouds.databases.gcp.refuse_connections(true).await;
    clouds.kill(Cloud::Aws);
    clouds.start(Cloud::Aws).await;
    take_accepts(&clouds.databases.azure.pool).await;
    let decided = clouds.grants(Cloud::Azure).decide(&price, version(1), &value("azure")).await;
    let decided = decided.expect("two are left");
    assert_eq!(*decided.value(), value("gcp"), "what may have been decided is not overturned");
    // And the first to record it is gone: another does.
    recorded_once(&clouds, &decided).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_are_never_changed() {
    let clouds = Deployment::running().await;
    let grants = clouds.grants(Cloud::Gcp);
    grants.decide(&resource("approval/7"), version(1), &value("gcp")).await.expect("decided");
    for statement in ["DELETE FROM grant_vote", "UPDATE grant_vote SET note = ''"] {
        let changed = sqlx::query(statement).execute(&clouds.databases.gcp.pool).await;
        assert!(changed.expect_err("append-only").to_string().contains("append-only"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_waits_for_the_one_before_where_the_resource_asks_for_it() {
    let clouds = Deployment::running().await;
    let grants = clouds.grants(Cloud::Gcp);
    let early = grants.decide(&resource("routing/pro"), version(2), &value("gcp")).await;
    assert!(matches!(early, Err(GrantError::TooEarly(_))), "{early:?}");
    let any = grants.decide(&resource("approval/7"), version(2), &value("gcp")).await;
    assert_eq!(*any.expect("decided").value(), value("gcp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_holds_for_a_stranger_who_has_the_policy_file_alone() {
    let clouds = Deployment::running().await;
    let grants = clouds.grants(Cloud::Aws);
    let decided = grants.decide(&resource("routing/pro"), version(1), &value("aws")).await;
    let decided = decided.expect("decided");
    let file = clouds.ledger(Cloud::Aws).policy().to_string();
    let stranger = Voters::of_policy(&Policy::parse(&file).expect("a policy")).expect("voters");
    let read = stranger.read_decision(value("aws"), &decided.note());
    assert_eq!(read.expect("it holds").grant(), decided.grant());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_passes_on_with_a_greater_token_when_its_holder_is_gone() {
    let mut clouds = Deployment::running().await;
    let ttl = Duration::from_secs(2);
    let mut gcp = clouds.grants(Cloud::Gcp).lease("anchor-publisher", ttl).expect("a claim");
    let first = gcp.until_held().await;
    let mut aws = clouds.grants(Cloud::Aws).lease("anchor-publisher", ttl).expect("a claim");
    let lease = resource("lease/anchor-publisher");
    let watcher = clouds.grants(Cloud::Azure).clone();
    until("it was renewed", || async {
        let newest = watcher.latest(&lease).await.expect("readable");
        newest.is_some_and(|newest| newest.grant().version > first)
    })
    .await;
    assert!(gcp.token().is_some_and(|token| token > first), "renewed, with a greater token");
    assert_eq!(aws.token(), None);
    let last = gcp.token();
    drop(gcp);
    clouds.stop(Cloud::Gcp).await;
    let next = tokio::time::timeout(PATIENCE, aws.until_held()).await.expect("it passes on");
    assert!(Some(next) > last);
    let wrong = clouds.grants(Cloud::Aws).lease("a b", ttl);
    assert!(matches!(wrong, Err(GrantError::Name(_))));
    let short = clouds.grants(Cloud::Aws).lease("a", Duration::from_millis(10));
    assert!(matches!(short, Err(GrantError::LeaseTime)));
}

/// Two clouds' votes for another value, as only their keys can make them.
fn second_decision(clouds: &Deployment, first: &Decision) -> Decision {
    let voters = Voters::of_register(&Register::new(clouds.roster.genesis()));
    let GrantId { resource, version } = first.grant().clone();
    let ballot = Ballot::after(Some(first.ballot()), Cloud::Aws).expect("a ballot");
    let accept = |by: Cloud| {
        let statement = Statement::Accept { value: value("forged").hash() };
        let grant = GrantId { resource: resource.clone(), version };
        let vote = Vote { grant, by, ballot, statement };
        voters.sign(vote, 1, &clouds.keys.get(by).cosigner)
    };
    let accepts = [accept(Cloud::Aws), accept(Cloud::Azure)];
    voters.decision(value("forged"), &accepts).expect("two accepts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_proof_of_another_winner_is_kept_as_evidence_and_not_followed() {
    let mut clouds = Deployment::running().await;
    clouds.stop(Cloud::Aws).await;
    let price = resource("routing/pro");
    let first = clouds.grants(Cloud::Gcp).decide(&price, version(1), &value("gcp")).await;
    let first = first.expect("decided");
    let second = second_decision(&clouds, &first);
    sqlx::query(
        "INSERT INTO grant_decision (resource, version, value, note, proposer, learnt_at, position)
         VALUES ($1, 1, $2, $3, 2, now(), nextval('grant_position'))",
    )
    .bind(price.to_string())
    .bind(second.value().bytes())
    .bind(second.note())
    .execute(&clouds.databases.aws.pool)
    .await
    .expect("a lie");
    clouds.start(Cloud::Aws).await;
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        let pool = clouds.databases.get(cloud).pool.clone();
        until("the other proof is kept", || async {
            count(&pool, "SELECT count(*) FROM grant_conflict").await == 1
        })
        .await;
    }
    let known = clouds.grants(Cloud::Gcp).latest(&price).await.expect("readable");
    assert_eq!(known.expect("known").value(), first.value());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_was_put_back_leaves_what_was_open_to_the_others_and_votes_on_what_comes() {
    let mut clouds = Deployment::running().await;
    clouds.stop(Cloud::Aws).await;
    clouds.databases.aws.back_up().await;
    clouds.start(Cloud::Aws).await;
    let price = resource("routing/pro");
    accepted_by_aws_alone(&clouds, &price).await;
    let aws = clouds.databases.aws.pool.clone();
    let recorded = clouds.record(Cloud::Aws, 3).await[2];
    clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(recorded.slot)).await;
    clouds.stop(Cloud::Aws).await;
    clouds.databases.aws.restore().await;
    clouds.start(Cloud::Aws).await;
    until("it has returned", || async {
        count(&aws, "SELECT count(*) FROM grant_return").await == 1
    })
    .await;
    let left = clouds.grants(Cloud::Aws).decide(&price, version(1), &value("aws")).await;
    assert!(matches!(left, Err(GrantError::Left(_))), "{left:?}");
    for cloud in [Cloud::Gcp, Cloud::Azure] {
        take_accepts(&clouds.databases.get(cloud).pool).await;
    }
    let first = clouds.grants(Cloud::Azure).decide(&price, version(1), &value("azure")).await;
    let first = first.expect("two others are left");
    assert_eq!(*first.signers(), PerCloud { gcp: true, aws: false, azure: true });
    assert_eq!(count(&aws, "SELECT count(*) FROM grant_vote").await, 0, "it did not vote again");
    clouds.stop(Cloud::Gcp).await;
    let second = clouds.grants(Cloud::Azure).decide(&price, version(2), &value("azure")).await;
    assert!(second.expect("decided").signers().aws);
}
