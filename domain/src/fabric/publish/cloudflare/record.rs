//! Address records of a zone.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::OURS;
use crate::cloud::Cloud;
use crate::fabric::publish::difference::{Entry, Step};
use crate::fabric::publish::plan::Target;
use crate::fabric::publish::{Invalid, Kind, name};

const COMMENT_CHARS_MAX: usize = 100;
/// 1 is "automatic".
const TTL_S: core::ops::RangeInclusive<u32> = 60..=86_400;

/// As it is sent. Cloudflare has as many records of one name as it has addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Without the last dot.
    pub name: String,
    pub ttl: u32,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub comment: String,
    pub content: String,
    pub proxied: bool,
}

impl DnsRecord {
    /// # Errors
    /// The first value that Cloudflare's documentation does not allow.
    pub fn checked(mut self) -> Result<Self, Invalid> {
        self.name = name("the record's name", &self.name)?;
        if self.ttl != 1 && !TTL_S.contains(&self.ttl) {
            return Err(Invalid::new("the TTL", self.ttl, "1 (automatic) or 60 to 86400"));
        }
        if self.proxied && self.ttl != 1 {
            let must = "1 (automatic) for a proxied record";
            return Err(Invalid::new("the TTL", self.ttl, must));
        }
        let address: Option<core::net::IpAddr> = self.content.parse().ok();
        let kind = Kind::read(&self.kind);
        if address.is_none() || address.map(Kind::of) != kind {
            let given = format!("\"{}\"", self.content);
            return Err(Invalid::new(
                "the record's content",
                given,
                format!("an address for {}", self.kind),
            ));
        }
        if self.comment.chars().count() > COMMENT_CHARS_MAX {
            let must = format!("at most {COMMENT_CHARS_MAX} characters");
            return Err(Invalid::new("the comment", "longer", must));
        }
        Ok(self)
    }

    /// Written by a program like this one?
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.comment.split_whitespace().next() == Some(OURS)
    }

    /// The token of the grant under which it was written.
    #[must_use]
    pub fn token(&self) -> Option<u64> {
        self.comment.split_whitespace().find_map(|word| word.strip_prefix("token=")?.parse().ok())
    }
}

/// Which cloud's address, by whom, under which token.
fn comment(cloud: Cloud, token: Option<u64>) -> String {
    let token = token.map(|token| format!(" token={token}")).unwrap_or_default();
    format!("{OURS} {cloud}{token}")
}

/// The token is not part of what a record is: it says who wrote it last.
impl Entry for DnsRecord {
    fn key(&self) -> String {
        format!("{} {} {}", self.name, self.kind, self.content)
    }
}

impl fmt::Display for DnsRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DnsRecord { name, ttl, kind, content, proxied, .. } = self;
        write!(out, "{name} {kind} {ttl}: {content}")?;
        if *proxied { write!(out, " (proxied)") } else { Ok(()) }
    }
}

/// One record for each address of each cloud that may serve.
///
/// # Errors
/// The settings make a record that Cloudflare would refuse.
pub fn wanted(
    service: &str,
    ttl_s: u32,
    proxied: bool,
    targets: &[Target],
) -> Result<Vec<DnsRecord>, Invalid> {
    let all = targets.iter().flat_map(|target| {
        let own = Kind::ALL.map(|kind| target.of_kind(kind)).concat();
        own.into_iter().map(|address| (target.cloud, address)).collect::<Vec<_>>()
    });
    let record = |(cloud, address): (Cloud, core::net::IpAddr)| {
        let record = DnsRecord {
            name: service.to_owned(),
            ttl: if proxied { 1 } else { ttl_s },
            kind: Kind::of(address).name().to_owned(),
            comment: comment(cloud, None),
            content: address.to_string(),
            proxied,
        };
        record.checked()
    };
    all.map(record).collect()
}

/// The steps as one request: Cloudflare does deletions first, and all or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub body: Value,
    pub steps: usize,
}

/// `ids`: of the records that are there, by their key. `token`: of the grant that is held.
#[must_use]
pub fn batch(steps: &[Step<DnsRecord>], ids: &BTreeMap<String, String>, token: u64) -> Batch {
    let (mut deletes, mut puts, mut posts) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        let id = ids.get(&step.key());
        match (step, id) {
            (Step::Create(to), _) => posts.push(written(to, token)),
            (Step::Change { to, .. }, Some(id)) => {
                let mut put = written(to, token);
                put["id"] = json!(id);
                puts.push(put);
            }
            (Step::Change { to, .. }, None) => posts.push(written(to, token)),
            (Step::Delete(_), Some(id)) => deletes.push(json!({ "id": id })),
            (Step::Delete(_), None) => {}
        }
    }
    let steps = deletes.len() + puts.len() + posts.len();
    Batch { body: json!({ "deletes": deletes, "puts": puts, "posts": posts }), steps }
}

