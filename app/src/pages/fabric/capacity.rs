//! Capacity: who would take how much at the busiest, as things stand and without each cloud, and what
//! would find no place.

use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::{CapacityPlan, CapacityReport, FabricView};
use crate::components::table::{Cell, DataTable, TableRow};
use crate::format::count;

#[component]
pub(super) fn Capacity(state: RwSignal<FabricView>) -> impl IntoView {
    let report = Memo::new(move |_| state.read().capacity.clone());
    view! {
        <section class="card fabric-capacity" aria-labelledby="capacity-title">
            <header class="card-head"><h2 id="capacity-title" class="card-title">"Capacity, and what would find no place"</h2></header>
            {move || report.get().map_or_else(nothing, |report| shown(&report))}
        </section>
    }
}

fn nothing() -> AnyView {
    view! {
        <p class="fabric-note">
            "Neither what is expected nor what the clouds can take is configured. With "
            <code>"fabric.demand"</code> " and " <code>"fabric.<cloud>.capacity"</code>
            " this says who would take how much, and what the loss of a cloud would leave without a place."
        </p>
    }
    .into_any()
}

/// Requests a second, whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, not negative"
)]
fn whole(per_s: f64) -> String {
    count(per_s.max(0.0).round() as u64)
}

fn shed(plan: &CapacityPlan) -> f64 {
    plan.shed.iter().map(|(_, per_s)| per_s).sum()
}

fn shown(report: &CapacityReport) -> AnyView {
    let head = std::iter::once(Cell::from("Requests a second".to_owned()))
        .chain(Cloud::ALL.map(|cloud| {
            let most = report.capacity.get(cloud).map(|most| format!("can take {}", whole(most)));
            Cell::from(cloud.to_string()).about(most.unwrap_or_else(|| "not stated".to_owned()))
        }))
        .chain([Cell::from("No place for".to_owned())]);
    let rows = report.plans.iter().map(|plan| TableRow::Cells(row(plan)));
    view! {
        <p class="sentence">{sentence(report)}</p>
        <DataTable label="Requests a second by cloud".to_owned() head=head.collect() rows=rows.collect() />
        <p class="muted fabric-note">"By round trip, with no cloud fuller than 80 % while another has room. Answers follow it: where the cloud that serves a region cannot take all of it, the rest of its networks is dealt to the next by round trip."</p>
    }
    .into_any()
}

fn row(plan: &CapacityPlan) -> Vec<Cell> {
    let name = plan.without.map_or_else(
        || Cell::from("As things stand".to_owned()),
        |cloud| Cell::from(format!("Without {cloud}")),
    );
    let takes = |cloud| {
        if plan.without == Some(cloud) {
            return Cell::from("–".to_owned()).quiet();
        }
        Cell::from(whole(*plan.takes.get(cloud)))
    };
    let lost = shed(plan);
    let regions: Vec<&str> = plan.shed.iter().map(|(region, _)| region.as_str()).collect();
    let nowhere = if regions.is_empty() {
        Cell::from("0".to_owned()).quiet()
    } else {
        Cell::from(whole(lost)).about(regions.join(", "))
    };
    std::iter::once(name).chain(Cloud::ALL.map(takes)).chain([nowhere]).collect()
}

fn sentence(report: &CapacityReport) -> String {
    let expected = whole(report.demand);
    let worst = report.plans.iter().filter(|plan| plan.without.is_some());
    let worst = worst.max_by(|one, other| shed(one).total_cmp(&shed(other)));
    let now = report.plans.iter().find(|plan| plan.without.is_none()).map_or(0.0, shed);
    let begin = format!("At the busiest, {expected} requests a second are expected.");
    match worst {
        _ if now > 0.0 => format!("{begin} As things stand, {} of them find no place.", whole(now)),
        Some(plan) if shed(plan) > 0.0 => format!(
            "{begin} Without {}, {} of them find no place.",
            plan.without.map_or("", Cloud::name),
            whole(shed(plan))
        ),
        _ => format!("{begin} Any one cloud can be lost, and all of them find a place."),
    }
}

#[cfg(test)]
mod tests {
    use domain::cloud::PerCloud;

    use super::*;

    #[test]
    fn the_sentence_names_the_loss_that_costs_most() {
        let plan = |without, shed: &[(&str, f64)]| CapacityPlan {
            without,
            takes: PerCloud::default(),
            shed: shed.iter().map(|(region, per_s)| ((*region).to_owned(), *per_s)).collect(),
        };
        let mut report = CapacityReport {
            capacity: PerCloud::default(),
            demand: 1_450.0,
            plans: vec![
                plan(None, &[]),
                plan(Some(Cloud::Gcp), &[("eu", 50.0)]),
                plan(Some(Cloud::Azure), &[("eu", 200.0), ("na", 50.0)]),
            ],
        };
        let says = "At the busiest, 1,450 requests a second are expected. Without azure, 250 of them find no place.";
        assert_eq!(sentence(&report), says);
        report.plans.truncate(1);
        assert!(sentence(&report).ends_with("all of them find a place."));
    }
}
