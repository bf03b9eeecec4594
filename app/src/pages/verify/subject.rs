//! What was dropped, in a few words above its steps.

use domain::bundle::SnapshotFile;
use domain::evidence::Evidence;
use domain::finality::{Finality, Signed};
use domain::pricing::trail::TRAIL_FORMAT;
use domain::receipt::{Receipt, Step, StepState};
use leptos::prelude::*;

use crate::components::hash::Hash;
use crate::components::triad::{CloudGlyph, Triad};
use crate::pages::evidence::deed;
use crate::verification::Subject;

/// A sign, and what stands beside it.
pub(super) struct About {
    pub(super) glyph: AnyView,
    pub(super) words: AnyView,
}

pub(super) fn about(
    name: &str,
    bytes: &[u8],
    snapshot: Option<SnapshotFile>,
    steps: &[Step],
) -> About {
    if let Some(snapshot) = snapshot {
        return about_bundle(snapshot, steps);
    }
    let text = std::str::from_utf8(bytes).ok();
    match text.and_then(|text| Subject::read(text).ok()) {
        Some(Subject::Receipt(receipt)) => about_event(*receipt, steps),
        Some(Subject::Evidence(evidence)) => about_evidence(&evidence),
        None => text.and_then(about_trail).unwrap_or_else(|| about_proof(name)),
    }
}

/// Whose price a trail follows, without reading its receipts once more.
fn about_trail(text: &str) -> Option<About> {
    let value = domain::json::parse_strict(text.as_bytes()).ok()?;
    let of = |name: &str| value.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    if of("format")? != TRAIL_FORMAT {
        return None;
    }
    let (tenant, at) = (of("tenantId")?, of("at")?);
    let words = view! {
        <h2 class="verify-id">{format!("The price of {tenant}")}</h2>
        <p class="muted">{format!("As of {at}, from the events that it rests on")}</p>
    };
    Some(About { glyph: ().into_any(), words: words.into_any() })
}

/// The clouds of which a step holds, where none of all steps does not.
fn signed(steps: &[Step]) -> (Signed, Finality) {
    let signed = Signed::from_fn(|cloud| {
        steps.iter().any(|step| step.cloud == Some(cloud) && step.state == StepState::Valid)
    });
    let sound = steps.iter().all(|step| step.state != StepState::Invalid);
    (signed, if sound { Finality::Final } else { Finality::Quarantined })
}

fn about_bundle(snapshot: SnapshotFile, steps: &[Step]) -> About {
    let (signed, status) = signed(steps);
    let SnapshotFile { deployment, number, period, hash, .. } = snapshot;
    let words = view! {
        <h2 class="verify-id">{format!("Snapshot {period}")}</h2>
        <p class="muted">{deployment} " · no. " {number} " · " <Hash value=hash.to_string() what="snapshot hash" /></p>
    };
    About {
        glyph: view! { <Triad signed=signed status=status size=48 /> }.into_any(),
        words: words.into_any(),
    }
}

fn about_event(receipt: Receipt, steps: &[Step]) -> About {
    let (signed, status) = signed(steps);
    let Receipt { event, slot, .. } = receipt;
    let words = view! {
        <h2 class="verify-id mono">{event.event_id.to_string()}</h2>
        <p class="muted">{event.tenant_id.to_string()} " · " <span class="mono">{slot.to_string()}</span> " · " <Hash value=event.hash.to_string() what="hash" /></p>
    };
    About {
        glyph: view! { <Triad signed=signed status=status size=48 /> }.into_any(),
        words: words.into_any(),
    }
}

/// Whom it names, which the steps then prove or do not.
fn about_evidence(evidence: &Evidence) -> About {
    let accused = evidence.accused();
    let glyph =
        accused.as_ref().map(|accused| view! { <CloudGlyph cloud=accused.cloud size=48 /> });
    let (title, log) = accused.map_or_else(
        || ("Evidence against nobody that it names".to_owned(), String::new()),
        |accused| (format!("Evidence against {}", accused.cloud.title()), accused.log.to_string()),
    );
    let words = view! {
        <h2 class="verify-id">{title}</h2>
        <p class="muted">{deed(evidence.kind())} " · " <span class="mono">{log}</span> " · " <Hash value=evidence.id().to_string() what="id" /></p>
    };
    About { glyph: glyph.into_any(), words: words.into_any() }
}

/// A proof by others: what it is of, its steps say.
fn about_proof(name: &str) -> About {
    let words = view! {
        <h2 class="verify-id mono">{name.to_owned()}</h2>
        <p class="muted">"A proof that something existed at a time, or parts of one"</p>
    };
    About { glyph: ().into_any(), words: words.into_any() }
}

/// Nothing was dropped yet.
#[component]
pub(super) fn Nothing(
    /// Does something stand in the field for a hash?
    has_hash: bool,
) -> impl IntoView {
    let text = if has_hash {
        "A hash alone proves nothing. Drop the bundle, the .ots, the .tsr or the ethereum.json that belongs to it: each is then checked for this hash."
    } else {
        "Drop a file, or choose one. Each step will show its inputs and what came out."
    };
    view! {
        <div class="empty">
            <Triad signed=Signed::default() status=Finality::Pending size=72 />
            <h2>"Nothing checked yet"</h2>
            <p>{text}</p>
        </div>
    }
}
