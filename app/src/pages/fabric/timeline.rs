//! Switches, the newest first: what happened, who moved where, by which scores and votes, and the
//! event that says so. Among them, the changes of the shares that people decided on.

use std::collections::BTreeMap;

use domain::catalog::RoutingMove;
use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::fabric::hysteresis::Why;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FabricSwitch, FabricView, SharesChange};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::pages::fabric::words;

/// Regions of a move that are named; the details have all.
const NAMED_MAX: usize = 4;
/// The ledger has the others.
const ENTRIES_MAX: usize = 20;

/// What changed where clients are sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// The clouds' own.
    Switch(FabricSwitch),
    /// People's.
    Shares(SharesChange),
}

impl Entry {
    pub(super) fn event_id(&self) -> &str {
        match self {
            Entry::Switch(switch) => &switch.event_id,
            Entry::Shares(change) => &change.event_id,
        }
    }

    pub(super) fn headline(&self) -> String {
        match self {
            Entry::Switch(switch) => words::headline(switch),
            Entry::Shares(change) => words::shares_headline(change),
        }
    }

    const fn at(&self) -> Timestamp {
        match self {
            Entry::Switch(switch) => switch.at,
            Entry::Shares(change) => change.at,
        }
    }
}

/// The newest first.
pub(super) fn entries(view: &FabricView) -> Vec<Entry> {
    in_order(&view.switches, &view.shares.changes)
}

fn in_order(switches: &[FabricSwitch], changes: &[SharesChange]) -> Vec<Entry> {
    let switches = switches.iter().cloned().map(Entry::Switch);
    let changes = changes.iter().cloned().map(Entry::Shares);
    let mut entries: Vec<Entry> = switches.chain(changes).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    entries.truncate(ENTRIES_MAX);
    entries
}

#[component]
pub(super) fn Timeline(state: RwSignal<FabricView>) -> impl IntoView {
    let entries = Memo::new(move |_| entries(&state.read()));
    view! {
        <section class="card fabric-timeline" aria-labelledby="switches-title">
            <header class="card-head">
                <h2 id="switches-title" class="card-title">"Switches"</h2>
                <span class="switch-all">
                    <A href="/ledger?kind=routing.switch">"All in the ledger"</A>
                    " "
                    <A href="/approvals">"Decisions about shares"</A>
                </span>
            </header>
            <Show when=move || entries.read().is_empty()>
                <p class="fabric-note">
                    "No switch is recorded yet. The clouds record the first one as soon as each has probed the others."
                </p>
            </Show>
            <ol class="switches">
                <For each=move || entries.get() key=|entry| entry.event_id().to_owned() let:entry>
                    {match entry {
                        Entry::Switch(switch) => view! { <Switch switch /> }.into_any(),
                        Entry::Shares(change) => shares_change(change),
                    }}
                </For>
            </ol>
        </section>
    }
}

