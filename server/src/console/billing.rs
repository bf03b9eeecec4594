//! A month of the billing ledger, in the words of its page.

use app::backend::{
    BalanceRow, BillingQuery, BillingView, ClosedMonth, Owed, Statement, StatementLine, Trial,
    UnpricedRow,
};
use domain::billing::charge::Unpriced;
use domain::billing::{Account, Entry, Overage, Period, Price, Quantity, What};
use domain::event::TenantId;
use rust_decimal::Decimal;

use super::Console;
use super::figures::{dollars, grouped};
use crate::problem::Problem;
use crate::projection::{
    AccountBalance, BillingCursor, BillingFilter, TenantBalance, UnpricedModel,
};

/// Tenants of one page.
const TENANTS: u32 = 100;
/// Entries of one page of a statement.
const LINES: u32 = 100;
/// Places of sums on the page; entries and the trial balance show all.
const SHOWN_DECIMALS: u32 = 4;

impl Console {
    /// # Errors
    /// The database cannot be read, or the address names no month, tenant or place that can be.
    pub async fn billing(&self, query: &BillingQuery) -> Result<BillingView, Problem> {
        let books = &self.projection;
        let periods = books.billing_periods().await?;
        let asked = query.period.as_deref().map(str::parse::<Period>).transpose();
        let asked = asked.map_err(|error| Problem::malformed(error.to_string()))?;
        let Some(period) = asked.or_else(|| periods.first().copied()) else {
            return Ok(nothing());
        };
        let tenant = query.tenant.clone().map(TenantId::try_from).transpose();
        let tenant = tenant.map_err(|error| Problem::malformed(error.to_string()))?;
        let (balances, next_cursor) = self.balances(period, tenant.as_ref(), query).await?;
        let accounts = books.account_balances(Some(period)).await?;
        let closing = books.closing(period).await?;
        let unpriced = books.unpriced(Some(period), tenant.as_ref()).await?;
        let statement = match tenant {
            Some(tenant) => Some(self.statement(period, tenant, query).await?),
            None => None,
        };
        Ok(BillingView {
            at: crate::now(),
            period: Some(period.to_string()),
            periods: periods.iter().map(Period::to_string).collect(),
            closable: closing.is_none() && crate::now() >= period.end(),
            closing: closing.map(|closing| ClosedMonth {
                at: closing.at,
                by: closing.decided_by,
                event_id: closing.event_id.to_string(),
            }),
            owed: owed(receivable(&accounts)),
            balances,
            next_cursor,
            trial: trial(&accounts),
            unpriced: unpriced.iter().map(unpriced_row).collect(),
            statement,
        })
    }

    async fn balances(
        &self,
        period: Period,
        tenant: Option<&TenantId>,
        query: &BillingQuery,
    ) -> Result<(Vec<BalanceRow>, Option<String>), Problem> {
        // With a tenant the cursor is one of its statement.
        let cursor = query.cursor.clone().filter(|_| tenant.is_none());
        let cursor = cursor.map(TenantId::try_from).transpose();
        let cursor = cursor.map_err(|error| Problem::malformed(error.to_string()))?;
        let found = self.projection.tenant_balances(
            Some(period),
            tenant,
            cursor.as_ref(),
            // One more than is shown tells whether there is a next page.
            TENANTS + 1,
        );
        let mut rows = found.await?;
        let more = rows.len() > TENANTS as usize;
        rows.truncate(TENANTS as usize);
        let next = rows.last().filter(|_| more).map(|last| last.tenant_id.to_string());
        Ok((rows.iter().map(|row| self.balance_row(row)).collect(), next))
    }

    fn balance_row(&self, row: &TenantBalance) -> BalanceRow {
        let shown = |amount: Decimal| dollars(amount.round_dp(SHOWN_DECIMALS));
        let catalog = self.projection.catalog();
        BalanceRow {
            name: catalog.tenant(&row.tenant_id).map(|tenant| tenant.value.name.clone()),
            tenant_id: row.tenant_id.to_string(),
            charges: shown(row.charges_usd),
            overage: shown(row.overage_usd),
            credits: shown(-row.credits_usd),
            penalties: shown(-row.penalties_usd),
            other: shown(row.rounding_usd + row.carried_usd),
            net: shown(row.net_usd),
            unpriced_requests: row.unpriced_requests.unsigned_abs(),
        }
    }

