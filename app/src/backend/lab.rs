//! The fault lab's shapes: what can be done, what is broken now, and what was done.

use std::collections::BTreeMap;

use domain::clock::Timestamp;
use domain::cloud::{Cloud, PerCloud};
use serde::{Deserialize, Serialize};

use super::Condition;

/// Beyond this a link is no longer slow but gone: a message between clouds waits for 5 s.
pub const DELAY_MS_MAX: u32 = 10_000;

/// The fault lab as the demonstration's supervisor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabState {
    pub clouds: PerCloud<LabCloud>,
    /// All six, always in the same order.
    pub links: Vec<LabLink>,
    pub traffic: bool,
    /// What was done since the demonstration started, the newest first; the oldest are dropped.
    pub acts: Vec<LabRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabCloud {
    pub process: ProcessState,
    pub pid: Option<u32>,
    pub since: Timestamp,
    /// Absent when it does not answer.
    pub view: Option<LabView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    Starting,
    Running,
    Paused,
    Stopping,
    Stopped,
}

/// What one cloud says of itself and the others. In a partition the three differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabView {
    pub at: Timestamp,
    /// How it sees each cloud.
    pub conditions: PerCloud<Condition>,
    /// What it holds of each log.
    pub logs: PerCloud<LabLog>,
    pub scrub: LabScrub,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabLog {
    pub size: u64,
    pub final_size: u64,
}

/// What checking its stored logs has found since that cloud started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabScrub {
    pub found: u64,
    pub repaired: u64,
    /// Wrong at this moment, since no verified copy could be had.
    pub open: u64,
}

/// One directed link: it carries what `from` asks of `to`, and the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabLink {
    pub from: Cloud,
    pub to: Cloud,
    pub state: LinkState,
    /// Added to the way there and to the way back.
    pub delay_ms: u32,
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkState {
    #[default]
    Open,
    /// Connections are closed, new ones too, at once.
    Cut,
    /// Connections stay, and nothing passes.
    BlackHole,
}

/// Which links an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabWay {
    pub from: Cloud,
    /// Absent: both other clouds.
    pub to: Option<Cloud>,
    /// Only what `from` asks; otherwise both directions.
    pub one_way: bool,
}

impl LabWay {
    /// The directed links.
    #[must_use]
    pub fn links(self) -> Vec<(Cloud, Cloud)> {
        let ends = self.from.peers().into_iter().filter(|end| self.to.is_none_or(|to| to == *end));
        let back = |to| (!self.one_way).then_some((to, self.from));
        ends.flat_map(|to| std::iter::once((self.from, to)).chain(back(to))).collect()
    }

    /// `gcp-aws`, `gcp-all`: the field of a form.
    #[must_use]
    pub fn name(self) -> String {
        format!("{}-{}", self.from, self.to.map_or("all", Cloud::name))
    }
}

/// What is done to what is stored, behind the program's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabDamage {
    Payload,
    Hash,
    /// The row is deleted.
    Row,
    /// The newest rows are deleted and the head is set back.
    Tail,
    /// A metered row is made ten times as large.
    Usage,
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LabOrder {
    Stop {
        cloud: Cloud,
    },
    Start {
        cloud: Cloud,
    },
    Pause {
        cloud: Cloud,
    },
    Cut {
        way: LabWay,
        black_hole: bool,
    },
    /// Takes a cut and a delay away.
    Heal {
        way: LabWay,
    },
    Delay {
        way: LabWay,
        ms: u32,
    },
    Corrupt {
        cloud: Cloud,
        what: LabDamage,
        /// Absent: the newest that is final.
        event_id: Option<String>,
    },
    Forge {
        cloud: Cloud,
    },
    Equivocate {
        cloud: Cloud,
        /// Who is shown the second history; absent: the last of the others.
        to: Option<Cloud>,
    },
}

