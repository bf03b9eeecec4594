//! Key files: one PKCS#8 PEM (RFC 8410) a role, so that `openssl pkey` reads them too.
//!
//! The three are made together in a folder that takes its name last: a crash leaves all or none.
//! A folder with some of them is refused, never completed: a new key in place of a lost one
//! would look like a fork to the other clouds.
//!
//! Of a key that another process holds ([`super::external`]) the file `<role>.pub` pins the public
//! half, in base64; it stands in the place of the private one. Without a signer that key is lost:
//! what it signed is still verified, and the next epoch has others.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::sync::Arc;

use domain::key::{KeyRole, PublicKey, SigningKey};

use super::external::{External, ExternalError, ExternalKey};
use super::{CloudKeys, KeyPair, Signer, text};

/// What stands before the 32 bytes of the seed in a PKCS#8 Ed25519 key (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// A random seed with fewer distinct bytes than this does not happen (below 1 in 10^20).
const DISTINCT_BYTES_MIN: usize = 12;

/// The keys of this cloud cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
    #[error(
        "{} is missing while other keys of this cloud are there. Restore it from the backup. If it \
         is lost, put its public half in {}, as the other clouds' configurations have it, and \
         prepare a new epoch with `ternion epoch lost` (docs/operations.md, Lost keys)",
        .0.display(), .0.with_extension("pub").display()
    )]
    Missing(PathBuf),
    #[error("{} can be read by others (mode {mode:04o}). Run: chmod 600 {}", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} belongs to user {owner}, and this program runs as user {me}", path.display())]
    Foreign { path: PathBuf, owner: u32, me: u32 },
    #[error("{} is not an unencrypted Ed25519 private key in PKCS#8 PEM", .0.display())]
    Form(PathBuf),
    #[error("{} was not made from randomness; make new keys with `ternion keygen`", .0.display())]
    Weak(PathBuf),
    #[error("{} holds the same key as another role's file", .0.display())]
    Repeated(PathBuf),
    #[error("{} is there already; keys are never overwritten", .0.display())]
    Occupied(PathBuf),
    #[error("{}: {what}", path.display())]
    Public { path: PathBuf, what: String },
    #[error(transparent)]
    External(#[from] ExternalError),
}

/// Where the keys of one epoch are, and who else may hold them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) epoch: u32,
    pub(super) signer: Option<&'a Arc<External>>,
}

impl CloudKeys {
    /// Reads the keys in `folder`, or makes them where there are none yet.
    ///
    /// # Errors
    /// A file is missing, malformed, weak, or open to others; or the folder cannot be written.
    pub fn load_or_make(folder: &Path, signer: Option<&Arc<External>>) -> Result<Self, KeyError> {
        if !exists(folder)? {
            return CloudKeys::make(folder, signer);
        }
        CloudKeys::load(folder, signer)
    }

    /// Reads the keys in `folder`.
    ///
    /// # Errors
    /// A file is missing, malformed, weak, or open to others.
    pub fn load(folder: &Path, signer: Option<&Arc<External>>) -> Result<Self, KeyError> {
        let place = Place { folder, epoch: 1, signer };
        let keys = CloudKeys {
            log: place.open(KeyRole::Log)?,
            cosigner: place.open(KeyRole::Cosigner)?,
            transport: read_key(&path_of(folder, KeyRole::Transport))?,
        };
        let public = keys.public();
        if public.cosigner == public.log {
            return Err(KeyError::Repeated(path_of(folder, KeyRole::Cosigner)));
        }
        if [public.log, public.cosigner].contains(&public.transport) {
            return Err(KeyError::Repeated(path_of(folder, KeyRole::Transport)));
        }
        Ok(keys)
    }

    /// Makes three new keys in `folder`, which must not exist.
    ///
    /// # Errors
    /// The folder exists or cannot be written, or there is no randomness.
    pub fn make(folder: &Path, signer: Option<&Arc<External>>) -> Result<Self, KeyError> {
        Place { folder, epoch: 1, signer }.make(&KeyRole::ALL)?;
        CloudKeys::load(folder, signer)
    }
}

