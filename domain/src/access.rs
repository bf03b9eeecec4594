//! Who may do what: one table, `Role × Action`. It guards the server and shapes the screen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a person or a program is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs what-ifs and proposes.
    Controller,
    /// Reads everything, changes nothing.
    Auditor,
    /// Changes tenants, users, policy; approves.
    Admin,
    /// A program that submits events.
    Ingest,
}

/// Everything that needs permission. An act that is not here cannot be guarded, so it cannot
/// be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    ReadLedger,
    ReadPayload,
    ExportLedger,
    SubmitEvent,
    /// Submit a kind that is one of the product's own decisions (`tenant.put`, `price.put`, …).
    SubmitDecision,
    ReadTenants,
    EditTenants,
    ReadUsage,
    EditUsers,
    /// See what the fault lab has broken and what came of it.
    WatchFaultLab,
    /// Release or reject what is held.
    DecideQuarantine,
    /// Say that repairs of stored rows were seen.
    AcknowledgeRepairs,
    /// Begin epochs with new keys, agree to those of other clouds, declare a cloud gone.
    ManageKeys,
    OperateFaultLab,
    /// Ask what would be.
    Simulate,
    /// Keep a scenario, and promote one to a proposal.
    EditScenarios,
    /// Have an audit snapshot taken, derived again, or anchored.
    TakeSnapshot,
    /// See what tenants are charged and owe.
    ReadBilling,
    /// Credit a tenant, close a month.
    EditBilling,
    /// See where clients are sent, and why.
    ReadFabric,
    /// Take a cloud out of service, or put it back.
    DrainCloud,
    /// See recommendations, proposals, and the policy of prices.
    ReadPricing,
    /// Propose a price, a limit or a policy, or make another version of a proposal.
    Propose,
    /// Agree to a proposal or refuse it, and take back what was applied.
    Approve,
    /// Switch automatic prices on or off, stop all of them, and have the optimizer run now.
    SetAutonomy,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Controller, Role::Auditor, Role::Admin, Role::Ingest];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Controller => "controller",
            Role::Auditor => "auditor",
            Role::Admin => "admin",
            Role::Ingest => "ingest",
        }
    }

    /// The one rule: may this role do that?
    #[must_use]
    pub const fn may(self, action: Action) -> bool {
        use Action::{
            AcknowledgeRepairs, Approve, DecideQuarantine, DrainCloud, EditBilling, EditScenarios,
            EditTenants, EditUsers, ExportLedger, ManageKeys, OperateFaultLab, Propose,
            ReadBilling, ReadFabric, ReadLedger, ReadPayload, ReadPricing, ReadTenants, ReadUsage,
            SetAutonomy, Simulate, SubmitDecision, SubmitEvent, TakeSnapshot, WatchFaultLab,
        };
        match self {
            Role::Admin => true,
            Role::Controller => match action {
                ReadLedger | ReadPayload | ExportLedger | ReadTenants | ReadUsage
                | WatchFaultLab | Simulate | EditScenarios | ReadBilling | ReadFabric
                | ReadPricing | Propose => true,
                SubmitEvent | SubmitDecision | EditTenants | EditUsers | DecideQuarantine
                | AcknowledgeRepairs | ManageKeys | OperateFaultLab | EditBilling
                | TakeSnapshot | DrainCloud | Approve | SetAutonomy => false,
            },
            Role::Auditor => match action {
                ReadLedger | ReadPayload | ExportLedger | ReadTenants | ReadUsage
                | WatchFaultLab | Simulate | ReadBilling | TakeSnapshot | ReadFabric
                | ReadPricing => true,
                SubmitEvent | SubmitDecision | EditTenants | EditUsers | DecideQuarantine
                | AcknowledgeRepairs | ManageKeys | OperateFaultLab | EditScenarios
                | EditBilling | DrainCloud | Propose | Approve | SetAutonomy => false,
            },
            // Who meters must know whom: which tenants there are, and where they are served. And the
            // platform's own services ask where to send a request.
            Role::Ingest => match action {
                ReadLedger | SubmitEvent | ReadTenants | ReadFabric => true,
                ReadPayload | ExportLedger | SubmitDecision | EditTenants | ReadUsage
                | EditUsers | DecideQuarantine | AcknowledgeRepairs | ManageKeys
                | WatchFaultLab | OperateFaultLab | Simulate | EditScenarios | ReadBilling
                | EditBilling | TakeSnapshot | DrainCloud | ReadPricing | Propose | Approve
                | SetAutonomy => false,
            },
        }
    }

    /// Why the role may not: a sentence for a disabled button or an error.
    #[must_use]
    pub fn refusal(self, action: Action) -> String {
        format!(
            "The role {self} may not {}; {} may.",
            action.sentence(),
            Role::ALL
                .into_iter()
                .filter(|role| role.may(action))
                .map(Role::name)
                .collect::<Vec<_>>()
                .join(" and ")
        )
    }
}

