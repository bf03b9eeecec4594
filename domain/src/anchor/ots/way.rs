//! The way from a digest into a block of Bitcoin, as people who know Bitcoin and not OpenTimestamps
//! look at it: a transaction, and the branch from its id to the header's root.

use crate::anchor::bitcoin::{Header, Sha256d, Transaction};
use crate::anchor::ots::{Attestation, Op, Path, Proof};

/// A transaction, and the siblings on the way from its id to a header's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Without witnesses: its double hash is its id.
    pub transaction: Vec<u8>,
    /// From below; `true`: it stands to the left.
    pub siblings: Vec<(Sha256d, bool)>,
}

impl Way {
    /// The root that it leads to.
    #[must_use]
    pub fn root(&self) -> Sha256d {
        let id = Sha256d::of(&self.transaction);
        self.siblings.iter().fold(id, |below, (sibling, is_left)| {
            let pair = if *is_left { [sibling.0, below.0] } else { [below.0, sibling.0] };
            Sha256d::of(&pair.concat())
        })
    }
}

impl Proof {
    /// The way to this block, if a path leads to it (at this height, where one is said) and has the
    /// shape that blocks give it.
    #[must_use]
    pub fn way_to(&self, header: &Header, at: Option<u64>) -> Option<Way> {
        let leads = |path: &&Path<'_>| {
            matches!(path.attestation, Attestation::Bitcoin { height } if at.is_none_or(|at| at == *height))
                && path.message == header.merkle_root.0
        };
        self.paths().iter().filter(leads).find_map(|path| way(self.digest(), &path.ops))
    }
}

fn way(digest: &[u8], ops: &[&Op]) -> Option<Way> {
    let (at, transaction) = transaction(digest, ops)?;
    let steps = ops.get(at + 2..)?.chunks(3);
    let siblings = steps.map(|step| match step {
        [Op::Append(sibling), Op::Sha256, Op::Sha256] => side(sibling, false),
        [Op::Prepend(sibling), Op::Sha256, Op::Sha256] => side(sibling, true),
        _ => None,
    });
    let siblings = siblings.collect::<Option<Vec<_>>>()?;
    Some(Way { transaction: transaction.stripped().to_vec(), siblings })
}

fn side(sibling: &[u8], is_left: bool) -> Option<(Sha256d, bool)> {
    Some((Sha256d(sibling.try_into().ok()?), is_left))
}

/// The transaction that the digest went into, and after how many operations: what is hashed twice
/// and reads as one.
pub(super) fn transaction(digest: &[u8], ops: &[&Op]) -> Option<(usize, Transaction)> {
    let mut message = digest.to_vec();
    for (at, op) in ops.iter().enumerate() {
        if ops[at..].starts_with(&[&Op::Sha256, &Op::Sha256])
            && let Ok(transaction) = Transaction::parse(&message)
            && transaction.stripped() == message
        {
            return Some((at, transaction));
        }
        message = op.apply(&message).ok()?;
    }
    None
}
