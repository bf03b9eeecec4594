//! The steps about a block: is its work done, and who says that it is in the chain?

use crate::anchor::bitcoin::{Header, Network, Target};
use crate::anchor::source::Source;
use crate::receipt::{Step, StepState, step};

/// A header that a verifier has at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHeader {
    pub header: Header,
    /// Its number in the chain, if whoever gave it said so: a header does not contain it.
    pub height: Option<u64>,
    pub source: Source,
}

/// Proof of work, and no less of it than the network has ever asked for.
pub(in crate::anchor) fn has_its_work(header: &Header, network: Network) -> Step {
    let hash = header.hash();
    let target = Target::from_bits(header.bits);
    let easiest = network.easiest(header.time_unix_s);
    let result = match target {
        None => "the header states no target that a hash could meet".to_owned(),
        Some(target) if target > easiest => {
            format!("no block of {network} of that time was this easy to make")
        }
        Some(target) if !target.admits(hash) => format!("the hash {hash} is above the target"),
        Some(_) => format!("the hash {hash} is below the target"),
    };
    step(
        "The work that the header states was done for it",
        "SHA-256(SHA-256(header)) ≤ target; target ≤ the network's easiest",
        vec![
            ("header", hex::encode(header.to_bytes())),
            ("target", target.map_or_else(|| "none".to_owned(), |target| target.to_string())),
            ("easiest of its time", format!("{easiest}, {network}")),
        ],
        result,
        header.has_work(network),
    )
}

/// The fact that no computation shows.
pub(in crate::anchor) fn belongs_to_the_chain(known: &KnownHeader, network: Network) -> Step {
    let hash = known.header.hash();
    let height = known.height.map_or_else(|| "not given".to_owned(), |height| height.to_string());
    let done = step(
        &format!("The block is in the chain of Bitcoin's {network}"),
        "whoever gave the header",
        vec![("block", hash.to_string()), ("height", height)],
        known.source.sentence(&hash.to_string()),
        true,
    );
    Step { state: known.source.state(), ..done }
}

impl KnownHeader {
    /// Everything that can be computed of it holds, and the verifier brought it.
    pub(in crate::anchor) fn is_vouched_for(&self, network: Network) -> bool {
        self.header.has_work(network) && self.source.state() == StepState::Valid
    }
}
