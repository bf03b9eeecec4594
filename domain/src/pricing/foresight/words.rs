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

/// What no division gives a cloud more than, and what is proposed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub(super) at_most: &'a BTreeMap<Cloud, Share>,
    pub(super) shares: &'a BTreeMap<Cloud, Share>,
}

pub(super) fn of_traffic(
    name: &str,
    floor: Share,
    moved: Decimal,
    (replaces_selection, bound): (bool, Bound<'_>),
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
        bound.said(),
    ))
}

impl Bound<'_> {
    /// A cloud that is proposed more than it can take has more today already.
    fn said(self) -> String {
        if self.at_most.is_empty() {
            return String::new();
        }
        let each = self.at_most.iter();
        let each: Vec<_> =
            each.map(|(cloud, most)| format!("{cloud} {}", share(most.get()))).collect();
        let is_over = |(cloud, share): &(&Cloud, &Share)| {
            self.at_most.get(*cloud).is_some_and(|most| *share > most)
        };
        let over: Vec<_> =
            self.shares.iter().filter(is_over).map(|(cloud, _)| cloud.to_string()).collect();
        let over = if over.is_empty() {
            String::new()
        } else {
            format!(" Above that today already, and given no more: {}.", over.join(", "))
        };
        format!(" By their capacity, clouds get at most: {}.{over}", each.join(", "))
    }
}

fn percent(level: Level) -> String {
    format!("{:.0} %", level.below_floor * 100.0)
}

fn share(share: Decimal) -> String {
    format!("{} %", (share * Decimal::ONE_HUNDRED).round_dp(2).normalize())
}

/// Names may be as long as half a reason.
fn clipped(name: &str) -> String {
    const CHARS_MAX: usize = 100;
    if name.chars().count() <= CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

fn short(text: &str) -> String {
    debug_assert!(text.chars().count() <= REASON_CHARS_MAX, "a reason is a paragraph");
    text.chars().take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    #[test]
    fn the_longest_reason_is_a_paragraph_and_names_who_is_above_its_capacity_already() {
        let share = |text| Share::new("a share", decimal(text)).expect("a share");
        let all = |text| Cloud::ALL.map(|cloud| (cloud, share(text))).into();
        let (at_most, shares): (BTreeMap<_, _>, BTreeMap<_, _>) = (all("0.29"), all("0.33"));
        let level = Level { below_floor: 0.999, p50: 0.1 };
        let bound = Bound { at_most: &at_most, shares: &shares };
        let name = "x".repeat(200);
        let said = of_traffic(&name, share("0.355"), decimal("0.1234"), (true, bound), [level; 3]);
        assert!(
            said.contains("at most: gcp 29 %, aws 29 %, azure 29 %. Above that today"),
            "{said}"
        );
        assert!(said.ends_with("by distance alone any more."), "nothing is cut off: {said}");
    }
}
