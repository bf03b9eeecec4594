//! The accounts of the billing ledger.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::TenantId;

/// Where amounts stand. Two accounts a tenant, and four of our own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// What the tenant owes us: an asset.
    Receivable(TenantId),
    /// What was found after the invoice of one month, on its way to a later one: an asset. Nothing
    /// is left there over all months.
    Carried(TenantId),
    /// What was earned for usage.
    Revenue,
    /// What was waived by decisions: it lowers revenue.
    Credits,
    /// What was waived because a service level was missed.
    SlaPenalties,
    /// Fractions of a cent that invoices leave out or add.
    Rounding,
}

const RECEIVABLE: &str = "receivable:";
const CARRIED: &str = "carried:";

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::Receivable(tenant) => write!(out, "{RECEIVABLE}{tenant}"),
            Account::Carried(tenant) => write!(out, "{CARRIED}{tenant}"),
            Account::Revenue => out.write_str("revenue"),
            Account::Credits => out.write_str("credits"),
            Account::SlaPenalties => out.write_str("sla_penalties"),
            Account::Rounding => out.write_str("rounding"),
        }
    }
}

/// The text names no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an account; use receivable:<tenant>, carried:<tenant>, revenue, credits, \
     sla_penalties or rounding"
)]
pub struct BadAccount(pub String);

impl FromStr for Account {
    type Err = BadAccount;

    fn from_str(text: &str) -> Result<Self, BadAccount> {
        let tenant =
            |id: &str| TenantId::try_from(id.to_owned()).map_err(|_| BadAccount(text.to_owned()));
        match text {
            "revenue" => Ok(Account::Revenue),
            "credits" => Ok(Account::Credits),
            "sla_penalties" => Ok(Account::SlaPenalties),
            "rounding" => Ok(Account::Rounding),
            _ => match (text.strip_prefix(RECEIVABLE), text.strip_prefix(CARRIED)) {
                (Some(id), _) => tenant(id).map(Account::Receivable),
                (_, Some(id)) => tenant(id).map(Account::Carried),
                _ => Err(BadAccount(text.to_owned())),
            },
        }
    }
}

impl TryFrom<String> for Account {
    type Error = BadAccount;

    fn try_from(text: String) -> Result<Self, BadAccount> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> String {
        account.to_string()
    }
}
