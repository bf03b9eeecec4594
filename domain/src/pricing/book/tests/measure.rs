//! How a proposed price stands to the bounds of its rule.

use super::*;

const DAY: u64 = 24 * HOUR_MS;

/// Within or not, and the words, in the order of the bounds.
fn measured(world: &World, edition: &Edition) -> Vec<(Option<bool>, String)> {
    let found = world.book().measured(edition, world.now());
    found.into_iter().map(|it| (it.within, it.bound.to_string())).collect()
}

fn with_facts(world: &World, after: &str) -> Edition {
    let mut edition = world.edition(content(price(after)));
    edition.facts = Facts::from([
        ("margin".to_owned(), decimal("0.3")),
        ("costOfList".to_owned(), decimal("0.7")),
    ]);
    edition
}

#[test]
fn a_persons_price_is_measured_against_each_bound_with_its_numbers() {
    let mut world = World { ms: 100 * DAY, ..World::default() };
    let found = measured(&world, &with_facts(&world, "1.2"));
    let within: Vec<Option<bool>> = found.iter().map(|(within, _)| *within).collect();
    assert_eq!(within, [Some(false), Some(false), Some(true), Some(true), Some(true), Some(true)]);
    assert_eq!(found[0].1, "+20 %; at most ±8 % at once");
    assert!(found[1].1.starts_with("+20 % from 100 % of the list price"), "{}", found[1].1);
    assert_eq!(found[4].1, "a margin of 41.67 % at this price; at least 35 %");
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    world.approve("bob", id);
    world.apply(id);
    world.ms += 3 * DAY;
    let after = measured(&world, &with_facts(&world, "1.16"));
    assert_eq!(after[0].0, Some(true), "5.45 % at once: {}", after[0].1);
    // The period began before the change, at the list price.
    assert_eq!(after[1].0, Some(false), "{}", after[1].1);
    let rest = "3 days since the last change; at least 14 days of rest";
    assert_eq!(after[2], (Some(false), rest.to_owned()));
}

#[test]
fn a_price_is_measured_by_what_it_moves_and_not_by_what_is_beyond_the_cap() {
    let mut world = World { ms: 100 * DAY, ..World::default() };
    let capped = |of_list| Controls {
        token_cap: Some(1_000),
        overage_of_list: Some(decimal("2")),
        ..price(of_list)
    };
    let id = world.open(Some("ann"), Grounds::Person, content(capped("1")));
    world.approve("bob", id);
    world.approve("cem", id);
    world.apply(id);
    world.ms += 30 * DAY;
    let mut edition = world.edition(content(capped("1.2")));
    edition.facts = Facts::from([
        ("margin".to_owned(), decimal("0.5")),
        ("costOfList".to_owned(), decimal("0.7")),
        ("beyondCap".to_owned(), decimal("0.4")),
    ]);
    // Of the list 1.4 is earned now, and 1.2 + 0.4 · (2 − 1.2) then: 1 − 0.7 / 1.52 is kept.
    let found = measured(&world, &edition);
    assert_eq!(found[4].1, "a margin of 53.95 % at this price; at least 35 %");
}

#[test]
fn what_is_not_known_is_not_said_to_be_within_and_what_moves_no_price_is_not_measured() {
    let world = World { ms: 100 * DAY, ..World::default() };
    let found = measured(&world, &world.edition(content(price("1.02"))));
    assert_eq!(found[4].0, None, "no facts say what the margin is");
    let capped = Controls { token_cap: Some(1_000), ..Controls::STANDARD };
    assert!(measured(&world, &world.edition(content(capped))).is_empty());
}

#[test]
fn a_verdict_says_who_must_agree_beyond_a_bound() {
    let world = World { ms: 100 * DAY, ..World::default() };
    let edition = world.edition(content(price("1.2")));
    let book = world.book();
    let persons = book.persons_for(&edition);
    assert_eq!(persons, Some(2));
    let measures = book.measured(&edition, world.now());
    assert_eq!(measures[0].verdict(persons), "beyond, so 2 persons must agree");
    assert_eq!(measures[2].verdict(persons), "within");
    assert_eq!(measures[4].verdict(persons), "not known");
}
