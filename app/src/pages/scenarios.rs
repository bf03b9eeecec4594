//! Scenarios: what would be if costs, prices, usage, latency or routing were otherwise.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::api;
use crate::backend::{DeskView, ScenarioAddress, ScenariosView};
use crate::components::problem::{ProblemCard, Refused, Skeleton};
use crate::shell::WorkerAddress;

mod bars;
mod beside;
mod desk;
mod figures;
mod histogram;
mod latency;
mod levers;
mod presets;
mod provenance;
mod recorded;
mod saved;
mod tables;
mod tenant_prices;
mod words;
mod worker;

use desk::Desk;

#[component]
pub(crate) fn ScenariosPage() -> impl IntoView {
    let search = use_location().search;
    let page = api::ask(move || search.get(), api::scenarios);
    let retry = Callback::new(move |()| page.refetch());
    view! {
        <Title text="Scenarios" />
        <section class="scenarios" aria-label="What-if scenarios">
            <Refused words=saved::refusal />
            <Transition fallback=|| view! { <Skeleton cards=3 /> }>
                {move || Suspend::new(async move {
                    match page.await {
                        Ok(view) => {
                            let address = ScenarioAddress::read(&search.get_untracked());
                            view! { <Page view address /> }.into_any()
                        }
                        Err(problem) => view! { <ProblemCard problem retry /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Page(view: ScenariosView, address: ScenarioAddress) -> impl IntoView {
    let ScenariosView { desk, saved, opened, problems, .. } = view;
    let (open, with) = (opened.as_ref().map(|it| it.id.clone()), address.with.clone());
    let wrong = (!problems.is_empty()).then(|| {
        let items = problems.into_iter().map(|it| view! { <li>{it}</li> }).collect_view();
        view! { <ul class="form-error" role="alert">{items}</ul> }
    });
    let at_work = match desk {
        DeskView::Board(board) => {
            let desk = Desk::new(*board);
            let worker = use_context::<WorkerAddress>().map(|WorkerAddress(file)| file);
            view! {
                <saved::Acts saved=opened />
                <div class="desk" data-worker=worker>
                    <levers::LeverPanel />
                    <div class="desk-figures" aria-busy=move || (!desk.drawn.read().is_whole()).to_string()>
                        <figures::Figures />
                        <recorded::Recorded />
                        <histogram::MarginChart />
                        <div class="desk-two">
                            <bars::TornadoChart />
                            <tables::FallingTable />
                        </div>
                        <beside::Beside />
                        <bars::BridgeChart />
                        <tables::Groups />
                        <tables::Tenants />
                        <latency::Latencies />
                        <provenance::LeftOutCard />
                        <provenance::Provenance />
                    </div>
                </div>
            }
            .into_any()
        }
        DeskView::Nothing { title, detail } => view! {
            <section class="card empty">
                <h2>{title}</h2>
                <p>{detail}</p>
                <a class="button" href="/docs" rel="external">"How to send usage and prices"</a>
            </section>
        }
        .into_any(),
    };
    view! {
        {wrong}
        {at_work}
        <saved::SavedList saved open with />
    }
    .into_any()
}
