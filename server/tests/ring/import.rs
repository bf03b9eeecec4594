//! `ternion import`: rows become events exactly once, whatever happens on the way.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::command::{Folder, Ran, ternion, ternion_beside};
use crate::stand_in::{GHOST, Running, StandIn, TOKEN};

const TENANTS: &str = "tenant_id,tier,cloud,region\ntn-1,Free,GCP,us\ntn-2,pro,AWS,eu\n\
                       ghost,pro,Azure,eu\n";

fn requests(rows: usize, tenant: &str) -> String {
    let mut text = "timestamp,workload,context_tokens,generated_tokens,tenant_id\n".to_owned();
    for row in 0..rows {
        writeln!(text, "2023-11-16 18:15:46.680,conv,{row},44,{tenant}").expect("a string");
    }
    text
}

async fn import(what: &str, cloud: &Running, file: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["import", what, file, "--to", &cloud.url, "--token", TOKEN];
    arguments.extend_from_slice(more);
    ternion_beside(arguments.into_iter().map(str::to_owned).collect()).await
}

fn totals(ran: &Ran) -> &str {
    ran.out.lines().last().and_then(|line| line.split(", in ").next()).expect("totals")
}

#[tokio::test]
async fn tenants_become_decisions_of_the_platform() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let ran = import("tenants", &cloud, &folder.write("t.csv", TENANTS), &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(totals(&ran), "sent 3, accepted 3, repeated 0, refused 0, final 3");
    let events = cloud.cloud.events();
    let first = events.values().find(|event| event["payload"]["tenantId"] == "tn-1");
    let first = first.expect("tn-1 was sent");
    assert_eq!(first["tenantId"], "platform");
    assert_eq!(
        first["payload"],
        json!({"kind": "tenant.put", "tenantId": "tn-1", "name": "tn-1", "tier": "free",
               "cloud": "gcp", "region": "us", "active": true})
    );
}

#[tokio::test]
async fn a_usage_row_keeps_its_time_and_gets_the_model_of_its_tenants_cloud() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let tenants = folder.write("t.csv", TENANTS);
    let file = folder.write("u.csv", requests(1, "tn-1") + "2023-11-16 18:15:50,code,7,8,tn-2\n");
    let map = ["--tenants", &tenants, "--map", "aws=bedrock/amazon.nova-pro"];
    let ran = import("usage", &cloud, &file, &map).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let events = cloud.cloud.events();
    let of = |tenant: &str| -> Value {
        events.values().find(|event| event["tenantId"] == tenant).expect("sent").clone()
    };
    assert_eq!(
        of("tn-1")["payload"],
        json!({"kind": "usage", "provider": "vertex", "model": "gemini-2.5-flash", "region": "us",
               "inputTokens": 0, "outputTokens": 44, "workload": "conv",
               "requestedAt": "2023-11-16T18:15:46.680Z"})
    );
    assert_eq!(of("tn-2")["payload"]["model"], "amazon.nova-pro");
    assert_eq!(of("tn-2")["region"], "eu");
    assert!(of("tn-1").get("createdAt").is_none(), "the cloud says when an event was made");
}

#[tokio::test]
async fn a_second_run_records_nothing_twice() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let tenants = folder.write("t.csv", TENANTS);
    let file = folder.write("u.csv", requests(1_201, "tn-1"));
    let first = import("usage", &cloud, &file, &["--tenants", &tenants]).await;
    assert_eq!(totals(&first), "sent 1201, accepted 1201, repeated 0, refused 0, final 1201");
    let second = import("usage", &cloud, &file, &["--tenants", &tenants]).await;
    assert_eq!(totals(&second), "sent 1201, accepted 0, repeated 1201, refused 0, final 1201");
    assert_eq!((second.code, cloud.cloud.events().len()), (0, 1_201));
}

