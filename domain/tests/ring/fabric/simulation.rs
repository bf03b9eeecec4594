//! What must hold whatever happens, for hundreds of seeds. A failing run prints its seed;
//! `TERNION_FABRIC_SEED=n` runs that one alone.

use std::io::Write as _;

use domain::clock::DAY_MS;
use domain::cloud::{Cloud, PerCloud};
use domain::fabric::selector::ANYWHERE;
use domain::fabric::ttl::Bound;
use domain::fabric::verdict::Mode;

use super::world::{TICK_MS, World};
use crate::simulator::random::Random;

const SEEDS: u64 = 300;
/// 3 probes, 2 s apart, 1 s patience, 1 s for the verdict, and 6 s in caches.
const BOUND: Bound =
    Bound { down: 3, interval_s: 2.0, timeout_s: 1.0, verdict_s: 1.0, publish_s: 0.0, ttl_s: 6.0 };
/// Long enough for every state machine to settle, damping left aside.
const SETTLE_MS: u64 = 20_000;

fn seeds() -> Vec<u64> {
    match std::env::var("TERNION_FABRIC_SEED").ok().and_then(|text| text.parse().ok()) {
        Some(seed) => vec![seed],
        None => (1..=SEEDS).collect(),
    }
}

/// Runs a story for each seed, and names the seed of one that fails.
fn for_each_seed(story: impl Fn(&mut Random) -> Result<(), String>) {
    for seed in seeds() {
        if let Err(what) = story(&mut Random::of(seed)) {
            panic!("seed {seed}: {what}");
        }
    }
}

fn milliseconds(seconds: f64) -> u64 {
    std::time::Duration::from_secs_f64(seconds).as_millis().try_into().expect("small")
}

fn settled(random: &mut Random) -> World {
    let mut world = World::new(random);
    while world.now_ms < SETTLE_MS {
        world.tick(random);
    }
    world
}

#[test]
fn no_client_is_left_at_a_dead_cloud_beyond_the_stated_bound() {
    let bound_ms = milliseconds(BOUND.last_client_moves_s());
    let worst = std::cell::Cell::new(0);
    for_each_seed(|random| {
        let mut world = settled(random);
        world.loss = random.between(0, 5);
        // A client of each name server, and the answer that it keeps.
        let mut kept: PerCloud<Option<(Cloud, u64)>> = PerCloud::default();
        let served = world.answer(Cloud::Gcp).ok_or("no answer")?.0;
        for _ in 0..random.between(0, 40) {
            refresh(&world, &mut kept);
            world.tick(random);
        }
        world.kill(served);
        let died_ms = world.now_ms;
        for _ in 0..(2 * bound_ms / TICK_MS) {
            world.tick(random);
            refresh(&world, &mut kept);
            let wrong = kept.iter().any(|(_, kept)| kept.is_some_and(|(to, _)| to == served));
            if wrong {
                worst.set(worst.get().max(world.now_ms - died_ms));
            }
            if wrong && world.now_ms > died_ms + bound_ms {
                return Err(format!("{served} was dead for {} ms", world.now_ms - died_ms));
            }
        }
        Ok(())
    });
    let _ = writeln!(
        std::io::stderr(),
        "the last client left a dead cloud after {} ms at most, of {bound_ms} ms",
        worst.get()
    );
}

/// A client asks its name server again when its answer has run out, and another if there is none.
fn refresh(world: &World, kept: &mut PerCloud<Option<(Cloud, u64)>>) {
    for server in Cloud::ALL {
        let place = kept.get_mut(server);
        if place.is_some_and(|(_, until_ms)| until_ms > world.now_ms) {
            continue;
        }
        let servers = [server].into_iter().chain(server.peers());
        let answer = servers.into_iter().find_map(|server| world.answer(server));
        *place = answer.map(|(to, ttl_s)| (to, world.now_ms + u64::from(ttl_s) * 1_000));
    }
}

#[test]
fn a_node_in_a_minority_never_answers_with_a_peer_that_it_sees_down() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let alone = random.one_of(&Cloud::ALL);
        for peer in alone.peers() {
            world.cut(alone, peer, true);
        }
        let mut turns = 0;
        for _ in 0..random.between(150, 600) {
            world.tick(random);
            let last = world.nodes.get(alone).last.as_ref().ok_or("no selection")?;
            let pick = last.regions[ANYWHERE].pick;
            if last.mode == Mode::FailStatic && last.clouds.get(pick).down {
                return Err(format!("{alone} alone answers {pick}, which it sees down"));
            }
            turns += u64::from(last.mode == Mode::FailStatic);
        }
        if turns > 50 { Ok(()) } else { Err(format!("alone for {turns} turns only")) }
    });
}