/// Reads the witness's key in `folder`, or makes it where there is none yet.
///
/// # Errors
/// The file is malformed, weak, or open to others; or the folder cannot be written.
pub fn load_or_make_cosigner(folder: &Path) -> Result<SigningKey, KeyError> {
    if !exists(folder)? {
        Place { folder, epoch: 1, signer: None }.make(&[KeyRole::Cosigner])?;
    }
    read_key(&path_of(folder, KeyRole::Cosigner))
}

impl KeyPair {
    /// Reads the keys of a later epoch; `None` if it has none here.
    ///
    /// # Errors
    /// A file is missing, malformed, weak, or open to others.
    pub(super) fn load(place: Place<'_>) -> Result<Option<Self>, KeyError> {
        if !exists(place.folder)? {
            return Ok(None);
        }
        let (log, cosigner) = (place.open(KeyRole::Log)?, place.open(KeyRole::Cosigner)?);
        if log.public() == cosigner.public() {
            return Err(KeyError::Repeated(path_of(place.folder, KeyRole::Cosigner)));
        }
        Ok(Some(KeyPair { log, cosigner }))
    }

    /// Makes the keys of a later epoch.
    ///
    /// # Errors
    /// The folder exists or cannot be written, or there is no randomness.
    pub(super) fn make(place: Place<'_>) -> Result<Self, KeyError> {
        place.make(&[KeyRole::Log, KeyRole::Cosigner])?;
        KeyPair::load(place)?.ok_or_else(|| KeyError::Missing(place.folder.to_owned()))
    }
}

impl Place<'_> {
    /// The key of a role, by its file or by who holds it.
    fn open(self, role: KeyRole) -> Result<Signer, KeyError> {
        let pinned = public_path(self.folder, role);
        if !exists(&pinned)? {
            return Ok(read_key(&path_of(self.folder, role))?.into());
        }
        let key = read_public(&pinned)?;
        match self.signer {
            Some(signer) => Ok(Signer::new(ExternalKey::open(signer, self.name(role), key)?)),
            None => Ok(Signer::lost(key)),
        }
    }

    /// What a signer knows a key as: `log/2`.
    fn name(self, role: KeyRole) -> String {
        format!("{}/{}", role.name(), self.epoch)
    }

    /// Makes a new key for each role, all or none of them. Who signs for us makes its own.
    fn make(self, roles: &[KeyRole]) -> Result<(), KeyError> {
        make_folder(self.folder, |unfinished| {
            for role in roles {
                match self.signer.filter(|_| *role != KeyRole::Transport) {
                    Some(signer) => {
                        let key = signer.make(&self.name(*role))?;
                        let path = public_path(unfinished, *role);
                        write_public(&path, key).map_err(|cause| io_error(&path, cause))?;
                    }
                    None => {
                        let path = path_of(unfinished, *role);
                        write_key(&path, &random_seed()?)
                            .map_err(|cause| io_error(&path, cause))?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Fills a folder that takes its name last.
fn make_folder(
    folder: &Path,
    fill: impl FnOnce(&Path) -> Result<(), KeyError>,
) -> Result<(), KeyError> {
    if exists(folder)? {
        return Err(KeyError::Occupied(folder.to_owned()));
    }
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|cause| io_error(parent, cause))?;
    // What an interrupted run left is nobody's key yet.
    let unfinished = folder.with_extension("new");
    if exists(&unfinished)? {
        fs::remove_dir_all(&unfinished).map_err(|cause| io_error(&unfinished, cause))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&unfinished)
        .map_err(|cause| io_error(&unfinished, cause))?;
    fill(&unfinished)?;
    let settle = || {
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, folder)?;
        File::open(parent)?.sync_all()
    };
    settle().map_err(|cause| io_error(folder, cause))
}

fn path_of(folder: &Path, role: KeyRole) -> PathBuf {
    folder.join(format!("{}.key", role.name()))
}

fn public_path(folder: &Path, role: KeyRole) -> PathBuf {
    folder.join(format!("{}.pub", role.name()))
}

fn write_public(path: &Path, key: PublicKey) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    writeln!(file, "{}", text::of(key))?;
    file.sync_all()
}

fn read_public(path: &Path) -> Result<PublicKey, KeyError> {
    let pinned = fs::read_to_string(path).map_err(|cause| io_error(path, cause))?;
    text::parse(pinned.trim()).map_err(|what| KeyError::Public { path: path.to_owned(), what })
}

fn exists(path: &Path) -> Result<bool, KeyError> {
    path.try_exists().map_err(|cause| io_error(path, cause))
}

fn io_error(path: &Path, cause: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), cause }
}

fn random_seed() -> Result<[u8; 32], KeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(KeyError::Randomness)?;
    Ok(seed)
}

