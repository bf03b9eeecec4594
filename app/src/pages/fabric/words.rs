//! What the fabric's figures mean, in sentences.

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::hysteresis::Why;
use domain::fabric::selector::Level;
use domain::fabric::verdict::{Mode, Verdict, View, count};

use crate::backend::{
    FabricBound, FabricShares, FabricSwitch, FabricTrip, FabricView, SharesChange, TripFrom,
};
use crate::components::triad::join_names;

pub(super) const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Normal => "Normal",
        Mode::Degraded => "Degraded",
        Mode::Critical => "Critical",
        Mode::Panic => "Panic",
        Mode::FailStatic => "Holds still",
    }
}

/// `gcp and aws`.
pub(super) fn names(clouds: &[Cloud]) -> String {
    join_names(&clouds.iter().map(|cloud| cloud.name()).collect::<Vec<_>>())
}

/// `is` or `are`, after names.
const fn be(clouds: &[Cloud]) -> &'static str {
    if clouds.len() == 1 { "is" } else { "are" }
}

fn those(of: impl Fn(Cloud) -> bool) -> Vec<Cloud> {
    Cloud::ALL.into_iter().filter(|cloud| of(*cloud)).collect()
}

/// What the mode means now.
pub(super) fn mode_sentence(state: &FabricView) -> String {
    let up = those(|cloud| !state.clouds.get(cloud).down);
    let down = those(|cloud| state.clouds.get(cloud).down);
    let me = state.me;
    match state.mode {
        Mode::Normal => {
            let drained = those(|cloud| state.clouds.get(cloud).drained);
            normal(&state.shares, &drained)
        }
        Mode::Degraded => format!(
            "{} {} down. The clients of that cloud go elsewhere, and events become final with two \
             signatures.",
            names(&down),
            be(&down)
        ),
        Mode::Critical => format!(
            "Only {} is up. It serves everybody, and nothing becomes final until a second cloud is \
             back.",
            names(&up)
        ),
        Mode::Panic => "No cloud is up by the votes. The last good answer stands, since it is \
                        better than none."
            .to_owned(),
        Mode::FailStatic => format!(
            "{me} hears no majority. It decides and records nothing, and answers as it did last, \
             without what it sees down itself."
        ),
    }
}

/// All three are up: what decides where clients go?
fn normal(shares: &FabricShares, drained: &[Cloud]) -> String {
    let up = match drained {
        [] | [_, _, _] => "All three clouds are up, and".to_owned(),
        some => format!("All three clouds are up, {} {} drained, and", names(some), be(some)),
    };
    match (&shares.wished, &shares.kept) {
        (None, _) if drained.is_empty() => {
            format!("{up} each region goes to the one that scores best for it.")
        }
        (None, _) => {
            format!("{up} each region goes to the one that scores best of those that serve.")
        }
        (Some(_), Some(_)) => {
            format!("{up} the shares that people decided on say where clients go.")
        }
        (Some(_), None) => format!(
            "{up} people decided on shares, but nobody who has one may serve: distance and load decide."
        ),
    }
}

/// The shares in force, as far as they can be kept. `None`: people decided on none.
pub(super) fn shares_in_force(shares: &FabricShares) -> Option<String> {
    let wished = shares.wished.as_ref()?;
    Some(match &shares.kept {
        Some(kept) if kept == wished => format!("Shares in force: {wished}."),
        Some(kept) => format!("Shares in force: {wished}; as far as they can be kept now: {kept}."),
        None => format!("Shares in force: {wished}; none of them can be kept now."),
    })
}

/// What a change of the shares is about.
pub(super) fn shares_headline(change: &SharesChange) -> String {
    match (&change.after, change.taken_back) {
        (Some(after), false) => format!("Shares of the traffic in force: {after}."),
        (Some(after), true) => {
            format!("The last change of the shares is taken back: {after}, as before it.")
        }
        (None, true) => {
            "Shares of the traffic are taken back: distance and load decide.".to_owned()
        }
        (None, false) => "No shares of the traffic any more: distance and load decide.".to_owned(),
    }
}

