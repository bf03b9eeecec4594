//! What about audit snapshots needs a person, in whole sentences.

use app::backend::{Attention, Severity};
use domain::cloud::Cloud;

use crate::snapshot::{Rechecked, Worry};

pub(super) fn attention(me: Cloud, worries: &[Worry]) -> Vec<Attention> {
    worries.iter().map(|worry| about(me, worry)).collect()
}

fn about(me: Cloud, worry: &Worry) -> Attention {
    match worry {
        Worry::Outvoted { period, others } => Attention {
            sentence: format!(
                "{} came to another hash in the snapshot of {period} than the other two clouds.",
                join(others)
            ),
            detail: "Two others agree, so its tables or its program differ. It derives them again \
                     ten minutes after it spoke, and says so if it comes to the same as they did."
                .to_owned(),
            link: format!("/anchors/{period}"),
            link_text: "See the row that differs".to_owned(),
            severity: Severity::Warning,
        },
        Worry::Disagreed { period } => Attention {
            sentence: format!("No two clouds came to one hash in the snapshot of {period}."),
            detail: "Nothing of it can be anchored before that is resolved.".to_owned(),
            link: format!("/anchors/{period}"),
            link_text: "See where they differ".to_owned(),
            severity: Severity::Alarm,
        },
        Worry::Found { found, .. } => found_again(me, found),
        Worry::Failed { why, .. } => Attention {
            sentence: format!("{} could not derive its last snapshot again.", me.title()),
            detail: format!("What stands in its way: {why}."),
            link: "/anchors".to_owned(),
            link_text: "Open the snapshots".to_owned(),
            severity: Severity::Alarm,
        },
    }
}

fn found_again(me: Cloud, found: &Rechecked) -> Attention {
    let count = found.entries.len() as u64 + found.tables.rows;
    let (sentence, detail) = if count == 0 {
        (
            format!("{} came to another hash when it derived its last snapshot again.", me.title()),
            "What it said then is not what its entries add up to now.",
        )
    } else {
        let rows = if count == 1 { "row that was" } else { "rows that were" };
        (
            format!("{} found {count} {rows} changed behind the program’s back.", me.title()),
            match found.tables.not_mended {
                None => {
                    "Everything was derived again from the entries that two clouds signed, and \
                         is right now."
                }
                Some(_) => "It is not put right yet; the node's log says why.",
            },
        )
    };
    Attention {
        sentence,
        detail: detail.to_owned(),
        link: format!("/anchors/{}", found.manifest.period),
        link_text: "See what was found".to_owned(),
        severity: Severity::Warning,
    }
}

fn join(clouds: &[Cloud]) -> String {
    clouds.iter().map(|cloud| cloud.title()).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_outvoted_is_named_with_the_period() {
        let period = "2026-10".parse().expect("a month");
        let told = attention(Cloud::Gcp, &[Worry::Outvoted { period, others: vec![Cloud::Aws] }]);
        assert_eq!(
            told[0].sentence,
            "AWS came to another hash in the snapshot of 2026-10 than the other two clouds."
        );
        assert_eq!(told[0].link, "/anchors/2026-10");
    }
}
