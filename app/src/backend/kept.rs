//! A form that was refused, as the server keeps it for its page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::VersionRow;

/// What somebody typed into a form that was refused. Passwords and tokens are never in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptForm {
    /// Stands in the address of its page as `kept`.
    pub id: String,
    /// Of its page, without a query.
    pub path: String,
    /// Which of the forms of that page.
    pub form: String,
    /// The word for what was wrong, which stands in the address as `problem`.
    pub problem: String,
    /// The field that was wrong, by its name in the form; absent where it was none of them.
    pub field: Option<String>,
    pub fields: BTreeMap<String, String>,
    /// What was wrong in whole sentences, where the word alone does not say who was first, or with what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<KeptWords>,
    /// Somebody else changed the same first: what they did. Looked up for each page that is rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overtaken_by: Option<VersionRow>,
}

/// Why a form was refused, as only the server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptWords {
    pub sentence: String,
    /// The proposal that is in the way.
    pub proposal_id: Option<String>,
    /// By each field that was wrong, as the form calls it: why.
    pub wrong: BTreeMap<String, String>,
}
