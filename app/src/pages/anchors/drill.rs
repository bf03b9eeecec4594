//! The tamper drill (demonstration): a row was changed behind the program's back, and this goes through
//! what the clouds make of it. Nothing here is staged: each step says what the snapshot's page says.

use domain::access::Action;
use domain::cloud::Cloud;
use domain::snapshot::Period;
use leptos::prelude::*;
use leptos_router::components::A;
use serde_json::Value;

use crate::api;
use crate::backend::{
    LabCorruption, LabDamage, LabOutcome, LabState, RecheckView, RowPair, SnapshotDetail,
    SnapshotState,
};
use crate::components::hash::Hash;
use crate::components::triad::join_names;
use crate::encoding;
use crate::pages::anchors::words;
use crate::shell::console::Here;

/// The one button.
#[component]
pub(super) fn Offer(cloud: Cloud) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::OperateFaultLab);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::OperateFaultLab));
    let title = cloud.title();
    view! {
        <section class="card snapshot-take" aria-labelledby="drill-title">
            <h2 id="drill-title" class="card-title">"Tamper drill"</h2>
            <p>
                {format!("Changes one metered row in {title}’s database by SQL, behind the program’s back, and takes a snapshot. You then see the hash that no longer matches, {title} outvoted, the section and the first row that differs, and the repair. ")}
                "Only this demonstration has it."
            </p>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <form method="post" action="/anchors/drill">
                <button class="button" type="submit" disabled=!may>"Change a row and watch"</button>
            </form>
        </section>
    }
}

/// A step of the drill: done, or waited for.
struct Scene {
    done: bool,
    title: String,
    body: AnyView,
}

#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(super) fn Drill(detail: SnapshotDetail) -> impl IntoView {
    let lab = api::ask_later(|| (), |()| api::lab());
    let cloud = detail.cloud;
    let scenes = [outvoted_hash(&detail), outvoted(&detail), row(&detail), repair(&detail)];
    let scenes = scenes.map(|scene| view! { <Shown scene /> });
    view! {
        <section class="card drill" aria-labelledby="drill-title">
            <h2 id="drill-title" class="card-title">"Tamper drill"</h2>
            <ol class="drill-scenes">
                <Suspense fallback=|| ()>
                    {move || Suspend::new(async move {
                        let told = lab.await.ok().map(|state| newest(&state, cloud));
                        view! { <Shown scene=changed(cloud, told) /> }
                    })}
                </Suspense>
                {scenes}
            </ol>
        </section>
    }
}

#[component]
fn Shown(scene: Scene) -> impl IntoView {
    let Scene { done, title, body } = scene;
    let state = if done { "valid" } else { "unchecked" };
    let word = (!done).then_some(" Not yet.");
    view! {
        <li data-state=state>
            <h3>{title} <span class="visually-hidden">{word}</span></h3>
            <div class="drill-body">{body}</div>
        </li>
    }
}

fn newest(state: &LabState, cloud: Cloud) -> Option<LabCorruption> {
    state.acts.iter().find_map(|act| match &act.outcome {
        LabOutcome::Corrupted(told) if told.what == LabDamage::Usage && told.cloud == cloud => {
            Some(told.clone())
        }
        _ => None,
    })
}

/// `None`: the fault lab tells this reader nothing.
fn changed(cloud: Cloud, told: Option<Option<LabCorruption>>) -> Scene {
    let done = matches!(told, Some(Some(_)));
    let body = match told {
        Some(Some(LabCorruption { place, before, after, .. })) => view! {
            <p>"Somebody with the database owner’s rights edited the row " <code>{place}</code> ": " <code>{before}</code> " became " <code>{after}</code> ". No log was touched, so no signature broke."</p>
        }
        .into_any(),
        Some(None) => {
            view! { <p>"No row was changed here since the demonstration started."</p> }.into_any()
        }
        None => view! { <p>"Which one, the fault lab says to those who may watch it."</p> }.into_any(),
    };
    Scene { done, title: format!("A row is changed in {}’s database", cloud.title()), body }
}

/// Has this cloud come to the agreed hash only when it derived again?
fn came_round(detail: &SnapshotDetail) -> bool {
    matches!(&detail.recheck, Some(RecheckView::Done { differs_in: Some(_), .. }))
}

fn outvoted_hash(detail: &SnapshotDetail) -> Scene {
    let (own, agreed) = (own_hash(detail), agreed_hash(detail));
    let title = "The snapshot’s hash no longer matches".to_owned();
    let differ = own.is_some() && agreed.is_some() && own != agreed;
    let body = match (own, agreed) {
        (Some(own), Some(agreed)) if differ => view! {
            <p>"Here the rows come to " <Hash value=own what="hash derived here" /> ", at the others to " <Hash value=agreed what="agreed hash" /> ". Below they stand byte under byte."</p>
        }
        .into_any(),
        _ if came_round(detail) => {
            view! { <p>"It did not, before this cloud derived the snapshot again: see below."</p> }.into_any()
        }
        (None, _) => view! { <p>"This cloud derives the snapshot just now."</p> }.into_any(),
        _ => view! { <p>"The others have not said yet what they came to."</p> }.into_any(),
    };
    Scene { done: differ || came_round(detail), title, body }
}

