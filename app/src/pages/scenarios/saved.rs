//! Scenarios that are kept: the list, keeping one, and making one a proposal. Two dialogs with plain
//! forms; without scripts a button leads to this page with its dialog open. Links within the page
//! load it anew: the router does not know of addresses that levers wrote.

use domain::access::Action;
use domain::economics::scenario::Scenario;
use domain::economics::study::NAME_CHARS_MAX;
use leptos::html;
use leptos::prelude::*;
use leptos_router::components::A;

use super::desk::Desk;
use super::words::{lever_percent, summary};
use crate::backend::{LeverKind, SavedRow, ScenarioAddress};
use crate::browser;
use crate::components::decision::ReasonField;
use crate::components::dialog::{Dialog, Leave, is_asked, open_named};
use crate::components::icon::Icon;
use crate::components::kept::{TextField, typed};
use crate::format::counted;
use crate::shell::console::Here;

const SAVE: &str = "save";
const PROMOTE: &str = "promote";
const NOTES_CHARS_MAX: u32 = 4_000;

/// Why nothing came of a form.
pub(super) fn refusal(code: &str) -> &'static str {
    match code {
        "name" => "Nothing was kept: a name must be 1 to 200 printable characters.",
        "notes" => "Nothing was kept: notes must be at most 4,000 characters of text.",
        "search" => {
            "Nothing was kept: what the levers and settings ask has no answer. Correct them first."
        }
        "reason" => "Nothing was recorded: the reason must be 1 to 500 printable characters.",
        "standing" => {
            "Nothing was kept: ten scenarios are asked on schedule already, and no more are. Take the mark off one of them first, or keep this one without it."
        }
        "version" => {
            "Nothing was recorded: somebody has kept a newer version meanwhile. Open it, and look at it first."
        }
        "promotion" => {
            "It is recorded, and not all of it could be proposed: something of it is open already, is so already, or is out of bounds. See Approvals."
        }
        "routingWeights" => {
            "Nothing was recorded: a proposal needs a change of price, or shares of traffic for gcp, aws and azure that sum to 100."
        }
        "tenantPriceChanges" => {
            "Nothing was recorded: the scenario moves the price of a tenant that is not active any more. Keep a version without it."
        }
        "busy" => "Nothing was recorded: this cloud has too much to do. Try again.",
        _ => "Nothing was recorded. Try again, or see the log of this cloud.",
    }
}

/// Save, promote, share, take along.
#[component]
pub(super) fn Acts(saved: Option<SavedRow>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let here = expect_context::<Here>();
    let may = here.viewer.may(Action::EditScenarios);
    let refusal = (!may).then(|| here.viewer.role.refusal(Action::EditScenarios));
    let link = move |act: &str| format!("/scenarios?{}&act={act}", desk.search());
    let copied = RwSignal::new(false);
    let share = move |_| {
        browser::rewrite_address(&desk.address_now());
        leptos::task::spawn_local(async move {
            copied.set(browser::copy(&browser::address()).await);
        });
    };
    let title = saved.as_ref().map(|it| format!("{} (version {})", it.name, it.version));
    let was = saved.as_ref().map(|it| it.changes.clone());
    let changes = move || {
        let levers = desk.levers.read();
        let moved = was.as_ref().is_some_and(|was| *was != *levers);
        let note = if moved { ", and not what was kept" } else { "" };
        format!("{}{note}.", summary(&levers))
    };
    let export =
        move |format: &str| format!("/v1/economics/export?format={format}&{}", desk.search());
    view! {
        <header class="card desk-head">
            <p class="desk-name">{title.unwrap_or_else(|| "A scenario that is not kept".to_owned())}</p>
            <p class="desk-changes">{changes}</p>
            <div class="desk-acts">
                {may.then(|| view! {
                    <a class="button" href=move || link(SAVE) rel="external" on:click=move |event| open_named(&event, SAVE)>"Keep…"</a>
                })}
                {(may && saved.is_some()).then(|| view! {
                    <a class="button button-first" href=move || link(PROMOTE) rel="external" on:click=move |event| open_named(&event, PROMOTE)>"Promote…"</a>
                })}
                <button class="button" type="button" on:click=share>
                    {Icon::Copy.view()} {move || if copied.get() { "Address copied" } else { "Share" }}
                </button>
                <button class="button" type="button" on:click=|_| browser::print()>"Print"</button>
                <span class="exports">
                    {Icon::Download.view()}
                    <a href=move || export("csv") rel="external" download>"CSV"</a>
                    <a href=move || export("json") rel="external" download>"JSON"</a>
                </span>
            </div>
            {refusal.map(|why| view! { <p class="held">{why}</p> })}
        </header>
        {may.then(|| view! { <Save saved=saved.clone() /> })}
        {saved.filter(|_| may).map(|saved| view! { <Promote saved /> })}
    }
    .into_any()
}

