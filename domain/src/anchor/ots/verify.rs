//! Checking an `.ots` proof: every path, what its end says, and whether a block says so too.

use crate::anchor::bitcoin::{KnownHeader, Network, Sha256d, belongs_to_the_chain, has_its_work};
use crate::anchor::ots::way::transaction;
use crate::anchor::ots::{Attestation, Path, Proof};
use crate::anchor::source::Source;
use crate::receipt::{Step, StepState, Verification, step};

/// Checks every step. Never fails: what is wrong is in the steps.
///
/// `stamped` is the digest of the file in question, by [`Proof::hash`]. `headers` are those that
/// the verifier has; one without a height is taken for the block that the proof leads to. The
/// verdict is green only with both, since a proof alone says neither whose digest it is nor that
/// its block exists.
#[must_use]
pub fn verify(
    proof: &Proof,
    stamped: Option<&[u8]>,
    headers: &[KnownHeader],
    network: Network,
) -> Verification {
    let paths = proof.paths();
    let blocks = Blocks::new(&paths, headers);
    let mut steps = vec![digest(proof, stamped)];
    for path in &paths {
        steps.extend(path_steps(proof, path, &blocks, network));
    }
    let confirmed =
        paths.iter().find_map(|path| blocks.of(path).filter(|known| known.is_vouched_for(network)));
    if paths.iter().all(|path| blocks.of(path).is_none()) {
        steps.push(unconfirmed(&paths));
    }
    let valid = confirmed.map_or_else(String::new, |known| valid(known, network));
    Verification::of(steps, &self_consistent(stamped, &paths, &blocks), &valid)
}

/// Which headers belong to which attestations.
struct Blocks<'a> {
    headers: &'a [KnownHeader],
    /// A header without a height led to by no path: then it contradicts the paths that have none.
    has_stray: bool,
}

