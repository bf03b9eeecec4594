//! States as shape, word and colour at once.

use domain::finality::Finality;
use domain::quarantine::State;
use leptos::prelude::*;

use crate::backend::{Condition, EpochState, ProcessState, SnapshotState};
use crate::components::triad::state_name;
use crate::live::Standing;

/// FINAL solid, PENDING dashed, QUARANTINED hatched, DISPUTED split.
#[component]
pub(crate) fn FinalityBadge(#[prop(into)] status: Signal<Finality>) -> impl IntoView {
    view! {
        <span class="badge" data-state=move || state_name(status.get())>
            {move || status.get().word()}
        </span>
    }
}

/// HELD hatched, as what has no effect; RELEASED solid; REJECTED plain.
#[component]
pub(crate) fn HeldBadge(state: State) -> impl IntoView {
    let (look, word) = match state {
        State::Held => ("quarantined", "HELD"),
        State::Released => ("final", "RELEASED"),
        State::Rejected => ("unknown", "REJECTED"),
    };
    view! { <span class="badge" data-state=look>{word}</span> }
}

/// CURRENT solid, WAITING dashed, REVOKED hatched, and so CURRENT whose key is proven bad; what has
/// ended well is plain.
#[component]
pub(crate) fn EpochBadge(
    state: EpochState,
    /// There is evidence against one of its keys, which still count.
    #[prop(into, default = false.into())]
    proven_bad: Signal<bool>,
) -> impl IntoView {
    let says = move || match state {
        EpochState::Current if proven_bad.get() => ("quarantined", "CURRENT, PROVEN BAD"),
        EpochState::Current => ("final", "CURRENT"),
        EpochState::Waiting => ("pending", "WAITING"),
        EpochState::Closed => ("unknown", "CLOSED"),
        EpochState::Revoked => ("quarantined", "REVOKED"),
    };
    view! { <span class="badge" data-state=move || says().0>{move || says().1}</span> }
}

/// AGREED solid, what is on its way dashed, DISAGREED hatched.
#[component]
pub(crate) fn SnapshotBadge(state: SnapshotState) -> impl IntoView {
    let (look, word) = match state {
        SnapshotState::Agreed => ("final", "AGREED"),
        SnapshotState::Outvoted => ("pending", "ONE DIFFERS"),
        SnapshotState::Waiting => ("pending", "WAITING"),
        SnapshotState::Deriving => ("pending", "DERIVING"),
        SnapshotState::Disagreed => ("quarantined", "DISAGREED"),
    };
    view! { <span class="badge" data-state=look>{word}</span> }
}

impl Condition {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Condition::Up => "Up",
            Condition::Lagging => "Lagging",
            Condition::Down => "Down",
            Condition::Unknown => "Not heard yet",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Condition::Up => "up",
            Condition::Lagging => "lagging",
            Condition::Down => "down",
            Condition::Unknown => "unknown",
        }
    }
}

/// How a cloud is, as this node sees it. What is proven against one that answers comes first: it may
/// well be up.
#[component]
pub(crate) fn CloudBadge(
    #[prop(into)] condition: Signal<Condition>,
    #[prop(into)] standing: Signal<Standing>,
) -> impl IntoView {
    let says = move || {
        let condition = condition.get();
        match standing.get() {
            _ if matches!(condition, Condition::Down | Condition::Unknown) => {
                (condition.name(), condition.word())
            }
            Standing::Good => (condition.name(), condition.word()),
            Standing::KeyProvenBad => ("quarantined", "Key proven bad"),
            Standing::LogFrozen => ("quarantined", "Log frozen"),
        }
    };
    view! { <span class="badge" data-state=move || says().0>{move || says().1}</span> }
}

impl ProcessState {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            ProcessState::Starting => "Starting",
            ProcessState::Running => "Running",
            ProcessState::Paused => "Paused",
            ProcessState::Stopping => "Stopping",
            ProcessState::Stopped => "Stopped",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            ProcessState::Starting | ProcessState::Stopping => "lagging",
            ProcessState::Running => "up",
            ProcessState::Paused => "paused",
            ProcessState::Stopped => "down",
        }
    }
}

/// What the supervisor says of a cloud's process.
#[component]
pub(crate) fn ProcessBadge(#[prop(into)] process: Signal<ProcessState>) -> impl IntoView {
    view! {
        <span class="badge" data-state=move || process.get().name()>
            {move || process.get().word()}
        </span>
    }
}
