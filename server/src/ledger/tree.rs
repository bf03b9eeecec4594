//! Reading the stored tree: tiles, roots and proofs.
//!
//! A full tile is one row of `ledger_tile`; a partial one is made from what lies below it: leaves
//! from the events' slots and hashes, upper levels from the roots of full tiles.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::event::{Slot, leaf};
use domain::log::plan::{self, Node, Plan};
use domain::log::{Appender, Hash, LogId, TILE_WIDTH, TilePath, node_from_tile};
use sqlx::PgPool;

use super::columns;

/// The first `width` hashes of a tile. `None` if the log is shorter.
pub(super) async fn tile_hashes(
    pool: &PgPool,
    log: LogId,
    path: TilePath,
    width: usize,
) -> Result<Option<Vec<Hash>>, sqlx::Error> {
    let mut hashes = match full_tile(pool, log, path).await? {
        Some(full) => full,
        None if path.level == 0 => open_leaves(pool, log, path.index, width).await?,
        None => open_nodes(pool, log, path, width).await?,
    };
    hashes.truncate(width);
    Ok((hashes.len() == width).then_some(hashes))
}

async fn full_tile(
    pool: &PgPool,
    log: LogId,
    path: TilePath,
) -> Result<Option<Vec<Hash>>, sqlx::Error> {
    let sql = "SELECT hashes FROM ledger_tile \
               WHERE origin = $1 AND epoch = $2 AND level = $3 AND index = $4";
    let row: Option<Vec<u8>> = sqlx::query_scalar(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i16::from(path.level))
        .bind(columns::size(path.index))
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|bytes| bytes.chunks_exact(32).filter_map(Hash::from_slice).collect()))
}

async fn open_leaves(
    pool: &PgPool,
    log: LogId,
    index: u64,
    width: usize,
) -> Result<Vec<Hash>, sqlx::Error> {
    let first = index.saturating_mul(TILE_WIDTH as u64);
    let sql = "SELECT sequence, hash FROM ledger_event WHERE origin = $1 AND epoch = $2 \
               AND sequence >= $3 AND sequence < $4 ORDER BY sequence";
    let rows = sqlx::query(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(columns::size(first))
        .bind(columns::size(first.saturating_add(width as u64)))
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| {
            let sequence = columns::read_size(row, "sequence")?;
            let slot = Slot { origin: log.origin, epoch: log.epoch, sequence };
            Ok(leaf(slot, columns::read_hash(row, "hash")?).0)
        })
        .collect()
}

async fn open_nodes(
    pool: &PgPool,
    log: LogId,
    path: TilePath,
    width: usize,
) -> Result<Vec<Hash>, sqlx::Error> {
    let first = path.index.saturating_mul(TILE_WIDTH as u64);
    let sql = "SELECT root FROM ledger_tile WHERE origin = $1 AND epoch = $2 AND level = $3 \
               AND index >= $4 AND index < $5 ORDER BY index";
    let rows = sqlx::query(sql)
        .bind(columns::origin(log))
        .bind(columns::epoch(log))
        .bind(i16::from(path.level.saturating_sub(1)))
        .bind(columns::size(first))
        .bind(columns::size(first.saturating_add(width as u64)))
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| columns::read_hash(row, "root")).collect()
}

/// The stored ones among these nodes of the tree of that size.
pub(super) async fn nodes(
    pool: &PgPool,
    log: LogId,
    size: u64,
    wanted: impl Iterator<Item = Node>,
) -> Result<HashMap<Node, Hash>, sqlx::Error> {
    let mut tiles: HashMap<TilePath, Vec<Hash>> = HashMap::new();
    let mut nodes = HashMap::new();
    for node in wanted {
        let path = TilePath::of(node);
        let tile = match tiles.entry(path) {
            Entry::Occupied(place) => place.into_mut(),
            Entry::Vacant(place) => {
                let hashes = tile_hashes(pool, log, path, path.width_at(size)).await?;
                place.insert(hashes.unwrap_or_default())
            }
        };
        nodes.extend(node_from_tile(node, tile).map(|hash| (node, hash)));
    }
    Ok(nodes)
}

/// Reads what a plan names and folds it. `None` if the stored log is shorter than the plan.
pub(super) async fn assemble(
    pool: &PgPool,
    log: LogId,
    size: u64,
    plan: &Plan,
) -> Result<Option<Vec<Hash>>, sqlx::Error> {
    let nodes = nodes(pool, log, size, plan.nodes()).await?;
    Ok(plan.assemble(|node| nodes.get(&node).copied()))
}

/// The root of the first `size` leaves. `None` if fewer are stored.
pub(super) async fn root_at(
    pool: &PgPool,
    log: LogId,
    size: u64,
) -> Result<Option<Hash>, sqlx::Error> {
    let roots = assemble(pool, log, size, &plan::root(size)).await?;
    Ok(roots.and_then(|roots| roots.first().copied()))
}

/// The right edge of the stored tree, ready to append. `None` if rows are missing.
pub(super) async fn appender(
    pool: &PgPool,
    log: LogId,
    size: u64,
) -> Result<Option<Appender>, sqlx::Error> {
    let mut open = Vec::new();
    let mut hashes = size;
    for level in 0.. {
        if hashes == 0 {
            break;
        }
        let index = hashes / TILE_WIDTH as u64;
        let width = usize::try_from(hashes % TILE_WIDTH as u64).unwrap_or(0); // below 256
        let tile = match width {
            0 => Some(Vec::new()),
            _ => tile_hashes(pool, log, TilePath { level, index }, width).await?,
        };
        let Some(tile) = tile else { return Ok(None) };
        open.push(tile);
        hashes /= TILE_WIDTH as u64;
    }
    Ok(Appender::resume(open).filter(|appender| appender.size() == size))
}
