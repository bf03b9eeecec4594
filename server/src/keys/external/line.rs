//! A line to another process: text in, text out, in bounded time. Closed when it is dropped.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::{ExternalError, Reach};

/// A signature is a hundred bytes, an error message some more.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Answers come through a thread of their own, since a pipe cannot be read with a deadline.
pub(super) struct Line {
    to: Box<dyn Write + Send>,
    answers: Receiver<io::Result<String>>,
    _other: Other,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Line")
    }
}

/// Who answers, to be let go with the line.
enum Other {
    Process(Child),
    Socket(UnixStream),
}

impl Drop for Other {
    fn drop(&mut self) {
        match self {
            Other::Process(child) => {
                // It may have ended by itself; waiting takes it out of the table of processes.
                drop(child.kill());
                drop(child.wait());
            }
            Other::Socket(stream) => drop(stream.shutdown(std::net::Shutdown::Both)),
        }
    }
}

impl Line {
    pub(super) fn open(reach: &Reach) -> Result<Self, ExternalError> {
        let opened = match reach {
            Reach::Command(argv) => start(argv),
            Reach::Socket(path) => connect(path),
        };
        opened.map_err(|cause| ExternalError::Away { reach: reach.clone(), cause })
    }

    pub(super) fn exchange(
        &mut self,
        reach: &Reach,
        question: &str,
        wait: Duration,
    ) -> Result<String, ExternalError> {
        let away = |cause| ExternalError::Away { reach: reach.clone(), cause };
        writeln!(self.to, "{question}").and_then(|()| self.to.flush()).map_err(away)?;
        match self.answers.recv_timeout(wait) {
            Ok(answer) => answer.map_err(away),
            Err(RecvTimeoutError::Timeout) => Err(ExternalError::Silent { reach: reach.clone() }),
            Err(RecvTimeoutError::Disconnected) => Err(away(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

fn start(argv: &[String]) -> io::Result<Line> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (to, from) = (child.stdin.take(), child.stdout.take());
    let other = Other::Process(child);
    let to = to.ok_or(io::ErrorKind::BrokenPipe)?;
    let from = from.ok_or(io::ErrorKind::BrokenPipe)?;
    listen(Box::new(to), from, other)
}

fn connect(path: &std::path::Path) -> io::Result<Line> {
    let stream = UnixStream::connect(path)?;
    listen(Box::new(stream.try_clone()?), stream.try_clone()?, Other::Socket(stream))
}

/// The thread ends with the other's end of the line.
fn listen(
    to: Box<dyn Write + Send>,
    from: impl Read + Send + 'static,
    other: Other,
) -> io::Result<Line> {
    let (answer, answers) = sync_channel(1);
    let read = move || {
        let mut from = BufReader::new(from);
        loop {
            let heard = next(&mut from);
            let over = heard.is_err();
            if answer.send(heard).is_err() || over {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signer".to_owned()).spawn(read)?;
    Ok(Line { to, answers, _other: other })
}

fn next(from: &mut BufReader<impl Read>) -> io::Result<String> {
    let mut text = String::new();
    from.take(ANSWER_BYTES_MAX).read_line(&mut text)?;
    if text.ends_with('\n') { Ok(text) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