/// As the beginning of a sentence.
pub(super) fn begin(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// The longest time at a dead cloud, and what it is made of.
pub(super) fn bound(bound: &FabricBound) -> String {
    let FabricBound { failures, interval_s, timeout_s, verdict_s, ttl_s, whole_s } = bound;
    format!(
        "No client is sent to a dead cloud for longer than {whole_s} s: {failures} failed probes \
         {interval_s} s apart, {timeout_s} s of patience, {verdict_s} s for the verdict, {ttl_s} s \
         in caches."
    )
}

/// Who is up, and by whose word.
pub(super) fn votes(votes: &PerCloud<Option<View>>) -> String {
    let Verdict::Decided(down) = count(votes) else {
        return "No majority was heard, so nothing is decided.".to_owned();
    };
    let silent = those(|cloud| votes.get(cloud).is_none());
    let voters = those(|cloud| votes.get(cloud).is_some());
    let lost = those(|cloud| *down.get(cloud));
    let mut told = match lost.as_slice() {
        [] => vec![format!("All three clouds are up, by the votes of {}.", names(&voters))],
        lost => {
            let says = |gone: Cloud| {
                let says =
                    |by: Cloud| votes.get(by).as_ref().is_some_and(|view| view.get(gone).is_down());
                let sayers = those(says);
                let verb = if sayers.len() == 1 { "says" } else { "say" };
                format!("{gone} is down: {} {verb} so.", names(&sayers))
            };
            lost.iter().map(|cloud| says(*cloud)).collect()
        }
    };
    if !silent.is_empty() {
        let (names, be) = (names(&silent), be(&silent));
        told.push(format!("{names} {be} silent and {} no vote.", has(&silent)));
    }
    told.join(" ")
}

const fn has(clouds: &[Cloud]) -> &'static str {
    if clouds.len() == 1 { "has" } else { "have" }
}

/// In a cell: why the serving cloud serves.
pub(super) const fn why_short(why: Why, level: Level) -> &'static str {
    match level {
        Level::HeldOut => "nobody else is left",
        Level::Drained => "drained, nobody else is left",
        Level::Nobody => "the last good answer",
        Level::Rules => match why {
            Why::First | Why::Leads => "scores best",
            Why::WithinMargin => "stays, within the margin",
            Why::Dwelling => "stays for now",
            Why::BetterByMargin => "better by the margin",
            Why::IncumbentOut => "the one before is out",
            Why::Nobody => "the last good answer",
            Why::Alone => "this node is alone",
        },
    }
}

/// `36 ms`, `≈ 162 ms` where it is a guess.
pub(super) fn trip(trip: &FabricTrip) -> String {
    match trip.from {
        TripFrom::Recorded => format!("{:.0} ms", trip.rtt_ms),
        TripFrom::Distance | TripFrom::Nowhere => format!("≈ {:.0} ms", trip.rtt_ms),
    }
}

/// How far that is: three kinds, which differ by stroke and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Band {
    Near,
    Middle,
    Far,
}

/// Below: nobody notices. Above the second: a conversation stumbles (ITU-T G.114 has 150 ms one way;
/// we count both).
const NEAR_MS: f64 = 50.0;
const MIDDLE_MS: f64 = 150.0;

impl Band {
    pub(super) const ALL: [Band; 3] = [Band::Near, Band::Middle, Band::Far];

    pub(super) fn of(rtt_ms: f64) -> Band {
        match rtt_ms {
            near if near < NEAR_MS => Band::Near,
            middle if middle < MIDDLE_MS => Band::Middle,
            _ => Band::Far,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Band::Near => "near",
            Band::Middle => "middle",
            Band::Far => "far",
        }
    }

    pub(super) const fn says(self) -> &'static str {
        match self {
            Band::Near => "under 50 ms",
            Band::Middle => "50 to 150 ms",
            Band::Far => "150 ms and more",
        }
    }
}

/// What a switch is about.
pub(super) fn headline(switch: &FabricSwitch) -> String {
    let now = &switch.switch;
    let Some(before) = &switch.before else {
        return "The clouds agreed for the first time who serves whom.".to_owned();
    };
    let fell = those(|cloud| now.down.contains(&cloud) && !before.down.contains(&cloud));
    let rose = those(|cloud| !now.down.contains(&cloud) && before.down.contains(&cloud));
    let drained = |now: bool| {
        those(|cloud| {
            let was = before.clouds.get(cloud).drained;
            was != switch.switch.clouds.get(cloud).drained && was != now
        })
    };
    let held = those(|cloud| now.clouds.get(cloud).held_out && !before.clouds.get(cloud).held_out);
    let freed = those(|cloud| !now.clouds.get(cloud).held_out && before.clouds.get(cloud).held_out);
    let cases = [
        (fell, "down"),
        (rose, "up again"),
        (drained(true), "drained"),
        (drained(false), "no longer drained"),
        (held, "held out: it came and went too often"),
        (freed, "let in again"),
    ];
    let told = cases.iter().filter(|(clouds, _)| !clouds.is_empty());
    let told: Vec<String> =
        told.map(|(clouds, is)| format!("{} {} {is}.", names(clouds), be(clouds))).collect();
    if !told.is_empty() {
        return told.join(" ");
    }
    let are_new = !now.moves.is_empty() && now.moves.iter().all(|one| one.from.is_none());
    if are_new { "New client regions are served." } else { "Another cloud serves better." }
        .to_owned()
}

/// `gcp 62.5 %, aws 37.5 %`: who has a share.
pub(super) fn shares(shares: &PerCloud<f64>) -> String {
    let some = shares.iter().filter(|(_, share)| **share > 0.0);
    let each = some.map(|(cloud, share)| format!("{cloud} {:.1} %", 100.0 * share));
    each.collect::<Vec<_>>().join(", ")
}

