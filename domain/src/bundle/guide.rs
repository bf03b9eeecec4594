//! `VERIFY.md` and `verify.sh`: how to check a bundle without any program of ours.

use super::{
    AUTHORITY_FILE, BITCOIN_FILE, Contents, ETHEREUM_FILE, OTS_FILE, REQUEST_FILE, STAMP_FILE,
    SnapshotFile,
};
use crate::anchor::Publisher;
use crate::cloud::Cloud;

/// Checks the bundle that it lies in with `sha256sum`, `openssl` and `ots`.
pub const SCRIPT: &str = include_str!("verify.sh");

const HEAD: &str = include_str!("verify-head.md");
const BY_HAND: &str = include_str!("verify-hand.md");

const LEFT_OUT: &str = "; its proof is left out, since it cannot be read or does not fit into one \
    `root.ots` with the other";

/// `VERIFY.md` of this bundle.
pub(super) fn text(contents: &Contents, snapshot: &SnapshotFile) -> String {
    let deployment = &snapshot.deployment;
    let title = format!("# Snapshot {} of {deployment}\n\n", snapshot.period);
    let facts = format!(
        "| | |\n|---|---|\n| hash | `{}` |\n| attested by | {} |\n| anchored outside | {} |\n\n",
        snapshot.hash,
        clouds(&snapshot.agreed_by),
        anchored(snapshot),
    );
    let hand = BY_HAND.replace("{hash}", &snapshot.hash.to_string());
    title + &facts + HEAD + &files(contents, snapshot) + &hand
}

fn clouds(clouds: &[Cloud]) -> String {
    clouds.iter().map(|cloud| cloud.title()).collect::<Vec<_>>().join(", ")
}

fn anchored(snapshot: &SnapshotFile) -> String {
    match snapshot.anchored_at {
        Some(at) if snapshot.anchored => format!("yes, no later than {at}"),
        _ => "no: when it was so rests on the clouds' word".to_owned(),
    }
}

/// What is in the bundle beside what is in each, and what is not and why.
fn files(contents: &Contents, snapshot: &SnapshotFile) -> String {
    let mut text = String::from("## Proofs by others\n| file | |\n|---|---|\n");
    for publisher in Publisher::ALL {
        let entry = snapshot.anchors.iter().find(|one| one.publisher == publisher);
        let known = contents.anchors.get(&publisher);
        let standing = known.map_or("this cloud does not publish there", |one| &one.standing);
        let (names, state) = match entry {
            Some(entry) => (quoted(&entry.files), "enclosed"),
            None => (quoted(expected(publisher)), "absent"),
        };
        // What has a proof and no entry was left out by [`Contents::bundle`].
        let is_left_out = entry.is_none() && known.is_some_and(|one| one.proof.is_some());
        let why = if is_left_out { LEFT_OUT } else { "" };
        text += &format!("| {names} | {state}: {standing}{why} |\n");
    }
    let differ = &contents.differing;
    let silent = Cloud::ALL.into_iter();
    let silent: Vec<Cloud> = silent
        .filter(|cloud| !snapshot.agreed_by.contains(cloud) && !differ.contains(cloud))
        .collect();
    if !differ.is_empty() {
        let who = clouds(differ);
        text += &format!(
            "\n**{who} attested another hash** and is outvoted. Its word is an event of its own log, and not in this bundle.\n"
        );
    }
    if !silent.is_empty() {
        let who = clouds(&silent);
        text += &format!(
            "\n{who} has no attestation that is final at the packing cloud yet; two are enough.\n"
        );
    }
    text + "\n"
}

const fn expected(publisher: Publisher) -> &'static [&'static str] {
    match publisher {
        Publisher::Ethereum => &[ETHEREUM_FILE],
        Publisher::Bitcoin => &[OTS_FILE, BITCOIN_FILE],
        Publisher::OpenTimestamps => &[OTS_FILE],
        Publisher::Rfc3161 => &[REQUEST_FILE, STAMP_FILE, AUTHORITY_FILE],
    }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(" ")
}
