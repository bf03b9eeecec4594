//! The traffic that meets a stress: shares moved away from the clouds whose providers it makes
//! dearer.
//!
//! Shares are by cloud and a what-if's routing is by provider, so each provider is taken to be the
//! one of its cloud, by its name. One that is of none (an own contract with OpenAI) keeps its part:
//! shares do not move it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};

use super::room::Most;
use crate::catalog::Unmoved;
use crate::cloud::Cloud;
use crate::economics::quantity::Share;
use crate::economics::scenario::Scenario;
use crate::economics::study::Inputs;
use crate::fabric::shares::Shares;

/// Shares of the traffic are stated in whole percents.
pub(super) const SHARE_DECIMALS: u32 = 2;
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
    /// What each cloud has now.
    pub(super) present: BTreeMap<Cloud, Decimal>,
    /// The same by provider.
    pub(super) routing: BTreeMap<String, Share>,
    /// What moves in fact, after all rounding: a share of the traffic.
    pub(super) moved: Decimal,
}

/// The clouds that a stress makes dearer.
pub(super) fn dearer(changes: &Scenario) -> BTreeSet<Cloud> {
    let raised = changes.cost.iter().filter(|(_, change)| change.get() > Decimal::ZERO);
    raised.filter_map(|(provider, _)| cloud_of(provider)).collect()
}

