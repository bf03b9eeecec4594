//! What was repaired is acknowledged by those who may, over HTTP.

use axum::body::Body;
use axum::http::{Method, header};
use serde_json::json;

use super::house::{House, asking};

const ACKNOWLEDGE: &str = "/v1/scrub/acknowledge";

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_acknowledges_repairs_up_to_now_and_nobody_else_does() {
    let house = House::open().await;
    let status = house.get("/v1/scrub", "demo-auditor").await.expect(200);
    assert_eq!(status["acknowledged"], json!(null));
    let until = json!({ "until": "2026-11-22T12:41:06.902Z" });
    house.post(ACKNOWLEDGE, "demo-auditor", &until).await.problem(403, "forbidden");
    let wrong = house.post(ACKNOWLEDGE, "demo-admin", &json!({ "until": 7, "by": "me" })).await;
    let named: Vec<_> = wrong.expect(422)["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    assert_eq!(named, ["/by", "/until"]);
    let known = house.post(ACKNOWLEDGE, "demo-admin", &until).await.expect(200);
    let mark = &known["acknowledged"];
    assert_eq!((&mark["by"], &mark["until"]), (&json!("admin@ternion.example"), &until["until"]));
    // Nobody has seen what is to come, and an older mark takes no newer one back.
    let far = json!({ "until": "9998-01-01T00:00:00Z" });
    let now = house.post(ACKNOWLEDGE, "demo-admin", &far).await.expect(200);
    assert_eq!(now["acknowledged"]["until"], now["acknowledged"]["at"]);
    let later = house.post(ACKNOWLEDGE, "demo-admin", &until).await.expect(200);
    assert_eq!(later["acknowledged"], now["acknowledged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_of_the_overview_leads_back_to_it() {
    let house = House::open().await;
    let press = |token: &str| {
        let request = asking(Method::POST, "/scrub/acknowledge", token)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from("until=2026-11-22T12%3A41%3A06.902Z")).expect("a request")
    };
    house.send(press("demo-controller")).await.problem(403, "forbidden");
    let done = house.send(press("demo-admin")).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, "/"));
    let status = house.get("/v1/scrub", "demo-auditor").await.expect(200);
    assert_eq!(status["acknowledged"]["until"], "2026-11-22T12:41:06.902Z");
}
