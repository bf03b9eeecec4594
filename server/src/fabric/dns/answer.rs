//! One message in, one message out. No I/O.

use std::net::IpAddr;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::network::Found;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::rdata::svcb::{IpHint, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, AAAA, HTTPS, NS, SOA, SVCB, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::Via;
use super::table::{Table, Zone};

/// Passes every network in one piece (DNS flag day 2020).
pub(super) const UDP_BYTES_MAX: u16 = 1_232;
/// What a client without EDNS takes (RFC 1035).
pub(super) const PLAIN_BYTES_MAX: usize = 512;
pub(super) const HEAD_BYTES: usize = 12;
/// Names of servers and the zone's own records do not follow anybody's health.
const STEADY_TTL_S: u32 = 3_600;
/// How long "there is no such thing" is kept: short, since a cloud may get its first IPv6 address.
const NEGATIVE_TTL_S: u32 = 30;
/// One string of a TXT record.
const TEXT_BYTES_MAX: usize = 255;

/// `None`: what came deserves no answer: it is too short to have a number, or an answer itself.
pub(super) fn answer(
    zone: &Zone,
    table: &Table,
    bytes: &[u8],
    from: IpAddr,
    via: Via,
) -> Option<Vec<u8>> {
    if bytes.len() < HEAD_BYTES || bytes[2] & 0x80 != 0 {
        return None;
    }
    let Ok(question) = Message::from_vec(bytes) else {
        return Some(refuse_unread(bytes));
    };
    if question.metadata.message_type != MessageType::Query {
        return None;
    }
    let bytes_max = match via {
        Via::Tcp => usize::from(u16::MAX),
        Via::Udp => question.edns.as_ref().map_or(PLAIN_BYTES_MAX, |edns| {
            usize::from(edns.max_payload().min(UDP_BYTES_MAX)).max(PLAIN_BYTES_MAX)
        }),
    };
    let reply = Reply::to(zone, table, &question, from).message;
    let whole = reply.to_vec().ok()?;
    if whole.len() <= bytes_max {
        return Some(whole);
    }
    reply.truncate().to_vec().ok()
}

/// Leaves the head of an answer, without records, with the sign that it was cut short.
pub(super) fn cut_to_head(answer: &mut Vec<u8>) {
    answer.truncate(HEAD_BYTES);
    if let Some(counts) = answer.get_mut(4..HEAD_BYTES) {
        counts.fill(0);
        answer[2] |= 0x02;
    }
}

/// FORMERR, from the head alone: the rest could not be read.
fn refuse_unread(bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![0; HEAD_BYTES];
    head[..2].copy_from_slice(&bytes[..2]);
    // The operation and "recursion desired" come back as they were.
    head[2] = 0x80 | (bytes[2] & 0x79);
    head[3] = 1;
    head
}

/// An answer in the making.
struct Reply<'a> {
    zone: &'a Zone,
    table: &'a Table,
    message: Message,
    /// The client's region, if this answer depended on it.
    used: Option<Found>,
}

/// What a client said of where it is, or its resolver of it.
struct Place {
    address: IpAddr,
    subnet: Option<ClientSubnet>,
}

impl Place {
    fn of(question: &Message, from: IpAddr) -> Self {
        let option = question.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Subnet));
        let subnet = match option {
            Some(EdnsOption::Subnet(subnet)) => Some(*subnet),
            _ => None,
        };
        // A prefix of 0 bits says: do not tell where my client is (RFC 7871, 7.1.2).
        let told = subnet.filter(|subnet| subnet.source_prefix() > 0);
        Place { address: told.map_or(from, |subnet| subnet.addr()), subnet }
    }
}

impl<'a> Reply<'a> {
    fn to(zone: &'a Zone, table: &'a Table, question: &Message, from: IpAddr) -> Self {
        let mut message = Message::response(question.metadata.id, question.metadata.op_code);
        message.metadata.recursion_desired = question.metadata.recursion_desired;
        message.add_queries(question.queries.iter().cloned());
        let mut reply = Reply { zone, table, message, used: None };
        let place = Place::of(question, from);
        reply.fill(question, &place);
        if let Some(asked) = &question.edns {
            reply.message.set_edns(own_edns(asked, place.subnet, reply.used));
        }
        reply
    }

