//! Amazon Route 53: record sets, their limits, and the API's XML (version 2013-04-01).

mod read;
mod wanted;
mod write;

use core::net::IpAddr;
use std::fmt;

use super::difference::Entry;
use super::{Invalid, Kind, name, within};

pub use read::{Fault, Page, Unreadable, change_status, fault, page};
pub use wanted::{Policy, Settings, wanted};
pub use write::{Change, Fence, batches, change_request};

/// Requests are signed for it, whatever the record's region.
pub const REGION: &str = "us-east-1";
pub const SERVICE: &str = "route53";
pub const API: &str = "/2013-04-01";
/// Of one batch: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>.
/// An UPSERT counts twice.
pub const BATCH_RECORDS_MAX: usize = 1_000;
pub const BATCH_CHARACTERS_MAX: usize = 32_000;
const IDENTIFIER_CHARS_MAX: usize = 128;
const TTL_S_MAX: u32 = 2_147_483_647;

/// Where changes to a zone are sent.
#[must_use]
pub fn change_path(zone_id: &str) -> String {
    format!("{API}/hostedzone/{zone_id}/rrset/")
}

/// Where a zone's records are listed.
#[must_use]
pub fn list_path(zone_id: &str) -> String {
    format!("{API}/hostedzone/{zone_id}/rrset")
}

/// How Route 53 chooses among records of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing {
    /// 0: never, unless all are 0.
    Weighted { weight: u8 },
    /// By AWS's own measurements to that region of its.
    Latency { region: String },
    /// The first while its health check passes, else the second.
    Failover { primary: bool },
    /// By distance, shifted: −99 shrinks a record's area, 99 makes it larger.
    Proximity { region: String, bias: i8 },
}

/// Addresses of one cloud under the service's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// Without the last dot.
    pub name: String,
    pub kind: Kind,
    /// Tells it from the other records of its name: the cloud.
    pub identifier: String,
    pub ttl_s: u32,
    /// In order.
    pub values: Vec<IpAddr>,
    pub routing: Routing,
    pub health_check: Option<String>,
}

impl RecordSet {
    /// # Errors
    /// The first value that Route 53's documentation does not allow.
    pub fn checked(mut self) -> Result<Self, Invalid> {
        self.name = name("the record's name", &self.name)?;
        within("the TTL", self.ttl_s, 0..=TTL_S_MAX)?;
        let length = self.identifier.chars().count();
        if !(1..=IDENTIFIER_CHARS_MAX).contains(&length) {
            let must = format!("1 to {IDENTIFIER_CHARS_MAX} characters");
            return Err(Invalid::new(
                "the set identifier",
                format!("\"{}\"", self.identifier),
                must,
            ));
        }
        if self.values.is_empty() || self.values.iter().any(|value| Kind::of(*value) != self.kind) {
            let given = format!("{:?}", self.values);
            let must = format!("one or more addresses for {}", self.kind.name());
            return Err(Invalid::new("the record's value", given, must));
        }
        self.routing.check(self.health_check.is_some())?;
        let is_id = |id: &String| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if let Some(id) = self.health_check.as_ref().filter(|id| !is_id(id)) {
            return Err(Invalid::new("the health check", format!("\"{id}\""), "an id of one"));
        }
        Ok(self)
    }
}

impl Routing {
    fn check(&self, has_health_check: bool) -> Result<(), Invalid> {
        match self {
            Routing::Weighted { .. } | Routing::Failover { primary: false } => Ok(()),
            Routing::Failover { primary: true } if has_health_check => Ok(()),
            Routing::Failover { primary: true } => {
                Err(Invalid::new("the health check", "absent", "there for a primary record"))
            }
            Routing::Latency { region } => check_region(region),
            Routing::Proximity { region, bias } => {
                if !(-99..=99).contains(bias) {
                    return Err(Invalid::new("the bias", bias, "-99 to 99"));
                }
                check_region(region)
            }
        }
    }
}

