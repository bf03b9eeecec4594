//! A real Postgres: one server for the whole binary, a fresh and migrated database for each test.
//!
//! With `DATABASE_URL`, databases are made in the server that it names. Without, the newest
//! installed Postgres is started in a temporary folder; it stops and the folder goes when this
//! process ends, however it ends. It is not the product's embedded server: that one's supervisor
//! lives in one runtime, and every test has a runtime of its own.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::{Uid, User};
use server::postgres::WRITERS;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;

/// Migrated once, then copied for each test.
static SERVER: OnceCell<Server> = OnceCell::const_new();
/// The process that keeps our Postgres: its standard input closes when this process ends.
static KEEPER: OnceLock<Child> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// Many tests at once on one server with its usual limit of connections.
const CONNECTIONS_MAX: u32 = 8;
/// Long enough for a busy machine of two cores.
const START_WAIT: Duration = Duration::from_secs(60);

/// A database of its own, with all migrations. It is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    pub pool: PgPool,
    /// As the product has it: the ledger's writers keep their connections to themselves.
    pub writers: PgPool,
    pub url: String,
    name: String,
    admin: String,
}

struct Server {
    /// May create databases.
    admin: String,
    template: String,
}

/// A fresh database.
pub async fn database() -> TestDatabase {
    let server = SERVER.get_or_init(start).await;
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("ternion_test_{}_{number}", std::process::id());
    let admin = server.admin.clone();
    execute(&admin, format!("CREATE DATABASE {name} TEMPLATE {}", server.template)).await;
    let url = with_database(&admin, &name);
    let options = PgConnectOptions::from_str(&url).expect("our own address");
    let pool = |connections| PgPoolOptions::new().max_connections(connections);
    let writers = pool(WRITERS).connect_lazy_with(options.clone());
    let pool = pool(CONNECTIONS_MAX).connect_with(options).await;
    let pool = pool.expect("a new database accepts connections");
    TestDatabase { pool, writers, url, name, admin }
}

impl TestDatabase {
    /// Makes the database as good as gone, or brings it back: ends every connection and takes no
    /// new one.
    pub async fn refuse_connections(&self, refuse: bool) {
        let name = &self.name;
        execute(&self.admin, format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {}", !refuse)).await;
        if refuse {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
            execute(&self.admin, format!("{end} = '{name}'")).await;
        }
    }
}

impl TestDatabase {
    /// Copies the database as it stands, like a backup of its folder; nobody may use it meanwhile.
    pub async fn back_up(&self) {
        let name = &self.name;
        self.refuse_connections(true).await;
        execute(&self.admin, format!("CREATE DATABASE {name}_old TEMPLATE {name}")).await;
        self.refuse_connections(false).await;
    }

    /// Puts the backup in the place of the database.
    pub async fn restore(&self) {
        let name = &self.name;
        self.refuse_connections(true).await;
        execute(&self.admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        execute(&self.admin, format!("CREATE DATABASE {name} TEMPLATE {name}_old")).await;
        execute(&self.admin, format!("DROP DATABASE {name}_old")).await;
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own: a test's runtime does not wait in a destructor.
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime to clean up with");
            runtime.block_on(execute(&admin, format!("DROP DATABASE {name} WITH (FORCE)")));
        });
        if dropping.join().is_err() && !std::thread::panicking() {
            panic!("the database {} could not be dropped", self.name);
        }
    }
}

async fn start() -> Server {
    let admin = match std::env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => tokio::task::spawn_blocking(start_postgres).await.expect("Postgres starts"),
    };
    await_connections(&admin).await;
    let template = format!("ternion_test_{}", std::process::id());
    execute(&admin, format!("DROP DATABASE IF EXISTS {template}")).await;
    execute(&admin, format!("CREATE DATABASE {template}")).await;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let migrator = Migrator::new(migrations).await.expect("the migrations can be read");
    let mut connection = connect(&with_database(&admin, &template)).await;
    migrator.run(&mut connection).await.expect("the migrations apply to an empty database");
    connection.close().await.expect("the template must have no connections to be copied");
    Server { admin, template }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("Postgres accepts connections")
}

