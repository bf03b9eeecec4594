//! Kinds of the billing ledger: amounts that are waived, and months that are closed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{KindError, reason, refuse};
use crate::billing::{INVOICE_DECIMALS, LINE_DECIMALS, Period};
use crate::event::TenantId;

/// More than any invoice of this business: above it a zero is too many.
pub const CREDIT_USD_MAX: Decimal = Decimal::from_parts(10_000_000, 0, 0, false, 0);
/// As many as a payload holds (64 KiB), with the longest names of tenants.
pub const INVOICES_MAX: usize = 500;

/// An amount is waived: it lowers what the tenant owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BillingCredit {
    pub tenant_id: TenantId,
    pub amount_usd: Decimal,
    pub reason: String,
    /// The month that it belongs to; absent: the one in which it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// A month is closed, with what was invoiced to whom. Several of one month add up, since one event
/// holds [`INVOICES_MAX`]: of the invoices to one tenant the first by clock and slot stands, and a
/// tenant that none of them names was invoiced nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BillingClose {
    pub period: Period,
    pub invoices: Vec<Invoice>,
    /// Tokens beyond caps were invoiced at their overage prices. False in closings of before there were
    /// entries for that: their months stay without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overage: bool,
}

/// What a tenant was invoiced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invoice {
    pub tenant_id: TenantId,
    /// Negative: what we owe the tenant.
    pub amount_usd: Decimal,
}

impl BillingCredit {
    pub(super) fn check(&self) -> Result<(), KindError> {
        self.amount()?;
        reason(&self.reason)
    }

    /// All that is wrong with it, for whoever wrote it.
    #[must_use]
    pub fn faults(&self) -> Vec<KindError> {
        [self.amount(), reason(&self.reason)].into_iter().filter_map(Result::err).collect()
    }

    fn amount(&self) -> Result<(), KindError> {
        let amount = self.amount_usd;
        if amount <= Decimal::ZERO || amount > CREDIT_USD_MAX {
            return refuse("/amountUsd", format!("must be above 0 and at most {CREDIT_USD_MAX}"));
        }
        if amount.normalize().scale() > LINE_DECIMALS {
            return refuse("/amountUsd", format!("must have at most {LINE_DECIMALS} decimals"));
        }
        Ok(())
    }
}

impl BillingClose {
    pub(super) fn check(&self) -> Result<(), KindError> {
        if self.invoices.len() > INVOICES_MAX {
            return refuse("/invoices", format!("must be at most {INVOICES_MAX}"));
        }
        let in_cents =
            |invoice: &Invoice| invoice.amount_usd.normalize().scale() <= INVOICE_DECIMALS;
        if !self.invoices.iter().all(in_cents) {
            return refuse("/invoices", "must be amounts in whole cents");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Known, decides_by};
    use crate::access::Action;

    #[test]
    fn a_credit_needs_a_reason_and_an_amount_and_invoices_are_in_cents() {
        let credit = |amount: &str, reason: &str| {
            json!({"kind": "billing.credit", "tenantId": "acme", "amountUsd": amount,
                "reason": reason, "period": "2026-10"})
        };
        let read = Known::read(&credit("12.5", "an outage")).expect("valid").expect("known");
        assert_eq!(read.to_payload(), credit("12.5", "an outage"));
        for amount in ["0", "-1", "10000001", "0.00000000001"] {
            let error = Known::read(&credit(amount, "x")).expect_err(amount);
            assert_eq!(error.field, "/amountUsd");
        }
        assert_eq!(Known::read(&credit("1", " ")).expect_err("blank").field, "/reason");
        let close = |amount: &str| {
            json!({"kind": "billing.close", "period": "2026-10",
                "invoices": [{"tenantId": "acme", "amountUsd": amount}]})
        };
        assert!(matches!(Known::read(&close("-3.10")), Ok(Some(Known::BillingClose(_)))));
        assert_eq!(Known::read(&close("3.101")).expect_err("mills").field, "/invoices");
        assert_eq!(decides_by("billing.close"), Action::EditBilling);
    }
}
