//! The logs as C2SP tlog-tiles, for monitors that believe nobody: heads, checkpoints, tiles.
//!
//! Tiles hold hashes only and are public, as are checkpoints and keys. Entries (slot and event
//! hash) want the right to read the ledger.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::access::Action;
use domain::cloud::{Cloud, PerCloud};
use domain::event::entry_bytes;
use domain::log::{Hash, LogId, TILE_WIDTH, TilePath};
use serde::Serialize;

use super::Shared;
use super::ask::Named;
use super::tile_path::{Resource, Wanted};
use crate::identity::{MaybePrincipal, Principal};
use crate::ledger::{LogView, Record};
use crate::problem::Problem;

/// What is below a signed root never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A partial tile is soon superseded by a wider one.
const FOR_A_WHILE: &str = "public, max-age=60";

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/logs", get(logs))
        .route("/v1/logs/{origin}/{epoch}/checkpoint", get(checkpoint))
        .route("/v1/logs/{origin}/{epoch}/tile/{*path}", get(tile))
        .route("/v1/policy-file", get(policy_file))
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    origin: Cloud,
    epoch: u32,
    /// The first line of its checkpoints.
    name: String,
    /// What is stored and verified here.
    size: u64,
    root: Hash,
    final_size: u64,
    replicated_size: u64,
    /// The largest size that each cloud has signed.
    signed: PerCloud<u64>,
    /// The key that signs its checkpoints, as a C2SP vkey.
    key: String,
    checkpoint: String,
}

async fn logs(State(shared): State<Shared>) -> Response {
    let marks = *shared.ledger.watermarks().borrow();
    let roster = shared.ledger.roster();
    let log = |view: &LogView| Log {
        origin: view.log.origin,
        epoch: view.log.epoch,
        name: view.log.name(&roster.deployment),
        size: view.head.size,
        root: view.head.root,
        final_size: view.final_size,
        replicated_size: view.replicated_size,
        signed: view.signed,
        key: roster.log_key(view.log).to_string(),
        checkpoint: format!("/v1/logs/{}/{}/checkpoint", view.log.origin, view.log.epoch),
    };
    let items: Vec<Log> = marks.0.iter().map(|(_, view)| log(view)).collect();
    let list = serde_json::json!({ "items": items, "nextCursor": null });
    ([(header::CACHE_CONTROL, "no-cache")], Json(list)).into_response()
}

async fn checkpoint(
    State(shared): State<Shared>,
    Named((origin, epoch)): Named<(String, String)>,
) -> Result<Response, Problem> {
    let log = log_id(&origin, &epoch)?;
    let note = shared.ledger.checkpoint(log).ok_or_else(|| no_log(log))?;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, note).into_response())
}

async fn tile(
    State(shared): State<Shared>,
    MaybePrincipal(principal): MaybePrincipal,
    Named((origin, epoch, path)): Named<(String, String, String)>,
) -> Result<Response, Problem> {
    let log = log_id(&origin, &epoch)?;
    let wanted = Wanted::parse(&path).ok_or_else(|| {
        Problem::not_found(format!("\"tile/{path}\" is not an address of a tile."))
    })?;
    let bytes = match wanted.resource {
        Resource::Tile(at) => tile_bytes(&shared, log, at, wanted.width).await?,
        Resource::Entries(index) => {
            may_read(principal)?;
            entries_bytes(&shared, log, index, wanted.width).await?
        }
    };
    let bytes = bytes.ok_or_else(|| shorter(log, &path))?;
    let full = wanted.width == TILE_WIDTH;
    let caching = match wanted.resource {
        Resource::Entries(_) => "private, no-store",
        Resource::Tile(_) if full => FOR_EVER,
        Resource::Tile(_) => FOR_A_WHILE,
    };
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, caching)];
    Ok((headers, bytes).into_response())
}

fn may_read(principal: Option<Principal>) -> Result<(), Problem> {
    let principal = principal.ok_or_else(|| {
        Problem::unauthenticated("Tiles of hashes are public; entries want a bearer token.")
    })?;
    principal.require(Action::ReadLedger)
}

async fn tile_bytes(
    shared: &Shared,
    log: LogId,
    at: TilePath,
    width: usize,
) -> Result<Option<Vec<u8>>, Problem> {
    let hashes = shared.ledger.tile(log, at, width).await?;
    Ok(hashes.map(|hashes| hashes.iter().flat_map(|hash| hash.0).collect()))
}

/// C2SP entry bundle: each entry with its length in two bytes before it.
async fn entries_bytes(
    shared: &Shared,
    log: LogId,
    index: u64,
    width: usize,
) -> Result<Option<Vec<u8>>, Problem> {
    let start = index.saturating_mul(TILE_WIDTH as u64);
    let records = shared.ledger.range(log, start, start.saturating_add(width as u64)).await?;
    Ok((records.len() == width).then(|| bundle(&records)))
}

fn bundle(records: &[Record]) -> Vec<u8> {
    let entries = records.iter().map(|record| entry_bytes(record.slot, record.hash));
    let prefixed = entries.flat_map(|entry| {
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX); // 45
        length.to_be_bytes().into_iter().chain(entry)
    });
    prefixed.collect()
}

async fn policy_file(State(shared): State<Shared>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{}.policy\"", shared.ledger.roster().deployment),
        ),
    ];
    (headers, shared.ledger.policy().to_string()).into_response()
}

fn log_id(origin: &str, epoch: &str) -> Result<LogId, Problem> {
    let origin = origin.parse().map_err(|error| Problem::not_found(format!("{error}.")))?;
    let epoch = epoch
        .parse()
        .map_err(|_| Problem::not_found(format!("\"{epoch}\" is not the number of an epoch.")))?;
    Ok(LogId { origin, epoch })
}

fn no_log(log: LogId) -> Problem {
    Problem::not_found(format!(
        "The log {}/{} has no checkpoint here: it is empty, or of another epoch.",
        log.origin, log.epoch
    ))
}

fn shorter(log: LogId, path: &str) -> Problem {
    Problem::not_found(format!(
        "The log {}/{} does not reach as far as tile/{path}. Its checkpoint says how far.",
        log.origin, log.epoch
    ))
}
