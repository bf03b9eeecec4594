//! A list price that is looked at before it is recorded, for the screen.

use app::backend::{
    AffectedRow, CorrectedRow, PartRow, PriceAsk, PricePage, PricePreview, PriceWarning, WrongField,
};
use domain::billing::corrected::Corrected;
use domain::clock::Timestamp;
use domain::event::TenantId;
use domain::pricing::listing::{Part, Warning, are_alike, change};
use domain::pricing::margin;
use rust_decimal::Decimal;

use super::Console;
use super::approvals::{percent, signed};
use super::figures::{dollars, moved_dollars};
use super::foresight::hour;
use super::tenants::tier_names;
use super::tiers::models;
use crate::economics::{Affected, Listed};
use crate::problem::Problem;
use crate::projection::Catalog;
use crate::typed::list_price::TypedPrice;

/// A change beyond it is no percentage that anybody reads.
const CHANGE_SHOWN_MAX: Decimal = Decimal::ONE_THOUSAND;

impl Console {
    /// # Errors
    /// Other prices are being looked at, or the database cannot be read.
    pub(super) async fn list_price(&self, ask: PriceAsk) -> Result<PricePage, Problem> {
        let catalog = self.projection.catalog();
        let (wrong, preview) = self.previewed(&catalog, &ask).await?;
        let (tiers, models) = (tier_names(&catalog), models(&catalog));
        Ok(PricePage { ask, tiers, models, wrong, preview })
    }

    async fn previewed(
        &self,
        catalog: &Catalog,
        ask: &PriceAsk,
    ) -> Result<(Vec<WrongField>, Option<PricePreview>), Problem> {
        if *ask == PriceAsk::default() {
            return Ok((Vec::new(), None)); // nothing was asked yet
        }
        let now = crate::now();
        let price = match TypedPrice::from(ask).read(now) {
            Ok(price) if !catalog.has_tier(&price.tier) => {
                let why = "has neither terms nor prices".to_owned();
                return Ok((vec![WrongField { field: "tier".to_owned(), why }], None));
            }
            Ok(price) => price,
            Err(problem) => return Ok((wrong(problem), None)),
        };
        let listed = self.economics.listed_for_tenants(&price, now).await?;
        Ok((Vec::new(), Some(preview(&listed, ask, now))))
    }
}

fn wrong(problem: Problem) -> Vec<WrongField> {
    let field = |field: String| field.trim_start_matches('/').to_owned();
    let of = problem.errors.into_iter();
    of.map(|error| WrongField { field: field(error.field), why: error.reason }).collect()
}

fn preview(listed: &Listed, ask: &PriceAsk, now: Timestamp) -> PricePreview {
    let price = &listed.price;
    let current = listed.current.as_ref();
    let first = listed.is_first_to_come(now) && ask.withdraw == "yes";
    let unchanged = !first && current.is_some_and(|(current, _)| are_alike(current, price));
    let goes_on = listed.before.as_ref().is_some_and(|before| are_alike(before, price));
    let to_come = price.effective_from > now;
    let (used, idle): (Vec<&Affected>, Vec<&Affected>) =
        listed.tenants.iter().partition(|tenant| tenant.requests > 0);
    PricePreview {
        from: price.effective_from,
        until: listed.until,
        seen: current.map(|(_, id)| id.to_string()).unwrap_or_default(),
        replaces: listed.replaces,
        withdraws: first || ask.withdraw == "yes" && listed.replaces && goes_on && to_come,
        is_first: listed.before.is_none(),
        asks_why: listed.is_change(),
        unchanged,
        parts: Part::ALL.map(|part| part_row(listed, part)).to_vec(),
        window_days: listed.window_days,
        window_to: hour(listed.window_to),
        tenants: used.into_iter().map(affected).collect(),
        tenants_looked_at: listed.tenants_looked_at,
        idle: idle.into_iter().map(|tenant| tenant.tenant_id.to_string()).collect(),
        corrections: listed.corrections.tenants.iter().map(corrected).collect(),
        warnings: listed.warnings.iter().map(warning).collect(),
        persons: if first { 1 } else { listed.persons },
    }
}

fn part_row(listed: &Listed, part: Part) -> PartRow {
    let was = listed.current.as_ref().map(|(current, _)| part.of(current));
    let is = part.of(&listed.price);
    let shown = |change: &Decimal| change.abs() <= CHANGE_SHOWN_MAX;
    PartRow {
        title: part.title().to_owned(),
        was: was.map(dollars),
        is: dollars(is),
        change: was.and_then(|was| change(was, is)).filter(shown).map(signed),
    }
}

fn affected(tenant: &Affected) -> AffectedRow {
    let shown = |margin: Decimal| margin.abs() <= CHANGE_SHOWN_MAX;
    let margin = |margin: Option<Decimal>| margin.filter(|it| shown(*it)).map(margin::told);
    let floor = format!("falls below the floor of {}", percent(tenant.margin_floor));
    let high =
        format!("rises above {}, which the policy holds to be high", percent(tenant.margin_high));
    let other_today = tenant.margin_today.filter(|today| Some(*today) != tenant.margin_before);
    let crosses = if tenant.sinks() { Some(floor) } else { tenant.rises().then_some(high) };
    let before = tenant.before_usd.unwrap_or_default();
    let [was, is, change] = moved_dollars([before, tenant.after_usd]);
    AffectedRow {
        tenant_id: tenant.tenant_id.to_string(),
        name: tenant.name.clone(),
        own: percent(tenant.of_list),
        was: tenant.before_usd.map(|_| was),
        is,
        change,
        margin_was: margin(tenant.margin_before),
        margin_today: margin(other_today),
        margin_is: margin(tenant.margin_after),
        crosses,
        fixed_until: tenant.locked_until,
    }
}

fn corrected((tenant, one): (&TenantId, &Corrected)) -> CorrectedRow {
    let [was, is, change] = moved_dollars([one.before_usd, one.after_usd]);
    CorrectedRow {
        tenant_id: tenant.to_string(),
        charges: one.charges,
        days_first: one.days_first,
        was,
        is,
        change,
    }
}

fn warning(warning: &Warning) -> PriceWarning {
    PriceWarning {
        code: warning.code().to_owned(),
        text: warning.to_string(),
        notable: warning.is_notable(),
    }
}
