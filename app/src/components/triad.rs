//! The triad: a ring of three arcs in the clouds' colours. It is the mark, and at every size the
//! sign of who has signed.

use domain::cloud::Cloud;
use domain::finality::{Finality, Signed};
use leptos::prelude::*;

/// Each cloud's arc on a 24 × 24 field: radius 8.5, 96° wide, gaps of 24°.
const fn arc(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Gcp => "M5.683 6.312A8.5 8.5 0 0 1 18.317 6.312",
        Cloud::Aws => "M20.084 9.373A8.5 8.5 0 0 1 13.767 20.314",
        Cloud::Azure => "M10.233 20.314A8.5 8.5 0 0 1 3.916 9.373",
    }
}

/// One word for style sheets and tests.
pub(crate) const fn state_name(status: Finality) -> &'static str {
    match status {
        Finality::Pending => "pending",
        Finality::Final => "final",
        Finality::Quarantined => "quarantined",
        Finality::Disputed => "disputed",
    }
}

fn arc_class(cloud: Cloud, signed: Signed, status: Finality) -> String {
    let held = matches!(status, Finality::Quarantined | Finality::Disputed);
    let how = match (*signed.get(cloud), held) {
        (true, _) => "signed",
        (false, true) => "refused",
        (false, false) => "open",
    };
    format!("arc arc-{cloud} {how}")
}

/// `gcp and aws have signed; azure has not`.
pub(crate) fn who_signed(signed: Signed) -> String {
    let names = |wanted: bool| {
        let names: Vec<&str> = signed
            .iter()
            .filter(|(_, signed)| **signed == wanted)
            .map(|(cloud, _)| cloud.name())
            .collect();
        join_names(&names)
    };
    match signed.count() {
        0 => "no cloud has signed".to_owned(),
        1 => format!("{} has signed; {} have not", names(true), names(false)),
        2 => format!("{} have signed; {} has not", names(true), names(false)),
        _ => format!("{} have signed", names(true)),
    }
}

/// `gcp, aws and azure`.
pub(crate) fn join_names(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Who has signed for an event, and what follows.
#[component]
pub(crate) fn Triad(
    #[prop(into)] signed: Signal<Signed>,
    #[prop(into)] status: Signal<Finality>,
    /// Edge in pixels, 16 to 96.
    #[prop(default = 18)]
    size: u16,
) -> impl IntoView {
    let sentence = move || format!("{}: {}", status.get().word(), who_signed(signed.get()));
    let path = move |cloud| {
        view! { <path class=move || arc_class(cloud, signed.get(), status.get()) d=arc(cloud) /> }
    };
    view! {
        <svg
            class="triad"
            data-state=move || state_name(status.get())
            viewBox="0 0 24 24"
            width=size
            height=size
            role="img"
            aria-label=sentence
        >
            {Cloud::ALL.map(path).collect_view()}
            <circle class="core core-final" cx="12" cy="12" r="2.9" />
            <path class="core core-held" d="M9.9 9.9L14.1 14.1M14.1 9.9L9.9 14.1" />
            <path class="core core-disputed" d="M12 8.6V15.4M9.6 10.4L7.6 12L9.6 13.6M14.4 10.4L16.4 12L14.4 13.6" />
        </svg>
    }
}

/// Which clouds answer: the big ring of the first page. A cloud that is down is a thin grey arc, one
/// that is proven to have broken the rules a broken red one.
#[component]
pub(crate) fn CloudRing(
    #[prop(into)] up: Signal<Signed>,
    #[prop(into, default = Signed::default().into())] proven: Signal<Signed>,
    size: u16,
) -> impl IntoView {
    let class = move |cloud: Cloud| {
        if *proven.get().get(cloud) {
            return format!("arc arc-{cloud} refused");
        }
        arc_class(cloud, up.get(), Finality::Final)
    };
    let path = move |cloud| view! { <path class=move || class(cloud) d=arc(cloud) /> };
    view! {
        <svg class="triad" data-state=move || ring_state(up.get()) viewBox="0 0 24 24" width=size height=size aria-hidden="true">
            {Cloud::ALL.map(path).collect_view()}
            <circle class="core core-final" cx="12" cy="12" r="2.9" />
        </svg>
    }
}

/// Two clouds suffice for the green centre.
fn ring_state(up: Signed) -> &'static str {
    state_name(if up.count() >= 2 { Finality::Final } else { Finality::Pending })
}

/// One cloud as its own arc of the ring: told apart by place as well as by colour.
#[component]
pub(crate) fn CloudGlyph(cloud: Cloud, #[prop(default = 16)] size: u16) -> impl IntoView {
    view! {
        <svg class="triad glyph" viewBox="0 0 24 24" width=size height=size aria-hidden="true">
            {Cloud::ALL
                .map(|each| {
                    let how = if each == cloud { "signed" } else { "open" };
                    view! { <path class=format!("arc arc-{each} {how}") d=arc(each) /> }
                })
                .collect_view()}
        </svg>
    }
}

/// The product's mark.
#[component]
pub(crate) fn Mark(#[prop(default = 22)] size: u16) -> impl IntoView {
    view! {
        <svg class="triad mark" data-state="final" viewBox="0 0 24 24" width=size height=size aria-hidden="true">
            {Cloud::ALL
                .map(|cloud| view! { <path class=format!("arc arc-{cloud} signed") d=arc(cloud) /> })
                .collect_view()}
            <circle class="core core-final" cx="12" cy="12" r="2.9" />
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_those_who_signed_and_those_who_did_not() {
        assert_eq!(who_signed(Signed::only(Cloud::Gcp)), "gcp has signed; aws and azure have not");
        let all = Signed { gcp: true, aws: true, azure: true };
        assert_eq!(who_signed(all), "gcp, aws and azure have signed");
        assert_eq!(who_signed(Signed::default()), "no cloud has signed");
    }

    #[test]
    fn a_missing_signature_of_a_held_event_is_a_refusal() {
        let signed = Signed::only(Cloud::Gcp);
        assert_eq!(arc_class(Cloud::Aws, signed, Finality::Quarantined), "arc arc-aws refused");
        assert_eq!(arc_class(Cloud::Aws, signed, Finality::Pending), "arc arc-aws open");
    }
}