/// Divisions with less and less traffic at the dearer clouds, which move at most `step_max` of it,
/// shares rounded, and give no cloud more than it can take: what one has beyond that now goes to
/// the others too. None where a stress makes no cloud dearer, or leaves none to go to.
///
/// # Errors
/// [`Unmoved::NoRoom`]: nobody elsewhere can take a hundredth more, or all together cannot take the
/// traffic within what may move at once.
pub(super) fn divisions(
    inputs: &Inputs,
    in_force: &Shares,
    dearer: &BTreeSet<Cloud>,
    step_max: Share,
    most: &Most,
) -> Result<Vec<Division>, Unmoved> {
    Used::of(inputs).divisions(in_force, dearer, step_max, most)
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

    fn divisions(
        &self,
        in_force: &Shares,
        dearer: &BTreeSet<Cloud>,
        step_max: Share,
        most: &Most,
    ) -> Result<Vec<Division>, Unmoved> {
        let present = self.present(in_force);
        let (there, elsewhere): (BTreeMap<Cloud, Decimal>, BTreeMap<Cloud, Decimal>) =
            present.iter().partition(|(cloud, _)| dearer.contains(*cloud));
        let limit = step_max.get().min(there.values().sum());
        if limit.is_zero() || elsewhere.is_empty() {
            return Ok(Vec::new());
        }
        let filling = Filling::of(&there, &elsewhere, most);
        let limit = limit.min(filling.free).min(step_max.get() - filling.surplus);
        if limit < Decimal::new(1, SHARE_DECIMALS) {
            return Err(Unmoved::NoRoom);
        }
        let step = limit / Decimal::from(STEPS);
        let planned = (1..=STEPS).map(|count| {
            let moved = step * Decimal::from(count);
            moved.round_dp_with_strategy(SHARE_DECIMALS, RoundingStrategy::ToZero)
        });
        let planned: BTreeSet<Decimal> = planned.filter(|moved| !moved.is_zero()).collect();
        let fits = |cloud: &Cloud, share: Decimal| {
            present.get(cloud).is_none_or(|present| share <= most.of_cloud(*cloud, *present))
        };
        let division = |planned: Decimal| {
            let shares = Shares(whole(filling.divided(planned)?, SHARE_DECIMALS, fits)?);
            // Rounding moves traffic too: a hundredth more than planned, or back to where it was.
            let (away, moved) = moved(&present, &shares, dearer);
            if away <= Decimal::ZERO || moved > step_max.get() {
                return None;
            }
            let routing = self.routing(&shares)?;
            Some(Division { shares, present: present.clone(), routing, moved })
        };
        let mut tried: Vec<Division> = planned.into_iter().filter_map(division).collect();
        // What a dearer cloud cannot take leaves it anyhow, however little is planned.
        tried.dedup_by(|a, b| a.shares == b.shares);
        if tried.is_empty() && filling.is_over { Err(Unmoved::NoRoom) } else { Ok(tried) }
    }

    fn at(&self, cloud: Option<Cloud>) -> Decimal {
        let there = self.0.iter().filter(|(provider, _)| cloud_of(provider) == cloud);
        there.map(|(_, tokens)| *tokens).sum()
    }

    /// The shares in force, or else those that the usage shows.
    fn present(&self, in_force: &Shares) -> BTreeMap<Cloud, Decimal> {
        if !in_force.0.is_empty() {
            let shares = in_force.0.iter().map(|(cloud, share)| (*cloud, share.get()));
            return shares.filter(|(_, share)| !share.is_zero()).collect();
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
        all_served.then(|| whole(routing, ROUTE_DECIMALS, |_, _| true)).flatten()
    }
}

/// How the clouds are filled: each up to what it can take.
struct Filling {
    /// What the dearer clouds have, and what each can take.
    there: BTreeMap<Cloud, (Decimal, Decimal)>,
    /// What the others keep.
    kept: BTreeMap<Cloud, Decimal>,
    /// How much more each of the others can take.
    room: BTreeMap<Cloud, Decimal>,
    /// What the others have beyond what they can take, which goes elsewhere too.
    surplus: Decimal,
    /// The room that is left for what comes from the dearer clouds.
    free: Decimal,
    /// Has any cloud more than it can take?
    is_over: bool,
}

impl Filling {
    fn of(
        there: &BTreeMap<Cloud, Decimal>,
        elsewhere: &BTreeMap<Cloud, Decimal>,
        most: &Most,
    ) -> Self {
        let most_of = |(cloud, share): (&Cloud, &Decimal)| (*share, most.of_cloud(*cloud, *share));
        let bounded = |all: &BTreeMap<Cloud, Decimal>| -> BTreeMap<Cloud, (Decimal, Decimal)> {
            all.iter().map(|(cloud, share)| (*cloud, most_of((cloud, share)))).collect()
        };
        let (there, elsewhere) = (bounded(there), bounded(elsewhere));
        let kept: BTreeMap<Cloud, Decimal> =
            elsewhere.iter().map(|(cloud, (share, most))| (*cloud, *share.min(most))).collect();
        let room: BTreeMap<Cloud, Decimal> =
            elsewhere.iter().map(|(cloud, (_, most))| (*cloud, *most - kept[cloud])).collect();
        let had: Decimal = elsewhere.values().map(|(share, _)| *share).sum();
        let surplus = had - kept.values().sum::<Decimal>();
        let free = room.values().sum::<Decimal>() - surplus;
        let is_over = there.values().chain(elsewhere.values()).any(|(share, most)| share > most);
        Filling { there, kept, room, surplus, free, is_over }
    }

    /// So much less for the dearer clouds, or more where they cannot take what is left, and more
    /// for the others: by what each keeps, and none beyond its room. `None`: all together cannot
    /// take it.
    fn divided(&self, planned: Decimal) -> Option<BTreeMap<Cloud, Decimal>> {
        let sum: Decimal = self.there.values().map(|(share, _)| *share).sum();
        let mut shares: BTreeMap<Cloud, Decimal> = BTreeMap::new();
        for (cloud, (share, most)) in &self.there {
            shares.insert(*cloud, (*share * (sum - planned)).checked_div(sum)?.min(*most));
        }
        let away = sum - shares.values().sum::<Decimal>();
        if away > self.free {
            return None;
        }
        shares.extend(&self.kept);
        self.poured(away + self.surplus, &mut shares);
        Some(shares)
    }

    fn poured(&self, mut left: Decimal, shares: &mut BTreeMap<Cloud, Decimal>) {
        let mut open = self.kept.clone();
        // A cloud that can take nothing at all has nothing to go by.
        open.retain(|cloud, kept| !kept.is_zero() && !self.room[cloud].is_zero());
        while !open.is_empty() {
            let of: Decimal = open.values().sum();
            let fair = |cloud: &Cloud| left * self.kept[cloud] / of;
            // Whoever is full leaves the rest to the others.
            let full: Vec<Cloud> =
                open.keys().copied().filter(|it| fair(it) >= self.room[it]).collect();
            let gets: BTreeMap<Cloud, Decimal> = if full.is_empty() {
                open.keys().map(|cloud| (*cloud, fair(cloud))).collect()
            } else {
                full.iter().map(|cloud| (*cloud, self.room[cloud])).collect()
            };
            for (cloud, more) in gets {
                *shares.entry(cloud).or_default() += more;
                left -= more;
                open.remove(&cloud);
            }
        }
    }
}

/// What a division takes from the dearer clouds, and what it takes from any: shares of the traffic.
fn moved(
    present: &BTreeMap<Cloud, Decimal>,
    shares: &Shares,
    dearer: &BTreeSet<Cloud>,
) -> (Decimal, Decimal) {
    let (mut away, mut moved) = (Decimal::ZERO, Decimal::ZERO);
    for (cloud, share) in present {
        let lost = *share - shares.0.get(cloud).map_or(Decimal::ZERO, |share| share.get());
        if dearer.contains(cloud) {
            away += lost;
        }
        moved += lost.max(Decimal::ZERO);
    }
    (away, moved)
}

/// Rounded, with what rounding leaves at the largest that it fits, so that they sum to 1.
fn whole<K: Ord + Clone>(
    parts: BTreeMap<K, Decimal>,
    decimals: u32,
    fits: impl Fn(&K, Decimal) -> bool,
) -> Option<BTreeMap<K, Share>> {
    let rounded = |(key, part): (K, Decimal)| {
        let near = part.round_dp(decimals);
        let down = || part.round_dp_with_strategy(decimals, RoundingStrategy::ToZero);
        let part = if fits(&key, near) { near } else { down() };
        (key, part)
    };
    let mut parts: BTreeMap<K, Decimal> = parts.into_iter().map(rounded).collect();
    let rest = Decimal::ONE - parts.values().sum::<Decimal>();
    let takes = |(key, part): &(&K, &Decimal)| rest <= Decimal::ZERO || fits(key, **part + rest);
    let largest = parts.iter().filter(takes).max_by_key(|(_, part)| **part)?.0.clone();
    *parts.get_mut(&largest)? += rest;
    let share = |(key, part): (K, Decimal)| Some((key, Share::try_from(part.normalize()).ok()?));
    parts.into_iter().filter(|(_, part)| !part.is_zero()).map(share).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::prelude::ToPrimitive as _;

    use super::super::room::Room;
    use super::*;
    use crate::cloud::PerCloud;
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

    fn share_of(text: &str) -> Share {
        Share::new("a share", decimal(text)).expect("a share")
    }

    #[test]
    fn a_third_moves_by_less_than_a_fifth_and_not_by_a_little_more() {
        let used = used(&[("azure", 1), ("bedrock", 1), ("vertex", 1)]);
        let dearer = BTreeSet::from([Cloud::Azure]);
        let tried = used.divisions(&Shares::default(), &dearer, share_of("0.2"), &Most::default());
        let tried = tried.expect("there is room");
        // A third less a fifth is 13.3 %: in whole percents that would be 20.3 % of the traffic.
        let azure = |division: &Division| division.shares.0.get(&Cloud::Azure).map(|it| it.get());
        let left: Vec<_> = tried.iter().filter_map(azure).collect();
        assert_eq!(left, [decimal("0.28"), decimal("0.23"), decimal("0.18")]);
        let third = Decimal::ONE / Decimal::from(3);
        assert!(tried.iter().zip(&left).all(|(it, left)| it.moved == third - left), "{tried:?}");
    }

    proptest! {
        #[test]
        fn no_division_moves_more_than_is_let_through_or_nothing_away(
            azure in 1..1_000i64, bedrock in 1..1_000i64, vertex in 0..1_000i64,
            step in 0..=100i64, both in any::<bool>(),
            demand in 0..1_000u32, can in [0..1_000u32, 0..1_000, 0..1_000], stated in any::<[bool; 3]>(),
        ) {
            let used = used(&[("azure", azure), ("bedrock", bedrock), ("vertex", vertex)]);
            let mut dearer = BTreeSet::from([Cloud::Azure]);
            if both {
                dearer.insert(Cloud::Gcp);
            }
            let present = used.present(&Shares::default());
            let step_max = share_of(&Decimal::new(step, 2).to_string());
            let capacity = PerCloud::from_fn(|cloud| {
                stated[cloud.index()].then(|| f64::from(can[cloud.index()]))
            });
            let most = Most::of(&Room { demand_per_s: f64::from(demand), capacity });
            let tried = used.divisions(&Shares::default(), &dearer, step_max, &most);
            for division in tried.unwrap_or_default() {
                prop_assert_eq!(division.shares.check(), Ok(()));
                let of = |cloud: &Cloud| {
                    division.shares.0.get(cloud).map_or(Decimal::ZERO, |share| share.get())
                };
                let lost = present.iter().map(|(cloud, share)| *share - of(cloud));
                let moved: Decimal = lost.filter(|lost| *lost > Decimal::ZERO).sum();
                prop_assert_eq!(moved, division.moved);
                prop_assert!(moved > Decimal::ZERO && moved <= step_max.get());
                let there = |share: &dyn Fn(&Cloud) -> Decimal| -> Decimal {
                    dearer.iter().map(share).sum()
                };
                let before = |cloud: &Cloud| present.get(cloud).copied().unwrap_or_default();
                prop_assert!(there(&of) < there(&before));
                let fits = |cloud: &Cloud| of(cloud) <= most.of_cloud(*cloud, before(cloud));
                prop_assert!(present.keys().all(fits), "{:?} of {:?}", division.shares, most);
                for (cloud, capacity) in capacity.iter().filter(|_| demand > 0) {
                    let per_s = of(&cloud).to_f64().expect("small") * f64::from(demand);
                    prop_assert!(capacity.is_none_or(|most| per_s <= most), "{cloud}: {per_s}");
                }
            }
        }
    }

    #[test]
    fn a_cloud_that_is_nearly_full_leaves_the_rest_to_the_other_and_full_ones_take_nothing() {
        let used = used(&[("azure", 40), ("bedrock", 30), ("vertex", 30)]);
        let dearer = BTreeSet::from([Cloud::Azure]);
        let tried = |gcp, aws| {
            let capacity = PerCloud { gcp: Some(gcp), aws: Some(aws), azure: Some(500.0) };
            let most = Most::of(&Room { demand_per_s: 1_000.0, capacity });
            used.divisions(&Shares::default(), &dearer, share_of("0.2"), &most)
        };
        // Four fifths of 400 are 32 % of the demand: 2 % more than it has.
        let largest = tried(400.0, 900.0).expect("there is room").pop().expect("a division");
        let wished = shares(&[(Cloud::Gcp, "0.32"), (Cloud::Aws, "0.48"), (Cloud::Azure, "0.2")]);
        assert_eq!(largest.shares, wished);
        let less = tried(400.0, 400.0).expect("some room").pop().expect("a division");
        assert_eq!(less.moved, decimal("0.04"), "as much as both can take");
        assert_eq!(tried(375.0, 300.0), Err(Unmoved::NoRoom));
    }

    #[test]
    fn what_a_cloud_has_beyond_what_it_can_take_goes_to_the_others_too() {
        let used = used(&[("azure", 40), ("bedrock", 35), ("vertex", 25)]);
        let dearer = BTreeSet::from([Cloud::Azure]);
        // Four fifths of 375 are 30 %, and 35 % go there today.
        let tried = |gcp| {
            let capacity = PerCloud { gcp: Some(gcp), aws: Some(375.0), azure: Some(900.0) };
            let most = Most::of(&Room { demand_per_s: 1_000.0, capacity });
            used.divisions(&Shares::default(), &dearer, share_of("0.2"), &most)
        };
        let largest = tried(900.0).expect("there is room").pop().expect("a division");
        let wished = shares(&[(Cloud::Gcp, "0.45"), (Cloud::Aws, "0.3"), (Cloud::Azure, "0.25")]);
        assert_eq!((largest.shares, largest.moved), (wished, decimal("0.2")));
        assert_eq!(largest.present[&Cloud::Aws], decimal("0.35"));
        assert_eq!(largest.routing["bedrock"], share_of("0.3"), "and that is what is drawn");
        // All that gcp can take more is what aws cannot.
        assert_eq!(tried(375.0), Err(Unmoved::NoRoom));
    }

    #[test]
    fn a_dearer_cloud_that_is_too_full_gives_up_at_least_what_it_cannot_take() {
        let used = used(&[("azure", 60), ("bedrock", 40)]);
        let dearer = BTreeSet::from([Cloud::Azure]);
        let tried = |azure, step| {
            let capacity = PerCloud { gcp: None, aws: Some(2_000.0), azure: Some(azure) };
            let most = Most::of(&Room { demand_per_s: 1_000.0, capacity });
            used.divisions(&Shares::default(), &dearer, share_of(step), &most)
        };
        let all = tried(625.0, "0.2").expect("there is room");
        let left: Vec<_> = all.iter().map(|it| it.shares.0[&Cloud::Azure].get()).collect();
        assert_eq!(left, [decimal("0.5"), decimal("0.45"), decimal("0.4")]);
        assert_eq!(
            tried(500.0, "0.1"),
            Err(Unmoved::NoRoom),
            "a fifth is too much, a tenth may move"
        );
    }

    #[test]
    fn thirds_are_whole_percents_that_sum_to_one() {
        let third = Decimal::ONE / Decimal::from(3);
        let parts = Cloud::ALL.map(|cloud| (cloud, third));
        let whole = whole(parts.into(), 2, |_, _| true).expect("shares");
        let sum: Decimal = whole.values().map(|share| share.get()).sum();
        assert_eq!(sum, Decimal::ONE);
        assert!(whole.values().all(|share| share.get().scale() <= 2));
    }
}
