//! How long requests took, as counts: enough for percentiles and stalls, and the same on every cloud.
//!
//! A latency falls into a bucket by its whole microseconds alone: sixteen equal steps to each
//! doubling, the layout of HDR histograms, reckoned in integers. Counts add. So what a set of
//! requests comes to depends neither on their order nor on who adds. Between 1 ms and 71 minutes the
//! middle of a bucket is off by at most 1/32 (3.2 %) of any latency in it; what is shorter or longer is
//! known to be that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// By how much the middle of a bucket may be off, relative to a latency in it between 1 ms and 71
/// minutes.
pub const RELATIVE_ERROR: f64 = 1.0 / 32.0;

/// Sixteen steps to a doubling, as a power of two.
const STEPS_LOG2: u32 = 4;
/// Some 1 ms. What is shorter is counted together: no promise over a network is about less.
const SHORTEST_US: u64 = 1 << 10;
/// Some 71 minutes. What is longer is counted together: a client has given up long before.
const LONGEST_US: u64 = 1 << 32;
/// Keeps every sum and every rank exact, in 64 bits and in binary floating point.
const REQUESTS_MAX: u64 = 1_000_000_000_000;

/// Latencies from one bound up to the next. Ordered by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u64);

impl Bucket {
    /// The bucket of a latency in whole microseconds.
    #[must_use]
    pub const fn of_us(us: u64) -> Self {
        if us < SHORTEST_US {
            return Bucket(0);
        }
        if us >= LONGEST_US {
            return Bucket(LONGEST_US);
        }
        let below = us.ilog2() - STEPS_LOG2;
        Bucket(us >> below << below)
    }

    /// The shortest latency in it, in microseconds. It names the bucket.
    #[must_use]
    pub const fn from_us(self) -> u64 {
        self.0
    }

    /// The bucket of this name.
    #[must_use]
    pub fn named(from_us: u64) -> Option<Self> {
        let bucket = Bucket::of_us(from_us);
        (bucket.0 == from_us).then_some(bucket)
    }

    /// What stands for its latencies, in seconds: the middle. Of those that are counted together at
    /// the long end, the least.
    #[must_use]
    pub fn middle_s(self) -> f64 {
        let width = match self.0 {
            0 => SHORTEST_US,
            LONGEST_US => 0,
            from_us => 1 << (from_us.ilog2() - STEPS_LOG2),
        };
        (self.0 + width / 2) as f64 / 1e6
    }
}

/// Requests by how long they took. On the wire, pairs of a bucket's name and its requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Latencies(BTreeMap<Bucket, u64>);

/// The pairs are no counted latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLatencies {
    #[error(
        "{0} µs is not where a bucket begins; sixteen equal steps lead to each double of 1024 µs"
    )]
    NoBucket(u64),
    #[error("the bucket from {0} µs stands there twice or without requests")]
    NoCount(u64),
    #[error("more than {REQUESTS_MAX} requests")]
    TooMany,
}

impl Latencies {
    /// Counts a request that took so long.
    pub fn record_us(&mut self, us: u64) {
        self.add(Bucket::of_us(us), 1);
    }

    pub fn add(&mut self, bucket: Bucket, requests: u64) {
        if requests > 0 {
            let count = self.0.entry(bucket).or_default();
            *count = count.saturating_add(requests);
        }
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Latencies) {
        other.0.iter().for_each(|(bucket, requests)| self.add(*bucket, *requests));
    }

    #[must_use]
    pub fn requests(&self) -> u64 {
        self.0.values().fold(0, |sum, requests| sum.saturating_add(*requests))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The shortest latency first.
    pub fn counts(&self) -> impl Iterator<Item = (Bucket, u64)> {
        self.0.iter().map(|(bucket, requests)| (*bucket, *requests))
    }

    /// How many of the requests took at most so long.
    #[must_use]
    pub fn within_s(&self, limit_s: f64) -> u64 {
        let within = self.counts().take_while(|(bucket, _)| bucket.middle_s() <= limit_s);
        within.map(|(_, requests)| requests).sum()
    }

    /// `None` if there are none.
    #[must_use]
    pub fn mean_s(&self) -> Option<f64> {
        let sum_s = self
            .counts()
            .fold(0.0, |sum_s, (bucket, requests)| sum_s + bucket.middle_s() * requests as f64);
        (!self.is_empty()).then(|| sum_s / self.requests() as f64)
    }

    /// The latency of the request at this place, the shortest being the first. `None` beyond all.
    #[must_use]
    pub fn ranked_s(&self, rank: u64) -> Option<f64> {
        let mut upto = 0;
        let reaches = |(_, requests): &(Bucket, u64)| {
            upto += requests;
            upto >= rank
        };
        self.counts().find(reaches).map(|(bucket, _)| bucket.middle_s())
    }

    /// The latency that this many of a hundred requests stay within. `None` if there are none.
    #[must_use]
    pub fn percentile_s(&self, percent: u8) -> Option<f64> {
        let rank = u128::from(self.requests()) * u128::from(percent.min(100));
        let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(u64::MAX);
        self.ranked_s(rank.max(1))
    }
}

impl From<Latencies> for Vec<(u64, u64)> {
    fn from(latencies: Latencies) -> Self {
        latencies.0.into_iter().map(|(bucket, requests)| (bucket.from_us(), requests)).collect()
    }
}

impl TryFrom<Vec<(u64, u64)>> for Latencies {
    type Error = BadLatencies;