#[component]
fn Save(saved: Option<SavedRow>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let node = NodeRef::<html::Dialog>::new();
    let (name, notes, standing) = saved
        .as_ref()
        .map(|it| (it.name.clone(), it.notes.clone(), it.standing))
        .unwrap_or_default();
    let typed = typed(SAVE);
    let standing = typed.ticked("standing", "on", standing);
    let notes = typed.or("notes", notes);
    let (as_own, as_version) =
        (typed.ticked("as", "new", false), typed.ticked("as", "version", true));
    let over = saved.map(|it| {
        let label = format!("As version {} of “{}”", it.version + 1, it.name);
        view! {
            <input type="hidden" name="id" value=it.id />
            <input type="hidden" name="version" value=it.version.to_string() />
            <fieldset class="choices">
                <label><input type="radio" name="as" value="version" checked=as_version /> {label}</label>
                <label><input type="radio" name="as" value="new" checked=as_own /> "As a scenario of its own"</label>
            </fieldset>
        }
    });
    view! {
        <Dialog node id=SAVE title=Signal::stored("Keep this scenario".to_owned()) open={is_asked(SAVE) || typed.is_there()}>
            <p>"The levers, the window of usage, the floor, seed and draws are kept as they stand, with your name. It is an event of the ledger. A window without an end goes on growing: its figures move with it."</p>
            <form class="act-form" method="post" action="/scenarios/act">
                {typed.named()}
                <input type="hidden" name="act" value=SAVE />
                <input type="hidden" name="search" value=move || desk.search() />
                {over}
                <TextField typed=typed.clone() name="name" label="Name" value=name length=NAME_CHARS_MAX required=true />
                <label class="field" for="save-notes"><span>"Notes"</span>
                    <textarea id="save-notes" name="notes" rows="4" maxlength=NOTES_CHARS_MAX aria-invalid=typed.invalid("notes") aria-describedby=typed.told_by("notes", None) autofocus=typed.is_wrong("notes")>{notes}</textarea>
                </label>
                {typed.why("notes")}
                <label class="choice">
                    <input type="checkbox" name="standing" value="on" checked=standing aria-invalid=typed.invalid("standing") aria-describedby=typed.told_by("standing", None) autofocus=typed.is_wrong("standing") />
                    <span>"Ask it on schedule: the foresight loop draws it over fresh usage, and proposes what would meet it"</span>
                </label>
                {typed.why("standing")}
                <Leave node back=desk.address_now() />
                <button class="button button-first" type="submit">"Keep it"</button>
            </form>
        </Dialog>
    }
}

#[component]
fn Promote(saved: SavedRow) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let node = NodeRef::<html::Dialog>::new();
    let kept = saved.changes.clone();
    let moved = move || {
        let moved = *desk.levers.read() != kept;
        moved.then(|| {
            view! { <p class="held">"The levers have moved since it was kept. Where they stand now is not proposed: keep that first."</p> }
        })
    };
    let typed = typed(PROMOTE);
    let weight = |cloud: &'static str| {
        let id = format!("promote-{cloud}");
        let share = typed.or(cloud, "");
        view! {
            <label class="field" for=id.clone()><span>{cloud} ", %"</span>
                <input id=id.clone() name=cloud value=share type="number" min="0" max="100" step="any" inputmode="decimal" aria-invalid=typed.invalid(cloud) aria-describedby=typed.told_by(cloud, None) autofocus=typed.is_wrong(cloud) />
            </label>
            {typed.why(cloud)}
        }
    };
    let (title, prices) = (format!("Make “{}” a proposal", saved.name), prices(&saved.changes));
    let weights = ["gcp", "aws", "azure"].map(weight);
    view! {
        <Dialog node id=PROMOTE title=Signal::stored(title) open={is_asked(PROMOTE) || typed.is_there()}>
            <p>"Each tenant whose price would move, and the traffic, becomes a proposal of its own; somebody else approves it. What was kept is proposed."</p>
            <p>{prices}</p>
            {moved}
            <form class="act-form" method="post" action="/scenarios/act">
                <input type="hidden" name="act" value=PROMOTE />
                <input type="hidden" name="id" value=saved.id.clone() />
                <input type="hidden" name="version" value=saved.version.to_string() />
                <input type="hidden" name="search" value=move || desk.search() />
                <fieldset class="promote-weights">
                    <legend>"Shares of the traffic. Left empty, routing stays."</legend>
                    {weights.into_iter().collect_view()}
                </fieldset>
                <ReasonField name=PROMOTE />
                <Leave node back=desk.address_now() />
                <button class="button button-first" type="submit">"Propose it"</button>
            </form>
        </Dialog>
    }
}

