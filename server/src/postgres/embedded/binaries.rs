//! Finding the server's programs: the newest version, or the one that made the cluster.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;

/// The oldest version whose index types the migrations use (bloom operator classes of BRIN).
const MAJOR_MIN: u32 = 14;

/// Folders where distributions put one folder a version, `bin` inside.
const BY_VERSION: [&str; 2] = ["/usr/lib/postgresql", "/opt/homebrew/opt"];
/// Folders whose own name carries the version, such as Fedora's `/usr/pgsql-17/bin` and Alpine's
/// `/usr/libexec/postgresql17`.
const NAMED: [(&str, &str, &str); 2] =
    [("/usr", "pgsql-", "bin"), ("/usr/libexec", "postgresql", "")];
const FIXED: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/bin", "/usr/local/bin"];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Binaries {
    major: u32,
    minor: u32,
    folder: PathBuf,
}

impl Binaries {
    /// The newest in `only`, or on the whole machine; of version `made_by` where a cluster exists.
    pub fn find(
        only: Option<&Path>,
        made_by: Option<u32>,
        cluster: &Path,
    ) -> Result<Self, EmbeddedError> {
        let folders = only.map_or_else(usual_folders, |folder| BTreeSet::from([folder.to_owned()]));
        let found: Vec<Binaries> = folders.iter().filter_map(|folder| probe(folder)).collect();
        let fits = |binaries: &&Binaries| match made_by {
            Some(major) => binaries.major == major,
            None => binaries.major >= MAJOR_MIN,
        };
        if let Some(best) = found.iter().filter(fits).max() {
            return Ok(best.clone());
        }
        match (made_by, found.iter().max()) {
            (Some(made_by), Some(_)) => Err(EmbeddedError::OtherVersion {
                cluster: cluster.to_owned(),
                made_by,
                found: versions(&found),
            }),
            _ => {
                Err(EmbeddedError::NoBinaries { searched: searched(&folders), package: package() })
            }
        }
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl std::fmt::Display for Binaries {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{} in {}", self.major, self.minor, self.folder.display())
    }
}

fn usual_folders() -> BTreeSet<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let by_version = BY_VERSION.iter().flat_map(|parent| {
        children(Path::new(parent)).into_iter().map(|version| version.join("bin"))
    });
    let named = NAMED.iter().flat_map(|(parent, prefix, bin)| {
        let versions = children(Path::new(parent)).into_iter();
        let versions = versions.filter(|folder| starts_with(folder, prefix));
        versions.map(|folder| folder.join(bin)).collect::<Vec<_>>()
    });
    env::split_paths(&path)
        .chain(by_version)
        .chain(named)
        .chain(FIXED.iter().map(PathBuf::from))
        .filter(|folder| folder.is_absolute())
        .collect()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

fn starts_with(folder: &Path, prefix: &str) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

/// Looks through links (a lone `postgres` in PATH may lead to the folder of the rest) and asks
/// the program for its version.
fn probe(folder: &Path) -> Option<Binaries> {
    let server = folder.join("postgres").canonicalize().ok()?;
    let folder = server.parent()?.to_owned();
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&server).arg("--version").env("LC_ALL", "C").output().ok()?;
    let (major, minor) = version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { major, minor, folder })
}

/// Of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`; a pre-release counts as minor 0.
fn version(text: &str) -> Option<(u32, u32)> {
    let number = text.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((digits(major).parse().ok()?, digits(minor).parse().unwrap_or(0)))
}

fn versions(found: &[Binaries]) -> String {
    let majors: BTreeSet<String> =
        found.iter().map(|binaries| binaries.major.to_string()).collect();
    majors.into_iter().collect::<Vec<_>>().join(", ")
}

fn searched(folders: &BTreeSet<PathBuf>) -> String {
    match folders.first() {
        Some(only) if folders.len() == 1 => only.display().to_string(),
        _ => "PATH and the usual folders".to_owned(),
    }
}

/// What the distribution calls the server's package.
fn package() -> &'static str {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let words = release.lines().filter(|line| line.starts_with("ID"));
    let family = words.collect::<String>();
    if ["fedora", "rhel", "suse"].iter().any(|name| family.contains(name)) {
        "postgresql-server"
    } else {
        // Debian, Ubuntu, Alpine, Arch, Homebrew.
        "postgresql"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_releases_and_betas_are_read() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(version(debian), Some((15, 14)));
        assert_eq!(version("postgres (PostgreSQL) 19beta1"), Some((19, 0)));
        assert_eq!(version("psql 15"), None);
    }
}
