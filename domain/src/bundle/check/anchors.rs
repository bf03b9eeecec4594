//! Proofs by others: each is checked for the snapshot's hash, and what `snapshot.json` says of it.

use super::Check;
use crate::anchor::bitcoin::{KnownHeader, Network, Sha256d};
use crate::anchor::ethereum::{self, ProofFile};
use crate::anchor::ots::{self, BlockFile, Proof};
use crate::anchor::rfc3161::{self, Certificate, Request, TimeStamp, certificates};
use crate::anchor::state::Place;
use crate::anchor::{Publisher, Source, commitment};
use crate::bundle::{
    AUTHORITY_FILE, AnchorEntry, BITCOIN_FILE, CALENDARS_FILE, ETHEREUM_FILE, OTS_FILE,
    REQUEST_FILE, SNAPSHOT_FILE, STAMP_FILE, SnapshotFile,
};
use crate::receipt::{Step, StepState, step};

const NETWORK: &str = "It is a proof on your network";

impl Check<'_> {
    pub(super) fn anchors(&mut self, snapshot: Option<&SnapshotFile>) {
        let entries = snapshot.map_or(&[][..], |snapshot| snapshot.anchors.as_slice());
        let blocks = self.blocks();
        self.timestamps(&blocks);
        let stamped = self.stamp();
        let mined = self.ethereum();
        for entry in entries {
            let found = match entry.publisher {
                Publisher::Ethereum => mined.clone(),
                Publisher::Rfc3161 => stamped.clone(),
                Publisher::Bitcoin | Publisher::OpenTimestamps => {
                    let file = blocks.iter().find(|(name, _)| entry.files.contains(name));
                    file.map(|(_, known)| place_of(known))
                }
            };
            self.said(entry, found.as_ref());
        }
        self.all_are_said(snapshot);
    }

    /// What `snapshot.json` says of one anchor, beside what its proof says.
    fn said(&mut self, entry: &AnchorEntry, found: Option<&Place>) {
        let title = format!("The place it says of {} is what the proof says", entry.publisher);
        let method = "place and time, read from the proof";
        let show = |name: &str, height: Option<u64>, time: String| {
            let height = height.map_or_else(String::new, |height| format!(" at {height}"));
            format!("{name}{height}, {time}")
        };
        let said = match (&entry.place, entry.anchored_at) {
            (Some(place), Some(time)) => show(place, entry.height, time.to_string()),
            (None, None) => "no place yet".to_owned(),
            _ => "a place without a time, or a time without a place".to_owned(),
        };
        let is_final = if entry.anchored { "yes" } else { "no" };
        let inputs = vec![
            ("said here", said.clone()),
            ("final, as the packing cloud says", is_final.to_owned()),
            ("files", entry.files.join("\n")),
        ];
        let absent = entry.files.iter().find(|name| !self.bundle.files.contains_key(*name));
        let done = match (found, absent) {
            (_, Some(name)) => step(&title, method, inputs, format!("{name} is missing"), false),
            (Some(place), None) => {
                let found = show(&place.name, place.height, place.time.to_string());
                let holds = said == found;
                step(&title, method, inputs, found, holds)
            }
            // A promise has no place; and who kept no header of the block has its word alone.
            (None, None) if entry.place.is_none() => {
                let holds = !entry.anchored && entry.anchored_at.is_none();
                step(&title, method, inputs, "a promise, not a proof yet".to_owned(), holds)
            }
            (None, None) => {
                let result = "the bundle has no header of this block to compare with".to_owned();
                let done = step(&title, method, inputs, result, true);
                self.missing
                    .push(format!("the block of {} came without its header", entry.publisher));
                Step { state: StepState::Unidentified, ..done }
            }
        };
        self.add(SNAPSHOT_FILE, done);
    }

    /// Nothing is called anchored that is not, and no proof is passed over.
    fn all_are_said(&mut self, snapshot: Option<&SnapshotFile>) {
        let Some(snapshot) = snapshot else { return };
        let show = |anchored: bool, at: Option<crate::clock::Timestamp>| match (anchored, at) {
            (true, Some(at)) => format!("anchored, no later than {at}"),
            (false, None) => "not anchored outside".to_owned(),
            _ => "it contradicts itself".to_owned(),
        };
        let said = show(snapshot.anchored, snapshot.anchored_at);
        let any = snapshot.anchors.iter().any(|one| one.anchored);
        let found = show(any, SnapshotFile::earliest(&snapshot.anchors));
        let named =
            |name: &str| snapshot.anchors.iter().any(|one| one.files.iter().any(|it| it == name));
        let proofs = [OTS_FILE, STAMP_FILE, ETHEREUM_FILE, BITCOIN_FILE, CALENDARS_FILE];
        let unsaid =
            proofs.into_iter().find(|name| self.bundle.file(name).is_some() && !named(name));
        let holds = said == found && unsaid.is_none();
        let result = unsaid.map_or(found, |name| format!("{name} is here, and it is not said"));
        let title = "It says whether the hash is anchored outside, and since when";
        let method = "the earliest of the anchors that are final, as the packing cloud says";
        let done = step(title, method, vec![("said here", said)], result, holds);
        self.add(SNAPSHOT_FILE, done);
    }

    /// The headers that came with the bundle. Each proves its own work, and not its place.
    fn blocks(&mut self) -> Vec<(String, KnownHeader)> {
        let proof = self.bundle.file(OTS_FILE).and_then(|bytes| Proof::parse(bytes).ok());
        let mut blocks = Vec::new();
        for name in [BITCOIN_FILE, CALENDARS_FILE] {
            let Some(bytes) = self.bundle.file(name) else { continue };
            let block = match BlockFile::parse(bytes) {
                Ok(block) => block,
                Err(cause) => {
                    self.unreadable(name, &cause);
                    continue;
                }
            };
            let root = block.header.merkle_root;
            let reached = block.way.as_ref().map(ots::Way::root);
            let said = proof.as_ref().map(|proof| proof.way_to(&block.header, block.height));
            let same = said.is_some_and(|said| said == block.way);
            // A path may reach the root in a way that is no transaction's, but reach it it must.
            let is_met = proof.as_ref().is_some_and(|proof| {
                proof.paths().iter().any(|path| leads_to(path, root, block.height))
            });
            let result = match reached {
                _ if !is_met => format!("no path of {OTS_FILE} leads to this block"),
                Some(reached) if reached != root => format!("the branch leads to {reached}"),
                _ if !same => format!("{OTS_FILE} leads there another way"),
                _ => root.to_string(),
            };
            let holds = is_met && same && reached.is_none_or(|reached| reached == root);
            let transaction = block.way.as_ref().map(|way| Sha256d::of(&way.transaction));
            let inputs = vec![
                ("header", hex::encode(block.header.to_bytes())),
                ("transaction", transaction.map_or_else(String::new, |id| id.to_string())),
            ];
            let title = "Its transaction and branch lead to its header's root, as in root.ots";
            let method = "SHA-256 twice, along the branch";
            self.add(name, step(title, method, inputs, result, holds));
            let known =
                KnownHeader { header: block.header, height: block.height, source: Source::Proof };
            blocks.push((name.to_owned(), known));
        }
        blocks
    }

    fn timestamps(&mut self, blocks: &[(String, KnownHeader)]) {
        let Some(bytes) = self.bundle.file(OTS_FILE) else { return };
        let proof = match Proof::parse(bytes) {
            Ok(proof) => proof,
            Err(cause) => return self.unreadable(OTS_FILE, &cause),
        };
        let own = self.held.headers.iter();
        let headers: Vec<KnownHeader> =
            own.chain(blocks.iter().map(|(_, known)| known)).cloned().collect();
        let other = other_network(&proof, &headers, self.held.network);
        let network = other.unwrap_or(self.held.network);
        let checked = ots::verify(&proof, Some(&self.hash.0), &headers, network);
        let is_open = checked.steps.iter().any(|step| step.state == StepState::Unidentified);
        let holds = checked.steps.iter().all(|step| step.state != StepState::Invalid);
        let met = own_block(&proof, &self.held.headers);
        self.add_all(OTS_FILE, checked.steps);
        if let Some(network) = other {
            let asked = self.held.network;
            let result = format!(
                "nobody's work stands behind this block: no block of {asked} was this easy to make, so \
                 it is of a test network, or made up in seconds. If the deployment publishes on {network}, choose the network on the page, or \
                 --bitcoin-network {network}"
            );
            self.other_network(OTS_FILE, &asked.to_string(), &network.to_string(), &result);
        } else if let Some(known) = met.filter(|_| holds) {
            let by = match self.held.network {
                Network::Mainnet => format!("block {} of Bitcoin", known.header.hash()),
                network => format!(
                    "block {} of Bitcoin's {network}, whose blocks anybody can make",
                    known.header.hash()
                ),
            };
            self.times.push((known.header.time(), by));
        }
        if is_open {
            let is_promise = |path: &ots::Path<'_>| {
                !matches!(path.attestation, ots::Attestation::Bitcoin { .. })
            };
            self.missing.push(if proof.paths().iter().all(is_promise) {
                format!("{OTS_FILE} is a promise of calendars and no proof yet")
            } else {
                "which blocks are in Bitcoin's chain rests on the bundle's word: bring the header \
                 from a node of yours or two explorers"
                    .to_owned()
            });
        }
    }

    /// A proof on another network than the verifier's counts for nothing before they say so.
    fn other_network(&mut self, file: &str, asked: &str, found: &str, result: &str) {
        let inputs = vec![("your network", asked.to_owned()), ("its network", found.to_owned())];
        let done = step(NETWORK, "compared", inputs, result.to_owned(), true);
        self.add(file, Step { state: StepState::Unidentified, ..done });
        self.missing.push(format!("of {file}, {result}"));
    }

    /// The stamp, under the verifier's authorities, or else under those that came with it.
    fn stamp(&mut self) -> Option<Place> {
        let enclosed = self.authorities();
        let bytes = self.bundle.file(STAMP_FILE)?;
        let stamp = match TimeStamp::parse(bytes) {
            Ok(stamp) => stamp,
            Err(cause) => {
                self.unreadable(STAMP_FILE, &cause);
                return None;
            }
        };
        let own = &self.held.authorities;
        let roots = if own.is_empty() { &enclosed } else { own };
        let mut checked = rfc3161::verify(&stamp, Some(&self.hash.0), None, roots);
        if own.is_empty() {
            on_the_bundles_word(&mut checked.steps);
            self.missing.push(
                "that the time-stamping authority is one to trust rests on the bundle's word: bring \
                 its certificate"
                    .to_owned(),
            );
        } else if checked.steps.iter().all(|step| step.state == StepState::Valid) {
            self.times.push((stamp.time(), "a time-stamping authority that you trust".to_owned()));
        }
        self.add_all(STAMP_FILE, checked.steps);
        self.answers(&stamp);
        Some(Place { name: stamp.serial(), height: None, time: stamp.time(), header: None })
    }

    fn authorities(&mut self) -> Vec<Certificate> {
        let Some(bytes) = self.bundle.file(AUTHORITY_FILE) else { return Vec::new() };
        certificates(bytes).unwrap_or_else(|cause| {
            self.unreadable(AUTHORITY_FILE, &cause);
            Vec::new()
        })
    }

    fn answers(&mut self, stamp: &TimeStamp) {
        let Some(bytes) = self.bundle.file(REQUEST_FILE) else { return };
        match Request::parse(bytes) {
            Err(cause) => self.unreadable(REQUEST_FILE, &cause),
            Ok(request) => {
                let mut steps = rfc3161::verify(stamp, None, Some(&request), &[]).steps;
                // What was asked, and that this answers it; the rest is said of the stamp.
                steps.truncate(2);
                self.add_all(REQUEST_FILE, steps);
            }
        }
    }

    fn ethereum(&mut self) -> Option<Place> {
        let bytes = self.bundle.file(ETHEREUM_FILE)?;
        let file = match ProofFile::parse(bytes) {
            Ok(file) => file,
            Err(cause) => {
                self.unreadable(ETHEREUM_FILE, &cause);
                return None;
            }
        };
        let title = "It is a proof of this hash";
        let inputs = vec![("hash", file.hash.to_string())];
        let holds = file.hash == self.hash;
        self.add(ETHEREUM_FILE, step(title, "compared", inputs, self.hash.to_string(), holds));
        let is_mine = file.chain_id == self.held.chain;
        if is_mine {
            let inputs = vec![("your network", file.chain_id.to_string())];
            let found = file.chain_id.to_string();
            self.add(ETHEREUM_FILE, step(NETWORK, "compared", inputs, found, true));
        } else {
            let (asked, found) = (self.held.chain.to_string(), file.chain_id.to_string());
            let result = format!(
                "this block is of network {found}, and yours is {asked}: if the deployment publishes \
                 there, choose the network on the page, or --ethereum-chain {found}"
            );
            self.other_network(ETHEREUM_FILE, &asked, &found, &result);
        }
        let block = self.held.block.as_ref();
        let carried = commitment(self.hash);
        let checked = ethereum::verify(&file.inclusion(), &carried, file.chain_id, block);
        let stands = checked.steps.iter().all(|step| step.state == StepState::Valid);
        let header = ethereum::Header::parse(&file.header).ok();
        if block.is_none() {
            self.missing.push(
                "which blocks are in Ethereum's chain rests on the bundle's word: bring the block's \
                 hash from a node of yours or two explorers"
                    .to_owned(),
            );
        } else if let Some(header) = header.as_ref().filter(|_| stands && is_mine) {
            self.times.push((header.time(), format!("block {} of Ethereum", header.number)));
        }
        self.add_all(ETHEREUM_FILE, checked.steps);
        let header = header?;
        let (name, height) = (header.hash().to_string(), Some(header.number));
        Some(Place { name, height, time: header.time(), header: None })
    }
}

