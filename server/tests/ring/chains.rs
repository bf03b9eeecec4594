//! The demonstration anchors the month of its story on development chains, and leaves none behind.

use std::time::Duration;

use domain::cloud::Cloud;
use serde_json::Value;

use crate::anchor::{anvil, litecoin};
use crate::demonstration::{Demonstration, place};
use crate::process::skipped;

/// Three clusters, a wallet and a hundred blocks, on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(480);

/// How far each publisher is with the one snapshot, as that cloud tells it.
async fn anchors(demonstration: &Demonstration) -> Vec<(String, bool)> {
    let told = demonstration.json(Cloud::Gcp, "/v1/anchors").await.unwrap_or_default();
    let items = told["items"].as_array().cloned().unwrap_or_default();
    let one = |item: &Value| {
        let publisher = item["publisher"].as_str().unwrap_or_default().to_owned();
        (publisher, item["anchored"] == true)
    };
    let mut anchors: Vec<_> = items.iter().map(one).collect();
    anchors.sort();
    anchors
}

async fn until_anchored(demonstration: &Demonstration) {
    let everywhere: Vec<_> =
        ["bitcoin", "ethereum", "rfc3161"].map(|name| (name.to_owned(), true)).into();
    let anchored = async {
        while anchors(demonstration).await != everywhere {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, anchored).await;
    assert!(waited.is_ok(), "anchored at: {:?}", anchors(demonstration).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_month_of_the_story_is_anchored_and_nothing_outlives_a_killed_supervisor() {
    let (Some(anvil), true) = (anvil::binary(), litecoin::is_installed()) else {
        return skipped("anvil or litecoind");
    };
    let (folder, port) = place();
    let variables = [("TERNION_ANVIL", anvil)];
    let mut demonstration = Demonstration::start_as(folder.clone(), port, &[], &variables).await;
    until_anchored(&demonstration).await;
    demonstration.kill_the_supervisor();
    // Not dropped: the chains go on in the second run.
    std::mem::forget(demonstration);
    let demonstration = Demonstration::start_as(folder, port, &[], &variables).await;
    until_anchored(&demonstration).await;
}
