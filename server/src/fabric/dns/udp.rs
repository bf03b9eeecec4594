//! UDP: one socket and one thread a core, all on one address (`SO_REUSEPORT`); the system spreads
//! the questions over them.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use metrics::Counter;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind as bind_to, setsockopt, socket,
    sockopt,
};
use tokio_util::sync::CancellationToken;

use super::limit::{Limiter, Ruling};
use super::{Desk, Via, answer};

/// No question is longer: it would not come in one piece.
const QUESTION_BYTES_MAX: usize = 4_096;
/// A stop is noticed this late at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Room for questions that wait while this thread is not scheduled.
const QUEUE_BYTES: usize = 1 << 20;
/// Answers between two looks at the clock and the counters.
const BATCH: u32 = 64;

pub(super) fn bind(at: SocketAddr) -> io::Result<UdpSocket> {
    let family = if at.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let fd = socket(family, SockType::Datagram, SockFlag::empty(), None)?;
    setsockopt(&fd, sockopt::ReusePort, &true)?;
    if at.is_ipv6() {
        setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
    }
    // Less is given where the system allows no more: then a rush loses some questions sooner.
    let _ = setsockopt(&fd, sockopt::RcvBuf, &QUEUE_BYTES);
    bind_to(fd.as_raw_fd(), &SockaddrStorage::from(at))?;
    let socket = UdpSocket::from(fd);
    socket.set_read_timeout(Some(LOOK_EVERY))?;
    Ok(socket)
}

/// Answers until `stop`. Errors of single packets (a refused port of an earlier client) are none of
/// this socket.
pub(super) fn serve(socket: &UdpSocket, desk: &Desk, stop: &CancellationToken) {
    let mut limiter = Limiter::new();
    let mut tally = Tally::new();
    let mut question = vec![0; QUESTION_BYTES_MAX];
    let mut now = Instant::now();
    while !stop.is_cancelled() {
        if tally.is_due() {
            tally.tell();
            now = Instant::now();
        }
        let Ok((length, from)) = socket.recv_from(&mut question) else {
            tally.tell();
            now = Instant::now();
            continue;
        };
        let Some(answer) = desk.answer(&question[..length], from.ip(), Via::Udp) else {
            tally.ignored += 1;
            continue;
        };
        let sent = match limiter.rule(from.ip(), now) {
            Ruling::Send => socket.send_to(&answer, from),
            Ruling::Slip => socket.send_to(&answer::head_only(&answer), from),
            Ruling::Drop => {
                tally.limited += 1;
                continue;
            }
        };
        tally.answered += u32::from(sent.is_ok());
    }
    tally.tell();
}

/// Counts without touching what other threads touch, and tells now and then.
struct Tally {
    answered: u32,
    ignored: u32,
    limited: u32,
    counters: [Counter; 3],
}

impl Tally {
    fn new() -> Self {
        let counter = |outcome: &'static str| metrics::counter!("ternion_dns_questions_total", "via" => "udp", "outcome" => outcome);
        let counters = ["answered", "ignored", "limited"].map(counter);
        Tally { answered: 0, ignored: 0, limited: 0, counters }
    }

    const fn is_due(&self) -> bool {
        self.answered.saturating_add(self.ignored).saturating_add(self.limited) >= BATCH
    }

    fn tell(&mut self) {
        let counts = [self.answered, self.ignored, self.limited];
        for (counter, count) in self.counters.iter().zip(counts) {
            counter.increment(u64::from(count));
        }
        (self.answered, self.ignored, self.limited) = (0, 0, 0);
    }
}
