//! Foresight on three real clouds: one of them asks the standing stresses, and what it proposes waits on
//! all of them alike, once.

use std::time::Duration;

use domain::catalog::Grounds;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::event::{Payload, TenantId};
use domain::pricing::book::{Case, Standing};
use domain::pricing::controls::Subject;
use serde_json::{Value, json};
use server::ledger::Submission;
use server::optimizer::{Optimizer, RunError};

use crate::clouds::PATIENCE;
use crate::three::{Deployment, submit_one};

fn submission(tenant: &str, payload: &Value) -> Submission {
    Submission {
        tenant_id: TenantId::try_from(tenant.to_owned()).expect("an id"),
        payload: Payload::from_value(payload).expect("an object"),
        event_id: None,
        region: None,
        created_at: None,
    }
}

async fn until(deployment: &Deployment, what: &str, is_so: impl Fn(&Deployment, Cloud) -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for cloud in Cloud::ALL {
        while !is_so(deployment, cloud) {
            assert!(tokio::time::Instant::now() < deadline, "{cloud} never saw: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Two tenants at azure, of whose list price its costs take 57 % and 30 %.
async fn business() -> Deployment {
    let deployment = Deployment::running().await;
    let yesterday = Timestamp::from_unix_ms(server::now().unix_ms() - 24 * 3_600_000);
    let mut words = vec![(
        "platform",
        json!({ "kind": "tier.put", "tier": "pro", "name": "Pro", "sla": { "bands": [] } }),
    )];
    for (tenant, model, cost) in [("thin", "m", "0.0000057"), ("thick", "n", "0.000003")] {
        words.push((
            "platform",
            json!({ "kind": "tenant.put", "tenantId": tenant, "name": tenant,
            "tier": "pro", "cloud": "azure", "region": "eu" }),
        ));
        words.push((
            "platform",
            json!({ "kind": "price.put", "tier": "pro", "provider": "azure",
            "model": model, "inputUsdPerMillion": "10", "outputUsdPerMillion": "10",
            "effectiveFrom": "2026-01-01T00:00:00Z" }),
        ));
        words.push((
            "platform",
            json!({ "kind": "cost.put", "provider": "azure", "model": model,
            "price": { "rates": { "inputUsdPerToken": cost, "outputUsdPerToken": cost } },
            "asOf": "2026-01-01T00:00:00Z" }),
        ));
        words.push((
            tenant,
            json!({ "kind": "usage", "provider": "azure", "model": model,
            "region": "eu", "inputTokens": 1_000_000, "outputTokens": 0, "latencyMs": 800.0,
            "requestedAt": yesterday }),
        ));
    }
    let mut last = None;
    for (tenant, payload) in &words {
        let accepted = submit_one(deployment.ledger(Cloud::Gcp), submission(tenant, payload)).await;
        last = Some(accepted.expect("recorded").slot);
    }
    let last = last.expect("some words");
    for cloud in Cloud::ALL {
        let projected = deployment.projection(cloud).until_projected(last);
        tokio::time::timeout(PATIENCE, projected).await.expect("it is known on every cloud");
    }
    deployment
}

/// What a cloud knows of the proposals about a tenant.
fn cases(deployment: &Deployment, cloud: Cloud, tenant: &str) -> Vec<Case> {
    let catalog = deployment.projection(cloud).catalog();
    let about = Subject::Tenant(TenantId::try_from(tenant.to_owned()).expect("an id"));
    catalog.book().cases().filter(|case| case.subject() == about).cloned().collect()
}

fn run_known(deployment: &Deployment, cloud: Cloud) -> u64 {
    deployment.projection(cloud).catalog().foresight().map_or(0, |run| run.value.run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dearer_provider_is_foreseen_once_and_the_same_proposal_waits_on_every_cloud() {
    let deployment = business().await;
    let report = deployment.optimizer(Cloud::Aws).foresee().await.expect("a run");
    assert_eq!((report.run.run, report.run.by, report.run.opened), (1, Cloud::Aws, 1));
    let dearer = &report.run.scenarios[0];
    assert_eq!((dearer.shock.name.as_str(), dearer.fell), ("OpenAI raises cost 30 %", 1));
    until(&deployment, "the run", |all, cloud| run_known(all, cloud) == 1).await;

    let waiting = cases(&deployment, Cloud::Gcp, "thin");
    let [case] = waiting.as_slice() else { panic!("one proposal, and not {waiting:?}") };
    assert_eq!(
        (case.grounds, case.standing(server::now())),
        (Grounds::Foresight, Standing::Pending)
    );
    let foresight = case.foresight.as_ref().expect("what is foreseen");
    assert_eq!((&foresight.shock, foresight.request.scenarios.len()), (&dearer.shock, 1));
    assert!(foresight.now.below_floor < 0.2 && foresight.stressed.below_floor > 0.8);
    assert!(foresight.after.below_floor < foresight.stressed.below_floor);
    for cloud in Cloud::ALL {
        assert_eq!(cases(&deployment, cloud, "thin"), waiting, "on {cloud}");
        assert!(cases(&deployment, cloud, "thick").is_empty(), "on {cloud}");
        let catalog = deployment.projection(cloud).catalog();
        assert_eq!(catalog.foresight().expect("a run").value, report.run, "on {cloud}");
    }

    // Asked again, elsewhere: it is known what waits.
    let again = deployment.optimizer(Cloud::Gcp).foresee().await.expect("another run");
    assert_eq!((again.run.run, again.run.opened), (2, 0));
    assert_eq!(again.run.scenarios[0].tenants[0].proposal_id, Some(case.id));
    until(&deployment, "the second run", |all, cloud| run_known(all, cloud) == 2).await;
    for cloud in Cloud::ALL {
        assert_eq!(cases(&deployment, cloud, "thin").len(), 1, "on {cloud}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clouds_that_are_asked_at_once_make_one_run() {
    let deployment = business().await;
    let (gcp, azure) = tokio::join!(
        deployment.optimizer(Cloud::Gcp).foresee(),
        deployment.optimizer(Cloud::Azure).foresee(),
    );
    let (done, refused): (Vec<_>, Vec<_>) = [gcp, azure].into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 1), "{done:?} {refused:?}");
    assert!(matches!(refused[0], Err(RunError::Elsewhere { .. })), "{refused:?}");
    until(&deployment, "the run", |all, cloud| run_known(all, cloud) == 1).await;
    for cloud in Cloud::ALL {
        assert_eq!(cases(&deployment, cloud, "thin").len(), 1, "on {cloud}");
    }
}

/// The number of a run of either kind, once nothing else is under way.
async fn number(optimizer: &Optimizer, foresees: bool) -> u64 {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let run = if foresees {
            optimizer.foresee().await.map(|report| report.run.run)
        } else {
            optimizer.run().await.map(|report| report.run.run)
        };
        match run {
            Ok(number) => return number,
            Err(RunError::Elsewhere { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the run before never came to be known");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_run_take_turns_and_each_gets_its_own() {
    let deployment = business().await;
    let turns =
        [(Cloud::Gcp, true), (Cloud::Azure, false), (Cloud::Azure, true), (Cloud::Aws, false)];
    for (before, (cloud, foresees)) in (0..).zip(turns) {
        assert_eq!(number(deployment.optimizer(cloud), foresees).await, before + 1, "on {cloud}");
    }
    for cloud in Cloud::ALL {
        assert!(cases(&deployment, cloud, "thin").len() <= 1, "on {cloud}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_and_the_stresses_at_once_propose_no_tenant_twice() {
    let deployment = business().await;
    let (looker, asker) = (deployment.optimizer(Cloud::Gcp), deployment.optimizer(Cloud::Azure));
    let (looked, foreseen) = tokio::join!(looker.run(), asker.foresee());
    assert!(looked.is_ok() || foreseen.is_ok(), "{looked:?} {foreseen:?}");
    let mut done = Vec::new();
    match looked {
        Ok(report) => done.push((report.run.run, report.slot)),
        Err(error) => assert!(matches!(error, RunError::Elsewhere { .. }), "{error}"),
    }
    match foreseen {
        Ok(report) => done.push((report.run.run, report.slot)),
        Err(error) => assert!(matches!(error, RunError::Elsewhere { .. }), "{error}"),
    }
    if let [looked, foreseen] = done.as_slice() {
        assert_ne!(looked.0, foreseen.0, "each has a turn of its own");
    }
    for cloud in Cloud::ALL {
        for (_, slot) in &done {
            let projected = deployment.projection(cloud).until_projected(*slot);
            tokio::time::timeout(PATIENCE, projected).await.expect("it is known on every cloud");
        }
        assert!(cases(&deployment, cloud, "thin").len() <= 1, "on {cloud}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_known_before_the_next_one_begins() {
    let deployment = business().await;
    let optimizer = deployment.optimizer(Cloud::Gcp);
    let first = optimizer.foresee().await.expect("a run");
    // Its event is recorded and may not be final yet: then nobody proposes the same once more.
    match optimizer.foresee().await {
        Ok(second) => assert_eq!((second.run.run, second.run.opened), (2, 0)),
        Err(error) => assert!(matches!(error, RunError::Elsewhere { by: Cloud::Gcp }), "{error}"),
    }
    deployment.projection(Cloud::Azure).until_projected(first.slot).await;
    assert_eq!(cases(&deployment, Cloud::Azure, "thin").len(), 1);
}
