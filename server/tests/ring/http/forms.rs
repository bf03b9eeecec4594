//! A form that is refused comes back with what was typed, and an act says what it recorded.

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::house::{House, asking};
use super::pages::{cookie_of, html, leads_to, submit};

const ADMIN: &str = "demo-admin";
const FINAL: &str = "wait=final&timeoutMs=30000";

/// A tier with a mistake in its second step.
const HALF: &str = "form=new-tier&act=tier&tier=half&name=Half+a+ladder&uptime0=99&credit0=0\
    &uptime1=0&credit1=&latency=900&password=hunter2";

async fn put(house: &House, path: &str, body: &Value) -> String {
    let decision = house.post(&format!("{path}?{FINAL}"), ADMIN, body).await.expect(201);
    let slot = serde_json::from_value(decision["slot"].clone()).expect("a slot");
    house.gcp.projection.until_projected(slot).await;
    decision["eventId"].as_str().expect("an id").to_owned()
}

fn tenant(name: &str) -> Value {
    json!({ "tenantId": "acme-labs", "name": name, "tier": "gold", "cloud": "aws", "region": "eu" })
}

/// The element that has the attribute, as it stands in the page.
fn element<'a>(page: &'a str, attribute: &str) -> &'a str {
    let at = page.find(attribute).unwrap_or_else(|| panic!("{attribute} in {page}"));
    let (start, end) = (page[..at].rfind('<').unwrap_or(0), page[at..].find('>').unwrap_or(0));
    &page[start..at + end]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_comes_back_open_with_what_was_typed_and_its_mistake_marked() {
    let house = House::open().await;
    let cookie = cookie_of(&house, "admin").await;
    let refused = submit(&house, "/tenants/act", &cookie, HALF).await;
    let location = refused.header("location").to_owned();
    assert!(location.starts_with("/optimizer/tiers?problem=credit&kept="), "{location}");

    let page = html(&house, &location, &cookie).await;
    assert!(element(&page, "id=\"new-tier-name\"").contains("value=\"Half a ladder\""), "{page}");
    assert!(element(&page, "id=\"new-tier-latency\"").contains("value=\"900\""), "{page}");
    assert!(element(&page, "id=\"new-tier\"").contains("value=\"half\""), "{page}");
    let credit = element(&page, "name=\"credit1\"");
    for part in
        ["aria-invalid=\"true\"", "aria-describedby=\"new-tier-credit1-wrong\"", "autofocus"]
    {
        assert!(credit.contains(part), "{part} in {credit}");
    }
    assert!(page.contains("id=\"new-tier-credit1-wrong\""), "{page}");
    let form = page.find("name=\"credit1\"").expect("the form");
    let details = page[..form].rfind("<details").expect("the form is folded");
    assert!(element(&page[details..], "<details").contains(" open"), "{page}");
    assert!(!page.contains("hunter2"), "a password is never kept");

    // On another page, in another's browser and under another id there is nothing of it.
    let kept = location.split("kept=").nth(1).expect("an id");
    let elsewhere = html(&house, &format!("/optimizer/tenants?kept={kept}"), &cookie).await;
    let other = html(&house, &location, &cookie_of(&house, "admin2").await).await;
    let unknown = html(&house, "/optimizer/tiers?problem=credit&kept=0123", &cookie).await;
    for page in [elsewhere, other, unknown] {
        assert!(!page.contains("Half a ladder"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_few_refused_forms_are_kept() {
    let house = House::open().await;
    let cookie = cookie_of(&house, "admin").await;
    let mut pages = Vec::new();
    for number in 0..6 {
        let form = HALF.replace("Half", &format!("Ladder-{number}"));
        let refused = submit(&house, "/tenants/act", &cookie, &form).await;
        pages.push(refused.header("location").to_owned());
    }
    for (number, address) in pages.iter().enumerate() {
        let page = html(&house, address, &cookie).await;
        let is_there = page.contains(&format!("Ladder-{number} a ladder"));
        assert_eq!(is_there, number >= 2, "{number}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_and_a_form_without_a_name_are_told_what_was_wrong_and_nothing_is_kept() {
    let house = House::open().await;
    let media = "application/x-www-form-urlencoded";
    let request = asking(Method::POST, "/tenants/act", ADMIN).header(header::CONTENT_TYPE, media);
    let answer = house.send(request.body(Body::from(HALF)).expect("a request")).await;
    assert_eq!(answer.header("location"), "/optimizer/tiers?problem=credit");
    assert!(answer.headers.get(header::SET_COOKIE).is_none(), "a program has no session");
    let cookie = cookie_of(&house, "admin").await;
    let nameless = HALF.replace("form=new-tier&", "");
    let answer = submit(&house, "/tenants/act", &cookie, &nameless).await;
    assert_eq!(answer.header("location"), "/optimizer/tiers?problem=credit");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_a_tenant_second_sees_their_own_words_beside_who_was_first() {
    let house = House::open().await;
    let tier = json!({ "tier": "gold", "name": "Gold", "sla": { "bands": [{ "minUptimePct": "0", "credit": "0" }] } });
    put(&house, "/v1/tiers", &tier).await;
    let seen = put(&house, "/v1/tenants", &tenant("Acme")).await;
    let now = put(&house, "/v1/tenants", &tenant("Acme Labs")).await;
    let cookie = cookie_of(&house, "admin").await;
    let form = |seen: &str| {
        format!(
            "form=edit&act=tenant&seen={seen}&tenantId=acme-labs&name=Acme+Works&tier=gold&cloud=aws&region=us&active=yes"
        )
    };
    let late = submit(&house, "/tenants/act", &cookie, &form(&seen)).await;
    let location = late.header("location").to_owned();
    assert!(location.contains("?problem=changed_meanwhile&kept="), "{location}");
    let page = html(&house, &location, &cookie).await;
    assert!(element(&page, "id=\"edit-name\"").contains("value=\"Acme Works\""), "{page}");
    assert!(element(&page, "id=\"edit-region\"").contains("value=\"us\""), "{page}");
    for part in ["admin@ternion.example changed it at", "what is in force now is “Acme Labs”"] {
        // Server and browser put markers between texts.
        let plain = page.replace("<!>", "");
        assert!(plain.contains(part), "{part} in {page}");
    }
    assert!(element(&page, "name=\"seen\"").contains(&now), "{page}");
    let meant = submit(&house, "/tenants/act", &cookie, &form(&now)).await;
    assert_eq!(leads_to(&meant), "/optimizer/tenants/acme-labs");
    let done = html(&house, meant.header("location"), &cookie).await;
    let event = meant.header("location").split("done=").nth(1).expect("an event");
    assert!(done.contains(&format!("href=\"/ledger/{event}\"")), "{done}");
    assert!(done.contains("What was recorded stands in the ledger"), "{done}");
    let made_up = html(&house, "/optimizer/tenants/acme-labs?done=../keys", &cookie).await;
    assert!(!made_up.contains("What was recorded stands in the ledger"), "{made_up}");
}
