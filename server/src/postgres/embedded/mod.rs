//! A Postgres server of the program's own, for a cloud without a `database_url`.
//!
//! Below `data/postgres/`: `cluster` (Postgres's own folder), `socket`, `postgres.log`, and `lock`,
//! which this process holds as long as it lives. Whoever holds the lock is the cluster's only
//! supervisor, so a server found running there was orphaned by a killed predecessor and is
//! stopped; any other server on the machine is never touched.
//!
//! Durability is never switched off: a crash of the program, of the server or of the machine
//! loses nothing that was committed.

mod account;
mod binaries;
mod cluster;
mod folder;
mod log;
mod place;
mod predecessor;
mod server;
mod supervisor;

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use crate::config::Config;

use account::Account;
use binaries::Binaries;
use place::Place;
use supervisor::Supervisor;

/// Database and superuser of the embedded cluster.
const NAME: &str = "ternion";

/// Why the embedded server does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "no Postgres server was found in {searched}. Install the package \"{package}\", name the \
         folder of its programs in postgres.bin, or set database_url to a server that runs already"
    )]
    NoBinaries { searched: String, package: &'static str },
    #[error(
        "{} was made by Postgres {made_by}, and there is only Postgres {found}. Install version \
         {made_by}, or move the cluster with pg_upgrade (docs/operations.md, \"Upgrade\")",
        cluster.display()
    )]
    OtherVersion { cluster: PathBuf, made_by: u32, found: String },
    #[error(
        "{} is in use by another ternion (process {holder}); one cloud, one process",
        folder.display()
    )]
    Locked { folder: PathBuf, holder: String },
    #[error(
        "there is no account \"{0}\" for Postgres to run under, and it refuses to run as root. \
         Make it (useradd --system {0}), or name another in postgres.account"
    )]
    NoAccount(String),
    #[error(
        "the account \"{account}\", under which Postgres runs, cannot enter {}. Choose another \
         data folder, or let it pass: chmod o+x {}", folder.display(), folder.display()
    )]
    Barred { account: String, folder: PathBuf },
    #[error(
        "{} belongs to user {owner} and is not writable for \"{account}\". Choose another data \
         folder, or give it over: chown -R {account} {}", folder.display(), folder.display()
    )]
    NotOurs { folder: PathBuf, owner: u32, account: String },
    #[error("the disk of {} is full. Free some space and start again; nothing is lost", .0.display())]
    DiskFull(PathBuf),
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{program} failed:\n{output}")]
    Failed { program: String, output: String },
    #[error(
        "the Postgres server (process {pid}) that a killed ternion left in {} does not stop. \
         Stop it with: kill -QUIT {pid}", cluster.display()
    )]
    Stubborn { cluster: PathBuf, pid: i32 },
    #[error("Postgres did not answer within {seconds} s; its last words:\n{output}")]
    Silent { seconds: u64, output: String },
    #[error("Postgres does not let us in: {0}")]
    Refused(sqlx::Error),
}

impl EmbeddedError {
    fn io(path: &Path, cause: std::io::Error) -> Self {
        if cause.kind() == std::io::ErrorKind::StorageFull {
            return EmbeddedError::DiskFull(path.to_owned());
        }
        EmbeddedError::Io { path: path.to_owned(), cause }
    }

    /// A program's own words, classified where a person can act on them.
    fn of_output(program: &str, output: String, place: &Place) -> Self {
        if output.contains("No space left on device") {
            return EmbeddedError::DiskFull(place.root.clone());
        }
        EmbeddedError::Failed { program: program.to_owned(), output }
    }
}

/// A running cluster under supervision. Stop it with [`Embedded::stop`]; a mere drop only asks
/// the server to stop and does not wait.
#[derive(Debug)]
pub struct Embedded {
    place: Place,
    supervisor: Supervisor,
}

impl Embedded {
    /// Makes the cluster where there is none, starts the server and waits until it answers.
    ///
    /// # Errors
    /// See [`EmbeddedError`]: each says what to do.
    pub async fn start(config: &Config) -> Result<Self, EmbeddedError> {
        let owned = config.clone();
        // Files, initdb and an orphan's shutdown: blocking work, done once.
        let prepared = tokio::task::spawn_blocking(move || prepare(&owned)).await;
        let (place, command) = match prepared {
            Ok(prepared) => prepared?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let supervisor = Supervisor::start(place.clone(), command).await?;
        let embedded = Embedded { place, supervisor };
        embedded.make_database().await.map_err(EmbeddedError::Refused)?;
        Ok(embedded)
    }

    /// How to connect. No password: only this program's account and root can open the socket.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.place.options(NAME)
    }

    /// The server's process, if it runs just now.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.pid()
    }

    /// Fast shutdown: sessions end, a checkpoint is written, nothing is left to recover.
    pub async fn stop(self) {
        self.supervisor.stop().await;
    }

    async fn make_database(&self) -> Result<(), sqlx::Error> {
        let mut session = PgConnection::connect_with(&self.place.options("postgres")).await?;
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(NAME)
                .fetch_one(&mut session)
                .await?;
        if !exists {
            sqlx::query("CREATE DATABASE ternion").execute(&mut session).await?;
        }
        session.close().await
    }
}

/// How to reach the embedded server of a cloud that runs already, for a command beside it. `None`
/// where none answers, or the configuration names a server of its own.
pub async fn running_embedded(config: &Config) -> Option<PgConnectOptions> {
    if config.database_url.is_some() {
        return None;
    }
    running_in(&config.data).await
}

/// How to reach the embedded server that runs on this data folder, if one answers there.
pub async fn running_in(data: &Path) -> Option<PgConnectOptions> {
    let options = place::existing(data)?;
    let session = PgConnection::connect_with(&options).await.ok()?;
    session.close().await.ok()?;
    Some(options)
}

/// Stops the server that a killed process left on `data`, if one did.
///
/// # Errors
/// Another process uses the folder, or the server does not stop.
pub fn stop_orphan(data: &Path, account: &str) -> Result<(), EmbeddedError> {
    if !data.join("postgres/cluster").exists() {
        return Ok(());
    }
    predecessor::stop(&Place::prepare(data, &Account::choose(account)?)?)
}

/// As root: lets the account of an embedded server pass `folder`, as one that holds the data
/// folders of several clouds.
///
/// # Errors
/// There is no such account, or the folder's mode cannot be changed.
pub fn let_pass(folder: &Path, account: &str) -> Result<(), EmbeddedError> {
    Account::choose(account)?.open_way(folder)
}

/// Which server would run, without starting anything.
///
/// # Errors
/// None can: no account or no programs.
pub fn describe_embedded(config: &Config) -> Result<String, EmbeddedError> {
    let account = Account::choose(&config.postgres.account)?;
    let cluster = config.data.join("postgres/cluster");
    let binaries =
        Binaries::find(config.postgres.bin.as_deref(), place::version(&cluster)?, &cluster)?;
    Ok(format!("embedded Postgres {binaries} under the account {}", account.name))
}

fn prepare(config: &Config) -> Result<(Place, server::Command), EmbeddedError> {
    let account = Account::choose(&config.postgres.account)?;
    let place = Place::prepare(&config.data, &account)?;
    predecessor::stop(&place)?;
    let binaries = Binaries::find(
        config.postgres.bin.as_deref(),
        place::version(&place.cluster())?,
        &place.cluster(),
    )?;
    cluster::make(&place, &binaries, &account)?;
    cluster::configure(&place, config, &account)?;
    Ok((place.clone(), server::Command::new(&place, &binaries, account)))
}
