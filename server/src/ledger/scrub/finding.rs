//! What was found wrong, in a form for screens, programs and logs.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::log::LogId;
use serde::{Deserialize, Serialize};

/// One wrong field of one stored row, tile, head or signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub at: Timestamp,
    pub log: LogId,
    /// `gcp/1/204`, `gcp/1 tile/0/003`, `gcp/1 head`, `gcp/1 signature of aws at 77`.
    pub place: String,
    /// The place in the log, where it is a row.
    pub sequence: Option<u64>,
    /// The column; `row`, `tile` or `signature` as a whole; `content` where only another copy
    /// could tell which column.
    pub field: String,
    /// What was there: payload and salt by their digest only. Their bytes stand in the table
    /// `ledger_repair`.
    pub found: String,
    pub right: Option<String>,
    pub outcome: Outcome,
}

/// What came of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Outcome {
    /// From a cloud's copy, after it was verified; from none where the right value follows from
    /// what stands here.
    Repaired { source: Option<Cloud> },
    /// Nothing was changed.
    Open { reason: String },
}

impl Finding {
    #[must_use]
    pub const fn is_repaired(&self) -> bool {
        matches!(self.outcome, Outcome::Repaired { .. })
    }

    /// `AWS's copy of gcp/1/204 had another payload; repaired from Google Cloud at 12:41:06 UTC.`
    #[must_use]
    pub fn sentence(&self, me: Cloud) -> String {
        let whose = format!("{}'s copy of {}", me.title(), self.place);
        let what = match self.field.as_str() {
            "row" | "tile" if self.found == MISSING => "was missing".to_owned(),
            "row" => format!("was {}", self.found),
            "content" => "had other contents".to_owned(),
            field => format!("had another {}", field.replace('_', " ")),
        };
        match &self.outcome {
            Outcome::Repaired { source } => {
                let at = self.at.to_string();
                let at = at.get(11..19).unwrap_or(&at).to_owned();
                match source {
                    Some(cloud) => {
                        format!("{whose} {what}; repaired from {} at {at} UTC.", cloud.title())
                    }
                    None => format!("{whose} {what}; repaired at {at} UTC."),
                }
            }
            Outcome::Open { reason } => format!("{whose} {what}; not repaired: {reason}."),
        }
    }
}

/// What stands in [`Finding::found`] where nothing was.
pub(super) const MISSING: &str = "missing";