    async fn statement(
        &self,
        period: Period,
        tenant: TenantId,
        query: &BillingQuery,
    ) -> Result<Statement, Problem> {
        let cursor = query.cursor.as_deref().map(str::parse::<BillingCursor>).transpose();
        let cursor = cursor.map_err(|error| Problem::malformed(error.to_string()))?;
        let filter =
            BillingFilter { tenant: Some(tenant.clone()), period: Some(period), account: None };
        let page = self.projection.billing_page(&filter, cursor.as_ref(), LINES).await?;
        let balances =
            self.projection.tenant_balances(Some(period), Some(&tenant), None, 1).await?;
        let net = balances.first().map(|balance| balance.net_usd).unwrap_or_default();
        Ok(Statement {
            tenant_id: tenant.to_string(),
            owed: owed(net),
            lines: page.items.iter().map(line).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        })
    }
}

fn nothing() -> BillingView {
    BillingView {
        at: crate::now(),
        period: None,
        periods: Vec::new(),
        closing: None,
        closable: false,
        owed: owed(Decimal::ZERO),
        balances: Vec::new(),
        next_cursor: None,
        trial: trial(&[]),
        unpriced: Vec::new(),
        statement: None,
    }
}

/// What all tenants owe together.
fn receivable(accounts: &[AccountBalance]) -> Decimal {
    let receivable = accounts.iter().find(|one| one.account == "receivable");
    receivable.map(|one| one.debit_usd - one.credit_usd).unwrap_or_default()
}

fn owed(net: Decimal) -> Owed {
    let shown = net.round_dp(SHOWN_DECIMALS);
    Owed {
        amount: dollars(shown.abs()),
        is_credit: shown.is_sign_negative() && !shown.is_zero(),
        exact: dollars(net),
    }
}

fn trial(accounts: &[AccountBalance]) -> Trial {
    let debit: Decimal = accounts.iter().map(|account| account.debit_usd).sum();
    let credit: Decimal = accounts.iter().map(|account| account.credit_usd).sum();
    let row = |account: &AccountBalance| {
        (account.account.clone(), dollars(account.debit_usd), dollars(account.credit_usd))
    };
    Trial {
        accounts: accounts.iter().map(row).collect(),
        debit: dollars(debit),
        credit: dollars(credit),
        balanced: debit == credit,
    }
}

fn unpriced_row(usage: &UnpricedModel) -> UnpricedRow {
    let UnpricedModel { tier, reason, input_tokens, output_tokens, .. } = usage;
    let why = match reason {
        Unpriced::NoPrice => format!("The tier {tier} had no price for it then."),
        Unpriced::UnknownTenant => "No decision says of which tier the tenant is.".to_owned(),
        Unpriced::TooLarge => "Tokens times price are beyond a trillion dollars.".to_owned(),
    };
    UnpricedRow {
        tenant_id: usage.tenant_id.to_string(),
        model: format!("{}/{}", usage.provider, usage.model),
        why,
        requests: usage.requests.unsigned_abs(),
        tokens: format!("{} in, {} out", grouped(*input_tokens), grouped(*output_tokens)),
    }
}

fn line(entry: &Entry) -> StatementLine {
    let receivable = Account::Receivable(entry.tenant_id.clone());
    let other = if *entry.debit() == receivable { entry.credit() } else { entry.debit() };
    let (what, price, quantity, event_id) = told(&entry.what);
    StatementLine {
        day: entry.day.to_string(),
        kind: kind(&entry.what).to_owned(),
        what,
        price,
        quantity,
        amount: dollars(entry.on(&receivable)),
        account: other.to_string(),
        event_id,
    }
}

const fn kind(what: &What) -> &'static str {
    match what {
        What::Charge { .. } => "Usage",
        What::Overage(_) => "Overage",
        What::Credit { .. } => "Credit",
        What::Penalty { .. } => "SLA",
        What::Rounding { .. } => "Rounding",
        What::CarriedOut { .. } | What::CarriedIn { .. } => "Carried",
    }
}

/// What it is for, the price, the quantity, and the decision behind it.
fn told(what: &What) -> (String, String, String, Option<String>) {
    let only = |text: String| (text, String::new(), String::new(), None);
    match what {
        What::Charge { provider, model, region, tier, price, quantity } => (
            format!("{provider}/{model} in {region}, tier {tier}"),
            price_text(price),
            quantity_text(quantity),
            Some(price.event_id.to_string()),
        ),
        What::Overage(told) => overage(told),
        What::Credit { event_id, reason, decided_by } => {
            let by = decided_by.as_ref().map_or_else(String::new, |by| format!(", by {by}"));
            (format!("{reason}{by}"), String::new(), String::new(), Some(event_id.to_string()))
        }
        What::Penalty { tier, requests, failed, share, charges_usd } => {
            let percent = grouped((share.get() * Decimal::ONE_HUNDRED).normalize());
            let charges = dollars(*charges_usd);
            let bad = format!("{} of {} requests failed", grouped(*failed), grouped(*requests));
            only(format!("{bad}: {percent} % of {charges} in tier {tier}"))
        }
        What::Rounding { exact_usd } => only(format!("To cents, from {}", dollars(*exact_usd))),
        What::CarriedOut { to } => only(format!("Found after the invoice: carried to {to}")),
        What::CarriedIn { from } => only(format!("Found after the invoice of {from}")),
    }
}

