//! A snapshot that three clouds attest and four publishers anchored, made without a clock.

use std::collections::BTreeMap;

use domain::anchor::bitcoin::{Branch, Header, KnownHeader, Network, Sha256d, Transaction};
use domain::anchor::ethereum::rlp::{encode_bytes, encode_list, encode_number};
use domain::anchor::ethereum::{self, HexBytes, Keccak256, KnownBlock, PROOF_FORMAT, ProofFile};
use domain::anchor::rfc3161::{Certificate, TimeStamp, certificates};
use domain::anchor::state::Place;
use domain::anchor::{Publisher, Source, commitment, ots};
use domain::bundle::{Anchored, Contents};
use domain::catalog::{Known, SnapshotAttest};
use domain::clock::{LogicalClock, Timestamp};
use domain::cloud::Cloud;
use domain::event::{Event, EventId, Payload, Region, Salt, Slot, TenantId};
use domain::log::{Hash, Leaf, LogId};
use domain::receipt::{RECEIPT_FORMAT, Receipt, ReceiptEvent};
use domain::snapshot::section::{Row, Section, SectionHasher};
use domain::snapshot::{LogPart, MANIFEST_FORMAT, Manifest};
use domain::usage::{UsageKey, UsageSum};
use domain::verifier::Held;
use serde_json::Value;
use uuid::Uuid;

use crate::evidence::house;
use crate::fixtures;

/// The development network of the Ethereum anchor.
pub const CHAIN: u64 = 31_337;

pub fn manifest() -> Manifest {
    let root = |cloud: Cloud| Hash([cloud.code(); 32]);
    let log =
        |cloud: Cloud| LogPart { log: format!("{cloud}/1"), from: 0, size: 7, root: root(cloud) };
    Manifest {
        format: MANIFEST_FORMAT.to_owned(),
        deployment: house::DEPLOYMENT.to_owned(),
        number: 1,
        period: "2026-10".parse().expect("a month"),
        previous: None,
        cut: Cloud::ALL.map(log).to_vec(),
        events: SectionHasher::default().finish(),
        usage: usage(),
        ledger: SectionHasher::default().finish(),
    }
}

fn usage() -> Section {
    let key = UsageKey {
        tenant_id: TenantId::platform(),
        provider: "vertex".into(),
        model: "m".into(),
        region: "eu".into(),
        hour: "2026-10-01T00:00:00Z".parse().expect("an hour"),
    };
    let mut hasher = SectionHasher::default();
    hasher.push(Row::of_usage(&key, &UsageSum { requests: 5, ..UsageSum::default() }));
    hasher.finish()
}

/// The first entry of a cloud's log of two, final by all clouds.
pub fn receipt(cloud: Cloud, payload: &Value) -> Receipt {
    let log = LogId { origin: cloud, epoch: 1 };
    let at = 1_793_534_466_902;
    let event = Event {
        event_id: EventId(Uuid::from_u128(u128::from(cloud.code()))),
        tenant_id: TenantId::platform(),
        logical_clock: LogicalClock { ms: at, counter: 4 },
        region: Region::try_from("us-east-1".to_owned()).expect("valid"),
        created_at: Timestamp::from_unix_ms(at as i64),
        origin_cloud: cloud,
        payload: Payload::from_value(payload).expect("an object"),
        salt: Salt([9; 16]),
    };
    let signer = house::log_signer(house::DEPLOYMENT, log);
    let envelope = event.clone().sign(&signer.key);
    let leaves = [envelope.leaf(1, 0), Leaf::of(b"another entry")];
    let others: Vec<Cloud> = Cloud::ALL.into_iter().filter(|other| *other != cloud).collect();
    let note = house::note_of(house::DEPLOYMENT, log, house::head_of(&leaves), &others);
    let cosigners = Cloud::ALL.map(|by| house::cosigner(house::DEPLOYMENT, by).name);
    Receipt {
        format: RECEIPT_FORMAT.to_owned(),
        event: ReceiptEvent {
            event_id: event.event_id.0,
            payload_hash: event.payload_hash(),
            tenant_id: event.tenant_id,
            logical_clock: event.logical_clock,
            region: event.region,
            created_at: event.created_at,
            origin_cloud: event.origin_cloud,
            payload: Some(payload.clone()),
            salt: Some(hex::encode(event.salt.0)),
            hash: envelope.hash(),
            signature: *envelope.signature(),
        },
        slot: Slot { origin: cloud, epoch: 1, sequence: 0 },
        proof: vec![leaves[1].0],
        checkpoint: note.to_string(),
        keys: [&[signer.name][..], &cosigners].concat(),
    }
}

pub fn attestation(cloud: Cloud) -> Receipt {
    attestation_of(cloud, &manifest())
}

pub fn attestation_of(cloud: Cloud, manifest: &Manifest) -> Receipt {
    let word = Known::SnapshotAttest(Box::new(SnapshotAttest::of(manifest.clone())));
    receipt(cloud, &word.to_payload())
}