fn outvoted(detail: &SnapshotDetail) -> Scene {
    let cloud = detail.cloud.title();
    let others: Vec<&str> = detail.cloud.peers().map(Cloud::title).to_vec();
    let is_out = detail.row.state == SnapshotState::Outvoted;
    let text = if is_out {
        format!(
            "{} attest one hash, each by a final event of its own log; {cloud} attested another, and that \
             word stays in its log. What is anchored outside is what two agree on.",
            join_names(&others)
        )
    } else if came_round(detail) {
        format!(
            "{cloud} was outvoted, and attests the agreed hash now. Its first word stays in its log."
        )
    } else {
        "Two clouds must have attested one hash.".to_owned()
    };
    let body = view! { <p>{text} " " <A href="/ledger?kind=snapshot.attest">"The attestations in the ledger"</A></p> };
    let done = is_out || came_round(detail);
    Scene { done, title: format!("{cloud} is outvoted"), body: body.into_any() }
}

fn row(detail: &SnapshotDetail) -> Scene {
    let title = "The section and the first row that differs are named".to_owned();
    let told = detail.words.iter().find(|word| word.differs_in.is_some());
    if let Some(word) = told {
        let place = word.differs_in.as_ref().map(words::difference).unwrap_or_default();
        let there = word.cloud.title();
        let fields = word.first_row.as_ref().map(differing).unwrap_or_default().into_iter();
        let here = detail.cloud.title();
        let fields = fields.map(|(name, ours, theirs)| {
            view! { <li><code>{name}</code> {format!(": {ours} at {here}, {theirs} at {there}")}</li> }
        });
        let body = view! {
            <p>{format!("Both clouds say the hash of their rows after every thousand. They part {place}; of that thousand each row was compared.")}</p>
            <ul>{fields.collect_view()}</ul>
        };
        return Scene { done: true, title, body: body.into_any() };
    }
    match &detail.recheck {
        Some(RecheckView::Done { differs_in: Some(place), .. }) => {
            let text = format!("They parted {}.", words::difference(place));
            Scene { done: true, title, body: view! { <p>{text}</p> }.into_any() }
        }
        _ => {
            let body = view! { <p>"As soon as another cloud has attested."</p> }.into_any();
            Scene { done: false, title, body }
        }
    }
}

/// The fields in which two rows differ, and both values.
fn differing(pair: &RowPair) -> Vec<(String, String, String)> {
    let read = |text: &Option<String>| -> serde_json::Map<String, Value> {
        text.as_deref().and_then(|text| encoding::read(text).ok()).unwrap_or_default()
    };
    let (ours, theirs) = (read(&pair.here), read(&pair.there));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |of: &serde_json::Map<String, Value>, name: &str| {
        of.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string)
    };
    let both = |name: &String| (name.clone(), value(&ours, name), value(&theirs, name));
    names.into_iter().map(both).filter(|(_, ours, theirs)| ours != theirs).collect()
}

fn repair(detail: &SnapshotDetail) -> Scene {
    let cloud = detail.cloud.title();
    let title = "It is repaired from the entries".to_owned();
    let agrees = own_hash(detail).is_some() && own_hash(detail) == agreed_hash(detail);
    let body = match &detail.recheck {
        Some(RecheckView::Done { mended, not_mended: None, .. }) if came_round(detail) => {
            let lines = mended.iter().map(|line| view! { <li>{line.clone()}</li> }).collect_view();
            let end = if agrees {
                format!("{cloud} attests the agreed hash again.")
            } else {
                format!("{cloud} derives the snapshot anew, and attests what it comes to.")
            };
            view! {
                <p>"Every entry was read from the first on, hashed and added up again. Changed by hand, and put right:"</p>
                <ul>{lines}</ul>
                <p>{end}</p>
            }
            .into_any()
        }
        Some(RecheckView::Running { .. }) => view! { <p>{format!("{cloud} reads every entry from the first on.")}</p> }.into_any(),
        Some(RecheckView::Failed { why, .. }) => view! { <p class="form-error">{format!("It did not work out: {why}. Try again.")}</p> <Again period=detail.row.period /> }.into_any(),
        _ => view! {
            <p>{format!("{cloud} derives a snapshot on which it is outvoted again by itself after ten minutes, and compares its tables once a day. You can have it done now.")}</p>
            <Again period=detail.row.period />
        }
        .into_any(),
    };
    Scene { done: agrees && came_round(detail), title, body }
}

#[component]
fn Again(period: Period) -> impl IntoView {
    let may = expect_context::<Here>().viewer.may(Action::TakeSnapshot);
    view! {
        <form method="post" action="/anchors/act">
            <input type="hidden" name="act" value="recheck" />
            <input type="hidden" name="period" value=period.to_string() />
            <input type="hidden" name="drill" value="on" />
            <button class="button button-first" type="submit" disabled=!may>"Derive it again now"</button>
        </form>
    }
}

fn own_hash(detail: &SnapshotDetail) -> Option<String> {
    detail.own.as_ref().map(|own| own.hash.clone())
}

/// What two clouds agree on.
fn agreed_hash(detail: &SnapshotDetail) -> Option<String> {
    let is_agreed = matches!(detail.row.state, SnapshotState::Agreed | SnapshotState::Outvoted);
    detail.row.hash.clone().filter(|_| is_agreed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_differ_are_named() {
        let text = |tokens: u64| format!(r#"{{"inputTokens":{tokens},"model":"m"}}"#);
        let pair = RowPair { row: 3, here: Some(text(120)), there: Some(text(12)) };
        let told = ("inputTokens".to_owned(), "120".to_owned(), "12".to_owned());
        assert_eq!(differing(&pair), [told]);
        let gone = RowPair { row: 3, here: None, there: Some(text(12)) };
        assert_eq!(differing(&gone)[1].1, "nothing");
    }
}
