//! Postgres's server programs. The product runs its own clusters and wants no system service.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Need, apt};
use crate::problem::{At, Outcome};
use crate::process::{is_program, succeeded};

pub(crate) const SERVER: Need = Need {
    what: "Postgres's server programs",
    why: "give each cloud a database of its own",
    met: has_server,
    meet: install,
};

/// Debian's package makes and starts a cluster `main` unless this file, which it reads, says no.
const CLUSTER_CHOICE: &str = "/etc/postgresql-common/createcluster.conf";
const NO_CLUSTER: &str = "create_main_cluster = false\n";

/// Folders that hold one folder a version, each with `bin` in it.
const BY_VERSION: [&str; 2] = ["/usr/lib/postgresql", "/opt/homebrew/opt"];
const FIXED: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/libexec/postgresql", "/opt/homebrew/bin"];

fn has_server() -> bool {
    folders()
        .iter()
        .any(|folder| is_program(&folder.join("initdb")) && is_program(&folder.join("postgres")))
}

fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = BY_VERSION.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let versions = versions.filter_map(Result::ok).map(|version| version.path().join("bin"));
    env::split_paths(&path).chain(FIXED.iter().map(PathBuf::from)).chain(versions).collect()
}

fn install() -> Outcome {
    // Somebody's own choice about clusters stands.
    if !Path::new(CLUSTER_CHOICE).exists() && Path::new("/etc/debian_version").exists() {
        refuse_main_cluster()?;
    }
    apt::install(&["postgresql"])
}

fn refuse_main_cluster() -> Outcome {
    let mut shell = apt::as_root("sh");
    shell.args(["-c", &format!("mkdir -p /etc/postgresql-common && cat > {CLUSTER_CHOICE}")]);
    let writing = format!("writing {CLUSTER_CHOICE}");
    let mut child = shell.stdin(Stdio::piped()).spawn().at(&writing)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(NO_CLUSTER.as_bytes()).at(&writing)?;
    }
    let status = child.wait().at(&writing)?;
    succeeded(&shell, status)
}
