//! The queue: filters that stand in the address, a table with what each proposal would do, and a box
//! beside each that can be approved together with others.

use domain::access::Action;
use domain::clock::Timestamp;
use domain::pricing::book::{Risk, Standing, TOGETHER_MAX};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;

use super::words;
use crate::backend::{ApprovalsQuery, EffectRow, ProposalRow};
use crate::browser;
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::pages::ledger::filters::{ChoiceFilter, TextFilter};
use crate::query::with_query;
use crate::shell::console::Here;

/// The page that asks once more.
pub(super) const TOGETHER: &str = "/approvals/together";
const GO_ON: &str = "approve-picked";
/// In the address: those whose facts have changed, and the others.
const CHANGED: &str = "changed";
const AS_PROPOSED: &str = "same";
const FACTS: [(&str, &str); 2] = [(CHANGED, "Changed since"), (AS_PROPOSED, "As proposed")];

impl ApprovalsQuery {
    pub(super) fn from_url(params: &ParamsMap) -> Self {
        let text = |name: &str| {
            params.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        ApprovalsQuery {
            class: text("class").and_then(|name| Risk::from_name(&name)),
            changed: text("facts").and_then(|name| match name.as_str() {
                CHANGED => Some(true),
                AS_PROPOSED => Some(false),
                _ => None,
            }),
            q: text("q"),
        }
    }

    fn is_filtered(&self) -> bool {
        self.class.is_some() || self.changed.is_some() || self.q.is_some()
    }
}

#[component]
pub(super) fn Filters(query: Memo<ApprovalsQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let class = Signal::derive(move || {
        query.read().class.map(|class| class.name().to_owned()).unwrap_or_default()
    });
    let facts = Signal::derive(move || {
        let name = query.read().changed.map(|is| if is { CHANGED } else { AS_PROPOSED });
        name.unwrap_or_default().to_owned()
    });
    let q = Signal::derive(move || query.read().q.clone().unwrap_or_default());
    let options = Risk::ALL.map(|risk| (risk.name(), words::risk(risk))).to_vec();
    view! {
        <form class="filters" method="get" action="/approvals" role="search" aria-label="Filter the queue" on:submit=submit>
            <ChoiceFilter name="class" label="Risk" options value=class />
            <ChoiceFilter name="facts" label="Facts" options=FACTS.to_vec() value=facts />
            <TextFilter name="q" label="Tenant, person or reason" value=q />
            <div class="filter-acts">
                <button class="button button-first" type="submit">"Filter"</button>
                <Show when=move || query.read().is_filtered()>
                    <A href="/approvals" attr:class="button">"Clear"</A>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

/// `x` picks the row that has the focus, `b` goes on with those that are picked.
pub(super) fn pick_by_key(key: &str) -> bool {
    match key {
        "x" => browser::pick_row(),
        "b" => browser::press(GO_ON),
        _ => return false,
    }
    true
}

/// `stands_in`: somebody who is away has the viewer approve now.
#[component]
pub(super) fn Waiting(rows: Vec<ProposalRow>, at: Timestamp, stands_in: bool) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="muted">"Nothing of what waits is so. Clear the filter to see all."</p> }
            .into_any();
    }
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Approve);
    let low: Vec<(&str, String)> =
        rows.iter().filter(|row| is_pickable(row)).map(|row| ("pick", row.id.clone())).collect();
    let count = low.len();
    let drifted = rows.iter().filter(|row| row.has_drifted()).count();
    let drifted =
        (may && drifted > 0).then(|| view! { <p class="held">{drifted_words(drifted)}</p> });
    let unseen = rows.iter().filter(|row| row.risk == Risk::Low && !row.is_looked_at()).count();
    let unseen =
        (may && unseen > 0).then(|| view! { <p class="held">{unpicked_words(unseen)}</p> });
    let all = with_query(TOGETHER, &low[..count.min(TOGETHER_MAX)]);
    let acts = (may && count > 0).then(|| {
        view! {
            <p class="pricing-acts">
                <button id=GO_ON class="button" type="submit">"Approve those that are picked…"</button>
                <A href=all attr:class="button">{all_words(count)}</A>
            </p>
        }
    });
    let why_not = (!may).then(|| {
        let why = if stands_in {
            "Open one to approve it for whoever is away; a delegate approves each by itself."
                .to_owned()
        } else {
            here.viewer.role.refusal(Action::Approve)
        };
        view! { <p class="muted">{why}</p> }
    });
    let navigate = use_navigate();
    let submit = move |event: web_sys::SubmitEvent| {
        if let Some(url) = browser::form_url(&event) {
            event.prevent_default();
            navigate(&url, NavigateOptions::default());
        }
    };
    let rows = rows.into_iter().map(|row| view! { <Row row at may /> }).collect_view().into_any();
    view! {
        <form method="get" action=TOGETHER on:submit=submit aria-label="Approve several">
            <Table label="Proposals that wait" rows />
            {drifted}
            {unseen}
            {acts}
            {why_not}
        </form>
    }
    .into_any()
}

