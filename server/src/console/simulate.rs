//! Where the page Scenarios is opened with one tenant's price under a lever.

use app::backend::{LeverKind, ScenarioAddress};
use domain::clock::Timestamp;
use domain::economics::scenario::Scenario;
use domain::event::TenantId;
use domain::pricing::margin::window;
use domain::pricing::policy::Policy;
use rust_decimal::Decimal;

/// Places of a change in percent.
const PERCENT_DECIMALS: u32 = 2;

/// The page Scenarios with this tenant's price moved so, over the usage, at the prices and with the floor
/// that its margin was looked at with then. A price that stays has its lever there all the same.
pub(super) fn simulate(
    policy: &Policy,
    tenant: &TenantId,
    change: Option<Decimal>,
    then: Timestamp,
) -> String {
    let mut address = ScenarioAddress::default();
    let (from, to) = window(then, policy.window_days);
    (address.request.from, address.request.to) = (Some(from), Some(to));
    address.request.prices_as_of = Some(then);
    address.request.floor = policy.margin_floor();
    address.tenant = Some(tenant.to_string());
    let mut levers = Scenario::default();
    let percent =
        change.map(|change| (change * Decimal::ONE_HUNDRED).round_dp(PERCENT_DECIMALS).normalize());
    // A change that no lever takes leaves the lever where it is: what was recommended stands beside it.
    let _ = LeverKind::TenantPrice.put(&mut levers, tenant.as_str(), percent);
    format!("/scenarios?{}", address.write(&levers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(change: Option<&str>) -> String {
        let tenant = TenantId::try_from("juniper".to_owned()).expect("an id");
        let change = change.map(|text| text.parse().expect("a decimal"));
        let then = "2026-11-26T12:30:00.000Z".parse().expect("a time");
        simulate(&Policy::default(), &tenant, change, then)
    }

    #[test]
    fn the_tenants_lever_stands_where_it_is_recommended_over_the_window_that_was_looked_at() {
        let href = place(Some("0.0797"));
        let search = href.strip_prefix("/scenarios?tenant-price.juniper=7.97&").expect(&href);
        let ScenarioAddress { request, .. } = ScenarioAddress::read(search);
        let time = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
        assert_eq!(request.from, time("2026-10-27T12:00:00.000Z"));
        assert_eq!(request.to, time("2026-11-26T12:00:00.000Z"));
        assert_eq!(request.prices_as_of, time("2026-11-26T12:30:00.000Z"));
    }

    #[test]
    fn a_price_that_stays_has_its_lever_there_and_no_change() {
        for unmoved in [None, Some("0"), Some("0.00001")] {
            let href = place(unmoved);
            let address = ScenarioAddress::read(href.strip_prefix("/scenarios").expect("the page"));
            assert_eq!(address.tenant.as_deref(), Some("juniper"), "{href}");
            assert!(address.levers().is_still(), "{href}");
        }
    }
}