    fn fill(&mut self, question: &Message, place: &Place) {
        if question.edns.as_ref().is_some_and(|edns| edns.version() != 0) {
            return self.refuse(ResponseCode::BADVERS);
        }
        if question.metadata.op_code != OpCode::Query {
            return self.refuse(ResponseCode::NotImp);
        }
        let [query] = question.queries.as_slice() else {
            return self.refuse(ResponseCode::FormErr);
        };
        let transfer = matches!(query.query_type(), RecordType::AXFR | RecordType::IXFR);
        let ours = self.zone.apex.zone_of(query.name());
        if query.query_class() != DNSClass::IN || transfer || !ours {
            return self.refuse(ResponseCode::Refused);
        }
        self.message.metadata.authoritative = true;
        self.look_up(query, place);
    }

    fn refuse(&mut self, code: ResponseCode) {
        self.message.metadata.response_code = code;
    }

    fn look_up(&mut self, query: &Query, place: &Place) {
        let (zone, name) = (self.zone, query.name());
        let server = Cloud::ALL.into_iter().find(|cloud| zone.servers.get(*cloud) == name);
        let mut exists = true;
        if *name == zone.service {
            self.service(query, place);
        } else if *name == zone.explain {
            self.explain(query, place);
        } else if let Some(cloud) = server {
            let addresses = zone.addresses.get(cloud);
            self.addresses(query, addresses, STEADY_TTL_S);
        } else {
            // A name with names below it exists, and has nothing of its own.
            exists = name.zone_of(&zone.service);
        }
        if *name == zone.apex {
            self.apex(query);
        }
        if !exists {
            self.refuse(ResponseCode::NXDomain);
        }
        if self.message.answers.is_empty() {
            let soa = self.soa(zone.apex.clone(), NEGATIVE_TTL_S);
            self.message.add_authority(soa);
        }
    }

    fn service(&mut self, query: &Query, place: &Place) {
        let found = self.zone.networks.find(place.address);
        let (cloud, scope) = self.table.pick(found, place.address);
        self.used = Some(Found { scope, ..found });
        let ttl_s = self.table.selection.ttl_s;
        let addresses = self.zone.addresses.get(cloud);
        match query.query_type() {
            RecordType::TXT => {
                let mode = self.table.selection.mode.name();
                let text = format!("cloud={cloud} mode={mode} version={}", self.table.version);
                self.text(query, &text, ttl_s);
            }
            RecordType::HTTPS => self.https(query, addresses, ttl_s),
            _ => self.addresses(query, addresses, ttl_s),
        }
    }

    /// A, AAAA, or both for ANY (RFC 8482 leaves the choice to us).
    fn addresses(&mut self, query: &Query, addresses: &[IpAddr], ttl_s: u32) {
        let asked = query.query_type();
        for address in addresses {
            let data = match address {
                IpAddr::V4(address) => RData::A(A(*address)),
                IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
            };
            if asked == RecordType::ANY || data.record_type() == asked {
                self.add(query.name().clone(), ttl_s, data);
            }
        }
    }

