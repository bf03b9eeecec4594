//! The embedded Postgres: made once, supervised, recovered after any kill, and no other touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use server::config::{Config, Layers};
use server::keys::{CloudKeys, text};
use server::postgres::{Database, DatabaseError, EmbeddedError};
use sqlx::PgPool;

/// Starting, recovering and stopping on a busy machine.
const WAIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A folder below the system's temporary one that any account can pass. It goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ternion-pg-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&path).expect("a temporary folder");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
        Folder(path)
    }

    fn cloud(&self, name: &str) -> Config {
        configuration(&self.0.join(name), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A small server: several run at once here.
fn toml(data: &Path) -> String {
    format!(
        "deployment = \"test.example\"\ncloud = \"gcp\"\nregion = \"eu\"\nurl = \"http://gcp\"\n\
         listen = [\"127.0.0.1:0\"]\ndata = \"{}\"\n\
         postgres = {{ connections = 11, shared_buffers_mb = 16 }}\n",
        data.display()
    )
}

fn configuration(data: &Path, more: &str) -> Config {
    let layers = Layers { text: format!("{}{more}", toml(data)), ..Layers::default() };
    layers.build().expect("a valid configuration").0
}

async fn open(config: &Config) -> Database {
    Database::open(config).await.expect("the embedded Postgres starts")
}

async fn refused(config: &Config) -> EmbeddedError {
    match Database::open(config).await {
        Err(DatabaseError::Embedded(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(database) => {
            database.close().await;
            panic!("it started");
        }
    }
}

async fn setting(pool: &PgPool, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(pool).await.expect("read")
}

/// Writes a row that has to survive whatever follows.
async fn remember(pool: &PgPool, number: i32) {
    sqlx::query("CREATE TABLE IF NOT EXISTS memory (number int)").execute(pool).await.expect("ddl");
    sqlx::query("INSERT INTO memory VALUES ($1)").bind(number).execute(pool).await.expect("insert");
}

async fn memory(pool: &PgPool) -> Result<Vec<i32>, sqlx::Error> {
    sqlx::query_scalar("SELECT number FROM memory ORDER BY number").fetch_all(pool).await
}

/// A process that has ended and that nobody has waited for has no program any more, though its
/// id still takes signals.
fn runs(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("a process id"))
}

fn postmaster(data: &Path) -> Option<u32> {
    let file = fs::read_to_string(data.join("postgres/cluster/postmaster.pid")).ok()?;
    file.lines().next()?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_once_durable_and_reachable_by_its_socket_only() {
    let folder = Folder::new();
    let config = folder.cloud("gcp");
    let database = open(&config).await;
    let expected = [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("statement_timeout", "15s"),
    ];
    for (name, value) in expected {
        assert_eq!(setting(&database.pool, name).await, value, "{name}");
    }
    remember(&database.pool, 1).await;
    let pid = database.embedded_pid().expect("a running server");
    database.close().await;
    assert!(!runs(pid), "a closed database leaves no process");
    assert_eq!(postmaster(&config.data), None, "a clean stop leaves no postmaster.pid");

    let again = open(&config).await;
    assert_eq!(memory(&again.pool).await.expect("read"), [1]);
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_started_again_with_everything_it_committed() {
    let folder = Folder::new();
    let database = open(&folder.cloud("gcp")).await;
    remember(&database.pool, 7).await;
    let first = database.embedded_pid().expect("a running server");
    kill(process(first), Signal::SIGKILL).expect("killed");
    let deadline = Instant::now() + WAIT;
    let rows = loop {
        match memory(&database.pool).await {
            Ok(rows) if database.embedded_pid().is_some_and(|pid| pid != first) => break rows,
            other => assert!(Instant::now() < deadline, "not back in time: {other:?}"),
        }
        tokio::time::sleep(POLL).await;
    };
    assert_eq!(rows, [7]);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_ternion_left_running_is_stopped_and_taken_over() {
    let folder = Folder::new();
    let data = folder.0.join("gcp");
    let config = configuration(&data, "");
    let mut ternion = serve(&folder, &data);
    let orphan = until(&mut ternion, || postmaster(&data).filter(|_| is_ready(&data))).await;
    ternion.kill().expect("killed");
    ternion.wait().expect("reaped");
    assert!(runs(orphan), "the server outlives the program that was killed");

    let database = open(&config).await;
    assert!(!runs(orphan), "the orphan is stopped");
    assert_ne!(database.embedded_pid(), Some(orphan));
    database.close().await;
}

/// The last line of `postmaster.pid`.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postgres/cluster/postmaster.pid"))
        .is_ok_and(|text| text.lines().last().is_some_and(|line| line.trim() == "ready"))
}

/// The real program, with peers that are not there.
fn serve(folder: &Folder, data: &Path) -> Child {
    let mut config = toml(data);
    for peer in ["aws", "azure"] {
        let keys = CloudKeys::make(&folder.0.join(peer), None).expect("keys").public();
        config.push_str(&format!(
            "[peers.{peer}]\nurl = \"http://127.0.0.1:9\"\nregion = \"eu\"\nlog_key = \"{}\"\n\
             cosigner_key = \"{}\"\ntransport_key = \"{}\"\n",
            text::of(keys.log),
            text::of(keys.cosigner),
            text::of(keys.transport)
        ));
    }
    let file = folder.0.join("gcp.toml");
    fs::write(&file, config).expect("the configuration");
    Command::new(env!("CARGO_BIN_EXE_ternion"))
        .args(["serve", "--config"])
        .arg(file)
        .env_remove("DATABASE_URL")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ternion starts")
}

async fn until<T>(child: &mut Child, condition: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert_eq!(child.try_wait().expect("status"), None, "ternion ended");
        assert!(Instant::now() < deadline, "not in time");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_process_id_stands_in_a_stale_file_is_not_touched() {
    let folder = Folder::new();
    let other = open(&folder.cloud("aws")).await;
    let other_pid = other.embedded_pid().expect("a running server");
    let mine = folder.cloud("gcp");
    open(&mine).await.close().await;
    // As after a crash of the machine: the number was ours and is another cluster's now.
    let stale = mine.data.join("postgres/cluster/postmaster.pid");
    fs::write(&stale, format!("{other_pid}\n")).expect("a stale file");

    let database = open(&mine).await;
    assert!(runs(other_pid));
    remember(&other.pool, 1).await;
    database.close().await;
    assert_eq!(other.embedded_pid(), Some(other_pid), "it was never restarted");
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_its_account_could_plant_lead_to_no_file_of_roots() {
    let folder = Folder::new();
    let config = folder.cloud("gcp");
    open(&config).await.close().await;
    let victim = folder.0.join("victim");
    fs::write(&victim, "precious").expect("a file");
    let mode = || fs::metadata(&victim).expect("there").permissions().mode();
    let (root, before) = (config.data.join("postgres"), mode());
    let plant = |name: &str| {
        let place = root.join(name);
        let _ = fs::remove_file(&place);
        std::os::unix::fs::symlink(&victim, place).expect("a link");
    };
    for name in ["postgres.log", "cluster/postgresql.conf", "cluster/postmaster.pid"] {
        plant(name);
    }
    let database = open(&config).await;
    assert_eq!(setting(&database.pool, "fsync").await, "on", "with its own settings");
    database.close().await;
    plant("lock");
    let message = refused(&config).await.to_string();
    assert!(message.contains("lock: is a link"), "{message}");
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    assert_eq!(mode(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_is_refused_and_its_user_is_named() {
    let folder = Folder::new();
    let config = folder.cloud("gcp");
    let database = open(&config).await;
    let message = refused(&config).await.to_string();
    assert!(message.contains("in use by another ternion"), "{message}");
    assert!(message.contains(&std::process::id().to_string()), "{message}");
    assert_eq!(setting(&database.pool, "fsync").await, "on", "the first one goes on");
    database.close().await;
}

#[tokio::test]
async fn without_a_server_installed_the_message_names_the_package() {
    let folder = Folder::new();
    let mut config = folder.cloud("gcp");
    config.postgres.bin = Some(folder.0.clone());
    let message = refused(&config).await.to_string();
    assert!(message.contains("Install the package \"postgresql"), "{message}");
    assert!(message.contains("database_url"), "{message}");
}

#[tokio::test]
async fn a_cluster_of_another_version_is_left_alone() {
    let folder = Folder::new();
    let config = folder.cloud("gcp");
    let cluster = config.data.join("postgres/cluster");
    fs::create_dir_all(&cluster).expect("folders");
    fs::write(cluster.join("PG_VERSION"), "9\n").expect("version");
    let message = refused(&config).await.to_string();
    assert!(message.contains("was made by Postgres 9"), "{message}");
    assert!(message.contains("pg_upgrade"), "{message}");
}

#[tokio::test]
async fn a_closed_folder_on_the_way_is_named() {
    let folder = Folder::new();
    let closed = folder.0.join("closed");
    fs::create_dir(&closed).expect("a folder");
    // For root, Postgres's account cannot pass; for anybody else, nothing can be made there.
    let mode = if geteuid().is_root() { 0o700 } else { 0o500 };
    fs::set_permissions(&closed, Permissions::from_mode(mode)).expect("its mode");
    let error = refused(&configuration(&closed.join("gcp"), "")).await;
    let message = error.to_string();
    assert!(message.contains(&closed.display().to_string()), "{message}");
    if geteuid().is_root() {
        assert!(matches!(error, EmbeddedError::Barred { .. }), "{message}");
        assert!(message.contains("chmod o+x"), "{message}");
    }
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("its mode");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_too_long_for_a_socket_still_works() {
    let folder = Folder::new();
    let config = folder.cloud(&"long".repeat(30));
    let database = open(&config).await;
    let sockets = setting(&database.pool, "unix_socket_directories").await;
    assert!(!sockets.contains("long"), "{sockets}");
    database.close().await;
    fs::remove_dir_all(sockets).expect("the socket's folder");
}
