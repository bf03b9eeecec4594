//! Anchors on a real chain of Ethereum's kind: from queued to final, through everything that a chain
//! and a crash can do.

use std::sync::Arc;

use domain::anchor::ethereum::{Keccak256, KnownBlock, ProofFile};
use domain::anchor::state::Stage;
use domain::anchor::{Publisher, Source, commitment};
use domain::cloud::Cloud;
use domain::receipt::Verdict;
use serde_json::{Value, json};
use server::anchor::ProofPart;
use server::anchor::publish::EthereumLimits;

use super::anvil::{Anvil, CONFIRMATIONS, ETHER};
use super::desk::{Breaking, Breaks, Desk, HOUR, MINUTE, SECOND, count, reason, shown, subject};
use super::gate::Gate;
use crate::clouds::TempFolder;
use crate::command::ternion;
use crate::three::Deployment;

const ETHEREUM: Publisher = Publisher::Ethereum;

async fn desk(clouds: &Deployment, anvil: &Anvil) -> Desk {
    Desk::open(clouds, Cloud::Gcp, anvil.client(Anvil::limits()))
}

fn hex_of(value: &Value) -> Vec<u8> {
    hex::decode(&value.as_str().expect("hex")[2..]).expect("hex")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_becomes_final_and_its_file_proves_it_to_a_stranger_who_asks_a_node() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("october"), ETHEREUM).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    assert!(sent.anchor.proof().is_none(), "nothing is proven yet");
    anvil.mine(1);
    desk.hurry_until_stage(id, "inBlock").await;
    anvil.mine(CONFIRMATIONS - 1);
    let done = desk.hurry_until_stage(id, "final").await;

    let taken = anvil.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(hex_of(&taken[0]["input"]), commitment(subject("october")));
    let [part]: [ProofPart; 1] = done.proof().try_into().expect("one file");
    assert_eq!(part.name, "ethereum.json");
    let file = ProofFile::parse(&part.bytes).expect("a proof");
    let there = anvil.node.ask("eth_getBlockByNumber", json!([taken[0]["blockNumber"], false]));
    let hash = Keccak256(hex_of(&there["hash"]).try_into().expect("32 bytes"));
    let known = KnownBlock { hash, source: Source::Verifier("the test's node".to_owned()) };
    assert_eq!(file.verify(Some(&known)).verdict, Verdict::Valid);
    assert_eq!(file.verify(None).verdict, Verdict::SelfConsistent);
    let tampered = ProofFile { hash: subject("november"), ..file };
    assert_eq!(tampered.verify(Some(&known)).verdict, Verdict::Invalid);

    let folder = TempFolder::new();
    let path = folder.0.join("ethereum.json");
    std::fs::write(&path, &part.bytes).expect("a file");
    let verify = |digest: &str, block: &str| {
        let path = path.to_str().expect("text");
        let network = ["verify", "--ethereum-chain", "31337", "--digest", digest];
        ternion(&[&network[..], &["--ethereum-block", block, path]].concat()).code
    };
    let (ours, other) = (subject("october").to_string(), subject("november").to_string());
    assert_eq!(verify(&ours, &hash.to_string()), 0);
    assert_eq!(verify(&other, &hash.to_string()), 1);
    assert_eq!(verify(&ours, &format!("0x{}", "00".repeat(32))), 1);
    let bare = ternion(&["verify", "--ethereum-chain", "31337", path.to_str().expect("text")]);
    assert_eq!(bare.code, 3, "{}", bare.out);

    // The cost is what was paid: 22 600 gas at the block's price, and less than was offered.
    let paid = done.anchor.cost();
    assert!(paid > 0 && paid <= done.anchor.attempts()[0].cost_max, "{paid}");
    let told = desk.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["kind"], &told[0]["publisher"]),
        (&json!("anchor.final"), &json!("ethereum"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_the_anchor_back_and_the_same_bytes_are_sent_again() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("reorganised"), ETHEREUM).await;
    desk.hurry_until_stage(id, "submitted").await;
    anvil.mine(2);
    let before = desk.hurry_until_stage(id, "inBlock").await;
    anvil.reorganise(2);
    let back = desk.hurry_until(id, "it waits again", |stored| {
        count(stored, "reorganised") == 1 && *stored.anchor.stage() == Stage::Submitted
    });
    let back = back.await;
    assert!(back.anchor.proof().is_none());
    desk.hurry_until(id, "it was sent again", |_| anvil.waiting().len() == 1).await;
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts(), before.anchor.attempts(), "one transaction, the same bytes");
    assert_eq!(anvil.taken().len(), 1);
    eprintln!("trace of a reorganisation: {:#?}", shown(&done).2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_node_dropped_is_sent_again_with_the_same_bytes() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("dropped"), ETHEREUM).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    let name = sent.anchor.attempts()[0].name.clone();
    anvil.drop_transaction(&name);
    assert!(anvil.waiting().is_empty());
    desk.hurry_until(id, "it was sent again", |_| anvil.waiting().len() == 1).await;
    assert_eq!(anvil.waiting()[0]["hash"], name.as_str());
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_is_too_low_is_raised_in_the_same_place_and_one_of_the_two_counts() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("raised"), ETHEREUM).await;
    desk.hurry_until_stage(id, "submitted").await;
    desk.later(3 * MINUTE);
    let raised =
        desk.hurry_until(id, "a higher fee", |stored| stored.anchor.attempts().len() == 2).await;
    let newest = raised.anchor.attempts()[1].name.clone();
    desk.hurry_until(id, "the node has it", |_| {
        anvil.waiting().first().is_some_and(|one| one["hash"] == newest.as_str())
    })
    .await;
    let waiting = anvil.waiting();
    assert_eq!((waiting.len(), &waiting[0]["nonce"]), (1, &json!("0x0")));
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(anvil.taken().len(), 1);
    let costs: Vec<u64> = done.anchor.attempts().iter().map(|one| one.cost_max).collect();
    assert!(costs[1] > costs[0], "{costs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_put_in_its_place_is_noticed_and_a_new_place_is_taken_once_that_is_sure() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("displaced"), ETHEREUM).await;
    let sent = desk.hurry_until_stage(id, "submitted").await;
    anvil.drop_transaction(&sent.anchor.attempts()[0].name);
    anvil.take_nonce(0, 20);
    anvil.mine(1);
    let shown_once =
        desk.hurry_until(id, "its place is taken", |stored| count(stored, "not for good yet") == 1);
    assert_eq!(shown_once.await.anchor.attempts().len(), 1, "nothing new before it is sure");
    anvil.mine(CONFIRMATIONS);
    desk.hurry_until(id, "a new place", |stored| stored.anchor.attempts().len() == 2).await;
    desk.hurry_until(id, "the node has it", |_| anvil.waiting().len() == 1).await;
    anvil.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
    let ours = hex::encode(commitment(subject("displaced")));
    let ours = anvil.taken().into_iter().filter(|one| one["input"] == format!("0x{ours}"));
    assert_eq!(ours.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_for_an_hour_delays_the_anchor_and_does_nothing_else() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let mut gate = Gate::to(&anvil.node.url).await;
    let client = Arc::new(anvil.by(&gate.url(), Anvil::limits()));
    let desk = Desk::open(&clouds, Cloud::Gcp, client);
    let id = desk.queue(subject("an hour"), ETHEREUM).await;
    desk.hurry_until_stage(id, "submitted").await;
    gate.shut().await;
    for _ in 0..12 {
        desk.later(HOUR / 12);
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }
    let away = desk.get(id).await;
    assert_eq!(*away.anchor.stage(), Stage::Submitted, "nobody's fault");
    let trouble = away.anchor.trouble().expect("no answer");
    assert!(trouble.words.contains("cannot be reached"), "{trouble:?}");
    assert!(desk.told().await.is_empty());
    gate.open();
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts().len(), 1);
    assert!(done.anchor.trouble().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_another_chain_is_given_nothing_and_the_reason_is_told_once() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let limits = EthereumLimits { chain_id: 1, ..Anvil::limits() };
    let desk = Desk::open(&clouds, Cloud::Gcp, anvil.client(limits));
    let id = desk.queue(subject("elsewhere"), ETHEREUM).await;
    let failed = desk.hurry_until_stage(id, "failed").await;
    assert!(reason(&failed).contains("is on chain 31337, and anchor.ethereum.chain_id is 1"));
    desk.later(HOUR);
    desk.until(id, "tried again", |stored| stored.anchor.due_at() > failed.anchor.due_at()).await;
    assert!(anvil.waiting().is_empty());
    let told = desk.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["kind"], "anchor.failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_account_is_named_and_the_anchor_goes_on_by_itself_once_it_is_filled() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    anvil.fund(0);
    let desk = desk(&clouds, &anvil).await;
    let id = desk.queue(subject("unfunded"), ETHEREUM).await;
    let failed = desk.hurry_until_stage(id, "failed").await;
    let said = reason(&failed);
    assert!(said.contains(&anvil.address()) && said.contains("has 0 ETH"), "{said}");
    assert!(failed.anchor.attempts().is_empty(), "nothing was signed");
    anvil.fund(u128::from(ETHER));
    desk.later(11 * MINUTE);
    desk.hurry_until_stage(id, "submitted").await;
    anvil.mine(CONFIRMATIONS);
    desk.hurry_until_stage(id, "final").await;
    let kinds: Vec<Value> =
        desk.told().await.into_iter().map(|told| told["kind"].clone()).collect();
    assert_eq!(kinds, ["anchor.failed", "anchor.final"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_sending_loses_nothing_and_sends_what_was_stored() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let breaking = Breaking::new(anvil.client(Anvil::limits()), Breaks::BeforeSending);
    let desk = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
    let id = desk.queue(subject("crash before"), ETHEREUM).await;
    desk.later(MINUTE);
    breaking.until_there().await;
    let stored = desk.get(id).await;
    assert_eq!(stored.anchor.attempts().len(), 1, "stored before it is sent");
    assert!(anvil.waiting().is_empty());
    let desk = desk.crash(&clouds, Cloud::Gcp, anvil.client(Anvil::limits())).await;
    desk.hurry_until(id, "it was sent", |_| anvil.waiting().len() == 1).await;
    assert_eq!(anvil.waiting()[0]["hash"], stored.anchor.attempts()[0].name.as_str());
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts(), stored.anchor.attempts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_sending_makes_no_second_transaction_even_if_the_first_is_in_a_block() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let breaking = Breaking::new(anvil.client(Anvil::limits()), Breaks::AfterSending);
    let desk = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
    let id = desk.queue(subject("crash after"), ETHEREUM).await;
    desk.later(MINUTE);
    breaking.until_there().await;
    assert_eq!(*desk.get(id).await.anchor.stage(), Stage::Queued, "nobody has noted it");
    anvil.mine(1);
    let desk = desk.crash(&clouds, Cloud::Gcp, anvil.client(Anvil::limits())).await;
    desk.hurry_until_stage(id, "inBlock").await;
    anvil.mine(CONFIRMATIONS);
    let done = desk.hurry_until_stage(id, "final").await;
    assert_eq!((done.anchor.attempts().len(), anvil.taken().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_has_cost_enough_waits_for_the_next() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    // Enough for one at 2 gwei and 22 600 gas, and not for two.
    let limits = EthereumLimits { month_max: 80_000_000_000_000, ..Anvil::limits() };
    let desk = Desk::open(&clouds, Cloud::Gcp, anvil.client(limits));
    let first = desk.queue(subject("first"), ETHEREUM).await;
    let sent = desk.hurry_until_stage(first, "submitted").await;
    assert!(sent.anchor.cost() > limits.month_max / 2, "{}", sent.anchor.cost());
    let second = desk.queue(subject("second"), ETHEREUM).await;
    let failed = desk.hurry_until_stage(second, "failed").await;
    let said = reason(&failed);
    assert!(said.contains("max_spend_eth_per_month are left"), "{said}");
    assert_eq!(anvil.waiting().len(), 1);
    anvil.mine(CONFIRMATIONS);
    desk.hurry_until_stage(first, "final").await;
    desk.later(32 * 24 * HOUR);
    desk.hurry_until_stage(second, "submitted").await;
    anvil.mine(2);
    assert_eq!(anvil.taken().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_it_would_have_sent_and_sends_nothing() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let limits = EthereumLimits { dry_run: true, ..Anvil::limits() };
    let desk = Desk::open(&clouds, Cloud::Gcp, anvil.client(limits));
    let id = desk.queue(subject("dry"), ETHEREUM).await;
    let failed = desk.hurry_until_stage(id, "failed").await;
    let said = reason(&failed);
    assert!(said.starts_with("dry run: 0x") && said.ends_with("was signed and not sent"), "{said}");
    desk.later(10 * SECOND);
    assert!(anvil.waiting().is_empty());
    let nonce = anvil.node.ask("eth_getTransactionCount", json!([anvil.address(), "pending"]));
    assert_eq!(nonce, "0x0");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_anchors_at_a_time_have_places_of_their_own() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let desk = desk(&clouds, &anvil).await;
    let one = desk.queue(subject("one"), ETHEREUM).await;
    let two = desk.queue(subject("two"), ETHEREUM).await;
    assert_eq!(desk.queue(subject("one"), ETHEREUM).await, one, "asked again, it is the same");
    desk.hurry_until_stage(one, "submitted").await;
    desk.hurry_until_stage(two, "submitted").await;
    anvil.mine(CONFIRMATIONS);
    desk.hurry_until_stage(one, "final").await;
    desk.hurry_until_stage(two, "final").await;
    let nonces: Vec<Value> = anvil.taken().into_iter().map(|one| one["nonce"].clone()).collect();
    assert_eq!(nonces, ["0x0", "0x1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_publishing_cloud_is_gone_another_sees_its_transaction_through_and_makes_none() {
    let Some(anvil) = Anvil::start() else { return };
    let clouds = Deployment::running().await;
    let breaking = Breaking::new(anvil.client(Anvil::limits()), Breaks::BeforeSending);
    let first = Desk::open(&clouds, Cloud::Gcp, breaking.clone());
    let second = Desk::open(&clouds, Cloud::Aws, anvil.client(Anvil::limits()));
    let id = first.queue(subject("handed on"), ETHEREUM).await;
    first.later(MINUTE);
    breaking.until_there().await;
    let chosen = first.get(id).await.anchor.attempts()[0].clone();
    drop(first);
    // The second cloud never holds the lease meanwhile; it learns what was chosen.
    assert_eq!(second.queue(subject("handed on"), ETHEREUM).await, id);
    second.hurry_until(id, "it was sent", |_| anvil.waiting().len() == 1).await;
    assert_eq!(anvil.waiting()[0]["hash"], chosen.name.as_str());
    anvil.mine(CONFIRMATIONS);
    let done = second.hurry_until_stage(id, "final").await;
    assert_eq!(done.anchor.attempts(), [chosen]);
    assert_eq!(anvil.taken().len(), 1);
}
