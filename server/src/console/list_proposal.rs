//! A list price that waits for people, in the words of the page Approvals: each part before and after,
//! and what becomes of the bills of the tier's tenants as they use it now.

use domain::catalog::PricePut;
use domain::clock::{Timestamp, days};
use domain::pricing::approval::Facts;
use domain::pricing::book::Case;
use domain::pricing::controls::Content;
use domain::pricing::list_change::{Product, before};
use domain::pricing::listing::{Part, change};
use rust_decimal::Decimal;

use super::Console;
use super::approvals::signed;
use super::figures::{dollars, moved_dollars};
use crate::economics::Listed;

/// A change beyond it is no percentage that anybody reads.
const CHANGE_SHOWN_MAX: Decimal = Decimal::ONE_THOUSAND;

/// What a look at the bills of now adds to a proposal of a list price.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) lines: Vec<[String; 4]>,
    /// What about it is odd.
    pub(super) odd: Vec<String>,
}

impl Console {
    /// Nothing where it is about something else, or closed: what was decided stands.
    pub(super) async fn look_at_list_price(&self, case: &Case, now: Timestamp) -> Looked {
        let Some(price) = list_price(case).filter(|_| case.standing(now).is_open()) else {
            return Looked::default();
        };
        match self.economics.listed_for_tenants(price, now).await {
            Ok(listed) => Looked {
                lines: bills(&listed),
                odd: listed.warnings.iter().map(ToString::to_string).collect(),
            },
            // It can be decided on without, and the page says what is missing.
            Err(cause) => {
                tracing::warn!(%cause, "the bills that a list price moves are not looked at");
                let odd = vec![
                    "What it does to bills cannot be reckoned just now. Load the page again."
                        .to_owned(),
                ];
                Looked { lines: Vec::new(), odd }
            }
        }
    }
}

fn list_price(case: &Case) -> Option<&PricePut> {
    match &case.current().edition.content {
        Content::ListPrice { price } => Some(price),
        _ => None,
    }
}

/// `List price of vertex/m for pro from 2026-12-01…: Input $1 → $2`
pub(super) fn title(price: &PricePut, facts: &Facts) -> String {
    let moved = parts(price, facts).into_iter().filter(|[_, was, is, _]| was != is);
    let moved: Vec<String> =
        moved.map(|[part, was, is, _]| format!("{} {was} → {is}", part.to_lowercase())).collect();
    let product = Product::from(price);
    format!(
        "List price of {product} from {}: {}",
        super::foresight::hour(price.effective_from),
        moved.join(", ")
    )
}

/// Of the part that moves furthest. `None`: it is the first, or beyond percent.
pub(super) fn largest(price: &PricePut, facts: &Facts) -> Option<String> {
    let was = before(facts)?;
    let changes = Part::ALL.into_iter().zip(was).map(|(part, was)| change(was, part.of(price)));
    let changes = changes.collect::<Option<Vec<Decimal>>>()?;
    let largest = changes.into_iter().max_by_key(Decimal::abs)?;
    (largest.abs() <= CHANGE_SHOWN_MAX).then(|| signed(largest))
}

/// Dollars a million tokens: what counts until then, and what would.
pub(super) fn parts(price: &PricePut, facts: &Facts) -> Vec<[String; 4]> {
    let was = before(facts);
    let line = |(at, part): (usize, Part)| {
        let (was, is) = (was.map(|was| was[at]), part.of(price));
        let moved = was.and_then(|was| change(was, is)).filter(|it| it.abs() <= CHANGE_SHOWN_MAX);
        [
            part.title().to_owned(),
            was.map_or_else(|| "none".to_owned(), dollars),
            dollars(is),
            moved.filter(|moved| !moved.is_zero()).map(signed).unwrap_or_default(),
        ]
    };
    Part::ALL.into_iter().enumerate().map(line).collect()
}

fn bills(listed: &Listed) -> Vec<[String; 4]> {
    if !listed.tenants_looked_at {
        return Vec::new();
    }
    let used = listed.tenants.iter().filter(|tenant| tenant.requests > 0);
    let sum = |usd: &dyn Fn(&crate::economics::Affected) -> Decimal| {
        used.clone().try_fold(Decimal::ZERO, |sum, tenant| sum.checked_add(usd(tenant)))
    };
    let was = sum(&|tenant| tenant.before_usd.unwrap_or_default());
    let is = sum(&|tenant| tenant.after_usd);
    let Some((was, is)) = was.zip(is) else { return Vec::new() };
    let count = used.clone().count();
    let noun = if count == 1 { "tenant" } else { "tenants" };
    let [was, is, moved] = moved_dollars([was, is]);
    vec![[format!("Bills for it of {count} {noun}, {}", days(listed.window_days)), was, is, moved]]
}
