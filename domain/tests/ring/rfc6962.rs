//! Proof vectors of transparency-dev/merkle, most of them broken on purpose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::log::proof::{is_consistent, root_from_inclusion};
use domain::log::{Hash, Head, Leaf};
use serde::Deserialize;

use crate::fixtures;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// `None` unless it is a whole hash: whatever reads proofs refuses anything else.
fn hash(text: &str) -> Option<Hash> {
    Hash::from_slice(&BASE64.decode(text).expect("base64"))
}

fn hashes(texts: Option<&[String]>) -> Option<Vec<Hash>> {
    texts.unwrap_or_default().iter().map(|text| hash(text)).collect()
}

fn includes(case: &Inclusion) -> Option<()> {
    let leaf = Leaf(hash(&case.leaf_hash)?);
    let proof = hashes(case.proof.as_deref())?;
    let root = root_from_inclusion(leaf, case.leaf_idx, case.tree_size, &proof)?;
    (Some(root) == hash(&case.root)).then_some(())
}

fn extends(case: &Consistency) -> Option<()> {
    let old = Head { size: case.size1, root: hash(&case.root1)? };
    let new = Head { size: case.size2, root: hash(&case.root2)? };
    is_consistent(old, new, &hashes(case.proof.as_deref())?).then_some(())
}

#[test]
fn inclusion_proofs_hold_exactly_when_the_vectors_say_so() {
    let Some(folder) = fixtures::folder("rfc6962/inclusion") else { return };
    let files = fixtures::files(&folder, "json");
    assert!(!files.is_empty(), "{} holds no vectors", folder.display());
    for file in files {
        let case: Inclusion = fixtures::read_json(&file);
        assert_eq!(includes(&case).is_none(), case.want_err, "{}", file.display());
    }
}

#[test]
fn consistency_proofs_hold_exactly_when_the_vectors_say_so() {
    let Some(folder) = fixtures::folder("rfc6962/consistency") else { return };
    let files = fixtures::files(&folder, "json");
    assert!(!files.is_empty(), "{} holds no vectors", folder.display());
    for file in files {
        let case: Consistency = fixtures::read_json(&file);
        assert_eq!(extends(&case).is_none(), case.want_err, "{}", file.display());
    }
}
