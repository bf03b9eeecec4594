//! A restored cloud that waits for a peer: two people may say that it will never come back.

use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::GoneWord;
use crate::components::decision::{ConfirmBox, ReasonField};
use crate::components::kept::typed;
use crate::components::triad::join_names;

#[component]
pub(super) fn GoneCard(cloud: Cloud, said: Vec<GoneWord>, may: bool) -> impl IntoView {
    let said =
        said.into_iter().map(|word| view! { <p class="key-waits">{said_sentence(&word)}</p> });
    let said = said.collect_view();
    view! {
        <section class="card key-gone" aria-labelledby="gone-title">
            <h2 id="gone-title" class="card-title">{format!("{} takes its log back from the others", cloud.title())}</h2>
            <p>
                "Its database was an old copy of itself. Both other clouds are asked, since either may alone hold what is "
                "missing; it records nothing until both have answered. That goes by itself once they can be reached."
            </p>
            {said}
            <GoneForm cloud may />
        </section>
    }
}

fn said_sentence(word: &GoneWord) -> String {
    let names: Vec<&str> = word.declared_by.iter().map(String::as_str).collect();
    let missing = if names.len() < 2 { " A second admin must say the same." } else { "" };
    let have = if names.len() < 2 { "has" } else { "have" };
    format!(
        "{} {have} said that {} is gone for good.{missing}",
        join_names(&names),
        word.cloud.title()
    )
}

#[component]
fn GoneForm(cloud: Cloud, may: bool) -> impl IntoView {
    let typed = typed("gone");
    let choice = |peer: Cloud| {
        let chosen = typed.ticked("cloud", peer.name(), false);
        view! {
            <label class="choice">
                <input type="radio" name="cloud" value=peer.name() checked=chosen required />
                <span>{peer.title()}</span>
            </label>
        }
    };
    view! {
        <form class="act-form" method="post" action="/keys/act">
            <h3>"A cloud that will never come back"</h3>
            <p>
                <strong>"What only that cloud and this one held of this log is lost then"</strong>
                ": events that were final by just their two signatures, and that this old copy lacks. It takes two admins; both names stand in the epoch’s record for ever."
            </p>
            <fieldset disabled=!may>
                <legend class="visually-hidden">"Declare a cloud gone"</legend>
                <input type="hidden" name="act" value="gone" />
                <div class="choices" role="radiogroup" aria-label="Which cloud">{cloud.peers().map(choice).collect_view()}</div>
                <ReasonField name="gone" />
                <ConfirmBox form="gone" text="Its database and its backups are gone, and I accept the loss." />
                <button class="button button-danger" type="submit">"It is gone for good"</button>
            </fieldset>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_asks_for_a_second() {
        let said = |names: &[&str]| {
            let declared_by = names.iter().map(|name| (*name).to_owned()).collect();
            said_sentence(&GoneWord { cloud: Cloud::Aws, declared_by })
        };
        assert_eq!(
            said(&["ada"]),
            "ada has said that AWS is gone for good. A second admin must say the same."
        );
        assert_eq!(said(&["ada", "ben"]), "ada and ben have said that AWS is gone for good.");
    }
}
