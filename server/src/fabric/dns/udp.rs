//! UDP: one socket and one thread a core, all on one address (`SO_REUSEPORT`); the system spreads
//! the questions over them.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use metrics::Counter;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrStorage, bind as bind_to,
    recvmmsg, sendmmsg, setsockopt, socket, sockopt,
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
/// Questions that one call to the system brings, where so many wait: a call costs more than an answer.
const BATCH: usize = 64;

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
    let mut mail = Mail::new();
    let mut limiter = Limiter::new();
    let mut tally = Tally::new();
    let mut is_told = false;
    while !stop.is_cancelled() {
        if let Err(cause) = mail.receive(socket) {
            if !is_told {
                tracing::error!(%cause, "questions by UDP cannot be received; it is tried again");
            }
            is_told = true;
            std::thread::sleep(LOOK_EVERY);
            continue;
        }
        is_told = false;
        let now = Instant::now();
        for at in 0..mail.received.len() {
            let Some((length, from)) = mail.received[at] else { continue };
            let (question, answer) = (&mail.questions[at][..length], &mut mail.answers[at]);
            if !desk.answer(question, from, Via::Udp, answer) {
                tally.ignored += 1;
                continue;
            }
            match limiter.rule(from, now) {
                Ruling::Send => mail.to_send.push(at),
                Ruling::Slip => {
                    answer::cut_to_head(answer);
                    mail.to_send.push(at);
                }
                Ruling::Drop => tally.limited += 1,
            }
        }
        tally.answered += mail.send(socket);
        tally.tell();
    }
}

/// The questions and answers of one turn, in room that the next one uses again.
struct Mail {
    incoming: MultiHeaders<SockaddrStorage>,
    outgoing: MultiHeaders<SockaddrStorage>,
    questions: Vec<[u8; QUESTION_BYTES_MAX]>,
    answers: Vec<Vec<u8>>,
    /// By place, how long the question is, and the sender's address.
    received: Vec<Option<(usize, IpAddr)>>,
    senders: Vec<Option<SockaddrStorage>>,
    /// Places whose answer is to go out.
    to_send: Vec<usize>,
}

impl Mail {
    fn new() -> Self {
        Mail {
            incoming: MultiHeaders::preallocate(BATCH, None),
            outgoing: MultiHeaders::preallocate(BATCH, None),
            questions: vec![[0; QUESTION_BYTES_MAX]; BATCH],
            answers: vec![Vec::new(); BATCH],
            received: Vec::with_capacity(BATCH),
            senders: Vec::with_capacity(BATCH),
            to_send: Vec::with_capacity(BATCH),
        }
    }

    /// Waits for a question, and takes what else is there. Nothing, where none came in time.
    ///
    /// # Errors
    /// The system gives no question and will not, for whatever reason.
    fn receive(&mut self, socket: &UdpSocket) -> Result<(), Errno> {
        self.received.clear();
        self.senders.clear();
        self.to_send.clear();
        let mut room: Vec<_> = self.questions.iter_mut().map(|it| [IoSliceMut::new(it)]).collect();
        let (fd, wait_for_one) = (socket.as_raw_fd(), MsgFlags::MSG_WAITFORONE);
        match recvmmsg(fd, &mut self.incoming, room.iter_mut(), wait_for_one, None) {
            Ok(came) => {
                for one in came {
                    let from = one.address.as_ref().and_then(address);
                    self.received.push(from.map(|from| (one.bytes, from)));
                    self.senders.push(one.address);
                }
                Ok(())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// How many answers the system took.
    fn send(&mut self, socket: &UdpSocket) -> u32 {
        let answers = self.to_send.iter().map(|at| [IoSlice::new(&self.answers[*at])]);
        let answers: Vec<_> = answers.collect();
        let senders: Vec<_> = self.to_send.iter().map(|at| self.senders[*at]).collect();
        let (mut done, mut taken) = (0, 0);
        while done < answers.len() {
            let (fd, rest) = (socket.as_raw_fd(), &senders[done..]);
            let none = MsgFlags::empty();
            let sent = sendmmsg(fd, &mut self.outgoing, &answers[done..], rest, [], none);
            let sent = sent.map_or(0, Iterator::count);
            taken += u32::try_from(sent).unwrap_or(u32::MAX);
            // Where the system stopped, that answer cannot be sent; the next ones can.
            done += if done + sent < answers.len() { sent + 1 } else { sent };
        }
        taken
    }
}

fn address(sender: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = sender.as_sockaddr_in().map(|sender| IpAddr::from(sender.ip()));
    v4.or_else(|| sender.as_sockaddr_in6().map(|sender| IpAddr::from(sender.ip())))
}

/// Counts without touching what other threads touch, and tells once a turn.
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

    fn tell(&mut self) {
        let counts = [self.answered, self.ignored, self.limited];
        for (counter, count) in self.counters.iter().zip(counts) {
            if count > 0 {
                counter.increment(u64::from(count));
            }
        }
        (self.answered, self.ignored, self.limited) = (0, 0, 0);
    }
}
