//! The real program, run as a person runs it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of this test's own, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ternion-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What the program printed, and its exit code.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `ternion` with these arguments to its end.
pub fn ternion(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ternion"));
    command.env_remove("TERNION_TOKEN").args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    Ran {
        code: status.code().expect("it ends by itself"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// The same from asynchronous tests, whose server must go on answering meanwhile.
pub async fn ternion_beside(arguments: Vec<String>) -> Ran {
    let run = move || ternion(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.expect("it runs")
}
