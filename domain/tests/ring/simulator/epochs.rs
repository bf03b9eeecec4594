//! An old copy of the own log: taken back from both peers, and ended by a new epoch.
//!
//! Follows the server's `ledger::epochs`: who asks what, and what is durable before what.

use domain::log::{Head, LogId};
use domain::quorum::Input;

use super::cast::{Place, TWIN};
use super::message::{Message, Record};
use super::notary::Note;
use super::world::World;

/// A peer that has not answered by then counts as out of reach, as long as nothing is suspicious.
const FIRST_WAIT: u64 = 40;

impl World {
    /// At every beat: has everything that the others hold of our log been taken back?
    pub fn look_after_own_log(&mut self, place: Place) {
        self.pursue_own_record(place);
        self.ask_for_ended_logs(place);
        let node = &self.nodes[place];
        if !node.is_recovering() {
            return;
        }
        let (own, round) = (node.own(), node.recovery.round);
        let (cloud, size) = (node.cloud, node.database.disks[&own].head().size);
        for peer in cloud.peers() {
            self.send(place, peer, Message::Ask { round });
        }
        let recovery = &self.nodes[place].recovery;
        let told = cloud.peers().map(|peer| *recovery.told.get(peer));
        let waited = !recovery.behind && self.now > recovery.began + FIRST_WAIT;
        if told.iter().any(Option::is_none) && !waited {
            return;
        }
        if told.iter().flatten().any(|theirs| *theirs > size) {
            self.nodes[place].recovery.behind = true;
            for peer in cloud.peers() {
                self.send(place, peer, Message::Lacks { log: own, size });
            }
        } else if recovery.behind && !self.nodes[place].storing.contains_key(&own) {
            self.end_own_log(place, own);
        } else if !recovery.behind {
            self.step(place, own, Input::Recover(false));
        }
    }

    /// All is taken back. The record is durable before anybody is asked.
    fn end_own_log(&mut self, place: Place, own: LogId) {
        let node = &mut self.nodes[place];
        if !node.database.holds(own) {
            return; // it is pursued, and then ended too: what was signed in it, nobody can say
        }
        let begins = LogId { epoch: own.epoch + 1, ..own };
        let record = Record { begins, closing: node.database.disks[&own].head() };
        node.database.votes.insert(begins, record);
        self.tally.count("restored logs taken back and ended");
        self.tell(|world| format!("{} ends {own} at {}", world.name(place), record.closing.size));
        self.close(place, &record);
        let now = self.now;
        let node = &mut self.nodes[place];
        // An epoch that was begun before is begun again to be ended: its places may be filled.
        let again = begins <= node.begun;
        node.open(begins, again);
        if again {
            self.tally.count("forgotten epochs begun again");
            node.look_again(now, true);
        } else {
            node.memory = (begins, Head::empty());
        }
    }

    pub fn close(&mut self, place: Place, record: &Record) {
        let log = record.ends();
        if let Some(disk) = self.nodes[place].database.disks.get_mut(&log) {
            disk.closing = Some(record.closing);
            self.step(place, log, Input::Close(record.closing));
        }
    }

    /// What this database lacks of logs that a record has ended already.
    fn ask_for_ended_logs(&mut self, place: Place) {
        let node = &self.nodes[place];
        let cloud = node.cloud;
        let ours = node.database.disks.values().filter(|disk| disk.log.origin == cloud);
        let lacking = ours.filter(|disk| disk.closing.is_some_and(|it| it.size > disk.head().size));
        let lacking: Vec<_> = lacking.map(|disk| (disk.log, disk.head().size)).collect();
        for (log, size) in lacking {
            for peer in cloud.peers() {
                self.send(place, peer, Message::Lacks { log, size });
            }
        }
    }

    fn pursue_own_record(&mut self, place: Place) {
        let node = &self.nodes[place];
        let own = node.own();
        let Some(record) = node.database.votes.get(&own).copied() else { return };
        if !node.database.holds(own) {
            for peer in node.cloud.peers() {
                self.send(place, peer, Message::Approve(record));
            }
        }
    }

