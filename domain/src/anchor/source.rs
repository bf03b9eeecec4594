//! How a verifier came by a block: a header proves its own work, not that it is in the chain.

use crate::receipt::StepState;

/// Who says that a block is in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The verifier brought the block: from a node or explorer of their choice, named here.
    Verifier(String),
    /// The block came with the proof, from whoever wants it believed.
    Proof,
}

impl Source {
    /// What a step on the block's place in the chain finds.
    pub(super) fn state(&self) -> StepState {
        match self {
            Source::Verifier(_) => StepState::Valid,
            Source::Proof => StepState::Unidentified,
        }
    }

    /// The same, in words. `block` is its hash as explorers show it.
    pub(super) fn sentence(&self, block: &str) -> String {
        match self {
            Source::Verifier(who) => format!("the block is your own: {who}"),
            Source::Proof => format!(
                "the block came with the proof: ask a node of yours or two explorers for {block}"
            ),
        }
    }
}