    /// RFC 9460: the service is at this name, and these are its addresses.
    fn https(&mut self, query: &Query, addresses: &[IpAddr], ttl_s: u32) {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push(A(*address)),
                IpAddr::V6(address) => v6.push(AAAA(*address)),
            }
        }
        let mut hints = Vec::new();
        if !v4.is_empty() {
            hints.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4))));
        }
        if !v6.is_empty() {
            hints.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6))));
        }
        if !hints.is_empty() {
            let data = RData::HTTPS(HTTPS(SVCB::new(1, Name::root(), hints)));
            self.add(query.name().clone(), ttl_s, data);
        }
    }

    fn explain(&mut self, query: &Query, place: &Place) {
        if !matches!(query.query_type(), RecordType::TXT | RecordType::ANY) {
            return;
        }
        let found = self.zone.networks.find(place.address);
        let (cloud, scope) = self.table.pick(found, place.address);
        self.used = Some(Found { scope, ..found });
        let text = self.reasons(self.zone.region_name(found.region), cloud);
        self.text(query, &text, self.table.selection.ttl_s);
    }

    /// Scores, shares and votes behind the answer for a client of a region.
    fn reasons(&self, region: &str, cloud: Cloud) -> String {
        let selection = &self.table.selection;
        let Some(choice) = selection.regions.get(region) else { return String::new() };
        let scores = choice.ranked.iter().map(|one| format!("{}={:.1}ms", one.cloud, one.score_ms));
        let votes = selection.votes.iter().map(|(observer, view)| match view {
            None => format!("{observer}:silent"),
            Some(view) => {
                let seen: Vec<&str> = view.iter().map(|(_, seen)| seen.name()).collect();
                format!("{observer}:{}", seen.join("/"))
            }
        });
        let out = selection.clouds.iter().filter_map(|(cloud, standing)| {
            let why = [
                (standing.down, "down"),
                (standing.held_out, "held-out"),
                (standing.drained, "drained"),
            ];
            let why: Vec<&str> =
                why.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect();
            (!why.is_empty()).then(|| format!("{cloud}={}", why.join("+")))
        });
        let each = |shares: &PerCloud<f64>| {
            let each = shares.iter().map(|(cloud, share)| format!("{cloud}:{share:.2}"));
            each.collect::<Vec<_>>().join(",")
        };
        let why = match (&selection.shares, &choice.spill) {
            (Some(shares), Some(spill)) => {
                format!("Shares({})+Spill({})", each(shares), each(spill))
            }
            (Some(shares), None) => format!("Shares({})", each(shares)),
            (None, Some(spill)) => format!("{:?}+Spill({})", choice.why, each(spill)),
            (None, None) => format!("{:?}", choice.why),
        };
        format!(
            "region={region} cloud={cloud} why={why} mode={} scores={} out={} votes={} version={}",
            selection.mode.name(),
            scores.collect::<Vec<_>>().join(","),
            out.collect::<Vec<_>>().join(","),
            votes.collect::<Vec<_>>().join(","),
            self.table.version,
        )
    }

    fn text(&mut self, query: &Query, text: &str, ttl_s: u32) {
        let strings: Vec<&[u8]> = text.as_bytes().chunks(TEXT_BYTES_MAX).collect();
        self.add(query.name().clone(), ttl_s, RData::TXT(TXT::from_bytes(strings)));
    }

    fn apex(&mut self, query: &Query) {
        let asked = |kind| query.query_type() == kind || query.query_type() == RecordType::ANY;
        if asked(RecordType::SOA) {
            let soa = self.soa(query.name().clone(), STEADY_TTL_S);
            self.message.add_answer(soa);
        }
        if asked(RecordType::NS) {
            for cloud in Cloud::ALL {
                let server = self.zone.servers.get(cloud).clone();
                self.add(query.name().clone(), STEADY_TTL_S, RData::NS(NS(server)));
            }
        }
    }

    fn soa(&self, owner: Name, ttl_s: u32) -> Record {
        let server = self.zone.servers.get(self.zone.me).clone();
        // Serial numbers wrap (RFC 1982); the others are what RIPE-203 recommends for small zones.
        let serial = u32::try_from(self.table.version % (1 << 32)).unwrap_or(0);
        let mailbox = self.zone.mailbox.clone();
        let data = SOA::new(server, mailbox, serial, 86_400, 7_200, 3_600_000, NEGATIVE_TTL_S);
        Record::from_rdata(owner, ttl_s, RData::SOA(data))
    }

    fn add(&mut self, owner: Name, ttl_s: u32, data: RData) {
        self.message.add_answer(Record::from_rdata(owner, ttl_s, data));
    }
}

/// The client's subnet comes back with the bits that mattered; 0 where none did.
fn own_edns(asked: &Edns, subnet: Option<ClientSubnet>, used: Option<Found>) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_BYTES_MAX);
    edns.set_dnssec_ok(asked.flags().dnssec_ok);
    if let Some(mut subnet) = subnet {
        let told = subnet.source_prefix() > 0;
        subnet.set_scope_prefix(used.filter(|_| told).map_or(0, |found| found.scope));
        edns.options_mut().insert(EdnsOption::Subnet(subnet));
    }
    edns
}

#[cfg(test)]
mod tests;
