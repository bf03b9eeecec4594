//! Other programs: finding them, running them, reading along while they print.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::place;
use crate::problem::{At, Outcome, Problem};

/// What `cargo run` adds to our environment about *this* package. Passed on, it would look to
/// other packages' build scripts like a change, and rebuild them.
const OURS_ALONE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// One line of progress.
pub(crate) fn say(subject: &str, message: impl fmt::Display) {
    println!("==> {subject}: {message}");
}

/// A command to be run at the top of the workspace.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(place::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OURS_ALONE.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs us, so that a chosen toolchain stays chosen.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end with our own input and output. Anything but success is a problem.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().at(format_args!("starting {}", line(command)))?;
    succeeded(command, status)
}

/// Runs to the end and shows what it printed only if it did not succeed.
pub(crate) fn run_quietly(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output();
    let output = output.at(format_args!("starting {}", line(command)))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    succeeded(command, output.status)
}

/// Runs quietly and tells only whether it succeeded; a program that is not there did not.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// What it prints on standard output, trimmed; `None` where it is absent or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Runs to the end, printing everything as it comes, and gives back all of it beside the status.
pub(crate) fn watch(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    let starting = format!("starting {}", line(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .at(&starting)?;
    let errors =
        child.stderr.take().map(|pipe| thread::spawn(move || relay(pipe, std::io::stderr())));
    let mut printed = match child.stdout.take() {
        Some(pipe) => relay(pipe, std::io::stdout()),
        None => String::new(),
    };
    if let Some(Ok(errors)) = errors.map(thread::JoinHandle::join) {
        printed.push_str(&errors);
    }
    let status = child.wait().at(&starting)?;
    Ok((status, printed))
}

/// Copies line by line, so that two streams never mix within a line.
fn relay(from: impl Read, mut to: impl Write) -> String {
    let mut reader = BufReader::new(from);
    let mut all = String::new();
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        // Our own output being closed is no reason to stop the program we watch.
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        all.push_str(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    all
}

pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(format!("{} ended with {status}", line(command))))
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    format!("`{}`", words.join(" "))
}

/// Where PATH leads for this name.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

#[cfg(unix)]
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_program(file: &Path) -> bool {
    file.is_file()
}
