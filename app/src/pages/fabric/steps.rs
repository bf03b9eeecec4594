//! An explanation taken apart: who asks, who is up, who may serve, how good each is, who stays, so.

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::fabric::hysteresis::Why;
use domain::fabric::score::{Policy, Status};
use domain::fabric::selector::{ANYWHERE, Level};

use crate::backend::{FabricAsked, FabricNow, FabricThen, TripFrom};
use crate::format::percent;
use crate::pages::fabric::words;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) head: &'static str,
    /// Printed before the lines.
    pub(super) at: Option<Timestamp>,
    pub(super) lines: Vec<String>,
    pub(super) event_id: Option<String>,
    pub(super) proposal_id: Option<String>,
}

fn of(head: &'static str, lines: Vec<String>) -> Step {
    Step { head, lines, ..Step::default() }
}

pub(super) fn now(now: &FabricNow) -> Vec<Step> {
    let asked = &now.asked;
    let mut may = left_out(asked);
    for (cloud, status) in now.statuses.iter() {
        if *status == Status::Degraded {
            may.push(match now.policy {
                Policy::Balanced => format!("{cloud} says it is degraded, so it comes last."),
                Policy::Basic => format!("{cloud} says it is degraded, so it is left out."),
            });
        }
    }
    may.extend(relaxed(now.region.level));
    vec![
        of("Who asks", vec![who(asked)]),
        of("Who is up", vec![words::votes(&asked.votes)]),
        of("Who may serve", or_all(may)),
        of("How good each is", scores(now)),
        of("Who stays", stays(now)),
        of("So", vec![so(now)]),
    ]
}

fn so(now: &FabricNow) -> String {
    let ttl_s = now.ttl_s;
    if is_dealt_unnamed(now) {
        return format!(
            "The answer is one of them, by the client’s network, and may be kept for {ttl_s} s."
        );
    }
    format!("The answer is {}, and may be kept for {ttl_s} s.", now.asked.cloud)
}

/// The shares that networks are dealt by, where nobody has named one.
pub(super) fn is_dealt_unnamed(now: &FabricNow) -> bool {
    now.dealt.as_ref().is_some_and(|dealt| dealt.network.is_none())
}

/// The share that the client's network falls into.
fn bucket(now: &FabricNow) -> Option<String> {
    let dealt = now.dealt.as_ref()?;
    Some(match &dealt.network {
        Some((network, share)) => {
            format!("{network} falls into the {share} of {}, and stays there.", now.asked.cloud)
        }
        None => "Give an address or a network to see whose share it falls into.".to_owned(),
    })
}

fn stays(now: &FabricNow) -> Vec<String> {
    if let Some(shares) = &now.shares {
        let told = by_shares(shares, now.region.spill.as_deref());
        return told.into_iter().chain(bucket(now)).collect();
    }
    let spill = now.region.spill.as_ref().map(|shares| {
        let pick = now.region.pick;
        format!(
            "{pick} cannot take all of this region. Each client’s network is dealt by what finds room: {shares}."
        )
    });
    std::iter::once(margin(now)).chain(spill).chain(bucket(now)).collect()
}

fn by_shares(shares: &str, room: Option<&str>) -> Vec<String> {
    let Some(room) = room else {
        return vec![format!(
            "Shares of the traffic are in force ({shares}), and each client’s network is dealt by them."
        )];
    };
    vec![
        format!("Shares of the traffic are in force ({shares})."),
        format!(
            "Not everybody has room for its share of this region. Each client’s network is dealt by what finds room: {room}."
        ),
    ]
}

pub(super) fn then(then: &FabricThen) -> Vec<Step> {
    let asked = &then.asked;
    let mut steps = vec![
        of("Who asked", vec![who(asked)]),
        of("Who was up", vec![words::votes(&asked.votes)]),
        of("Who might serve", or_all(left_out(asked))),
    ];
    if let Some((at, event_id, moved)) = &then.moved {
        let scores = moved.scores.iter().map(|(cloud, score)| format!("{cloud} {score:.1} ms."));
        let limit = moved.limit_ms.map(|limit| format!("To beat: {limit:.1} ms."));
        let because = words::moved_because(moved.why, moved.from, moved.to);
        let lines = std::iter::once(because).chain(scores).chain(limit);
        steps.push(Step {
            at: Some(*at),
            event_id: Some(event_id.clone()),
            ..of("When it moved last", lines.collect())
        });
    }
    if let Some((shares, proposal_id)) = &then.shares {
        let line = format!(
            "They were in force then ({shares}), and each client’s network was dealt by them, as far \
             as they could be kept. What stands here is what distance and load decided."
        );
        let proposal_id = Some(proposal_id.clone());
        steps.push(Step { proposal_id, ..of("Shares", vec![line]) });
    }
    steps.push(Step {
        at: Some(then.recorded_at),
        event_id: Some(then.event_id.clone()),
        ..of("So", vec![format!("Switch {} named {} for this region.", then.version, asked.cloud)])
    });
    steps
}