    pub fn arrive_about_epochs(&mut self, from: Place, to: Place, word: Message) {
        if to == TWIN {
            return; // a thief has the key of one epoch only
        }
        let peer = self.nodes[from].cloud;
        match word {
            Message::Ask { round } => {
                let log = self.nodes[to].database.current(peer);
                let size = self.nodes[to].reaches(log);
                self.send(to, peer, Message::Told { round, log, size });
            }
            Message::Told { round, log, size } => {
                let node = &mut self.nodes[to];
                if round == node.recovery.round && log == node.own() {
                    *node.recovery.told.get_mut(peer) = Some(size);
                } else if round == node.recovery.round && log < node.own() {
                    *node.recovery.told.get_mut(peer) = Some(0); // it has not heard of our epoch
                }
            }
            Message::Approve(record) => self.approve(to, record),
            // The origin's word and one other cloud's are enough.
            Message::Approved(record)
                if self.nodes[to].database.votes.get(&record.begins) == Some(&record) =>
            {
                self.learn(to, record);
            }
            Message::Records(records) => {
                records.into_iter().for_each(|record| self.learn(to, record));
            }
            _ => {}
        }
    }

    /// An entry beyond the closing would be lost; one below it that we lack would be closed by our
    /// word without our having seen it.
    fn approve(&mut self, place: Place, record: Record) {
        let (log, origin) = (record.ends(), record.begins.origin);
        let node = &self.nodes[place];
        let reaches = node.reaches(log);
        let ready = node.database.holds(log) && node.disk(log).is_some();
        let voted = node.database.votes.get(&record.begins).copied();
        if voted.is_none() {
            if !ready || node.storing.contains_key(&log) || reaches < record.closing.size {
                return;
            }
            self.close(place, &record);
            let head = self.nodes[place].database.disks[&log].head();
            if head != record.closing {
                assert!(self.cast.may_fork(origin), "{log} is closed before its end");
                return self.tally.count("epochs refused");
            }
            self.nodes[place].database.votes.insert(record.begins, record);
        } else if voted != Some(record) {
            assert!(self.cast.may_fork(origin), "two records begin {}", record.begins);
            return self.tally.count("epochs refused");
        }
        self.send(place, origin, Message::Approved(record));
    }

    /// A record that holds.
    fn learn(&mut self, place: Place, record: Record) {
        let node = &mut self.nodes[place];
        let log = record.begins;
        if node.database.records.contains_key(&log) || !node.database.holds(record.ends()) {
            return;
        }
        node.database.records.insert(log, record);
        self.tell(|world| format!("{} learns that {log} has begun", world.name(place)));
        if self.nodes[place].disk(log).is_some() {
            return; // our own
        }
        self.close(place, &record);
        let now = self.now;
        let node = &mut self.nodes[place];
        let ours = log.origin == node.cloud;
        node.open(log, ours);
        if ours {
            // Others know an epoch of ours that we do not: this database is older than it.
            node.look_again(now, true);
        }
    }

    /// Peers hold a head of our own log that is beyond ours: an append arrived late, or the
    /// database is an old copy, or somebody else has our key.
    pub fn face_longer_log(&mut self, place: Place, note: &Note) {
        let now = self.now;
        let node = &mut self.nodes[place];
        let log = note.log;
        let is_own = log == node.own() && self.cast.keeps_its_log(place);
        if !is_own || node.is_recovering() || node.storing.contains_key(&log) {
            return;
        }
        let stored = node.database.disks[&log].head().size;
        if note.head.size > stored {
            node.look_again(now, true);
            self.tally.count("own logs found longer elsewhere");
            self.tell(|world| format!("{}: others hold more of {log}", world.name(place)));
            self.step(place, log, Input::Recover(true));
        }
    }
}
