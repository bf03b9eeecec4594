//! Who plays what: one cloud at most is not honest, in one way.

use domain::cloud::{Cloud, PerCloud};

use super::random::Random;

/// Where a program runs: a place for each cloud, and one for the second program of a cloud.
pub type Place = usize;
pub const TWIN: Place = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persona {
    /// Two programs with one key, one for each peer.
    Equivocator,
    /// Sends to one peer only, or to nobody.
    Withholder,
    /// Sends changed leaves, invented heads and signatures, and heads over nothing.
    Forger,
    /// Sends old messages again.
    Replayer,
    /// Somebody else has the key too.
    StolenKey,
    /// Loses its database and begins anew as if nothing had been.
    Amnesiac,
    /// Its clock is hours ahead.
    TimeLiar,
}

impl Persona {
    const ALL: [Persona; 7] = [
        Persona::Equivocator,
        Persona::Withholder,
        Persona::Forger,
        Persona::Replayer,
        Persona::StolenKey,
        Persona::Amnesiac,
        Persona::TimeLiar,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Persona::Equivocator => "seeds with an equivocator",
            Persona::Withholder => "seeds with a withholder",
            Persona::Forger => "seeds with a forger",
            Persona::Replayer => "seeds with a replayer",
            Persona::StolenKey => "seeds with a stolen key",
            Persona::Amnesiac => "seeds with an amnesiac",
            Persona::TimeLiar => "seeds with a time-liar",
        }
    }

    /// May its key come to stand under two histories?
    const fn forks(self) -> bool {
        matches!(
            self,
            Persona::Equivocator | Persona::Forger | Persona::StolenKey | Persona::Amnesiac
        )
    }
}

#[derive(Debug)]
pub struct Cast {
    pub persona: Option<(Cloud, Persona)>,
    /// Which peers a withholder sends nothing.
    pub withheld: PerCloud<bool>,
    /// Which peers the second program talks to, once it runs.
    twin_faces: PerCloud<bool>,
    twin_runs: bool,
    /// The observer is told that everybody is honest, and must see that it is not so.
    pub hidden: bool,
}

impl Cast {
    pub fn draw(random: &mut Random) -> Self {
        let villain = random.one_of(&Cloud::ALL);
        let persona = random.one_of(&Persona::ALL);
        let [one, other] = villain.peers();
        let mut twin_faces = PerCloud::default();
        *twin_faces.get_mut(one) = true;
        *twin_faces.get_mut(other) = persona == Persona::StolenKey && random.percent(50);
        let persona = random.percent(70).then_some((villain, persona));
        Cast { persona, withheld: PerCloud::default(), twin_faces, twin_runs: false, hidden: false }
    }

    /// The second program starts, or ends.
    pub fn run_twin(&mut self, runs: bool) {
        self.twin_runs = runs;
    }

    /// What the program at that place plays; `None` if it is honest.
    pub fn plays(&self, place: Place) -> Option<Persona> {
        let (villain, persona) = self.persona?;
        let robbed = persona == Persona::StolenKey && place != TWIN;
        (!robbed && (place == TWIN || place == villain.index())).then_some(persona)
    }

    pub fn is_honest(&self, place: Place) -> bool {
        self.plays(place).is_none()
    }

    /// Does the program at that place go on with its own log only as the rules say? Who merely
    /// withholds, repeats or lies about the time does.
    pub fn keeps_its_log(&self, place: Place) -> bool {
        self.plays(place).is_none_or(|persona| !persona.forks())
    }

    /// May this cloud's keys be named by evidence?
    pub fn may_fork(&self, cloud: Cloud) -> bool {
        let forks = |(villain, persona): (Cloud, Persona)| villain == cloud && persona.forks();
        !self.hidden && self.persona.is_some_and(forks)
    }

    /// Do a peer and the program at that place of another cloud talk to each other?
    pub fn faces(&self, place: Place, peer: Cloud) -> bool {
        match (place, self.persona) {
            _ if !self.twin_runs => place != TWIN,
            (TWIN, _) => *self.twin_faces.get(peer),
            (_, Some((villain, Persona::Equivocator))) if place == villain.index() => {
                !self.twin_faces.get(peer)
            }
            _ => true,
        }
    }
}
