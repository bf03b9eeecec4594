//! Programs of others that this cloud tells what needs people, and what became of the messages.

use leptos::prelude::*;

use crate::backend::ReceiverRow;
use crate::components::time::Time;
use crate::format::{TimeShape, counted};

/// Where the overview leads to.
const ID: &str = "outside";

#[component]
pub(super) fn Outside(rows: Vec<ReceiverRow>) -> impl IntoView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items = rows.into_iter().map(|row| view! { <Receiver row /> }).collect_view();
    view! {
        <section id=ID class="card pricing-part" aria-labelledby="outside-title">
            <h2 id="outside-title" class="card-title">"Told outside"</h2>
            <p class="muted">"This cloud tells these programs of what it recorded itself."</p>
            <ul class="pricing-trail">{items}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Receiver(row: ReceiverRow) -> impl IntoView {
    let ReceiverRow { name, place, waiting, delivered, delivered_at, problem, dead, latest_dead } =
        row;
    let last = delivered_at.map(|at| view! { ", the last " <Time at shape=TimeShape::Second /> });
    let problem = problem.filter(|_| waiting > 0).map(|why| format!(" Last attempt: {why}."));
    let items = latest_dead.into_iter().map(|one| {
        view! { <li><code>{one.kind}</code> " of " <Time at=one.happened_at shape=TimeShape::Day /> ": " {one.problem}</li> }
    });
    let items = items.collect_view();
    let given_up = (dead > 0).then(|| {
        view! {
            <p class="held">{format!("{} given up in the last week:", counted(dead, "message was", "messages were"))}</p>
            <ul>{items}</ul>
        }
    });
    view! {
        <li>
            <strong>{name}</strong> " " <span class="mono">{place}</span>
            {format!(": {} delivered", counted(delivered, "message", "messages"))} {last}
            {format!("; {waiting} wait.")} {problem}
            {given_up}
        </li>
    }
}
