//! `bench`: the product measured from outside, one JSON object a line.
//!
//! Each benchmark's lines go to the screen and to `target/bench/NAME.jsonl`. They run one after
//! the other: two at once would measure each other.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::build;
use crate::bundle::{self, Mode};
use crate::place;
use crate::problem::{At, Outcome, Problem};
use crate::process::{command, line, run, say, succeeded, watch};
use crate::setup;

struct Bench {
    name: &'static str,
    run: fn() -> Outcome<String>,
}

const ALL: [Bench; 2] =
    [Bench { name: "bundle", run: weigh_bundle }, Bench { name: "ledger", run: ledger }];

/// Three clouds, each a port for HTTP and a few beside it.
const PORTS: u16 = 10;
/// Clear of the demonstration's own 3000 and 5300, so that one may be running.
const PORT_FIRST: u16 = 23_000;
const PORT_LAST: u16 = 32_000;
const CLOUDS: usize = 3;
/// The demonstration's program that submits events.
const TOKEN: &str = "demo-ingest";
/// A cloud is ready before the demonstration's users are final, which takes a second or two.
const TOKEN_WAIT: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(200);

pub(crate) fn verb(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|bench| bench.name != **name)) {
        let known = ALL.map(|bench| bench.name).join(", ");
        return Err(
            Problem::new(format!("no benchmark `{unknown}`")).fix(format!("there are: {known}"))
        );
    }
    setup::for_run()?;
    build::release()?;
    let wanted = |bench: &&Bench| names.is_empty() || names.iter().any(|name| name == bench.name);
    ALL.iter().filter(wanted).try_for_each(measure)
}

fn measure(bench: &Bench) -> Outcome {
    say("bench", bench.name);
    let printed = (bench.run)()?;
    let results: String = printed
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| format!("{line}\n"))
        .collect();
    let folder = place::target().join("bench");
    let file = folder.join(format!("{}.jsonl", bench.name));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&file, results))
        .at(format_args!("writing {}", file.display()))
}

/// What a browser downloads before a page comes alive.
fn weigh_bundle() -> Outcome<String> {
    let lines = bundle::make(Mode::Release)?.json();
    print!("{lines}");
    Ok(lines)
}

/// Against three clouds of their own, empty and silent but for the load.
fn ledger() -> Outcome<String> {
    let port = free_ports()?;
    let data = env::temp_dir().join(format!("ternion-bench-{}", std::process::id()));
    let mut demo = Demo::start(&data, port)?;
    demo.wait_until_ready()?;
    for cloud in 0..3 {
        wait_for_token(port + cloud)?;
    }
    let mut printed = String::new();
    for (clients, batch) in [("1", "1"), ("128", "1"), ("16", "500")] {
        let mut bench = command(place::program("release"));
        bench.args(["bench", "ledger", "--events", "10000", "--size", "512"]);
        bench.args(["--clients", clients, "--batch", batch, "--token", TOKEN]);
        for cloud in 0..3 {
            bench.arg("--url").arg(format!("http://127.0.0.1:{}", port + cloud));
        }
        printed.push_str(&output(bench)?);
    }
    drop(demo);
    fs::remove_dir_all(&data).at(format_args!("removing {}", data.display()))?;
    Ok(printed)
}

fn output(mut bench: Command) -> Outcome<String> {
    let (status, printed) = watch(&mut bench)?;
    succeeded(&bench, status)?;
    Ok(printed)
}

/// Waits until the cloud on this port knows the token's user.
fn wait_for_token(port: u16) -> Outcome {
    let until = Instant::now() + TOKEN_WAIT;
    while Instant::now() < until {
        if is_token_known(port).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(ASK_EVERY);
    }
    Err(Problem::new(format!("the cloud on port {port} does not come to know {TOKEN}")))
}

fn is_token_known(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TOKEN_WAIT))?;
    let question = "GET /v1/events?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close";
    write!(stream, "{question}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    Ok(status.contains(" 200 "))
}

fn free_ports() -> Outcome<u16> {
    let free = |base: &u16| {
        (0..PORTS).all(|offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok())
    };
    let bases = (PORT_FIRST..PORT_LAST).step_by(usize::from(2 * PORTS));
    let found = bases.into_iter().find(|base| free(base) && free(&(base + PORTS)));
    found.ok_or_else(|| {
        Problem::new(format!("no {} free ports from {PORT_FIRST} to {PORT_LAST}", 2 * PORTS))
    })
}

/// Owns the demonstration's process and ends it.
struct Demo {
    child: Child,
}

impl Demo {
    fn start(data: &Path, port: u16) -> Outcome<Self> {
        let mut demo = command(place::program("release"));
        demo.args(["demo", "--empty", "--no-traffic", "--data"]).arg(data);
        demo.args([
            "--port-base",
            &port.to_string(),
            "--dns-port-base",
            &(port + PORTS).to_string(),
        ]);
        let child =
            demo.stdout(Stdio::piped()).spawn().at(format_args!("starting {}", line(&demo)))?;
        Ok(Self { child })
    }

    /// Reads on behind: a full pipe would stop the demonstration.
    fn wait_until_ready(&mut self) -> Outcome {
        let gone = || Problem::new("the demonstration ended before its three clouds were ready");
        let pipe = self.child.stdout.take().ok_or_else(gone)?;
        let mut lines = BufReader::new(pipe).lines().map_while(Result::ok);
        let ready = lines.by_ref().filter(|line| line.starts_with("ready ")).take(CLOUDS).count();
        if ready < CLOUDS {
            return Err(gone());
        }
        thread::spawn(move || lines.for_each(drop));
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // By SIGTERM, so that it stops its Postgres servers as well; std can only kill outright.
        let ended = run(command("kill").arg(self.child.id().to_string())).is_ok();
        if ended {
            let _ = self.child.wait();
        }
    }
}
