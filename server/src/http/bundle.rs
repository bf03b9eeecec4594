//! What an auditor takes home of a snapshot, and the check of it for those who have no program of
//! ours.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::access::Action;
use domain::anchor::Source;
use domain::anchor::bitcoin::{KnownHeader, Network};
use domain::anchor::ethereum::{Keccak256, KnownBlock};
use domain::bundle::{Contents, SNAPSHOT_FILE, SnapshotFile, file_name};
use domain::log::Hash;
use domain::receipt::{Step, StepState, Verdict, Verification};
use domain::snapshot::Period;
use domain::verifier::{Held, Stamped, parse_header, report};
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::ask::{Asked, Named, Whole};
use super::snapshots::{found, read_period, refused};
use crate::bundle::{NoBundle, certificate, contents};
use crate::identity::Principal;
use crate::ledger::NoReceipt;
use crate::problem::Problem;
use crate::snapshot::Snapshot;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/snapshots/{period}/bundle", get(bundle))
        .route("/v1/snapshots/{period}/certificate.pdf", get(page))
        .route("/v1/verify", post(verify))
}

async fn bundle(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
) -> Result<Response, Problem> {
    let (period, contents) = gathered(&shared, &principal, &period).await?;
    let packed = contents.bundle().pack().map_err(Problem::fault)?;
    Ok(attachment("application/zip", &file_name(period), packed))
}

/// The same in one page, to hand out.
async fn page(
    State(shared): State<Shared>,
    principal: Principal,
    Named(period): Named<String>,
) -> Result<Response, Problem> {
    let (period, contents) = gathered(&shared, &principal, &period).await?;
    let bundle = contents.bundle();
    let said = SnapshotFile::parse(bundle.file(SNAPSHOT_FILE).unwrap_or_default());
    let written = certificate(&contents, &said.map_err(Problem::fault)?);
    Ok(attachment("application/pdf", &format!("certificate-{period}.pdf"), written))
}

async fn gathered(
    shared: &Shared,
    principal: &Principal,
    period: &str,
) -> Result<(Period, Contents), Problem> {
    principal.require(Action::ReadLedger)?;
    let period = read_period(period)?;
    let snapshot = found(shared, period).await?;
    let contents = contents(&shared.ledger, &shared.anchors, &snapshot).await;
    Ok((period, contents.map_err(absent)?))
}

fn attachment(media: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        // It grows as proofs come.
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}

fn absent(cause: NoBundle) -> Problem {
    match cause {
        NoBundle::NotAgreed => Problem::conflict(format!("There is no bundle: {cause}.")),
        NoBundle::NotHere(_) | NoBundle::Receipt(NoReceipt::NotFinal(_)) => {
            Problem::conflict(format!("There is no bundle yet: {cause}.")).retry_after(1)
        }
        NoBundle::Receipt(NoReceipt::Database(cause)) | NoBundle::Database(cause) => cause.into(),
        NoBundle::Receipt(NoReceipt::Damaged(what)) => Problem::fault(what),
    }
}

/// What the asker holds beside the file, as `ternion verify` has it in options.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Beside {
    /// What to call the file in the answer.
    name: Option<String>,
    policy: Option<WhosePolicy>,
    digest: Option<String>,
    bitcoin_header: Option<String>,
    bitcoin_network: Option<String>,
    ethereum_block: Option<String>,
    ethereum_chain: Option<u64>,
}

/// A policy file is too long for an address. Who has their own uses `ternion verify` or the page.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum WhosePolicy {
    /// The one that this deployment serves: then the verdict rests on its word.
    Deployment,
}

