//! The audit bundle of a snapshot: gathered from snapshots, ledger and anchors, written by
//! `domain::bundle`; and the page about it.

mod certificate;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::anchor::Publisher;
use domain::anchor::state::Stage;
use domain::bundle::{Anchored, Contents};
use domain::cloud::Cloud;
use domain::event::EventId;
use domain::receipt::Receipt;
use domain::snapshot::agreement::Standing;

use crate::anchor::{Anchors, Stored};
use crate::ledger::{Ledger, NoReceipt};
use crate::snapshot::{Said, Snapshot};

pub use certificate::certificate;

/// Clouds that must attest one hash.
const AGREE: usize = 2;

/// There is no bundle of this snapshot.
#[derive(Debug, thiserror::Error)]
pub enum NoBundle {
    #[error(
        "no two clouds agree on this snapshot yet. What is not agreed has no hash to prove; look at \
         the snapshot again when two have attested it"
    )]
    NotAgreed,
    #[error("the attestation of {0} is not here as a final event yet")]
    NotHere(Cloud),
    #[error(transparent)]
    Receipt(#[from] NoReceipt),
    #[error("the database cannot be reached: {0}")]
    Database(#[from] sqlx::Error),
}

/// Everything that an auditor gets of an agreed snapshot.
///
/// # Errors
/// It is not agreed, or something of it is not here yet.
pub async fn contents(
    ledger: &Arc<Ledger>,
    anchors: &Arc<Anchors>,
    snapshot: &Snapshot,
) -> Result<Contents, NoBundle> {
    let Standing::Agreed { hash, by, others } = &snapshot.standing else {
        return Err(NoBundle::NotAgreed);
    };
    let said = |cloud: Cloud| snapshot.said.iter().find(|(by, _)| *by == cloud);
    let mut attestations = BTreeMap::new();
    for cloud in by {
        let (_, said) = said(*cloud).ok_or(NoBundle::NotHere(*cloud))?;
        match receipt(ledger, *cloud, said).await {
            Ok(receipt) => attestations.insert(*cloud, receipt),
            // Its entry is new here: two others are enough.
            Err(NoBundle::NotHere(_) | NoBundle::Receipt(NoReceipt::NotFinal(_))) => None,
            Err(cause) => return Err(cause),
        };
    }
    let first = by.first().copied().and_then(said).map(|(_, said)| said.manifest.clone());
    let manifest = first.filter(|manifest| manifest.hash() == *hash).ok_or(NoBundle::NotAgreed)?;
    if attestations.len() < AGREE {
        let late = by.iter().copied().find(|cloud| !attestations.contains_key(cloud));
        return Err(late.map_or(NoBundle::NotAgreed, NoBundle::NotHere));
    }
    let mut known = unused(anchors);
    known.extend(anchors.of_subject(*hash).await?.iter().map(|one| (one.publisher, anchored(one))));
    Ok(Contents {
        manifest,
        attestations,
        differing: others.clone(),
        policy: ledger.policy(),
        anchors: known,
    })
}

async fn receipt(ledger: &Ledger, cloud: Cloud, said: &Said) -> Result<Receipt, NoBundle> {
    let EventId(id) = said.event_id;
    let records = ledger.find(EventId(id)).await?;
    let own = records.into_iter().find(|record| record.slot.origin == cloud);
    Ok(ledger.receipt(&own.ok_or(NoBundle::NotHere(cloud))?).await?)
}

/// Where this cloud publishes, and has not begun with this hash.
fn unused(anchors: &Anchors) -> BTreeMap<Publisher, Anchored> {
    let places = anchors.places().into_iter();
    let waiting = |place: String| Anchored {
        is_final: false,
        place: None,
        proof: None,
        request: None,
        chain: None,
        standing: format!("not queued yet at {place}"),
    };
    places.map(|(publisher, place)| (publisher, waiting(place))).collect()
}

fn anchored(stored: &Stored) -> Anchored {
    let stage = stored.anchor.stage();
    let place = match stage {
        Stage::InBlock { place, .. } | Stage::Final { place } => Some(place.clone()),
        Stage::Queued | Stage::Submitted | Stage::Failed { .. } => None,
    };
    let standing = match stage {
        Stage::Queued => "queued, and not sent yet".to_owned(),
        Stage::Submitted => "sent, and not in a block yet".to_owned(),
        Stage::InBlock { confirmations, .. } => {
            format!("in a block, {confirmations} deep, which is not called final yet")
        }
        Stage::Final { .. } => "final: read back and compared".to_owned(),
        Stage::Failed { refusal } => format!("failed, and tried again: {}", refusal.words),
    };
    let mut parts: BTreeMap<&str, Vec<u8>> =
        stored.proof().into_iter().map(|part| (part.name, part.bytes)).collect();
    Anchored {
        is_final: stored.anchor.is_final(),
        request: parts.remove("root.tsq"),
        chain: parts.remove("authority.pem"),
        proof: parts.into_values().next(),
        place,
        standing,
    }
}
