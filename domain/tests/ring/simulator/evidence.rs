//! Two signed heads of one log that cannot both belong to one tree.

use domain::log::proof::is_consistent;
use domain::log::{Hash, Head};
use domain::quorum::Signer;

use super::disk::Disk;
use super::notary::{Notary, Note};

/// Nothing in it is believed until [`Evidence::named`] has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub smaller: Note,
    pub larger: Note,
    /// What the larger tree begins with, as far as the smaller one reaches, and the proof of that.
    prefix: Hash,
    proof: Vec<Hash>,
}

impl Evidence {
    /// What `theirs` and the smallest of our notes that is not smaller prove together.
    pub fn against(theirs: Note, disk: &Disk) -> Option<Self> {
        let at = disk.notes.partition_point(|note| note.head.size < theirs.head.size);
        let ours = *disk.notes.get(at)?;
        let (old, new) = (theirs.head.size, ours.head.size);
        let proof = disk.tree.consistency(old, new)?;
        let prefix = disk.tree.root_at(old)?;
        Some(Evidence { smaller: theirs, larger: ours, prefix, proof })
    }

    /// Who signed both heads, if they cannot belong to one tree.
    pub fn named(&self, notary: &Notary) -> Vec<Signer> {
        let Evidence { smaller, larger, prefix, proof } = self;
        let begins = Head { size: smaller.head.size, root: *prefix };
        let forks = smaller.log == larger.log
            && *prefix != smaller.head.root
            && is_consistent(begins, larger.head, proof);
        let (Some(smaller), Some(larger)) = (notary.verified(smaller), notary.verified(larger))
        else {
            return Vec::new();
        };
        let both = smaller.signers().filter(|by| *larger.lines.get(*by));
        if forks { both.collect() } else { Vec::new() }
    }
}
