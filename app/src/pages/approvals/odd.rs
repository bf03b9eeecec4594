//! What about a list price is odd, beside the proposal that would put it in force.

use leptos::prelude::*;

#[component]
pub(super) fn Odd(odd: Vec<String>) -> impl IntoView {
    let said = odd.into_iter().map(|text| view! { <li>{text}</li> }).collect_view();
    (!said.is_empty()).then(|| {
        view! {
            <section class="card pricing-part" aria-labelledby="odd-title">
                <h2 id="odd-title" class="card-title">"To be read first"</h2>
                <ul class="pricing-trail price-odd">{said}</ul>
            </section>
        }
    })
}
