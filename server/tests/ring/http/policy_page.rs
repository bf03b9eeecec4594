//! The page Policy: what would change is shown before it is proposed, and what is refused stays typed.

use std::time::Duration;

use tokio::time::Instant;

use super::house::House;
use super::optimizer::approve;
use super::pages::{cookie_of, html, leads_to, submit};
use crate::clouds::PATIENCE;

const PAGE: &str = "/optimizer/policy";
const READER: &str = "demo-auditor";
const TYPED: &str = "rules.0.limits.stepMax=6&watch.answer=rollBack&quorum.new.upTo=5&quorum.new.persons=1&rule.name=pro&rule.tier=pro&rule.cloud=";

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_is_looked_at_proposed_by_its_fields_and_shows_what_it_changed() {
    let house = House::open().await;
    let cookie = cookie_of(&house, "admin").await;
    let begins = html(&house, PAGE, &cookie).await;
    assert!(begins.contains("Policy, version 0") && !begins.contains("Your change"), "{begins}");
    let asked = html(&house, &format!("{PAGE}?ask=yes&{TYPED}"), &cookie).await;
    for part in [
        "Rule “everybody”: Change at once, up to",
        "take it back at once",
        "up to 5 %: 1 person; up to 15 %: 1 person; beyond: 2 persons",
        "tier pro",
        "Propose this policy",
        "/optimizer?rehearse=yes&amp;",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    // A reader sees what would change, and is told who may propose.
    let reader =
        html(&house, &format!("{PAGE}?ask=yes&{TYPED}"), &cookie_of(&house, "auditor").await).await;
    assert!(reader.contains("8 %") && !reader.contains("Propose this policy"), "{reader}");

    let propose = async |fields: &str, reason: &str| {
        let form = format!("version=0&{fields}&reason={reason}&form=policy");
        submit(&house, "/optimizer/policy/act", &cookie, &form).await
    };
    let blank = propose(TYPED, "+").await;
    let back = blank.header("location");
    assert!(
        back.starts_with("/optimizer/policy?ask=yes") && back.contains("problem=reason"),
        "{back}"
    );
    let kept = html(&house, back, &cookie).await;
    assert!(
        kept.contains("say why in a sentence") && kept.contains("take it back at once"),
        "{kept}"
    );
    let place = leads_to(&propose(TYPED, "Narrower+steps").await);
    let id = place.strip_prefix("/approvals/").expect("a proposal");
    let waits = html(&house, &format!("{PAGE}?ask=yes&{TYPED}"), &cookie).await;
    assert!(waits.contains(&place) && !waits.contains("Propose this policy"), "{waits}");

    let proposal = house.get(&format!("/v1/proposals/{id}"), READER).await.expect(200);
    for admin in ["demo-admin2", "demo-admin3"] {
        approve(&house, admin, &proposal).await.expect(201);
    }
    let deadline = Instant::now() + PATIENCE;
    let now = loop {
        let page = html(&house, PAGE, &cookie).await;
        if page.contains("Policy, version 1") {
            break page;
        }
        assert!(Instant::now() < deadline, "it is in force");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for part in [&place, "Rule “pro”", "Leave this rule out", "What it changed", "6 %"] {
        assert!(now.contains(part), "{part} in {now}");
    }
    // A tab of before: its whole form takes back nothing that was decided since.
    let old = "version=0&rules.0.limits.stepMax=8&watch.answer=propose&expiryDays=9";
    let over = html(&house, &format!("{PAGE}?ask=yes&{old}"), &cookie).await;
    assert!(over.contains("Another version is in force since you began"), "{over}");
    let asked = over.split("id=\"asked\"").nth(1).and_then(|rest| rest.split("<form").nth(1));
    let asked = asked.expect("a form that proposes");
    assert!(asked.contains("name=\"expiryDays\"") && !asked.contains("stepMax"), "{asked}");
    assert!(!asked.contains("watch.answer"), "{asked}");
    let stale = propose("expiryDays=9", "Longer").await;
    assert!(stale.header("location").contains("problem=version_changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_marked_beside_what_was_typed() {
    let house = House::open().await;
    let cookie = cookie_of(&house, "controller").await;
    // A controller proposes, so all three admins could agree, and no fourth.
    for (typed, field, why) in [
        (
            "policyPersons=4",
            "policyPersons",
            "4 persons would have to agree, and there are 3 other admins",
        ),
        ("rules.0.limits.stepMax=much", "rules-0-limits-stepMax", "it is no number of percent"),
        ("policyPersons=99", "policyPersons", "it must be 1 to 20 persons"),
    ] {
        let page = html(&house, &format!("{PAGE}?ask=yes&{typed}"), &cookie).await;
        let input =
            page.split(&format!("id=\"{field}\"")).nth(1).and_then(|rest| rest.split('>').next());
        let input = input.expect("the field");
        assert!(input.contains("aria-invalid=\"true\""), "{input}");
        assert!(page.contains(why) && page.contains("There can be no such policy"), "{page}");
        assert!(!page.contains("Propose this policy"));
    }
    let ambiguous = format!("{PAGE}?ask=yes&rule.name=again");
    let page = html(&house, &ambiguous, &cookie).await;
    assert!(page.contains("match one tenant and name as much"), "{page}");
}