/// The prices that a kept scenario changes.
fn prices(of: &Scenario) -> String {
    let of_tiers = LeverKind::Price.percents(of).into_iter();
    let of_tiers = of_tiers.map(|(tier, percent)| format!("{tier} {}", lever_percent(percent)));
    let of_tenants = LeverKind::TenantPrice.percents(of).into_iter();
    let of_tenants = of_tenants
        .map(|(tenant, percent)| format!("the tenant {tenant} {}", lever_percent(percent)));
    let prices: Vec<_> = of_tiers.chain(of_tenants).collect();
    if prices.is_empty() {
        return "No price changes.".to_owned();
    }
    format!("Price changes: {}.", prices.join(", "))
}

/// What is kept. `open`: the one under the levers; `with`: those it is compared with.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(super) fn SavedList(
    saved: Vec<SavedRow>,
    open: Option<String>,
    with: Vec<String>,
) -> impl IntoView {
    if saved.is_empty() {
        return view! {
            <section class="card" aria-labelledby="saved-title">
                <h2 class="card-title" id="saved-title">"Kept scenarios"</h2>
                <p class="muted">"None yet. Move levers, then press Keep: everybody sees it then, and it can be compared and promoted."</p>
            </section>
        }
        .into_any();
    }
    let desk = use_context::<Desk>();
    let title = counted(saved.len() as u64, "kept scenario", "kept scenarios");
    let rows = saved
        .into_iter()
        .map(|row| {
            let is_open = open.as_ref() == Some(&row.id);
            let beside = with.contains(&row.id);
            let href = format!("/scenarios?open={}", row.id);
            let full = desk.is_some_and(|desk| desk.address.with_value(ScenarioAddress::is_full));
            let compare = desk.filter(|_| !is_open && (beside || !full)).map(|desk| {
                let id = row.id.clone();
                let to = move || {
                    let address = desk.address.with_value(|address| {
                        let mut address = address.clone();
                        address.with.retain(|it| *it != id);
                        if !beside {
                            address.with.push(id.clone());
                        }
                        address.write(&desk.levers.read())
                    });
                    format!("/scenarios?{address}")
                };
                let text = if beside { "Take away" } else { "Compare" };
                view! { <a class="button" href=to rel="external">{text}</a> }
            });
            let by = row.author.clone().map(|by| format!(" by {by}")).unwrap_or_default();
            let promoted = row.promoted.clone().map(|(reason, event)| {
                view! { <p class="saved-promoted"><A href=format!("/ledger/{event}")>"Proposed"</A> ": " {reason} " What came of it stands in " <A href="/approvals">"Approvals"</A> "."</p> }
            });
            view! {
                <li class="saved-row" aria-current=is_open.then_some("true")>
                    <p class="saved-name"><a href=href rel="external">{row.name}</a></p>
                    <p class="muted">{summary(&row.changes)}</p>
                    <p class="muted">
                        <A href=format!("/ledger/{}", row.event_id)>{format!("Version {}", row.version)}</A> {by}
                        {row.standing.then_some("; asked on schedule")}
                    </p>
                    {(!row.notes.is_empty()).then(|| view! { <p>{row.notes.clone()}</p> })}
                    {promoted}
                    {compare}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="saved-title">
            <h2 class="card-title" id="saved-title">{title}</h2>
            <ul class="saved">{rows}</ul>
        </section>
    }
    .into_any()
}
