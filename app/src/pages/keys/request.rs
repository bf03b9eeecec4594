//! A new epoch of another cloud that waits for one of this cloud's people: what is asked, what
//! agreeing means, and the form.

use leptos::prelude::*;

use crate::backend::{KeyLine, KeyRequest};
use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::hash::Hash;
use crate::components::time::Time;
use crate::components::triad::CloudGlyph;
use crate::format::{TimeShape, count};
use crate::pages::keys::words;

#[component]
pub(super) fn RequestCard(request: KeyRequest, may: bool) -> impl IntoView {
    let KeyRequest { record, origin, epoch, reason, agreed, stated_at, asked_at, .. } =
        request.clone();
    let heading = format!("request-{origin}");
    let (meaning, title) = (words::meaning(reason, origin), origin.title());
    let form = if agreed {
        view! { <p class="key-waits">"Somebody here has agreed. It counts once the other cloud has approved it too."</p> }
            .into_any()
    } else {
        view! { <AgreeForm record=record.clone() origin=origin.name() may /> }.into_any()
    };
    view! {
        <section class="card key-request" aria-labelledby=heading data-agreed=agreed.to_string()>
            <h2 id=heading.clone() class="card-title">
                <CloudGlyph cloud=origin size=20 />
                {format!(" {title} asks for new keys, because {}", reason.sentence())}
            </h2>
            <p>{format!("Its old key cannot speak for it. Ask its people over another channel, and compare with them what stands here: {title} shows the same under epoch {epoch}.")}</p>
            <Compare request />
            <p class="muted">
                "Stated at " <Time at=stated_at shape=TimeShape::Second /> ", here since " <Time at=asked_at shape=TimeShape::Second /> "."
            </p>
            <h3>"What agreeing means"</h3>
            <p>{meaning}</p>
            {form}
        </section>
    }
}

#[component]
fn Compare(request: KeyRequest) -> impl IntoView {
    let KeyRequest { record, closing_size, closing_root, held, log_key, cosigner_key, .. } =
        request;
    let line = |title: &'static str, key: KeyLine| {
        view! { <div><dt>{title}</dt><dd><Hash value=key.fingerprint what="fingerprint" /></dd></div> }
    };
    let ends = format!("{} entries; this cloud holds {}", count(closing_size), count(held));
    view! {
        <dl class="fields">
            {line("new log key", log_key)}
            {line("new cosigner key", cosigner_key)}
            <div><dt>"old log ends at"</dt><dd>{ends}</dd></div>
            <div><dt>"root there"</dt><dd><Hash value=closing_root what="root" /></dd></div>
            <div><dt>"record"</dt><dd><Hash value=record what="record" /></dd></div>
        </dl>
    }
}

#[component]
fn AgreeForm(record: String, origin: &'static str, may: bool) -> impl IntoView {
    let name = format!("agree-{origin}");
    view! {
        <form class="act-form" method="post" action="/keys/act">
            <fieldset disabled=!may>
                <legend class="visually-hidden">"Agree"</legend>
                <input type="hidden" name="act" value="agree" />
                <input type="hidden" name="record" value=record />
                <ReasonField name=name.clone() />
                <ConfirmBox form=name text="I have spoken with its people, and the fingerprints are the same there." />
                <button class="button button-first" type="submit">"Agree"</button>
            </fieldset>
        </form>
    }
}