impl LabOrder {
    /// From the fields of the page's forms, as a browser sends them.
    ///
    /// # Errors
    /// A sentence: which field is missing or what it may be.
    pub fn from_fields(fields: &BTreeMap<String, String>) -> Result<Self, String> {
        let given =
            |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let want =
            |name: &str| given(name).ok_or_else(|| format!("The field \"{name}\" is missing."));
        let cloud = |name: &str| -> Result<Cloud, String> {
            want(name)?.parse().map_err(|cause: domain::cloud::UnknownCloud| format!("{cause}."))
        };
        let way = || way(want("link")?, given("oneWay").is_some());
        Ok(match want("act")? {
            "stop" => LabOrder::Stop { cloud: cloud("cloud")? },
            "start" => LabOrder::Start { cloud: cloud("cloud")? },
            "pause" => LabOrder::Pause { cloud: cloud("cloud")? },
            "cut" => LabOrder::Cut { way: way()?, black_hole: given("how") == Some("blackHole") },
            "heal" => LabOrder::Heal { way: way()? },
            "delay" => LabOrder::Delay { way: way()?, ms: delay(want("ms")?)? },
            "corrupt" => LabOrder::Corrupt {
                cloud: cloud("cloud")?,
                what: damage(want("what")?)?,
                event_id: given("eventId").map(str::to_owned),
            },
            "forge" => LabOrder::Forge { cloud: cloud("cloud")? },
            "equivocate" => LabOrder::Equivocate { cloud: cloud("cloud")?, to: None },
            other => return Err(format!("\"{other}\" is not an act of the fault lab.")),
        })
    }
}

/// `gcp-aws`, or `gcp-all`: see [`LabWay::name`].
fn way(text: &str, one_way: bool) -> Result<LabWay, String> {
    let bad = || format!("\"{text}\" is not a link; use gcp-aws, or gcp-all for all links of gcp.");
    let (from, to) = text.split_once('-').ok_or_else(bad)?;
    let from: Cloud = from.parse().map_err(|_| bad())?;
    let to = match to {
        "all" => None,
        name => Some(name.parse().map_err(|_| bad())?),
    };
    if to == Some(from) { Err(bad()) } else { Ok(LabWay { from, to, one_way }) }
}

fn delay(text: &str) -> Result<u32, String> {
    let ms = text.parse().ok().filter(|ms| (1..=DELAY_MS_MAX).contains(ms));
    ms.ok_or_else(|| format!("A delay is 1 to {DELAY_MS_MAX} milliseconds."))
}

fn damage(text: &str) -> Result<LabDamage, String> {
    Ok(match text {
        "payload" => LabDamage::Payload,
        "hash" => LabDamage::Hash,
        "row" => LabDamage::Row,
        "tail" => LabDamage::Tail,
        "usage" => LabDamage::Usage,
        other => return Err(format!("\"{other}\" is not payload, hash, row, tail or usage.")),
    })
}

/// An act that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabRecord {
    /// Counted from 1.
    pub number: u64,
    pub at: Timestamp,
    /// The login of whoever did it.
    pub who: String,
    pub order: LabOrder,
    pub outcome: LabOutcome,
}

/// What came of an act, where there is more to say than that it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum LabOutcome {
    Done,
    Corrupted(LabCorruption),
    Forged(LabForgery),
    Equivocated(LabEquivocation),
}

/// What stands in a database now, and what stood there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabCorruption {
    pub cloud: Cloud,
    pub what: LabDamage,
    /// The slot, such as `gcp/1/204`; of a tail the first one that is gone. Of metered usage whose,
    /// of what, where and in which hour.
    pub place: String,
    pub event_id: String,
    /// How many rows were changed or deleted.
    pub rows: u64,
    /// Shortened.
    pub before: String,
    /// Shortened.
    pub after: String,
    /// Absent until the cloud itself has found and repaired all of it.
    pub repair: Option<LabRepair>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabRepair {
    pub at: Timestamp,
    /// From the damage to the last repair.
    pub after_ms: i64,
    /// The scrub's own words.
    pub sentences: Vec<String>,
}

