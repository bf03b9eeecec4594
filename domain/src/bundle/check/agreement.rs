//! Who attests the snapshot: each cloud's event, its finality, and whose keys these are.

use super::Check;
use crate::bundle::attestation::{event_key, files, folder, key_file, receipt_file};
use crate::bundle::{POLICY_FILE, SNAPSHOT_FILE, SnapshotFile};
use crate::catalog::SnapshotAttest;
use crate::cloud::Cloud;
use crate::policy::Policy;
use crate::receipt::{self, Receipt, Step, StepState, step};
use crate::snapshot::Manifest;

/// As many clouds as make an event final make a snapshot agreed.
const AGREE: usize = 2;

impl Check<'_> {
    pub(super) fn attestations(&mut self, manifest: Option<&Manifest>) {
        let text = String::from_utf8_lossy(self.bundle.file(POLICY_FILE).unwrap_or_default());
        let enclosed = match Policy::parse(&text) {
            Ok(policy) => Some(policy),
            Err(cause) => {
                self.unreadable(POLICY_FILE, &cause);
                None
            }
        };
        for cloud in self.bundle.attesting() {
            self.attestation(cloud, manifest, enclosed.as_ref());
        }
        if self.held.policy.is_none() {
            self.missing.push(
                "whose keys these are rests on the bundle's word: bring the deployment's policy file"
                    .to_owned(),
            );
        }
    }

    fn attestation(
        &mut self,
        cloud: Cloud,
        manifest: Option<&Manifest>,
        enclosed: Option<&Policy>,
    ) {
        let file = receipt_file(cloud);
        let receipt = match Receipt::parse(self.bundle.file(&file).unwrap_or_default()) {
            Ok(receipt) => receipt,
            Err(cause) => return self.unreadable(&file, &cause),
        };
        let attests = self.attests(cloud, &receipt, manifest);
        let is_word = attests.state == StepState::Valid;
        self.add(&file, attests);
        let held = self.held.policy.as_ref();
        let mut checked = receipt::verify(&receipt, held.or(enclosed));
        if held.is_none() {
            on_the_bundles_word(&mut checked.steps);
        }
        let holds = checked.steps.iter().all(|step| step.state != StepState::Invalid);
        self.add_all(&file, checked.steps);
        self.pieces(cloud, &receipt);
        if held.is_some()
            && let Some(enclosed) = enclosed
        {
            self.enclosed_agrees(cloud, &receipt, enclosed);
        }
        if holds && is_word {
            self.agreed.push(cloud);
        }
    }

    /// The event is this cloud's word on this very manifest.
    fn attests(&self, cloud: Cloud, receipt: &Receipt, manifest: Option<&Manifest>) -> Step {
        let title = format!("{} attests this manifest and its hash", cloud.title());
        let method = "the payload is snapshot.attest with this manifest, in the cloud's own log";
        let word = receipt.event.payload.as_ref().and_then(SnapshotAttest::in_payload);
        let is_own = receipt.event.origin_cloud == cloud && receipt.slot.origin == cloud;
        let is_this =
            |word: &SnapshotAttest| word.hash == self.hash && Some(&word.manifest) == manifest;
        let result = match &word {
            None => "its payload is no attestation of a snapshot".to_owned(),
            Some(_) if !is_own => format!("it stands in the log of {}", receipt.slot.origin),
            Some(word) if !is_this(word) => format!("it attests {}", word.hash),
            Some(word) => word.hash.to_string(),
        };
        let holds = is_own && word.as_ref().is_some_and(is_this);
        let inputs = vec![
            ("event", receipt.event.event_id.to_string()),
            ("place", receipt.slot.to_string()),
            ("hash of the manifest", self.hash.to_string()),
        ];
        Step { cloud: Some(cloud), ..step(&title, method, inputs, result, holds) }
    }

    /// What `openssl` is given says what the receipt says.
    fn pieces(&mut self, cloud: Cloud, receipt: &Receipt) {
        let expected = files(cloud, receipt);
        let strangers = {
            let mine = folder(cloud);
            let known: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
            let all = self.bundle.files.keys().filter(|name| name.starts_with(&mine));
            all.filter(|name| !known.contains(&name.as_str())).cloned().collect::<Vec<_>>()
        };
        for (name, bytes) in &expected {
            let same = self.bundle.file(name) == Some(bytes);
            let what = if *name == key_file(cloud) { "the key that signed" } else { "the receipt" };
            let result = if same { "they are the same" } else { "they differ" };
            let title = format!("It says what {what} says");
            let method = "written anew from the receipt, compared byte by byte";
            self.add(name, step(&title, method, Vec::new(), result.to_owned(), same));
        }
        for name in strangers {
            self.unreadable(&name, &"no attestation has such a file");
        }
        if event_key(receipt).is_none() {
            self.unreadable(&key_file(cloud), &"no key of the receipt signed its event");
        }
    }

    /// The verifier's own policy decides. The one in the bundle must not say otherwise.
    fn enclosed_agrees(&mut self, cloud: Cloud, receipt: &Receipt, enclosed: &Policy) {
        let checked = receipt::verify(receipt, Some(enclosed));
        let holds = checked.steps.iter().all(|step| step.state != StepState::Invalid);
        let title = format!("Under it {}'s attestation holds too", cloud.title());
        let method = "the receipt, checked under the bundle's own policy file";
        let inputs = vec![("policy file", enclosed.to_string())];
        self.add(POLICY_FILE, step(&title, method, inputs, checked.sentence, holds));
    }

    /// Two are needed, and they are the ones that are named.
    pub(super) fn agreement(&mut self, snapshot: Option<&SnapshotFile>) {
        let Some(snapshot) = snapshot else { return };
        let names = |clouds: &[Cloud]| {
            let names: Vec<&str> = clouds.iter().map(|cloud| cloud.title()).collect();
            if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
        };
        let inputs = vec![
            ("said here", names(&snapshot.agreed_by)),
            ("attested another hash, as the packing cloud says", names(&snapshot.differing)),
        ];
        let found = names(&self.agreed);
        let is_so = self.agreed.len() >= AGREE && self.agreed == snapshot.agreed_by;
        let apart = snapshot.differing.iter().all(|cloud| !self.agreed.contains(cloud));
        let title = "At least two clouds attest this hash, and they are the ones named";
        let method = "count of clouds whose attestation holds";
        let done = step(title, method, inputs, found, is_so && apart);
        self.add(SNAPSHOT_FILE, done);
    }
}

/// The last step says whose keys these are.
fn on_the_bundles_word(steps: &mut [Step]) {
    if let Some(last) = steps.last_mut()
        && last.state == StepState::Valid
    {
        last.state = StepState::Unidentified;
        last.method = "the policy file in the bundle".to_owned();
        last.result =
            "on the bundle's word: bring the deployment's policy file, obtained in a way \
                       that you trust"
                .to_owned();
    }
}
