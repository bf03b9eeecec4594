//! How many must agree to a list price: by how far it moves what counted before it.
//!
//! A tenant's bill is list price times the tenant's own share, so a list price that moves far moves
//! bills as a tenant's own price does, and asks for as many people. What it is held against stands as
//! facts in the proposal: so every cloud counts the same, and a price that changed meanwhile is seen.
//!
//! Whoever sets a price chooses the time from which it counts, and may choose the same again and again.
//! So it is held against what was recorded before the period as well: that nobody chooses.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;

use super::approval::{Facts, Quorum};
use super::listing::{Part, are_alike, change};
use crate::catalog::PricePut;
use crate::clock::{DAY_MS, LogicalClock, Timestamp};
use crate::economics::EconomicsError;
use crate::economics::quantity::refuse;
use crate::event::{EventId, Slot};

/// Facts of what counts until then, by part.
const BEFORE: [&str; 3] = ["listInput", "listOutput", "listCached"];
/// Facts of what counted the policy's period before: small steps add up.
const EARLIER: [&str; 3] = ["earlierInput", "earlierOutput", "earlierCached"];

/// Facts of what is to count from that very time on, and would be replaced.
const STANDS: [&str; 3] = ["standsInput", "standsOutput", "standsCached"];
/// Facts of what was to count then, as it was recorded the period before.
const RECORDED: [&str; 3] = ["recordedInput", "recordedOutput", "recordedCached"];

/// What has a list price: a model, for a tier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product {
    pub tier: String,
    pub provider: String,
    pub model: String,
}

impl fmt::Display for Product {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{} for {}", self.provider, self.model, self.tier)
    }
}

impl From<&PricePut> for Product {
    fn from(price: &PricePut) -> Self {
        let PricePut { tier, provider, model, .. } = price.clone();
        Product { tier, provider, model }
    }
}

/// Prices by the time from which they count.
type Dated<'a> = BTreeMap<Timestamp, &'a PricePut>;

/// A version of a list price, and where it stands among all events.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub clock: LogicalClock,
    pub slot: Slot,
    pub event_id: EventId,
    pub price: PricePut,
}

impl Recorded {
    fn order(&self) -> (LogicalClock, Slot) {
        (self.clock, self.slot)
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_unix_ms(i64::try_from(self.clock.ms).unwrap_or(i64::MAX))
    }
}

/// Everything that was ever recorded as a product's list price, in the order of the clocks, what was
/// replaced or withdrawn included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versions(Vec<Recorded>);

impl Versions {
    /// In whatever order they are learnt.
    pub fn add(&mut self, recorded: Recorded) {
        let place = self.0.partition_point(|it| it.order() <= recorded.order());
        self.0.insert(place, recorded);
    }

    /// The first first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.0.iter()
    }

    /// Was just that recorded, whatever came after it?
    #[must_use]
    pub fn holds(&self, price: &PricePut) -> bool {
        self.0.iter().any(|it| it.price == *price)
    }

    /// What counts, and from when, by what was recorded until then.
    fn known_at(&self, at: Timestamp) -> Dated<'_> {
        let mut known = Dated::new();
        self.0.iter().take_while(|it| it.at() <= at).for_each(|it| put(&mut known, &it.price));
        known
    }

    fn known(&self) -> Dated<'_> {
        let mut known = Dated::new();
        self.0.iter().for_each(|it| put(&mut known, &it.price));
        known
    }

    /// The price that everything began with.
    fn first(&self) -> Option<&PricePut> {
        let (mut known, mut first) = (Dated::new(), None);
        for it in &self.0 {
            if is_first(&known, &it.price, it.at()) {
                first = Some(&it.price);
            }
            put(&mut known, &it.price);
        }
        first.filter(|_| !known.is_empty())
    }
}

fn put<'a>(known: &mut Dated<'a>, price: &'a PricePut) {
    if price.withdrawn {
        known.remove(&price.effective_from);
    } else {
        known.insert(price.effective_from, price);
    }
}

/// Has nothing counted yet, nor was agreed to? A first price to come is set right until it begins.
fn is_first(known: &Dated<'_>, price: &PricePut, at: Timestamp) -> bool {
    let from = price.effective_from;
    let own = |(since, other): (&Timestamp, &&PricePut)| {
        *since == from && from > at && other.proposal_id.is_none()
    };
    known.iter().all(own)
}

