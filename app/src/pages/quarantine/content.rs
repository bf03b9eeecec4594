//! What came beside what stands in the log.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{Content, NoteLine, NoteView};
use crate::components::hash::Hash;
use crate::components::time::Time;
use crate::format::{TimeShape, counted, pretty_json};

/// Pairs that are shown side by side before the rest is folded away.
const OPEN_MAX: usize = 3;

/// What came and what stands, place by place. Of an id in conflict both stand, so both came.
#[component]
pub(super) fn Contents(
    came: Vec<Content>,
    /// Entries that are not shown.
    more: u64,
    stands: Vec<Content>,
    in_log: bool,
) -> impl IntoView {
    if came.is_empty() && stands.is_empty() {
        return ().into_any();
    }
    let more = (more > 0).then(|| {
        view! { <p class="muted">{format!("{} follow in the bytes.", counted(more, "more entry", "more entries"))}</p> }
    });
    let inner = if in_log {
        let cards =
            came.into_iter().map(|content| view! { <ContentCard content heading="In the log" /> });
        view! { <div class="compare">{cards.collect_view()}</div> }.into_any()
    } else {
        let pairs = pairs(came, stands);
        let open = pairs.len() <= OPEN_MAX;
        pairs.into_iter().map(|pair| view! { <Pair pair open /> }).collect_view().into_any()
    };
    view! {
        <section class="held-contents" aria-label="Contents">
            {inner}
            {more}
        </section>
    }
    .into_any()
}

type Compared = (Option<Content>, Option<Content>);

/// Entries are compared with what stands at their own place, an event with what has its id.
fn pairs(came: Vec<Content>, mut stands: Vec<Content>) -> Vec<Compared> {
    let mut pairs: Vec<Compared> = Vec::new();
    for content in came {
        let same_place = stands.iter().position(|other| other.title == content.title);
        let same_id = || stands.iter().position(|other| other.event_id == content.event_id);
        let other = same_place.or_else(same_id).map(|at| stands.remove(at));
        pairs.push((Some(content), other));
    }
    pairs.extend(stands.into_iter().map(|other| (None, Some(other))));
    pairs
}

#[component]
fn Pair(pair: Compared, open: bool) -> impl IntoView {
    let (came, stands) = pair;
    let title = came.as_ref().or(stands.as_ref()).map(|content| content.title.clone());
    let differs = match (&came, &stands) {
        (Some(came), Some(stands)) if came.hash.is_some() && came.hash == stands.hash => "the same",
        (Some(_), Some(_)) => "different",
        (Some(_), None) => "nothing stands in the log",
        (None, _) => "only in the log",
    };
    let left = came.map(|content| view! { <ContentCard content heading="What came" /> });
    let right = match stands {
        Some(content) => {
            view! { <ContentCard content heading="What stands in the log" /> }.into_any()
        }
        None => view! {
            <section class="card content-card">
                <h3 class="card-title">"What stands in the log"</h3>
                <p class="muted">"Nothing stands there."</p>
            </section>
        }
        .into_any(),
    };
    view! {
        <details class="pair" open=open>
            <summary><span class="mono">{title}</span> <span class="muted">" · " {differs}</span></summary>
            <div class="compare">{left} {right}</div>
        </details>
    }
}

#[component]
fn ContentCard(content: Content, heading: &'static str) -> impl IntoView {
    let payload = match content.payload {
        Some(text) => view! {
            <pre class="code" tabindex="0" aria-label=format!("Payload, {heading}")><code>{pretty_json(&text)}</code></pre>
        }
        .into_any(),
        None => view! { <p class="muted">"This role may not read payloads."</p> }.into_any(),
    };
    let chosen =
        content.chosen.then(|| view! { <span class="badge" data-state="final">"COUNTS"</span> });
    let signature = content.signature_holds.map(|holds| {
        let (state, word) = if holds { ("final", "holds") } else { ("quarantined", "does not hold") };
        view! { <div><dt>"signature"</dt><dd><span class="badge" data-state=state>{word}</span></dd></div> }
    });
    let id = content.event_id.map(|id| {
        let shown = if content.recorded {
            view! { <A href=format!("/ledger/{id}")><span class="mono">{id.clone()}</span></A> }
                .into_any()
        } else {
            view! { <span class="mono">{id}</span> }.into_any()
        };
        view! { <div><dt>"eventId"</dt><dd>{shown}</dd></div> }
    });
    view! {
        <section class="card content-card" data-chosen=content.chosen.to_string()>
            <h3 class="card-title">{heading} " · " <span class="mono">{content.title}</span> " " {chosen}</h3>
            <dl class="fields">
                {id}
                {content.tenant_id.map(|tenant| view! { <div><dt>"tenantId"</dt><dd class="mono">{tenant}</dd></div> })}
                {content.region.map(|region| view! { <div><dt>"region"</dt><dd class="mono">{region}</dd></div> })}
                {content.created_at.map(|at| view! { <div><dt>"createdAt"</dt><dd><Time at shape=TimeShape::Day /></dd></div> })}
                {content.logical_clock.map(|clock| view! { <div><dt>"logicalClock"</dt><dd class="mono">{clock}</dd></div> })}
                {content.hash.map(|hash| view! { <div><dt>"hash"</dt><dd><Hash value=hash what="hash" /></dd></div> })}
                {signature}
            </dl>
            {payload}
        </section>
    }
}

/// A signed note is a text that people can read.
#[component]
pub(super) fn NoteCard(note: NoteView) -> impl IntoView {
    let lines = note.lines.into_iter().map(|line| view! { <SignedLine line /> }).collect_view();
    view! {
        <section class="card" aria-labelledby="note-title">
            <h2 id="note-title" class="card-title">"The checkpoint that came with it"</h2>
            <pre class="code code-wrap" tabindex="0" aria-label="Signed note"><code>{note.text}</code></pre>
            <ul class="note-lines">{lines}</ul>
            {note.ours.map(|ours| view! { <p class="muted note-ours">{ours}</p> })}
        </section>
    }
}

#[component]
fn SignedLine(line: NoteLine) -> impl IntoView {
    let state = if line.holds { "final" } else { "quarantined" };
    view! {
        <li>
            <span class="mono">{line.name} " · " {line.key_id}</span>
            <span class="badge" data-state=state>{line.verdict}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(title: &str, id: &str) -> Content {
        Content { title: title.to_owned(), event_id: Some(id.to_owned()), ..Content::default() }
    }

    #[test]
    fn an_entry_is_compared_with_its_place_and_an_event_with_its_id() {
        let stands = vec![content("aws/1/1", "b"), content("aws/1/0", "a")];
        let came = vec![content("aws/1/0", "x"), content("aws/1/2", "z")];
        let pairs = pairs(came, stands);
        assert_eq!(pairs[0].1.as_ref().map(|other| other.title.as_str()), Some("aws/1/0"));
        assert_eq!(pairs[1].1, None);
        assert_eq!(pairs[2].0, None, "what nothing came for is shown too");
        let event =
            super::pairs(vec![content("What the client sent", "a")], vec![content("gcp/1/7", "a")]);
        assert_eq!(event[0].1.as_ref().map(|other| other.title.as_str()), Some("gcp/1/7"));
    }
}
