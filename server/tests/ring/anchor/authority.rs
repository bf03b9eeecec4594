//! Anchors by a time-stamping authority, checked by openssl too.

use std::time::Duration;

use domain::anchor::Publisher;
use domain::anchor::rfc3161::{Certificate, TimeStamp, verify};
use domain::anchor::state::Stage;
use domain::cloud::Cloud;
use domain::receipt::Verdict;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;

use super::desk::{Breaking, Breaks, Desk, MINUTE, reason, subject};
use super::responder::Responder;
use crate::clouds::PATIENCE;
use crate::three::Deployment;

const RFC3161: Publisher = Publisher::Rfc3161;

fn root(responder: &Responder) -> Certificate {
    let pem = std::fs::read(responder.root()).expect("a file");
    let der = CertificateDer::from_pem_slice(&pem).expect("PEM");
    Certificate::parse(&der).expect("a certificate")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_is_final_at_once_and_openssl_accepts_it_and_no_tampered_one() {
    let Some(responder) = Responder::start().await else { return };
    let clouds = Deployment::running().await;
    let desk = Desk::open(&clouds, Cloud::Gcp, responder.client());
    let hash = subject("october");
    let id = desk.queue(hash, RFC3161).await;
    let done = desk.until_stage(id, "final").await;
    let Stage::Final { place } = done.anchor.stage() else { panic!("{done:?}") };
    assert!(place.height.is_none() && !place.name.is_empty());
    let parts = done.proof();
    let names: Vec<_> = parts.iter().map(|part| part.name).collect();
    assert_eq!(names, ["root.tsq", "root.tsr", "authority.pem"]);
    let stamp = &parts[1].bytes;
    let (accepted, said) = responder.verify(stamp, &hash.to_string(), &[]);
    eprintln!("openssl ts -verify, ours: {said}");
    assert!(accepted && said.contains("Verification: OK"), "{said}");
    let mut tampered = stamp.clone();
    let at = tampered.len() - 10;
    tampered[at] ^= 1;
    let (accepted, said) = responder.verify(&tampered, &hash.to_string(), &[]);
    eprintln!("openssl ts -verify, tampered: {said}");
    assert!(!accepted, "{said}");
    let (accepted, said) = responder.verify(stamp, &subject("november").to_string(), &[]);
    eprintln!("openssl ts -verify, another hash: {said}");
    assert!(!accepted && said.contains("message imprint mismatch"), "{said}");
    assert_eq!(desk.told().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_of_a_certificate_that_has_ended_since_holds_as_of_its_own_time() {
    let now = OffsetDateTime::now_utc();
    let ends = now + time::Duration::seconds(12);
    let Some(responder) = Responder::valid(now - time::Duration::hours(1), ends).await else {
        return;
    };
    let clouds = Deployment::running().await;
    let desk = Desk::open(&clouds, Cloud::Gcp, responder.client());
    let hash = subject("before the end");
    let id = desk.queue(hash, RFC3161).await;
    let done = desk.until_stage(id, "final").await;
    let left = (ends - OffsetDateTime::now_utc()).try_into().unwrap_or(Duration::ZERO);
    tokio::time::sleep(left + Duration::from_secs(2)).await;
    let stamp = &done.proof()[1].bytes;
    let read = TimeStamp::parse(stamp).expect("a stamp");
    let checked = verify(&read, Some(&hash.0), None, &[root(&responder)]);
    assert_eq!(checked.verdict, Verdict::Valid, "{}", checked.sentence);
    let (accepted, said) = responder.verify(stamp, &hash.to_string(), &[]);
    assert!(!accepted && said.contains("certificate has expired"), "{said}");
    let at = (read.time().unix_ms() / 1000).to_string();
    let (accepted, said) = responder.verify(stamp, &hash.to_string(), &["-attime", &at]);
    assert!(accepted, "{said}");
    // What it stamps from now on is not taken.
    let late = desk.queue(subject("after the end"), RFC3161).await;
    let failed = desk.until_stage(late, "failed").await;
    assert!(failed.anchor.proof().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_here_trusts_is_not_believed() {
    let Some(responder) = Responder::start().await else { return };
    let Some(other) = Responder::start().await else { return };
    let clouds = Deployment::running().await;
    let desk = Desk::open(&clouds, Cloud::Gcp, responder.trusting(&other.root()));
    let id = desk.queue(subject("stranger"), RFC3161).await;
    let failed = desk.until_stage(id, "failed").await;
    assert!(reason(&failed).contains("The authority is vouched for"), "{}", reason(&failed));
    assert!(failed.anchor.receipt().is_none(), "what does not hold is not kept");
    let desk = desk.crash(&clouds, Cloud::Gcp, responder.client()).await;
    desk.later(11 * MINUTE);
    desk.hurry_until_stage(id, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_asking_and_noting_asks_again_with_the_same_request() {
    let Some(responder) = Responder::start().await else { return };
    let clouds = Deployment::running().await;
    let breaking = Breaking::new(responder.client(), Breaks::AfterSending);
    let desk = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
    let id = desk.queue(subject("crash"), RFC3161).await;
    breaking.until_there().await;
    let asked = desk.get(id).await.anchor.attempts().to_vec();
    let desk = desk.crash(&clouds, Cloud::Gcp, responder.client()).await;
    let done = desk.until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_clouds_agree_on_is_stamped_by_itself_and_openssl_accepts_it() {
    let Some(responder) = Responder::start().await else { return };
    let mut clouds = Deployment::new().await;
    clouds.publish_at(Cloud::Gcp, responder.client());
    for cloud in Cloud::ALL {
        clouds.start(cloud).await;
    }
    clouds.record(Cloud::Aws, 5).await;
    let period = "2026-10".parse().expect("a month");
    clouds.snapshots(Cloud::Aws).take(period).await.expect("decided");
    let stamped = async {
        loop {
            let stored = clouds.anchors(Cloud::Gcp).list(None, 10).await.expect("readable");
            if let Some(one) = stored.into_iter().find(|one| one.anchor.is_final()) {
                return one;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let stamped = tokio::time::timeout(PATIENCE, stamped).await.expect("it is stamped");
    let snapshot = clouds.snapshots(Cloud::Gcp).of_period(period).await.expect("readable");
    let agreed = snapshot.and_then(|it| it.standing.agreed()).expect("agreed");
    assert_eq!((stamped.subject, stamped.period.as_str()), (agreed, "2026-10"));
    let parts = stamped.proof();
    let stamp = parts.iter().find(|part| part.name == "root.tsr").expect("a stamp");
    let (accepted, said) = responder.verify(&stamp.bytes, &agreed.to_string(), &[]);
    assert!(accepted, "{said}");
}
