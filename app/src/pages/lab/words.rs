//! What was done, in sentences.

use domain::cloud::{Cloud, PerCloud};

use crate::backend::{
    LabAttempt, LabCorruption, LabDamage, LabEquivocation, LabLink, LabOrder, LabOutcome,
    LabRecord, LabTrick, LabVerdict, LabWay, LinkState, ProcessState,
};
use crate::format;

/// `gcp → aws`, `gcp ⇄ aws`, `all links of gcp`.
pub(super) fn way(way: LabWay) -> String {
    match (way.to, way.one_way) {
        (Some(to), true) => format!("{} → {to}", way.from),
        (Some(to), false) => format!("{} ⇄ {to}", way.from),
        (None, true) => format!("all that {} asks", way.from),
        (None, false) => format!("all links of {}", way.from),
    }
}

/// A whole sentence, without its subject's name: the time and the login stand beside it.
pub(super) fn act(record: &LabRecord) -> String {
    match (&record.order, &record.outcome) {
        (LabOrder::Stop { cloud }, _) => format!("Stopped {}.", cloud.title()),
        (LabOrder::Start { cloud }, _) => format!("Started {}.", cloud.title()),
        (LabOrder::Pause { cloud }, _) => format!("Froze {}.", cloud.title()),
        (LabOrder::Cut { way: on, black_hole: false }, _) => format!("Cut {}.", way(*on)),
        (LabOrder::Cut { way: on, black_hole: true }, _) => {
            format!("Made a black hole of {}.", way(*on))
        }
        (LabOrder::Heal { way: on }, _) => format!("Healed {}.", way(*on)),
        (LabOrder::Delay { way: on, ms }, _) => {
            format!("Slowed {} down by {} ms each way.", way(*on), format::count(u64::from(*ms)))
        }
        (LabOrder::Corrupt { .. }, LabOutcome::Corrupted(told)) => damage(told),
        (LabOrder::Corrupt { cloud, .. }, _) => format!("Damaged {}.", cloud.title()),
        (LabOrder::Forge { cloud }, _) => {
            format!("Tried to slip events past the others in the name of {}.", cloud.title())
        }
        (LabOrder::Equivocate { .. }, LabOutcome::Equivocated(told)) => format!(
            "Had {} sign two histories of {}, and showed the second one to {} alone.",
            told.cloud.title(),
            told.log,
            told.to.title()
        ),
        (LabOrder::Equivocate { cloud, .. }, _) => {
            format!("Had {} tell two stories.", cloud.title())
        }
    }
}

fn damage(told: &LabCorruption) -> String {
    let (place, database) = (&told.place, format!("{}’s database", told.cloud.title()));
    match told.what {
        LabDamage::Payload => format!("Edited the payload of {place} in {database}."),
        LabDamage::Hash => format!("Edited the hash of {place} in {database}."),
        LabDamage::Row => format!("Deleted {place} from {database}."),
        LabDamage::Usage => format!("Edited the metered usage of {place} in {database}."),
        LabDamage::Tail => format!(
            "Cut {} off the end in {database}, from {place} on.",
            format::counted(told.rows, "entry", "entries")
        ),
    }
}

/// `AWS refused a payload changed under way`.
pub(super) fn attempt(tried: &LabAttempt) -> String {
    let what = match tried.trick {
        LabTrick::MadeUpKeys => "an event signed by made-up keys",
        LabTrick::ChangedPayload => "a payload changed under way",
    };
    verdict(tried.to, tried.verdict, what)
}

fn verdict(to: Cloud, verdict: LabVerdict, what: &str) -> String {
    let name = to.title();
    match verdict {
        LabVerdict::Refused => format!("{name} refused {what}"),
        LabVerdict::Taken => format!("{name} took {what}"),
        LabVerdict::NoAnswer => format!("{name} did not answer to {what}"),
    }
}

pub(super) fn shown(told: &LabEquivocation) -> String {
    verdict(told.to, told.verdict, "the other history")
}

/// How a link is: one or two words.
pub(super) fn link(link: &LabLink) -> String {
    match (link.state, link.delay_ms) {
        (LinkState::Open, 0) => "open".to_owned(),
        (LinkState::Open, ms) => format!("{} ms slower", format::count(u64::from(ms))),
        (LinkState::Cut, _) => "cut".to_owned(),
        (LinkState::BlackHole, _) => "black hole".to_owned(),
    }
}

/// When no link is cut or slowed down: that says nothing of the clouds at its ends.
pub(super) fn whole_links(processes: PerCloud<ProcessState>) -> String {
    let silent: Vec<String> = processes
        .iter()
        .filter_map(|(cloud, process)| match process {
            ProcessState::Stopped => Some(format!("{} is stopped", cloud.title())),
            ProcessState::Paused => Some(format!("{} is frozen", cloud.title())),
            _ => None,
        })
        .collect();
    let whom = match silent.len() {
        0 => return "All six links are open.".to_owned(),
        1 => "it",
        _ => "them",
    };
    format!("No link is cut. {}: nobody hears {whom}.", silent.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::clock::Timestamp;

    fn told(order: LabOrder, outcome: LabOutcome) -> String {
        let at = Timestamp::from_unix_ms(0);
        act(&LabRecord { number: 1, at, who: "ada".to_owned(), order, outcome })
    }

    #[test]
    fn acts_on_links_name_the_links() {
        let way = |to, one_way| LabWay { from: Cloud::Gcp, to, one_way };
        let cut = |on| LabOrder::Cut { way: on, black_hole: false };
        let aws = Some(Cloud::Aws);
        assert_eq!(told(cut(way(aws, true)), LabOutcome::Done), "Cut gcp → aws.");
        assert_eq!(told(cut(way(None, false)), LabOutcome::Done), "Cut all links of gcp.");
        let slow = LabOrder::Delay { way: way(aws, false), ms: 2_500 };
        assert_eq!(told(slow, LabOutcome::Done), "Slowed gcp ⇄ aws down by 2,500 ms each way.");
    }

    #[test]
    fn open_links_do_not_say_that_a_stopped_cloud_is_heard() {
        let with = |aws, azure| whole_links(PerCloud { gcp: ProcessState::Running, aws, azure });
        let (up, stopped) = (ProcessState::Running, ProcessState::Stopped);
        assert_eq!(with(up, up), "All six links are open.");
        assert_eq!(with(up, stopped), "No link is cut. Azure is stopped: nobody hears it.");
        assert_eq!(
            with(stopped, ProcessState::Paused),
            "No link is cut. AWS is stopped, Azure is frozen: nobody hears them."
        );
    }

    #[test]
    fn damage_names_the_place_and_whose_it_is() {
        let corruption = LabCorruption {
            cloud: Cloud::Aws,
            what: LabDamage::Payload,
            place: "gcp/1/204".to_owned(),
            event_id: String::new(),
            rows: 1,
            before: String::new(),
            after: String::new(),
            repair: None,
        };
        let order =
            LabOrder::Corrupt { cloud: Cloud::Aws, what: LabDamage::Payload, event_id: None };
        assert_eq!(
            told(order, LabOutcome::Corrupted(corruption)),
            "Edited the payload of gcp/1/204 in AWS’s database."
        );
    }
}