fn shares_change(change: SharesChange) -> AnyView {
    let headline = words::shares_headline(&change);
    let SharesChange { at, version, event_id, proposal_id, before, by, reason, .. } = change;
    let before = before.unwrap_or_else(|| "none; by distance and load".to_owned());
    let by = words::begin(&by);
    view! {
        <li class="switch switch-shares">
            <p class="switch-when"><Time at shape=TimeShape::Second /></p>
            <div class="switch-body">
                <p class="switch-headline"><strong>{headline}</strong></p>
                <p>{by} ": " <q>{reason}</q></p>
                <p class="muted">{format!("Before: {before}.")}</p>
                <p class="switch-event">
                    <A href=format!("/ledger/{event_id}")>{format!("Shares, version {version}")}</A>
                    ", "
                    <A href=format!("/approvals/{proposal_id}")>"the decision"</A>
                </p>
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn Switch(switch: FabricSwitch) -> impl IntoView {
    let headline = words::headline(&switch);
    let FabricSwitch { at, event_id, switch, before } = switch;
    let mode = before.filter(|before| before.mode != switch.mode).map(|before| {
        let (from, to) = (words::mode_word(before.mode), words::mode_word(switch.mode));
        view! { <span class="switch-mode">{format!("{from} → {to}")}</span> }
    });
    let none = switch.moves.is_empty().then(|| {
        view! { <p class="muted">"No region moved."</p> }
    });
    let groups = groups(&switch.moves).into_iter().map(|(way, regions)| group(way, &regions));
    let damped: Vec<String> = switch
        .clouds
        .iter()
        .filter(|(_, standing)| standing.damping >= 1.0)
        .map(|(cloud, standing)| {
            let held = if standing.held_out { ", held out" } else { "" };
            format!("{cloud} {:.0} points{held}", standing.damping)
        })
        .collect();
    let damping = (!damped.is_empty()).then(|| {
        view! { <p>{format!("Flap damping: {}.", damped.join("; "))}</p> }
    });
    let scores = switch.moves.iter().map(scores).collect_view();
    let spills = switch.spills.iter().map(|(region, shares)| {
        let shares = words::shares(shares);
        view! { <p>{format!("One cloud cannot take all of {region}: {shares}.")}</p> }
    });
    let spills = spills.collect_view();
    view! {
        <li class="switch">
            <p class="switch-when"><Time at shape=TimeShape::Second /></p>
            <div class="switch-body">
                <p class="switch-headline"><strong>{headline}</strong> " " {mode}</p>
                {none}
                {groups.collect_view()}
                <details class="switch-details">
                    <summary>"Votes and scores"</summary>
                    <p>{words::votes(&switch.votes)}</p>
                    {damping}
                    {spills}
                    <ul class="switch-scores">{scores}</ul>
                </details>
                <p class="switch-event">
                    <A href=format!("/ledger/{event_id}")>{format!("Switch {}", switch.version.number())}</A>
                    <span class="muted">{format!(", recorded by {}", switch.by)}</span>
                </p>
            </div>
        </li>
    }
}

/// From where to where, and why.
type Way = (Option<Cloud>, Cloud, &'static str, String);

fn groups(moves: &[RoutingMove]) -> Vec<(Way, Vec<String>)> {
    let mut groups: BTreeMap<Way, Vec<String>> = BTreeMap::new();
    for one in moves {
        let because = words::moved_because(one.why, one.from, one.to);
        let way = (one.from, one.to, kind(one.why), because);
        groups.entry(way).or_default().push(one.region.clone());
    }
    groups.into_iter().collect()
}

/// One word for style sheets and tests.
const fn kind(why: Why) -> &'static str {
    match why {
        Why::First => "first",
        Why::Leads | Why::BetterByMargin => "better",
        Why::WithinMargin | Why::Dwelling => "stays",
        Why::IncumbentOut => "out",
        Why::Nobody | Why::Alone => "held",
    }
}

fn group((from, to, kind, because): Way, regions: &[String]) -> AnyView {
    let way = from.map_or_else(|| format!("→ {to}"), |from| format!("{from} → {to}"));
    let more = regions.len().saturating_sub(NAMED_MAX);
    let mut named = regions.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    view! {
        <p class="switch-move" data-why=kind>
            <span class="switch-way">{way}</span> " " <span class="switch-regions">{named}</span>
            <span class="cell-about">{because}</span>
        </p>
    }
    .into_any()
}

fn scores(one: &RoutingMove) -> AnyView {
    let scores = one.scores.iter().map(|(cloud, score)| format!("{cloud} {score:.1} ms"));
    let scores = scores.collect::<Vec<_>>().join(", ");
    let scores = if scores.is_empty() { "nobody could serve".to_owned() } else { scores };
    let limit = one.limit_ms.map(|limit| format!("; to beat: {limit:.1} ms"));
    view! { <li><span class="mono">{one.region.clone()}</span> {format!(": {scores}{}", limit.unwrap_or_default())}</li> }
        .into_any()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::catalog::{RoutingStanding, RoutingSwitch};
    use domain::cloud::PerCloud;
    use domain::fabric::score::Policy;
    use domain::fabric::selector::Level;
    use domain::fabric::verdict::Mode;
    use domain::grant::Version;

    use super::*;

    #[test]
    fn changes_of_shares_stand_among_the_switches_by_time() {
        let change = |ms: i64| SharesChange {
            at: Timestamp::from_unix_ms(ms),
            version: 1,
            event_id: format!("change-{ms}"),
            proposal_id: String::new(),
            before: None,
            after: None,
            taken_back: false,
            by: String::new(),
            reason: String::new(),
        };
        let standing = RoutingStanding { load: 0.0, damping: 0.0, held_out: false, drained: false };
        let switch = |ms: i64| FabricSwitch {
            at: Timestamp::from_unix_ms(ms),
            event_id: format!("switch-{ms}"),
            switch: RoutingSwitch {
                version: Version::FIRST,
                by: Cloud::Gcp,
                mode: Mode::Normal,
                down: BTreeSet::new(),
                policy: Policy::Balanced,
                votes: PerCloud::from_fn(|_| None),
                clouds: PerCloud::from_fn(|_| standing),
                moves: Vec::new(),
                picks: BTreeMap::new(),
                spills: BTreeMap::new(),
            },
            before: None,
        };
        let switches: Vec<FabricSwitch> = [40, 20].map(switch).into();
        let entries = in_order(&switches, &[change(30), change(10)]);
        let ids: Vec<&str> = entries.iter().map(Entry::event_id).collect();
        assert_eq!(ids, ["switch-40", "change-30", "switch-20", "change-10"]);
        let many: Vec<FabricSwitch> = (0..30).rev().map(switch).collect();
        assert_eq!(in_order(&many, &[]).len(), ENTRIES_MAX);
    }

    #[test]
    fn moves_of_one_way_and_reason_are_told_together() {
        let one = |region: &str, from, to, why| RoutingMove {
            region: region.to_owned(),
            from,
            to,
            why,
            level: Level::Rules,
            scores: BTreeMap::new(),
            limit_ms: None,
        };
        let moves = [
            one("eu", Some(Cloud::Azure), Cloud::Aws, Why::IncumbentOut),
            one("na", Some(Cloud::Gcp), Cloud::Aws, Why::BetterByMargin),
            one("me", Some(Cloud::Azure), Cloud::Aws, Why::IncumbentOut),
        ];
        let groups = groups(&moves);
        assert_eq!(groups.len(), 2);
        let out = groups.iter().find(|((_, _, kind, _), _)| *kind == "out").expect("a group");
        assert_eq!(out.1, ["eu", "me"]);
        assert_eq!(out.0.3, "azure cannot serve; aws scores best of those that can.");
    }
}
