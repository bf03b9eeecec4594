//! How much is at stake: what is of low risk, and who decides where the traffic goes.

use super::*;

#[test]
fn what_one_person_agrees_to_about_a_price_alone_is_of_low_risk_and_all_else_of_high() {
    let overage = Controls { overage_of_list: Some(decimal("1.2")), ..price("1.05") };
    let capped = Controls { token_cap: Some(1_000), ..price("1") };
    let policy = Content::Policy { policy: Box::default() };
    let routing = Content::Routing { shares: Shares::default() };
    let mut world = World::default();
    let mut risk = |content| {
        let id = world.open(Some("ann"), Grounds::Person, content);
        let book = world.book();
        book.risk(book.case(id).expect("it"))
    };
    assert_eq!(risk(content(price("1.15"))), Risk::Low);
    for high in [content(price("1.16")), content(overage), content(capped), policy, routing] {
        assert_eq!(risk(high), Risk::High);
    }
}

#[test]
fn shares_of_the_traffic_need_a_second_person_and_are_taken_back_by_one() {
    use crate::economics::quantity::Share;
    let shares = |pairs: &[(Cloud, &str)]| {
        let share = |text: &str| Share::new("a share", decimal(text)).expect("a share");
        Shares(pairs.iter().map(|(cloud, text)| (*cloud, share(text))).collect())
    };
    let halves = shares(&[(Cloud::Gcp, "0.5"), (Cloud::Aws, "0.5")]);
    let mut world = World::default();
    let content = Content::Routing { shares: halves.clone() };
    let id = world.open(Some("ann"), Grounds::Person, content);
    world.apply(id);
    assert_eq!(world.book().shares().version(), 0, "nobody agreed");
    world.approve("ann", id);
    world.apply(id);
    assert_eq!(world.book().shares().version(), 0, "four eyes");
    world.approve("bob", id);
    world.apply(id);
    assert_eq!(world.book().shares().current(), halves);
    let wrong = Content::Routing { shares: shares(&[(Cloud::Azure, "1")]) };
    let other = world.open(Some("bob"), Grounds::Rollback, wrong);
    world.apply(other);
    assert_eq!(world.book().shares().version(), 1, "that takes nothing back");
    let back = Content::Routing { shares: Shares::default() };
    let id = world.open(Some("bob"), Grounds::Rollback, back);
    world.apply(id);
    let book = world.book();
    assert_eq!((book.shares().version(), book.shares().current()), (2, Shares::default()));
}