#[tokio::test]
async fn passing_refusals_are_waited_out() {
    let cloud = StandIn {
        busy_requests: 3.into(),
        busy_items: 5.into(),
        pending_answers: 2.into(),
        ..StandIn::default()
    };
    let (folder, cloud) = (Folder::new(), cloud.start().await);
    let tenants = folder.write("t.csv", TENANTS);
    let file = folder.write("u.csv", requests(40, "tn-1"));
    let ran = import("usage", &cloud, &file, &["--tenants", &tenants]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(totals(&ran), "sent 40, accepted 40, repeated 0, refused 0, final 40");
    assert_eq!(cloud.cloud.asked_for_finality.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn refused_rows_are_counted_the_first_ten_shown_and_the_others_recorded() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let tenants = folder.write("t.csv", TENANTS);
    let file = folder.write("u.csv", requests(12, GHOST) + "2023-11-16 18:15:50,code,7,8,tn-2\n");
    let ran = import("usage", &cloud, &file, &["--tenants", &tenants]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(totals(&ran), "sent 13, accepted 1, repeated 0, refused 12, final 1");
    let shown = ran.err.lines().filter(|line| line.contains("422 Unknown tenant")).count();
    assert_eq!(shown, 10, "{}", ran.err);
    assert!(ran.err.contains("line 2: ") && ran.err.contains("and 2 more"), "{}", ran.err);
}

#[tokio::test]
async fn a_lasting_refusal_ends_the_import_with_the_problem_and_how_to_go_on() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let file = folder.write("t.csv", TENANTS);
    let arguments = ["import", "tenants", &file, "--to", &cloud.url, "--token", "wrong"];
    let ran = ternion_beside(arguments.map(str::to_owned).to_vec()).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("401 Sign in first") && ran.err.contains("r-1"), "{}", ran.err);
    assert!(ran.err.contains("Run the same command again"), "{}", ran.err);
}

#[test]
fn a_file_with_a_wrong_row_sends_nothing_and_names_the_line() {
    let folder = Folder::new();
    let tenants = folder.write("t.csv", TENANTS);
    for (row, said) in [
        ("2023-11-16 18:15:50,code,many,8,tn-2", "context_tokens"),
        ("yesterday,code,7,8,tn-2", "timestamp"),
        ("2023-11-16 18:15:50,code,7,8,nobody", "nobody"),
        ("2023-11-16 18:15:50,code,7", "fields"),
    ] {
        let file = folder.write("u.csv", format!("{}{row}\n", requests(1, "tn-1")));
        // Nothing listens on port 9: a try to send would be told as unreachable.
        let to = ["--to", "http://127.0.0.1:9", "--tenants", &tenants];
        let ran = ternion(&[&["import", "usage", &file][..], &to].concat());
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("line 3: ") && ran.err.contains(said), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_price_map_and_a_history_become_provider_prices_of_their_days() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let map = r#"{"azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1e-05}, "sample_spec": {"mode": "chat"}}"#;
    let file = folder.write("prices_2026-11-12.json", map);
    let ran = import("prices", &cloud, &file, &[]).await;
    assert_eq!(totals(&ran), "sent 1, accepted 1, repeated 0, refused 0, final 1", "{ran:?}");
    assert!(ran.err.contains("1 entries have no price"), "{ran:?}");
    let again = import("prices", &cloud, &file, &[]).await;
    assert_eq!(totals(&again), "sent 1, accepted 0, repeated 1, refused 0, final 1");
    let history = "model,litellm_provider,as_of,input_usd_per_token,output_usd_per_token\n\
                   gemini-2.5-pro,vertex_ai-language-models,2025-06-01,1.25e-06,1e-05\n";
    let ran = import("prices", &cloud, &folder.write("h.csv", history), &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let events = cloud.cloud.events();
    let of = |provider: &str| {
        let found = events.values().find(|event| event["payload"]["provider"] == provider);
        found.expect("sent")["payload"].clone()
    };
    assert_eq!(
        of("azure"),
        json!({"kind": "cost.put", "provider": "azure", "model": "gpt-4o",
               "asOf": "2026-11-12T00:00:00.000Z", "price": {"rates": {
                   "inputUsdPerToken": "0.0000025", "outputUsdPerToken": "0.00001"}}})
    );
    assert_eq!(of("vertex")["asOf"], "2025-06-01T00:00:00.000Z");
    let nameless = import("prices", &cloud, &folder.write("p.json", map), &[]).await;
    assert!(nameless.err.contains("--as-of"), "{nameless:?}");
    let given = ["--as-of", "2026-11-12"];
    assert_eq!(import("prices", &cloud, &folder.write("p.json", map), &given).await.code, 0);
}

#[tokio::test]
async fn recorded_latencies_become_one_event_a_provider_with_their_source_and_day() {
    let (folder, cloud) = (Folder::new(), StandIn::default().start().await);
    let text = "provider,end_to_end_latency_s,error_code\nbedrock,2.5,\nlepton,0.0,429\n\
                bedrock,60.25,\nanyscale,1.1,\n";
    let file = folder.write("llmperf.csv", text);
    let about = ["--as-of", "2023-12-01", "--source", "ray-project/llmperf-leaderboard"];
    let ran = import("samples", &cloud, &file, &about).await;
    assert_eq!(totals(&ran), "sent 2, accepted 2, repeated 0, refused 0, final 2", "{ran:?}");
    assert!(ran.err.contains("1 requests failed"), "{ran:?}");
    let events = cloud.cloud.events();
    let bedrock = events.values().find(|event| event["payload"]["provider"] == "bedrock");
    assert_eq!(
        bedrock.expect("sent")["payload"],
        json!({"kind": "latency.put", "provider": "bedrock",
               "source": "ray-project/llmperf-leaderboard", "asOf": "2023-12-01T00:00:00.000Z",
               "took": [[2_490_368, 1], [58_720_256, 1]]})
    );
    let again = import("samples", &cloud, &file, &about).await;
    assert_eq!(totals(&again), "sent 2, accepted 0, repeated 2, refused 0, final 2");
    let elsewhere = [&about[..], &["--region", "us-west-2"]].concat();
    let other = import("samples", &cloud, &file, &elsewhere).await;
    assert_eq!(totals(&other), "sent 2, accepted 2, repeated 0, refused 0, final 2");
    let undated = import("samples", &cloud, &file, &[]).await;
    assert!(undated.code == 1 && undated.err.contains("--as-of"), "{undated:?}");
}
