//! Several proposals of low risk in one act: each with the version and hash that is agreed to, asked
//! once more; and afterwards what became of each.

use domain::access::Action;
use domain::pricing::book::TOGETHER_MAX;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use leptos_router::hooks::use_query_map;

use super::keys::on_keys;
use super::{news, words};
use crate::api;
use crate::backend::{TogetherRow, TogetherView};
use crate::browser;
use crate::components::hash::Hash;
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::format::counted;
use crate::live::Live;
use crate::shell::console::Here;

const CONFIRM: &str = "approve-together";
/// What the server says of one that was approved.
const APPROVED: &str = "approved";

/// What stands in the address of each: its id, and once it was tried what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picked {
    id: String,
    outcome: Option<String>,
}

impl Picked {
    fn read(text: &str) -> Self {
        match text.split_once('.') {
            Some((id, outcome)) => Picked { id: id.to_owned(), outcome: Some(outcome.to_owned()) },
            None => Picked { id: text.to_owned(), outcome: None },
        }
    }

    fn is_approved(&self) -> bool {
        self.outcome.as_deref() == Some(APPROVED)
    }
}

#[component]
pub(crate) fn TogetherPage() -> impl IntoView {
    let params = use_query_map();
    let picked = Memo::new(move |_| {
        let texts = params.read().get_all("pick").unwrap_or_default();
        texts.iter().map(|text| Picked::read(text)).collect::<Vec<_>>()
    });
    let ids = move || {
        let ids: Vec<String> = picked.read().iter().map(|one| one.id.clone()).collect();
        ids.join(",")
    };
    let page = api::ask(ids, api::together);
    let retry = Callback::new(move |()| page.refetch());
    let live = expect_context::<Live>();
    on_keys(confirm_by_key);
    view! {
        <Title text="Approve several" />
        <section class="pricing" aria-label="Approve several">
            <news::News live retry />
            <Refused words=words::refusal />
            <Transition fallback=|| view! { <Skeleton cards=1 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => view! { <Body view picked=picked.get() /> }.into_any(),
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

/// `a` goes to the button.
fn confirm_by_key(key: &str) -> bool {
    let is_mine = key == "a";
    if is_mine {
        browser::focus(CONFIRM);
    }
    is_mine
}

#[component]
fn Body(view: TogetherView, picked: Vec<Picked>) -> impl IntoView {
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::Approve);
    let done = picked.iter().any(|one| one.outcome.is_some());
    let ready = view.items.iter().filter(|item| item.refusal.is_none()).count();
    let ready = u64::try_from(ready).unwrap_or(u64::MAX);
    // The address says what was tried; what came of it, the ledger.
    let voted = |id: &str| view.items.iter().any(|item| item.id == id && item.voted);
    let approved = picked.iter().filter(|one| one.is_approved() && voted(&one.id)).count();
    let sentence = if view.items.is_empty() {
        "Nothing is picked.".to_owned()
    } else if done {
        format!("{approved} of {} were approved by you.", picked.len())
    } else {
        format!("{} can be approved by you at once.", counted(ready, "price", "prices"))
    };
    let outcome =
        |id: &str| picked.iter().find(|one| one.id == id).and_then(|one| one.outcome.clone());
    let rows = view.items.iter().map(|item| {
        let outcome = outcome(&item.id);
        view! { <Item item=item.clone() outcome /> }
    });
    let rows = rows.collect_view();
    let left = picked.len().saturating_sub(view.items.len());
    let left = (left > 0).then(|| {
        view! { <p class="held">{format!("At most {TOGETHER_MAX} are approved in one act, and {left} more were picked. Approve these first, then pick the others.")}</p> }
    });
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::Approve));
    let confirm = (!done && may && ready > 0).then(|| {
        view! { <button id=CONFIRM class="button button-first" type="submit">{format!("Approve {}", counted(ready, "price", "prices"))}</button> }
    });
    view! {
        <form class="card pricing-head" method="post" action="/approvals/together/act">
            <h2 class="pricing-big">{sentence}</h2>
            {left}
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
            <p class="muted">"Each is agreed to by its own version and hash, looked at once more, and answered by itself."</p>
            <ol class="together-list">{rows}</ol>
            <p class="pricing-acts">{confirm} <A href="/approvals" attr:class="button">"All approvals"</A></p>
        </form>
    }
    .into_any()
}

#[component]
fn Item(item: TogetherRow, outcome: Option<String>) -> impl IntoView {
    let TogetherRow { row, id, refusal, voted } = item;
    let Some(row) = row else {
        return view! { <li class="held">{format!("{id}: {}", refusal.unwrap_or_default())}</li> }
            .into_any();
    };
    let tried = outcome.is_some();
    let told = match outcome.as_deref() {
        Some(APPROVED) if voted => {
            view! { <p class="together-done">"You approved it."</p> }.into_any()
        }
        Some(APPROVED) => {
            view! { <p class="held">"No approval of yours is final here yet."</p> }.into_any()
        }
        Some(code) => view! { <p class="held">{words::refusal(code)}</p> }.into_any(),
        None => refusal.clone().map(|why| view! { <p class="held">{why}</p> }).into_any(),
    };
    let value = format!("{id}:{}:{}", row.version, row.hash);
    let unseen = (!row.is_looked_at()).then(|| view! { <words::NotLookedAt /> });
    let field = (!tried && refusal.is_none())
        .then(|| view! { <input type="hidden" name="item" value=value /> });
    view! {
        <li>
            <p><A href=format!("/approvals/{id}")>{row.about}</A> " " <strong>{row.title}</strong> " " <span class="mono">{row.change.unwrap_or_default()}</span> " " <words::StateBadge state=row.state /> " " {unseen}</p>
            <p class="muted">{row.reason}</p>
            <p class="muted">{format!("Version {}, ", row.version)} <Hash value=row.hash what="hash" /></p>
            {field}
            {told}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_what_is_picked_and_what_came_of_it() {
        let before = Picked { id: "0192".to_owned(), outcome: None };
        assert_eq!(Picked::read("0192"), before);
        let after = Picked { outcome: Some("four_eyes".to_owned()), ..before };
        assert_eq!(Picked::read("0192.four_eyes"), after);
    }
}
