//! The faults: what each stands for in the real world, and what one should see.

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Stop,
    Pause,
    Cut,
    CutOneWay,
    Delay,
    Payload,
    Hash,
    Row,
    Tail,
    Usage,
    Forge,
    Equivocate,
}

/// Faults of one kind, under one heading.
pub(super) const GROUPS: [(&str, &[Fault]); 4] = [
    ("A cloud", &[Fault::Stop, Fault::Pause]),
    ("A link", &[Fault::Cut, Fault::CutOneWay, Fault::Delay]),
    ("Stored data", &[Fault::Payload, Fault::Hash, Fault::Row, Fault::Tail, Fault::Usage]),
    ("A traitor", &[Fault::Forge, Fault::Equivocate]),
];

/// One fault in words.
pub(super) struct Words {
    /// In the address: `/lab?fault=cut`.
    pub(super) slug: &'static str,
    /// Under its group's heading.
    pub(super) title: &'static str,
    /// By itself.
    pub(super) heading: &'static str,
    /// Where this happens outside the lab.
    pub(super) world: &'static str,
    /// What the reader should see.
    pub(super) sight: &'static str,
    /// How it is taken back.
    pub(super) way_back: &'static str,
}

impl Fault {
    pub(super) fn all() -> impl Iterator<Item = Fault> {
        GROUPS.into_iter().flat_map(|(_, faults)| faults).copied()
    }

    /// The first fault for an address that names none.
    pub(super) fn of_slug(slug: Option<&str>) -> Fault {
        Fault::all().find(|fault| Some(fault.words().slug) == slug).unwrap_or(Fault::Stop)
    }

    pub(super) const fn words(self) -> Words {
        match self {
            Fault::Stop => STOP,
            Fault::Pause => PAUSE,
            Fault::Cut => CUT,
            Fault::CutOneWay => CUT_ONE_WAY,
            Fault::Delay => DELAY,
            Fault::Payload => PAYLOAD,
            Fault::Hash => HASH,
            Fault::Row => ROW,
            Fault::Tail => TAIL,
            Fault::Usage => USAGE,
            Fault::Forge => FORGE,
            Fault::Equivocate => EQUIVOCATE,
        }
    }
}

const STOP: Words = Words {
    slug: "stop",
    title: "Stop it",
    heading: "Stop a cloud",
    world: "A region goes dark, a deployment fails, somebody pulls the wrong plug.",
    sight: "The other two go on making events final. When the cloud is back it checks what it holds, asks for what it missed, and signs it.",
    way_back: "Start it again, here or in the list below.",
};

const PAUSE: Words = Words {
    slug: "pause",
    title: "Freeze it",
    heading: "Freeze a cloud",
    world: "A machine that swaps, a virtual machine that is moved: connections stay open and nobody answers.",
    sight: "For the others it is as good as gone after three seconds of silence. No event waits for it.",
    way_back: "Start lets it go on where it stood.",
};

const CUT: Words = Words {
    slug: "cut",
    title: "Cut it",
    heading: "Cut a link",
    world: "A cable, a firewall rule, a wrong route between two providers. All clouds live; some cannot hear each other.",
    sight: "One link: nothing stops, since what two clouds miss of each other they learn from the third. All links of one cloud: the other two go on, and what the lonely one accepts stays PENDING there until it is heard again.",
    way_back: "Heal the link: both sides catch up by themselves.",
};

const CUT_ONE_WAY: Words = Words {
    slug: "one-way",
    title: "Cut one direction",
    heading: "Cut one direction of a link",
    world: "A firewall that lets one side call and not the other.",
    sight: "The one that cannot call still answers. The other one asks it for what is new, so events become final about a second later than usual, and none is lost.",
    way_back: "Heal the direction.",
};

