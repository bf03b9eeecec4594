//! A program of others that a test runs: on a free port, in a folder of its own, ended by its id.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// Starting a node on a busy machine of two cores.
const START_WAIT: Duration = Duration::from_secs(60);

/// Runs until it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// A port that is free now. Another program could take it before ours does; none here does.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// The first of these that is a program.
pub fn program(candidates: &[PathBuf]) -> Option<PathBuf> {
    candidates.iter().find(|path| path.is_file()).cloned()
}

/// A program on PATH.
pub fn on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).collect()
}

/// A program of a Python package, where the set-up put it.
pub fn of_python(variable: &str, name: &str) -> Option<PathBuf> {
    let told = std::env::var_os(variable).map(PathBuf::from);
    let here = std::env::current_exe().expect("this program");
    let beside = here.ancestors().map(|folder| folder.join("setup/python/bin").join(name));
    let candidates: Vec<PathBuf> = told.into_iter().chain(beside).chain(on_path(name)).collect();
    program(&candidates)
}

/// Says that a test checks nothing, and what would change that.
pub fn skipped(what: &str) {
    eprintln!("SKIPPED: {what} is not installed; `cargo xtask setup` gets it");
}

impl Process {
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("a log");
        let error = out.try_clone().expect("the log again");
        let command = command.stdin(Stdio::null()).stdout(out).stderr(error);
        let child = command.spawn().expect("the program starts");
        Process { child, log: log.to_owned() }
    }

    /// Waits until it is so.
    pub fn until(&mut self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + START_WAIT;
        while !is_so() {
            let ended = self.child.try_wait().expect("asked");
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "{what}: it ended: {}", log());
            assert!(Instant::now() < until, "{what}: never: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Process {
    /// Waits for a program that was asked to end.
    pub fn until_ended(&mut self) {
        self.child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node that is asked by JSON-RPC, over a bare socket: not through the client under test.
pub struct Node {
    pub url: String,
    login: Option<String>,
}

/// A wallet is made within it, on a machine whose disk is busy.
const ANSWER_WAIT: Duration = Duration::from_secs(300);

impl Node {
    pub fn new(url: String, login: Option<String>) -> Self {
        Node { url, login }
    }

    /// What it answers, or its error.
    pub fn try_ask(&self, method: &str, params: &Value) -> Result<Value, String> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.exchange(&body.to_string()).map_err(|cause| cause.to_string())?;
        let (_, answer) = answer.split_once("\r\n\r\n").ok_or("no end of the head")?;
        let answer: Value = serde_json::from_str(answer).map_err(|cause| cause.to_string())?;
        match &answer["error"] {
            Value::Null => Ok(answer["result"].clone()),
            error => Err(error.to_string()),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "made in place, as in JSON")]
    pub fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.try_ask(method, &params);
        answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// HTTP/1.0: the answer is whole and ends with the connection.
    fn exchange(&self, body: &str) -> std::io::Result<String> {
        let address = self.url.strip_prefix("http://").expect("plain");
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(ANSWER_WAIT))?;
        let login = self.login.as_ref().map_or_else(String::new, |login| {
            format!("authorization: Basic {}\r\n", BASE64.encode(login))
        });
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{login}\r\n"
        );
        socket.write_all(head.as_bytes())?;
        socket.write_all(body.as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
