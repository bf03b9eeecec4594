//! Ninety days of invented usage under many seeds: bounds hold, and everything that can happen
//! does.

use super::*;
use crate::pricing::controls::{Content, Controls};
use crate::pricing::edition::edition;
use crate::pricing::look::Opening;
use crate::pricing::policy::{Answer, Watch};

fn players(seed: u64) -> Vec<Player> {
    let tiers = ["free", "starter", "pro", "enterprise"];
    (0..12_usize)
        .map(|at| {
            let tenant = format!("tenant-{at}");
            let draw = Stream::named(Seed(seed), "usage", &tenant);
            let (size, cost) = (10.0 + 500.0 * draw.uniform(0), 0.2 + 0.6 * draw.uniform(1));
            // One provider raises its prices once, somewhere in the ninety days.
            let raised_at = (90.0 * draw.uniform(2)) as i64;
            let day = |number: i64| {
                let place = 10 + u64::try_from(number).expect("small");
                let noise = 1.0 + 0.05 * draw.normal(place);
                let raised = if number >= raised_at { 1.0 + 0.3 * draw.uniform(3) } else { 1.0 };
                Day {
                    number: 20_000 + number,
                    list_usd: size * (0.8 + 0.4 * draw.uniform(1_000 + place)),
                    cost_of_list: cost * noise * raised,
                    beyond: 0.0,
                }
            };
            Player {
                tenant: TenantId::try_from(tenant).expect("a tenant"),
                tier: tiers[at % 4].to_owned(),
                cloud: Cloud::ALL[at % 3],
                penalty_rate: Share::ZERO,
                days: (0..97).map(day).collect(),
            }
        })
        .collect()
}

#[test]
fn ninety_days_break_no_bound_whatever_the_usage_and_the_answers() {
    let mut sum = Outcome::default();
    for answer in [Answer::Propose, Answer::RollBack] {
        let watch = Watch { slack: 0.005, limit: 0.03, days: 28, answer };
        let policy = Policy { watch, ..Policy::default() };
        for seed in 0..12 {
            let outcome = rehearse(&policy, &players(seed), Seed(seed)).expect("it plays");
            assert_eq!(outcome.broken, Vec::<String>::new(), "seed {seed}");
            assert_eq!((outcome.days, outcome.tenants), (90, 12));
            assert_eq!(outcome.looks, 90 * 12);
            sum.automatic += outcome.automatic;
            sum.approved += outcome.approved;
            sum.rejected += outcome.rejected;
            sum.expired += outcome.expired;
            sum.stale += outcome.stale;
            sum.taken_back += outcome.taken_back;
            sum.held += outcome.held;
        }
    }
    let seen = [sum.automatic, sum.approved, sum.rejected, sum.expired, sum.taken_back, sum.held];
    assert!(seen.iter().all(|count| *count > 0), "everything happens: {sum:?}");
}

#[test]
fn the_same_seed_plays_the_same_and_no_usage_plays_nothing() {
    let policy = Policy::default();
    let play = || rehearse(&policy, &players(3), Seed(9)).expect("it plays");
    assert_eq!(play(), play());
    let nothing = Outcome { days_min: 15, ..Outcome::default() };
    assert_eq!(rehearse(&policy, &[], Seed(1)).expect("it plays"), nothing);
}

#[test]
fn as_many_days_as_the_cool_down_are_too_few_to_judge_and_one_more_is_enough() {
    let policy = Policy::default();
    let play = |days: usize| {
        let mut players = players(3);
        players.iter_mut().for_each(|player| player.days.truncate(days));
        rehearse(&policy, &players, Seed(9)).expect("it plays")
    };
    let (few, enough) = (play(7 + 14), play(7 + 15));
    assert_eq!((few.days, few.days_min, few.is_enough()), (14, 15, false));
    assert_eq!((enough.days, enough.is_enough()), (15, true));
}

#[test]
fn what_breaks_a_bound_is_named() {
    let players = players(1);
    let policy = Policy::default();
    let (player, mut world) = (&players[0], World::begin(&policy, &players, 20_000));
    let jump = Controls { price_of_list: Decimal::new(12, 1), ..Controls::STANDARD };
    let tenant_id = player.tenant.clone();
    let content = Content::Controls { tenant_id, controls: jump };
    let reason = "by hand".to_owned();
    let about = Some(player.about());
    let edition = edition(&world.book(), content, reason, about, None, world.now());
    world.open(Opening { grounds: Grounds::Engine, edition });
    let book = world.book();
    let subject = Subject::Tenant(player.tenant.clone());
    let case = book.open_about(&subject, world.now()).expect("open");
    (0..2).for_each(|person| world.approve(case, person));
    world.apply(case);
    let broken = bounds::broken(&world.book(), &policy, &players);
    assert_eq!(
        broken,
        [
            "version 1 of tenant-0: the step is too large",
            "version 1 of tenant-0: too far within a period"
        ]
    );
}