const DELAY: Words = Words {
    slug: "delay",
    title: "Slow it down",
    heading: "Slow a link down",
    world: "An ocean in between, or a line that is full.",
    sight: "Two of three is the quorum of the nearest: events become final by the quick link, and only the third signature comes later. From 2,500 ms each way on no message is answered within its five seconds, and the link is as good as cut.",
    way_back: "Heal the link.",
};

const PAYLOAD: Words = Words {
    slug: "payload",
    title: "Edit a payload",
    heading: "Edit a payload",
    world: "Somebody with the rights of a database owner makes one number ten times as large, past every trigger.",
    sight: "Within seconds the scrub of that cloud finds that the row no longer leads to the root that two clouds signed. It names row and column, keeps what stood there, and puts a verified copy back.",
    way_back: "None needed: the cloud repairs itself.",
};

const HASH: Words = Words {
    slug: "hash",
    title: "Edit a hash",
    heading: "Edit a hash",
    world: "One bit flips on a disk, or somebody covers their tracks.",
    sight: "The payload still gives the right hash, so the scrub needs no other cloud to put it right.",
    way_back: "None needed: the cloud repairs itself.",
};

const ROW: Words = Words {
    slug: "row",
    title: "Delete a row",
    heading: "Delete a row",
    world: "An event that never happened, if one asked only this database.",
    sight: "A log has no holes: the scrub sees that one is missing, and fetches it from a cloud that has it.",
    way_back: "None needed: the cloud repairs itself.",
};

const TAIL: Words = Words {
    slug: "tail",
    title: "Cut off the end",
    heading: "Cut off the end of a log",
    world: "A disk that lost its last writes, or a backup that was put back: the newest entries of the cloud’s own log are gone, and its head says so too.",
    sight: "The log takes nothing new, since filling those places a second time is what a forger does. The scrub restores head and rows from the other clouds, and the log goes on.",
    way_back: "None needed: the cloud repairs itself.",
};

const USAGE: Words = Words {
    slug: "usage",
    title: "Edit metered usage",
    heading: "Edit metered usage",
    world: "Somebody makes one row ten times as large in the tables that bills and snapshots are made from. No log changes, so nothing that two clouds signed does.",
    sight: "Nothing yet: the scrub reads logs. The next snapshot of that cloud has another hash than the others’, which name the section and the first row that differs; the drill on the page Anchors goes through that with you.",
    way_back: "On the snapshot’s page have that cloud derive it again: it reads every entry, names row and values, and puts them right. It does so once a day by itself.",
};

const FORGE: Words = Words {
    slug: "forge",
    title: "Forge events",
    heading: "Forge events",
    world: "A thief inside one cloud who can speak to the others in its name, but does not have the key of its log.",
    sight: "Both peers refuse both forgeries, an event signed by made-up keys and a payload changed under way, and say why. Neither is recorded; what was refused stands in their quarantine.",
    way_back: "Nothing happened that could be taken back.",
};

const EQUIVOCATE: Words = Words {
    slug: "equivocate",
    title: "Tell two stories",
    heading: "Have a cloud tell two stories",
    world: "The worst that one cloud can do: with its real keys it signs two histories of its log, and shows one of them to one peer alone.",
    sight: "Two of three cannot prevent it, but it leaves proof: two notes of one size with two roots and the signatures of the same keys. Within seconds every cloud holds that evidence and signs no more of that log; what both histories made final is DISPUTED. The other two logs go on.",
    way_back: "The log stays frozen. On that cloud's page Keys report its key as stolen; when an admin at each of the other two agrees there, it goes on with new keys, and what had stayed PENDING is recorded again.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_an_address_of_its_own() {
        let mut slugs: Vec<_> = Fault::all().map(|fault| fault.words().slug).collect();
        for fault in Fault::all() {
            assert_eq!(Fault::of_slug(Some(fault.words().slug)), fault);
        }
        let count = slugs.len();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!((slugs.len(), count), (12, 12));
        assert_eq!(Fault::of_slug(Some("earthquake")), Fault::Stop);
    }
}
