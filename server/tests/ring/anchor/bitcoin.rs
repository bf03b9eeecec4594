//! Anchors on a real chain of Bitcoin's kind, and their proofs in the hands of the reference program.

use std::path::PathBuf;
use std::process::Command;

use domain::anchor::bitcoin::Network;
use domain::anchor::ots::Proof;
use domain::anchor::state::Stage;
use domain::anchor::{Publisher, commitment};
use domain::cloud::Cloud;
use domain::log::Hash;
use serde_json::json;
use server::anchor::ProofPart;
use server::anchor::publish::{Bitcoin, BitcoinLimits};

use super::desk::{Breaking, Breaks, Desk, HOUR, MINUTE, count, reason, shown, subject};
use super::litecoin::{CONFIRMATIONS, Litecoin};
use crate::clouds::TempFolder;
use crate::process::{of_python, skipped};
use crate::three::Deployment;

const BITCOIN: Publisher = Publisher::Bitcoin;

fn desk(clouds: &Deployment, litecoin: &Litecoin) -> Desk {
    Desk::open(clouds, Cloud::Gcp, litecoin.client(Litecoin::limits()))
}

/// The reference program.
pub fn ots() -> Option<PathBuf> {
    of_python("TERNION_OTS", "ots")
}

/// What `ots verify` says of a proof, asking the node for the block.
pub fn ots_verify(litecoin: &Litecoin, digest: Hash, proof: &[u8]) -> Option<(bool, String)> {
    let Some(ots) = ots() else {
        skipped("opentimestamps-client");
        return None;
    };
    let folder = TempFolder::new();
    let file = folder.0.join("proof.ots");
    std::fs::write(&file, proof).expect("a file");
    let output = Command::new(ots)
        .env("HOME", &folder.0)
        .args(["--btc-regtest", "--no-cache", "--bitcoin-node", &litecoin.url_with_login()])
        .args(["verify", "-d", &digest.to_string()])
        .arg(&file)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Some((output.status.success(), said))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_becomes_final_and_the_reference_program_accepts_its_proof_and_no_tampered_one() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &litecoin);
    let hash = subject("october");
    let id = desk.queue(hash, BITCOIN).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    assert_eq!(litecoin.waiting(), [sent.anchor.attempts()[0].name.clone()]);
    litecoin.mine(1);
    desk.hurry_until_stage(id, "inBlock").await;
    litecoin.mine(CONFIRMATIONS - 1);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(litecoin.taken(&commitment(hash)), 1);

    let [part]: [ProofPart; 1] = done.proof().try_into().expect("one file");
    assert_eq!(part.name, "bitcoin.ots");
    assert_eq!(Proof::parse(&part.bytes).expect("a proof").digest(), hash.0);
    let Some((accepted, said)) = ots_verify(&litecoin, hash, &part.bytes) else { return };
    eprintln!("ots verify, our proof: {said}");
    assert!(accepted && said.contains("Success! Bitcoin block"), "{said}");
    // One bit of the Merkle path, then another file's digest.
    let mut tampered = part.bytes.clone();
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    let (accepted, said) = ots_verify(&litecoin, hash, &tampered).expect("installed");
    eprintln!("ots verify, tampered: {said}");
    assert!(!accepted, "{said}");
    let (accepted, said) =
        ots_verify(&litecoin, subject("november"), &part.bytes).expect("installed");
    eprintln!("ots verify, another digest: {said}");
    assert!(!accepted, "{said}");
    let told = desk.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["kind"], "anchor.final");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_the_anchor_back_and_it_becomes_final_in_another_block() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &litecoin);
    let id = desk.queue(subject("reorganised"), BITCOIN).await;
    desk.hurry_until_stage(id, "submitted").await;
    litecoin.mine(1);
    let before = desk.hurry_until_stage(id, "inBlock").await;
    litecoin.reorganise(1);
    let back = desk.hurry_until(id, "it waits again", |stored| {
        count(stored, "reorganised") == 1 && *stored.anchor.stage() == Stage::Submitted
    });
    assert!(back.await.anchor.proof().is_none());
    litecoin.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts(), before.anchor.attempts(), "one transaction");
    eprintln!("trace of a reorganisation: {:#?}", shown(&done).2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_node_forgot_is_sent_again_and_a_new_cookie_is_read() {
    let Some(mut litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &litecoin);
    let id = desk.queue(subject("forgotten"), BITCOIN).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    litecoin.restart();
    desk.hurry_until(id, "it was sent again", |_| litecoin.waiting().len() == 1).await;
    assert_eq!(litecoin.waiting(), [sent.anchor.attempts()[0].name.clone()]);
    litecoin.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_is_too_low_is_raised_with_the_same_coins_and_one_of_the_two_counts() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &litecoin);
    let id = desk.queue(subject("raised"), BITCOIN).await;
    desk.hurry_until_stage(id, "submitted").await;
    desk.later(61 * MINUTE);
    let raised =
        desk.hurry_until(id, "a higher fee", |stored| stored.anchor.attempts().len() == 2).await;
    let newest = raised.anchor.attempts()[1].name.clone();
    desk.hurry_until(id, "the node has it alone", |_| litecoin.waiting() == [newest.clone()]).await;
    litecoin.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(litecoin.taken(&commitment(subject("raised"))), 1);
    let fees: Vec<u64> = done.anchor.attempts().iter().map(|one| one.cost_max).collect();
    assert!(fees[1] >= fees[0] * 2, "{fees:?}");
    assert_eq!(done.anchor.cost(), fees[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_that_a_stranger_spent_are_noticed_and_others_are_taken_once_that_is_sure() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &litecoin);
    let id = desk.queue(subject("displaced"), BITCOIN).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    litecoin.spend_its_coin(&sent.anchor.attempts()[0].bytes);
    desk.hurry_until(id, "its coins are taken", |stored| count(stored, "not for good yet") > 0)
        .await;
    litecoin.mine(CONFIRMATIONS);
    let anew = desk.hurry_until(id, "other coins", |stored| stored.anchor.attempts().len() == 2);
    assert!(count(&anew.await, "for good: a new one is made") == 1);
    desk.hurry_until(id, "the node has it", |_| litecoin.waiting().len() == 1).await;
    litecoin.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
    assert_eq!(litecoin.taken(&commitment(subject("displaced"))), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_another_chain_is_given_nothing() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let node = litecoin.bitcoin_node(Network::Mainnet);
    let client = std::sync::Arc::new(Bitcoin::new(node, Litecoin::limits()));
    let desk = Desk::open(&clouds, Cloud::Gcp, client);
    let id = desk.queue(subject("elsewhere"), BITCOIN).await;
    let failed = desk.hurry_until_stage(id, "failed").await;
    let said = reason(&failed);
    assert!(said.contains("on the chain \"regtest\", and anchor.bitcoin.network is \"mainnet\""));
    assert!(litecoin.waiting().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_wallet_is_named_and_the_anchor_goes_on_by_itself_once_it_is_filled() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    litecoin.empty_the_wallet();
    let desk = desk(&clouds, &litecoin);
    let id = desk.queue(subject("unfunded"), BITCOIN).await;
    let failed = desk.hurry_until_stage(id, "failed").await;
    assert!(reason(&failed).contains("too little in confirmed coins"), "{}", reason(&failed));
    litecoin.fill_the_wallet();
    desk.later(11 * MINUTE);
    desk.hurry_until_stage(id, "submitted").await;
    litecoin.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_either_side_of_sending_makes_one_transaction() {
    for at in [Breaks::BeforeSending, Breaks::AfterSending] {
        let Some(litecoin) = Litecoin::start() else { return };
        let clouds = Deployment::running().await;
        let breaking = Breaking::new(litecoin.client(Litecoin::limits()), at);
        let desk = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
        let id = desk.queue(subject("crash"), BITCOIN).await;
        desk.later(MINUTE);
        breaking.until_there().await;
        let stored = desk.get(id).await;
        assert_eq!(stored.anchor.attempts().len(), 1, "stored before it is sent");
        assert_eq!(litecoin.waiting().len(), usize::from(at == Breaks::AfterSending));
        let desk = desk.crash(&clouds, Cloud::Gcp, litecoin.client(Litecoin::limits())).await;
        desk.hurry_until_stage(id, "submitted").await;
        assert_eq!(litecoin.waiting(), [stored.anchor.attempts()[0].name.clone()]);
        litecoin.mine(CONFIRMATIONS);
        let done = desk.hurry_until_stage(id, "final").await;
        assert_eq!(done.anchor.attempts(), stored.anchor.attempts());
        assert_eq!(litecoin.taken(&commitment(subject("crash"))), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_dry_runs_are_kept_before_anything_is_sent() {
    let Some(litecoin) = Litecoin::start() else { return };
    let clouds = Deployment::running().await;
    let cases = [
        (BitcoinLimits { month_max: 10, ..Litecoin::limits() }, "max_spend_btc_per_month are left"),
        (BitcoinLimits { dry_run: true, ..Litecoin::limits() }, "was signed and not sent"),
        (BitcoinLimits { rate_max: 0, ..Litecoin::limits() }, "max_fee_sat_per_vbyte is 0"),
    ];
    for (limits, said) in cases {
        let desk = Desk::open(&clouds, Cloud::Gcp, litecoin.client(limits));
        let id = desk.queue(subject(said), BITCOIN).await;
        let failed = desk.hurry_until_stage(id, "failed").await;
        assert!(reason(&failed).contains(said), "{}", reason(&failed));
        desk.later(HOUR);
        desk.until(id, "tried again", |one| one.anchor.due_at() > failed.anchor.due_at()).await;
        assert!(litecoin.waiting().is_empty());
    }
    let balance = litecoin.ask("getbalance", json!([]));
    assert_eq!(balance.as_f64(), Some(150.0), "nothing was spent");
}
