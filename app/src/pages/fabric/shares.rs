//! Shares of the traffic: what is in force, proposing others, and taking the last change back. Shares
//! that ask a cloud for more than it takes are warned of as they are typed, and refused nobody.

use domain::access::Action;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::{Capacity, over};
use leptos::prelude::*;
use leptos_router::components::A;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::backend::{FabricShares, FabricView, ShareRow, SharesWaiting};
use crate::components::decision::ReasonField;
use crate::components::kept::typed as typed_before;
use crate::components::table::{Cell, DataTable, TableRow};
use crate::shell::console::Here;

#[component]
pub(super) fn SharesCard(state: RwSignal<FabricView>) -> impl IntoView {
    let here = expect_context::<Here>();
    let shares = Memo::new(move |_| state.read().shares.clone());
    let room = Memo::new(move |_| room_of(&state.read()));
    let may_propose = here.viewer.may(Action::Propose);
    let may_take_back = here.viewer.may(Action::Approve);
    let can_be_taken_back = Memo::new(move |_| shares.read().can_be_taken_back && may_take_back);
    view! {
        <section class="card fabric-shares" aria-labelledby="shares-title">
            <header class="card-head"><h2 id="shares-title" class="card-title">"Shares of the traffic"</h2></header>
            {move || told(&shares.read())}
            {move || shares.with(|shares| shares.waiting.as_ref().map(waits))}
            <div class="shares-acts">
                {may_propose.then(|| view! { <Propose room /> })}
                {move || can_be_taken_back.get().then(|| view! { <TakeBack version=shares.read().version /> })}
            </div>
        </section>
    }
}

/// One at a time: the form would be refused.
fn waits(waiting: &SharesWaiting) -> AnyView {
    let SharesWaiting { proposal_id, shares, by } = waiting.clone();
    let shares = shares.unwrap_or_else(|| "none, so distance and load would decide".to_owned());
    view! {
        <p class="held shares-waiting">
            {format!("A proposal about shares waits: {shares}, {by}. Until it is decided, no other is taken. ")}
            <A href=format!("/approvals/{proposal_id}")>"Decide about it first"</A>
        </p>
    }
    .into_any()
}

/// The requests a second that are expected, and the most that each cloud that may serve can take.
fn room_of(view: &FabricView) -> Option<(f64, Capacity)> {
    let report = view.capacity.as_ref()?;
    let may = |cloud: Cloud| {
        let one = view.clouds.get(cloud);
        !one.down && !one.held_out && !one.drained
    };
    Some((report.demand, report.capacity.map(|cloud, most| most.filter(|_| may(cloud)))))
}

fn told(shares: &FabricShares) -> AnyView {
    let FabricShares { wished, kept, over, rows, proposal_id, .. } = shares.clone();
    let by = proposal_id.map(|id| {
        view! { <A href=format!("/approvals/{id}")>"The decision"</A> }
    });
    match wished {
        None => view! {
            <p class="fabric-note">"None are in force: distance and load decide, as above. " {by}</p>
        }
        .into_any(),
        Some(wished) => {
            let now = match kept {
                Some(kept) if kept == wished => String::new(),
                Some(kept) => format!(" While not all of them may serve: {kept}."),
                None => " None of them may serve now, so distance and load decide.".to_owned(),
            };
            view! {
                <p class="shares-now"><strong>{wished}</strong></p>
                <p class="fabric-note">"As people decided. Each client’s network is dealt by them, and stays where it was dealt." {now} " " {by}</p>
                {table(rows)}
                {over.into_iter().map(warning).collect_view()}
            }
            .into_any()
        }
    }
}

/// What each cloud is to get, what it gets, and why that differs.
fn table(rows: Vec<ShareRow>) -> Option<AnyView> {
    let head = ["Cloud", "Is to get", "Gets now", "Why"].map(|text| Cell::from(text.to_owned()));
    let row = |row: ShareRow| {
        let ShareRow { cloud, wished, now, why, .. } = row;
        TableRow::Cells([cloud.to_string(), wished, now, why].map(Cell::from).to_vec())
    };
    (!rows.is_empty()).then(|| {
        let rows = rows.into_iter().map(row).collect();
        let label =
            "What each cloud is to get of the traffic by the shares in force, and what it gets";
        view! { <DataTable label=label.to_owned() head=head.to_vec() rows cards=true /> }.into_any()
    })
}