#[component]
pub(super) fn Decided(rows: Vec<ProposalRow>, at: Timestamp) -> impl IntoView {
    let rows =
        rows.into_iter().map(|row| view! { <Row row at may=false /> }).collect_view().into_any();
    view! { <Table label="Proposals that were decided" rows /> }
}

/// What the link to all of them says: not more than it leads to.
fn all_words(count: usize) -> String {
    if count > TOGETHER_MAX {
        format!("Approve the first {TOGETHER_MAX} of {count} of low risk…")
    } else {
        format!("Approve all {count} of low risk…")
    }
}

/// Why some of them cannot be picked.
fn drifted_words(count: usize) -> String {
    if count == 1 {
        return "The facts under 1 proposal have changed, so it is not approved as it stands: open it, and make a new version."
            .to_owned();
    }
    format!(
        "The facts under {count} proposals have changed, so they are not approved as they stand: open each, and make a new version."
    )
}

/// Why some others cannot be picked.
fn unpicked_words(count: usize) -> String {
    let (whose, it) = if count == 1 {
        ("1 proposal".to_owned(), "it is")
    } else {
        (format!("{count} proposals"), "they are")
    };
    format!(
        "The facts under {whose} of low risk were not looked at, so {it} not picked here: open each, which looks again."
    )
}

/// That it is not known of some whether they have changed; they stand under neither filter of facts.
pub(super) fn unseen_words(count: u64) -> Option<String> {
    if count == 0 {
        return None;
    }
    let under = counted(count, "proposal", "proposals");
    let they_are = if count == 1 { "It is" } else { "They are" };
    Some(format!(
        "Whether the facts under {under} have changed was not looked at: too many wait, or the tenant’s usage \
         is too much to read. {they_are} neither “Changed since” nor “As proposed”; approving looks again."
    ))
}

/// Is it late, and when it is due. What was decided in time is never late.
fn due(state: Standing, at: Timestamp, expires_at: Timestamp) -> (bool, String) {
    if state == Standing::Expired || (state.is_open() && at >= expires_at) {
        (true, "overdue".to_owned())
    } else if state.is_open() {
        (false, format!("in {}", words::span(at, expires_at)))
    } else {
        (false, String::new())
    }
}

fn is_pickable(row: &ProposalRow) -> bool {
    row.risk == Risk::Low
        && row.state == Standing::Pending
        && row.is_looked_at()
        && !row.has_drifted()
}