async fn execute(admin: &str, statement: String) {
    let mut connection = connect(admin).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
    done.expect("a statement on databases");
    connection.close().await.expect("a clean end");
}

async fn await_connections(url: &str) {
    let attempts = async {
        while PgConnection::connect(url).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ready = tokio::time::timeout(START_WAIT, attempts).await;
    ready.expect("Postgres accepts connections soon after its start");
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (head, query) =
        url.split_once('?').map_or((url, None), |(head, query)| (head, Some(query)));
    let authority = head.find("://").map_or(0, |at| at + 3);
    let server = head[authority..].find('/').map_or(head, |at| &head[..authority + at]);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{server}/{database}{query}")
}

/// Starts Postgres on a socket in a temporary folder; gives its address.
fn start_postgres() -> String {
    let programs =
        newest_programs().expect("Postgres is installed (Debian: apt install postgresql)");
    let folder = std::env::temp_dir().join(format!("ternion-ring-{}", std::process::id()));
    let account = unprivileged();
    fs::create_dir(&folder).expect("a folder for the test's Postgres");
    if let Some(account) = &account {
        let (user, group) = (account.uid.as_raw(), account.gid.as_raw());
        chown(&folder, Some(user), Some(group)).expect("a folder for the unprivileged account");
    }
    let data = folder.join("data");
    initialise(command(&programs.join("initdb"), account.as_ref()), &data);
    let keeper = keep(&programs.join("postgres"), &folder, account.as_ref());
    KEEPER.set(keeper.expect("Postgres runs")).expect("started once");
    format!("postgres://postgres@localhost/postgres?host={}", folder.display())
}

fn initialise(mut initdb: Command, data: &Path) {
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
    let output = initdb.args(["--locale=C", "--pgdata"]).arg(data).output().expect("initdb runs");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

/// A shell that runs Postgres until its standard input closes, then stops it and clears up.
const KEEPER_SCRIPT: &str = r#"
folder=$1; shift
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$folder"
"#;

fn keep(postgres: &Path, folder: &Path, account: Option<&User>) -> io::Result<Child> {
    let mut shell = command(Path::new("/bin/sh"), account);
    shell.arg("-c").arg(KEEPER_SCRIPT).arg("keeper").arg(folder);
    shell.arg(postgres).arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    // Its cluster dies with the test: nothing to keep over a power failure.
    for setting in ["listen_addresses=", "fsync=off", "max_connections=300"] {
        shell.arg("-c").arg(setting);
    }
    // A group of its own, so that an interrupted test stops Postgres only through the keeper.
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()
}

fn command(program: &Path, account: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// Postgres refuses to run as root.
fn unprivileged() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    let account = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok()?);
    Some(account.expect("an unprivileged account named postgres or nobody"))
}

fn newest_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let newest = versions.max_by_key(|version| {
        version.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
    });
    let packaged = newest.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut folders = packaged.into_iter().chain(on_path);
    folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, other) = (database().await, database().await);
    assert_ne!(one.url, other.url);
    let count = "SELECT count(*) FROM ledger_event";
    for database in [&one, &other] {
        let events: i64 =
            sqlx::query_scalar(count).fetch_one(&database.pool).await.expect("a table");
        assert_eq!(events, 0);
    }
}

#[test]
fn the_database_is_the_only_part_of_an_address_that_changes() {
    assert_eq!(with_database("postgres://u@h:5432/a?x=1", "b"), "postgres://u@h:5432/b?x=1");
    assert_eq!(with_database("postgres://u@h", "b"), "postgres://u@h/b");
    assert_eq!(with_database("postgres://u@l/a?host=/tmp/x", "b"), "postgres://u@l/b?host=/tmp/x");
}