/// What somebody inside a cloud tried without its log key, and what the peers said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabForgery {
    pub cloud: Cloud,
    pub attempts: Vec<LabAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabAttempt {
    pub trick: LabTrick,
    pub to: Cloud,
    pub verdict: LabVerdict,
    /// The peer's own words.
    pub answer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LabTrick {
    /// A new event under a checkpoint that made-up keys signed.
    MadeUpKeys,
    /// Another payload under a checkpoint that the cloud really signed.
    ChangedPayload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LabVerdict {
    Refused,
    /// It is stored there now: must never be.
    Taken,
    /// Neither: the peer does not answer, or is busy.
    NoAnswer,
}

/// Two histories of one log, both signed by its cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabEquivocation {
    pub cloud: Cloud,
    /// Such as `gcp/1`.
    pub log: String,
    /// The size for which there are two roots.
    pub size: u64,
    /// The place that holds one event in one history and another in the other.
    pub place: String,
    pub honest: LabBranch,
    pub other: LabBranch,
    /// Who was shown the other history, and what it made of it.
    pub to: Cloud,
    pub verdict: LabVerdict,
    pub answer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabBranch {
    pub root: String,
    pub event_id: String,
    /// A C2SP signed note: checkpoint, the log's signature and cosignatures.
    pub note: String,
}

impl LabState {
    /// The act that takes this one back, where there is one and it still stands.
    #[must_use]
    pub fn undo(&self, record: &LabRecord) -> Option<LabOrder> {
        match record.order {
            LabOrder::Stop { cloud } | LabOrder::Pause { cloud } => {
                let process = self.clouds.get(cloud).process;
                let stands = matches!(process, ProcessState::Stopped | ProcessState::Paused)
                    && self.is_newest(record, |order| order.process() == Some(cloud));
                stands.then_some(LabOrder::Start { cloud })
            }
            LabOrder::Cut { way, .. } | LabOrder::Delay { way, .. } => {
                let links = way.links();
                let concerns = |order: &LabOrder| {
                    order.way().is_some_and(|other| {
                        let other = other.links();
                        links.iter().any(|link| other.contains(link))
                    })
                };
                let broken =
                    |link: &LabLink| links.contains(&(link.from, link.to)) && !link.is_whole();
                let stands = self.links.iter().any(broken) && self.is_newest(record, concerns);
                stands.then_some(LabOrder::Heal { way })
            }
            _ => None,
        }
    }

    fn is_newest(&self, record: &LabRecord, concerns: impl Fn(&LabOrder) -> bool) -> bool {
        let newest = self.acts.iter().find(|act| concerns(&act.order));
        newest.is_some_and(|newest| newest.number == record.number)
    }

    #[must_use]
    pub fn link(&self, from: Cloud, to: Cloud) -> Option<&LabLink> {
        self.links.iter().find(|link| (link.from, link.to) == (from, to))
    }
}

impl LabOrder {
    /// The cloud whose process it is about.
    const fn process(&self) -> Option<Cloud> {
        match self {
            LabOrder::Stop { cloud } | LabOrder::Start { cloud } | LabOrder::Pause { cloud } => {
                Some(*cloud)
            }
            _ => None,
        }
    }

    /// The links that it is about.
    const fn way(&self) -> Option<LabWay> {
        match self {
            LabOrder::Cut { way, .. } | LabOrder::Heal { way } | LabOrder::Delay { way, .. } => {
                Some(*way)
            }
            _ => None,
        }
    }
}

impl LabLink {
    /// Neither cut nor slowed down.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == LinkState::Open && self.delay_ms == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Cloud::{Aws, Azure, Gcp};

    fn read(pairs: &[(&str, &str)]) -> Result<LabOrder, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        LabOrder::from_fields(&pairs.iter().map(own).collect())
    }

    const fn way(from: Cloud, to: Option<Cloud>, one_way: bool) -> LabWay {
        LabWay { from, to, one_way }
    }

    #[test]
    fn a_form_gives_an_order_and_a_bad_one_a_sentence() {
        let both = LabOrder::Cut { way: way(Gcp, Some(Aws), false), black_hole: false };
        assert_eq!(read(&[("act", "cut"), ("link", "gcp-aws"), ("how", "")]), Ok(both));
        let one = LabOrder::Delay { way: way(Aws, None, true), ms: 300 };
        let fields = [("act", "delay"), ("link", "aws-all"), ("oneWay", "true"), ("ms", " 300 ")];
        assert_eq!(read(&fields), Ok(one));
        let newest = LabOrder::Corrupt { cloud: Aws, what: LabDamage::Row, event_id: None };
        let fields = [("act", "corrupt"), ("cloud", "aws"), ("what", "row"), ("eventId", " ")];
        assert_eq!(read(&fields), Ok(newest));
        for (fields, says) in [
            (&[][..], "\"act\" is missing"),
            (&[("act", "explode")], "not an act"),
            (&[("act", "cut"), ("link", "gcp-gcp")], "not a link"),
            (&[("act", "stop"), ("cloud", "oracle")], "is not a cloud"),
            (&[("act", "delay"), ("link", "gcp-aws"), ("ms", "0")], "1 to 10000"),
        ] {
            let sentence = read(fields).expect_err("refused");
            assert!(sentence.contains(says), "{sentence}");
        }
    }

    #[test]
    fn a_way_has_a_name_that_a_form_reads_back() {
        for to in [None, Some(Azure)] {
            let known = way(Gcp, to, false);
            let read = read(&[("act", "heal"), ("link", &known.name())]);
            assert_eq!(read, Ok(LabOrder::Heal { way: known }));
        }
    }

    #[test]
    fn a_way_names_each_directed_link_once() {
        assert_eq!(way(Gcp, Some(Azure), true).links(), [(Gcp, Azure)]);
        assert_eq!(way(Gcp, Some(Azure), false).links(), [(Gcp, Azure), (Azure, Gcp)]);
        let all = [(Aws, Gcp), (Gcp, Aws), (Aws, Azure), (Azure, Aws)];
        assert_eq!(way(Aws, None, false).links(), all);
    }

    fn record(number: u64, order: LabOrder) -> LabRecord {
        let at = Timestamp::from_unix_ms(0);
        LabRecord { number, at, who: "ada".to_owned(), order, outcome: LabOutcome::Done }
    }

    fn state(cut: &[(Cloud, Cloud)], acts: Vec<LabRecord>) -> LabState {
        let since = Timestamp::from_unix_ms(0);
        let link = |from: Cloud, to: Cloud| LabLink {
            from,
            to,
            state: if cut.contains(&(from, to)) { LinkState::Cut } else { LinkState::Open },
            delay_ms: 0,
            since,
        };
        let links = Cloud::ALL.into_iter().flat_map(|from| from.peers().map(|to| link(from, to)));
        let cloud = |_| LabCloud { process: ProcessState::Running, pid: None, since, view: None };
        LabState { clouds: PerCloud::from_fn(cloud), links: links.collect(), traffic: false, acts }
    }

    #[test]
    fn a_cut_can_be_taken_back_until_it_is_healed_or_another_act_has_taken_its_place() {
        let cut = |number, to| {
            let way = way(Gcp, to, false);
            record(number, LabOrder::Cut { way, black_hole: false })
        };
        let heal = LabOrder::Heal { way: way(Gcp, Some(Aws), false) };
        let (first, second) = (cut(1, Some(Aws)), cut(2, Some(Azure)));
        let both = [(Gcp, Aws), (Aws, Gcp), (Gcp, Azure), (Azure, Gcp)];
        let broken = state(&both, vec![second.clone(), first.clone()]);
        assert_eq!(broken.undo(&first), Some(heal.clone()));
        let healed = state(&both[2..], vec![record(3, heal), second.clone(), first.clone()]);
        assert_eq!(healed.undo(&first), None);
        assert!(healed.undo(&second).is_some());
        let over = state(&both, vec![cut(3, None), second, first.clone()]);
        assert_eq!(over.undo(&first), None);
    }
}
