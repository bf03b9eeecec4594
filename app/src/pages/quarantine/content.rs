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
        view! { <Rivals contents=came /> }.into_any()
    } else {
        view! { <Pairs pairs=pairs(came, stands) /> }.into_any()
    };
    view! {
        <section class="held-contents" aria-labelledby="contents-title">
            <h2 id="contents-title" class="visually-hidden">"Contents"</h2>
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

/// A payload as it is shown, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lines(Vec<String>);

impl Lines {
    fn of(content: &Content) -> Self {
        let pretty = content.payload.as_deref().map(pretty_json).unwrap_or_default();
        Lines(pretty.lines().map(|line| line.trim_end_matches(',').to_owned()).collect())
    }

    /// Lines that all of these have; none if there are none to compare with.
    fn shared<'a>(mut all: impl Iterator<Item = &'a Lines>) -> Option<Self> {
        let first = all.next()?.clone();
        Some(all.fold(first, |shared, lines| {
            Lines(shared.0.into_iter().filter(|line| lines.0.contains(line)).collect())
        }))
    }

    fn lack(&self, line: &str) -> bool {
        let line = line.trim_end_matches(',');
        !self.0.iter().any(|known| known == line)
    }
}

/// Contents that stand in the logs under one id, all beside each other.
#[component]
fn Rivals(contents: Vec<Content>) -> impl IntoView {
    let lines: Vec<Lines> = contents.iter().map(Lines::of).collect();
    let card = |(at, content)| {
        let others = lines.iter().enumerate().filter(|(other, _)| *other != at);
        let others = Lines::shared(others.map(|(_, lines)| lines));
        view! { <ContentCard content others heading="In the log" /> }
    };
    let cards = contents.into_iter().enumerate().map(card).collect_view();
    view! { <div class="compare">{cards}</div> }
}

#[component]
fn Pairs(mut pairs: Vec<Compared>) -> impl IntoView {
    if pairs.len() == 1
        && let Some(pair) = pairs.pop()
    {
        return view! { <Compare pair /> }.into_any();
    }
    let open = pairs.len() <= OPEN_MAX;
    pairs.into_iter().map(|pair| view! { <Pair pair open /> }).collect_view().into_any()
}

#[component]
fn Pair(pair: Compared, open: bool) -> impl IntoView {
    let (came, stands) = &pair;
    let title = came.as_ref().or(stands.as_ref()).map(|content| content.title.clone());
    let differs = match (came, stands) {
        (Some(came), Some(stands)) if came.hash.is_some() && came.hash == stands.hash => "the same",
        (Some(_), Some(_)) => "different",
        (Some(_), None) => "nothing stands in the log",
        (None, _) => "only in the log",
    };
    let open = open || differs == "different";
    view! {
        <details class="pair" open=open>
            <summary><span class="mono">{title}</span> <span class="muted">" · " {differs}</span></summary>
            <Compare pair />
        </details>
    }
}

/// Side by side, with what differs marked.
#[component]
fn Compare(pair: Compared) -> impl IntoView {
    let (came, stands) = pair;
    let (of_came, of_stands) = (came.as_ref().map(Lines::of), stands.as_ref().map(Lines::of));
    let left =
        came.map(|content| view! { <ContentCard content others=of_stands heading="What came" /> });
    let right = match stands {
        Some(content) => {
            view! { <ContentCard content others=of_came heading="What stands in the log" /> }
                .into_any()
        }
        None => view! {
            <section class="card content-card">
                <h3 class="card-title">"What stands in the log"</h3>
                <p class="muted">"Nothing stands there."</p>
            </section>
        }
        .into_any(),
    };
    view! { <div class="compare">{left} {right}</div> }
}

#[component]
fn ContentCard(
    content: Content,
    /// Lines of what it is compared with.
    others: Option<Lines>,
    heading: &'static str,
) -> impl IntoView {
    let payload = content.payload.clone().map(|text| view! { <Payload text others heading /> });
    let withheld = content
        .payload
        .is_none()
        .then(|| view! { <p class="muted">"This role may not read payloads."</p> });
    let chosen =
        content.chosen.then(|| view! { <span class="badge" data-state="final">"COUNTS"</span> });
    let (title, counts) = (content.title.clone(), content.chosen.to_string());
    view! {
        <section class="card content-card" data-chosen=counts>
            <h3 class="card-title">{heading} " · " {title} " " {chosen}</h3>
            <Fields content />
            {payload}
            {withheld}
        </section>
    }
}

#[component]
fn Payload(text: String, others: Option<Lines>, heading: &'static str) -> impl IntoView {
    let line = |line: &str| {
        let differs = others.as_ref().is_some_and(|others| others.lack(line));
        view! { <span class:differs=differs>{line.to_owned()}</span> }
    };
    let lines = pretty_json(&text).lines().map(line).collect_view();
    view! {
        <pre class="code" tabindex="0" aria-label=format!("Payload, {heading}")><code class="lines">{lines}</code></pre>
    }
}

#[component]
fn Fields(content: Content) -> impl IntoView {
    let signature = content.signature_holds.map(|holds| {
        let (state, word) =
            if holds { ("final", "holds") } else { ("quarantined", "does not hold") };
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
        <dl class="fields">
            {id}
            {content.tenant_id.map(|tenant| view! { <div><dt>"tenantId"</dt><dd class="mono">{tenant}</dd></div> })}
            {content.region.map(|region| view! { <div><dt>"region"</dt><dd class="mono">{region}</dd></div> })}
            {content.created_at.map(|at| view! { <div><dt>"createdAt"</dt><dd><Time at shape=TimeShape::Day /></dd></div> })}
            {content.logical_clock.map(|clock| view! { <div><dt>"logicalClock"</dt><dd class="mono">{clock}</dd></div> })}
            {content.hash.map(|hash| view! { <div><dt>"hash"</dt><dd><Hash value=hash what="hash" /></dd></div> })}
            {signature}
        </dl>
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
    fn a_line_differs_if_not_all_others_have_it() {
        let of = |payload: &str| {
            Lines::of(&Content { payload: Some(payload.to_owned()), ..Content::default() })
        };
        let (one, two) = (of(r#"{"a":1,"b":2}"#), of(r#"{"a":1}"#));
        assert!(!one.lack("  \"a\": 1"), "a comma at the end is no difference");
        let shared = Lines::shared([&one, &two].into_iter()).expect("two");
        assert!(!shared.lack("  \"a\": 1,") && shared.lack("  \"b\": 2"));
        assert_eq!(Lines::shared(std::iter::empty()), None);
    }

    #[test]
    fn an_entry_is_compared_with_its_place_and_an_event_with_its_id() {
        let stands = vec![content("aws/1/1", "b"), content("aws/1/0", "a")];
        let came = vec![content("aws/1/0", "x"), content("aws/1/2", "z")];
        let pairs = pairs(came, stands);
        assert_eq!(pairs[0].1.as_ref().map(|other| other.title.as_str()), Some("aws/1/0"));
        assert_eq!(pairs[1].1, None);
        assert_eq!(pairs[2].0, None, "what nothing came for is shown too");
        let sent = vec![content("as the client sent it", "a")];
        let event = super::pairs(sent, vec![content("gcp/1/7", "a")]);
        assert_eq!(event[0].1.as_ref().map(|other| other.title.as_str()), Some("gcp/1/7"));
    }
}