fn counts_at(known: &Dated<'_>, at: Timestamp) -> Option<PricePut> {
    known.range(..=at).next_back().map(|(_, price)| (*price).clone())
}

fn ms_before(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_sub(ms))
}

/// Other prices of the same product, which a price is held against. All absent: it is the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// What counts until its beginning; of a time that is past, what was charged from then on.
    pub before: Option<PricePut>,
    /// What is to begin at just that time. Absent as well where it goes back to what counts today, which
    /// harms nobody.
    pub stands: Option<PricePut>,
    /// What counted the policy's period before its beginning: small steps add up.
    pub earlier: Option<PricePut>,
    /// What was to count at its beginning, by what had been recorded the period before now; of a product
    /// that is younger, its first price.
    pub recorded: Option<PricePut>,
}

impl Beside {
    /// `days`: the policy's period.
    #[must_use]
    pub fn of(versions: &Versions, price: &PricePut, now: Timestamp, days: u32) -> Self {
        let (known, from) = (versions.known(), price.effective_from);
        if is_first(&known, price, now) {
            return Beside::default();
        }
        let (period, is_past) = (i64::from(days) * DAY_MS, from <= now);
        let before = counts_at(&known, if is_past { from } else { ms_before(from, 1) });
        let today = counts_at(&known, now);
        let alike =
            |other: &Option<PricePut>| other.as_ref().is_some_and(|it| are_alike(it, price));
        let goes_back = alike(&before) && alike(&today);
        let stands = known.get(&from).filter(|_| !is_past && !goes_back);
        let then = versions.known_at(ms_before(now, period));
        Beside {
            stands: stands.map(|price| (*price).clone()),
            earlier: counts_at(&known, ms_before(from, period)),
            recorded: counts_at(&then, from).or_else(|| versions.first().cloned()),
            before,
        }
    }

    /// In dollars a million tokens. Empty: it is the first.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let of = |names: [&str; 3], price: &Option<PricePut>| {
            let parts = price.as_ref().map(amounts).into_iter().flatten();
            names.map(str::to_owned).into_iter().zip(parts).collect::<Vec<_>>()
        };
        let all = [
            of(BEFORE, &self.before),
            of(STANDS, &self.stands),
            of(EARLIER, &self.earlier),
            of(RECORDED, &self.recorded),
        ];
        all.into_iter().flatten().collect()
    }

    /// Does everything go on as it does already?
    #[must_use]
    pub fn goes_on(&self, price: &PricePut) -> bool {
        self.stands.is_none() && self.before.as_ref().is_some_and(|it| are_alike(it, price))
    }

    /// Is nothing there that it could change?
    #[must_use]
    pub fn is_first(&self) -> bool {
        *self == Beside::default()
    }
}

/// What counted until then, by part; absent: nothing did.
#[must_use]
pub fn before(facts: &Facts) -> Option<[Decimal; 3]> {
    known(facts, BEFORE)
}

/// How many must agree, beside whoever wants it: by the largest of the changes, at once and over the
/// period. A first price moves nothing, and neither does what goes on as before.
#[must_use]
pub fn persons(facts: &Facts, price: &PricePut, quorum: &Quorum) -> u32 {
    let is = amounts(price);
    let (before, stands) = (before(facts), known(facts, STANDS));
    if before == Some(is) && stands.is_none() {
        return 1;
    }
    let moved = [before, stands, known(facts, EARLIER), known(facts, RECORDED)];
    let moved = moved.into_iter().flatten();
    moved.map(|was| quorum.persons(size(was, is))).max().unwrap_or(1)
}

/// # Errors
/// It is no price, or says what an event alone says: why, and who agreed.
pub fn check(price: &PricePut) -> Result<(), EconomicsError> {
    if let Err(error) = price.check() {
        return Err(refuse("the list price", &error, "a tier, a model and prices of 0 or more"));
    }
    if price.reason.is_some() || price.withdrawn || price.proposal_id.is_some() {
        let given = "more than a price";
        return Err(refuse("the list price", &given, "prices alone: the proposal says why"));
    }
    Ok(())
}

fn amounts(price: &PricePut) -> [Decimal; 3] {
    Part::ALL.map(|part| part.of(price))
}

fn known(facts: &Facts, names: [&str; 3]) -> Option<[Decimal; 3]> {
    let [input, output, cached] = names.map(|name| facts.get(name).copied());
    Some([input?, output?, cached?])
}

