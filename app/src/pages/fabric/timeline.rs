//! Switches, the newest first: what happened, who moved where, by which scores and votes, and the
//! event that says so.

use std::collections::BTreeMap;

use domain::catalog::RoutingMove;
use domain::cloud::Cloud;
use domain::fabric::hysteresis::Why;
use leptos::prelude::*;
use leptos_router::components::A;

use crate::backend::{FabricSwitch, FabricView};
use crate::components::time::Time;
use crate::format::TimeShape;
use crate::pages::fabric::words;

/// Regions of a move that are named; the details have all.
const NAMED_MAX: usize = 4;

#[component]
pub(super) fn Timeline(state: RwSignal<FabricView>) -> impl IntoView {
    let switches = Memo::new(move |_| state.read().switches.clone());
    view! {
        <section class="card fabric-timeline" aria-labelledby="switches-title">
            <header class="card-head">
                <h2 id="switches-title" class="card-title">"Switches"</h2>
                <A href="/ledger?kind=routing.switch">"All in the ledger"</A>
            </header>
            <Show when=move || switches.read().is_empty()>
                <p class="fabric-note">
                    "No switch is recorded yet. The clouds record the first one as soon as each has probed the others."
                </p>
            </Show>
            <ol class="switches">
                <For each=move || switches.get() key=|switch| switch.event_id.clone() let:switch>
                    <Switch switch />
                </For>
            </ol>
        </section>
    }
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
    use domain::fabric::selector::Level;

    use super::*;

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
