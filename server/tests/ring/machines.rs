//! Three real programs, each with a Postgres of its own, as if on three machines: every cloud lives in
//! a network namespace, joined to each other one by a wire that can be pulled.
//!
//! This needs root, `ip` (iproute2) and `curl`. Where they are missing the tests say so and pass.

mod house;
mod wires;

use std::time::Duration;

use domain::cloud::Cloud;

use house::{Machines, Sent};

/// Longer than two clouds need to make an event final.
const A_WHILE: Duration = Duration::from_secs(3);
/// Events of one phase.
const SOME: usize = 20;

#[test]
fn a_cloud_whose_wires_are_pulled_waits_and_the_other_two_go_on() {
    let Some(mut machines) = Machines::start() else { return };
    machines.record_final(Cloud::Gcp, SOME);
    machines.pull(Cloud::Aws, Cloud::Gcp);
    machines.pull(Cloud::Aws, Cloud::Azure);
    machines.record_final(Cloud::Gcp, SOME);
    machines.record_final(Cloud::Azure, SOME);
    let alone = machines.record(Cloud::Aws, SOME);
    assert!(alone.iter().all(|sent| *sent == Sent::Accepted), "durable here: {alone:?}");
    std::thread::sleep(A_WHILE);
    assert!(machines.final_size(Cloud::Aws, Cloud::Aws) < SOME as u64, "and final nowhere");
    machines.plug(Cloud::Aws, Cloud::Gcp);
    machines.plug(Cloud::Aws, Cloud::Azure);
    machines.until_equal();
}

#[test]
fn what_one_cloud_cannot_send_another_comes_through_the_third() {
    let Some(mut machines) = Machines::start() else { return };
    machines.record_final(Cloud::Gcp, SOME);
    // Only one way: what azure sends gcp arrives, and no answer comes back.
    machines.silence(Cloud::Gcp, Cloud::Azure);
    machines.record_final(Cloud::Gcp, SOME);
    machines.record_final(Cloud::Azure, SOME);
    machines.until_equal();
    machines.unsilence(Cloud::Gcp, Cloud::Azure);
    machines.record_final(Cloud::Azure, SOME);
    machines.until_equal();
}

#[test]
fn a_process_that_is_stopped_and_a_database_that_is_killed_lose_nothing_acknowledged() {
    let Some(mut machines) = Machines::start() else { return };
    machines.record_final(Cloud::Gcp, SOME);
    machines.freeze(Cloud::Azure);
    machines.record_final(Cloud::Gcp, SOME);
    machines.thaw(Cloud::Azure);
    // Events are on their way into the database when it dies. Most wait until it is back.
    let before = machines.database(Cloud::Gcp);
    let sent = machines.record_while(Cloud::Gcp, 20 * SOME, |machines| {
        machines.kill_database(Cloud::Gcp);
    });
    assert!(sent.iter().any(|sent| *sent != Sent::Refused), "none of them: {sent:?}");
    machines.until_answers(Cloud::Gcp);
    assert_ne!(machines.database(Cloud::Gcp), before, "another one runs");
    machines.kill(Cloud::Aws);
    machines.record_final(Cloud::Gcp, SOME);
    machines.start_again(Cloud::Aws);
    machines.until_equal();
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_acknowledged() {
    let Some(mut machines) = Machines::start() else { return };
    machines.record_final(Cloud::Aws, SOME);
    machines.fill_disk(Cloud::Aws);
    let sent = machines.record_until_refused(Cloud::Aws);
    assert_eq!(sent.last(), Some(&Sent::Refused), "no promise without a disk");
    machines.record_final(Cloud::Gcp, SOME);
    machines.free_disk(Cloud::Aws);
    machines.until_answers(Cloud::Aws);
    machines.record_final(Cloud::Aws, SOME);
    machines.until_equal();
}
