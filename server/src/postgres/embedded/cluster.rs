//! Making the cluster once, and writing its settings before every start.

use std::fs::{self, File};
use std::path::Path;

use super::account::Account;
use super::binaries::Binaries;
use super::place::{PORT, Place};
use super::{EmbeddedError, NAME};
use crate::config::Config;

/// Sessions beyond the pool's: migrations, a person with psql, autovacuum.
const SPARE_CONNECTIONS: u32 = 8;

/// Runs initdb into a folder that takes its name last: a crash leaves no half-made cluster.
pub(super) fn make(
    place: &Place,
    binaries: &Binaries,
    account: &Account,
) -> Result<(), EmbeddedError> {
    let cluster = place.cluster();
    if cluster.join("PG_VERSION").exists() {
        return Ok(());
    }
    let unfinished = place.root.join("cluster.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|cause| EmbeddedError::io(&unfinished, cause))?;
    }
    tracing::info!(cluster = %cluster.display(), "making a Postgres cluster");
    initdb(place, binaries, account, &unfinished)?;
    let settle = || {
        fs::rename(&unfinished, &cluster)?;
        File::open(&place.root)?.sync_all()
    };
    settle().map_err(|cause| EmbeddedError::io(&cluster, cause))
}

fn initdb(
    place: &Place,
    binaries: &Binaries,
    account: &Account,
    folder: &Path,
) -> Result<(), EmbeddedError> {
    let program = binaries.program("initdb");
    let mut command = account.command(&program);
    command.arg("--pgdata").arg(folder).args([
        "--data-checksums",
        "--encoding=UTF8",
        // Byte order: the same on every machine and version, so that no index depends on a
        // system library's idea of an alphabet.
        "--locale=C",
        "--auth=trust",
        "--no-instructions",
    ]);
    let output = command
        .arg(format!("--username={NAME}"))
        .output()
        .map_err(|cause| EmbeddedError::io(&program, cause))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(EmbeddedError::of_output("initdb", text, place))
}

/// Replaces `postgresql.conf`; an operator's own settings stand in `own.conf` and win.
pub(super) fn configure(
    place: &Place,
    config: &Config,
    account: &Account,
) -> Result<(), EmbeddedError> {
    const NAME: &str = "postgresql.conf";
    let cluster = place.open_cluster()?;
    let replaced = cluster.replace(NAME, &settings(place, config), account);
    replaced.map_err(|cause| EmbeddedError::io(&place.cluster().join(NAME), cause))
}

/// For three clusters on a machine with two cores. Everything that durability needs is stated,
/// though it is the default: it must not depend on one.
fn settings(place: &Place, config: &Config) -> String {
    let postgres = &config.postgres;
    let socket = place.socket.display().to_string().replace('\'', "''");
    let wal_max = postgres.wal_max_mb.max(64);
    let has_own = place.cluster().join("own.conf").exists();
    let own = if has_own { "include = 'own.conf'\n" } else { "" };
    format!(
        "# Written by ternion at every start. Put your own settings into own.conf beside this.\n\
         listen_addresses = ''\n\
         unix_socket_directories = '{socket}'\n\
         unix_socket_permissions = 0700\n\
         port = {PORT}\n\
         cluster_name = 'ternion/{cloud}'\n\
         \n\
         fsync = on\n\
         synchronous_commit = on\n\
         full_page_writes = on\n\
         data_sync_retry = off\n\
         wal_level = replica\n\
         \n\
         max_connections = {connections}\n\
         superuser_reserved_connections = 3\n\
         shared_buffers = {buffers}MB\n\
         work_mem = 8MB\n\
         maintenance_work_mem = 64MB\n\
         max_wal_size = {wal_max}MB\n\
         min_wal_size = 64MB\n\
         checkpoint_timeout = 15min\n\
         checkpoint_completion_target = 0.9\n\
         max_logical_replication_workers = 0\n\
         max_worker_processes = 4\n\
         max_parallel_workers_per_gather = 0\n\
         max_parallel_maintenance_workers = 0\n\
         autovacuum_max_workers = 2\n\
         jit = off\n\
         \n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         logging_collector = off\n\
         log_destination = 'stderr'\n\
         log_line_prefix = '%m [%p] '\n\
         log_min_messages = warning\n\
         log_checkpoints = off\n\
         # Statements hold what clients sent: errors are logged without them.\n\
         log_min_error_statement = panic\n\
         {own}",
        cloud = config.cloud,
        connections = postgres.connections + SPARE_CONNECTIONS,
        buffers = postgres.shared_buffers_mb.max(16),
    )
}
