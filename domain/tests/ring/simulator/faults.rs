//! What goes wrong without anybody's ill will: weather, crashes, disks, old copies, clocks.

use domain::cloud::Cloud;
use domain::log::LogId;
use domain::quorum::Input;

use super::cast::{Cast, Place};
use super::node::Database;
use super::random::Random;
use super::world::{Event, World};

/// Between two changes of the weather.
const CHANGE: u64 = 60;
const HOUR_MS: u64 = 3_600_000;

/// Which of the rarer troubles this story has. Two at once may be beyond what 2 of 3 can bear.
#[derive(Debug)]
pub struct Plans {
    /// This cloud's store is spoiled now and then.
    pub spoils: Option<Place>,
    /// This cloud's database is replaced by an old copy now and then.
    restores: Option<Place>,
    copies: Vec<Database>,
}

impl Plans {
    pub fn draw(random: &mut Random, cast: &Cast) -> Self {
        let place = random.one_of(&Cloud::ALL).index();
        let what = random.between(1, 3);
        Plans {
            spoils: Some(place).filter(|it| what == 1 && cast.is_honest(*it)),
            restores: Some(place).filter(|_| what == 2 && cast.persona.is_none()),
            copies: Vec::new(),
        }
    }
}

impl World {
    pub fn change(&mut self) {
        if self.healing {
            return;
        }
        self.after(CHANGE, Event::Change);
        self.network.change(&mut self.random);
        let cloud = self.random.one_of(&Cloud::ALL);
        let place = cloud.index();
        if self.random.percent(40) && self.nodes[place].is_up() {
            self.crash(place);
        }
        if self.random.percent(15) {
            let ahead_ms = self.random.between(0, 2 * HOUR_MS).cast_signed();
            self.nodes[place].watch.jump(ahead_ms - HOUR_MS.cast_signed());
            self.tally.count("clock jumps");
        }
        if let Some(place) = self.plans.spoils {
            self.spoil(place);
        }
        if let Some(place) = self.plans.restores {
            self.copy_or_restore(place);
        }
    }

    /// After any step at all.
    pub fn crash_somebody(&mut self) {
        if !self.healing && self.random.between(1, 1_500) == 1 {
            let place = self.random.one_of(&Cloud::ALL).index();
            if self.nodes[place].is_up() {
                self.crash(place);
            }
        }
    }

    /// Between two effects of one step.
    pub fn crashes_here(&mut self, place: Place) -> bool {
        let crashes = !self.healing && self.random.between(1, 1_000) == 1;
        if crashes {
            self.tally.count("crashes within a step");
            self.crash(place);
        }
        crashes || !self.nodes[place].is_up()
    }

    /// What was on its way to disk is there or is not.
    fn crash(&mut self, place: Place) {
        self.tally.count("crashes");
        self.tell(|world| format!("{} crashes", world.name(place)));
        let logs: Vec<LogId> = self.nodes[place].storing.keys().copied().collect();
        for log in logs {
            if self.random.percent(50) {
                self.commit(place, log);
            }
        }
        self.nodes[place].stop();
        let delay = self.random.between(1, 100);
        self.after(delay, Event::Restart(place));
    }

    pub fn restart(&mut self, place: Place) {
        if !self.nodes[place].is_up() {
            self.nodes[place].start(self.now, self.cast.keeps_its_log(place));
            self.tell(|world| format!("{} starts", world.name(place)));
        }
    }

    pub fn store_ends(&mut self, place: Place, log: LogId) {
        let chance = if self.healing { 100 } else { self.random.between(1, 100) };
        match chance {
            // Surely failed.
            1..=8 => {
                self.tally.count("failed stores");
                self.nodes[place].storing.remove(&log);
                self.step(place, log, Input::StoreFailed);
            }
            // The connection broke: stored or not, the driver reads what is there.
            9..=16 => {
                if chance > 12 {
                    self.tally.count("failed stores that were stored");
                    self.commit(place, log);
                } else {
                    self.tally.count("stores of unknown outcome");
                }
                self.nodes[place].storing.remove(&log);
                self.nodes[place].resume(log);
                self.show(place, log);
            }
            _ => {
                self.commit(place, log);
                self.step(place, log, Input::Stored);
            }
        }
        self.freeze_what_is_proven(place);
    }

    /// The database becomes what it was some time ago. The file beside the key does not.
    fn copy_or_restore(&mut self, place: Place) {
        let node = &mut self.nodes[place];
        // A proposed epoch that is lost with its database waits for people.
        let is_settled = node.database.holds(node.own());
        if is_settled && self.random.percent(30) {
            self.plans.copies.push(node.database.clone());
        }
        if !is_settled || self.plans.copies.is_empty() || !self.random.percent(20) {
            return;
        }
        let last = u64::try_from(self.plans.copies.len() - 1).expect("few");
        let pick = usize::try_from(self.random.between(0, last)).expect("few");
        self.plans.copies.truncate(pick + 1);
        let copy = self.plans.copies.pop().expect("there is one");
        for (log, disk) in &node.database.disks {
            let owed = node.owed.entry(*log).or_default();
            *owed = disk.head().size.max(*owed);
        }
        node.stop();
        node.database = copy;
        node.era += 1;
        self.observer.restored(place);
        self.tally.count("restored databases");
        self.tell(|world| format!("{}'s database is an old copy", world.name(place)));
        let delay = self.random.between(1, 100);
        self.after(delay, Event::Restart(place));
    }
}
