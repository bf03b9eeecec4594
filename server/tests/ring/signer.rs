//! Keys that another process holds: the script of docs/operations.md, as it stands there.

use std::fs;
use std::path::{Path, PathBuf};

use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::receipt::{Verdict, verify};
use server::keys::External;
use server::keys::external::Reach;
use tokio::time::{Duration, sleep, timeout};
use uuid::Uuid;

use crate::clouds::PATIENCE;
use crate::three::Deployment;

/// A folder with the script, in which it keeps its keys.
struct SigningScript(PathBuf);

impl SigningScript {
    fn write() -> Self {
        let folder = std::env::temp_dir().join(format!("ternion-signer-{}", Uuid::now_v7()));
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("signer.sh"), script()).expect("the script");
        SigningScript(folder)
    }

    fn reach(&self) -> Reach {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        Reach::Command(vec!["sh".to_owned(), text(&self.0.join("signer.sh")), text(&self.0)])
    }
}

impl Drop for SigningScript {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The first shell script of the section *Keys elsewhere*.
fn script() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let docs = fs::read_to_string(docs).expect("the documentation");
    let section = docs.split("**Keys elsewhere").nth(1).expect("the section");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a script").to_owned()
}

async fn until_epoch(clouds: &Deployment, epoch: u32) {
    let known = |cloud| clouds.ledger(cloud).register().newest_approved(Cloud::Gcp).epoch == epoch;
    let all = async {
        while !Cloud::ALL.into_iter().all(known) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, all).await.expect("every cloud learns of the epoch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_signs_through_another_process_makes_events_final() {
    let elsewhere = SigningScript::write();
    let mut clouds = Deployment::running().await;
    clouds.stop(Cloud::Gcp).await;
    clouds.keep_keys_at(Cloud::Gcp, External::new(elsewhere.reach()));
    clouds.start(Cloud::Gcp).await;
    clouds.record(Cloud::Gcp, 2).await;
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    let recorded = clouds.record(Cloud::Gcp, 3).await;
    until_epoch(&clouds, 2).await;
    // From a restart on only what is pinned is known here, and the signer is asked again.
    clouds.stop(Cloud::Gcp).await;
    clouds.start(Cloud::Gcp).await;
    clouds.record(Cloud::Gcp, 1).await;
    clouds.until(Cloud::Aws, "all final", |marks| marks.final_vector().gcp == 6).await;
    let ledger = clouds.ledger(Cloud::Aws);
    let record = ledger.find(recorded[0].event_id).await.expect("read").pop().expect("there");
    let receipt = ledger.receipt(&record).await.expect("a receipt");
    assert_eq!(verify(&receipt, Some(&ledger.policy())).verdict, Verdict::Valid);
    let keys = clouds.folders.gcp.0.join("epoch-2");
    assert!(keys.join("log.pub").exists() && !keys.join("log.key").exists());
    assert!(elsewhere.0.join("log-2.pem").exists(), "the private key is at the signer");
}
