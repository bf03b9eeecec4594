//! What is on record about an event: signatures, envelope, payload.

use domain::clock::Timestamp;
use leptos::prelude::*;

use crate::backend::{EventDetail, SignatureLine};
use crate::components::events::slot;
use crate::components::hash::{CopyButton, Hash};
use crate::components::time::{Time, ZoneName};
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, as_f64, count, milliseconds, pretty_json};

#[component]
pub(super) fn WhoSigned(mut lines: Vec<SignatureLine>, at: Timestamp) -> impl IntoView {
    // In the order of signing; who has not signed comes last.
    lines.sort_by_key(|line| (line.after_ms.is_none(), line.after_ms, !line.is_origin));
    view! {
        <section class="card" aria-labelledby="who-title">
            <h2 id="who-title" class="card-title">"Who signed, " <ZoneName at=at /></h2>
            <Course lines=lines.clone() />
            <ul class="signers">
                {lines.into_iter().map(|line| view! { <Signer line /> }).collect_view()}
            </ul>
        </section>
    }
}

/// From acceptance to the last signature, to scale.
#[component]
fn Course(lines: Vec<SignatureLine>) -> impl IntoView {
    let last = lines.iter().filter_map(|line| line.after_ms).max().unwrap_or(0).max(1);
    let place =
        move |after_ms: i64| format!("{:.1}%", 2.0 + 96.0 * as_f64(after_ms) / as_f64(last));
    let made_final = lines.iter().find(|line| line.made_final).and_then(|line| line.after_ms);
    let until = place(made_final.unwrap_or(last));
    let marks = lines
        .iter()
        .filter_map(|line| line.after_ms.map(|after| (line.cloud, after)))
        .map(|(cloud, after)| view! { <circle class=format!("course-mark arc-{cloud}") cx=place(after) cy="10" r="5.5" /> })
        .collect_view();
    view! {
        <svg class="course" width="100%" height="20" aria-hidden="true">
            <line class="course-rail" x1="2%" x2="98%" y1="10" y2="10" />
            <line class="course-rail" x1="2%" x2="2%" y1="4" y2="16" />
            {made_final.map(|_| view! { <line class="course-wait" x1="2%" x2=until y1="10" y2="10" /> })}
            {marks}
        </svg>
    }
}

/// Times count from acceptance: the origin signs, too, when its batch is closed.
#[component]
fn Signer(line: SignatureLine) -> impl IntoView {
    let when = line
        .at
        .map(|at| view! { <Time at=at shape=TimeShape::Millisecond zone_in_heading=true /> });
    let unsigned = line.at.is_none();
    let after = match (line.after_ms, line.made_final) {
        (None, _) => "not signed yet".to_owned(),
        (Some(0), false) => "at once".to_owned(),
        (Some(ms), true) => format!("final +{}", milliseconds(ms)),
        (Some(ms), false) => format!("+{}", milliseconds(ms)),
    };
    let key = if unsigned {
        "no signature covers this event yet".to_owned()
    } else {
        format!("{} · {} · tree size {}", line.key_name, line.key_id, count(line.tree_size))
    };
    view! {
        <li class="signer" class:signer-missing=unsigned class:signer-final=line.made_final>
            <CloudGlyph cloud=line.cloud />
            <span class="signer-name">{line.cloud.name()} {line.is_origin.then_some(", origin")}</span>
            <span class="signer-time mono">{when}</span>
            <span class="signer-after">{after}</span>
            <span class="signer-key mono">{key}</span>
        </li>
    }
}

/// All nine fields, by the names that programs use; the payload has a card of its own.
#[component]
pub(super) fn Envelope(detail: EventDetail) -> impl IntoView {
    let EventDetail { row, region, logical_clock, signature, salt, .. } = detail;
    let place = slot(&row);
    let plain = |value: String| view! { <span class="mono">{value}</span> }.into_any();
    let whole = |value: String| {
        view! { <span class="mono">{value.clone()}</span> <CopyButton text=value what="id" /> }
            .into_any()
    };
    let fields = [
        ("eventId", whole(row.event_id)),
        ("tenantId", plain(row.tenant_id)),
        ("logicalClock", plain(logical_clock)),
        ("region", plain(region)),
        ("createdAt", plain(row.created_at.to_string())),
        ("originCloud", plain(row.origin.name().to_owned())),
        ("payload", plain("below".to_owned())),
        ("hash", view! { <Hash value=row.hash what="hash" /> }.into_any()),
        ("signature", view! { <Hash value=signature what="signature" /> }.into_any()),
    ];
    view! {
        <section class="card" aria-labelledby="envelope-title">
            <h2 id="envelope-title" class="card-title">"Envelope"</h2>
            <dl class="fields">
                {fields
                    .into_iter()
                    .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
                    .collect_view()}
                <div class="fields-aside"><dt>"slot"</dt><dd><span class="mono">{place}</span></dd></div>
                <div><dt>"salt"</dt><dd><Hash value=salt what="salt" /></dd></div>
            </dl>
        </section>
    }
}

#[component]
pub(super) fn PayloadCard(payload: Option<String>) -> impl IntoView {
    let content = match payload {
        None => view! { <p class="muted">"This role may not read payloads, or the payload was erased. Every proof holds without it."</p> }.into_any(),
        Some(text) => view! { <Payload text /> }.into_any(),
    };
    view! {
        <section class="card" aria-labelledby="payload-title">
            <h2 id="payload-title" class="card-title">"Payload"</h2>
            {content}
        </section>
    }
}

#[component]
fn Payload(text: String) -> impl IntoView {
    let bytes = counted_bytes(&text);
    view! {
        <pre class="code" tabindex="0" aria-label="Payload, formatted"><code>{pretty_json(&text)}</code></pre>
        <details class="raw">
            <summary>{format!("The {bytes} that were hashed (RFC 8785)")}</summary>
            <div class="code-line">
                <pre class="code code-wrap" tabindex="0"><code>{text.clone()}</code></pre>
                <CopyButton text what="canonical payload" />
            </div>
        </details>
    }
}

fn counted_bytes(text: &str) -> String {
    crate::format::counted(text.len() as u64, "byte", "bytes")
}
