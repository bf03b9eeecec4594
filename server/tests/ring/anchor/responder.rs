//! A time-stamping authority: `openssl ts` behind a few lines of HTTP.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use server::anchor::publish::{Authority, Endpoint, Publish};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clouds::TempFolder;
use crate::process::{on_path, program, skipped};

const CONFIGURATION: &str = "
[ca]
default_ca = root
[root]
database = index.txt
new_certs_dir = .
serial = ca.serial
private_key = root.key
certificate = root.pem
default_md = sha256
policy = any
[any]
commonName = supplied
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = authority
[authority]
serial = tsa.serial
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
";

pub struct Responder {
    folder: Arc<TempFolder>,
    url: String,
    _tasks: JoinSet<()>,
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments).output().expect("openssl runs")
}

fn done(folder: &Path, arguments: &[&str]) {
    let output = openssl(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
}

async fn reply(State(folder): State<Arc<TempFolder>>, body: Bytes) -> impl IntoResponse {
    let query = folder.0.join(format!("{}.tsq", uuid::Uuid::now_v7()));
    std::fs::write(&query, &body).expect("a file");
    let answer = query.with_extension("tsr");
    let (asked, told) = (query.to_string_lossy(), answer.to_string_lossy());
    let arguments =
        ["ts", "-reply", "-config", "openssl.cnf", "-section", "authority", "-queryfile", &asked];
    let output = openssl(&folder.0, &[&arguments[..], &["-out", &told]].concat());
    match std::fs::read(&answer) {
        Ok(bytes) => Ok(([(header::CONTENT_TYPE, "application/timestamp-reply")], bytes)),
        Err(_) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err((StatusCode::INTERNAL_SERVER_ERROR, said))
        }
    }
}

/// As `openssl ca` reads times.
fn asn1(at: OffsetDateTime) -> String {
    let shape = format_description!("[year][month][day][hour][minute][second]Z");
    at.format(&shape).expect("a time")
}

impl Responder {
    /// Whose certificate is valid for a day. `None` where openssl is not installed.
    pub async fn start() -> Option<Self> {
        let now = OffsetDateTime::now_utc();
        Responder::valid(now - time::Duration::hours(1), now + time::Duration::days(1)).await
    }

    pub async fn valid(from: OffsetDateTime, to: OffsetDateTime) -> Option<Self> {
        if program(&on_path("openssl")).is_none() {
            skipped("openssl");
            return None;
        }
        let folder = Arc::new(TempFolder::new());
        let write = |name: &str, text: &str| {
            std::fs::write(folder.0.join(name), text).expect("a file");
        };
        write("openssl.cnf", CONFIGURATION);
        write("index.txt", "");
        write("ca.serial", "01\n");
        write("tsa.serial", "01\n");
        let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let root = ["-x509", "-days", "3650", "-subj", "/CN=Test Root", "-keyout", "root.key"];
        done(&folder.0, &[&["req"], &new[..], &root[..], &["-out", "root.pem"]].concat());
        let own = ["-subj", "/CN=Test Stamps", "-keyout", "tsa.key", "-out", "tsa.csr"];
        done(&folder.0, &[&["req"], &new[..], &own[..]].concat());
        let (from, to) = (asn1(from), asn1(to));
        let sign = ["ca", "-batch", "-notext", "-config", "openssl.cnf", "-extensions", "stamps"];
        let dates = ["-startdate", &from, "-enddate", &to, "-in", "tsa.csr", "-out", "tsa.pem"];
        done(&folder.0, &[&sign[..], &dates[..]].concat());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}/tsa", listener.local_addr().expect("bound"));
        let routes = Router::new().route("/tsa", post(reply)).with_state(Arc::clone(&folder));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Some(Responder { folder, url, _tasks: tasks })
    }

    pub fn root(&self) -> PathBuf {
        self.folder.0.join("root.pem")
    }

    pub fn client(&self) -> Arc<dyn Publish> {
        self.trusting(&self.root())
    }

    /// Known by another certificate.
    pub fn trusting(&self, root: &Path) -> Arc<dyn Publish> {
        let endpoint = Endpoint::new(&self.url).expect("an address");
        let pem = std::fs::read(root).expect("a certificate");
        Arc::new(Authority::new(endpoint, pem).expect("certificates"))
    }

    /// What `openssl ts -verify` says of a stamp, with more arguments.
    pub fn verify(&self, stamp: &[u8], digest: &str, more: &[&str]) -> (bool, String) {
        let folder = TempFolder::new();
        let file = folder.0.join("stamp.tsr");
        std::fs::write(&file, stamp).expect("a file");
        let (file, root) = (file.to_string_lossy(), self.root());
        let root = root.to_string_lossy();
        let arguments = ["ts", "-verify", "-digest", digest, "-in", &file, "-CAfile", &root];
        let output = openssl(&self.folder.0, &[&arguments[..], more].concat());
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    }
}
