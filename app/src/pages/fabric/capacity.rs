//! Capacity: who would take how much at the busiest, as things stand and without each cloud, and what
//! would find no place.

use domain::cloud::Cloud;
use leptos::prelude::*;

use crate::backend::{CapacityPlan, CapacityReport, FabricView};
use crate::components::table::{Cell, DataTable, TableRow};
use crate::format::{count, percent};

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

/// As the configuration of every cloud has it.
const EXAMPLE: &str = "[fabric]
demand = [\"aws:eu-west-1=240\", \"gcp:us-west1=360\"]

[fabric.gcp]
capacity = 500

[fabric.aws]
capacity = 400";

fn nothing() -> AnyView {
    view! {
        <p class="fabric-note">
            "Nothing can be said here yet. It takes two settings, both in requests a second: "
            <code>"fabric.demand"</code> ", what is expected of each client region at its busiest, and "
            <code>"fabric.<cloud>.capacity"</code> ", what a cloud can take. Then this says who would take how much, and what the loss of a cloud would leave without a place. State the same on all three clouds, then restart each:"
        </p>
        <pre class="code" tabindex="0" aria-label="An example of both settings"><code>{EXAMPLE}</code></pre>
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
    let head = std::iter::once("Requests a second".to_owned())
        .chain(Cloud::ALL.map(|cloud| cloud.to_string()))
        .chain(["No place for".to_owned()])
        .map(Cell::from);
    let rows = std::iter::once(most(report));
    let rows = rows.chain(report.plans.iter().map(|plan| row(report, plan)));
    let rows = rows.map(TableRow::Cells).collect();
    view! {
        <p class="sentence">{sentence(report)}</p>
        <DataTable label="Requests a second by cloud".to_owned() head=head.collect() rows cards=true />
        <p class="muted fabric-note">"Whole requests a second. By round trip, with no cloud fuller than 80 % while another has room. Answers follow it: where the cloud that serves a region cannot take all of it, the rest of its networks is dealt to the next by round trip."</p>
        {uncounted(report).map(|text| view! { <p class="fabric-note">{text}</p> })}
    }
    .into_any()
}

/// What each cloud can take.
fn most(report: &CapacityReport) -> Vec<Cell> {
    let most = |cloud| match report.capacity.get(cloud) {
        Some(most) => Cell::from(whole(*most)),
        None => Cell::from("not stated".to_owned()).quiet(),
    };
    let name = Cell::from("Can take".to_owned());
    let last = Cell::from("–".to_owned()).quiet();
    std::iter::once(name).chain(Cloud::ALL.map(most)).chain([last]).collect()
}

fn row(report: &CapacityReport, plan: &CapacityPlan) -> Vec<Cell> {
    let name = plan.without.map_or_else(
        || Cell::from("As things stand".to_owned()),
        |cloud| Cell::from(format!("Without {cloud}")),
    );
    let takes = |cloud| {
        let (taken, most) = (*plan.takes.get(cloud), *report.capacity.get(cloud));
        match most {
            // It is gone, or nobody has stated what it can take, so it is in no sum.
            _ if plan.without == Some(cloud) => Cell::from("–".to_owned()).quiet(),
            None => Cell::from("not counted".to_owned()).quiet(),
            Some(most) if most > 0.0 => {
                Cell::from(whole(taken)).about(format!("{} full", percent(taken / most)))
            }
            Some(_) => Cell::from(whole(taken)),
        }
    };
    let nowhere = if plan.shed.is_empty() {
        Cell::from("0".to_owned()).quiet()
    } else {
        Cell::from(whole(shed(plan))).about(regions(plan))
    };
    std::iter::once(name).chain(Cloud::ALL.map(takes)).chain([nowhere]).collect()
}

/// Regions that a cell names; the state has the others.
const NAMED_MAX: usize = 4;

fn regions(plan: &CapacityPlan) -> String {
    let named: Vec<&str> =
        plan.shed.iter().take(NAMED_MAX).map(|(region, _)| region.as_str()).collect();
    let named = named.join(", ");
    match plan.shed.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// What is expected and in no sum of the table.
fn uncounted(report: &CapacityReport) -> Option<String> {
    let now = report.plans.iter().find(|plan| plan.without.is_none())?;
    (now.uncounted > 0.0).then(|| {
        format!(
            "{} more requests a second stay with clouds whose capacity is not stated, and are in no \
             sum here.",
            whole(now.uncounted)
        )
    })
}

fn sentence(report: &CapacityReport) -> String {
    let expected = whole(report.demand);
    let worst = report.plans.iter().filter(|plan| plan.without.is_some());
    let worst = worst.max_by(|one, other| shed(one).total_cmp(&shed(other)));
    let now = report.plans.iter().find(|plan| plan.without.is_none());
    let lost = now.map_or(0.0, shed);
    let begin = format!("At the busiest, {expected} requests a second are expected.");
    let of_them = if now.is_some_and(|now| now.uncounted > 0.0) { "those counted" } else { "them" };
    match worst {
        _ if lost > 0.0 => {
            format!("{begin} As things stand, {} of {of_them} find no place.", whole(lost))
        }
        Some(plan) if shed(plan) > 0.0 => format!(
            "{begin} Without {}, {} of {of_them} find no place.",
            plan.without.map_or("", Cloud::name),
            whole(shed(plan))
        ),
        _ => format!("{begin} Any one cloud can be lost, and all of {of_them} find a place."),
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
            uncounted: 0.0,
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

    #[test]
    fn a_cloud_without_a_stated_capacity_is_in_no_sum_and_said_to_be_in_none() {
        let plan = CapacityPlan {
            without: None,
            takes: PerCloud { gcp: 320.0, aws: 280.0, azure: 0.0 },
            shed: (1..=6).map(|number| (format!("r{number}"), 1.0)).collect(),
            uncounted: 150.0,
        };
        let report = CapacityReport {
            capacity: PerCloud { gcp: Some(400.0), aws: Some(400.0), azure: None },
            demand: 756.0,
            plans: vec![plan],
        };
        let texts = |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.text).collect::<Vec<_>>();
        assert_eq!(texts(most(&report)), ["Can take", "400", "400", "not stated", "–"]);
        let cells = row(&report, &report.plans[0]);
        assert_eq!(cells[1].about.as_deref(), Some("80 % full"));
        assert_eq!(cells[4].about.as_deref(), Some("r1, r2, r3, r4 and 2 more"));
        assert_eq!(texts(cells), ["As things stand", "320", "280", "not counted", "6"]);
        assert!(uncounted(&report).expect("a sentence").starts_with("150 more requests a second"));
        assert!(sentence(&report).ends_with("6 of those counted find no place."));
    }
}
