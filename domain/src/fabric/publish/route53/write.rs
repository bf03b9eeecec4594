//! `ChangeResourceRecordSets` to the byte: the order of elements is that of AWS's own SDK.

use super::{BATCH_CHARACTERS_MAX, BATCH_RECORDS_MAX, RecordSet, Routing};
use crate::cloud::Cloud;
use crate::fabric::publish::difference::Step;

const HEAD: &str = "<ChangeResourceRecordSetsRequest \
                    xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>";
const TAIL: &str = "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";
/// Of a comment.
const COMMENT_CHARS_MAX: usize = 256;
/// Nobody resolves it but us, and we ask the API.
const FENCE_TTL_S: &str = "300";
const FENCE_CHARS_MAX: usize = 64;

/// One change of a batch, which is done whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Upsert(RecordSet),
    /// Only if it is exactly so.
    Delete(RecordSet),
    /// The fence: a text that names writer and token. A batch that would replace another text than
    /// the one that stands there is refused whole, so a writer of before cannot write any more.
    Fence {
        from: Option<Fence>,
        to: Fence,
    },
}

/// Who writes, under the version of its grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub writer: Cloud,
    pub token: u64,
}

impl Fence {
    /// The name beside the service's where it stands.
    #[must_use]
    pub fn name(service: &str) -> String {
        format!("_ternion.{service}")
    }

    #[must_use]
    pub fn text(&self) -> String {
        format!("ternion writer={} token={}", self.writer, self.token)
    }

    #[must_use]
    pub fn read(text: &str) -> Option<Fence> {
        let (writer, token) = text.strip_prefix("ternion writer=")?.split_once(" token=")?;
        Some(Fence { writer: writer.parse().ok()?, token: token.parse().ok()? })
    }
}

impl Change {
    #[must_use]
    pub fn of(step: &Step<RecordSet>) -> Change {
        match step {
            Step::Create(to) | Step::Change { to, .. } => Change::Upsert(to.clone()),
            Step::Delete(from) => Change::Delete(from.clone()),
        }
    }

    /// Values that a batch counts.
    fn weight(&self) -> (usize, usize) {
        let counted = |record: &RecordSet| {
            let characters = record.values.iter().map(|value| value.to_string().len());
            (record.values.len(), characters.sum::<usize>())
        };
        match self {
            Change::Upsert(record) => {
                let (values, characters) = counted(record);
                (2 * values, 2 * characters)
            }
            Change::Delete(record) => counted(record),
            Change::Fence { .. } => (2, 2 * FENCE_CHARS_MAX),
        }
    }
}

/// In batches that Route 53 takes, in order.
#[must_use]
pub fn batches(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut batches: Vec<Vec<Change>> = Vec::new();
    let mut full = (0, 0);
    for change in changes {
        let (records, characters) = change.weight();
        let fits =
            full.0 + records <= BATCH_RECORDS_MAX && full.1 + characters <= BATCH_CHARACTERS_MAX;
        match batches.last_mut().filter(|_| fits) {
            Some(batch) => {
                batch.push(change);
                full = (full.0 + records, full.1 + characters);
            }
            None => {
                batches.push(vec![change]);
                full = (records, characters);
            }
        }
    }
    batches
}

/// The request's body. `service`: the name beside which a fence stands.
#[must_use]
pub fn change_request(comment: &str, service: &str, changes: &[Change]) -> String {
    let comment: String = comment.chars().take(COMMENT_CHARS_MAX).collect();
    let changes: String = changes.iter().map(|one| change(service, one)).collect();
    format!("{HEAD}{}<Changes>{changes}{TAIL}", element("Comment", &comment))
}

fn change(service: &str, change: &Change) -> String {
    match change {
        Change::Upsert(set) => act("UPSERT", &record(set)),
        Change::Delete(set) => act("DELETE", &record(set)),
        Change::Fence { from, to } => {
            let from = from.as_ref().map(|from| act("DELETE", &fence(service, from)));
            from.unwrap_or_default() + &act("CREATE", &fence(service, to))
        }
    }
}

fn act(action: &str, record: &str) -> String {
    let action = element("Action", action);
    format!("<Change>{action}<ResourceRecordSet>{record}</ResourceRecordSet></Change>")
}

fn fence(service: &str, fence: &Fence) -> String {
    let value = element("Value", &format!("\"{}\"", fence.text()));
    [
        element("Name", &format!("{}.", Fence::name(service))),
        element("Type", "TXT"),
        element("TTL", FENCE_TTL_S),
        format!("<ResourceRecords><ResourceRecord>{value}</ResourceRecord></ResourceRecords>"),
    ]
    .concat()
}

fn record(record: &RecordSet) -> String {
    let value = |value: &core::net::IpAddr| {
        format!("<ResourceRecord>{}</ResourceRecord>", element("Value", &value.to_string()))
    };
    let values: String = record.values.iter().map(value).collect();
    let mut text = [
        element("Name", &format!("{}.", record.name)),
        element("Type", record.kind.name()),
        element("SetIdentifier", &record.identifier),
        element("TTL", &record.ttl_s.to_string()),
        format!("<ResourceRecords>{values}</ResourceRecords>"),
    ]
    .concat();
    text.push_str(&routing(&record.routing));
    if let Some(check) = &record.health_check {
        text.push_str(&element("HealthCheckId", check));
    }
    text
}

fn routing(routing: &Routing) -> String {
    match routing {
        Routing::Weighted { weight } => element("Weight", &weight.to_string()),
        Routing::Latency { region } => element("Region", region),
        Routing::Failover { primary } => {
            element("Failover", if *primary { "PRIMARY" } else { "SECONDARY" })
        }
        Routing::Proximity { region, bias } => {
            let place = element("AWSRegion", region) + &element("Bias", &bias.to_string());
            format!("<GeoProximityLocation>{place}</GeoProximityLocation>")
        }
    }
}

fn element(name: &str, text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{escaped}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabric::publish::Kind;

    #[test]
    fn batches_stay_below_what_route_53_takes_and_lose_nothing() {
        let of = |number: u16| RecordSet {
            name: "api.example.com".to_owned(),
            kind: Kind::A,
            identifier: number.to_string(),
            ttl_s: 30,
            values: vec![core::net::IpAddr::from([10, 0, 0, 1])],
            routing: Routing::Weighted { weight: 1 },
            health_check: None,
        };
        let changes: Vec<Change> = (0..1_200).map(|number| Change::Upsert(of(number))).collect();
        let batches = batches(changes.clone());
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
        assert_eq!(batches.concat(), changes);
        let escaped = change_request("a <b> & c", "api.example.com", &[]);
        assert!(escaped.contains("<Comment>a &lt;b&gt; &amp; c</Comment>"), "{escaped}");
    }

    #[test]
    fn a_fence_replaces_exactly_the_one_before() {
        let fence = |writer, token| Fence { writer, token };
        let (from, to) = (fence(Cloud::Gcp, 41), fence(Cloud::Aws, 42));
        assert_eq!(Fence::read(&from.text()), Some(from.clone()));
        let change = Change::Fence { from: Some(from), to };
        let body = change_request("x", "api.example.com", &[change]);
        let delete = body.find("<Action>DELETE</Action>").expect("deletes");
        let create = body.find("<Action>CREATE</Action>").expect("creates");
        assert!(delete < create && body.contains("\"ternion writer=gcp token=41\""), "{body}");
        assert!(body.contains("<Name>_ternion.api.example.com.</Name><Type>TXT</Type>"), "{body}");
    }
}
