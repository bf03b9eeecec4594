//! The audit bundle of three real clouds, in the hands of programs that are not ours.
//!
//! What each program says is kept in the transcript that the first test names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use domain::anchor::Publisher;
use domain::bundle::{Bundle, SUMS_FILE, SnapshotFile};
use domain::cloud::Cloud;
use domain::log::Hash;
use domain::snapshot::agreement::Standing;
use server::anchor::Anchors;
use server::bundle::{NoBundle, contents};
use server::snapshot::Snapshot;

use crate::anchor::anvil::{self, Anvil};
use crate::anchor::bitcoin::ots;
use crate::anchor::desk::Desk;
use crate::anchor::litecoin::{self, Litecoin};
use crate::anchor::responder::Responder;
use crate::clouds::{PATIENCE, TempFolder};
use crate::command::ternion;
use crate::process::{on_path, program, skipped};
use crate::three::Deployment;

/// Three clouds, the first of which asks the authority.
async fn stamping(responder: &Responder) -> Deployment {
    let mut clouds = Deployment::new().await;
    clouds.publish_at(Cloud::Gcp, responder.client());
    for cloud in Cloud::ALL {
        clouds.start(cloud).await;
    }
    clouds.record(Cloud::Aws, 5).await;
    clouds
}

/// The snapshot when all three have attested it.
async fn agreed(clouds: &Deployment) -> (Snapshot, Hash) {
    let period = "2026-10".parse().expect("a month");
    clouds.snapshots(Cloud::Aws).take(period).await.expect("decided");
    let by_all = async {
        loop {
            let seen = clouds.snapshots(Cloud::Gcp).of_period(period).await.expect("readable");
            if let Some(seen) = seen
                && let Standing::Agreed { hash, by, .. } = &seen.standing
                && by.len() == 3
            {
                return (seen.clone(), *hash);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, by_all).await.expect("all three agree")
}

async fn until_stamped(clouds: &Deployment, hash: Hash) {
    let stamped = async {
        loop {
            let known = clouds.anchors(Cloud::Gcp).of_subject(hash).await.expect("readable");
            if known.iter().any(|one| one.anchor.is_final()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stamped).await.expect("it is stamped");
}

async fn bundle_of(clouds: &Deployment, anchors: &Arc<Anchors>, snapshot: &Snapshot) -> Bundle {
    let contents = contents(clouds.ledger(Cloud::Gcp), anchors, snapshot).await;
    contents.expect("an agreed snapshot").bundle()
}

/// What programs said, beside what was asked of them: kept where the build puts its files.
struct Transcript(PathBuf);

impl Transcript {
    fn new(name: &str) -> Self {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&file, "").expect("a transcript");
        eprintln!("transcript: {}", file.display());
        Transcript(file)
    }

    fn keep(&self, asked: &str, code: i32, said: &str) {
        let mut text = fs::read_to_string(&self.0).expect("the transcript");
        text += &format!("$ {asked}\n{said}[{code}]\n\n");
        fs::write(&self.0, text).expect("the transcript");
    }
}

/// A bundle as an auditor has it on disk.
struct Desktop {
    folder: TempFolder,
    environment: BTreeMap<String, String>,
}

impl Desktop {
    /// Unpacked by somebody else's program where there is one.
    fn unpacking(bundle: &Bundle) -> Self {
        let folder = TempFolder::new();
        let zip = folder.0.join("audit-2026-10.zip");
        fs::write(&zip, bundle.pack().expect("memory")).expect("a file");
        let audit = folder.0.join("audit");
        fs::create_dir(&audit).expect("a folder");
        if program(&on_path("unzip")).is_some() {
            let done = Command::new("unzip").arg("-q").arg(&zip).arg("-d").arg(&audit).output();
            let done = done.expect("unzip runs");
            assert!(done.status.success(), "{done:?}");
        } else {
            skipped("unzip");
        }
        let desktop = Desktop { folder, environment: BTreeMap::new() };
        for (name, bytes) in &bundle.files {
            let unpacked = fs::read(desktop.at(name));
            match unpacked {
                Ok(unpacked) => assert_eq!(unpacked, *bytes, "{name}"),
                Err(_) => desktop.put(name, bytes),
            }
        }
        desktop
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.0.join("audit").join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    /// Runs the script of the bundle, and says how it ended and what it printed.
    fn verify(&self, transcript: &Transcript, what: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new("sh");
        command.arg(self.at("verify.sh")).args(arguments).envs(&self.environment);
        let ran = command.current_dir("/").env("HOME", &self.folder.0).output().expect("sh runs");
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        let code = ran.status.code().expect("it ends by itself");
        let root = self.folder.0.display().to_string();
        let asked = format!("sh verify.sh {}   # {what}", arguments.join(" "));
        transcript.keep(&asked.replace(&root, "…"), code, &said.replace(&root, "…"));
        (code, said)
    }
}

/// A byte in the middle is another; of texts that are read by line, a line is added.
fn changed(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match name {
        "verify.sh" => bytes.extend(b"# changed\n"),
        SUMS_FILE => bytes.insert(0, b'x'),
        _ => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_and_sha256sum_accept_the_bundle_and_name_each_file_that_was_changed() {
    let Some(responder) = Responder::start().await else { return };
    let clouds = stamping(&responder).await;
    let (snapshot, hash) = agreed(&clouds).await;
    until_stamped(&clouds, hash).await;
    let bundle = bundle_of(&clouds, clouds.anchors(Cloud::Gcp), &snapshot).await;
    let said = SnapshotFile::parse(&bundle.files["snapshot.json"]).expect("one");
    assert!(said.anchored && said.anchored_at.is_some() && said.hash == hash, "{said:?}");
    assert_eq!(said.agreed_by, Cloud::ALL);

    let transcript = Transcript::new("bundle-transcript.txt");
    let desktop = Desktop::unpacking(&bundle);
    let own_policy = desktop.folder.0.join("own.policy");
    fs::write(&own_policy, clouds.ledger(Cloud::Aws).policy().to_string()).expect("a file");
    let own_policy = own_policy.to_str().expect("UTF-8");
    let root = responder.root();
    let root = root.to_str().expect("UTF-8");

    let (code, text) = desktop.verify(&transcript, "as it was downloaded", &[]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("VERDICT: nothing that this script checks is wrong. gcp, aws, azure attest snapshot hash"),
        "{text}"
    );
    assert!(text.contains("open   keys:") && text.contains("open   authority.pem:"), "{text}");
    let own = ["-p", own_policy, "-a", root];
    let (code, text) = desktop.verify(&transcript, "with what the auditor holds", &own);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("open   keys:") && !text.contains("open   authority.pem:"), "{text}");
    assert!(text.contains("holds  root.tsr: an authority signed for this hash at"), "{text}");

    for (name, bytes) in &bundle.files {
        desktop.put(name, &changed(name, bytes));
        let (code, text) = desktop.verify(&transcript, &format!("{name} changed"), &[]);
        assert_eq!(code, 1, "{name}: {text}");
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("VERDICT: WRONG. {name}: ")), "{name}: {text}");
        fs::remove_file(desktop.at(name)).expect("removed");
        if name != "verify.sh" {
            let (code, text) = desktop.verify(&transcript, &format!("{name} removed"), &[]);
            assert_eq!((code, text.contains(name)), (1, true), "{name}: {text}");
        }
        desktop.put(name, bytes);
    }
    sums_written_anew(&bundle, &desktop, &transcript);
    let other = Responder::start().await.expect("as before");
    let stranger = other.root().to_str().expect("UTF-8").to_owned();
    let (code, text) = desktop.verify(&transcript, "another authority", &["-a", &stranger]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("WRONG  root.tsr: it does not hold for this hash"), "{text}");
    let (code, text) = desktop.verify(&transcript, "another policy file", &["-p", &stranger]);
    assert!(code == 1 && text.contains("your policy file does not name it"), "{text}");
}

/// Whoever changes a file can write the sums anew. Signatures they cannot.
fn sums_written_anew(bundle: &Bundle, desktop: &Desktop, transcript: &Transcript) {
    for name in [
        "manifest.json",
        "attestations/gcp/metadata.json",
        "attestations/aws/signature",
        "attestations/azure/salt",
        "keys/gcp.pem",
        "root.tsr",
        "root.tsq",
    ] {
        let mut forged = bundle.clone();
        let mut bytes = changed(name, &bundle.files[name]);
        if name == "root.tsr" {
            // Certificates stand in the middle, of which one may be another; at the end is the signature.
            bytes = bundle.files[name].clone();
            let at = bytes.len() - 10;
            bytes[at] ^= 1;
        }
        forged.files.insert(name.to_owned(), bytes.clone());
        desktop.put(name, &bytes);
        desktop.put(SUMS_FILE, forged.sums().as_bytes());
        let what = format!("{name} changed, and the sums written anew");
        let (code, text) = desktop.verify(transcript, &what, &[]);
        assert!(code == 1 && text.contains("VERDICT: WRONG. "), "{name}: {text}");
        desktop.put(name, &bundle.files[name]);
        desktop.put(SUMS_FILE, &bundle.files[SUMS_FILE]);
    }
    let (code, text) = desktop.verify(transcript, "as it was again", &[]);
    assert_eq!(code, 0, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_checks_the_bundle_with_what_the_auditor_holds() {
    let Some(responder) = Responder::start().await else { return };
    let clouds = stamping(&responder).await;
    let (snapshot, hash) = agreed(&clouds).await;
    until_stamped(&clouds, hash).await;
    let bundle = bundle_of(&clouds, clouds.anchors(Cloud::Gcp), &snapshot).await;
    let desktop = Desktop::unpacking(&bundle);
    let file = |name: &str, bytes: &[u8]| {
        let path = desktop.folder.0.join(name);
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let zip = file("audit.zip", &bundle.pack().expect("memory"));
    let policy = file("policy", clouds.ledger(Cloud::Aws).policy().to_string().as_bytes());
    let root = responder.root();
    let own = ["verify", "--policy", &policy, "--tsa-ca", root.to_str().expect("UTF-8")];
    let ran = ternion(&[&own[..], &[&zip]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let last = ran.out.lines().last().expect("a sentence");
    assert!(last.starts_with("Valid: Google Cloud, AWS, Azure attest snapshot 2026-10"), "{last}");
    assert!(ran.out.contains("[valid] root.tsr: The authority signed it"), "{}", ran.out);
    let ran = ternion(&["verify", &zip]);
    assert!(ran.code == 3 && ran.out.contains("on the bundle's word"), "{ran:?}");
    let ran = ternion(&[&own[..], &["--digest", &hash.to_string(), &zip]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = ternion(&[&own[..], &["--digest", &"00".repeat(32), &zip]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    for (name, bytes) in &bundle.files {
        let mut other = bundle.clone();
        other.files.insert(name.clone(), changed(name, bytes));
        let zip = file("changed.zip", &other.pack().expect("memory"));
        let ran = ternion(&[&["verify", "--json"][..], &own[1..], &[&zip]].concat());
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        assert!(ran.out.contains(name), "{name}: {}", ran.out);
    }
}

/// Hurries one publisher's clock until the hash is anchored there.
async fn anchored(desk: &Desk, hash: Hash, publisher: Publisher, mine: impl Fn()) {
    let id = desk.queue(hash, publisher).await;
    desk.hurry_until_stage(id, "submitted").await;
    mine();
    desk.hurry_until_stage(id, "final").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_on_both_chains_are_in_the_bundle_and_their_own_programs_accept_them() {
    let Some(responder) = Responder::start().await else { return };
    let (Some(litecoin), Some(chain)) = (Litecoin::start(), Anvil::start()) else { return };
    let clouds = stamping(&responder).await;
    let (snapshot, hash) = agreed(&clouds).await;
    until_stamped(&clouds, hash).await;
    let desk = Desk::open(&clouds, Cloud::Gcp, litecoin.client(Litecoin::limits()));
    anchored(&desk, hash, Publisher::Bitcoin, || litecoin.mine(litecoin::CONFIRMATIONS)).await;
    let other = Desk::open(&clouds, Cloud::Gcp, chain.client(Anvil::limits()));
    anchored(&other, hash, Publisher::Ethereum, || chain.mine(anvil::CONFIRMATIONS)).await;
    let bundle = bundle_of(&clouds, clouds.anchors(Cloud::Gcp), &snapshot).await;
    for name in ["root.ots", "bitcoin.json", "ethereum.json", "root.tsr"] {
        assert!(bundle.files.contains_key(name), "{name}");
    }
    let said = SnapshotFile::parse(&bundle.files["snapshot.json"]).expect("one");
    assert!(said.anchors.iter().all(|one| one.anchored), "{said:?}");

    let transcript = Transcript::new("bundle-chains-transcript.txt");
    let mut desktop = Desktop::unpacking(&bundle);
    match ots() {
        None => skipped("opentimestamps-client"),
        Some(ots) => {
            let node = litecoin.url_with_login();
            let asked = format!("{} --btc-regtest --no-cache --bitcoin-node {node}", ots.display());
            desktop.environment.insert("OTS".to_owned(), asked);
            let (code, text) = desktop.verify(&transcript, "with a node", &[]);
            assert!(
                code == 0 && text.contains("holds  root.ots: Success! Bitcoin block"),
                "{text}"
            );
            other_block(&bundle, &desktop, &transcript);
        }
    }
    let (block, header) = both_blocks(&litecoin, &chain, &bundle);
    let zip = desktop.folder.0.join("audit-2026-10.zip");
    let policy = desktop.at("ternion.policy");
    let root = responder.root();
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let ran = ternion(&[
        "verify",
        "--policy",
        &text(&policy),
        "--tsa-ca",
        &text(&root),
        "--bitcoin-network",
        "regtest",
        "--bitcoin-header",
        &header,
        "--ethereum-chain",
        &anvil::CHAIN.to_string(),
        "--ethereum-block",
        &block,
        &text(&zip),
    ]);
    transcript.keep("ternion verify … audit-2026-10.zip", ran.code, &ran.out);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let header = desktop.at("bitcoin.json");
    let ran = ternion(&[
        "verify",
        "--bitcoin-network",
        "regtest",
        "--bitcoin-header",
        &text(&header),
        "--digest",
        &hash.to_string(),
        &text(&desktop.at("root.ots")),
    ]);
    assert_eq!(ran.code, 0, "bitcoin.json is read as a header: {}", ran.out);
}

/// The proof leads to another root than the block's.
fn other_block(bundle: &Bundle, desktop: &Desktop, transcript: &Transcript) {
    let mut forged = bundle.clone();
    let bytes = forged.files.get_mut("root.ots").expect("a proof");
    let at = bytes.len() - 60;
    bytes[at] ^= 1;
    desktop.put("root.ots", &forged.files["root.ots"]);
    desktop.put(SUMS_FILE, forged.sums().as_bytes());
    let what = "root.ots changed, and the sums written anew";
    let (code, text) = desktop.verify(transcript, what, &[]);
    assert!(code == 1 && text.contains("VERDICT: WRONG. root.ots: ots says"), "{text}");
    desktop.put("root.ots", &bundle.files["root.ots"]);
    desktop.put(SUMS_FILE, &bundle.files[SUMS_FILE]);
}

/// What the nodes say of the blocks that the bundle names.
fn both_blocks(litecoin: &Litecoin, chain: &Anvil, bundle: &Bundle) -> (String, String) {
    let said = SnapshotFile::parse(&bundle.files["snapshot.json"]).expect("one");
    let height = |publisher: Publisher| {
        let one = said.anchors.iter().find(|one| one.publisher == publisher).expect("anchored");
        one.height.expect("a block")
    };
    let at = format!("0x{:x}", height(Publisher::Ethereum));
    let block = chain.node.ask("eth_getBlockByNumber", serde_json::json!([at, false]));
    let hash = litecoin.ask("getblockhash", serde_json::json!([height(Publisher::Bitcoin)]));
    let header = litecoin.ask("getblockheader", serde_json::json!([hash, false]));
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    (text(&block["hash"]), text(&header))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_has_no_bundle_and_two_clouds_are_enough() {
    let mut clouds = Deployment::running().await;
    clouds.record(Cloud::Aws, 5).await;
    let (mut snapshot, _) = agreed(&clouds).await;
    let (ledger, anchors) = (clouds.ledger(Cloud::Gcp).clone(), clouds.anchors(Cloud::Gcp).clone());
    snapshot.standing = Standing::Disagreed;
    let none = contents(&ledger, &anchors, &snapshot).await;
    assert!(matches!(none, Err(NoBundle::NotAgreed)), "{none:?}");
    clouds.stop(Cloud::Azure).await;
    let today = domain::snapshot::Period::day_of(server::now());
    clouds.snapshots(Cloud::Gcp).take(today).await.expect("two of three decide");
    let two = async {
        loop {
            let seen = clouds.snapshots(Cloud::Gcp).of_period(today).await.expect("readable");
            if let Some(seen) = seen.filter(|it| it.standing.agreed().is_some()) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, two).await.expect("two agree");
    let bundle = bundle_of(&clouds, &anchors, &seen).await;
    let guide = String::from_utf8(bundle.files["VERIFY.md"].clone()).expect("text");
    assert!(
        guide.contains("Azure has no attestation that is final at the packing cloud"),
        "{guide}"
    );
    let transcript = Transcript::new("bundle-two-clouds-transcript.txt");
    let (code, text) = Desktop::unpacking(&bundle).verify(&transcript, "by two clouds", &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("When it existed rests on the clouds' word"), "{text}");
}