#[component]
fn Table(label: &'static str, rows: AnyView) -> impl IntoView {
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="events pricing-table proposal-table">
                <thead>
                    <tr>
                        <th scope="col">"About"</th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="number">"Change"</th>
                        <th scope="col" class="number">"Margin P50"</th>
                        <th scope="col" class="number">"Below the floor" <span class="cell-about">"recorded penalties"</span></th>
                        <th scope="col" class="number">"Bill, 30 days"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"Approvals"</th>
                        <th scope="col">"Due"</th>
                        <th scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: ProposalRow, at: Timestamp, may: bool) -> impl IntoView {
    let pick = (may && is_pickable(&row)).then(|| {
        let label = format!("Pick the proposal about {}: {}", row.about, row.title);
        view! { <label class="pick"><input type="checkbox" name="pick" value=row.id.clone() aria-label=label /></label> }
    });
    let href = format!("/approvals/{}", row.id);
    let age = row.state.is_open().then(|| format!("{} old", words::span(row.opened_at, at)));
    let (overdue, due) = due(row.state, at, row.expires_at);
    let is_drifted = row.has_drifted();
    let unseen = (!row.is_looked_at()).then(|| view! { <words::NotLookedAt /> });
    let EffectRow { margin, below_floor, bill } = row.effect.unwrap_or_default();
    let quorum = words::quorum(row.approvals, row.quorum);
    let changed = row.changed.unwrap_or_default();
    let drift = is_drifted.then(|| view! { <words::Drifted changed /> });
    view! {
        <tr data-risk=row.risk.name() data-drifted=is_drifted.to_string()>
            <td class="cell-event pricing-first">{pick} <A href=href><span class="row-link">{row.about}</span></A></td>
            <td data-label="What" class="pricing-wrap">{row.title} <span class="cell-about">{row.reason}</span></td>
            <td data-label="Change" class="number mono">{row.change.unwrap_or_default()}</td>
            <td data-label="Margin P50" class="number mono">{words::from_to(&margin)}</td>
            <td data-label="Below the floor, recorded penalties" class="number mono">{words::from_to(&below_floor)}</td>
            <td data-label="Bill, 30 days" class="number mono">{bill.unwrap_or_default()}</td>
            <td data-label="From">{row.requester} <span class="cell-about">{age}</span></td>
            <td data-label="Approvals"><span class="mono">{quorum}</span> <span class="cell-about">{words::risk(row.risk)}</span></td>
            <td data-label="Due" class:pricing-late=overdue><Time at=row.expires_at shape=TimeShape::Day /> <span class="cell-about">{due}</span></td>
            <td data-label="State"><words::StateBadge state=row.state /> {drift} {unseen}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_expired_or_is_open_past_its_time_is_overdue() {
        let at = |ms| Timestamp::from_unix_ms(ms);
        let is_late = |state| due(state, at(10), at(5)).0;
        let late = [Standing::Expired, Standing::Pending, Standing::Approved];
        assert!(late.into_iter().all(is_late));
        let decided =
            [Standing::Applied, Standing::Rejected, Standing::Stale, Standing::Superseded];
        assert!(!decided.into_iter().any(is_late));
        assert_eq!(due(Standing::Applied, at(10), at(5)), (false, String::new()));
        assert_eq!(due(Standing::Pending, at(0), at(7_200_000)), (false, "in 2 h".to_owned()));
    }

    #[test]
    fn what_cannot_be_picked_is_counted() {
        let one = "The facts under 1 proposal have changed, so it is not approved as it stands: open it, and \
                   make a new version.";
        assert_eq!(drifted_words(1), one);
        assert!(
            drifted_words(2)
                .starts_with("The facts under 2 proposals have changed, so they are not")
        );
    }

    #[test]
    fn what_nobody_looked_at_is_not_picked_and_that_is_said() {
        let row = ProposalRow {
            id: "0192".to_owned(),
            about: "acme".to_owned(),
            title: String::new(),
            change: None,
            risk: Risk::Low,
            hash: String::new(),
            effect: None,
            reason: String::new(),
            requester: "ann".to_owned(),
            opened_at: Timestamp::from_unix_ms(0),
            expires_at: Timestamp::from_unix_ms(1),
            approvals: 0,
            quorum: Some(1),
            state: Standing::Pending,
            changed: Some(Vec::new()),
            version: 1,
        };
        assert!(is_pickable(&row));
        assert!(!is_pickable(&ProposalRow { changed: None, ..row }));
        assert!(unpicked_words(1).contains("1 proposal of low risk were not looked at, so it is"));
        assert!(
            unpicked_words(3).contains("3 proposals of low risk were not looked at, so they are")
        );
    }

    #[test]
    fn what_nobody_looked_at_is_told_and_filed_under_no_filter() {
        assert_eq!(unseen_words(0), None);
        let one = unseen_words(1).expect("a sentence");
        assert!(
            one.starts_with("Whether the facts under 1 proposal have changed was not"),
            "{one}"
        );
        let two = unseen_words(2).expect("a sentence");
        assert!(two.contains("They are neither “Changed since” nor “As proposed”"), "{two}");
    }

    #[test]
    fn the_link_says_how_many_it_leads_to() {
        assert_eq!(all_words(TOGETHER_MAX), "Approve all 50 of low risk…");
        assert_eq!(all_words(61), "Approve the first 50 of 61 of low risk…");
    }
}
