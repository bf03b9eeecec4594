//! Approve, reject, make another version: plain forms, so that they work without scripts.

use domain::access::Action;
use leptos::prelude::*;

use crate::backend::{ControlsForm, ProposalDetail};
use crate::components::decision::ReasonField;
use crate::components::kept::{TextField, typed};
use crate::shell::console::Here;

/// Places that keys lead to.
pub(super) const APPROVE: &str = "approve";
pub(super) const PASSWORD: &str = "approve-password";
pub(super) const REFRESH: &str = "refresh";
pub(super) const REJECT_REASON: &str = "reject-reason";
pub(super) const PRICE: &str = "modify-price";

/// Why nobody approves it.
const DRIFTED: &str = "What it rests on has changed, so nobody approves this version. Make a new version of it, or reject it.";

const UNSEEN: &str = "Whether what it rests on is still so cannot be looked at now, so nobody approves it; below stands why. It can be rejected.";

/// What every form says of the proposal that its sender looked at.
#[component]
fn Seen(act: &'static str, detail: ProposalDetail) -> impl IntoView {
    view! {
        <input type="hidden" name="act" value=act />
        <input type="hidden" name="proposal" value=detail.row.id />
        <input type="hidden" name="version" value=detail.row.version.to_string() />
        <input type="hidden" name="hash" value=detail.hash />
    }
}

/// What the viewer may do, and why not the rest: a button that leads to a refusal is no help.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(super) fn Decisions(detail: ProposalDetail) -> impl IntoView {
    let here = expect_context::<Here>();
    let rejects = here.viewer.may(Action::Approve);
    let drifted = detail.row.has_drifted();
    let unseen = detail.unseen.is_some();
    let approves = !drifted && !unseen && (detail.may_approve || !detail.in_stead_of.is_empty());
    let form = detail.form.clone().filter(|_| here.viewer.may(Action::Propose));
    let refreshes = drifted && form.is_some();
    let why_not = drifted.then(|| DRIFTED.to_owned()).into_iter();
    let why_not = why_not.chain(unseen.then(|| UNSEEN.to_owned()));
    let why_not = why_not.chain(detail.why_not.clone().filter(|_| !refreshes));
    let why_not = why_not.map(|why| view! { <p class="held">{why}</p> }).collect_view();
    let goes_on = detail.next.is_some();
    let keys = keys(&[
        (refreshes, "n goes to a new version"),
        (approves, "a goes to approve"),
        (rejects, "x to the reason of a rejection"),
        (form.is_some(), "m to another version"),
        (goes_on, "j to the next one that waits"),
    ]);
    view! {
        <section class="card acts" aria-labelledby="acts-title">
            <h2 id="acts-title" class="card-title">"Decide"</h2>
            {why_not}
            {refreshes.then(|| view! { <Refresh detail=detail.clone() /> })}
            {approves.then(|| view! { <Approve detail=detail.clone() /> })}
            {rejects.then(|| view! { <Reject detail=detail.clone() /> })}
            {form.map(|form| view! { <Modify detail=detail.clone() form /> })}
            {keys.map(|keys| view! { <p class="muted">{keys}</p> })}
        </section>
    }
}

/// Where single keys lead, of what is there.
fn keys(all: &[(bool, &str)]) -> Option<String> {
    let there: Vec<&str> = all.iter().filter(|(may, _)| *may).map(|(_, key)| *key).collect();
    (!there.is_empty()).then(|| format!("Keys: {}.", there.join(", ")))
}

/// The same change on the facts of now: what gets a proposal on whose facts have changed.
#[component]
fn Refresh(detail: ProposalDetail) -> impl IntoView {
    view! {
        <form class="act-form" method="post" action="/optimizer/act">
            <fieldset>
                <legend class="visually-hidden">"A new version"</legend>
                <Seen act="refresh" detail />
                {typed("refresh").named()}
                <p class="muted">"The same change, on the facts of now. The optimizer’s reason is made again from today’s figures; a person’s words are kept. It voids the approvals, and neither you nor whoever proposed it approves it."</p>
                <button id=REFRESH class="button button-first" type="submit">"Make a new version with today’s facts"</button>
            </fieldset>
        </form>
    }
}

