//! A receipt of a later epoch than the policy file knows. The file alone cannot tell it from one that
//! somebody signed with made-up keys; the sentence says both, and what to do.

use crate::key::{NoteAlgorithm, NoteKey};
use crate::log::Checkpoint;
use crate::policy::Policy;
use crate::receipt::Receipt;

/// What the file lacks. `None`: it knows every key that the receipt names, or knows nothing of whose
/// they are.
fn lacking(receipt: &Receipt, checkpoint: &Checkpoint, policy: &Policy) -> Option<String> {
    let log = checkpoint.origin.as_str();
    if policy.log(log).is_none() {
        let (origin, epoch) = split(log)?;
        let known = policy.logs().iter().filter_map(|key| split(key.name()));
        let newest = known.filter(|(of, _)| *of == origin).map(|(_, epoch)| epoch).max()?;
        let cloud = origin.rsplit('/').next()?;
        return (newest < epoch).then(|| {
            format!("it is of the log {cloud}/{epoch}, and the file knows {cloud}/{newest} at most")
        });
    }
    let is_cosigner = |key: &&NoteKey| key.algorithm() == NoteAlgorithm::CosignatureV1;
    // Another key of a name that the file knows.
    let is_newer = |key: &&NoteKey| {
        let mut of_name =
            policy.witnesses().map(|(_, known)| known).filter(|k| k.name() == key.name());
        of_name.next().is_some() && policy.witnesses().all(|(_, known)| known.key() != key.key())
    };
    let newer = receipt.keys.iter().filter(is_cosigner).find(is_newer)?;
    Some(format!("a key of {} signed it that the file does not know", newer.name()))
}

/// `<deployment>/<cloud>` and the epoch.
fn split(log: &str) -> Option<(&str, u32)> {
    let (origin, epoch) = log.rsplit_once('/')?;
    Some((origin, epoch.parse().ok()?))
}

/// Of a receipt that holds by the keys that it brings, and does not under this policy.
pub(super) fn sentence(
    receipt: &Receipt,
    checkpoint: Option<&Checkpoint>,
    policy: &Policy,
) -> Option<String> {
    let lacking = lacking(receipt, checkpoint?, policy)?;
    Some(format!(
        "Invalid under this policy file, which is older than the receipt or has other keys: {lacking}. \
         Either the cloud got new keys since, or somebody made these up. Get the deployment's policy \
         file of today from somebody you trust, and check again."
    ))
}
