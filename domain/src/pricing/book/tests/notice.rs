//! What is told of a proposal, by whom, and under which id.

use super::*;
use crate::pricing::notice::{Notice, NoticeKind, notices};

fn told(world: &World, id: Uuid) -> Vec<Notice> {
    let book = world.book();
    notices(&book, book.case(id).expect("a proposal"), world.now())
}

fn kinds(world: &World, id: Uuid) -> Vec<NoticeKind> {
    told(world, id).into_iter().map(|notice| notice.kind).collect()
}

#[test]
fn people_are_told_that_they_are_needed_and_how_it_ended() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    assert_eq!(kinds(&world, id), [NoticeKind::NeedsApproval]);
    world.modify("bob", id, content(price("1.08")));
    world.approve("cid", id);
    world.apply(id);
    let wanted = [NoticeKind::NeedsApproval, NoticeKind::NeedsApproval, NoticeKind::Applied];
    assert_eq!(kinds(&world, id), wanted);
    let back = world.open(Some("ann"), Grounds::Rollback, content(price("1")));
    assert_eq!(kinds(&world, back), [NoticeKind::Opened]);
    world.apply(back);
    assert_eq!(kinds(&world, back), [NoticeKind::Opened, NoticeKind::RolledBack]);
    let late = world.open(None, Grounds::Engine, content(price("1.1")));
    world.ms += 8 * 24 * HOUR_MS;
    assert_eq!(kinds(&world, late), [NoticeKind::NeedsApproval, NoticeKind::Expired]);
    let refused = world.open(None, Grounds::Engine, content(price("1.1")));
    world.reject("ann", refused, "no");
    assert_eq!(kinds(&world, refused), [NoticeKind::NeedsApproval, NoticeKind::Rejected]);
}

#[test]
fn who_recorded_an_event_tells_of_it_and_ids_are_different_and_without_full_stops() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    world.modify("bob", id, content(price("1.08")));
    let late = 8 * 24 * HOUR_MS;
    world.ms += late;
    let book = world.book();
    let case = book.case(id).expect("it");
    let found = notices(&book, case, world.now());
    let origins: Vec<Cloud> = found.iter().map(|notice| notice.origin).collect();
    let expected = [0, 1, 0].map(|place: usize| world.told[place].slot.origin);
    assert_eq!(origins, expected);
    let ids: BTreeSet<String> = found.iter().map(|notice| notice.id(case)).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| !id.contains('.')), "{ids:?}");
}

#[test]
fn what_was_applied_is_told_with_its_own_version_and_nobody_is_asked_about_another_one_later() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    let first = world.seen(id);
    world.approve("bob", id);
    world.apply(id);
    // At a cloud that did not know yet.
    world.modify("cid", id, content(price("1.08")));
    assert_eq!(world.seen(id).0, 2);
    assert_eq!(kinds(&world, id), [NoticeKind::NeedsApproval, NoticeKind::Applied]);
    let last = told(&world, id).pop().expect("told");
    assert_eq!((last.version, last.hash), first);
    let book = world.book();
    let case = book.case(id).expect("it");
    let applied = case.version_of(last.version, last.hash).expect("a version");
    assert_eq!(applied.edition.content, content(price("1.1")));
}

#[test]
fn an_application_without_its_approvals_is_not_told() {
    let mut world = World::default();
    let id = world.open(Some("ann"), Grounds::Person, content(price("1.1")));
    world.apply(id);
    assert_eq!(kinds(&world, id), [NoticeKind::NeedsApproval]);
}
