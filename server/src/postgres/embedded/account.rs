//! Who runs the server. Postgres refuses to run as root, for good reasons.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User};

use super::EmbeddedError;

/// The account of the server's processes and files.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub name: String,
    uid: Uid,
    gid: Gid,
    /// This process is root and has to change to the account.
    change: bool,
}

impl Account {
    /// Our own account; as root, the one called `unprivileged`.
    pub fn choose(unprivileged: &str) -> Result<Self, EmbeddedError> {
        let me = Uid::effective();
        if !me.is_root() {
            let name = User::from_uid(me).ok().flatten().map_or(me.to_string(), |user| user.name);
            return Ok(Account { name, uid: me, gid: Gid::effective(), change: false });
        }
        match User::from_name(unprivileged) {
            Ok(Some(user)) if !user.uid.is_root() => {
                Ok(Account { name: user.name, uid: user.uid, gid: user.gid, change: true })
            }
            _ => Err(EmbeddedError::NoAccount(unprivileged.to_owned())),
        }
    }

    /// A command that runs as this account, with a clean environment and English messages.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.current_dir("/");
        if self.change {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Gives an open file or folder that root made to this account.
    pub fn give(&self, file: &File, mode: u32) -> io::Result<()> {
        if self.change {
            fchown(file, Some(self.uid.as_raw()), Some(self.gid.as_raw()))?;
        }
        file.set_permissions(Permissions::from_mode(mode))
    }

    /// Whether a folder of the cluster belongs to this account.
    pub fn owns(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.uid.as_raw()
    }

    /// Checks that every folder above `path` can be passed. Access lists are not considered.
    pub fn can_reach(&self, path: &Path) -> Result<(), EmbeddedError> {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            let metadata =
                fs::metadata(folder).map_err(|cause| EmbeddedError::io(folder, cause))?;
            if !self.may_pass(&metadata) {
                let (account, folder) = (self.name.clone(), folder.to_owned());
                return Err(EmbeddedError::Barred { account, folder });
            }
        }
        Ok(())
    }

    /// Whether the mode's search bit that applies to this account is set. The program drops
    /// supplementary groups with root, so only the primary group counts.
    fn may_pass(&self, folder: &Metadata) -> bool {
        let shift = if folder.uid() == self.uid.as_raw() {
            6
        } else if folder.gid() == self.gid.as_raw() {
            3
        } else {
            0
        };
        !self.change || (folder.mode() >> shift) & 1 == 1
    }

    /// As root: lets the account pass the data folder itself. The keys in it have a folder of
    /// their own that stays closed.
    pub fn open_way(&self, data: &Path) -> Result<(), EmbeddedError> {
        let metadata = fs::metadata(data).map_err(|cause| EmbeddedError::io(data, cause))?;
        if self.may_pass(&metadata) {
            return Ok(());
        }
        let mode = metadata.mode() & 0o7777 | 0o001;
        fs::set_permissions(data, Permissions::from_mode(mode))
            .map_err(|cause| EmbeddedError::io(data, cause))
    }
}