/// `Beyond the cap of 2,000,000 tokens a month (2,400,000 by then), tier pro`, at `130 % of list instead of
/// 100 %, of $3.00 charged`, `400,000 of the day's 1,000,000 tokens`.
fn overage(told: &Overage) -> (String, String, String, Option<String>) {
    let Overage { tier, tokens, beyond_tokens, month_tokens, token_cap, .. } = told;
    let Overage { overage_of_list, own, charges_usd, .. } = told;
    let percent = |share: Decimal| grouped((share * Decimal::ONE_HUNDRED).normalize());
    let (cap, month) = (grouped(*token_cap), grouped(*month_tokens));
    (
        format!("Beyond the cap of {cap} tokens a month ({month} by then), tier {tier}"),
        format!(
            "{} % of list instead of {} %, of {} charged",
            percent(*overage_of_list),
            percent(own.of_list),
            dollars(*charges_usd)
        ),
        format!("{} of the day’s {} tokens", grouped(*beyond_tokens), grouped(*tokens)),
        Some(own.event_id.to_string()),
    )
}

fn price_text(price: &Price) -> String {
    let cached = price.cached_usd_per_million;
    let cached = cached.map_or_else(String::new, |usd| format!(", {} cached", dollars(usd)));
    let since = price.effective_from.to_string();
    let day = since.split('T').next().unwrap_or_default();
    let own = price.own.map_or_else(String::new, |own| {
        format!(", {} % of list", grouped((own.of_list * Decimal::ONE_HUNDRED).normalize()))
    });
    format!(
        "{} in{cached}, {} out a million{own}, since {day}",
        dollars(price.input_usd_per_million),
        dollars(price.output_usd_per_million)
    )
}

fn quantity_text(quantity: &Quantity) -> String {
    let cached = match quantity.cached_tokens {
        0 => String::new(),
        tokens => format!(" ({} cached)", grouped(tokens)),
    };
    let noun = if quantity.requests == 1 { "request" } else { "requests" };
    format!(
        "{} in{cached}, {} out; {} {noun}",
        grouped(quantity.input_tokens),
        grouped(quantity.output_tokens),
        grouped(quantity.requests)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overage_says_how_many_tokens_were_beyond_which_cap_and_who_decided_the_price() {
        let id = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
        let what = serde_json::from_value(serde_json::json!({"kind": "overage", "tier": "pro",
            "tokens": 1_000_000, "beyondTokens": 400_000, "monthTokens": 2_400_000,
            "tokenCap": 2_000_000, "overageOfList": "1.3", "chargesUsd": "3.12",
            "own": {"ofList": "1.04", "since": "2026-10-02T00:00:00.000Z", "eventId": id}}));
        let (what, price, quantity, event_id) = told(&what.expect("an overage"));
        assert_eq!(
            what,
            "Beyond the cap of 2,000,000 tokens a month (2,400,000 by then), tier pro"
        );
        assert_eq!(price, "130 % of list instead of 104 %, of $3.12 charged");
        assert_eq!(quantity, "400,000 of the day’s 1,000,000 tokens");
        assert_eq!(event_id.as_deref(), Some(id));
    }

    #[test]
    fn more_credit_than_charges_is_a_credit_balance_and_no_negative_debt() {
        let of = |text: &str| {
            let Owed { amount, is_credit, exact } = owed(text.parse().expect("a decimal"));
            (amount, is_credit, exact)
        };
        assert_eq!(of("12.5"), ("$12.50".to_owned(), false, "$12.50".to_owned()));
        assert_eq!(of("-1.79"), ("$1.79".to_owned(), true, "−$1.79".to_owned()));
        assert_eq!(of("-0.000049"), ("$0.00".to_owned(), false, "−$0.000049".to_owned()));
        assert_eq!(of("0"), ("$0.00".to_owned(), false, "$0.00".to_owned()));
    }
}
