//! `ternion bench ledger`: one line, whose numbers are those of what was sent.

use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::command::{Ran, ternion_beside};
use crate::stand_in::{Running, StandIn, TOKEN};

async fn bench(clouds: &[&Running], more: &[&str]) -> (Ran, Value) {
    let mut arguments = vec!["bench", "ledger", "--token", TOKEN];
    for cloud in clouds {
        arguments.extend(["--url", &cloud.url]);
    }
    arguments.extend_from_slice(more);
    let ran = ternion_beside(arguments.into_iter().map(str::to_owned).collect()).await;
    let line = serde_json::from_str(&ran.out).expect("one line of JSON");
    (ran, line)
}

#[tokio::test]
async fn every_event_is_sent_once_and_spread_over_the_clouds() {
    let (one, other) = (StandIn::default().start().await, StandIn::default().start().await);
    let load = ["--clients", "4", "--events", "50", "--size", "20"];
    let (ran, line) = bench(&[&one, &other], &load).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let sent = [one.cloud.events().len(), other.cloud.events().len()];
    assert_eq!(sent.iter().sum::<usize>(), 50);
    assert!(sent.iter().all(|count| *count > 0), "{sent:?}");
    let event = one.cloud.events().into_values().next().expect("an event");
    assert_eq!(event["payload"]["filler"].as_str().map(str::len), Some(20));
    let names: Vec<_> = ran.out.split('"').skip(1).step_by(2).collect();
    assert_eq!(
        names,
        [
            "peer",
            "ternion",
            "clients",
            "value_bytes",
            "batch",
            "values",
            "errors",
            "secs",
            "final_per_s",
            "commit_p50_ms",
            "commit_p99_ms",
            "commit_max_ms"
        ]
    );
    assert_eq!((&line["values"], &line["errors"]), (&Value::from(50), &Value::from(0)));
    assert!(line["commit_p50_ms"].as_f64() <= line["commit_max_ms"].as_f64());
}

#[tokio::test]
async fn a_batch_counts_as_many_values_as_it_holds_and_the_last_is_cut() {
    let cloud = StandIn::default().start().await;
    let load = ["--clients", "2", "--events", "25", "--size", "8", "--batch", "10"];
    let (ran, line) = bench(&[&cloud], &load).await;
    assert_eq!((ran.code, cloud.cloud.events().len()), (0, 25), "{ran:?}");
    assert_eq!((&line["values"], &line["batch"]), (&Value::from(25), &Value::from(10)));
}

#[tokio::test]
async fn refusals_are_errors_and_not_sent_again() {
    let cloud = StandIn { busy_requests: 3.into(), ..StandIn::default() }.start().await;
    let load = ["--clients", "1", "--events", "10", "--size", "8"];
    let (ran, line) = bench(&[&cloud], &load).await;
    assert_eq!((&line["values"], &line["errors"]), (&Value::from(7), &Value::from(3)));
    assert_eq!(cloud.cloud.busy_requests.load(Ordering::SeqCst), 0);
    assert!(ran.err.contains("3 of 10 events failed"), "{}", ran.err);
}
