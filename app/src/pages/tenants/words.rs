//! Why nothing came of a form, and days.

use domain::clock::{DAY_MS, Timestamp};

use crate::query::input_time;

/// The last whole day before: what a contract until then runs to the end of.
pub(super) fn last_day(until: Timestamp) -> String {
    let day = input_time(Timestamp::from_unix_ms(until.unix_ms() - DAY_MS));
    day.split('T').next().unwrap_or_default().to_owned()
}

pub(super) fn refusal(code: &str) -> &'static str {
    match code {
        "changed_meanwhile" => {
            "Nothing was recorded: somebody changed the same since you looked, or set it first. Compare below, and send yours again if it is to be otherwise."
        }
        "taken" => {
            "Nothing was recorded: that id is there already. Open it below to change it, or take another."
        }
        "unchanged" => "Nothing was recorded: that is how it is already.",
        "credits" => {
            "Nothing was recorded: a worse uptime would be credited less than a better one."
        }
        "pending" => {
            "It is recorded, and shows here once it is final. Until then a second try would be a second change."
        }
        "unknownTier" => "Nothing was recorded: no tier of that id has terms or prices.",
        "version_changed" => {
            "Nothing was proposed: another policy is in force since you looked. Try again."
        }
        "already_open" | "proposalId" => {
            "Nothing was proposed: another policy waits for approval. Decide about it first."
        }
        "tenantId" => {
            "Nothing was recorded: an id is 1 to 64 letters, digits, dots, dashes and underscores."
        }
        "name" => "Nothing was recorded: the name must be 1 to 200 printable characters.",
        "tier" => {
            "Nothing was recorded: a tier’s id is 1 to 64 letters, digits, dots, dashes and underscores."
        }
        "cloud" => "Nothing was recorded: the cloud is gcp, aws or azure.",
        "region" => {
            "Nothing was recorded: a region is lower-case letters, digits and dashes, such as eu or us-east-1."
        }
        "bands" => {
            "Nothing was recorded: the ladder must fall from the best uptime to 0, with uptimes of 0 to 100 % and credits of 0 to 100 %."
        }
        "uptime" | "credit" => {
            "Nothing was recorded: each step of the ladder has an uptime and a credit, both numbers."
        }
        "latency" => {
            "Nothing was recorded: the promised latency is a whole number of milliseconds."
        }
        "provider" | "model" => {
            "Nothing was recorded: provider and model must be 1 to 200 printable characters."
        }
        "input"
        | "output"
        | "cached"
        | "inputUsdPerMillion"
        | "outputUsdPerMillion"
        | "cachedUsdPerMillion" => {
            "Nothing was recorded: a price is a number of US dollars a million tokens such as 0.36, with a point, and not negative."
        }
        "from" | "effectiveFrom" => {
            "Nothing was recorded: a price counts from a time on, such as 2027-01-01 00:00 (UTC)."
        }
        "until" => {
            "Nothing was proposed: a contract runs until a day that is to come, and at most ten years from now."
        }
        "policy" => {
            "Nothing was proposed: that is how it is already, or the policy would not hold together."
        }
        "reason" => "Nothing was proposed: the reason must be 1 to 500 printable characters.",
        "busy" => "Nothing was recorded: this cloud has too much to do. Try again.",
        "forbidden" => "Nothing was recorded: your role may not do that.",
        _ => "Nothing was recorded. Try again, or see the log of this cloud.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_the_one_that_ends_then() {
        assert_eq!(last_day("2099-01-01T00:00:00Z".parse().expect("a time")), "2098-12-31");
    }
}