/// One file, checked as `ternion verify --json` does it. Nothing of it is kept.
async fn verify(
    State(shared): State<Shared>,
    principal: Principal,
    Asked(beside): Asked<Beside>,
    Whole(body): Whole,
) -> Result<Json<Value>, Problem> {
    principal.require(Action::ReadLedger)?;
    let name = beside.name.clone().unwrap_or_else(|| "body".to_owned());
    let hash = hex::decode(body.trim_ascii()).ok().and_then(|bytes| Hash::from_slice(&bytes));
    if let Some(hash) = hash {
        let checked: Result<_, std::convert::Infallible> = Ok(known_hash(&shared, hash).await?);
        return Ok(Json(report(&name, &checked)));
    }
    let ours = beside.policy.is_some();
    let (held, stamped) = beside.held(&shared)?;
    // A bundle takes some tens of milliseconds of one core.
    let checked = tokio::task::spawn_blocking(move || held.check(&body, stamped.as_ref())).await;
    let mut checked = checked.map_err(Problem::fault)?;
    if ours && let Ok(checked) = &mut checked {
        on_our_word(checked);
    }
    Ok(Json(report(&name, &checked)))
}

impl Beside {
    fn held(self, shared: &Shared) -> Result<(Held, Option<Stamped>), Problem> {
        let bad = |field: &str, cause: String| Problem::malformed(format!("{field}: {cause}."));
        let hex = |text: &str| hex::decode(text.strip_prefix("0x").unwrap_or(text));
        let policy = self.policy.map(|WhosePolicy::Deployment| shared.ledger.policy());
        let mut held = Held { policy, ..Held::default() };
        if let Some(text) = &self.bitcoin_header {
            let read = parse_header(text.as_bytes());
            let (header, height) = read.map_err(|cause| bad("bitcoinHeader", cause.to_string()))?;
            let source = Source::Verifier("given in the request".to_owned());
            held.headers.push(KnownHeader { header, height, source });
        }
        if let Some(text) = &self.bitcoin_network {
            let read = text.parse::<Network>();
            held.network = read.map_err(|cause| bad("bitcoinNetwork", cause.to_string()))?;
        }
        if let Some(text) = &self.ethereum_block {
            let hash = hex(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let none = || bad("ethereumBlock", "a block's hash is 64 hex digits".to_owned());
            let source = Source::Verifier("given in the request".to_owned());
            held.block = Some(KnownBlock { hash: Keccak256(hash.ok_or_else(none)?), source });
        }
        held.chain = self.ethereum_chain.unwrap_or(held.chain);
        let digest = self.digest.as_deref().map(hex).transpose();
        let digest = digest.map_err(|cause| bad("digest", cause.to_string()))?;
        Ok((held, digest.map(Stamped::Digest)))
    }
}

/// A hash alone proves nothing: what this cloud knows of it is told, on this cloud's word.
async fn known_hash(shared: &Shared, hash: Hash) -> Result<Verification, Problem> {
    let snapshots = shared.snapshots.list().await.map_err(refused)?;
    let known = snapshots.iter().find(|one| one.standing.agreed() == Some(hash));
    // Not a forgery: this cloud may only be behind.
    let none = || Problem::not_found("This cloud knows no agreed snapshot with this hash.");
    let known = known.ok_or_else(none)?;
    let step = Step {
        title: "It is the hash of an agreed snapshot".to_owned(),
        method: "looked up at this cloud".to_owned(),
        inputs: vec![("hash".to_owned(), hash.to_string())],
        result: told(known),
        state: StepState::Unidentified,
        cloud: None,
        file: None,
    };
    let period = known.plan.period;
    let sentence = format!(
        "This cloud says that it is the hash of snapshot {period}. Fetch \
         /v1/snapshots/{period}/bundle, which proves it without this cloud's word."
    );
    Ok(Verification { steps: vec![step], verdict: Verdict::SelfConsistent, sentence })
}

/// Under the policy file that this deployment serves, whose keys these are is its own word.
fn on_our_word(checked: &mut Verification) {
    if checked.verdict == Verdict::Valid {
        checked.verdict = Verdict::SelfConsistent;
        checked.sentence = "Nothing is wrong under the policy file that this deployment itself \
                            serves: whose keys these are rests on its word."
            .to_owned();
    }
}

fn told(snapshot: &Snapshot) -> String {
    format!("snapshot no. {}, {}", snapshot.number, snapshot.plan.period)
}
