//! Draining a cloud and putting it back: a dialog for each, with what it would come to. Without
//! scripts the button leads to this page with its dialog open.

use domain::access::Action;
use domain::cloud::Cloud;
use leptos::html;
use leptos::prelude::*;

use crate::backend::{DrainPreview, FabricView, RegionMove};
use crate::components::decision::ReasonField;
use crate::components::dialog::{Dialog, Leave, is_asked, open_named};
use crate::components::kept::typed;
use crate::format::{counted, percent};
use crate::shell::console::Here;

/// Regions that a preview names; the others are counted.
const NAMED_MAX: usize = 12;

const fn id(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Gcp => "drain-gcp",
        Cloud::Aws => "drain-aws",
        Cloud::Azure => "drain-azure",
    }
}

/// Why nothing came of a form.
pub(super) fn refusal(code: &str) -> &'static str {
    match code {
        "reason" => "Nothing was recorded: the reason must be 1 to 500 printable characters.",
        "routingWeights" | "shares" => {
            "Nothing was proposed: shares are percentages that sum to 100, other than those in force."
        }
        "already_open" | "proposalId" => {
            "Nothing was proposed: a proposal about the same is open. The card “Shares of the traffic” leads to it: decide about it first."
        }
        "version" | "version_changed" => {
            "Nothing was changed: the shares were changed since you looked. What stands below is how it is now."
        }
        "nothing_to_take_back" => {
            "Nothing was changed: there is nothing to take back, or the last change was itself a rollback."
        }
        "busy" => "Nothing was recorded: this cloud has too much to do. Try again.",
        _ => "Nothing was recorded. Try again, or see the log of this cloud.",
    }
}

fn may_drain() -> bool {
    expect_context::<Here>().viewer.may(Action::DrainCloud)
}

#[component]
pub(super) fn DrainButton(state: RwSignal<FabricView>, cloud: Cloud) -> impl IntoView {
    let drains = Memo::new(move |_| state.read().drains.get(cloud).drained);
    let text = move || {
        if drains.get() { format!("Drain {cloud}…") } else { format!("Put {cloud} back…") }
    };
    let href = format!("/fabric?act={}", id(cloud));
    may_drain().then(|| {
        view! { <a class="button" href=href rel="external" on:click=move |event| open_named(&event, id(cloud))>{text}</a> }
    })
}

#[component]
pub(super) fn DrainDialogs(state: RwSignal<FabricView>) -> impl IntoView {
    may_drain()
        .then(|| Cloud::ALL.map(|cloud| view! { <DrainDialog state cloud /> }).collect_view())
}

#[component]
fn DrainDialog(state: RwSignal<FabricView>, cloud: Cloud) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let preview = Memo::new(move |_| state.read().drains.get(cloud).clone());
    let drains = Memo::new(move |_| preview.read().drained);
    let title = Signal::derive(move || {
        if drains.get() { format!("Drain {cloud}?") } else { format!("Put {cloud} back?") }
    });
    let means = move || {
        if drains.get() {
            "It serves nobody from the next answer on, on every cloud, until it is put back. Its \
             ledger goes on. Clients that kept an answer come for some seconds more."
        } else {
            "It may serve again. Clients go back to it where it scores better by the margin."
        }
    };
    let act = move || if drains.get() { "drain" } else { "restore" };
    let go =
        move || if drains.get() { format!("Drain {cloud}") } else { format!("Put {cloud} back") };
    view! {
        <Dialog node id=id(cloud) title open={is_asked(id(cloud)) || typed(id(cloud)).is_there()}>
            <p>{means}</p>
            {move || shown(&preview.read(), cloud)}
            <form class="act-form" method="post" action="/fabric/act">
                <input type="hidden" name="act" value=act />
                <input type="hidden" name="cloud" value=cloud.name() />
                <ReasonField name=id(cloud) />
                <Leave node back="/fabric" />
                <button class="button button-danger" type="submit">{go}</button>
            </form>
        </Dialog>
    }
}

