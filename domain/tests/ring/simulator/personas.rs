//! What a cloud does that is not honest.

use domain::cloud::Cloud;
use domain::log::{Hash, Head, Leaf, LogId};
use domain::quorum::Signer;

use super::cast::{Persona, Place, TWIN};
use super::message::{Letter, Message};
use super::node::Database;
use super::notary::Note;
use super::world::{Event, World};

/// Between two misdeeds.
const MISCHIEF: u64 = 20;
/// Old messages that a replayer keeps.
const RECORDED_MAX: usize = 200;

impl World {
    pub fn mischief(&mut self) {
        let Some((villain, persona)) = self.cast.persona.filter(|_| !self.healing) else { return };
        self.after(MISCHIEF, Event::Mischief);
        match persona {
            Persona::Equivocator | Persona::StolenKey => self.start_twin(villain),
            Persona::Withholder => self.withhold(villain),
            Persona::Forger => self.forge(villain),
            Persona::Replayer => self.replay(),
            Persona::Amnesiac => self.forget(villain),
            Persona::TimeLiar => {} // lies in every letter
        }
    }

    fn start_twin(&mut self, villain: Cloud) {
        if self.nodes.len() > TWIN || !self.random.percent(20) {
            return;
        }
        let mut twin = self.nodes[villain.index()].twin();
        twin.start(self.now, false);
        self.nodes.push(twin);
        self.cast.run_twin(true);
        self.after(1, Event::Beat(TWIN));
        self.tally.count("second programs with one key");
        self.tell(|world| format!("{} starts", world.name(TWIN)));
    }

    fn withhold(&mut self, villain: Cloud) {
        if self.random.percent(20) {
            let [one, other] = villain.peers();
            *self.cast.withheld.get_mut(one) = self.random.percent(60);
            *self.cast.withheld.get_mut(other) = self.random.percent(60);
        }
    }

    fn forget(&mut self, villain: Cloud) {
        if self.random.percent(6) {
            let node = &mut self.nodes[villain.index()];
            node.stop();
            node.database = Database::new();
            node.start(self.now, false);
            self.tally.count("forgotten databases");
            self.tell(|_| format!("{villain} forgets everything"));
        }
    }

    /// An old message arrives again, from whoever sent it.
    fn replay(&mut self) {
        for _ in 0..5 {
            let Some(last) = self.recorded.len().checked_sub(1) else { return };
            let pick = self.random.between(0, u64::try_from(last).expect("few"));
            let (from, to, letter) = self.recorded[usize::try_from(pick).expect("few")].clone();
            let era = self.nodes[from].era;
            self.after(1, Event::Arrive { from, era, to, letter });
            self.tally.count("messages replayed");
        }
    }

    pub fn record(&mut self, from: Place, to: Place, letter: &Letter) {
        let replays = matches!(self.cast.persona, Some((_, Persona::Replayer)));
        if !replays || !self.random.percent(10) {
            return;
        }
        if self.recorded.len() >= RECORDED_MAX {
            let pick = self.random.between(0, 99);
            self.recorded.swap_remove(usize::try_from(pick).expect("few"));
        }
        self.recorded.push((from, to, letter.clone()));
    }

    fn forge(&mut self, villain: Cloud) {
        let place = villain.index();
        let logs: Vec<LogId> = self.nodes[place].database.disks.keys().copied().collect();
        let log = self.random.one_of(&logs);
        let peer = self.random.one_of(&villain.peers());
        let message = match self.random.between(0, 9) {
            0..=3 => self.changed_range(place, log),
            4..=6 => Some(self.invented_note(villain, log)),
            7 | 8 => self.cut_range(place, log),
            _ => Some(self.head_over_nothing(villain)),
        };
        if let Some(message) = message.filter(|_| self.nodes[place].is_up()) {
            self.tally.count("messages forged");
            self.send(place, peer, message);
        }
    }

    /// Another leaf under a head that the origin signed.
    fn changed_range(&mut self, place: Place, log: LogId) -> Option<Message> {
        let size = self.nodes[place].disk(log)?.head().size;
        let start = self.random.between(0, size);
        let (mut leaves, note) = self.nodes[place].disk(log)?.range_from(start, 3)?;
        let last = u64::try_from(leaves.len() - 1).expect("few");
        let pick = usize::try_from(self.random.between(0, last)).expect("few");
        leaves[pick] = Leaf::of(b"another event");
        Some(Message::Offer { start, leaves, note })
    }

    /// A range that does not end where its head does.
    fn cut_range(&mut self, place: Place, log: LogId) -> Option<Message> {
        let (mut leaves, note) = self.nodes[place].disk(log)?.range_from(0, 3)?;
        leaves.pop();
        leaves.first()?;
        Some(Message::Offer { start: 0, leaves, note })
    }

    /// Signatures that nobody made.
    fn invented_note(&mut self, villain: Cloud, log: LogId) -> Message {
        let size = self.random.between(1, 300);
        let root = Leaf::of(&size.to_be_bytes()).0;
        let everybody = Cloud::ALL.map(Signer::of);
        let own = log.origin == villain;
        let held = self.nodes[villain.index()].disk(log).map(|disk| disk.note(villain).head);
        // A cosigner that never signed, under a head of the villain's own; or all of it invented.
        let head = held.filter(|_| own).unwrap_or(Head { size, root });
        Message::Signed(Note::new(log, head, &everybody))
    }

    /// The villain's own signature on a root of its own log that no entries lead to.
    fn head_over_nothing(&mut self, villain: Cloud) -> Message {
        let log = self.nodes[villain.index()].own();
        let head = Head { size: self.random.between(1, 60), root: Hash([0xee; 32]) };
        self.notary.sign(villain.into(), log, head);
        self.tally.count("heads signed over nothing");
        Message::Signed(Note::new(log, head, &[villain.into()]))
    }
}
