//! Anchors on a chain that reorganises, drops and fills up, driven by somebody who crashes.
//!
//! The chain is a small one, and its blocks are real: RLP headers over real transaction tries, so
//! that what is called proven here was proven.

use std::collections::{BTreeMap, BTreeSet};

use domain::anchor::ethereum::rlp::{encode_bytes, encode_list, encode_number};
use domain::anchor::ethereum::{
    Call, HexBytes, Keccak256, KnownBlock, PROOF_FORMAT, ProofFile, Transaction, trie,
};
use domain::anchor::state::{
    Act, Anchor, Attempt, Outcome, Proven, Refusal, RefusalKind, Rules, Sighting, Stage,
};
use domain::anchor::{Source, commitment};
use domain::clock::Timestamp;
use domain::log::Hash;
use proptest::prelude::*;

const SUBJECT: Hash = Hash([0x5a; 32]);
const CHAIN: u64 = 31_337;
const SECOND: i64 = 1_000;
const START: i64 = 1_763_815_266_902;
/// Every pause of the rules fits in several times.
const STEPS_TO_HEAL: usize = 80;
const RULES: Rules = Rules {
    confirmations: 4,
    look_every_ms: 5 * SECOND,
    raise_after_ms: Some(60 * SECOND),
    late_after_ms: 100_000 * SECOND,
    retry_ms: 30 * SECOND,
    is_claimed: true,
};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(START + ms)
}

#[derive(Clone, Debug)]
struct Block {
    header: Vec<u8>,
    transactions: Vec<Vec<u8>>,
}

/// One account's transactions, by nonce.
#[derive(Clone, Debug, Default)]
struct Chain {
    blocks: Vec<Block>,
    waiting: BTreeMap<u64, Vec<u8>>,
    made: u64,
    is_away: bool,
}

fn transaction(nonce: u64, fee: u64, data: &[u8]) -> Vec<u8> {
    let list = encode_list(&[
        encode_number(CHAIN),
        encode_number(nonce),
        encode_number(1),
        encode_number(fee),
        encode_number(22_600),
        encode_bytes(&[7; 20]),
        encode_number(0),
        encode_bytes(data),
        encode_list(&[]),
        encode_number(0),
        encode_bytes(&[1; 32]),
        encode_bytes(&[2; 32]),
    ]);
    [&[2], list.as_slice()].concat()
}

fn name(raw: &[u8]) -> String {
    Keccak256::of(raw).to_string()
}

fn call(raw: &[u8]) -> Call {
    let read = Transaction::parse(raw).expect("a transaction");
    read.call().expect("of type 2").clone()
}

fn nonce(raw: &[u8]) -> u64 {
    call(raw).nonce
}

fn is_ours(raw: &[u8]) -> bool {
    call(raw).data == commitment(SUBJECT)
}

impl Chain {
    fn next_nonce(&self) -> u64 {
        self.blocks.iter().map(|block| block.transactions.len() as u64).sum()
    }

    /// As a node does: an old nonce is refused, and of two with one nonce the dearer stays.
    fn take(&mut self, raw: &[u8]) {
        if nonce(raw) >= self.next_nonce() {
            self.waiting.insert(nonce(raw), raw.to_vec());
        }
    }

    fn mine(&mut self) {
        let next = self.next_nonce();
        let transactions: Vec<_> = self.waiting.remove(&next).into_iter().collect();
        self.made += 1;
        let mut fields = vec![encode_bytes(&[0; 32]); 15];
        fields[0] = encode_number(self.made);
        fields[4] = encode_bytes(&trie::root(&transactions).0);
        fields[8] = encode_number(self.blocks.len() as u64);
        fields[11] = encode_number(1_763_815_266 + self.made);
        self.blocks.push(Block { header: encode_list(&fields), transactions });
        self.waiting.retain(|nonce, _| *nonce >= next);
    }

