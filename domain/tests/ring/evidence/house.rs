//! A deployment with planted keys, and trees that its clouds sign.

use domain::cloud::Cloud;
use domain::evidence::Prefix;
use domain::key::{NoteAlgorithm, NoteKey, SigningKey};
use domain::log::{Appender, Checkpoint, Hash, Head, Leaf, LogId, plan};
use domain::note::{Note, SignatureLine};
use domain::policy::Policy;

pub const DEPLOYMENT: &str = "demo.example";
pub const LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

/// A key of that deployment's clouds. The seed is the number; so other deployments have others.
fn signer(deployment: &str, name: &str, algorithm: NoteAlgorithm, seed: u8) -> Signer {
    let key = SigningKey::from_seed([seed ^ deployment.len() as u8; 32]);
    let name = NoteKey::new(name, algorithm, key.public()).expect("a name");
    Signer { key, name }
}

#[derive(Clone)]
pub struct Signer {
    pub key: SigningKey,
    pub name: NoteKey,
}

pub fn log_signer(deployment: &str, log: LogId) -> Signer {
    let seed = 30 + log.origin.code();
    signer(deployment, &log.name(deployment), NoteAlgorithm::Ed25519, seed)
}

pub fn cosigner(deployment: &str, cloud: Cloud) -> Signer {
    let name = format!("{deployment}/{cloud}/cosigner");
    signer(deployment, &name, NoteAlgorithm::CosignatureV1, 40 + cloud.code())
}

pub fn policy_of(deployment: &str) -> Policy {
    let log = |origin| log_signer(deployment, LogId { origin, epoch: 1 }).name;
    let witness = |cloud: Cloud| (cloud.to_string(), cosigner(deployment, cloud).name);
    Policy::of_clouds(Cloud::ALL.map(log).to_vec(), Cloud::ALL.map(witness).to_vec(), 2)
}

pub fn policy() -> Policy {
    policy_of(DEPLOYMENT)
}

/// A head of a log as its origin signs it, with both keys, and these cosigners.
pub fn note_of(deployment: &str, log: LogId, head: Head, cosigners: &[Cloud]) -> Note {
    let text = Checkpoint { origin: log.name(deployment), head }.to_string();
    let origin = log_signer(deployment, log);
    let mut signatures = vec![SignatureLine::sign(&text, &origin.name, &origin.key)];
    for cloud in [log.origin].iter().chain(cosigners) {
        let Signer { key, name } = cosigner(deployment, *cloud);
        signatures.push(SignatureLine::cosign(&text, 1_763_815_267, &name, &key));
    }
    Note { text, signatures }
}

pub fn note(head: Head, cosigners: &[Cloud]) -> Note {
    note_of(DEPLOYMENT, LOG, head, cosigners)
}

/// `common` leaves that all branches share, and then `own` of this branch.
pub fn branch(name: u8, common: u64, own: u64) -> Vec<Leaf> {
    let leaf = |branch: u8, at: u64| Leaf::of(&[&[branch][..], &at.to_be_bytes()].concat());
    (0..common).map(|at| leaf(0, at)).chain((0..own).map(|at| leaf(name, at))).collect()
}

pub fn head_of(leaves: &[Leaf]) -> Head {
    let mut appender = Appender::default();
    leaves.iter().for_each(|leaf| appender.append(*leaf, |_| {}));
    appender.head()
}

pub fn assemble(leaves: &[Leaf], plan: &plan::Plan) -> Vec<Hash> {
    let subtree = |node: plan::Node| {
        let first = usize::try_from(node.first_leaf()).ok()?;
        let count = usize::try_from(node.leaf_count()).ok()?;
        Some(head_of(leaves.get(first..first + count)?).root)
    };
    plan.assemble(subtree).expect("all leaves are there")
}

/// What this tree begins with at that smaller size.
pub fn prefix(leaves: &[Leaf], size: u64) -> Prefix {
    let plan = plan::consistency(size, leaves.len() as u64).expect("a smaller size");
    let root = head_of(&leaves[..usize::try_from(size).expect("small")]).root;
    Prefix { root, proof: assemble(leaves, &plan) }
}