/// The same steps; where they only delete, a record that stays is written again, so that the token of
/// who deleted stands somewhere.
#[must_use]
pub fn marked(mut steps: Vec<Step<DnsRecord>>, there: &[DnsRecord]) -> Vec<Step<DnsRecord>> {
    let only_deletes = steps.iter().all(|step| matches!(step, Step::Delete(_)));
    let stays = |record: &&DnsRecord| steps.iter().all(|step| step.key() != record.key());
    let mark = there.iter().find(stays).filter(|_| only_deletes && !steps.is_empty());
    steps.extend(mark.map(|record| Step::Change { from: record.clone(), to: record.clone() }));
    steps
}

fn written(record: &DnsRecord, token: u64) -> Value {
    json!({
        "name": record.name, "ttl": record.ttl, "type": record.kind, "content": record.content,
        "proxied": record.proxied, "comment": format!("{} token={token}", record.comment),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: &str, ttl: u32) -> DnsRecord {
        DnsRecord {
            name: "api.example.com".to_owned(),
            ttl,
            kind: "A".to_owned(),
            comment: "ternion aws".to_owned(),
            content: content.to_owned(),
            proxied: false,
        }
    }

    #[test]
    fn who_only_deletes_leaves_its_token_on_what_stays() {
        let (one, two) = (record("203.0.113.1", 60), record("203.0.113.2", 60));
        let delete = Step::Delete(one.clone());
        let steps = marked(vec![delete.clone()], &[one.clone(), two.clone()]);
        assert_eq!(steps, [delete.clone(), Step::Change { from: two.clone(), to: two.clone() }]);
        let creates = vec![delete.clone(), Step::Create(two.clone())];
        assert_eq!(marked(creates.clone(), &[one.clone(), two]), creates);
        assert_eq!(marked(vec![delete.clone()], &[one]), [delete]);
        assert_eq!(marked(Vec::new(), &[record("203.0.113.3", 60)]), []);
    }

    #[test]
    fn what_cloudflare_does_not_allow_is_refused_before_it_is_sent() {
        for ttl in [1, 60, 86_400] {
            assert!(record("203.0.113.1", ttl).checked().is_ok(), "{ttl}");
        }
        for ttl in [0, 2, 59, 86_401] {
            assert!(record("203.0.113.1", ttl).checked().is_err(), "{ttl}");
        }
        assert!(record("2001:db8::1", 60).checked().is_err(), "no address for A");
        assert!(record("example.com", 60).checked().is_err());
        assert!(DnsRecord { proxied: true, ..record("203.0.113.1", 60) }.checked().is_err());
        let long = DnsRecord { comment: "x".repeat(101), ..record("203.0.113.1", 60) };
        assert!(long.checked().is_err());
    }

    #[test]
    fn a_batch_names_records_by_their_ids_and_carries_the_token() {
        let (old, new) = (record("203.0.113.1", 60), record("203.0.113.2", 60));
        let changed = DnsRecord { ttl: 120, ..new.clone() };
        let steps = [
            Step::Delete(old.clone()),
            Step::Change { from: new.clone(), to: changed },
            Step::Create(record("203.0.113.3", 60)),
        ];
        let ids = BTreeMap::from([(old.key(), "1".to_owned()), (new.key(), "2".to_owned())]);
        let Batch { body, steps } = batch(&steps, &ids, 42);
        assert_eq!(steps, 3);
        assert_eq!(body["deletes"], json!([{ "id": "1" }]));
        assert_eq!((&body["puts"][0]["id"], &body["puts"][0]["ttl"]), (&json!("2"), &json!(120)));
        assert_eq!(body["posts"][0]["comment"], "ternion aws token=42");
        let back: DnsRecord = serde_json::from_value(body["posts"][0].clone()).expect("a record");
        assert!(back.is_ours() && back.token() == Some(42));
        assert!(!DnsRecord { comment: "by hand".to_owned(), ..old }.is_ours());
    }
}