impl Action {
    pub const ALL: [Action; 25] = [
        Action::ReadLedger,
        Action::ReadPayload,
        Action::ExportLedger,
        Action::SubmitEvent,
        Action::SubmitDecision,
        Action::ReadTenants,
        Action::EditTenants,
        Action::ReadUsage,
        Action::EditUsers,
        Action::WatchFaultLab,
        Action::DecideQuarantine,
        Action::AcknowledgeRepairs,
        Action::ManageKeys,
        Action::OperateFaultLab,
        Action::Simulate,
        Action::EditScenarios,
        Action::TakeSnapshot,
        Action::ReadBilling,
        Action::EditBilling,
        Action::ReadFabric,
        Action::DrainCloud,
        Action::ReadPricing,
        Action::Propose,
        Action::Approve,
        Action::SetAutonomy,
    ];

    /// Completes "may not …".
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Action::ReadLedger => "read the ledger",
            Action::ReadPayload => "read payloads",
            Action::ExportLedger => "export the ledger",
            Action::SubmitEvent => "submit events",
            Action::SubmitDecision => "submit events that change tenants, prices, users or policy",
            Action::ReadTenants => "read tenants",
            Action::EditTenants => "change tenants",
            Action::ReadUsage => "read usage",
            Action::EditUsers => "change users",
            Action::WatchFaultLab => "watch the fault lab",
            Action::DecideQuarantine => "release or reject what is held in quarantine",
            Action::AcknowledgeRepairs => "acknowledge repairs of stored rows",
            Action::ManageKeys => "change keys or agree to another cloud's",
            Action::OperateFaultLab => "operate the fault lab",
            Action::Simulate => "simulate what would be",
            Action::EditScenarios => "keep or promote scenarios",
            Action::TakeSnapshot => "take audit snapshots",
            Action::ReadBilling => "read the billing ledger",
            Action::EditBilling => "credit tenants or close months",
            Action::ReadFabric => "see where clients are sent",
            Action::DrainCloud => "drain a cloud or put it back",
            Action::ReadPricing => "see recommendations and proposals",
            Action::Propose => "propose prices, limits or a policy",
            Action::Approve => "approve, reject or take back prices",
            Action::SetAutonomy => "switch automatic prices on or off or have the optimizer run",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The text names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a role; use controller, auditor, admin or ingest")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_reads_everything_and_changes_nothing() {
        let changes = [
            Action::SubmitEvent,
            Action::SubmitDecision,
            Action::EditTenants,
            Action::EditUsers,
            Action::DecideQuarantine,
            Action::AcknowledgeRepairs,
            Action::ManageKeys,
            Action::OperateFaultLab,
            Action::EditScenarios,
            Action::EditBilling,
            Action::DrainCloud,
            Action::Propose,
            Action::Approve,
            Action::SetAutonomy,
        ];
        for action in Action::ALL {
            assert_eq!(Role::Auditor.may(action), !changes.contains(&action), "{action:?}");
        }
    }

    #[test]
    fn every_action_is_open_to_somebody_and_a_refusal_names_them() {
        for action in Action::ALL {
            assert!(Role::ALL.into_iter().any(|role| role.may(action)));
        }
        assert_eq!(
            Role::Ingest.refusal(Action::EditTenants),
            "The role ingest may not change tenants; admin may."
        );
    }
}
