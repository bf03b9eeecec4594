//! List prices that people agree to: how many, who not, and what no order of events brings about.

use super::*;
use crate::catalog::PricePut;
use crate::pricing::list_change::{Beside, Product};

fn list(input: &str) -> PricePut {
    PricePut {
        tier: "pro".into(),
        provider: "vertex".into(),
        model: "m".into(),
        input_usd_per_million: decimal(input),
        output_usd_per_million: decimal("4"),
        cached_usd_per_million: None,
        effective_from: "2099-01-01T00:00:00Z".parse().expect("a time"),
        reason: None,
        withdrawn: false,
        proposal_id: None,
    }
}

fn subject() -> Subject {
    Subject::ListPrice(Product::from(&list("1")))
}

/// A proposal beside the price of one dollar, as a server makes it.
fn propose(world: &mut World, by: &str, input: &str) -> Uuid {
    let proposal_id = Uuid::from_u128(1_000 + world.told.len() as u128);
    let mut edition = world.edition(Content::ListPrice { price: Box::new(list(input)) });
    edition.facts = Beside { before: Some(list("1")), ..Beside::default() }.facts();
    let open = ProposalOpen { proposal_id, grounds: Grounds::Person, edition, foresight: None };
    world.tell(Some(by), What::Open(Box::new(open)));
    proposal_id
}

fn in_force(world: &World) -> Vec<(u64, String)> {
    let book = world.book();
    let prices = book.list_prices();
    prices.map(|(version, it)| (version, it.value.input_usd_per_million.to_string())).collect()
}

#[test]
fn a_list_price_that_moves_far_needs_two_others_and_one_within_the_bound_another() {
    let mut world = World::default();
    let far = propose(&mut world, "ann", "1.2");
    assert_eq!(world.book().case(far).expect("it").quorum(), Some(2));
    assert_eq!(world.book().risk(world.book().case(far).expect("it")), Risk::High);
    let own = world.approve("ann", far);
    assert_eq!(world.book().case(far).expect("it").refusal_of(own), Some(&Refusal::SelfApproval));
    world.approve("bob", far);
    world.approve("bob", far);
    world.apply(far);
    assert_eq!(in_force(&world), [], "one person's word, however often");
    world.approve("cid", far);
    assert_eq!(in_force(&world), [(1, "1.2".to_owned())]);
    let book = world.book();
    let (_, applied) = book.list_prices().next().expect("it");
    let (reason, agreed) = (applied.value.reason.as_deref(), applied.value.proposal_id);
    assert_eq!((reason, agreed), (Some("the margin is low"), Some(far)));
    assert_eq!(book.version_of(&subject()), 1);
    let near = propose(&mut world, "ann", "1.15");
    assert_eq!(world.book().case(near).expect("it").quorum(), Some(1));
}

#[test]
fn of_two_about_the_same_price_the_second_is_superseded() {
    let mut world = World::default();
    let first = propose(&mut world, "ann", "1.1");
    let second = propose(&mut world, "bob", "1.12");
    world.approve("cid", first);
    world.approve("cid", second);
    world.apply(first);
    world.apply(second);
    assert_eq!(in_force(&world), [(1, "1.1".to_owned())]);
    assert_eq!(world.standing(second), Standing::Superseded);
}

#[test]
fn what_cannot_be_carried_out_of_one_model_does_not_hold_up_the_others() {
    let mut world = World::default();
    let odd = propose(&mut world, "ann", "1.1");
    world.modify("bob", odd, content(price("1.1")));
    world.approve("cid", odd);
    world.apply(odd);
    // Of the models after it, by name.
    let other = PricePut { model: "n".into(), ..list("1.12") };
    let mut edition = world.edition(Content::ListPrice { price: Box::new(other) });
    edition.facts = Beside { before: Some(list("1")), ..Beside::default() }.facts();
    let proposal_id = Uuid::from_u128(9);
    let open = ProposalOpen { proposal_id, grounds: Grounds::Person, edition, foresight: None };
    world.tell(Some("ann"), What::Open(Box::new(open)));
    world.approve("cid", proposal_id);
    world.apply(proposal_id);
    assert!(in_force(&world).contains(&(1, "1.12".to_owned())), "{:?}", in_force(&world));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_order_of_acts_puts_a_list_price_in_force_without_its_approvals(
        acts in prop::collection::vec((0..4usize, 0..4usize, 500..1_600i64), 1..30),
        seed in any::<u64>(),
    ) {
        let mut world = World { ms: 1_000 * HOUR_MS, ..World::default() };
        let mut open = Vec::new();
        for (act, by, mils) in acts {
            let last = open.last().copied();
            match (act, last) {
                (0, _) | (_, None) => {
                    let input = Decimal::new(mils, 3).to_string();
                    open.push(propose(&mut world, PEOPLE[by], &input));
                }
                (1 | 2, Some(id)) => drop(world.approve(PEOPLE[by], id)),
                (_, Some(id)) => drop(world.apply(id)),
            }
        }
        let book = world.book();
        for (_, applied) in book.list_prices() {
            let case = book.case(applied.proposal_id).expect("its proposal");
            let votes = world.told.iter().filter_map(|one| match &one.what {
                What::Approve(it) if it.proposal_id == case.id => one.by.clone(),
                _ => None,
            });
            let others: BTreeSet<Actor> = votes.filter(|by| by != case.requester()).collect();
            let moved = (applied.value.input_usd_per_million - Decimal::ONE).abs();
            let needed = if moved > decimal("0.15") { 2 } else { 1 };
            prop_assert!(others.len() >= needed, "{} by {others:?}", applied.value.input_usd_per_million);
        }
        let mut shuffled = world.told.clone();
        shuffled.sort_by_key(|one| one.slot.sequence.wrapping_add(1).wrapping_mul(seed | 1));
        prop_assert_eq!(Book::of(shuffled), book);
    }
}