fn who(asked: &FabricAsked) -> String {
    let region = &asked.region;
    match &asked.subnet {
        Some((subnet, _)) if region == ANYWHERE => {
            format!("{subnet} is in no network that is named: clients from anywhere.")
        }
        Some((subnet, scope)) => {
            format!("{subnet} is in {region}; the answer holds for its whole /{scope}.")
        }
        None if region == ANYWHERE => "Clients of whom nothing is known.".to_owned(),
        None => format!("Clients in {region}."),
    }
}

fn left_out(asked: &FabricAsked) -> Vec<String> {
    let mut told = Vec::new();
    for (cloud, standing) in asked.clouds.iter() {
        if standing.drained {
            told.push(format!("{cloud} is drained."));
        }
        if standing.held_out {
            let points = standing.damping;
            told.push(format!(
                "{cloud} is held out: it came and went too often ({points:.0} points)."
            ));
        }
    }
    told
}

fn or_all(told: Vec<String>) -> Vec<String> {
    if told.is_empty() { vec!["Everybody who is up.".to_owned()] } else { told }
}

fn relaxed(level: Level) -> Option<String> {
    Some(match level {
        Level::Rules => return None,
        Level::HeldOut => "Nobody else is left, so clouds that are held out may serve.".to_owned(),
        Level::Drained => "Nobody else is left, so drained clouds may serve.".to_owned(),
        Level::Nobody => "Nobody is left.".to_owned(),
    })
}

/// The parts of each score.
fn scores(now: &FabricNow) -> Vec<String> {
    if now.region.scores.is_empty() {
        return vec!["Nobody can serve, so nothing is compared.".to_owned()];
    }
    let trips = now.region.trips.as_ref();
    let load = |cloud: Cloud| now.asked.clouds.get(cloud).load;
    let one = |(cloud, score): &(Cloud, f64)| {
        let trip = trips.map(|trips| *trips.get(*cloud));
        let waits = (score - trip.map_or(0.0, |trip| trip.rtt_ms)).max(0.0);
        let load = percent(load(*cloud));
        match trip {
            Some(trip) => format!(
                "{cloud} {score:.1} ms: round trip {:.1} ms ({}), and {waits:.1} ms for a load of {load}.",
                trip.rtt_ms,
                source(trip.from)
            ),
            None => format!("{cloud} {score:.1} ms, for a load of {load} alone."),
        }
    };
    now.region.scores.iter().map(one).collect()
}

const fn source(from: TripFrom) -> &'static str {
    match from {
        TripFrom::Recorded => "measured",
        TripFrom::Distance => "guessed by distance",
        TripFrom::Nowhere => "unknown, as far as the farthest",
    }
}

fn margin(now: &FabricNow) -> String {
    let pick = now.asked.cloud;
    let before = now.last_good;
    // Close enough, and nobody can be better by the margin.
    let limit = now.limit_ms.filter(|limit| *limit > 0.0);
    let limit = limit.map(|limit| format!(" Another would need less than {limit:.1} ms."));
    let limit = limit.unwrap_or_default();
    match now.region.why {
        Why::First => format!("Nobody served before, so the best begins: {pick}."),
        Why::Leads => format!("{pick} served before and leads.{limit}"),
        Why::WithinMargin => {
            format!(
                "Another scores better than {pick}, by less than the margin: {pick} stays.{limit}"
            )
        }
        Why::Dwelling => format!("Another scores better than {pick}, and not for long enough yet."),
        Why::BetterByMargin => {
            let before = before.map_or_else(|| "nobody".to_owned(), |cloud| cloud.to_string());
            format!("{before} served before; {pick} is better by more than the margin.{limit}")
        }
        Why::IncumbentOut => match before {
            Some(before) => {
                format!("{before} served before and cannot: {pick} takes over at once.")
            }
            None => format!("Who served before cannot: {pick} takes over at once."),
        },
        Why::Nobody => format!("No cloud is up, so the last good answer stands: {pick}."),
        Why::Alone => format!("This node hears no majority, so {pick} stands as it was."),
    }
}

#[cfg(test)]
mod tests {
    use domain::catalog::RoutingStanding;
    use domain::cloud::PerCloud;
    use domain::fabric::health::Seen;
    use domain::fabric::verdict::{Mode, View};

    use super::*;
    use crate::backend::{FabricDealt, FabricRegion, FabricTrip};