/// A block of three transactions, of which the second carries the hash.
fn mined(hash: Hash) -> (ots::Proof, Header) {
    let input = [&[0; 32][..], &[0xff; 4], &[0], &[0xff; 4]].concat();
    let carried = commitment(hash);
    let output = [&[0; 8][..], &[42, 0x6a, 40], &carried].concat();
    let raw = [&[2, 0, 0, 0][..], &[1], &input, &[1], &output, &[0; 4]].concat();
    let transaction = Transaction::parse(&raw).expect("a transaction");
    let ids = [Sha256d([1; 32]), transaction.id(), Sha256d([3; 32])];
    let branch = Branch::of(&ids, 1).expect("a branch");
    let proof = ots::compose(hash, &transaction, &branch, 206).expect("a proof");
    let mut header = Header {
        version: 4,
        previous: Sha256d([7; 32]),
        merkle_root: branch.root(transaction.id()).expect("a root"),
        time_unix_s: 1_793_541_600,
        bits: 0x207f_ffff,
        nonce: 0,
    };
    while !header.has_work(Network::Regtest) {
        header.nonce += 1;
    }
    (proof, header)
}

pub fn bitcoin(hash: Hash) -> Anchored {
    let (proof, header) = mined(hash);
    let place = Place {
        name: header.hash().to_string(),
        height: Some(206),
        time: header.time(),
        header: Some(HexBytes(header.to_bytes().to_vec())),
    };
    anchored(Some(place), proof.to_bytes())
}

/// A promise, which stands in the same file as the block.
fn promised(hash: Hash) -> Anchored {
    let mut answer = vec![0x00];
    let uri = b"https://calendar.example";
    let body = [&[uri.len() as u8][..], uri].concat();
    answer.extend([0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e, body.len() as u8]);
    answer.extend(body);
    let proof = ots::Proof::promised(hash, [5; 16], &[answer]).expect("a promise");
    Anchored { is_final: false, ..anchored(None, proof.to_bytes()) }
}

pub fn ethereum_file(hash: Hash) -> ProofFile {
    let number = encode_number;
    let call = [number(CHAIN), number(0), number(2), number(30), number(22_600)];
    let data = commitment(hash);
    let to = [encode_bytes(&[6; 20]), number(0), encode_bytes(&data), encode_list(&[])];
    let signed = [number(1), encode_bytes(&[8; 32]), encode_bytes(&[9; 32])];
    let fields = [&call[..], &to, &signed].concat();
    let transaction = [vec![2], encode_list(&fields)].concat();
    let values = [transaction.clone(), vec![2, 0xc0]];
    let proof = ethereum::trie::prove(&values, 0).expect("a proof");
    let root = Keccak256::of(&proof[0]);
    let other = encode_bytes(&[4; 32]);
    let mut header = vec![other.clone(), other.clone(), encode_bytes(&[3; 20])];
    header.extend([other.clone(), encode_bytes(&root.0), other.clone(), encode_bytes(&[0; 256])]);
    header.extend([number(0), number(21), number(30_000_000), number(21_000)]);
    header.extend([number(1_793_541_700), encode_bytes(b"x"), other, encode_bytes(&[0; 8])]);
    ProofFile {
        format: PROOF_FORMAT.to_owned(),
        hash,
        chain_id: CHAIN,
        transaction,
        index: 0,
        proof: proof.into_iter().map(HexBytes).collect(),
        header: encode_list(&header),
        receipt: Value::Null,
    }
}

fn on_ethereum(hash: Hash) -> Anchored {
    let file = ethereum_file(hash);
    let header = ethereum::Header::parse(&file.header).expect("a header");
    let (name, height) = (header.hash().to_string(), Some(header.number));
    let place = Place { name, height, time: header.time(), header: None };
    anchored(Some(place), file.to_bytes())
}

fn vector(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/bundle");
    fixtures::read(&folder.join(name))
}

fn stamped() -> Anchored {
    let stamp = vector("root.tsr");
    let read = TimeStamp::parse(&stamp).expect("a stamp");
    let place = Place { name: read.serial(), height: None, time: read.time(), header: None };
    Anchored {
        request: Some(vector("root.tsq")),
        chain: Some(vector("authority.pem")),
        ..anchored(Some(place), stamp)
    }
}

fn anchored(place: Option<Place>, proof: Vec<u8>) -> Anchored {
    Anchored {
        is_final: true,
        place,
        proof: Some(proof),
        request: None,
        chain: None,
        standing: "final: read back and compared".to_owned(),
    }
}

/// Attested by all three, anchored everywhere.
pub fn contents() -> Contents {
    let hash = manifest().hash();
    Contents {
        manifest: manifest(),
        attestations: Cloud::ALL.map(|cloud| (cloud, attestation(cloud))).into(),
        differing: Vec::new(),
        policy: house::policy(),
        anchors: BTreeMap::from([
            (Publisher::Ethereum, on_ethereum(hash)),
            (Publisher::Bitcoin, bitcoin(hash)),
            (Publisher::OpenTimestamps, promised(hash)),
            (Publisher::Rfc3161, stamped()),
        ]),
    }
}

pub fn authorities() -> Vec<Certificate> {
    certificates(&vector("authority.pem")).expect("certificates")
}

/// The header of the hash's block, from an auditor's own node.
pub fn known_header(hash: Hash) -> KnownHeader {
    let source = Source::Verifier("a node of mine".to_owned());
    KnownHeader { header: mined(hash).1, height: Some(206), source }
}

/// Everything that an auditor can bring.
pub fn held() -> Held {
    let hash = manifest().hash();
    let source = || Source::Verifier("a node of mine".to_owned());
    let header = ethereum::Header::parse(&ethereum_file(hash).header).expect("a header");
    Held {
        policy: Some(house::policy()),
        headers: vec![known_header(hash)],
        network: Network::Regtest,
        block: Some(KnownBlock { hash: header.hash(), source: source() }),
        chain: CHAIN,
        authorities: authorities(),
        request: None,
    }
}