    /// What strangers sent waits again: they see to that. A gap among nonces would hold up ours.
    fn reorganise(&mut self, depth: usize, keeps: bool) {
        for block in self.blocks.split_off(self.blocks.len().saturating_sub(depth)) {
            let back = block.transactions.into_iter().filter(|raw| keeps || !is_ours(raw));
            self.waiting.extend(back.map(|raw| (nonce(&raw), raw)));
        }
        // The branch that wins is the longer one.
        for _ in 0..=depth {
            self.mine();
        }
    }

    fn lose(&mut self) {
        self.waiting.retain(|_, raw| !is_ours(raw));
    }

    /// Somebody else uses the key.
    fn displace(&mut self) {
        let next = self.next_nonce();
        self.made += 1;
        self.waiting.insert(next, transaction(next, 1_000 + self.made, b"not ours"));
        self.mine();
    }

    fn ours(&self) -> usize {
        let all = self.blocks.iter().flat_map(|block| &block.transactions);
        all.filter(|raw| is_ours(raw)).count()
    }

    fn look(&self, attempts: &[Attempt]) -> Sighting {
        for (height, block) in self.blocks.iter().enumerate() {
            let found = attempts.iter().find(|one| block.transactions.contains(&one.bytes));
            if let Some(attempt) = found {
                let confirmations = (self.blocks.len() - height) as u64;
                let proven = prove(block, &attempt.bytes);
                let attempt = attempt.name.clone();
                return Sighting::Included { attempt, proven, confirmations, cost: Some(1) };
            }
        }
        if attempts.iter().any(|one| self.waiting.values().any(|raw| *raw == one.bytes)) {
            return Sighting::Waiting;
        }
        let place = attempts.last().map_or(0, |newest| nonce(&newest.bytes));
        if place >= self.next_nonce() {
            return Sighting::Missing;
        }
        let deep = RULES.confirmations as usize;
        let settled = &self.blocks[..(self.blocks.len() + 1).saturating_sub(deep)];
        let settled: u64 = settled.iter().map(|block| block.transactions.len() as u64).sum();
        Sighting::Displaced { by: "a stranger".to_owned(), for_good: place < settled }
    }
}

fn prove(block: &Block, raw: &[u8]) -> Proven {
    let file = ProofFile {
        format: PROOF_FORMAT.to_owned(),
        hash: SUBJECT,
        chain_id: CHAIN,
        transaction: raw.to_vec(),
        index: 0,
        proof: trie::prove(&block.transactions, 0)
            .expect("one")
            .into_iter()
            .map(HexBytes)
            .collect(),
        header: block.header.clone(),
        receipt: serde_json::Value::Null,
    };
    let source = Source::Verifier("the test's chain".to_owned());
    let known = KnownBlock { hash: Keccak256::of(&block.header), source };
    Proven::on_ethereum(&file, SUBJECT, CHAIN, &known).expect("it holds")
}

/// Who drives an anchor: what is stored survives, and nothing else.
struct Driver {
    stored: String,
    now_ms: i64,
    /// Of the clouds: the choice for each number, made once.
    chosen: BTreeMap<u64, Attempt>,
    fee: u64,
    sent: BTreeSet<Vec<u8>>,
    funded: bool,
}

/// Where the power goes during an act.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    Never,
    Before,
    /// The act has its effect, and nobody writes down what came of it.
    After,
}

impl Driver {
    fn new() -> Self {
        let stored = serde_json::to_string(&Anchor::queued(at(0))).expect("JSON");
        let (chosen, sent) = (BTreeMap::new(), BTreeSet::new());
        Driver { stored, now_ms: 0, chosen, fee: 10, sent, funded: true }
    }

    fn anchor(&self) -> Anchor {
        serde_json::from_str(&self.stored).expect("what was stored")
    }