#[test]
fn a_minority_keeps_its_word_from_the_moment_it_is_one() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let alone = random.one_of(&Cloud::ALL);
        for peer in alone.peers() {
            world.cut(alone, peer, true);
        }
        let mut first = None;
        for _ in 0..random.between(100, 400) {
            *world.loads.get_mut(random.one_of(&Cloud::ALL)) = 0.97;
            world.tick(random);
            let last = world.nodes.get(alone).last.as_ref().ok_or("no selection")?;
            if last.mode != Mode::FailStatic {
                if first.is_some() {
                    return Err(format!("{alone} decides again, alone"));
                }
                continue;
            }
            let kept = last.regions[ANYWHERE].last_good;
            if *first.get_or_insert(kept) != kept {
                return Err(format!("{alone} alone went from {first:?} to {kept:?}"));
            }
        }
        if first.is_none() { Err("it never noticed".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn under_random_faults_a_settled_name_server_answers_a_cloud_that_lives() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let mut changed_ms = world.now_ms;
        for _ in 0..1_500 {
            if random.between(1, 200) == 1 {
                disturb(&mut world, random);
                changed_ms = world.now_ms;
            }
            world.tick(random);
            if world.now_ms < changed_ms + milliseconds(BOUND.detect_s() + BOUND.verdict_s) + 4_000
                || !world.anybody_alive()
            {
                continue;
            }
            for server in Cloud::ALL {
                if let Some((to, _)) = world.answer(server)
                    && !world.alive(to)
                {
                    return Err(format!("at {} ms {server} answers {to}, dead", world.now_ms));
                }
            }
        }
        Ok(())
    });
}

fn disturb(world: &mut World, random: &mut Random) {
    let cloud = random.one_of(&Cloud::ALL);
    if random.percent(50) {
        world.kill(cloud);
    } else {
        world.revive(cloud, random);
    }
}

#[test]
fn one_cut_link_moves_nobody() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let before = Cloud::ALL.map(|cloud| world.answer(cloud));
        let one = random.one_of(&Cloud::ALL);
        let other = random.one_of(&one.peers());
        world.cut(one, other, true);
        for _ in 0..400 {
            world.tick(random);
            for (server, before) in Cloud::ALL.into_iter().zip(before) {
                let now = world.answer(server).map(|(to, _)| to);
                if now != before.map(|(to, _)| to) {
                    return Err(format!("{server} went from {before:?} to {now:?}"));
                }
            }
        }
        let mode = world.nodes.get(one).last.as_ref().map(|last| last.mode);
        if mode == Some(Mode::Normal) { Ok(()) } else { Err(format!("the mode is {mode:?}")) }
    });
}

#[test]
fn a_cloud_that_comes_and_goes_is_held_out_and_then_let_in_again() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let flapping = random.one_of(&Cloud::ALL);
        let observer = flapping.peers()[0];
        let held = |world: &World| {
            let last = world.nodes.get(observer).last.as_ref();
            last.is_some_and(|last| last.clouds.get(flapping).held_out)
        };
        let mut was_held = false;
        for _ in 0..4 {
            world.kill(flapping);
            (0..90).for_each(|_| world.tick(random));
            world.revive(flapping, random);
            (0..80).for_each(|_| world.tick(random));
            was_held |= held(&world);
        }
        if !was_held {
            return Err(format!("{flapping} flapped and was never held out"));
        }
        (0..3_000).for_each(|_| world.tick(random));
        if held(&world) { Err("held out for ever".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn a_preview_of_a_drain_is_what_the_drain_comes_to_and_changes_nothing_itself() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let drained = random.one_of(&Cloud::ALL);
        let now_ms = world.now_ms;
        let node = world.nodes.get_mut(random.one_of(&Cloud::ALL));
        let order = PerCloud::from_fn(|cloud| cloud == drained);
        let before = node.selector.evaluate(now_ms).picks();
        let preview = node.selector.preview(&order, now_ms).picks();
        if node.selector.evaluate(now_ms).picks() != before {
            return Err("the preview has changed something".to_owned());
        }
        node.selector.drain(&order);
        let outcome = node.selector.evaluate(now_ms).picks();
        let left = outcome.values().any(|pick| *pick == drained);
        if outcome == preview && !left { Ok(()) } else { Err(format!("{preview:?}, {outcome:?}")) }
    });
}

#[test]
fn a_link_that_loses_one_way_moves_nobody() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let before = answers(&world);
        let from = random.one_of(&Cloud::ALL);
        let to = random.one_of(&from.peers());
        world.lose(from, to, true);
        for _ in 0..400 {
            world.tick(random);
            if answers(&world) != before {
                return Err(format!("{from} to {to}: {before:?}, {:?}", answers(&world)));
            }
        }
        let last = |cloud| world.nodes.get(cloud).last.as_ref().ok_or("no selection");
        let (deaf, heard) = (last(to)?, last(from)?);
        if deaf.votes.get(from).is_some() || heard.votes.get(to).is_none() {
            return Err(format!("{to} hears {from}, or is not heard: nothing was lost one way"));
        }
        let view = deaf.votes.get(to).ok_or("no own vote")?;
        if !view.get(from).is_down() {
            return Err(format!("{to} probes {from} as if nothing were lost"));
        }
        let is_normal = Cloud::ALL.into_iter().all(|cloud| world.mode(cloud) == Some(Mode::Normal));
        if is_normal { Ok(()) } else { Err("somebody is taken for down".to_owned()) }
    });
}

