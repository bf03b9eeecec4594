//! Stores that are spoiled: found by computing them anew, and repaired from another cloud.

use domain::log::{Hash, Leaf, LogId};

use super::cast::Place;
use super::tree::Tree;
use super::world::{Event, World};

/// Between two scrubs of a store that is spoiled now and then.
const SCRUB: u64 = 150;

impl World {
    /// Spoils what another honest cloud holds too: the only copy of something cannot be repaired.
    pub fn spoil(&mut self, place: Place) {
        let logs: Vec<LogId> = self.nodes[place].database.disks.keys().copied().collect();
        let log = self.random.one_of(&logs);
        let rows = |node: &super::node::Node| node.disk(log).map_or(0, |disk| disk.rows.len());
        let others = self.nodes.iter().enumerate();
        let others = others.filter(|(at, _)| *at != place && self.cast.is_honest(*at));
        let held = others.map(|(_, node)| rows(node)).max().unwrap_or(0);
        let held = held.min(rows(&self.nodes[place]));
        if held < 2 || self.cast.may_fork(log.origin) || !self.random.percent(50) {
            return;
        }
        let mut pick = |count: usize| {
            let last = u64::try_from(count - 1).expect("few");
            usize::try_from(self.random.between(0, last)).expect("few")
        };
        let (kind, at, from, bit) = (pick(3), pick(held), pick(held), pick(8));
        let disk = self.nodes[place].database.disks.get_mut(&log).expect("it was listed");
        let inner = pick(disk.tree.inner_nodes());
        if kind == 2 {
            let node = disk.tree.inner_node(inner).expect("within");
            node.0[0] ^= 1 << bit;
            disk.spoiled_tree = true;
            self.tally.count("bit flips in tiles");
        } else {
            let was = disk.rows[at];
            let Hash(mut bytes) = was.0;
            bytes[bit] ^= 1 << bit;
            let is = if kind == 0 { Leaf(Hash(bytes)) } else { disk.rows[from] };
            if is == was {
                return;
            }
            disk.rows[at] = is;
            disk.spoiled_rows.entry(at).or_insert(was);
            let what = if kind == 0 { "bit flips in rows" } else { "misdirected writes" };
            self.tally.count(what);
        }
        self.tell(|world| format!("{}'s copy of {log} is spoiled", world.name(place)));
        self.after(SCRUB, Event::Scrub(place));
    }

    pub fn scrub_in_time(&mut self, place: Place) {
        if self.nodes[place].is_up() {
            self.scrub(place);
        }
        if self.nodes[place].database.is_spoiled() {
            self.after(SCRUB, Event::Scrub(place));
        }
    }

    /// Computes every log anew and compares it with its signed head.
    pub fn scrub(&mut self, place: Place) {
        let logs: Vec<LogId> = self.nodes[place].database.disks.keys().copied().collect();
        for log in logs {
            if self.nodes[place].storing.contains_key(&log) {
                continue; // later
            }
            let disk = &self.nodes[place].database.disks[&log];
            let tree = Tree::of(&disk.rows);
            let head = disk.head();
            let rows_differ = tree.root_at(head.size) != Some(head.root);
            let tiles_differ = tree != disk.tree;
            if rows_differ && self.repair_rows(place, log) {
                self.repaired(place, log);
            } else if !rows_differ && tiles_differ {
                self.tally.count("spoiled tiles found and repaired");
                self.repaired(place, log);
            } else if !rows_differ {
                // What was spoiled twice may be right again.
                let disk = self.nodes[place].database.disks.get_mut(&log).expect("it was listed");
                disk.spoiled_rows.clear();
                disk.spoiled_tree = false;
            }
        }
    }

    /// Takes the rows that differ from whoever has a copy that leads to our signed head.
    fn repair_rows(&mut self, place: Place, log: LogId) -> bool {
        let head = self.nodes[place].database.disks[&log].head();
        let size = usize::try_from(head.size).expect("small");
        let copies =
            self.nodes.iter().filter(|node| node.is_up()).filter_map(|node| node.disk(log));
        let is_good = |rows: &&[Leaf]| Tree::of(rows).root_at(head.size) == Some(head.root);
        let good = copies.filter_map(|disk| disk.rows.get(..size)).find(is_good);
        let mut right = good.map(<[Leaf]>::to_vec);
        if right.is_none() {
            right = self.longest_good_prefix(place, log);
        }
        let Some(right) = right else { return false };
        let disk = self.nodes[place].database.disks.get_mut(&log).expect("it was listed");
        let mut mended = 0;
        for (row, right) in disk.rows.iter_mut().zip(&right) {
            mended += u64::from(row != right);
            *row = *right;
        }
        self.tally.add("spoiled rows found and repaired", mended);
        mended > 0
    }

    /// Nobody holds as much as we do: the rows below the largest of our heads that another has.
    fn longest_good_prefix(&self, place: Place, log: LogId) -> Option<Vec<Leaf>> {
        let notes = &self.nodes[place].database.disks[&log].notes;
        let others: Vec<&[Leaf]> = self
            .nodes
            .iter()
            .filter(|node| node.is_up() && node.cloud.index() != place)
            .filter_map(|node| node.disk(log).map(|disk| &disk.rows[..]))
            .collect();
        notes.iter().rev().find_map(|note| {
            let size = usize::try_from(note.head.size).expect("small");
            let mut copies = others.iter().filter_map(|rows| rows.get(..size));
            let is_good =
                |rows: &&[Leaf]| Tree::of(rows).root_at(note.head.size) == Some(note.head.root);
            copies.find(is_good).map(<[Leaf]>::to_vec)
        })
    }

    /// What is derived from the rows is made anew, and the machine compares again what it compared
    /// with a bad copy.
    fn repaired(&mut self, place: Place, log: LogId) {
        let node = &mut self.nodes[place];
        let Some(disk) = node.database.disks.get_mut(&log) else { return };
        let rows = &disk.rows;
        disk.spoiled_rows.retain(|at, was| rows[*at] != *was);
        disk.tree = Tree::of(&disk.rows);
        // Rows that nobody could replace yet lead to a wrong tree.
        disk.spoiled_tree = !disk.spoiled_rows.is_empty();
        node.resume(log);
        self.tell(|world| format!("{}'s copy of {log} is repaired", world.name(place)));
    }
}
