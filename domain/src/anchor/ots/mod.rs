//! OpenTimestamps: `.ots` files read, evaluated, written and verified.
//!
//! The format and its limits are those of the reference implementation (python-opentimestamps
//! 0.4.5). A proof is a tree: operations lead from the file's digest to messages, and at its
//! leaves stand attestations, each of which says something about its message.

mod attestation;
mod block;
mod compose;
mod grow;
mod op;
mod varint;
mod verify;
mod way;

pub use attestation::Attestation;
pub use block::{AnchoringBlock, BLOCK_FORMAT, BadBlockFile, BlockFile, Sibling, Side};
pub use compose::{Uncomposable, compose};
pub use grow::{BLIND_BYTES, Promise, blinded};
pub use op::{FileHash, MESSAGE_BYTES_MAX, Op};
pub use verify::verify;
pub use way::Way;

use crate::anchor::bytes::{Defect, Malformed, Reader};

/// Larger than any proof: real ones take one to ten kilobytes. With it the work is bounded too:
/// each byte is at most one operation on one message.
pub const PROOF_BYTES_MAX: usize = 64 * 1024;
/// Operations on one path, as in the reference implementation.
pub const PATH_OPS_MAX: usize = 255;
/// A proof from several calendars, all of them upgraded, has about ten.
pub const ATTESTATIONS_MAX: usize = 64;

/// How every `.ots` file begins.
pub const MAGIC: [u8; 31] = *b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
const MAJOR_VERSION: u64 = 1;

const FORK: u8 = 0xff;
const ATTESTATION: u8 = 0x00;

/// A detached proof: a file's digest, and what leads on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    hash: FileHash,
    digest: Vec<u8>,
    timestamp: Timestamp,
}

/// What leads on from one message. Never empty, and in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Timestamp(Vec<Branch>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Branch {
    Attested(Attestation),
    Then(Op, Timestamp),
}

/// One way from the digest to an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    pub ops: Vec<&'a Op>,
    /// What the operations made of the digest.
    pub message: Vec<u8>,
    pub attestation: &'a Attestation,
}

impl Proof {
    /// Reads a whole `.ots` file.
    ///
    /// # Errors
    /// What is wrong with it, and at which byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, PROOF_BYTES_MAX)?;
        if reader.array() != Ok(MAGIC) {
            return Err(Defect::Magic("an OpenTimestamps proof").at(0));
        }
        let at = reader.at();
        let version = varint::read(&mut reader)?;
        if version != MAJOR_VERSION {
            return Err(Defect::Version(version).at(at));
        }
        let hash = FileHash::read(&mut reader)?;
        let digest = reader.take(hash.digest_bytes() as u64)?.to_vec();
        let mut attestations_left = ATTESTATIONS_MAX;
        let timestamp = Timestamp::read(&mut reader, &digest, 0, &mut attestations_left)?;
        reader.finish()?;
        Ok(Proof { hash, digest, timestamp })
    }

    /// The file again, byte for byte as it was read.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        varint::write(&mut out, MAJOR_VERSION);
        out.push(self.hash.tag());
        out.extend_from_slice(&self.digest);
        self.timestamp.write(&mut out);
        out
    }

    /// How the file's digest was made.
    #[must_use]
    pub const fn hash(&self) -> FileHash {
        self.hash
    }

    /// The digest of the stamped file.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Every attestation with the message that it is about, in the order of the file.
    #[must_use]
    pub fn paths(&self) -> Vec<Path<'_>> {
        let mut paths = Vec::new();
        self.timestamp.walk(&self.digest, &mut Vec::new(), &mut paths);
        paths
    }
}

impl Timestamp {
    /// Applies each operation at once, so that none that could not be applied is accepted.
    fn read(
        reader: &mut Reader<'_>,
        message: &[u8],
        depth: usize,
        attestations_left: &mut usize,
    ) -> Result<Self, Malformed> {
        if depth > PATH_OPS_MAX {
            return reader.fail(Defect::TooDeep(PATH_OPS_MAX));
        }
        let mut branches = Vec::new();
        loop {
            let at = reader.at();
            let mut tag = reader.byte()?;
            let is_last = tag != FORK;
            if !is_last {
                tag = reader.byte()?;
            }
            branches.push(match tag {
                ATTESTATION => {
                    let left = attestations_left.checked_sub(1);
                    let many = Defect::TooMany { what: "attestations", max: ATTESTATIONS_MAX };
                    *attestations_left = left.ok_or(many.at(at))?;
                    Branch::Attested(Attestation::read(reader)?)
                }
                tag => {
                    let op = Op::read(tag, reader)?;
                    let next = op.apply(message).map_err(|defect| defect.at(at))?;
                    let then = Timestamp::read(reader, &next, depth + 1, attestations_left)?;
                    Branch::Then(op, then)
                }
            });
            if is_last {
                return Ok(Timestamp(branches));
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (at, branch) in self.0.iter().enumerate() {
            if at + 1 < self.0.len() {
                out.push(FORK);
            }
            match branch {
                Branch::Attested(attestation) => {
                    out.push(ATTESTATION);
                    attestation.write(out);
                }
                Branch::Then(op, then) => {
                    op.write(out);
                    then.write(out);
                }
            }
        }
    }

    fn walk<'a>(&'a self, message: &[u8], ops: &mut Vec<&'a Op>, paths: &mut Vec<Path<'a>>) {
        for branch in &self.0 {
            match branch {
                Branch::Attested(attestation) => {
                    let (ops, message) = (ops.clone(), message.to_vec());
                    paths.push(Path { ops, message, attestation });
                }
                Branch::Then(op, then) => {
                    // Applied once when it was read or composed, so it can be applied again.
                    let Ok(next) = op.apply(message) else { continue };
                    ops.push(op);
                    then.walk(&next, ops, paths);
                    ops.pop();
                }
            }
        }
    }
}