/// Why a region moved.
pub(super) fn moved_because(why: Why, from: Option<Cloud>, to: Cloud) -> String {
    let Some(before) = from else { return format!("Nobody served it before; {to} scores best.") };
    match why {
        Why::First => format!("Nobody served before; {to} scores best."),
        Why::Leads | Why::BetterByMargin => {
            format!("{to} scores better than {before} by more than the margin.")
        }
        Why::IncumbentOut => {
            format!("{before} cannot serve; {to} scores best of those that can.")
        }
        Why::WithinMargin | Why::Dwelling => format!("{to} stays, within the margin."),
        Why::Nobody => format!("No cloud is up; {to} was the last good answer."),
        Why::Alone => format!("The node heard no majority; {to} stands."),
    }
}

/// `1.2 s ago`.
pub(super) fn age(ms: u64) -> String {
    let tenths = ms / 100;
    format!("{}.{} s ago", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use domain::fabric::health::Seen::{self, Down, Up};

    use super::*;

    fn view(gcp: Seen, aws: Seen, azure: Seen) -> Option<View> {
        Some(PerCloud { gcp, aws, azure })
    }

    #[test]
    fn votes_say_who_says_what_and_who_is_silent() {
        let all = PerCloud::from_fn(|_| view(Up, Up, Up));
        assert_eq!(votes(&all), "All three clouds are up, by the votes of gcp, aws and azure.");
        let lost = PerCloud { gcp: view(Up, Up, Down), aws: view(Up, Up, Down), azure: None };
        let says = "azure is down: gcp and aws say so. azure is silent and has no vote.";
        assert_eq!(votes(&lost), says);
        let alone = PerCloud { gcp: view(Up, Down, Down), aws: None, azure: None };
        assert_eq!(votes(&alone), "No majority was heard, so nothing is decided.");
        // One of three is not enough.
        let one =
            PerCloud { gcp: view(Up, Up, Up), aws: view(Up, Up, Down), azure: view(Up, Up, Up) };
        assert!(votes(&one).starts_with("All three clouds are up"));
    }

    #[test]
    fn the_headline_says_what_decides_where_clients_go() {
        let mut shares = FabricShares {
            wished: None,
            kept: None,
            over: Vec::new(),
            rows: Vec::new(),
            version: 0,
            proposal_id: None,
            can_be_taken_back: false,
            changes: Vec::new(),
            waiting: None,
        };
        assert!(normal(&shares, &[]).ends_with("the one that scores best for it."));
        assert_eq!(shares_in_force(&shares), None);
        let drained = normal(&shares, &[Cloud::Azure]);
        assert!(drained.starts_with("All three clouds are up, azure is drained, and"), "{drained}");
        shares.wished = Some("gcp 60 %, aws 40 %".to_owned());
        shares.kept.clone_from(&shares.wished);
        assert!(!normal(&shares, &[]).contains("scores best"));
        assert_eq!(
            shares_in_force(&shares).as_deref(),
            Some("Shares in force: gcp 60 %, aws 40 %.")
        );
        shares.kept = Some("aws 100 %".to_owned());
        let kept = shares_in_force(&shares).expect("some");
        assert!(kept.ends_with("as far as they can be kept now: aws 100 %."), "{kept}");
        shares.kept = None;
        assert!(normal(&shares, &[]).ends_with("distance and load decide."));
    }

    #[test]
    fn a_change_of_shares_says_what_holds_from_then_on() {
        let change = |after: Option<&str>, taken_back| SharesChange {
            at: domain::clock::Timestamp::from_unix_ms(0),
            version: 2,
            event_id: String::new(),
            proposal_id: String::new(),
            before: None,
            after: after.map(str::to_owned),
            taken_back,
            by: String::new(),
            reason: String::new(),
        };
        let told = |after, taken_back| shares_headline(&change(after, taken_back));
        assert_eq!(told(Some("gcp 100 %"), false), "Shares of the traffic in force: gcp 100 %.");
        assert!(told(Some("gcp 100 %"), true).contains("is taken back: gcp 100 %, as before it"));
        assert!(told(None, true).starts_with("Shares of the traffic are taken back:"));
        assert!(told(None, false).starts_with("No shares of the traffic any more:"));
        assert_eq!(begin("proposed by ann"), "Proposed by ann");
    }

    #[test]
    fn a_band_begins_where_its_words_say() {
        assert_eq!(Band::of(49.9), Band::Near);
        assert_eq!(Band::of(50.0), Band::Middle);
        assert_eq!(Band::of(150.0), Band::Far);
        assert_eq!(Band::of(f64::NAN), Band::Far);
        assert_eq!(age(1_240), "1.2 s ago");
    }
}