fn place_of(known: &KnownHeader) -> Place {
    let header = &known.header;
    let name = header.hash().to_string();
    Place { name, height: known.height, time: header.time(), header: None }
}

/// Does the path end in this root, in a block of Bitcoin's (at this height, where one is said)?
fn leads_to(path: &ots::Path<'_>, root: Sha256d, at: Option<u64>) -> bool {
    matches!(path.attestation, ots::Attestation::Bitcoin { height } if at.is_none_or(|at| at == *height))
        && path.message == root.0
}

/// The verifier's header that a path of the proof leads to.
fn own_block<'a>(proof: &Proof, own: &'a [KnownHeader]) -> Option<&'a KnownHeader> {
    let paths = proof.paths();
    let is_met = |known: &&KnownHeader| {
        let root = known.header.merkle_root;
        paths.iter().any(|path| leads_to(path, root, known.height))
    };
    own.iter().filter(is_met).min_by_key(|known| known.header.time())
}

/// The easier network that a block is of, which a path leads to and which is too easy for `asked`.
fn other_network(proof: &Proof, blocks: &[KnownHeader], asked: Network) -> Option<Network> {
    let paths = proof.paths();
    let met = blocks.iter().filter(|known| {
        let root = known.header.merkle_root;
        paths.iter().any(|path| leads_to(path, root, known.height))
    });
    let easier = |known: &KnownHeader| {
        let has_work = |network: &Network| known.header.has_work(*network);
        let found = [Network::Testnet, Network::Regtest].into_iter().find(has_work);
        found.filter(|_| !has_work(&asked))
    };
    // Whatever is a block of the test network is one of a developer's own chain too.
    met.filter_map(easier).max_by_key(|network| *network == Network::Regtest)
}

/// The last step says who vouches for the authority.
fn on_the_bundles_word(steps: &mut [Step]) {
    if let Some(last) = steps.last_mut()
        && last.state == StepState::Valid
    {
        last.state = StepState::Unidentified;
        last.result = format!(
            "by certificates that came with the bundle: bring those that you trust. {}",
            last.result
        );
    }
}