fn write_key(path: &Path, seed: &[u8; 32]) -> io::Result<()> {
    let der = [PKCS8_HEAD.as_slice(), seed].concat();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{PEM_BEGIN}\n{}\n{PEM_END}", BASE64.encode(der))?;
    // The creation mode is cut by the umask, never widened; this makes it exact.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.sync_all()
}

fn read_key(path: &Path) -> Result<SigningKey, KeyError> {
    let text = read_private(path)?;
    let seed = seed_of(&text).ok_or_else(|| KeyError::Form(path.to_owned()))?;
    if looks_made_up(&seed) {
        return Err(KeyError::Weak(path.to_owned()));
    }
    Ok(SigningKey::from_seed(seed))
}

/// Reads a file that is ours and that nobody else can read.
///
/// # Errors
/// It is missing, somebody else's, open to others, or no text.
pub fn read_private(path: &Path) -> Result<String, KeyError> {
    // What is checked is what is read, whatever takes the name meanwhile.
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing(path.to_owned()));
        }
        Err(cause) => return Err(io_error(path, cause)),
    };
    let metadata = file.metadata().map_err(|cause| io_error(path, cause))?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let (owner, me) = (metadata.uid(), nix::unistd::geteuid().as_raw());
    if owner != me {
        return Err(KeyError::Foreign { path: path.to_owned(), owner, me });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|cause| io_error(path, cause))?;
    Ok(text)
}

fn seed_of(pem: &str) -> Option<[u8; 32]> {
    let body = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let body: String = body.split_whitespace().collect();
    let der = BASE64.decode(body).ok()?;
    der.strip_prefix(&PKCS8_HEAD)?.try_into().ok()
}

/// Zeroes, a repeated byte or a short pattern: somebody typed it.
fn looks_made_up(seed: &[u8; 32]) -> bool {
    let distinct: std::collections::BTreeSet<u8> = seed.iter().copied().collect();
    let counting = seed.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
    distinct.len() < DISTINCT_BYTES_MIN || counting
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("ternion-keys-{}", uuid::Uuid::now_v7());
            Folder(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn keys_are_made_once_and_read_back() {
        let folder = Folder::new();
        let keys = folder.0.join("keys");
        let made = CloudKeys::load_or_make(&keys, None).expect("made").public();
        assert_eq!(CloudKeys::load_or_make(&keys, None).expect("read").public(), made);
        assert!(matches!(CloudKeys::make(&keys, None), Err(KeyError::Occupied(_))));
        let mode = fs::metadata(keys.join("log.key")).expect("file").mode() & 0o777;
        assert_eq!(mode, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = Folder::new();
        CloudKeys::make(&folder.0, None).expect("made");
        let path = folder.0.join("transport.key");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("mode");
        assert!(matches!(
            CloudKeys::load(&folder.0, None),
            Err(KeyError::Exposed { mode: 0o640, .. })
        ));
    }

    #[test]
    fn a_lost_key_is_not_replaced() {
        let folder = Folder::new();
        CloudKeys::make(&folder.0, None).expect("made");
        fs::remove_file(folder.0.join("log.key")).expect("removed");
        assert!(matches!(CloudKeys::load_or_make(&folder.0, None), Err(KeyError::Missing(_))));
    }

    #[test]
    fn typed_and_repeated_keys_are_refused() {
        let folder = Folder::new();
        CloudKeys::make(&folder.0, None).expect("made");
        let log = folder.0.join("log.key");
        fs::copy(folder.0.join("cosigner.key"), &log).expect("copied");
        assert!(matches!(CloudKeys::load(&folder.0, None), Err(KeyError::Repeated(_))));
        for seed in [[0; 32], [7; 32]] {
            fs::remove_file(&log).expect("removed");
            write_key(&log, &seed).expect("written");
            assert!(matches!(CloudKeys::load(&folder.0, None), Err(KeyError::Weak(_))));
        }
        fs::write(&log, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .expect("w");
        assert!(matches!(CloudKeys::load(&folder.0, None), Err(KeyError::Form(_))));
    }
}
