//! The traffic that meets a stress: shares moved away from the clouds whose providers it makes dearer.
//!
//! Shares are by cloud and a what-if's routing is by provider, so each provider is taken to be the one
//! of its cloud, by its name. One that is of none (an own contract with OpenAI) keeps its part: shares
//! do not move it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::cloud::Cloud;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::study::Inputs;
use crate::fabric::shares::Shares;

/// Shares of the traffic are stated in whole percents.
const SHARE_DECIMALS: u32 = 2;
/// Of a provider, so that they sum to 1 whatever is rounded.
const ROUTE_DECIMALS: u32 = 6;
/// A move is tried in so many steps, the smallest first.
const STEPS: u32 = 4;
/// What the services of the clouds call themselves.
const WORDS: [(&str, Cloud); 7] = [
    ("vertex", Cloud::Gcp),
    ("google", Cloud::Gcp),
    ("gemini", Cloud::Gcp),
    ("bedrock", Cloud::Aws),
    ("amazon", Cloud::Aws),
    ("aws", Cloud::Aws),
    ("azure", Cloud::Azure),
];

/// A division of the traffic that could be proposed, and the same by provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Division {
    pub(super) shares: Shares,
    pub(super) routing: BTreeMap<String, Share>,
    /// What moves, a share of the traffic.
    pub(super) moved: Decimal,
}

/// The clouds that a stress makes dearer.
pub(super) fn dearer(changes: &Scenario) -> BTreeSet<Cloud> {
    let raised = changes.cost.iter().filter(|(_, change)| change.get() > Decimal::ZERO);
    raised.filter_map(|(provider, _)| cloud_of(provider)).collect()
}

/// Divisions with less and less traffic at the dearer clouds, by at most `step_max`. None where a stress
/// makes no cloud dearer, or leaves none to go to.
pub(super) fn divisions(
    inputs: &Inputs,
    in_force: &Shares,
    dearer: &BTreeSet<Cloud>,
    step_max: Share,
) -> Vec<Division> {
    let used = Used::of(inputs);
    let present = used.present(in_force);
    let sum = |clouds: &dyn Fn(&Cloud) -> bool| {
        present.iter().filter(|(cloud, _)| clouds(cloud)).map(|(_, share)| *share).sum::<Decimal>()
    };
    let (there, elsewhere) =
        (sum(&|cloud| dearer.contains(cloud)), sum(&|cloud| !dearer.contains(cloud)));
    if there.is_zero() || elsewhere.is_zero() {
        return Vec::new();
    }
    let step = step_max.get().min(there) / Decimal::from(STEPS);
    let moved = (1..=STEPS).map(|count| (step * Decimal::from(count)).round_dp(SHARE_DECIMALS));
    let moved: BTreeSet<Decimal> = moved.filter(|moved| !moved.is_zero()).collect();
    let division = |moved: Decimal| {
        let scaled = present.iter().map(|(cloud, share)| {
            let (part, of) = if dearer.contains(cloud) {
                (there - moved, there)
            } else {
                (elsewhere + moved, elsewhere)
            };
            (*cloud, *share * part / of)
        });
        let shares = Shares(whole(scaled.collect(), SHARE_DECIMALS)?);
        let routing = used.routing(&shares)?;
        Some(Division { shares, routing, moved })
    };
    moved.into_iter().filter_map(division).collect()
}

fn cloud_of(provider: &str) -> Option<Cloud> {
    let name = provider.to_lowercase();
    WORDS.iter().find(|(word, _)| name.contains(word)).map(|(_, cloud)| *cloud)
}

/// Tokens by provider.
struct Used<'a>(BTreeMap<&'a str, Decimal>);

impl<'a> Used<'a> {
    fn of(inputs: &'a Inputs) -> Self {
        let mut used = BTreeMap::<&str, Decimal>::new();
        for place in &inputs.usage {
            *used.entry(&place.provider).or_default() += place.tokens;
        }
        Used(used)
    }

    fn at(&self, cloud: Option<Cloud>) -> Decimal {
        let there = self.0.iter().filter(|(provider, _)| cloud_of(provider) == cloud);
        there.map(|(_, tokens)| *tokens).sum()
    }

    /// The shares in force, or else those that the usage shows.
    fn present(&self, in_force: &Shares) -> BTreeMap<Cloud, Decimal> {
        if !in_force.0.is_empty() {
            return in_force.0.iter().map(|(cloud, share)| (*cloud, share.get())).collect();
        }
        let tokens = Cloud::ALL.map(|cloud| (cloud, self.at(Some(cloud))));
        let all: Decimal = tokens.iter().map(|(_, tokens)| *tokens).sum();
        let share = |(cloud, tokens): (Cloud, Decimal)| Some((cloud, tokens.checked_div(all)?));
        tokens.into_iter().filter_map(share).filter(|(_, share)| !share.is_zero()).collect()
    }

