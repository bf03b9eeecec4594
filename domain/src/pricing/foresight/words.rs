//! Why it is proposed, in a sentence with the figures.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::catalog::REASON_CHARS_MAX;
use crate::cloud::Cloud;
use crate::economics::quantity::Share;
use crate::economics::study::Level;
use crate::event::TenantId;

/// A share of the traffic is told to a tenth of a percent.
const MOVED_DECIMALS: u32 = 3;

/// `now`, under stress, and after.
pub(super) fn of_price(
    tenant: &TenantId,
    name: &str,
    floor: Share,
    price_of_list: Decimal,
    [now, stressed, after]: [Level; 3],
) -> String {
    let price = share(price_of_list);
    short(&format!(
        "If “{}” comes true, the margin of {tenant} falls below {} with a probability of {} (now \
         {}); at {price} of the list price with {}.",
        clipped(name),
        share(floor.get()),
        percent(stressed),
        percent(now),
        percent(after),
    ))
}

pub(super) fn of_traffic(
    name: &str,
    floor: Share,
    moved: Decimal,
    (replaces_selection, at_most): (bool, &BTreeMap<Cloud, Share>),
    [now, stressed, after]: [Level; 3],
) -> String {
    let selection = if replaces_selection {
        " No shares are in force yet: with these, clients are not sent by distance alone any more."
    } else {
        ""
    };
    short(&format!(
        "If “{}” comes true, the portfolio’s margin falls below {} with a probability of {} (now {}); \
         with {} of the traffic moved elsewhere with {}.{}{selection}",
        clipped(name),
        share(floor.get()),
        percent(stressed),
        percent(now),
        share(moved.round_dp(MOVED_DECIMALS)),
        percent(after),
        bound(at_most),
    ))
}

/// What no division gives a cloud more than.
fn bound(at_most: &BTreeMap<Cloud, Share>) -> String {
    if at_most.is_empty() {
        return String::new();
    }
    let each = at_most.iter().map(|(cloud, most)| format!("{cloud} {}", share(most.get())));
    format!(" By their capacity, clouds get at most: {}.", each.collect::<Vec<_>>().join(", "))
}

fn percent(level: Level) -> String {
    format!("{:.0} %", level.below_floor * 100.0)
}

fn share(share: Decimal) -> String {
    format!("{} %", (share * Decimal::ONE_HUNDRED).normalize())
}

/// Names may be as long as half a reason.
fn clipped(name: &str) -> String {
    const CHARS_MAX: usize = 120;
    if name.chars().count() <= CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

fn short(text: &str) -> String {
    debug_assert!(text.chars().count() <= REASON_CHARS_MAX, "a reason is a paragraph");
    text.chars().take(REASON_CHARS_MAX).collect()
}
