//! The pages about prices and their forms, as a browser without scripts has them.

use serde_json::{Value, json};

use super::approvals::dearer;
use super::optimizer::{business, propose, until_version};
use super::pages::{cookie_of, html, leads_to, page, submit};

fn text<'a>(proposal: &'a Value, field: &str) -> &'a str {
    proposal[field].as_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_says_what_each_would_do_and_one_form_approves_several() {
    let house = business("0.7").await;
    let cookie = cookie_of(&house, "admin").await;
    let proposal = propose(&house, "demo-controller", "1.05").await;
    let (id, hash) = (text(&proposal, "proposalId"), text(&proposal, "hash"));
    let queue = html(&house, "/approvals", &cookie).await;
    for part in
        ["Pick the proposal about acme", "Margin P50", " → ", "Low risk", " old", "in 6 days"]
    {
        assert!(queue.contains(part), "{part} in {queue}");
    }
    let none = html(&house, "/approvals?class=high", &cookie).await;
    assert!(!none.contains("Pick the proposal"), "{none}");
    let other = html(&house, "/approvals?q=nobody", &cookie).await;
    assert!(!other.contains("Pick the proposal"), "{other}");

    // An address that somebody made up approves nothing, and does not say so.
    let claimed = html(&house, &format!("/approvals/together?pick={id}.approved"), &cookie).await;
    assert!(claimed.contains("0 of 1 were approved by you."), "{claimed}");
    assert!(!claimed.contains("You approved it."), "{claimed}");
    let asked = html(&house, &format!("/approvals/together?pick={id}"), &cookie).await;
    let item = format!("{id}:1:{hash}");
    assert!(asked.contains(&item) && asked.contains("Approve 1 price"), "{asked}");
    let form = format!("item={}", item.replace(':', "%3A"));
    let answer = submit(&house, "/approvals/together/act", &cookie, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let back = format!("/approvals/together?pick={id}.approved");
    assert_eq!(answer.header("location"), back);
    let done = html(&house, &back, &cookie).await;
    assert!(done.contains("You approved it.") && !done.contains("name=\"item\""), "{done}");
    until_version(&house, 1).await;
    let twice = submit(&house, "/approvals/together/act", &cookie, &form).await;
    assert_eq!(twice.header("location"), format!("/approvals/together?pick={id}.applied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_away_says_so_by_a_form_and_takes_it_back_by_another() {
    let house = business("0.7").await;
    let cookie = cookie_of(&house, "admin").await;
    let form = |until: &str| {
        format!(
            "act=delegate&delegate=controller%40ternion.example&from=&until={until}&reason=on+leave"
        )
    };
    let late = submit(&house, "/optimizer/act", &cookie, &form("2020-01-01")).await;
    assert_eq!(late.header("location"), "/approvals?problem=until");
    let refused = html(&house, "/approvals?problem=until", &cookie).await;
    assert!(refused.contains("ends in the future"), "{refused}");
    let until = domain::clock::Timestamp::from_unix_ms(server::now().unix_ms() + 86_400_000);
    let given = submit(&house, "/optimizer/act", &cookie, &form(&until.to_string()[..10])).await;
    assert_eq!((given.status.as_u16(), leads_to(&given).as_str()), (303, "/approvals"));
    let mine = html(&house, "/approvals", &cookie).await;
    assert!(mine.contains("approves for you") && mine.contains("Take it back"), "{mine}");

    // Who stands in sees for whom, and votes by a form of the proposal's page.
    let other = cookie_of(&house, "controller").await;
    let theirs = html(&house, "/approvals", &other).await;
    assert!(theirs.contains("You approve for ") && !theirs.contains("Pick the proposal"));
    let proposal = propose(&house, "demo-admin2", "1.08").await;
    let (id, hash) = (text(&proposal, "proposalId"), text(&proposal, "hash"));
    let detail = html(&house, &format!("/approvals/{id}"), &other).await;
    assert!(detail.contains("For admin@ternion.example, who is away"), "{detail}");
    assert!(!detail.contains("Reject for good") && detail.contains("a delegate rejects nothing"));
    let vote = format!(
        "act=approve&proposal={id}&version=1&hash={hash}&person=admin%40ternion.example&password="
    );
    let voted = submit(&house, "/optimizer/act", &other, &vote).await;
    assert_eq!(leads_to(&voted), format!("/approvals/{id}"), "{}", voted.text());
    until_version(&house, 1).await;
    let told = html(&house, &format!("/approvals/{id}"), &cookie).await;
    assert!(told.contains("approved version 1 for admin@ternion.example"), "{told}");

    let open = house.get("/v1/approvals/delegations", "demo-auditor").await.expect(200);
    let delegation = text(&open["items"][0], "delegationId").to_owned();
    let form = format!("act=withdraw&delegation={delegation}&reason=back");
    submit(&house, "/optimizer/act", &cookie, &form).await;
    let after = html(&house, "/approvals", &cookie).await;
    assert!(!after.contains("approves for you"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_optimizer_shows_quantiles_and_days_and_rehearses_by_its_address() {
    let house = business("0.7").await;
    let cookie = cookie_of(&house, "auditor").await;
    let whole = html(&house, "/optimizer", &cookie).await;
    for part in [
        "P5, P50, P95",
        "class=\"trend\"",
        "Margin of acme by day: from 30.0 %",
        "chance to be below the floor: ",
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(!whole.contains("No change broke a bound"), "nothing was asked");
    let below = html(&house, "/optimizer?band=below", &cookie).await;
    assert!(below.contains("Margin of acme by day"), "{below}");
    let above = html(&house, "/optimizer?band=above", &cookie).await;
    assert!(!above.contains("Margin of acme by day"), "{above}");
    let played = html(&house, "/optimizer?rehearse=yes&days=5&stepMax=6", &cookie).await;
    for part in ["Another policy than the one in force", "too few to judge"] {
        assert!(played.contains(part), "{part} in {played}");
    }
    let wrong = page(&house, "/optimizer?rehearse=yes&days=many", &cookie).await.text();
    assert!(wrong.contains("is no whole number"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_offers_what_its_viewer_may_do_and_says_why_not_the_rest() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-admin", "1.08").await;
    let path = format!("/approvals/{}", text(&proposal, "proposalId"));
    for (who, acts, why) in [
        ("auditor", [false, false, false], "The role auditor may not approve"),
        ("controller", [false, false, true], "The role controller may not approve"),
        ("admin", [false, true, true], "so somebody else approves it"),
        ("admin2", [true, true, true], "Keys: a goes to approve"),
    ] {
        let page = html(&house, &path, &cookie_of(&house, who).await).await;
        let buttons = ["Approve version 1", "Reject for good", "Make another version"];
        assert_eq!(buttons.map(|button| page.contains(button)), acts, "{who}: {page}");
        assert!(page.contains(why), "{who}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_drifted_is_not_picked_and_its_first_button_makes_a_new_version() {
    let house = business("0.7").await;
    let admin = cookie_of(&house, "admin").await;
    let other = cookie_of(&house, "admin2").await;
    let proposal = propose(&house, "demo-admin", "1.05").await;
    let (id, hash) = (text(&proposal, "proposalId"), text(&proposal, "hash"));
    dearer(&house).await;
    let queue = html(&house, "/approvals", &other).await;
    for part in ["FACTS CHANGED", "70 % → 80 %", "The facts under 1 proposal have changed"] {
        assert!(queue.contains(part), "{part} in {queue}");
    }
    assert!(!queue.contains("Pick the proposal") && !queue.contains("of low risk…"), "{queue}");
    let changed = html(&house, "/approvals?facts=changed", &other).await;
    assert!(changed.contains("FACTS CHANGED"), "{changed}");
    let same = html(&house, "/approvals?facts=same", &other).await;
    assert!(!same.contains("FACTS CHANGED"), "{same}");
    let asked = html(&house, &format!("/approvals/together?pick={id}"), &other).await;
    assert!(asked.contains("open it, and make a new version") && !asked.contains("name=\"item\""));

    let path = format!("/approvals/{id}");
    let page = html(&house, &path, &admin).await;
    for part in ["Make a new version with today’s facts", "so nobody approves this version"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for part in
        ["Margin, recorded penalties", "30.0 %", "20.0 %", "Tier of the tenant", "0, none was"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    let theirs = html(&house, &path, &other).await;
    assert!(!theirs.contains("Approve version 1"), "{theirs}");
    let form = format!("form=refresh&act=refresh&proposal={id}&version=1&hash={hash}");
    let made = submit(&house, "/optimizer/act", &admin, &form).await;
    assert_eq!(leads_to(&made), path, "{}", made.text());
    // A person's words stay as they are.
    let anew = house.get(&format!("/v1/proposals/{id}"), "demo-admin").await.expect(200);
    assert_eq!((&anew["version"], &anew["reason"]), (&json!(2), &proposal["reason"]), "{anew}");
    let theirs = html(&house, &path, &other).await;
    assert!(theirs.contains("Approve version 2") && !theirs.contains("FACTS CHANGED"), "{theirs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_is_told_who_was_first_and_where_and_every_field_that_is_wrong() {
    let house = business("0.7").await;
    let admin = cookie_of(&house, "admin").await;
    let other = cookie_of(&house, "admin2").await;
    let proposal = propose(&house, "demo-controller", "1.05").await;
    let id = text(&proposal, "proposalId");
    let twice = "form=propose&act=propose&tenant=acme&price=108&reason=costs";
    let refused = submit(&house, "/optimizer/act", &admin, twice).await;
    let location = refused.header("location").to_owned();
    assert!(location.starts_with("/optimizer?problem=already_open&kept="), "{location}");
    let page = html(&house, &location, &admin).await;
    for part in
        ["controller@ternion.example opened the proposal", &format!("href=\"/approvals/{id}\"")]
    {
        assert!(page.contains(part), "{part} in {page}");
    }

    let (hash, path) = (text(&proposal, "hash"), format!("/approvals/{id}"));
    let page = html(&house, &path, &other).await;
    for part in ["How it stands to the policy", "+5 %; at most ±8 % at once", "within"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let form = format!("form=reject&act=reject&proposal={id}&version=1&hash={hash}&reason=no");
    let first = submit(&house, "/optimizer/act", &admin, &form).await;
    assert_eq!(leads_to(&first), path, "{}", first.text());
    let second = submit(&house, "/optimizer/act", &other, &form).await;
    let page = html(&house, second.header("location"), &other).await;
    assert!(
        page.contains("Nothing was recorded. admin@ternion.example rejected it already"),
        "{page}"
    );

    let wrong = "form=propose&act=propose&tenant=acme&price=eleven&cap=much&reason=";
    let refused = submit(&house, "/optimizer/act", &admin, wrong).await;
    let page = html(&house, refused.header("location"), &admin).await;
    for part in ["“eleven” is not a number.", "“much” is not a whole number.", "Must not be blank."]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    let looked = html(&house, "/optimizer?look=yes&tenant=acme&price=120", &admin).await;
    for part in ["100 % → 120 % of the list price (+20 %)", "beyond, so 2 persons must agree"] {
        assert!(looked.contains(part), "{part} in {looked}");
    }
    let empty = "form=propose&act=propose&tenant=acme&reason=why";
    let refused = submit(&house, "/optimizer/act", &admin, empty).await;
    let page = html(&house, refused.header("location"), &admin).await;
    assert!(page.contains("Nothing changes: fill in at least one."), "{page}");
}
