//! Bounds of a price: what the guardrails did with the one that was aimed at, on every page alike, and
//! how the one that is proposed stands to each of them.

use leptos::prelude::*;

use crate::backend::{BoundRow, GuardMove, GuardTrail};

/// From what was aimed at to what came of it, a row for each rule that moved it.
#[component]
pub(crate) fn Guardrails(trail: GuardTrail) -> impl IntoView {
    let GuardTrail { aim, moves, outcome } = trail;
    let rows = moves
        .into_iter()
        .map(|GuardMove { rule, came, left, binds }| {
            let mark = binds.then_some(" · binds");
            view! {
                <tr>
                    <th scope="row">{rule} {mark}</th>
                    <td class="number" data-label="Came in">{came}</td>
                    <td class="number" data-label="Went out">{left}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let table = (!rows.is_empty()).then(|| {
        view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label="Rules that moved the price">
                <table class="pricing-facts">
                    <thead><tr><th scope="col">"Rule"</th><th scope="col" class="number">"Came in"</th><th scope="col" class="number">"Went out"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <p>{aim}</p>
        {table}
        <p><strong>{outcome}</strong></p>
    }
    .into_any()
}

/// How a price stands to each bound, whoever proposed it. `persons`: who must agree, by the size of the
/// change. `outdated`: the facts that it was measured with have changed since.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(crate) fn Bounds(
    rows: Vec<BoundRow>,
    persons: String,
    rule: Option<String>,
    #[prop(optional)] outdated: bool,
) -> impl IntoView {
    if rows.is_empty() {
        return ().into_any();
    }
    let beyond = rows.iter().filter(|row| row.beyond).count();
    let it_is = if outdated { "When it was proposed it was" } else { "It is" };
    let sentence = match beyond {
        0 => format!("{it_is} within every bound of the policy that is known."),
        1 => format!("{it_is} beyond 1 bound of the policy."),
        many => format!("{it_is} beyond {many} bounds of the policy."),
    };
    let since = outdated.then_some("Its facts have changed since: a new version is measured anew.");
    let rule =
        rule.map(|rule| format!("The rule “{rule}” of the policy holds. ")).unwrap_or_default();
    let rows = rows.into_iter().map(|BoundRow { rule, numbers, verdict, beyond }| {
        view! {
            <tr data-changed=beyond.to_string()>
                <th scope="row">{rule}</th>
                <td data-label="This price">{numbers}</td>
                <td data-label="So">{verdict}</td>
            </tr>
        }
    });
    let rows = rows.collect::<Vec<_>>();
    view! {
        <section class="card pricing-part" aria-labelledby="bounds-title">
            <h2 id="bounds-title" class="card-title">"How it stands to the policy"</h2>
            <p class:held={beyond > 0 || outdated}>{sentence} {since}</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Bounds of the policy, and this price">
                <table class="pricing-facts">
                    <thead><tr><th scope="col">"Bound"</th><th scope="col">"This price"</th><th scope="col">"So"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="muted">{format!("{rule}Nothing beyond a bound applies by itself. How many must agree goes by the size of the change: {persons}.")}</p>
        </section>
    }
    .into_any()
}
