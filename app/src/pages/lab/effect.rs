//! What the system does about it: live figures, and sentences for every change of them.

use domain::cloud::{Cloud, PerCloud};
use leptos::prelude::*;

use crate::backend::{CloudState, Condition, LiveState};
use crate::components::chart::Sparkline;
use crate::components::triad::{CloudGlyph, CloudRing};
use crate::format;
use crate::live::{Health, Live};
use crate::pages::overview::BEHIND_FULL;

/// Seconds of history beside the rate.
const RATES_MAX: usize = 60;

/// What a reader should know of the step from one state to the next. `owes`: the cloud was away
/// and has not signed for everything since; a lag of a moment is not worth a line.
pub(super) fn changes(
    before: &LiveState,
    now: &LiveState,
    owes: &mut PerCloud<bool>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    for (cloud, state) in now.clouds.iter() {
        let was = before.clouds.get(cloud).condition;
        if was != state.condition {
            sentences.push(new_condition(cloud, was, state));
        }
        let here = matches!(state.condition, Condition::Up | Condition::Lagging);
        if !here {
            *owes.get_mut(cloud) = true;
        } else if *owes.get(cloud) && state.behind == 0 {
            *owes.get_mut(cloud) = false;
            sentences.push(format!("{} has signed for everything it missed.", cloud.title()));
        }
    }
    sentences.extend((before.health() != now.health()).then(|| new_health(now)));
    sentences
}

fn new_condition(cloud: Cloud, was: Condition, state: &CloudState) -> String {
    let name = cloud.title();
    let behind = format::counted(state.behind, "entry", "entries");
    match (was, state.condition) {
        (Condition::Lagging, Condition::Up) => format!("{name} keeps up again."),
        (_, Condition::Up) => format!("{name} is up."),
        (Condition::Up, Condition::Lagging) => format!("{name} falls behind: {behind}."),
        (_, Condition::Lagging) => format!("{name} is back and {behind} behind."),
        (_, Condition::Down) => format!("{name} no longer answers."),
        (_, Condition::Unknown) => format!("{name} has not been heard from."),
    }
}

fn new_health(now: &LiveState) -> String {
    match now.health() {
        Health::Normal => "Normal again: three of three clouds.".to_owned(),
        Health::Alarm => "Not normal: a cloud is proven to have broken the rules.".to_owned(),
        Health::Degraded => {
            let rate = format::rate(now.final_per_s);
            format!("Degraded: two clouds go on, {rate} events/s become final.")
        }
        Health::NoQuorum => "No quorum: events are accepted and wait as PENDING.".to_owned(),
    }
}

/// The figures to watch.
#[component]
pub(super) fn Effects() -> impl IntoView {
    let live = expect_context::<Live>();
    let rates = RwSignal::new(Vec::<u64>::new());
    Effect::new(move |_| {
        if let Some(state) = live.state.read().as_ref() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate, drawn"
            )]
            let rate = state.final_per_s.max(0.0).round() as u64;
            rates.update(|rates| {
                rates.push(rate);
                let surplus = rates.len().saturating_sub(RATES_MAX);
                rates.drain(..surplus);
            });
        }
    });
    let figure = move |pick: fn(&LiveState) -> String| {
        move || live.state.read().as_ref().map_or_else(|| "–".to_owned(), pick)
    };
    let up = Signal::derive(move || {
        live.state.read().as_ref().map_or_else(Default::default, |state| {
            state
                .clouds
                .map(|_, cloud| matches!(cloud.condition, Condition::Up | Condition::Lagging))
        })
    });
    let proven = Signal::derive(move || {
        live.state.read().as_ref().map_or_else(Default::default, LiveState::proven)
    });
    view! {
        <section class="card lab-effects" aria-labelledby="effects-title">
            <h2 id="effects-title" class="card-title">"What follows, live"</h2>
            <div class="lab-effect-row">
                <CloudRing up proven size=72 />
                <div class="figure">
                    <p class="big">{figure(|state| format::rate(state.final_per_s))} <span class="unit">"final/s"</span></p>
                    <Sparkline values=rates full=1 />
                </div>
                <div class="figure">
                    <p class="big">{figure(|state| format::count(state.pending))} <span class="unit">"pending"</span></p>
                    <p class="muted">"accepted, not final"</p>
                </div>
            </div>
            <ul class="lab-behinds">
                {Cloud::ALL.map(|cloud| view! { <Behind cloud /> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn Behind(cloud: Cloud) -> impl IntoView {
    let live = expect_context::<Live>();
    let history = Signal::derive(move || {
        live.state
            .read()
            .as_ref()
            .map_or_else(Vec::new, |state| state.clouds.get(cloud).behind_history.clone())
    });
    let behind = move || {
        live.state
            .read()
            .as_ref()
            .map_or_else(|| "–".to_owned(), |state| format::count(state.clouds.get(cloud).behind))
    };
    view! {
        <li class=format!("of-{cloud}")>
            <span class="cloud"><CloudGlyph cloud size=14 /> {cloud.name()}</span>
            <span class="muted">"behind"</span>
            <Sparkline values=history full=BEHIND_FULL />
            <strong>{behind}</strong>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Timestamp;

    fn cloud(condition: Condition, behind: u64) -> CloudState {
        CloudState {
            condition,
            own_log_size: 0,
            behind,
            confirms_p50_ms: None,
            load: None,
            heard_at: None,
            behind_history: Vec::new(),
            frozen: false,
        }
    }

    fn state(aws: CloudState) -> LiveState {
        let clouds_up = if aws.condition == Condition::Down { 2 } else { 3 };
        let clouds = PerCloud { gcp: cloud(Condition::Up, 0), aws, azure: cloud(Condition::Up, 0) };
        LiveState {
            mode: domain::quorum::Mode::default(),
            at: Timestamp::from_unix_ms(0),
            clouds_up,
            clouds,
            final_per_s: 400.0,
            window_s: 10,
            time_to_final_p50_ms: None,
            time_to_final_p99_ms: None,
            pending: 0,
            quarantined: 0,
            events: 0,
            accusations: Vec::new(),
            key_requests: 0,
            key_changes: 0,
            audit_changes: 0,
            switch_changes: 0,
        }
    }

    #[test]
    fn an_outage_is_told_from_its_start_to_the_last_signature() {
        let course = [
            state(cloud(Condition::Up, 0)),
            state(cloud(Condition::Down, 9)),
            state(cloud(Condition::Lagging, 90)),
            state(cloud(Condition::Up, 0)),
        ];
        let mut owes = PerCloud::default();
        let told: Vec<Vec<String>> =
            course.windows(2).map(|pair| changes(&pair[0], &pair[1], &mut owes)).collect();
        assert_eq!(
            told[0],
            ["AWS no longer answers.", "Degraded: two clouds go on, 400 events/s become final."]
        );
        assert_eq!(
            told[1],
            ["AWS is back and 90 entries behind.", "Normal again: three of three clouds."]
        );
        assert_eq!(told[2], ["AWS keeps up again.", "AWS has signed for everything it missed."]);
    }

    #[test]
    fn a_lag_of_a_moment_is_not_told() {
        let (two, none) = (state(cloud(Condition::Up, 2)), state(cloud(Condition::Up, 0)));
        assert!(changes(&two, &none, &mut PerCloud::default()).is_empty());
    }
}
