//! What was read back and compared: the only way into a block's stage, and to `final`.

use super::Place;
use crate::anchor::bitcoin::{KnownHeader, Network};
use crate::anchor::ethereum::{Header, HexBytes, KnownBlock, ProofFile};
use crate::anchor::ots;
use crate::anchor::rfc3161::{self, Certificate, Request, TimeStamp};
use crate::log::Hash;
use crate::receipt::{StepState, Verdict, Verification};

/// A proof that was verified step by step, against a block that a node of ours vouches for or a
/// certificate that we trust. It cannot be made otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    place: Place,
    proof: Vec<u8>,
}

/// What was read back is not what must be there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unproven(String);

impl Proven {
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn into_parts(self) -> (Place, Vec<u8>) {
        (self.place, self.proof)
    }

    /// `block` is what a node of ours says stands at that height.
    ///
    /// # Errors
    /// The first step that does not hold.
    pub fn on_ethereum(
        file: &ProofFile,
        hash: Hash,
        chain_id: u64,
        block: &KnownBlock,
    ) -> Result<Self, Unproven> {
        if file.hash != hash || file.chain_id != chain_id {
            return Err(Unproven("the proof is of another hash or network".to_owned()));
        }
        holds(&file.verify(Some(block)))?;
        let header = Header::parse(&file.header).map_err(|fault| Unproven(fault.to_string()))?;
        let place = Place {
            name: header.hash().to_string(),
            height: Some(header.number),
            time: header.time(),
            header: None,
        };
        Ok(Proven { place, proof: file.to_bytes() })
    }

    /// For our own transactions as for those of calendars. `headers` are what a node of ours says
    /// stands at the heights that the proof names.
    ///
    /// # Errors
    /// The first step that does not hold.
    pub fn on_bitcoin(
        proof: &ots::Proof,
        hash: Hash,
        headers: &[KnownHeader],
        network: Network,
    ) -> Result<Self, Unproven> {
        holds(&ots::verify(proof, Some(&hash.0), headers, network))?;
        let earliest = headers.iter().filter(|known| {
            let is_met = |path: &ots::Path<'_>| path.message == known.header.merkle_root.0;
            proof.paths().iter().any(is_met)
        });
        let earliest = earliest.min_by_key(|known| known.height);
        let known = earliest.ok_or_else(|| Unproven("no header was given".to_owned()))?;
        let place = Place {
            name: known.header.hash().to_string(),
            height: known.height,
            time: known.header.time(),
            header: Some(HexBytes(known.header.to_bytes().to_vec())),
        };
        Ok(Proven { place, proof: proof.to_bytes() })
    }

    /// # Errors
    /// The first step that does not hold.
    pub fn by_authority(
        stamp: &[u8],
        hash: Hash,
        request: &Request,
        roots: &[Certificate],
    ) -> Result<Self, Unproven> {
        let read = TimeStamp::parse(stamp).map_err(|fault| Unproven(fault.to_string()))?;
        holds(&rfc3161::verify(&read, Some(&hash.0), Some(request), roots))?;
        let place = Place { name: read.serial(), height: None, time: read.time(), header: None };
        Ok(Proven { place, proof: stamp.to_vec() })
    }
}

fn holds(verification: &Verification) -> Result<(), Unproven> {
    if verification.verdict == Verdict::Valid {
        return Ok(());
    }
    let broken = verification.steps.iter().find(|step| step.state == StepState::Invalid);
    Err(Unproven(broken.map_or_else(
        || verification.sentence.clone(),
        |step| format!("{}: {}", step.title, step.result),
    )))
}
