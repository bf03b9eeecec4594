//! A folder into which another account may write, used by root all the same.
//!
//! The cluster belongs to the account that Postgres runs under. Whoever became that account could
//! put a link where root writes next, and have root overwrite any file of the machine. So what is
//! in the folder is opened from the open folder and not by its path, links are refused, and owner
//! and mode are changed on what is open.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::account::Account;

/// Only for the owner.
const PRIVATE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(File);

impl Folder {
    /// Opens a folder whose parent nobody else can write into, or only as in `/tmp`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let folder = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
        folder
            .map(Folder)
            .map_err(|cause| refusal(Errno::from_raw(cause.raw_os_error().unwrap_or(0))))
    }

    /// The folder of that name.
    pub fn inner(&self, name: &str) -> io::Result<Self> {
        self.opened(name, OFlag::O_RDONLY | OFlag::O_DIRECTORY).map(Folder)
    }

    /// The file of that name, to read and write; made where there is none.
    pub fn file(&self, name: &str) -> io::Result<File> {
        // A pipe must not make us wait; it is refused below.
        let file = self.opened(name, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NONBLOCK)?;
        let metadata = file.metadata()?;
        // A file with a second name may be one of root's.
        if metadata.is_file() && metadata.nlink() == 1 { Ok(file) } else { Err(linked()) }
    }

    /// Puts a new file of the account's in place of whatever has that name.
    pub fn replace(&self, name: &str, text: &str, account: &Account) -> io::Result<()> {
        let unfinished = format!("{name}.new");
        self.remove(&unfinished)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let mut file = self.opened(&unfinished, flags)?;
        file.write_all(text.as_bytes())?;
        account.give(&file, 0o600)?;
        Ok(renameat(&self.0, OsStr::new(&unfinished), &self.0, OsStr::new(name))?)
    }

    /// Removes the file or link of that name, if there is one.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, OsStr::new(name), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The folder itself, for its owner and mode.
    pub const fn itself(&self) -> &File {
        &self.0
    }

    fn opened(&self, name: &str, flags: OFlag) -> io::Result<File> {
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(&self.0, OsStr::new(name), flags, PRIVATE).map(File::from).map_err(refusal)
    }
}

/// Of a link, `open` says what nobody understands.
fn refusal(errno: Errno) -> io::Error {
    if matches!(errno, Errno::ELOOP | Errno::ENOTDIR) { linked() } else { errno.into() }
}

fn linked() -> io::Error {
    io::Error::other("is a link or of another kind than it should be; remove it")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    /// A folder with a victim beside it. Both go when the test ends.
    struct Scene(PathBuf);

    impl Scene {
        fn new() -> Self {
            let path =
                std::env::temp_dir().join(format!("ternion-folder-{}", uuid::Uuid::now_v7()));
            fs::create_dir_all(path.join("ours")).expect("a folder");
            fs::write(path.join("victim"), "precious").expect("a file");
            Scene(path)
        }

        fn folder(&self) -> Folder {
            Folder::open(&self.0.join("ours")).expect("a plain folder")
        }

        fn plant(&self, name: &str) {
            symlink(self.0.join("victim"), self.0.join("ours").join(name)).expect("a link");
        }

        fn victim(&self) -> String {
            fs::read_to_string(self.0.join("victim")).expect("there")
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn no_link_is_followed_and_no_second_name_of_a_file_is_opened() {
        let scene = Scene::new();
        scene.plant("lock");
        scene.plant("cluster");
        fs::hard_link(scene.0.join("victim"), scene.0.join("ours/twin")).expect("a second name");
        for name in ["lock", "twin"] {
            let refused = scene.folder().file(name).expect_err("refused").to_string();
            assert!(refused.contains("remove it"), "{name}: {refused}");
        }
        assert!(scene.folder().inner("cluster").is_err());
        symlink(scene.0.join("ours"), scene.0.join("alias")).expect("a link");
        assert!(Folder::open(&scene.0.join("alias")).is_err());
        assert!(scene.folder().file("plain").is_ok());
    }

    #[test]
    fn what_replaces_a_link_leaves_what_it_led_to() {
        let scene = Scene::new();
        let me = Account::choose("nobody").expect("an account");
        for name in ["conf", "conf.new"] {
            scene.plant(name);
        }
        scene.folder().replace("conf", "ours", &me).expect("replaced");
        assert_eq!(scene.victim(), "precious");
        let conf = scene.0.join("ours/conf");
        assert!(!fs::symlink_metadata(&conf).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(conf).expect("there"), "ours");
    }
}
