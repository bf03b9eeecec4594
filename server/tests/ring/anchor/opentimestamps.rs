//! Anchors by calendars: promises, proofs that grow, calendars that are away or never deliver.

use std::sync::Arc;

use domain::anchor::Publisher;
use domain::anchor::bitcoin::Network;
use domain::anchor::ots::Proof;
use domain::anchor::state::Stage;
use domain::cloud::Cloud;
use server::anchor::ProofPart;
use server::anchor::publish::{Blocks, Calendars, Endpoint, Explorers, Publish};

use super::bitcoin::ots_verify;
use super::calendar::Calendar;
use super::desk::{Breaking, Breaks, Desk, HOUR, MINUTE, reason, subject};
use super::explorer::Explorer;
use super::litecoin::Litecoin;
use crate::three::Deployment;

const CALENDARS: Publisher = Publisher::OpenTimestamps;
/// The usual depth on Bitcoin.
const CONFIRMATIONS: u64 = 6;

fn client(calendars: &[&Calendar], litecoin: Option<&Litecoin>) -> Arc<dyn Publish> {
    let endpoint = |one: &&Calendar| (one.url(), Endpoint::new(&one.url()).expect("an address"));
    let node =
        |litecoin: &Litecoin| Arc::new(litecoin.bitcoin_node(Network::Regtest)) as Arc<dyn Blocks>;
    let endpoints = calendars.iter().map(endpoint).collect();
    Arc::new(Calendars::new(endpoints, litecoin.map(node), Network::Regtest))
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_of_two_calendars_grow_to_a_proof_that_the_reference_program_accepts() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let (one, other) = (Calendar::start().await, Calendar::start().await);
    let desk = Desk::open(&clouds, Cloud::Gcp, client(&[&one, &other], Some(&litecoin)));
    let hash = subject("october");
    let id = desk.queue(hash, CALENDARS).await;
    let promised = desk.until_stage(id, "submitted").await;
    assert!(one.seen() == other.seen() && one.seen().len() == 1);
    assert!(!one.seen().contains(&hash.0), "they do not learn the hash");
    let [part]: [ProofPart; 1] = promised.proof().try_into().expect("a promise is a file, too");
    assert_eq!(Proof::parse(&part.bytes).expect("a proof").promises().len(), 2);

    one.seal(&litecoin);
    let grown = desk.hurry_until_stage(id, "inBlock").await;
    let Stage::InBlock { confirmations, .. } = grown.anchor.stage() else { panic!("{grown:?}") };
    assert!(*confirmations < CONFIRMATIONS);
    litecoin.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    let [part]: [ProofPart; 1] = done.proof().try_into().expect("one file");
    assert_eq!(part.name, "root.ots");
    let Some((accepted, said)) = ots_verify(&litecoin, hash, &part.bytes) else { return };
    eprintln!("ots verify, by a calendar: {said}");
    assert!(accepted && said.contains("Success! Bitcoin block"), "{said}");
    let mut tampered = part.bytes.clone();
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    let (accepted, said) = ots_verify(&litecoin, hash, &tampered).expect("installed");
    assert!(!accepted, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_calendar_that_is_away_holds_up_no_other() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let (one, mut gone) = (Calendar::start().await, Calendar::start().await);
    gone.shut().await;
    let desk = Desk::open(&clouds, Cloud::Gcp, client(&[&gone, &one], Some(&litecoin)));
    let id = desk.queue(subject("one of two"), CALENDARS).await;
    desk.until_stage(id, "submitted").await;
    one.seal(&litecoin);
    litecoin.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_never_delivers_is_told_after_two_days_and_asked_all_the_same() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let never = Calendar::start().await;
    let desk = Desk::open(&clouds, Cloud::Gcp, client(&[&never], Some(&litecoin)));
    let id = desk.queue(subject("never"), CALENDARS).await;
    desk.until_stage(id, "submitted").await;
    desk.later(47 * HOUR);
    desk.until(id, "it was asked", |_| never.asked() > 1).await;
    assert_eq!(*desk.get(id).await.anchor.stage(), Stage::Submitted);
    desk.later(2 * HOUR);
    let late = desk.until_stage(id, "failed").await;
    assert!(reason(&late).contains("it is still looked for"), "{}", reason(&late));
    let asked = never.asked();
    desk.later(16 * MINUTE);
    desk.until(id, "it is asked again", |_| never.asked() > asked).await;
    assert_eq!(desk.told().await.len(), 1, "told once");
    never.seal(&litecoin);
    litecoin.mine(CONFIRMATIONS);
    desk.hurry_until(id, "late is not never", |one| one.anchor.is_final()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_whose_block_nobody_of_ours_knows_is_kept_and_not_called_final() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let calendar = Calendar::start().await;
    let blind = client(&[&calendar], None);
    assert!(blind.place().contains("never final"), "{}", blind.place());
    let desk = Desk::open(&clouds, Cloud::Gcp, blind);
    let hash = subject("no node");
    let id = desk.queue(hash, CALENDARS).await;
    desk.until_stage(id, "submitted").await;
    calendar.seal(&litecoin);
    litecoin.mine(CONFIRMATIONS);
    let grown = desk.hurry_until(id, "the proof has grown", |stored| {
        let proof = stored.anchor.receipt().and_then(|bytes| Proof::parse(bytes).ok());
        proof.is_some_and(|proof| proof.paths().len() == 2)
    });
    let grown = grown.await;
    assert_eq!(*grown.anchor.stage(), Stage::Submitted);
    // The file is whole all the same: whoever has a node can check it.
    if let Some((accepted, said)) = ots_verify(&litecoin, hash, &grown.proof()[0].bytes) {
        assert!(accepted, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_explorers_that_agree_stand_for_a_node_and_one_that_does_not_holds_the_anchor_back() {
    let Some(litecoin) = Litecoin::start() else { return };
    let litecoin = Arc::new(litecoin);
    let clouds = Deployment::running().await;
    let calendar = Calendar::start().await;
    let (one, other) = (Explorer::over(&litecoin).await, Explorer::over(&litecoin).await);
    let endpoint = |url: &str| Endpoint::new(url).expect("an address");
    assert!(Explorers::new(vec![endpoint(&one.url)]).is_none(), "one alone is not believed");
    let both = Explorers::new(vec![endpoint(&one.url), endpoint(&other.url)]).expect("two");
    let endpoints = vec![(calendar.url(), endpoint(&calendar.url()))];
    let client = Calendars::new(endpoints, Some(Arc::new(both)), Network::Regtest);
    let desk = Desk::open(&clouds, Cloud::Gcp, Arc::new(client));
    let id = desk.queue(subject("explorers"), CALENDARS).await;
    desk.until_stage(id, "submitted").await;
    calendar.seal(&litecoin);
    litecoin.mine(CONFIRMATIONS);
    other.lie(true);
    let away = desk.hurry_until(id, "they differ", |stored| stored.anchor.trouble().is_some());
    let away = away.await;
    let words = &away.anchor.trouble().expect("trouble").words;
    assert!(words.contains("do not agree on block"), "{words}");
    assert_eq!(*away.anchor.stage(), Stage::Submitted);
    other.lie(false);
    desk.hurry_until_stage(id, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_promise_asks_again_for_the_same_digest() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let calendar = Calendar::start().await;
    let real = client(&[&calendar], Some(&litecoin));
    let breaking = Breaking::new(Arc::clone(&real), Breaks::AfterSending);
    let desk = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
    let id = desk.queue(subject("crash"), CALENDARS).await;
    breaking.until_there().await;
    let desk = desk.crash(&clouds, Cloud::Gcp, real).await;
    desk.until_stage(id, "submitted").await;
    let seen = calendar.seen();
    assert!(seen.len() == 2 && seen[0] == seen[1], "the same bytes");
    calendar.seal(&litecoin);
    litecoin.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
}