/// By its form: `us-east-1`. Regions are added each year, so their names are not listed here.
fn check_region(region: &str) -> Result<(), Invalid> {
    let parts: Vec<&str> = region.split('-').collect();
    let number = parts.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let words = parts.iter().rev().skip(1);
    let mut words = words.map(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    if parts.len() >= 3 && number && words.all(|is| is) && !parts.contains(&"") {
        return Ok(());
    }
    Err(Invalid::new("the AWS region", format!("\"{region}\""), "one such as us-east-1"))
}

impl Entry for RecordSet {
    fn key(&self) -> String {
        format!("{} {} {}", self.name, self.kind.name(), self.identifier)
    }
}

impl fmt::Display for RecordSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        let (kind, values) = (self.kind.name(), values.join(" "));
        write!(out, "{} {kind} {} [{}]", self.name, self.ttl_s, self.identifier)?;
        match &self.routing {
            Routing::Weighted { weight } => write!(out, " weight {weight}")?,
            Routing::Latency { region } => write!(out, " latency {region}")?,
            Routing::Failover { primary: true } => write!(out, " primary")?,
            Routing::Failover { primary: false } => write!(out, " secondary")?,
            Routing::Proximity { region, bias } => write!(out, " near {region}, bias {bias}")?,
        }
        if let Some(check) = &self.health_check {
            write!(out, " while {check} passes")?;
        }
        write!(out, ": {values}")
    }
}

/// A health check of Route 53's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub domain: String,
    pub port: u16,
    pub path: String,
    /// Failures in a row.
    pub threshold: u32,
    pub interval_s: u32,
}

impl HealthCheck {
    /// # Errors
    /// The first value that Route 53's documentation does not allow.
    pub fn checked(self) -> Result<Self, Invalid> {
        name("the checked name", &self.domain)?;
        within("the threshold", self.threshold, 1..=10)?;
        if ![10, 30].contains(&self.interval_s) {
            return Err(Invalid::new("the interval", self.interval_s, "10 or 30 seconds"));
        }
        if self.port == 0 {
            return Err(Invalid::new("the port", 0, "1 to 65535"));
        }
        if !self.path.starts_with('/') || self.path.len() > 255 {
            let must = "a path that begins with / and has at most 255 characters";
            return Err(Invalid::new("the path", format!("\"{}\"", self.path), must));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(routing: Routing, health_check: Option<&str>) -> RecordSet {
        RecordSet {
            name: "API.example.com.".to_owned(),
            kind: Kind::A,
            identifier: "aws".to_owned(),
            ttl_s: 30,
            values: vec!["203.0.113.2".parse().expect("an address")],
            routing,
            health_check: health_check.map(str::to_owned),
        }
    }

    fn refused(record: RecordSet) -> String {
        record.checked().expect_err("refused").to_string()
    }

    #[test]
    fn what_route_53_does_not_allow_is_refused_before_it_is_sent() {
        let weighted = || record(Routing::Weighted { weight: 255 }, None);
        assert_eq!(weighted().checked().expect("allowed").name, "api.example.com");
        let primary = record(Routing::Failover { primary: true }, None);
        assert_eq!(
            refused(primary),
            "the health check is absent: it must be there for a primary record"
        );
        let near = |bias| record(Routing::Proximity { region: "eu-west-1".to_owned(), bias }, None);
        assert!(near(99).checked().is_ok() && near(-99).checked().is_ok());
        assert_eq!(refused(near(100)), "the bias is 100: it must be -99 to 99");
        let latency = |region: &str| record(Routing::Latency { region: region.to_owned() }, None);
        assert!(latency("ap-southeast-2").checked().is_ok());
        for wrong in ["", "us", "us-east-1a", "-east-1", "US-EAST-1"] {
            assert!(latency(wrong).checked().is_err(), "{wrong}");
        }
        let mut empty = weighted();
        empty.values.clear();
        assert!(refused(empty).starts_with("the record's value"));
        let mut other = weighted();
        other.values = vec!["2001:db8::1".parse().expect("an address")];
        assert!(refused(other).contains("one or more addresses for A"));
        let check = |threshold, interval_s| {
            let (domain, path) = ("api.example.com".to_owned(), "/health".to_owned());
            HealthCheck { domain, port: 443, path, threshold, interval_s }.checked()
        };
        assert!(check(1, 10).is_ok() && check(10, 30).is_ok());
        assert!(check(0, 30).is_err() && check(11, 30).is_err() && check(3, 20).is_err());
    }
}
