//! The alarm on every page: a cloud is proven to have broken the rules.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::Accusation;
use crate::components::announcer::Announcer;
use crate::components::icon::Icon;
use crate::live::Live;

#[component]
pub(super) fn Alarm(live: Live) -> impl IntoView {
    let accusations = Memo::new(move |_| {
        live.state.read().as_ref().map(|state| state.accusations.clone()).unwrap_or_default()
    });
    announce(accusations);
    move || {
        let sentences = sentences(&accusations.read());
        (!sentences.is_empty()).then(|| {
            view! {
                <aside class="banner banner-alarm" aria-label="Alarm">
                    {Icon::Alarm.view()}
                    <p><strong>{sentences}</strong> " Nothing final is lost."</p>
                    <div class="banner-ways">
                        <A href="/ledger/evidence" attr:class="button">"See the evidence"</A>
                    </div>
                </aside>
            }
        })
    }
}

/// One for each cloud and deed; empty when all is well.
fn sentences(accusations: &[Accusation]) -> String {
    accusations.iter().map(Accusation::sentence).collect::<Vec<_>>().join(" ")
}

/// Spoken once, when somebody is newly accused; the count of records changes nothing.
fn announce(accusations: Memo<Vec<Accusation>>) {
    let announcer = expect_context::<Announcer>();
    let told = Memo::new(move |_| sentences(&accusations.read()));
    Effect::new(move |before: Option<String>| {
        let now = told.get();
        if before.is_some_and(|before| before != now) && !now.is_empty() {
            announcer.say(format!("Alarm. {now} Nothing final is lost."));
        }
        now
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;
    use domain::evidence::Kind;

    #[test]
    fn every_accused_cloud_is_named_with_what_it_did() {
        let accused = |cloud, kind| Accusation { cloud, kind, count: 3 };
        assert_eq!(sentences(&[]), "");
        assert_eq!(
            sentences(&[
                accused(Cloud::Aws, Kind::Equivocation),
                accused(Cloud::Azure, Kind::DoubleCosignature),
                accused(Cloud::Gcp, Kind::BadEntry),
            ]),
            "AWS signed two histories of its log. Azure confirmed two histories of another \
             cloud’s log. Google Cloud signed an entry that breaks the rules of its log."
        );
    }
}