    fn asked() -> FabricAsked {
        let standing = RoutingStanding { load: 0.1, damping: 0.0, held_out: false, drained: false };
        let view: View = PerCloud::from_fn(|_| Seen::Up);
        FabricAsked {
            region: "eu".to_owned(),
            subnet: Some(("198.51.100.7".to_owned(), 24)),
            at: Timestamp::from_unix_ms(0),
            cloud: Cloud::Aws,
            mode: Mode::Normal,
            votes: PerCloud::from_fn(|_| Some(view)),
            clouds: PerCloud {
                gcp: RoutingStanding { drained: true, ..standing },
                aws: standing,
                azure: standing,
            },
        }
    }

    #[test]
    fn shares_without_the_room_for_them_are_told_with_what_is_dealt_instead() {
        let kept = by_shares("gcp 60 %, aws 40 %", None);
        assert!(kept[0].ends_with("dealt by them."), "{kept:?}");
        let cut = by_shares("gcp 60 %, aws 40 %", Some("gcp 31 %, aws 69 %"));
        assert_eq!(cut[0], "Shares of the traffic are in force (gcp 60 %, aws 40 %).");
        assert!(cut[1].ends_with("what finds room: gcp 31 %, aws 69 %."), "{cut:?}");
    }

    #[test]
    fn a_past_explanation_names_the_shares_that_were_in_force_then() {
        let mut past = FabricThen {
            asked: asked(),
            version: 7,
            recorded_at: Timestamp::from_unix_ms(0),
            event_id: "an-event".to_owned(),
            moved: None,
            shares: None,
        };
        assert!(then(&past).iter().all(|step| step.head != "Shares"));
        past.shares = Some(("gcp 60 %, aws 40 %".to_owned(), "a-proposal".to_owned()));
        let told = then(&past);
        let step = told.iter().find(|step| step.head == "Shares").expect("a step");
        assert!(step.lines[0].starts_with("They were in force then (gcp 60 %, aws 40 %)"));
        assert_eq!(step.proposal_id.as_deref(), Some("a-proposal"));
    }

    #[test]
    fn an_explanation_adds_up_and_says_who_stays_and_by_how_much() {
        let trip = |rtt_ms, from| FabricTrip { rtt_ms, from };
        let mut one = FabricNow {
            asked: asked(),
            statuses: PerCloud::default(),
            region: FabricRegion {
                name: "eu".to_owned(),
                place: None,
                pick: Cloud::Aws,
                spill: Some("aws 80 %, gcp 20 %".to_owned()),
                why: Why::WithinMargin,
                level: Level::Rules,
                trips: Some(PerCloud {
                    gcp: trip(100.0, TripFrom::Recorded),
                    aws: trip(30.0, TripFrom::Recorded),
                    azure: trip(25.0, TripFrom::Distance),
                }),
                scores: vec![(Cloud::Azure, 27.2), (Cloud::Aws, 32.2)],
            },
            last_good: Some(Cloud::Aws),
            limit_ms: Some(15.8),
            ttl_s: 6,
            shares: None,
            dealt: Some(FabricDealt {
                by: "aws 80 %, gcp 20 %".to_owned(),
                network: Some(("198.51.100.0/24".to_owned(), "80 %".to_owned())),
            }),
            policy: Policy::Balanced,
        };
        let told = now(&one);
        let lines: Vec<&String> = told.iter().flat_map(|step| &step.lines).collect();
        assert_eq!(lines[0], "198.51.100.7 is in eu; the answer holds for its whole /24.");
        assert_eq!(lines[2], "gcp is drained.");
        let azure = "azure 27.2 ms: round trip 25.0 ms (guessed by distance), and 2.2 ms for a load of 10 %.";
        assert_eq!(lines[3], azure);
        assert!(lines[5].ends_with("Another would need less than 15.8 ms."), "{}", lines[5]);
        assert!(lines[6].ends_with("what finds room: aws 80 %, gcp 20 %."), "{}", lines[6]);
        assert_eq!(lines[7], "198.51.100.0/24 falls into the 80 % of aws, and stays there.");
        assert_eq!(lines[8], "The answer is aws, and may be kept for 6 s.");
        // By shares that people decided on, and of a region: nobody has named a network.
        one.shares = Some("aws 80 %, gcp 20 %".to_owned());
        one.region.spill = None;
        one.dealt = Some(FabricDealt { by: "aws 80 %, gcp 20 %".to_owned(), network: None });
        let told = now(&one);
        let lines: Vec<&String> = told.iter().flat_map(|step| &step.lines).collect();
        assert!(lines[5].ends_with("is dealt by them."), "{}", lines[5]);
        assert!(lines[6].starts_with("Give an address"), "{}", lines[6]);
        assert!(lines[7].starts_with("The answer is one of them"), "{}", lines[7]);
    }
}