/// Where traffic would go, by the same rules and figures that decide it.
fn shown(preview: &DrainPreview, cloud: Cloud) -> AnyView {
    let more = preview.moves.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| view! { <li>{format!("and {more} more")}</li> });
    let items = preview.moves.iter().take(NAMED_MAX).map(one).collect_view();
    let line = |text: String| view! { <p>{text}</p> };
    let over = preview.over.iter().cloned().map(line).collect_view();
    view! {
        <div class="drain-preview" data-cloud=cloud.name()>
            {by_shares(preview).map(line)}
            {over}
            <p>{by_distance(preview)}</p>
            <ul class="drain-moves">{items} {more}</ul>
            {spills(preview).into_iter().map(line).collect_view()}
        </div>
    }
    .into_any()
}

/// What becomes of the networks, where people decided on shares.
fn by_shares(preview: &DrainPreview) -> Option<String> {
    Some(match (&preview.shares_now, &preview.shares) {
        (None, None) => return None,
        (Some(now), Some(then)) => {
            let moved = percent(preview.networks_moved.unwrap_or_default());
            format!(
                "Shares of the traffic are in force. Networks are dealt as {now} now, and would be as \
                 {then}: {moved} of them would move, and the others stay."
            )
        }
        (Some(now), None) => format!(
            "Shares of the traffic are in force ({now}), and nobody who has one could serve then: \
             distance and load would decide."
        ),
        (None, Some(then)) => format!(
            "People decided on shares of the traffic, and nobody who has one serves now. Networks \
             would be dealt as {then} again."
        ),
    })
}

/// What becomes of the regions; with shares, that is what holds without them.
fn by_distance(preview: &DrainPreview) -> String {
    let lead = if preview.shares.is_some() { "Without shares" } else { "As things stand" };
    match (preview.in_vain, preview.moves.len()) {
        (true, _) => "No other cloud is up: it would go on serving until one is.".to_owned(),
        (false, 0) => format!("{lead}, no region would move."),
        (false, moves) => {
            format!("{lead}, {} would move:", counted(moves as u64, "region", "regions"))
        }
    }
}

fn spills(preview: &DrainPreview) -> Vec<String> {
    let told = |(region, shares): &(String, String)| {
        if preview.shares.is_some() {
            format!("Not everybody would have room for its share of {region}: {shares}.")
        } else {
            format!("One cloud could not take all of {region}: {shares}.")
        }
    };
    preview.spills.iter().take(NAMED_MAX).map(told).collect()
}

fn one(moved: &RegionMove) -> AnyView {
    let RegionMove { region, from, to } = moved;
    view! {
        <li data-region=region.clone() data-to=to.name()>
            <span class="drain-region">{region.clone()}</span> " " {from.name()} " → " <strong>{to.name()}</strong>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_what_becomes_of_shares_in_force_before_what_holds_without_them() {
        let mut preview = DrainPreview {
            drained: true,
            moves: Vec::new(),
            in_vain: false,
            spills: vec![("eu".to_owned(), "aws 70 %, azure 30 %".to_owned())],
            shares_now: None,
            shares: None,
            networks_moved: None,
            over: Vec::new(),
        };
        assert_eq!(by_shares(&preview), None);
        assert_eq!(by_distance(&preview), "As things stand, no region would move.");
        assert!(spills(&preview)[0].starts_with("One cloud could not take all of eu"));
        preview.shares_now = Some("gcp 60 %, aws 40 %".to_owned());
        let none = by_shares(&preview).expect("a sentence");
        assert!(
            none.ends_with("nobody who has one could serve then: distance and load would decide.")
        );
        preview.shares = Some("aws 100 %".to_owned());
        preview.networks_moved = Some(0.6);
        let told = by_shares(&preview).expect("a sentence");
        let says = "as gcp 60 %, aws 40 % now, and would be as aws 100 %: 60 % of them would move";
        assert!(told.contains(says), "{told}");
        assert!(by_distance(&preview).starts_with("Without shares,"));
        assert!(
            spills(&preview)[0].starts_with("Not everybody would have room for its share of eu")
        );
        preview.shares_now = None;
        assert!(by_shares(&preview).expect("a sentence").ends_with("as aws 100 % again."));
    }
}
