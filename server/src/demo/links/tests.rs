//! Real sockets on both sides of a link.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use Cloud::{Aws, Azure, Gcp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// Longest wait for what must happen, on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(20);

/// Three clouds that repeat whatever they hear, and the links between them.
struct Bench {
    links: Links,
    urls: BTreeMap<(Cloud, Cloud), String>,
    _tasks: JoinSet<()>,
    memory: Memory,
}

/// A file that goes with the test.
struct Memory(PathBuf);

impl Memory {
    fn new() -> Self {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("ternion-links-{}-{number}.json", std::process::id());
        Memory(std::env::temp_dir().join(name))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

async fn echo(listener: tokio::net::TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(async move {
            let (mut from, mut to) = stream.into_split();
            tokio::io::copy(&mut from, &mut to).await.ok();
        });
    }
}

impl Bench {
    async fn new() -> Self {
        let memory = Memory::new();
        let mut tasks = JoinSet::new();
        let mut addresses = Vec::new();
        for _ in Cloud::ALL {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
            addresses.push(listener.local_addr().expect("an address"));
            tasks.spawn(echo(listener));
        }
        let addresses = PerCloud::from_fn(|cloud| addresses[cloud.index()]);
        let sockets = Sockets::open(&memory.0).expect("six ports");
        let urls = all().map(|(from, to)| ((from, to), sockets.url(from, to))).collect();
        let end = CancellationToken::new();
        let links = Links::start(sockets, &addresses, &end, &mut tasks).expect("carried");
        Bench { links, urls, _tasks: tasks, memory }
    }

    async fn connect(&self, from: Cloud, to: Cloud) -> TcpStream {
        let address = self.urls[&(from, to)].trim_start_matches("http://");
        TcpStream::connect(address).await.expect("a link always accepts")
    }