/// Whom each name server names.
fn answers(world: &World) -> [Option<Cloud>; 3] {
    Cloud::ALL.map(|server| world.answer(server).map(|(to, _)| to))
}

/// Two are left, and one of them hears the other: it decides, and the deaf one does not.
#[test]
fn where_the_third_dies_behind_a_link_that_loses_one_way_nobody_is_sent_to_it() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let from = random.one_of(&Cloud::ALL);
        let to = random.one_of(&from.peers());
        let third = from.peers().into_iter().find(|peer| *peer != to).ok_or("three")?;
        world.lose(from, to, true);
        (0..random.between(0, 100)).for_each(|_| world.tick(random));
        world.kill(third);
        let detected_ms = milliseconds(BOUND.detect_s() + BOUND.verdict_s) + 4_000;
        (0..detected_ms / TICK_MS).for_each(|_| world.tick(random));
        for _ in 0..200 {
            world.tick(random);
            if answers(&world).contains(&Some(third)) {
                return Err(format!("{third} is dead: {:?}", answers(&world)));
            }
            let modes = (world.mode(from), world.mode(to));
            // `to` hears nobody, `from` hears `to`.
            if modes != (Some(Mode::Degraded), Some(Mode::FailStatic)) {
                return Err(format!("{from} to {to} is lost, {third} dead: {modes:?}"));
            }
        }
        world.lose(from, to, false);
        world.revive(third, random);
        (0..200).for_each(|_| world.tick(random));
        let is_normal = Cloud::ALL.into_iter().all(|cloud| world.mode(cloud) == Some(Mode::Normal));
        if is_normal { Ok(()) } else { Err("it does not end by itself".to_owned()) }
    });
}

/// By seconds back, or by up to a day ahead.
fn jump(world: &mut World, cloud: Cloud, random: &mut Random) -> i64 {
    let ms = |random: &mut Random, most| i64::try_from(random.between(1_000, most)).expect("small");
    let by_ms =
        if random.percent(50) { -ms(random, SETTLE_MS) } else { ms(random, DAY_MS.unsigned_abs()) };
    *world.ahead_ms.get_mut(cloud) += by_ms;
    by_ms
}

#[test]
fn a_clock_that_jumps_moves_nobody_and_counts_again_with_the_next_reports() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let before = answers(&world);
        let jumped = random.one_of(&Cloud::ALL);
        for _ in 0..random.between(1, 3) {
            let by_ms = jump(&mut world, jumped, random);
            let at_ms = world.now_ms;
            for _ in 0..100 {
                world.tick(random);
                if answers(&world) != before {
                    return Err(format!("{jumped} by {by_ms}: {before:?}, {:?}", answers(&world)));
                }
                let modes = Cloud::ALL.map(|cloud| world.mode(cloud));
                let others = jumped.peers().map(|peer| world.mode(peer));
                let is_over = world.now_ms > at_ms + 1_500;
                if others != [Some(Mode::Normal); 2]
                    || (is_over && modes != [Some(Mode::Normal); 3])
                {
                    return Err(format!("{jumped} by {by_ms}, {modes:?}"));
                }
            }
        }
        // Who dies after that is left as ever.
        let served = world.answer(jumped).ok_or("no answer")?.0;
        world.kill(served);
        let detected_ms = milliseconds(BOUND.detect_s() + BOUND.verdict_s) + 4_000;
        (0..detected_ms / TICK_MS).for_each(|_| world.tick(random));
        if answers(&world).contains(&Some(served)) {
            return Err(format!("{served} is dead: {:?}", answers(&world)));
        }
        Ok(())
    });
}

#[test]
fn a_clock_that_goes_back_brings_no_old_votes_back() {
    for_each_seed(|random| {
        let mut world = settled(random);
        let alone = random.one_of(&Cloud::ALL);
        for peer in alone.peers() {
            world.cut(alone, peer, true);
        }
        (0..50).for_each(|_| world.tick(random));
        if world.mode(alone) != Some(Mode::FailStatic) {
            return Err(format!("{alone} is alone, {:?}", world.mode(alone)));
        }
        let back_ms = random.between(1_000, SETTLE_MS);
        *world.ahead_ms.get_mut(alone) -= i64::try_from(back_ms).map_err(|_| "small")?;
        for _ in 0..300 {
            world.tick(random);
            if world.mode(alone) != Some(Mode::FailStatic) {
                return Err(format!("{alone} decides alone, its clock {back_ms} ms back"));
            }
        }
        Ok(())
    });
}