impl<'a> Blocks<'a> {
    fn new(paths: &[Path<'_>], headers: &'a [KnownHeader]) -> Self {
        let is_stray = |known: &KnownHeader| {
            known.height.is_none() && !paths.iter().any(|path| leads_to(path, known))
        };
        Blocks { headers, has_stray: headers.iter().any(is_stray) }
    }

    /// The header that the path leads to.
    fn of(&self, path: &Path<'_>) -> Option<&'a KnownHeader> {
        self.headers.iter().find(|known| leads_to(path, known))
    }

    /// One that should be it, and is not.
    fn contradicts(&self, height: u64) -> bool {
        self.has_stray || self.headers.iter().any(|known| known.height == Some(height))
    }
}

fn leads_to(path: &Path<'_>, known: &KnownHeader) -> bool {
    let Attestation::Bitcoin { height } = *path.attestation else { return false };
    known.height.is_none_or(|known| known == height) && path.message == known.header.merkle_root.0
}

fn digest(proof: &Proof, stamped: Option<&[u8]>) -> Step {
    let in_proof = hex::encode(proof.digest());
    let title = "The file's digest is the one that was stamped";
    let method = proof.hash().to_string();
    let inputs = vec![("digest in the proof", in_proof)];
    let Some(stamped) = stamped else {
        let result = "no file was given: compare this digest with your file's".to_owned();
        let done = step(title, &method, inputs, result, true);
        return Step { state: StepState::Unidentified, ..done };
    };
    step(title, &method, inputs, hex::encode(stamped), stamped == proof.digest())
}

fn path_steps(proof: &Proof, path: &Path<'_>, blocks: &Blocks<'_>, network: Network) -> Vec<Step> {
    let Attestation::Bitcoin { height } = *path.attestation else {
        return vec![uncounted(path)];
    };
    let mut steps = vec![operations(proof, path, height)];
    let known = blocks.of(path);
    steps.push(root(path, height, known, blocks.contradicts(height)));
    if let Some(known) = known {
        steps.push(has_its_work(&known.header, network));
        steps.push(belongs_to_the_chain(known, network));
    }
    steps
}

fn operations(proof: &Proof, path: &Path<'_>, height: u64) -> Step {
    let ops: Vec<String> = path.ops.iter().map(ToString::to_string).collect();
    let mut inputs = vec![("digest", hex::encode(proof.digest())), ("operations", ops.join("\n"))];
    if let Some((_, transaction)) = transaction(proof.digest(), &path.ops) {
        inputs.push(("transaction on the way", transaction.id().to_string()));
    }
    let root = <[u8; 32]>::try_from(path.message.as_slice()).map(Sha256d);
    step(
        &format!("{} operations lead to a Merkle root of Bitcoin block {height}", ops.len()),
        "each operation on the result of the one before (OpenTimestamps)",
        inputs,
        root.map_or_else(
            |_| format!("{} bytes, which is no Merkle root", path.message.len()),
            |root| root.to_string(),
        ),
        root.is_ok(),
    )
}

fn root(path: &Path<'_>, height: u64, known: Option<&KnownHeader>, contradicted: bool) -> Step {
    let title = format!("That root stands in the header of block {height}");
    let method = "bytes 36 to 68 of the header";
    let Some(known) = known else {
        let reached = vec![("root", display(&path.message))];
        let (result, state) = if contradicted {
            ("the header that was given has another root", StepState::Invalid)
        } else {
            ("no header of this block was given", StepState::NotChecked)
        };
        return Step { state, ..step(&title, method, reached, result.to_owned(), false) };
    };
    let header = hex::encode(known.header.to_bytes());
    step(&title, method, vec![("header", header)], display(&path.message), true)
}

fn display(message: &[u8]) -> String {
    <[u8; 32]>::try_from(message)
        .map_or_else(|_| hex::encode(message), |root| Sha256d(root).to_string())
}

/// An attestation that no block header of Bitcoin confirms, and that proves nothing here.
fn uncounted(path: &Path<'_>) -> Step {
    let result = match path.attestation {
        Attestation::Pending { calendar } => {
            format!("a promise, not a proof: ask {calendar} for the rest, which upgrades this file")
        }
        Attestation::Unknown { .. } => {
            "of a kind that this program does not know: it counts for nothing".to_owned()
        }
        _ => "this program has no headers of that chain: it counts for nothing".to_owned(),
    };
    let inputs = vec![("message", hex::encode(&path.message))];
    let title = format!("An attestation: {}", path.attestation);
    let done = step(&title, "not computed here", inputs, result, true);
    Step { state: StepState::NotChecked, ..done }
}

/// Without this step a proof that proves nothing would have no step that says so.
fn unconfirmed(paths: &[Path<'_>]) -> Step {
    let done = step(
        "A block of Bitcoin confirms the digest",
        "at least one path that leads to a header you have",
        Vec::new(),
        missing_block(paths),
        true,
    );
    Step { state: StepState::Unidentified, ..done }
}

fn missing_block(paths: &[Path<'_>]) -> String {
    let heights: Vec<String> = paths
        .iter()
        .filter_map(|path| match path.attestation {
            Attestation::Bitcoin { height } => Some(height.to_string()),
            _ => None,
        })
        .collect();
    if heights.is_empty() {
        return "the proof names no block of Bitcoin yet".to_owned();
    }
    format!("bring the header of block {}", heights.join(" or "))
}

fn self_consistent(stamped: Option<&[u8]>, paths: &[Path<'_>], blocks: &Blocks<'_>) -> String {
    let mut missing = Vec::new();
    if stamped.is_none() {
        missing.push("no file was given to compare with".to_owned());
    }
    let known: Vec<_> = paths.iter().filter_map(|path| blocks.of(path)).collect();
    if known.is_empty() {
        missing.push(missing_block(paths));
    } else if known.iter().any(|known| known.source == Source::Proof) {
        missing.push("the block came with the proof: ask somebody else for it".to_owned());
    }
    format!("Self-consistent: what was computed holds, but {}.", missing.join("; "))
}

fn valid(known: &KnownHeader, network: Network) -> String {
    let height = known.height.map_or_else(String::new, |height| format!(" {height}"));
    format!(
        "Valid: the file existed before block{height} ({}) of Bitcoin's {network}, made at {} give \
         or take two hours. It says nothing of the file's truth or completeness.",
        known.header.hash(),
        known.header.time(),
    )
}