    /// One act, from what is stored.
    fn step(&mut self, chain: &mut Chain, crash: Crash) {
        let mut anchor = self.anchor();
        let act = anchor.next(at(self.now_ms), true);
        if crash == Crash::Before {
            return;
        }
        if let Act::Send(attempt) = &act {
            assert_eq!(self.chosen.get(&attempt.number), Some(*attempt), "sent unchosen");
        }
        let Some(outcome) = self.perform(chain, &act, anchor.attempts()) else { return };
        if crash == Crash::After {
            return;
        }
        let before = anchor.attempts().to_vec();
        anchor.apply(outcome, at(self.now_ms), &RULES);
        let kept = before.iter().filter(|one| self.sent.contains(&one.bytes));
        assert!(kept.clone().all(|one| anchor.attempts().contains(one)), "a sent one is forgotten");
        self.stored = serde_json::to_string(&anchor).expect("JSON");
    }

    fn perform(&mut self, chain: &mut Chain, act: &Act<'_>, all: &[Attempt]) -> Option<Outcome> {
        if chain.is_away && !matches!(act, Act::Wait(_) | Act::Nothing | Act::Claim(_)) {
            return Some(Outcome::Away("refused".to_owned()));
        }
        match *act {
            Act::Wait(until) => {
                self.now_ms = self.now_ms.max(until.unix_ms() - START);
                None
            }
            Act::Nothing | Act::Learn => None,
            Act::Make { .. } if !self.funded => {
                let refusal = Refusal::new(RefusalKind::InsufficientFunds, "0 wei");
                Some(Outcome::Refused(refusal))
            }
            Act::Make { number, raising } => {
                self.fee += 1;
                let waiting = chain.waiting.keys().last().map_or(0, |last| last + 1);
                let next = chain.next_nonce().max(waiting);
                let place = all.last().filter(|_| raising).map_or(next, |one| nonce(&one.bytes));
                let bytes = transaction(place, self.fee, &commitment(SUBJECT));
                let (name, made_at) = (name(&bytes), at(self.now_ms));
                Some(Outcome::Made(Attempt { number, name, bytes, cost_max: 5, made_at }))
            }
            Act::Claim(attempt) => {
                let won = self.chosen.entry(attempt.number).or_insert_with(|| attempt.clone());
                Some(Outcome::Learnt(vec![won.clone()]))
            }
            Act::Send(attempt) => {
                self.sent.insert(attempt.bytes.clone());
                chain.take(&attempt.bytes);
                Some(Outcome::Sent(None))
            }
            Act::Look => Some(Outcome::Seen(chain.look(all))),
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Act,
    CrashBefore,
    CrashAfter,
    Mine,
    Reorganise { depth: usize, keeps: bool },
    Drop,
    Displace,
    Away(bool),
    Funded(bool),
    Later(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Act),
        2 => Just(Event::CrashBefore),
        3 => Just(Event::CrashAfter),
        4 => Just(Event::Mine),
        // As deep as what is called final would be beyond what the rules promise.
        2 => (1..RULES.confirmations as usize, any::<bool>())
            .prop_map(|(depth, keeps)| Event::Reorganise { depth, keeps }),
        1 => Just(Event::Drop),
        1 => Just(Event::Displace),
        1 => any::<bool>().prop_map(Event::Away),
        1 => any::<bool>().prop_map(Event::Funded),
        2 => (1_i64..120).prop_map(|seconds| Event::Later(seconds * SECOND)),
    ]
}

fn happen(event: &Event, driver: &mut Driver, chain: &mut Chain) {
    match event {
        Event::Act => driver.step(chain, Crash::Never),
        Event::CrashBefore => driver.step(chain, Crash::Before),
        Event::CrashAfter => driver.step(chain, Crash::After),
        Event::Mine => chain.mine(),
        Event::Reorganise { depth, keeps } => chain.reorganise(*depth, *keeps),
        Event::Drop => chain.lose(),
        Event::Displace => chain.displace(),
        Event::Away(is_away) => chain.is_away = *is_away,
        Event::Funded(funded) => driver.funded = *funded,
        Event::Later(ms) => driver.now_ms += ms,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_transaction_is_taken_whatever_happens_and_final_is_said_of_what_is_in_the_chain(
        story in prop::collection::vec(event(), 0..120)
    ) {
        let (mut driver, mut chain) = (Driver::new(), Chain::default());
        let mut was_final = false;
        for event in &story {
            happen(event, &mut driver, &mut chain);
            prop_assert!(chain.ours() <= 1, "{story:?}");
            let anchor = driver.anchor();
            let is_now = anchor.is_final() && !was_final;
            prop_assert!(!is_now || chain.ours() == 1, "final, and not in the chain");
            was_final |= anchor.is_final();
            prop_assert!(!was_final || anchor.is_final(), "final is for ever");
        }
        chain.is_away = false;
        driver.funded = true;
        for _ in 0..STEPS_TO_HEAL {
            driver.step(&mut chain, Crash::Never);
            chain.mine();
        }
        let anchor = driver.anchor();
        prop_assert!(anchor.is_final(), "it never ends: {anchor:?}");
        prop_assert_eq!(chain.ours(), 1);
        prop_assert!(anchor.proof().is_some());
    }
}

/// Acts until nothing is to be done for now.
fn settle(driver: &mut Driver, chain: &mut Chain) -> Anchor {
    for _ in 0..20 {
        if matches!(driver.anchor().next(at(driver.now_ms), true), Act::Wait(_) | Act::Nothing) {
            break;
        }
        driver.step(chain, Crash::Never);
    }
    driver.anchor()
}

fn settle_after(driver: &mut Driver, chain: &mut Chain, ms: i64) -> Anchor {
    driver.now_ms += ms;
    settle(driver, chain)
}

fn happened(anchor: &Anchor, what: &str) -> usize {
    anchor.trace().iter().filter(|mark| mark.what.contains(what)).count()
}

#[test]
fn an_anchor_goes_from_queued_to_final_and_counts_the_blocks_on_the_way() {
    let (mut driver, mut chain) = (Driver::new(), Chain::default());
    assert_eq!(*driver.anchor().stage(), Stage::Queued);
    assert_eq!(*settle(&mut driver, &mut chain).stage(), Stage::Submitted);
    for blocks in 1..RULES.confirmations {
        chain.mine();
        let anchor = settle_after(&mut driver, &mut chain, 6 * SECOND);
        assert!(
            matches!(anchor.stage(), Stage::InBlock { confirmations, .. } if *confirmations == blocks)
        );
        assert_eq!(anchor.told(), 0);
    }
    chain.mine();
    let anchor = settle_after(&mut driver, &mut chain, 6 * SECOND);
    assert!(anchor.is_final() && anchor.told() == 1);
    assert_eq!(anchor.next(at(1 << 40), true), Act::Nothing);
}

#[test]
fn a_block_that_leaves_the_chain_takes_the_anchor_back_and_the_trace_says_so() {
    let (mut driver, mut chain) = (Driver::new(), Chain::default());
    settle(&mut driver, &mut chain);
    chain.mine();
    settle_after(&mut driver, &mut chain, 6 * SECOND);
    chain.reorganise(1, false);
    chain.lose();
    let anchor = settle_after(&mut driver, &mut chain, 6 * SECOND);
    assert_eq!(*anchor.stage(), Stage::Submitted);
    assert!(anchor.proof().is_none());
    assert_eq!(happened(&anchor, "reorganised"), 1);
    assert_eq!(driver.sent.len(), 1, "the same bytes");
    for _ in 0..RULES.confirmations {
        chain.mine();
    }
    assert!(settle_after(&mut driver, &mut chain, 6 * SECOND).is_final());
}

#[test]
fn a_transaction_that_waits_long_is_replaced_in_its_own_place() {
    let (mut driver, mut chain) = (Driver::new(), Chain::default());
    settle(&mut driver, &mut chain);
    assert_eq!(settle_after(&mut driver, &mut chain, 61 * SECOND).attempts().len(), 1);
    let anchor = settle_after(&mut driver, &mut chain, 6 * SECOND);
    let places: BTreeSet<u64> = anchor.attempts().iter().map(|one| nonce(&one.bytes)).collect();
    assert_eq!((anchor.attempts().len(), places.len()), (2, 1));
    assert_eq!(chain.waiting.len(), 1);
}

#[test]
fn no_answer_for_an_hour_changes_nothing_but_the_pauses() {
    let (mut driver, mut chain) = (Driver::new(), Chain::default());
    settle(&mut driver, &mut chain);
    chain.is_away = true;
    let mut calls = 0;
    while driver.now_ms < 3_600 * SECOND {
        calls +=
            usize::from(!matches!(driver.anchor().next(at(driver.now_ms), true), Act::Wait(_)));
        driver.step(&mut chain, Crash::Never);
    }
    let anchor = driver.anchor();
    assert_eq!(*anchor.stage(), Stage::Submitted);
    assert!(anchor.trouble().is_some_and(|trouble| trouble.times > 3));
    assert!(calls < 25, "{calls} calls in an hour");
    assert_eq!(anchor.told(), 0);
}

#[test]
fn a_refusal_is_told_once_and_again_only_for_another_reason() {
    let refuse = |anchor: &mut Anchor, kind, ms| {
        anchor.apply(Outcome::Refused(Refusal::new(kind, "no")), at(ms), &RULES);
        anchor.told()
    };
    let mut anchor = Anchor::queued(at(0));
    assert_eq!(refuse(&mut anchor, RefusalKind::InsufficientFunds, 0), 1);
    assert_eq!(anchor.next(at(1), true), Act::Wait(at(RULES.retry_ms)));
    assert_eq!(refuse(&mut anchor, RefusalKind::InsufficientFunds, 1), 1);
    assert_eq!(refuse(&mut anchor, RefusalKind::SpendingLimit, 2), 2);
}

#[test]
fn what_waits_too_long_is_told_once_and_looked_for_all_the_same() {
    let (mut driver, mut chain) = (Driver::new(), Chain::default());
    let rules = Rules { late_after_ms: 10 * SECOND, ..RULES };
    let mut anchor = settle(&mut driver, &mut chain);
    for seconds in 11..15 {
        anchor.apply(Outcome::Seen(Sighting::Waiting), at(seconds * SECOND), &rules);
        assert!(
            matches!(anchor.stage(), Stage::Failed { refusal } if refusal.kind == RefusalKind::Late)
        );
        assert_eq!(anchor.told(), 1);
    }
    chain.mine();
    assert_eq!(anchor.next(at(100 * SECOND), false), Act::Look);
    anchor.apply(Outcome::Seen(chain.look(anchor.attempts())), at(100 * SECOND), &rules);
    assert!(matches!(anchor.stage(), Stage::InBlock { .. }));
}

#[test]
fn a_cloud_that_may_not_publish_makes_nothing_and_adopts_what_the_clouds_chose() {
    let mut anchor = Anchor::queued(at(0));
    assert_eq!(anchor.next(at(0), false), Act::Learn);
    anchor.apply(Outcome::Learnt(Vec::new()), at(0), &RULES);
    assert_eq!(anchor.next(at(0), false), Act::Wait(at(RULES.look_every_ms)));
    let bytes = transaction(0, 10, &commitment(SUBJECT));
    let name = name(&bytes);
    let chosen = Attempt { number: 1, name, bytes, cost_max: 5, made_at: at(0) };
    anchor.apply(Outcome::Learnt(vec![chosen.clone()]), at(0), &RULES);
    assert_eq!(anchor.next(at(0), false), Act::Send(&chosen));
}

#[test]
fn what_lost_the_clouds_choice_is_never_sent() {
    let attempt = |fee| {
        let bytes = transaction(0, fee, &commitment(SUBJECT));
        Attempt { number: 1, name: name(&bytes), bytes, cost_max: 5, made_at: at(0) }
    };
    let (ours, theirs) = (attempt(10), attempt(11));
    let mut anchor = Anchor::queued(at(0));
    anchor.apply(Outcome::Made(ours.clone()), at(0), &RULES);
    assert_eq!(anchor.next(at(0), true), Act::Claim(&ours));
    anchor.apply(Outcome::Learnt(vec![theirs.clone()]), at(0), &RULES);
    assert_eq!(anchor.next(at(0), true), Act::Send(&theirs));
    assert_eq!(anchor.attempts(), [theirs]);
}
