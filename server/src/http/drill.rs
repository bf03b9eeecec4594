//! The tamper drill of the demonstration: one metered row is changed by SQL in this cloud's database,
//! and a snapshot is taken. What follows is what always follows; the snapshot's page goes through it.

use std::collections::BTreeSet;

use app::backend::{LabDamage, LabOrder};
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::post;
use domain::access::Action;
use domain::clock::{DAY_MS, Timestamp};
use domain::snapshot::Period;

use super::Shared;
use super::snapshots::refused;
use crate::identity::Principal;
use crate::lab;
use crate::problem::Problem;

/// A drill takes the newest day that has no snapshot. Whoever plays more often in one demonstration
/// has seen it.
const DAYS_BACK_MAX: i64 = 365;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/anchors/drill", post(drill))
}

async fn drill(State(shared): State<Shared>, principal: Principal) -> Result<Redirect, Problem> {
    let lab = shared.lab.as_ref().ok_or_else(lab::absent)?;
    principal.require(Action::OperateFaultLab)?;
    principal.require(Action::TakeSnapshot)?;
    let taken = shared.snapshots.list().await.map_err(refused)?;
    let taken: BTreeSet<Period> = taken.iter().map(|it| it.plan.period).collect();
    let period = free_day(crate::now(), &taken);
    let period = period.ok_or_else(|| Problem::conflict("Every day of a year has a snapshot."))?;
    let order =
        LabOrder::Corrupt { cloud: shared.ledger.cloud(), what: LabDamage::Usage, event_id: None };
    lab.act(&order, &principal.login).await?;
    shared.snapshots.take(period).await.map_err(refused)?;
    Ok(Redirect::to(&format!("/anchors/{period}?drill=on")))
}

/// A period is a name: what is in a snapshot its cut says, and that is of now.
fn free_day(now: Timestamp, taken: &BTreeSet<Period>) -> Option<Period> {
    let day = |back: i64| Period::day_of(Timestamp::from_unix_ms(now.unix_ms() - back * DAY_MS));
    (0..DAYS_BACK_MAX).map(day).find(|day| !taken.contains(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_takes_the_newest_day_that_is_free() {
        let now: Timestamp = "2026-11-26T06:00:00Z".parse().expect("a time");
        let period = |text: &str| -> Period { text.parse().expect("a period") };
        assert_eq!(free_day(now, &BTreeSet::new()), Some(period("2026-11-26")));
        let taken = ["2026-11-26", "2026-10", "2026-11-25"].map(period);
        assert_eq!(free_day(now, &taken.into()), Some(period("2026-11-24")));
    }
}
