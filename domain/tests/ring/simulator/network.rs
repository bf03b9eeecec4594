//! Links that lose, repeat, delay, reorder and part.

use domain::cloud::{Cloud, PerCloud};

use super::random::Random;

#[derive(Debug)]
pub struct Network {
    loss_percent: u64,
    repeat_percent: u64,
    delay_max: u64,
    /// From whom to whom nothing gets through.
    cut: PerCloud<PerCloud<bool>>,
}

impl Network {
    pub fn perfect() -> Self {
        Network { loss_percent: 0, repeat_percent: 0, delay_max: 3, cut: PerCloud::default() }
    }

    /// Another weather: parted evenly, one cloud alone, one direction of one link, or whole.
    pub fn change(&mut self, random: &mut Random) {
        self.loss_percent = random.one_of(&[0, 0, 5, 30]);
        self.repeat_percent = random.one_of(&[0, 10, 30]);
        self.delay_max = random.one_of(&[2, 10, 60]);
        self.cut = PerCloud::default();
        let (one, other) = (random.one_of(&Cloud::ALL), random.one_of(&Cloud::ALL));
        match random.between(0, 4) {
            0 => self.cut = PerCloud::from_fn(|_| PerCloud::from_fn(|_| true)),
            1 => {
                let alone = |from, to| from == one || to == one;
                self.cut = PerCloud::from_fn(|from| PerCloud::from_fn(|to| alone(from, to)));
            }
            2 => *self.cut.get_mut(one).get_mut(other) = true,
            _ => {}
        }
    }

    /// After how long each copy of a message arrives.
    pub fn arrivals(&self, from: Cloud, to: Cloud, random: &mut Random) -> Vec<u64> {
        if *self.cut.get(from).get(to) {
            return Vec::new();
        }
        let copies = 1 + usize::from(random.percent(self.repeat_percent));
        let mut arrivals = Vec::new();
        for _ in 0..copies {
            if !random.percent(self.loss_percent) {
                arrivals.push(random.between(1, self.delay_max));
            }
        }
        arrivals
    }
}