    /// The same division by provider. `None`: a cloud is to serve of which no cost is known.
    fn routing(&self, shares: &Shares) -> Option<BTreeMap<String, Share>> {
        let all: Decimal = self.0.values().sum();
        let moves = (all - self.at(None)).checked_div(all)?;
        let mut routing = BTreeMap::new();
        for (provider, tokens) in &self.0 {
            let part = match cloud_of(provider) {
                None => tokens.checked_div(all)?,
                Some(cloud) => {
                    let share = shares.0.get(&cloud).map_or(Decimal::ZERO, |share| share.get());
                    moves * share * tokens.checked_div(self.at(Some(cloud)))?
                }
            };
            routing.insert((*provider).to_owned(), part);
        }
        let served = |cloud: &Cloud| !self.at(Some(*cloud)).is_zero();
        let wished = shares.0.iter().filter(|(_, share)| **share > Share::ZERO);
        let all_served = wished.into_iter().all(|(cloud, _)| served(cloud));
        all_served.then(|| whole(routing, ROUTE_DECIMALS)).flatten()
    }
}

/// Rounded, with what rounding leaves at the largest, so that they sum to 1.
fn whole<K: Ord + Clone>(parts: BTreeMap<K, Decimal>, decimals: u32) -> Option<BTreeMap<K, Share>> {
    let mut parts: BTreeMap<K, Decimal> =
        parts.into_iter().map(|(key, part)| (key, part.round_dp(decimals))).collect();
    let rest = Decimal::ONE - parts.values().sum::<Decimal>();
    let largest = parts.iter().max_by_key(|(_, part)| **part)?.0.clone();
    *parts.get_mut(&largest)? += rest;
    let share = |(key, part): (K, Decimal)| Some((key, Share::try_from(part.normalize()).ok()?));
    parts.into_iter().filter(|(_, part)| !part.is_zero()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;

    fn used(pairs: &[(&'static str, i64)]) -> Used<'static> {
        Used(pairs.iter().map(|(name, tokens)| (*name, Decimal::from(*tokens))).collect())
    }

    fn shares(pairs: &[(Cloud, &str)]) -> Shares {
        let share = |text| Share::new("a share", decimal(text)).expect("a share");
        Shares(pairs.iter().map(|(cloud, text)| (*cloud, share(text))).collect())
    }

    #[test]
    fn providers_are_those_of_their_clouds_and_an_own_contract_is_of_none() {
        assert_eq!(cloud_of("vertex"), Some(Cloud::Gcp));
        assert_eq!(cloud_of("Amazon Bedrock"), Some(Cloud::Aws));
        assert_eq!(cloud_of("azure-openai"), Some(Cloud::Azure));
        assert_eq!(cloud_of("openai"), None);
    }

    #[test]
    fn a_division_by_provider_keeps_what_shares_do_not_move_and_sums_to_one() {
        let used = used(&[("azure", 30), ("bedrock", 30), ("openai", 25), ("vertex", 15)]);
        let routing = used.routing(&shares(&[(Cloud::Azure, "0.2"), (Cloud::Aws, "0.8")]));
        let routing = routing.expect("costs are known");
        let of = |name: &str| routing.get(name).map(|share| share.get());
        assert_eq!((of("openai"), of("azure")), (Some(decimal("0.25")), Some(decimal("0.15"))));
        assert_eq!((of("bedrock"), of("vertex")), (Some(decimal("0.6")), None));
        let sum: Decimal = routing.values().map(|share| share.get()).sum();
        assert_eq!(sum, Decimal::ONE);
    }

    #[test]
    fn nobody_is_sent_to_a_cloud_whose_cost_is_not_known() {
        let used = used(&[("azure", 30), ("bedrock", 30)]);
        assert_eq!(used.routing(&shares(&[(Cloud::Gcp, "0.1"), (Cloud::Aws, "0.9")])), None);
    }

    #[test]
    fn thirds_are_whole_percents_that_sum_to_one() {
        let third = Decimal::ONE / Decimal::from(3);
        let parts = Cloud::ALL.map(|cloud| (cloud, third));
        let whole = whole(parts.into(), 2).expect("shares");
        let sum: Decimal = whole.values().map(|share| share.get()).sum();
        assert_eq!(sum, Decimal::ONE);
        assert!(whole.values().all(|share| share.get().scale() <= 2));
    }
}
