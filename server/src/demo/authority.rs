//! A time-stamping authority of the demonstration's own: `openssl ts` behind a few lines of HTTP, so
//! that anchoring is seen to work on a machine without a network. It proves nothing to outsiders.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::problem::Problem;

/// Where it answers, beside the fault lab.
pub(super) const PATH: &str = "/tsa";
/// By which the clouds know it.
const ROOT: &str = "root.pem";
const CONFIGURATION: &str = include_str!("authority.cnf");
const COMMON: [&str; 7] =
    ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch"];

/// The authority's keys and certificates, made at the first start.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    folder: PathBuf,
    /// `openssl` counts its stamps in a file.
    turn: Arc<Mutex<()>>,
}

impl Authority {
    /// `None`, with a warning: openssl is not installed, or does not do it.
    pub(super) fn prepare(folder: PathBuf) -> Option<Self> {
        let authority = Authority { folder, turn: Arc::default() };
        match authority.make() {
            Ok(()) => Some(authority),
            Err(cause) => {
                tracing::warn!(%cause, "the demonstration has no time-stamping authority: it needs openssl");
                None
            }
        }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.join(ROOT)
    }

    fn make(&self) -> io::Result<()> {
        if self.root().exists() {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        fs::write(self.folder.join("openssl.cnf"), CONFIGURATION)?;
        fs::write(self.folder.join("tsa.serial"), "01\n")?;
        let root = ["-x509", "-days", "3650", "-subj", "/CN=Ternion demonstration", "-keyout"];
        self.done(&[&COMMON[..], &root, &["root.key", "-out", "unfinished.pem"]].concat())?;
        let own = ["-subj", "/CN=Ternion demonstration time stamps", "-keyout", "tsa.key"];
        self.done(&[&COMMON[..], &own, &["-out", "tsa.csr"]].concat())?;
        let sign =
            ["x509", "-req", "-in", "tsa.csr", "-CA", "unfinished.pem", "-CAkey", "root.key"];
        let with = ["-CAcreateserial", "-days", "3650", "-extfile", "openssl.cnf"];
        let out = ["-extensions", "stamps", "-out", "tsa.pem"];
        self.done(&[&sign[..], &with, &out].concat())?;
        // Last, so that it is there only when everything is.
        fs::rename(self.folder.join("unfinished.pem"), self.root())
    }

    fn done(&self, arguments: &[&str]) -> io::Result<()> {
        let output = openssl(&self.folder, arguments)?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    pub(super) fn routes(self) -> Router {
        Router::new().route(PATH, post(reply)).with_state(self)
    }

    async fn stamp(&self, query: &[u8]) -> io::Result<Vec<u8>> {
        let _turn = self.turn.lock().await;
        let name = Uuid::now_v7();
        let asked = self.folder.join(format!("{name}.tsq"));
        let told = self.folder.join(format!("{name}.tsr"));
        tokio::fs::write(&asked, query).await?;
        let (folder, from, to) = (self.folder.clone(), asked.clone(), told.clone());
        let made = tokio::task::spawn_blocking(move || {
            let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
            let how = ["ts", "-reply", "-config", "openssl.cnf", "-section", "authority"];
            openssl(&folder, &[&how[..], &["-queryfile", &from, "-out", &to]].concat())
        });
        let made = made.await.map_err(io::Error::other).flatten();
        let stamp = tokio::fs::read(&told).await;
        for file in [asked, told] {
            drop(tokio::fs::remove_file(file).await);
        }
        stamp.map_err(|_| match made {
            Ok(output) => io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(cause) => cause,
        })
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> io::Result<Output> {
    Command::new("openssl").current_dir(folder).args(arguments).output()
}

async fn reply(State(authority): State<Authority>, query: Bytes) -> Response {
    match authority.stamp(&query).await {
        Ok(stamp) => {
            ([(header::CONTENT_TYPE, "application/timestamp-reply")], stamp).into_response()
        }
        Err(cause) => Problem::fault(cause).into_response(),
    }
}