#[component]
fn Approve(detail: ProposalDetail) -> impl IntoView {
    let is_extreme = detail.row.quorum.is_none_or(|persons| persons > 1);
    let (people, own) = (detail.in_stead_of.clone(), detail.may_approve);
    let label = format!("Approve version {}", detail.row.version);
    view! {
        <form class="act-form" method="post" action="/optimizer/act">
            <fieldset>
                <legend class="visually-hidden">"Approve"</legend>
                {typed(APPROVE).named()}
                <Seen act="approve" detail />
                <p class="muted">"It is carried out once enough people have approved this version, if its facts are still so."</p>
                <Whose people own />
                {is_extreme.then(|| view! { <Password /> })}
                <button id=APPROVE class="button button-first" type="submit">{label}</button>
            </fieldset>
        </form>
    }
}

#[component]
fn Reject(detail: ProposalDetail) -> impl IntoView {
    view! {
        <form class="act-form" method="post" action="/optimizer/act">
            <fieldset>
                <legend class="visually-hidden">"Reject"</legend>
                <Seen act="reject" detail />
                <ReasonField name="reject" />
                <button class="button button-danger" type="submit">"Reject for good"</button>
            </fieldset>
        </form>
    }
}

/// In whose name, where somebody who is away has the viewer approve.
#[component]
fn Whose(people: Vec<String>, own: bool) -> impl IntoView {
    if people.is_empty() {
        return ().into_any();
    }
    let typed = typed(APPROVE);
    let person = typed.or("person", "");
    let options = people
        .into_iter()
        .map(|login| {
            let selected = login == person;
            view! { <option value=login.clone() selected=selected>{format!("For {login}, who is away")}</option> }
        })
        .collect_view();
    view! {
        <label class="field" for="approve-person">
            <span>"Whose vote it is"</span>
            <select id="approve-person" name="person">
                {own.then(|| view! { <option value="">"Your own"</option> })}
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// A browser that was left open approves nothing that two must agree to. It is never shown again.
#[component]
fn Password() -> impl IntoView {
    let typed = typed(APPROVE);
    view! {
        <label class="field" for=PASSWORD>
            <span>"Your password, since two must agree to this"</span>
            <input id=PASSWORD name="password" type="password" required autocomplete="current-password" aria-invalid=typed.invalid("password") aria-describedby=typed.told_by("password", None) autofocus=typed.is_wrong("password") />
        </label>
        {typed.why("password")}
    }
}

#[component]
fn Modify(detail: ProposalDetail, form: ControlsForm) -> impl IntoView {
    view! {
        <form class="act-form" method="post" action="/optimizer/act">
            <fieldset>
                <legend>"Another version"</legend>
                <Seen act="modify" detail />
                <p class="muted">"It voids the approvals, rests on the facts of now, and you do not approve it."</p>
                <ControlFields name="modify" form />
                <ReasonField name="modify" />
                <button class="button" type="submit">"Make another version"</button>
            </fieldset>
        </form>
    }
}

/// What can be controlled of a tenant. `name`: of the form.
#[component]
pub(crate) fn ControlFields(name: &'static str, form: ControlsForm) -> impl IntoView {
    let typed = typed(name);
    let field = |part: &'static str, label: &'static str, value: String| {
        // Shares of the list have a point, counts have none.
        let (mode, length) = match part {
            "price" | "overage" => ("decimal", 12),
            "concurrency" => ("numeric", 8),
            _ => ("numeric", 16),
        };
        let typed = typed.clone();
        view! { <TextField typed name=part label value mode=mode length=length /> }.into_any()
    };
    let fields = [
        field("price", "Price, % of list", form.price),
        field("overage", "Overage, % of list", form.overage),
        field("concurrency", "Requests at once", form.concurrency),
        field("cap", "Tokens a month", form.token_cap),
    ];
    view! { <div class="pricing-fields">{fields.into_iter().collect_view()}</div> }
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn only_keys_of_what_is_there_are_named() {
        assert_eq!(keys(&[(false, "a goes to approve")]), None);
        let told = keys(&[
            (true, "a goes to approve"),
            (false, "x to the reason of a rejection"),
            (true, "m to another version"),
        ]);
        assert_eq!(told.as_deref(), Some("Keys: a goes to approve, m to another version."));
    }
}
