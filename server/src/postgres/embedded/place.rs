//! The folders of an embedded cluster, and the lock that makes this process their only user.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;

use super::account::Account;
use super::folder::Folder;
use super::{EmbeddedError, NAME};

/// `sun_path` holds 108 bytes with its final zero; Linux and Postgres both refuse longer paths.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// What Postgres adds to the socket's folder: the port is only a part of this name.
pub(super) const SOCKET_NAME: &str = ".s.PGSQL.5432";
pub(super) const PORT: u16 = 5432;

/// Where everything of one embedded cluster is. Clones share the lock.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub root: PathBuf,
    pub socket: PathBuf,
    _lock: Arc<Flock<File>>,
}

impl Place {
    /// Makes the folders, checks that the account can use them, and takes the lock.
    pub fn prepare(data: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        fs::create_dir_all(data).map_err(|cause| EmbeddedError::io(data, cause))?;
        let data = data.canonicalize().map_err(|cause| EmbeddedError::io(data, cause))?;
        account.open_way(&data)?;
        let root = data.join("postgres");
        own_folder(&root, account)?;
        account.can_reach(&root.join("cluster"))?;
        let lock = lock(&root)?;
        let socket = socket_folder(&root);
        own_folder(&socket, account)?;
        account.can_reach(&socket.join(SOCKET_NAME))?;
        Ok(Place { root, socket, _lock: Arc::new(lock) })
    }

    /// Postgres's own data folder.
    pub fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// The same, open: only from there may root write in it.
    pub fn open_cluster(&self) -> Result<Folder, EmbeddedError> {
        let opened = Folder::open(&self.root).and_then(|root| root.inner("cluster"));
        opened.map_err(|cause| EmbeddedError::io(&self.cluster(), cause))
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    pub fn options(&self, database: &str) -> PgConnectOptions {
        options(&self.socket, database)
    }
}

/// How to connect to the server with this socket.
fn options(socket: &Path, database: &str) -> PgConnectOptions {
    // Nothing of PGHOST, PGUSER and their like may lead to another server.
    PgConnectOptions::new_without_pgpass()
        .socket(socket)
        .port(PORT)
        .username(NAME)
        .password("")
        .database(database)
}

/// How to connect to a server that somebody else started on this data folder, if there is one.
pub(super) fn existing(data: &Path) -> Option<PgConnectOptions> {
    let root = data.canonicalize().ok()?.join("postgres");
    let socket = socket_folder(&root);
    socket.join(SOCKET_NAME).exists().then(|| options(&socket, NAME))
}

/// The major version that made the cluster, if there is one.
pub(super) fn version(cluster: &Path) -> Result<Option<u32>, EmbeddedError> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(EmbeddedError::io(&path, cause)),
    }
}

/// Makes a folder that only the account (and root) may enter; an existing one must be its own.
fn own_folder(folder: &Path, account: &Account) -> Result<(), EmbeddedError> {
    let failed = |cause| EmbeddedError::io(folder, cause);
    match fs::create_dir(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(cause));
        }
        _ => {}
    }
    let opened = Folder::open(folder).map_err(failed)?;
    let metadata = opened.itself().metadata().map_err(failed)?;
    // What root has just made, or a root that was killed before it gave it away.
    let ours = nix::unistd::Uid::effective().as_raw() == metadata.uid();
    if account.owns(&metadata) || ours {
        return account.give(opened.itself(), 0o700).map_err(failed);
    }
    Err(EmbeddedError::NotOurs {
        folder: folder.to_owned(),
        owner: metadata.uid(),
        account: account.name.clone(),
    })
}

/// Beside the cluster; where that path is too long for a socket, in the system's temporary folder
/// under a name that follows from the path.
fn socket_folder(root: &Path) -> PathBuf {
    let beside = root.join("socket");
    if beside.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    PathBuf::from("/tmp").join(format!("ternion-{}", hex::encode(&digest[..8])))
}

fn lock(root: &Path) -> Result<Flock<File>, EmbeddedError> {
    let path = root.join("lock");
    let failed = |cause| EmbeddedError::io(&path, cause);
    let mut file = Folder::open(root).and_then(|root| root.file("lock")).map_err(failed)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let mut holder = String::new();
    file.read_to_string(&mut holder).map_err(failed)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            let write = |lock: &mut File| {
                lock.set_len(0)?;
                std::io::Seek::rewind(lock)?;
                writeln!(lock, "{}", std::process::id())
            };
            write(&mut lock).map_err(failed)?;
            Ok(lock)
        }
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            Err(EmbeddedError::Locked { folder: root.to_owned(), holder: holder.trim().to_owned() })
        }
        Err((_, errno)) => Err(failed(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket_of_its_own() {
        let short = Path::new("/var/lib/ternion/postgres");
        assert_eq!(socket_folder(short), short.join("socket"));
        let long = |name: &str| PathBuf::from("/srv").join("x".repeat(100)).join(name);
        let (one, other) = (socket_folder(&long("gcp")), socket_folder(&long("aws")));
        assert!(one.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
        assert_ne!(one, other);
    }
}
