//! What a cloud knows of an agreed snapshot, written down as files.

use std::collections::BTreeMap;

use super::{
    AUTHORITY_FILE, AnchorEntry, BITCOIN_FILE, Bundle, CALENDARS_FILE, ETHEREUM_FILE, GUIDE_FILE,
    MANIFEST_FILE, OTS_FILE, POLICY_FILE, REQUEST_FILE, SCRIPT, SCRIPT_FILE, SNAPSHOT_FILE,
    SNAPSHOT_FORMAT, STAMP_FILE, SUMS_FILE, SnapshotFile, attestation, guide,
};
use crate::anchor::Publisher;
use crate::anchor::bitcoin::Header;
use crate::anchor::ots::{BlockFile, Proof};
use crate::anchor::state::Place;
use crate::cloud::Cloud;
use crate::log::Hash;
use crate::policy::Policy;
use crate::receipt::Receipt;
use crate::snapshot::Manifest;

/// Everything that goes into a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    pub manifest: Manifest,
    /// Of the clouds that agree: the receipt of each one's last word.
    pub attestations: BTreeMap<Cloud, Receipt>,
    /// The clouds whose last word was another hash.
    pub differing: Vec<Cloud>,
    pub policy: Policy,
    /// One for each publisher that the packing cloud is configured for or has used.
    pub anchors: BTreeMap<Publisher, Anchored>,
}

/// How far the hash is with one publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    pub is_final: bool,
    pub place: Option<Place>,
    /// The `.ots`, the `.tsr` or `ethereum.json`, as far as there is one.
    pub proof: Option<Vec<u8>>,
    /// What a time-stamping authority was asked.
    pub request: Option<Vec<u8>>,
    /// Its certificates, PEM.
    pub chain: Option<Vec<u8>>,
    /// What there is to say of it, for people: a sentence without its full stop.
    pub standing: String,
}

impl Contents {
    /// The snapshot's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.manifest.hash()
    }

    /// The files. The same contents give the same bytes.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        let mut bundle = Bundle::default();
        bundle.put(MANIFEST_FILE, self.manifest.bytes());
        bundle.put(POLICY_FILE, self.policy.to_string());
        for (cloud, receipt) in &self.attestations {
            bundle.files.extend(attestation::files(*cloud, receipt));
        }
        let anchors = self.anchor(&mut bundle);
        let snapshot = self.snapshot(anchors);
        bundle.put(SNAPSHOT_FILE, snapshot.to_bytes());
        bundle.put(GUIDE_FILE, guide::text(self, &snapshot));
        bundle.put(SCRIPT_FILE, SCRIPT);
        let sums = bundle.sums();
        bundle.put(SUMS_FILE, sums);
        bundle
    }

    fn snapshot(&self, anchors: Vec<AnchorEntry>) -> SnapshotFile {
        SnapshotFile {
            format: SNAPSHOT_FORMAT.to_owned(),
            deployment: self.manifest.deployment.clone(),
            number: self.manifest.number,
            period: self.manifest.period,
            hash: self.hash(),
            anchored: anchors.iter().any(|one| one.anchored),
            anchored_at: SnapshotFile::earliest(&anchors),
            agreed_by: self.attestations.keys().copied().collect(),
            differing: self.differing.clone(),
            anchors,
        }
    }

    /// Puts the proofs into the bundle, and says which there are.
    fn anchor(&self, bundle: &mut Bundle) -> Vec<AnchorEntry> {
        let mut entries = Vec::new();
        let mut timestamps: Option<Proof> = None;
        for (publisher, anchored) in &self.anchors {
            let Some(proof) = &anchored.proof else { continue };
            let mut files = Vec::new();
            match publisher {
                Publisher::Ethereum => {
                    keep(bundle, &mut files, ETHEREUM_FILE, Some(proof.as_slice()));
                }
                Publisher::Rfc3161 => {
                    keep(bundle, &mut files, REQUEST_FILE, anchored.request.as_deref());
                    keep(bundle, &mut files, STAMP_FILE, Some(proof.as_slice()));
                    keep(bundle, &mut files, AUTHORITY_FILE, anchored.chain.as_deref());
                }
                Publisher::Bitcoin | Publisher::OpenTimestamps => {
                    let Ok(read) = Proof::parse(proof) else { continue };
                    // Of two that do not fit into one file the first stays, and the guide says so.
                    let joined = match &timestamps {
                        None => Some(read.clone()),
                        Some(known) => known.joined(&read),
                    };
                    let Some(joined) = joined else { continue };
                    timestamps = Some(joined);
                    files.push(OTS_FILE.to_owned());
                    let block = block(&read, anchored.place.as_ref());
                    let taken = bundle.file(BITCOIN_FILE).is_some();
                    let name = if taken { CALENDARS_FILE } else { BITCOIN_FILE };
                    keep(bundle, &mut files, name, block.as_deref());
                }
            }
            entries.push(entry(*publisher, anchored, files));
        }
        if let Some(proof) = timestamps {
            bundle.put(OTS_FILE, proof.to_bytes());
        }
        entries
    }
}

fn keep(bundle: &mut Bundle, files: &mut Vec<String>, name: &str, bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes {
        bundle.put(name, bytes);
        files.push(name.to_owned());
    }
}

fn block(proof: &Proof, place: Option<&Place>) -> Option<Vec<u8>> {
    let place = place?;
    let header = Header::parse(&place.header.as_ref()?.0).ok()?;
    Some(BlockFile::of(proof, &header, place.height).to_bytes())
}

fn entry(publisher: Publisher, anchored: &Anchored, files: Vec<String>) -> AnchorEntry {
    let place = anchored.place.as_ref();
    AnchorEntry {
        publisher,
        anchored: anchored.is_final && place.is_some(),
        anchored_at: place.map(|place| place.time),
        place: place.map(|place| place.name.clone()),
        height: place.and_then(|place| place.height),
        files,
    }
}
