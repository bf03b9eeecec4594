//! Shares of the traffic in the words of the page Fabric: what is in force since when, by whose
//! decision, and what each network falls to.

use app::backend::{FabricDealt, FabricShares, SharesChange, SharesWaiting};
use domain::catalog::Grounds;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Over;
use domain::fabric::selector::Selection;
use domain::fabric::shares::Shares;
use domain::pricing::book::Case;

use super::super::Console;
use super::super::approvals::vote_words;
use super::{SWITCHES, tenth};
use crate::fabric::{self, Client, bucket, changes, dealing, waiting};

impl Console {
    pub(super) fn fabric_shares(&self, selection: &Selection) -> FabricShares {
        let catalog = self.projection.catalog();
        let (book, chain) = (catalog.book(), catalog.book().shares());
        let last = chain.last();
        let waiting = waiting(book, crate::now());
        FabricShares {
            wished: wished(&chain.current()),
            kept: selection.shares.map(|shares| told_shares(&shares)),
            over: self.over_words(selection),
            version: chain.version(),
            proposal_id: last.map(|last| last.proposal_id.to_string()),
            can_be_taken_back: last.is_some_and(|last| !last.grounds.takes_back()),
            changes: changes(book).take(SWITCHES).map(|change| told_change(&change)).collect(),
            waiting: waiting.map(|(case, shares)| SharesWaiting {
                proposal_id: case.id.to_string(),
                shares: wished(shares),
                by: proposed(case),
            }),
        }
    }

    /// Sentences, one a cloud whose share asks for more than it takes.
    pub(super) fn over_words(&self, selection: &Selection) -> Vec<String> {
        self.fabric.over(selection).iter().map(|over| format!("{over}.")).collect()
    }

    /// Whose proposed shares would ask for more than they take now, with what to say of each.
    pub(in crate::console) fn over_by(&self, shares: &Shares) -> Vec<(Cloud, String)> {
        let then = self.fabric.preview_shares(shares);
        let told = |over: &Over| {
            let Over { asked_per_s, takes_per_s, .. } = over;
            (over.cloud, format!("asks for {asked_per_s:.0} requests/s, takes {takes_per_s:.0}"))
        };
        self.fabric.over(&then).iter().map(told).collect()
    }

    /// What was in force at a past time, and the proposal that it came of.
    pub(super) fn shares_at(&self, at: Timestamp) -> Option<(String, String)> {
        let catalog = self.projection.catalog();
        let then = catalog.book().shares().iter().rev().find(|applied| applied.at <= at)?;
        Some((wished(&then.value)?, then.proposal_id.to_string()))
    }
}

/// How the network of a client falls to a cloud. `None`: none is dealt.
pub(super) fn dealt_of(
    client: &Client,
    region: &str,
    selection: &Selection,
) -> Option<FabricDealt> {
    let by = dealing(selection.regions.get(region), selection)?;
    let bucket = bucket(client, region, selection);
    let share = |share: f64| format!("{} %", tenth(100.0 * share));
    Some(FabricDealt {
        by: told_shares(&by),
        network: bucket.map(|found| (found.network, share(*found.shares.get(found.cloud)))),
    })
}

fn told_change(change: &fabric::SharesChange<'_>) -> SharesChange {
    let applied = change.applied;
    SharesChange {
        at: applied.at,
        version: change.version,
        event_id: applied.event_id.to_string(),
        proposal_id: applied.proposal_id.to_string(),
        before: wished(&change.before),
        after: wished(&applied.value),
        taken_back: applied.grounds.takes_back(),
        by: change.case.map_or_else(String::new, decided),
        reason: change.case.map(|case| case.current().edition.reason.clone()).unwrap_or_default(),
    }
}

/// `proposed by ann, approved by bo`.
fn decided(case: &Case) -> String {
    if case.grounds == Grounds::Rollback {
        return format!("taken back by {}", case.requester());
    }
    let votes: Vec<String> = case.votes().map(vote_words).collect();
    match votes.as_slice() {
        [] => proposed(case),
        votes => format!("{}, approved by {}", proposed(case), votes.join(" and ")),
    }
}

fn proposed(case: &Case) -> String {
    match case.grounds {
        Grounds::Foresight => "proposed by foresight".to_owned(),
        _ => format!("proposed by {}", case.requester()),
    }
}

fn wished(shares: &Shares) -> Option<String> {
    shares.wished().map(|shares| told_shares(&shares))
}

/// `gcp 62.5 %, aws 37.5 %`: who has a share.
pub(super) fn told_shares(shares: &PerCloud<f64>) -> String {
    let some = shares.iter().filter(|(_, share)| **share > 0.0);
    let each = some.map(|(cloud, share)| format!("{cloud} {} %", tenth(100.0 * share)));
    each.collect::<Vec<_>>().join(", ")
}

pub(super) fn told_spills(selection: &Selection) -> Vec<(String, String)> {
    let spills = selection.spills().into_iter();
    spills.map(|(region, shares)| (region, told_shares(&shares))).collect()
}
