//! Our consistency plans, held to the published proofs of transparency-dev/merkle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::log::{Hash, Leaf, plan};
use serde::Deserialize;

use super::house::{assemble, head_of};
use crate::fixtures;

/// The leaves of the vectors' tree: RFC 6962 implementations share them.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

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

fn hash(text: &str) -> Option<Hash> {
    Hash::from_slice(&BASE64.decode(text).ok()?)
}

#[test]
fn a_planned_consistency_proof_is_the_published_one() {
    let Some(folder) = fixtures::folder("rfc6962/consistency") else { return };
    let leaf = |bytes: &str| Leaf::of(&hex::decode(bytes).expect("hex"));
    let leaves: Vec<Leaf> = LEAVES.map(leaf).to_vec();
    let mut compared = 0;
    for file in fixtures::files(&folder, "json") {
        let case: Consistency = fixtures::read_json(&file);
        let Some(plan) = plan::consistency(case.size1, case.size2) else { continue };
        let sizes = [case.size1, case.size2].map(|size| usize::try_from(size).expect("small"));
        let Some(tree) = leaves.get(..sizes[1]).filter(|_| !case.want_err) else { continue };
        let published: Vec<Hash> =
            case.proof.iter().flatten().filter_map(|text| hash(text)).collect();
        assert_eq!(assemble(tree, &plan), published, "{}", file.display());
        assert_eq!(hash(&case.root1), Some(head_of(&leaves[..sizes[0]]).root));
        assert_eq!(hash(&case.root2), Some(head_of(tree).root));
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} vectors are proofs that hold");
}