    /// Does a question on a new connection come back?
    async fn carries(&self, from: Cloud, to: Cloud) -> bool {
        let mut stream = self.connect(from, to).await;
        ask(&mut stream, b"hello").await
    }
}

/// True if it comes back, false if the connection breaks.
async fn ask(stream: &mut TcpStream, question: &[u8]) -> bool {
    let asking = async {
        stream.write_all(question).await?;
        let mut answer = vec![0; question.len()];
        stream.read_exact(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await.expect("an answer or an end");
    answer.is_ok_and(|answer| answer == question)
}

const fn way(from: Cloud, to: Cloud, one_way: bool) -> LabWay {
    LabWay { from, to: Some(to), one_way }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_a_fault_carries_everything_and_both_ends() {
    let bench = Bench::new().await;
    for (from, to) in all() {
        assert!(bench.carries(from, to).await, "{from} → {to}");
    }
    let sent: Vec<u8> = (0..6_000_000_u32).map(|at| (at % 251) as u8).collect();
    let (mut from, mut to) = bench.connect(Gcp, Aws).await.into_split();
    let whole = sent.clone();
    let sending = tokio::spawn(async move {
        to.write_all(&whole).await.expect("sent");
        to.shutdown().await.expect("closed on this side");
    });
    let mut heard = Vec::new();
    from.read_to_end(&mut heard).await.expect("heard to its end");
    sending.await.expect("no panic");
    assert!(heard == sent, "{} of {} bytes", heard.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_ends_what_is_under_way_and_heals() {
    let bench = Bench::new().await;
    let mut under_way = bench.connect(Gcp, Aws).await;
    assert!(ask(&mut under_way, b"before").await);
    bench.links.cut(way(Gcp, Aws, false), false);
    assert!(!ask(&mut under_way, b"after").await);
    assert!(!bench.carries(Gcp, Aws).await);
    assert!(!bench.carries(Aws, Gcp).await);
    assert!(bench.carries(Gcp, Azure).await);
    let states = bench.links.states();
    let cut = states.iter().filter(|link| link.state == LinkState::Cut);
    assert_eq!(cut.map(|link| (link.from, link.to)).collect::<Vec<_>>(), [(Gcp, Aws), (Aws, Gcp)]);
    bench.links.heal(way(Aws, Gcp, false));
    assert!(bench.carries(Gcp, Aws).await);
    assert!(bench.links.states().iter().all(LabLink::is_whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_one_direction_leaves_the_other() {
    let bench = Bench::new().await;
    let mut back = bench.connect(Azure, Gcp).await;
    assert!(ask(&mut back, b"before").await);
    bench.links.cut(way(Gcp, Azure, true), false);
    assert!(!bench.carries(Gcp, Azure).await);
    assert!(ask(&mut back, b"after").await, "questions and answers of the other still pass");
    bench.links.cut(LabWay { from: Aws, to: None, one_way: false }, false);
    let alone = [(Aws, Gcp), (Aws, Azure), (Gcp, Aws), (Azure, Aws)];
    for (from, to) in alone {
        assert!(!bench.carries(from, to).await, "{from} → {to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_keeps_what_it_swallows_until_it_is_healed() {
    let bench = Bench::new().await;
    let mut under_way = bench.connect(Gcp, Aws).await;
    assert!(ask(&mut under_way, b"before").await);
    bench.links.cut(way(Gcp, Aws, true), true);
    let mut new = bench.connect(Gcp, Aws).await;
    for stream in [&mut under_way, &mut new] {
        stream.write_all(b"swallowed").await.expect("it looks as if it were sent");
    }
    // By the time that another link has answered often, an open one would have answered, too.
    for _ in 0..20 {
        assert!(bench.carries(Aws, Gcp).await);
    }
    for stream in [&under_way, &new] {
        let silent = stream.try_read(&mut [0; 1]).expect_err("nothing passes");
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock, "and nothing is closed");
    }
    bench.links.heal(way(Gcp, Aws, true));
    for stream in [&mut under_way, &mut new] {
        let mut late = [0; 9];
        let heard = tokio::time::timeout(PATIENCE, stream.read_exact(&mut late)).await;
        heard.expect("it arrives").expect("whole");
        assert_eq!(&late, b"swallowed");
        assert!(ask(stream, b"after").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_takes_its_time_there_and_back_and_lets_nothing_overtake() {
    const DELAY: Duration = Duration::from_millis(120);
    let bench = Bench::new().await;
    let mut stream = bench.connect(Gcp, Aws).await;
    bench.links.delay(way(Gcp, Aws, true), DELAY);
    let began = Instant::now();
    assert!(ask(&mut stream, b"slow").await);
    assert!(began.elapsed() >= 2 * DELAY, "{:?}", began.elapsed());
    assert_eq!(bench.links.states()[0].delay_ms, 120);
    stream.write_all(b"first ").await.expect("sent");
    bench.links.heal(way(Gcp, Aws, true));
    stream.write_all(b"second").await.expect("sent");
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).await.expect("both");
    assert_eq!(&heard, b"first second");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_links_are_held_nothing_passes_and_afterwards_everything_is_as_before() {
    let bench = Bench::new().await;
    bench.links.cut(way(Gcp, Azure, true), false);
    let mut stream = bench.connect(Aws, Azure).await;
    assert!(ask(&mut stream, b"before").await);
    let hold = bench.links.hold();
    stream.write_all(b"held").await.expect("it looks as if it were sent");
    let mut new = bench.connect(Azure, Aws).await;
    new.write_all(b"x").await.expect("it looks as if it were sent");
    drop(hold);
    let mut late = [0; 4];
    stream.read_exact(&mut late).await.expect("it arrives");
    assert_eq!(&late, b"held");
    assert!(!bench.carries(Gcp, Azure).await, "what was cut stays cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ports_are_the_same_at_the_next_start_as_far_as_they_are_free() {
    let bench = Bench::new().await;
    let urls = bench.urls.clone();
    let memory = Memory(bench.memory.0.clone());
    // Still in use: other ports, and not an error.
    let others = Sockets::open(&memory.0).expect("six other ports");
    assert!(all().all(|(from, to)| others.url(from, to) != urls[&(from, to)]));
    let before: Vec<String> = all().map(|(from, to)| others.url(from, to)).collect();
    drop(others);
    let again = Sockets::open(&memory.0).expect("six ports");
    assert_eq!(all().map(|(from, to)| again.url(from, to)).collect::<Vec<_>>(), before);
}