    fn try_from(pairs: Vec<(u64, u64)>) -> Result<Self, BadLatencies> {
        let mut latencies = Latencies::default();
        let mut all: u64 = 0;
        for (from_us, requests) in pairs {
            let bucket = Bucket::named(from_us).ok_or(BadLatencies::NoBucket(from_us))?;
            all = all.saturating_add(requests);
            if all > REQUESTS_MAX {
                return Err(BadLatencies::TooMany);
            }
            if requests == 0 || latencies.0.insert(bucket, requests).is_some() {
                return Err(BadLatencies::NoCount(from_us));
            }
        }
        Ok(latencies)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(all_us: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        all_us.iter().for_each(|us| latencies.record_us(*us));
        latencies
    }

    /// From a microsecond to a day, as dense at the short end as at the long one.
    fn latency_us() -> impl Strategy<Value = u64> {
        (0_u32..37).prop_flat_map(|octave| (1_u64 << octave)..(2_u64 << octave))
    }

    #[test]
    fn buckets_meet_without_gap_and_each_is_named_by_where_it_begins() {
        let mut us = 0;
        let mut buckets = 0;
        while us < LONGEST_US {
            let bucket = Bucket::of_us(us);
            assert_eq!((bucket.from_us(), Bucket::named(us)), (us, Some(bucket)));
            let width = if us == 0 { SHORTEST_US } else { 1 << (us.ilog2() - STEPS_LOG2) };
            assert_eq!(Bucket::of_us(us + width - 1), bucket);
            us += width;
            buckets += 1;
        }
        assert_eq!(buckets, 1 + 22 * 16);
        assert_eq!(Bucket::of_us(u64::MAX), Bucket::of_us(LONGEST_US));
        assert_eq!(Bucket::named(1025), None);
    }

    #[test]
    fn pairs_that_no_counting_gave_are_refused() {
        let read = |pairs: &[(u64, u64)]| Latencies::try_from(pairs.to_vec());
        assert_eq!(read(&[(1024, 2), (1025, 1)]), Err(BadLatencies::NoBucket(1025)));
        assert_eq!(read(&[(1024, 2), (1024, 1)]), Err(BadLatencies::NoCount(1024)));
        assert_eq!(read(&[(1024, 0)]), Err(BadLatencies::NoCount(1024)));
        assert_eq!(read(&[(1024, u64::MAX), (2048, 9)]), Err(BadLatencies::TooMany));
        assert_eq!(read(&[(0, 1), (LONGEST_US, 1)]).map(|it| it.requests()), Ok(2));
    }

    #[test]
    fn percentiles_are_those_of_the_request_at_their_place() {
        let all: Vec<u64> = (1..=200).map(|at| at * 10_000).collect();
        let latencies = counted(&all);
        for (percent, exact_s) in [(0, 0.01), (1, 0.02), (50, 1.0), (99, 1.98), (100, 2.0)] {
            let found = latencies.percentile_s(percent).expect("there are some");
            assert!((found / exact_s - 1.0).abs() <= RELATIVE_ERROR, "{percent}: {found}");
        }
        assert_eq!(Latencies::default().percentile_s(50), None);
        // 1.01 s falls into the bucket of 1 s, whose middle is just below.
        assert_eq!((latencies.ranked_s(201), latencies.within_s(1.0)), (None, 101));
        let mean = latencies.mean_s().expect("there are some");
        assert!((mean / 1.005 - 1.0).abs() <= RELATIVE_ERROR, "{mean}");
        assert_eq!(Latencies::default().mean_s(), None);
    }

    proptest! {
        #[test]
        fn merging_commutes_associates_and_is_counting_all_at_once(
            one in prop::collection::vec(latency_us(), 0..40),
            two in prop::collection::vec(latency_us(), 0..40),
            three in prop::collection::vec(latency_us(), 0..40),
        ) {
            let merged = |parts: &[&Latencies]| {
                let mut sum = Latencies::default();
                parts.iter().for_each(|part| sum.merge(part));
                sum
            };
            let (a, b, c) = (counted(&one), counted(&two), counted(&three));
            let all = counted(&[one, two, three].concat());
            prop_assert_eq!(&merged(&[&merged(&[&a, &b]), &c]), &all);
            prop_assert_eq!(&merged(&[&a, &merged(&[&b, &c])]), &all);
            prop_assert_eq!(&merged(&[&c, &b, &a]), &all);
            let text = serde_json::to_string(&all).expect("json");
            prop_assert_eq!(&serde_json::from_str::<Latencies>(&text).expect("reads"), &all);
        }

        #[test]
        fn a_percentile_is_as_near_to_the_exact_one_as_is_said(
            mut all in prop::collection::vec(SHORTEST_US..LONGEST_US, 1..300),
            percent in 1_u8..=100,
        ) {
            let found = counted(&all).percentile_s(percent).expect("there are some");
            all.sort_unstable();
            let exact = all[(all.len() * usize::from(percent)).div_ceil(100) - 1] as f64 / 1e6;
            prop_assert!((found - exact).abs() <= exact * RELATIVE_ERROR, "{} {}", found, exact);
        }
    }
}