/// Of the parts that which moves furthest, either way; from nothing to something is beyond any
/// number.
fn size(was: [Decimal; 3], is: [Decimal; 3]) -> Decimal {
    let parts = was.into_iter().zip(is);
    let sizes = parts.map(|(was, is)| change(was, is).map_or(Decimal::MAX, |it| it.abs()));
    sizes.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::decimal;
    use crate::pricing::policy::Policy;

    fn price(input: &str, output: &str) -> PricePut {
        PricePut {
            tier: "pro".into(),
            provider: "vertex".into(),
            model: "m".into(),
            input_usd_per_million: decimal(input),
            output_usd_per_million: decimal(output),
            cached_usd_per_million: None,
            effective_from: "2026-12-01T00:00:00Z".parse().expect("a time"),
            reason: None,
            withdrawn: false,
            proposal_id: None,
        }
    }

    /// One dollar since January, recorded then; the present is the first of December.
    struct Shop(Versions);

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn now() -> Timestamp {
        at("2026-12-01T00:00:00Z")
    }

    fn from(text: &str, input: &str) -> PricePut {
        PricePut { effective_from: at(text), ..price(input, "4") }
    }

    impl Shop {
        fn open() -> Shop {
            let mut shop = Shop(Versions::default());
            shop.record("2026-01-01T00:00:00Z", from("2026-01-01T00:00:00Z", "1"));
            shop
        }

        fn record(&mut self, when: &str, price: PricePut) {
            let sequence = self.0.iter().count() as u64;
            let ms = u64::try_from(at(when).unix_ms()).expect("a time");
            let slot = Slot { origin: crate::cloud::Cloud::Gcp, epoch: 1, sequence };
            let (clock, event_id) = (LogicalClock { ms, counter: 0 }, EventId(uuid::Uuid::nil()));
            self.0.add(Recorded { clock, slot, event_id, price });
        }

        fn persons(&self, price: &PricePut) -> u32 {
            let beside = Beside::of(&self.0, price, now(), 30);
            persons(&beside.facts(), price, &Policy::default().quorum)
        }

        /// As one admin does it, as long as nobody else has to agree: how far it gets.
        fn push<'a>(&mut self, froms: impl IntoIterator<Item = &'a str>, steps: &[&str]) -> String {
            let mut reached = "1".to_owned();
            for (from_text, step) in froms.into_iter().zip(steps) {
                let wanted = from(from_text, step);
                if self.persons(&wanted) > 1 {
                    break;
                }
                self.record("2026-11-30T23:59:00Z", wanted);
                reached = (*step).to_owned();
            }
            reached
        }
    }

    const STEPS: [&str; 4] = ["1.14", "1.29", "1.45", "1.6"];

    #[test]
    fn the_part_that_moves_furthest_says_how_many_must_agree_at_once_or_over_the_period() {
        let quorum = Policy::default().quorum;
        let (earlier, before) = (price("1", "4"), price("1.12", "4"));
        let of = |is: &PricePut, earlier: Option<&PricePut>| {
            let before = Some(before.clone());
            let beside = Beside { before, earlier: earlier.cloned(), ..Beside::default() };
            persons(&beside.facts(), is, &quorum)
        };
        assert_eq!(of(&price("1.25", "4"), None), 1);
        assert_eq!(of(&price("1.25", "4"), Some(&earlier)), 2, "small steps add up");
        assert_eq!(of(&price("1.12", "3.2"), None), 2);
        assert_eq!(of(&before, Some(&price("9", "9"))), 1, "it goes on as before");
        assert_eq!(persons(&Facts::new(), &price("900", "900"), &quorum), 1, "a first price");
        let free = Beside { before: Some(price("0", "0")), ..Beside::default() }.facts();
        assert_eq!(persons(&free, &price("0.01", "0"), &quorum), 2, "beyond any number");
    }

    #[test]
    fn small_steps_for_one_and_the_same_time_add_up() {
        let (past, now, soon) =
            ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
        for from in [past, now, soon] {
            assert_eq!(Shop::open().push([from; 4], &STEPS), "1.14", "from {from}");
        }
    }

    #[test]
    fn small_steps_for_times_that_are_past_add_up_however_far_apart() {
        let apart = ["2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z"];
        assert_eq!(Shop::open().push(apart, &STEPS), "1.14");
        let later = ["2027-02-01T00:00:00Z", "2027-04-01T00:00:00Z", "2027-06-01T00:00:00Z"];
        assert_eq!(Shop::open().push(later, &STEPS), "1.14");
        // A price for a time before the first one is no first price.
        assert_eq!(Shop::open().persons(&from("2025-06-01T00:00:00Z", "900")), 2);
    }

    #[test]
    fn a_product_younger_than_the_period_is_held_against_its_first_price() {
        let mut shop = Shop(Versions::default());
        let first = "2026-11-20T00:00:00Z";
        shop.record(first, from(first, "1"));
        let days = ["2026-11-22T00:00:00Z", "2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z"];
        assert_eq!(shop.push(days, &STEPS), "1.14");
        assert_eq!(shop.push(["2026-12-01T00:00:00Z"; 3], &STEPS), "1.14");
    }

    #[test]
    fn what_was_recorded_before_the_period_is_what_later_steps_are_held_against() {
        let mut shop = Shop::open();
        shop.record("2026-10-01T00:00:00Z", from("2026-10-01T00:00:00Z", "1.14"));
        assert_eq!(shop.persons(&from("2026-12-02T00:00:00Z", "1.29")), 1);
        let beside = Beside::of(&shop.0, &from("2026-12-02T00:00:00Z", "1.29"), now(), 30);
        assert_eq!(beside.recorded.map(|it| it.input_usd_per_million), Some(decimal("1.14")));
    }

    #[test]
    fn a_first_price_is_set_right_or_withdrawn_until_it_begins() {
        let (mut shop, soon) = (Shop(Versions::default()), "2026-12-05T00:00:00Z");
        shop.record("2026-11-28T00:00:00Z", from(soon, "20"));
        assert_eq!(shop.persons(&from(soon, "2")), 1, "mistyped");
        assert_eq!(
            shop.persons(&from("2026-12-06T00:00:00Z", "900")),
            2,
            "a raise planned beside it"
        );
        shop.record("2026-11-28T01:00:00Z", from(soon, "2"));
        assert_eq!(shop.0.first(), Some(&from(soon, "2")));
        shop.record("2026-11-28T02:00:00Z", PricePut { withdrawn: true, ..from(soon, "2") });
        assert_eq!(shop.0.first(), None);
        assert_eq!(shop.persons(&from(soon, "50")), 1);
        assert!(Beside::of(&shop.0, &from(soon, "50"), now(), 30).is_first());
    }

    #[test]
    fn an_agreed_price_to_come_is_replaced_only_by_what_counts_today() {
        let (mut shop, soon) = (Shop::open(), "2027-01-01T00:00:00Z");
        let proposal_id = Some(uuid::Uuid::from_u128(7));
        shop.record("2026-11-01T00:00:00Z", PricePut { proposal_id, ..from(soon, "2") });
        assert_eq!(shop.persons(&from(soon, "1.1")), 2, "far from what was agreed");
        assert_eq!(shop.persons(&from(soon, "2.1")), 2, "far from what counts until then");
        let back = from(soon, "1");
        assert_eq!(shop.persons(&back), 1);
        assert!(Beside::of(&shop.0, &back, now(), 30).goes_on(&back));
        // What counts just before is not what counts today: it moves bills.
        let later = "2027-02-01T00:00:00Z";
        shop.record("2026-11-01T00:00:00Z", PricePut { proposal_id, ..from(later, "1") });
        assert_eq!(shop.persons(&from(later, "2")), 2);
    }

    #[test]
    fn versions_say_the_same_in_whatever_order_they_are_learnt() {
        let mut shop = Shop::open();
        shop.push(["2026-12-01T00:00:00Z"], &STEPS);
        shop.record("2026-11-30T23:59:30Z", from("2026-12-01T00:00:00Z", "1.1"));
        let mut other = Versions::default();
        shop.0.iter().rev().for_each(|it| other.add(it.clone()));
        assert_eq!(other, shop.0);
        assert!(other.holds(&from("2026-12-01T00:00:00Z", "1.14")), "replaced since");
    }

    #[test]
    fn what_a_proposal_holds_is_a_price_and_nothing_else() {
        assert!(check(&price("1", "4")).is_ok());
        assert!(check(&price("-1", "4")).is_err());
        assert!(check(&PricePut { tier: "Gold plan".into(), ..price("1", "4") }).is_err());
        assert!(check(&PricePut { reason: Some("why".into()), ..price("1", "4") }).is_err());
        assert_eq!(Product::from(&price("1", "4")).to_string(), "vertex/m for pro");
    }
}
