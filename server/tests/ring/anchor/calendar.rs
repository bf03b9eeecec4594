//! A small OpenTimestamps calendar: takes digests, promises, puts all of them under one transaction
//! on the test's chain, and gives the rest of each proof when its block is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use domain::anchor::bitcoin::{Branch, Sha256d, Transaction};
use domain::anchor::ots::{self, Proof};
use domain::log::Hash;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::litecoin::Litecoin;

const SHA256: u8 = 0x08;
const APPEND: u8 = 0xf0;
const PREPEND: u8 = 0xf1;
const ATTESTATION: u8 = 0x00;
const PENDING: [u8; 8] = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];
/// Magic, version, the name of the hash and the digest: what stands before a proof's timestamp.
const DETACHED_HEAD_BYTES: usize = 31 + 1 + 1 + 32;

type Digest = [u8; 32];

#[derive(Default)]
struct Book {
    url: String,
    /// Commitments that wait for a transaction.
    open: Vec<Digest>,
    /// The rest of the proof of each, as it is served.
    done: BTreeMap<Digest, Vec<u8>>,
    asked: usize,
    seen: Vec<Digest>,
}

pub struct Calendar {
    book: Arc<Mutex<Book>>,
    tasks: JoinSet<()>,
}

fn bytes(op: u8, argument: &[u8]) -> Vec<u8> {
    let length = u8::try_from(argument.len()).expect("short");
    assert!(length < 0x80, "one byte of length");
    [&[op, length], argument].concat()
}

fn pending(url: &str) -> Vec<u8> {
    let inner = [&[u8::try_from(url.len()).expect("short")], url.as_bytes()].concat();
    let length = u8::try_from(inner.len()).expect("short");
    [&[ATTESTATION][..], &PENDING, &[length], &inner].concat()
}

async fn digest(State(book): State<Arc<Mutex<Book>>>, body: Bytes) -> Result<Vec<u8>, StatusCode> {
    let digest: Digest = body.as_ref().try_into().map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut book = book.lock().expect("whole");
    // As real ones do: what is promised is not what came, so that nobody can guess the next path.
    let salt = [book.open.len() as u8, 7, 7, 7];
    let commitment: Digest =
        Sha256::new().chain_update(digest).chain_update(salt).finalize().into();
    book.open.push(commitment);
    book.seen.push(digest);
    let answer = [bytes(APPEND, &salt), vec![SHA256], pending(&book.url)].concat();
    Ok(answer)
}

async fn timestamp(
    State(book): State<Arc<Mutex<Book>>>,
    Path(commitment): Path<String>,
) -> Result<Vec<u8>, StatusCode> {
    let mut book = book.lock().expect("whole");
    book.asked += 1;
    let commitment: Option<Digest> =
        hex::decode(commitment).ok().and_then(|bytes| bytes.try_into().ok());
    let commitment = commitment.ok_or(StatusCode::BAD_REQUEST)?;
    book.done.get(&commitment).cloned().ok_or(StatusCode::NOT_FOUND)
}

impl Calendar {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let book = Arc::new(Mutex::new(Book { url, ..Book::default() }));
        let routes = Router::new()
            .route("/digest", post(digest))
            .route("/timestamp/{commitment}", get(timestamp))
            .with_state(Arc::clone(&book));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Calendar { book, tasks }
    }

    pub fn url(&self) -> String {
        self.book.lock().expect("whole").url.clone()
    }

    /// What it was given.
    pub fn seen(&self) -> Vec<Digest> {
        self.book.lock().expect("whole").seen.clone()
    }

    pub fn asked(&self) -> usize {
        self.book.lock().expect("whole").asked
    }

    pub async fn shut(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Puts everything that waits under one transaction and mines it.
    pub fn seal(&self, litecoin: &Litecoin) {
        let mut book = self.book.lock().expect("whole");
        let open = std::mem::take(&mut book.open);
        assert!(!open.is_empty(), "nothing waits");
        let (root, ways) = tree(&open);
        let rest = anchored(litecoin, root);
        for (commitment, way) in open.into_iter().zip(ways) {
            book.done.insert(commitment, [way.as_slice(), &rest].concat());
        }
    }
}

/// The root over digests, and the operations from each to it.
fn tree(leaves: &[Digest]) -> (Digest, Vec<Vec<u8>>) {
    let mut ways = vec![Vec::new(); leaves.len()];
    let mut level: Vec<(Digest, Vec<usize>)> =
        leaves.iter().enumerate().map(|(at, leaf)| (*leaf, vec![at])).collect();
    while level.len() > 1 {
        let mut above = Vec::new();
        for pair in level.chunks(2) {
            let [(left, under_left), (right, under_right)] = pair else {
                above.push(pair[0].clone()); // an odd one goes up as it is
                continue;
            };
            for at in under_left {
                ways[*at].extend([bytes(APPEND, right), vec![SHA256]].concat());
            }
            for at in under_right {
                ways[*at].extend([bytes(PREPEND, left), vec![SHA256]].concat());
            }
            let node = Sha256::new().chain_update(left).chain_update(right).finalize().into();
            above.push((node, [under_left.as_slice(), under_right].concat()));
        }
        level = above;
    }
    (level[0].0, ways)
}

/// A transaction with the root in a block, and the timestamp that leads from the root to the block.
fn anchored(litecoin: &Litecoin, root: Digest) -> Vec<u8> {
    let raw = litecoin.ask("createrawtransaction", json!([[], [{ "data": hex::encode(root) }]]));
    let options = json!({ "feeRate": "0.00010000" });
    let funded = litecoin.ask("fundrawtransaction", json!([raw, options]));
    let signed = litecoin.ask("signrawtransactionwithwallet", json!([funded["hex"]]));
    let name = litecoin.ask("sendrawtransaction", json!([signed["hex"]]));
    litecoin.mine(1);
    let block = litecoin.ask("getblock", json!([litecoin.ask("getbestblockhash", json!([])), 1]));
    let ids: Vec<Sha256d> = block["tx"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|id| {
            let mut id: Digest =
                hex::decode(id.as_str().expect("hex")).expect("hex").try_into().expect("32 bytes");
            id.reverse();
            Sha256d(id)
        })
        .collect();
    let all = block["tx"].as_array().expect("a list");
    let place = all.iter().position(|id| *id == name).expect("in the block");
    let branch = Branch::of(&ids, u32::try_from(place).expect("few")).expect("in range");
    let bytes = hex::decode(signed["hex"].as_str().expect("hex")).expect("hex");
    let transaction = Transaction::parse(&bytes).expect("a transaction");
    let height = block["height"].as_u64().expect("a number");
    let proof: Proof = ots::compose(Hash(root), &transaction, &branch, height).expect("it fits");
    proof.to_bytes()[DETACHED_HEAD_BYTES..].to_vec()
}
