//! Strict modes, and the witness as a process of its own that holds no data.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::cloud::Cloud;
use domain::epoch::Reason;
use domain::finality::Finality;
use domain::key::{NoteAlgorithm, NoteKey, PublicKey};
use domain::log::{Checkpoint, Hash, Head, LogId};
use domain::note::SignatureLine;
use domain::quorum::{Mode, Signer};
use domain::receipt::{Verdict, verify};
use domain::witness::Submission;
use server::ledger::Accepted;
use server::witness::{self, MemoryError, WitnessConfig, WitnessError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clouds::{DEPLOYMENT, PATIENCE, TempFolder, keys_of};
use crate::three::Deployment;

/// Longer than a signature takes, when one is coming.
const A_WHILE: Duration = Duration::from_millis(1_500);
const GCP_LOG: LogId = LogId { origin: Cloud::Gcp, epoch: 1 };

/// A witness on an address and a folder of its own.
struct Witness {
    config: WitnessConfig,
    folder: TempFolder,
    running: Option<(CancellationToken, JoinHandle<Result<(), WitnessError>>)>,
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}

/// As an operator writes it.
fn config_text(listen: SocketAddr) -> String {
    let mut text =
        format!("deployment = \"{DEPLOYMENT}\"\nlisten = \"{listen}\"\ndata = \"data\"\n");
    for cloud in Cloud::ALL {
        let key = |key: PublicKey| BASE64.encode(key.to_bytes());
        let public = keys_of(cloud).public();
        text.push_str(&format!(
            "[peers.{cloud}]\nurl = \"http://127.0.0.1:1\"\nregion = \"eu-west1\"\n\
             log_key = \"{}\"\ncosigner_key = \"{}\"\ntransport_key = \"{}\"\n",
            key(public.log),
            key(public.cosigner),
            key(public.transport)
        ));
    }
    text
}

impl Witness {
    fn prepare() -> Self {
        let folder = TempFolder::new();
        let file = folder.0.join("witness.toml");
        std::fs::write(&file, config_text(free_address())).expect("a file");
        let config = WitnessConfig::load(&file).expect("a configuration");
        Witness { config, folder, running: None }
    }

    fn key(&self) -> PublicKey {
        witness::public_key(&self.config).expect("a key")
    }

    fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    async fn start(&mut self) {
        let (stop, config) = (CancellationToken::new(), self.config.clone());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { witness::run(&config, stopped).await });
        self.running = Some((stop, task));
        let up = async {
            while reqwest::get(format!("{}/health", self.url())).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("the witness answers");
    }

    async fn stop(&mut self) {
        let (stop, task) = self.running.take().expect("it runs");
        stop.cancel();
        task.await.expect("it ends").expect("without an error");
    }

    async fn submit(&self, old_size: u64, note: String) -> (u16, String) {
        let body = Submission { old_size, proof: Vec::new(), note }.to_string();
        let request = reqwest::Client::new().post(format!("{}/add-checkpoint", self.url()));
        let answer = request.body(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    }
}

/// Three clouds and a witness, of which nothing runs but the witness.
async fn with_witness() -> (Deployment, Witness) {
    let mut witness = Witness::prepare();
    let mut clouds = Deployment::in_mode(Mode::Witness, Some(witness.key())).await;
    clouds.witness_at(witness.url());
    witness.start().await;
    (clouds, witness)
}

async fn receipt_is_valid(clouds: &Deployment, at: Cloud, recorded: &Accepted) {
    let ledger = clouds.ledger(at);
    let record = ledger.at(recorded.slot).await.expect("readable").expect("stored");
    let receipt = ledger.receipt(&record).await.expect("a receipt");
    let checked = verify(&receipt, Some(&ledger.policy()));
    assert_eq!(checked.verdict, Verdict::Valid, "{checked:#?}");
}

/// A head that nobody's entries lead to, signed with the cloud's real keys.
fn signed_by_gcp(size: u64, root: [u8; 32]) -> String {
    let keys = keys_of(Cloud::Gcp);
    let name = GCP_LOG.name(DEPLOYMENT);
    let text = Checkpoint { origin: name.clone(), head: Head { size, root: Hash(root) } };
    let text = text.to_string();
    let log = NoteKey::new(&name, NoteAlgorithm::Ed25519, keys.log.public()).expect("a name");
    let cosigner = format!("{DEPLOYMENT}/gcp/cosigner");
    let cosigner = NoteKey::new(&cosigner, NoteAlgorithm::CosignatureV1, keys.cosigner.public())
        .expect("a name");
    let by_log = SignatureLine::sign(&text, &log, &keys.log);
    let by_cosigner = SignatureLine::cosign(&text, 1_700_000_000, &cosigner, &keys.cosigner);
    format!("{text}\n{by_log}{by_cosigner}")
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_must_sign_nothing_is_final_while_one_cloud_is_down() {
    let mut clouds = Deployment::in_mode(Mode::Unanimous, None).await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let recorded = clouds.record(Cloud::Gcp, 2).await;
    let two_signed =
        |marks: &server::ledger::Watermarks| marks.log(Cloud::Gcp).signed.clouds.aws == 2;
    clouds.until(Cloud::Gcp, "the second signature", two_signed).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(clouds.marks(Cloud::Gcp).finality(recorded[1].slot), Finality::Pending);
    clouds.start(Cloud::Azure).await;
    for cloud in Cloud::ALL {
        clouds.until(cloud, "final", |marks| marks.is_final(recorded[1].slot)).await;
        receipt_is_valid(&clouds, cloud, &recorded[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_witness_events_become_final_while_one_cloud_is_down() {
    let (mut clouds, _witness) = with_witness().await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let recorded = clouds.record(Cloud::Gcp, 300).await;
    for cloud in [Cloud::Gcp, Cloud::Aws] {
        clouds
            .until(cloud, "final by the witness", |marks| marks.is_final(recorded[299].slot))
            .await;
        let signed = clouds.marks(cloud).log(Cloud::Gcp).signed;
        assert!(*signed.get(Signer::Witness) == 300 && *signed.get(Signer::Azure) == 0);
        receipt_is_valid(&clouds, cloud, &recorded[299]).await;
    }
    // The third cloud finds it as it left it.
    clouds.start(Cloud::Azure).await;
    clouds.until(Cloud::Azure, "final", |marks| marks.is_final(recorded[0].slot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clouds_without_the_witness_wait_and_go_on_when_it_is_back() {
    let (mut clouds, mut witness) = with_witness().await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let first = clouds.record(Cloud::Gcp, 1).await[0];
    clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(first.slot)).await;
    witness.stop().await;
    let second = clouds.record(Cloud::Gcp, 1).await[0];
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(clouds.marks(Cloud::Gcp).finality(second.slot), Finality::Pending);
    witness.start().await;
    clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(second.slot)).await;
    receipt_is_valid(&clouds, Cloud::Gcp, &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_origin_is_gone_is_brought_to_the_witness_by_the_others() {
    let (mut clouds, mut witness) = with_witness().await;
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    witness.stop().await;
    let recorded = clouds.record(Cloud::Gcp, 3).await;
    let held = |marks: &server::ledger::Watermarks| marks.log(Cloud::Gcp).head.size == 3;
    clouds.until(Cloud::Aws, "its copy", held).await;
    clouds.kill(Cloud::Gcp);
    witness.start().await;
    clouds.until(Cloud::Aws, "final", |marks| marks.is_final(recorded[2].slot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_witness_follows_a_log_into_its_next_epoch() {
    let (mut clouds, mut witness) = with_witness().await;
    for cloud in Cloud::ALL {
        clouds.start(cloud).await;
    }
    clouds.record(Cloud::Gcp, 2).await;
    clouds.ledger(Cloud::Gcp).begin_epoch(Reason::Rotation).await.expect("begun");
    clouds.record(Cloud::Gcp, 2).await;
    let approved = |marks: &server::ledger::Watermarks| marks.log(Cloud::Gcp).replicated_size == 2;
    clouds.until(Cloud::Aws, "the new epoch, by all", approved).await;
    clouds.stop(Cloud::Azure).await;
    let recorded = clouds.record(Cloud::Gcp, 1).await[0];
    assert_eq!(recorded.slot.epoch, 2);
    clouds.until(Cloud::Gcp, "final by the witness", |marks| marks.is_final(recorded.slot)).await;
    // It has learnt the epoch for good.
    witness.stop().await;
    witness.start().await;
    let later = clouds.record(Cloud::Gcp, 1).await[0];
    clouds.until(Cloud::Gcp, "final", |marks| marks.is_final(later.slot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_only_the_witness_was_shown_becomes_evidence() {
    let (mut clouds, witness) = with_witness().await;
    // A thief with gcp's real keys shows the witness a log that no cloud holds.
    let (status, line) = witness.submit(0, signed_by_gcp(1, [7; 32])).await;
    assert_eq!(status, 200, "{line}");
    clouds.start(Cloud::Gcp).await;
    clouds.start(Cloud::Aws).await;
    let recorded = clouds.record(Cloud::Gcp, 1).await[0];
    clouds.until(Cloud::Gcp, "frozen", |marks| marks.log(Cloud::Gcp).frozen).await;
    assert_eq!(clouds.marks(Cloud::Gcp).finality(recorded.slot), Finality::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_has_forgotten_what_it_signed_does_not_start() {
    let mut witness = Witness::prepare();
    witness.start().await;
    assert_eq!(witness.submit(0, signed_by_gcp(4, [1; 32])).await.0, 200);
    witness.stop().await;
    let data = witness.folder.0.join("data");
    for forgotten in ["heads/gcp-1.note", "logs.json"] {
        std::fs::remove_file(data.join(forgotten)).expect("it was there");
        let outcome = witness::run(&witness.config, CancellationToken::new()).await;
        let spoiled = matches!(outcome, Err(WitnessError::Memory(MemoryError::Spoiled(_))));
        assert!(spoiled, "{forgotten}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_witness_refuses_what_the_specification_says_and_keeps_what_it_signed() {
    let mut witness = Witness::prepare();
    witness.start().await;
    let first = signed_by_gcp(4, [1; 32]);
    let (status, line) = witness.submit(0, first.clone()).await;
    assert_eq!(status, 200, "{line}");
    assert!(line.starts_with(&format!("— {DEPLOYMENT}/witness ")), "{line}");
    assert_eq!(witness.submit(4, first.clone()).await, (200, line), "asked once more");
    assert_eq!(witness.submit(0, first.clone()).await, (409, "4\n".to_owned()));
    assert_eq!(witness.submit(4, signed_by_gcp(4, [2; 32])).await, (409, "4\n".to_owned()));
    assert_eq!(witness.submit(4, signed_by_gcp(9, [2; 32])).await.0, 422);
    assert_eq!(witness.submit(4, signed_by_gcp(3, [1; 32])).await.0, 400);
    assert_eq!(witness.submit(4, first.replace("/gcp/1\n", "/gcp/9\n")).await.0, 404);
    assert_eq!(witness.submit(4, first.replace("\n4\n", "\n5\n")).await.0, 403);
    assert_eq!(witness.submit(4, "no note".to_owned()).await.0, 400);
    // After a restart it remembers; a second one on its folder is refused, and so is a spoiled one.
    witness.stop().await;
    witness.start().await;
    assert_eq!(witness.submit(4, signed_by_gcp(4, [2; 32])).await, (409, "4\n".to_owned()));
    let second = witness::run(&witness.config, CancellationToken::new()).await;
    assert!(matches!(second, Err(WitnessError::Memory(MemoryError::Locked(_)))), "{second:?}");
    witness.stop().await;
    let kept = witness.folder.0.join("data/heads/gcp-1.note");
    let text = std::fs::read_to_string(&kept).expect("kept").replace("\n4\n", "\n3\n");
    std::fs::write(&kept, text).expect("spoiled");
    let spoiled = witness::run(&witness.config, CancellationToken::new()).await;
    assert!(matches!(spoiled, Err(WitnessError::Memory(MemoryError::Spoiled(_)))), "{spoiled:?}");
}
