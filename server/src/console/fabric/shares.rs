//! Shares of the traffic in the words of the page Fabric: what is in force since when, by whose
//! decision, and what each network falls to.

use app::backend::{FabricDealt, FabricShares, ShareRow, SharesChange, SharesWaiting};
use domain::catalog::Grounds;
use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::capacity::Over;
use domain::fabric::selector::{Selection, Standing};
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
            rows: self.share_rows(&chain.current(), selection),
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

    /// What each cloud is to get, and what it gets: with stated capacities as the plan fills them, and
    /// otherwise as far as those with a share serve.
    fn share_rows(&self, decided: &Shares, selection: &Selection) -> Vec<ShareRow> {
        let Some((wished, kept)) = decided.wished().zip(selection.shares) else {
            return Vec::new();
        };
        let counted = self.taken().filter(|taken| {
            kept.iter().all(|(cloud, share)| *share <= 0.0 || taken.get(cloud).is_some())
        });
        let over = self.fabric.over(selection);
        Cloud::ALL
            .map(|cloud| {
                let taken = counted.as_ref().and_then(|taken| *taken.get(cloud));
                let now = taken.unwrap_or(*kept.get(cloud));
                let over = over.iter().find(|over| over.cloud == cloud);
                let standing = selection.clouds.get(cloud);
                share_row(cloud, [*wished.get(cloud), *kept.get(cloud), now], standing, over)
            })
            .into_iter()
            .collect()
    }

    /// The part of the expected traffic that each cloud with a stated capacity takes as things stand.
    fn taken(&self) -> Option<PerCloud<Option<f64>>> {
        let flow = self.fabric.capacity_without(None)?;
        let taken = |cloud| flow.flow.values().filter_map(|to| to.get(&cloud)).sum::<f64>();
        let takes = PerCloud::from_fn(taken);
        let all: f64 = takes.iter().map(|(_, per_s)| per_s).sum();
        let capacity = self.fabric.plan().capacity;
        (all > 0.0).then(|| takes.map(|cloud, per_s| capacity.get(cloud).map(|_| per_s / all)))
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

/// Less than this is what rounding leaves.
const LEAST_DIFFERENCE: f64 = 0.000_5;

/// `wished` by people, `kept` by those that serve, and what it gets `now`.
fn share_row(
    cloud: Cloud,
    [wished, kept, now]: [f64; 3],
    standing: &Standing,
    over: Option<&Over>,
) -> ShareRow {
    let differs = |one: f64, other: f64| (one - other).abs() >= LEAST_DIFFERENCE;
    let why = match over {
        _ if wished > 0.0 && standing.down => {
            "It is down: its share goes to the others until it is up again.".to_owned()
        }
        _ if wished > 0.0 && standing.drained => {
            "It is drained: its share goes to the others until it is put back.".to_owned()
        }
        _ if wished > 0.0 && standing.held_out => {
            "It is held out: its share goes to the others until it is steady.".to_owned()
        }
        Some(Over { asked_per_s, takes_per_s, .. }) => format!(
            "It has no room for its share: that is {asked_per_s:.0} requests/s at the busiest, and it \
             takes {takes_per_s:.0}. The rest goes to the others."
        ),
        None if now - kept >= LEAST_DIFFERENCE => {
            "It takes what others have no room for.".to_owned()
        }
        None if kept - wished >= LEAST_DIFFERENCE => {
            "It takes the share of a cloud that does not serve.".to_owned()
        }
        None if differs(now, wished) => {
            "Regions are not all served alike, so it comes to less than its share.".to_owned()
        }
        None => "As decided.".to_owned(),
    };
    let percent = |share: f64| format!("{} %", tenth(100.0 * share));
    ShareRow { cloud, wished: percent(wished), now: percent(now), why }
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