fn warning(sentence: String) -> impl IntoView {
    view! { <p class="fabric-note shares-over">{sentence}</p> }
}

/// As typed, in percent; what is no number yet counts as nothing. `None`: nothing is typed.
fn asked(typed: &PerCloud<String>) -> Option<PerCloud<f64>> {
    // By way of a decimal, since a browser then needs no tables to read any float.
    let percent = |text: &String| text.trim().parse::<Decimal>().ok().and_then(|it| it.to_f64());
    let share = |text: &String| percent(text).filter(|percent| *percent > 0.0);
    let shares = typed.map(|_, text| share(text).unwrap_or_default() / 100.0);
    shares.iter().any(|(_, share)| *share > 0.0).then_some(shares)
}

/// What to think of before they are proposed.
fn warnings(typed: &PerCloud<String>, room: Option<(f64, Capacity)>) -> Vec<String> {
    let Some((shares, (demand_per_s, capacity))) = asked(typed).zip(room) else {
        return Vec::new();
    };
    over(&shares, demand_per_s, &capacity).iter().map(|over| format!("{over}.")).collect()
}

#[component]
fn Propose(room: Memo<Option<(f64, Capacity)>>) -> impl IntoView {
    let before = typed_before("share");
    let typed = RwSignal::new(PerCloud::from_fn(|cloud| before.or(cloud.name(), "")));
    let field = |cloud: Cloud| {
        let write = move |event| {
            typed.update(|typed| *typed.get_mut(cloud) = event_target_value(&event));
        };
        let (name, text) = (cloud.name(), before.or(cloud.name(), ""));
        view! {
            <label class="field">
                <span>{format!("{cloud}, %")}</span>
                <input name=name value=text type="number" min="0" max="100" step="any" inputmode="decimal" on:input=write aria-invalid=before.invalid(name) aria-describedby=before.told_by(name, None) autofocus=before.is_wrong(name) />
            </label>
            {before.why(name)}
        }
    };
    let warned = move || {
        let warnings = typed.with(|typed| warnings(typed, room.get()));
        warnings.into_iter().map(warning).collect_view()
    };
    view! {
        <details class="pricing-more" open=before.is_there()>
            <summary class="button">"Propose shares…"</summary>
            <form class="act-form" method="post" action="/fabric/act">
                <input type="hidden" name="act" value="share" />
                <p class="muted">"They sum to 100. All empty: distance and load decide. Somebody else approves it."</p>
                <div class="pricing-fields">{Cloud::ALL.map(field).collect_view()}</div>
                <div aria-live="polite">{warned}</div>
                <ReasonField name="share" />
                <button class="button button-first" type="submit">"Propose it"</button>
            </form>
        </details>
    }
}

#[component]
fn TakeBack(version: u64) -> impl IntoView {
    view! {
        <details class="pricing-more" open=typed_before("unshare").is_there()>
            <summary class="button">"Take the last change back…"</summary>
            <form class="act-form" method="post" action="/fabric/act">
                <input type="hidden" name="act" value="unshare" />
                <input type="hidden" name="version" value=version.to_string() />
                <ReasonField name="unshare" />
                <button class="button button-danger" type="submit">"Take it back"</button>
            </form>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_ask_a_cloud_for_too_much_are_warned_of_while_they_are_typed() {
        let typed = |gcp: &str, aws: &str| PerCloud {
            gcp: gcp.to_owned(),
            aws: aws.to_owned(),
            azure: String::new(),
        };
        let room = Some((600.0, PerCloud::from_fn(|_| Some(400.0))));
        assert_eq!(warnings(&typed("50", "50"), room), [""; 0], "300 of 320");
        let [one] = &warnings(&typed("70", " 30 "), room)[..] else { panic!("one warning") };
        assert!(one.starts_with("gcp's share is 420 requests a second"));
        assert_eq!(warnings(&typed("70", "x"), None), [""; 0], "nobody has stated what they take");
        assert_eq!(warnings(&typed("", "-"), room), [""; 0], "nothing is typed");
    }
}
