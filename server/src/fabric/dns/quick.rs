//! What nearly every client asks, the addresses of the service, answered without taking the message
//! apart: the bytes that [`super::answer`] gives, in a fraction of the time. Whatever is written in
//! another way than resolvers write it is left to that.

use std::net::IpAddr;

use domain::cloud::{Cloud, PerCloud};

use super::Via;
use super::answer::{HEAD_BYTES, PLAIN_BYTES_MAX, UDP_BYTES_MAX};
use super::table::{Table, Zone};

const A: u16 = 1;
const AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
const OPT: u16 = 41;
const CLIENT_SUBNET: u16 = 8;
/// Carried by most resolvers, and of no use to an authority without state (RFC 7873).
const COOKIE: u16 = 10;
/// "The name is that of the question" (RFC 1035, 4.1.4).
const NAME_OF_THE_QUESTION: u16 = 0xc000 | HEAD_BYTES as u16;
/// Root, type, class, flags and length of an OPT record (RFC 6891).
const OPT_HEAD_BYTES: usize = 11;
/// Code and length of an option; family and both prefixes of a subnet.
const OPTION_HEAD_BYTES: usize = 4;
const SUBNET_HEAD_BYTES: usize = 4;
const DNSSEC_OK: u8 = 0x80;

/// The records of one cloud, as they stand in an answer.
#[derive(Debug, Default)]
pub(super) struct Ready {
    a: Records,
    aaaa: Records,
}

#[derive(Debug, Default)]
struct Records {
    count: u16,
    bytes: Vec<u8>,
}

impl Ready {
    pub(super) fn of(addresses: &PerCloud<Vec<IpAddr>>, ttl_s: u32) -> PerCloud<Self> {
        addresses.map(|_, addresses| {
            let mut ready = Ready::default();
            for address in addresses {
                match address {
                    IpAddr::V4(address) => ready.a.add(A, ttl_s, &address.octets()),
                    IpAddr::V6(address) => ready.aaaa.add(AAAA, ttl_s, &address.octets()),
                }
            }
            ready
        })
    }
}

impl Records {
    fn add(&mut self, kind: u16, ttl_s: u32, address: &[u8]) {
        self.count += 1;
        for number in [NAME_OF_THE_QUESTION, kind, CLASS_IN] {
            self.bytes.extend(number.to_be_bytes());
        }
        self.bytes.extend(ttl_s.to_be_bytes());
        self.bytes.extend([0, if kind == A { 4 } else { 16 }]);
        self.bytes.extend(address);
    }
}

/// A question that was understood.
struct Asked<'a> {
    /// Name, type and class, as they came.
    section: &'a [u8],
    kind: u16,
    edns: Option<OwnEdns<'a>>,
}

struct OwnEdns<'a> {
    payload: u16,
    dnssec_ok: u8,
    subnet: Option<Subnet<'a>>,
}

/// The option's data as it came, and the address in it.
struct Subnet<'a> {
    data: &'a [u8],
    address: IpAddr,
    is_told: bool,
}

/// Writes the answer, or leaves the question to [`super::answer`].
pub(super) fn answer(
    zone: &Zone,
    table: &Table,
    bytes: &[u8],
    from: IpAddr,
    via: Via,
    out: &mut Vec<u8>,
) -> Option<()> {
    let asked = Asked::read(&zone.service_wire, bytes)?;
    let subnet = asked.edns.as_ref().and_then(|edns| edns.subnet.as_ref());
    let told = subnet.filter(|subnet| subnet.is_told);
    let address = told.map_or(from, |subnet| subnet.address);
    let (cloud, scope) = table.pick(zone.networks.find(address), address);
    let records = table.records(cloud, asked.kind)?;

    out.clear();
    out.extend(&bytes[..2]);
    // An answer, with authority; "recursion desired" comes back as it was.
    out.extend([0x84 | bytes[2] & 1, 0]);
    for count in [1, records.count, 0, u16::from(asked.edns.is_some())] {
        out.extend(count.to_be_bytes());
    }
    out.extend(asked.section);
    out.extend(&records.bytes);
    let mut bytes_max = PLAIN_BYTES_MAX;
    if let Some(edns) = &asked.edns {
        edns.write(if told.is_some() { scope } else { 0 }, out);
        bytes_max = usize::from(edns.payload.min(UDP_BYTES_MAX)).max(PLAIN_BYTES_MAX);
    }
    (via == Via::Tcp || out.len() <= bytes_max).then_some(())
}

impl Table {
    fn records(&self, cloud: Cloud, kind: u16) -> Option<&Records> {
        let ready = self.ready.get(cloud);
        let records = if kind == A { &ready.a } else { &ready.aaaa };
        // That there are none is said with the SOA.
        (records.count > 0).then_some(records)
    }
}

impl<'a> Asked<'a> {
    fn read(service: &[u8], bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        // A plain query, with one question, nothing else but perhaps EDNS.
        let plain = head[2] & 0xfe == 0 && head[3] & 0xcf == 0;
        let counts = head[4..11] == [0, 1, 0, 0, 0, 0, 0] && head[11] <= 1;
        let (section, rest) = rest.split_at_checked(service.len() + 4)?;
        let (name, kind_and_class) = section.split_at(service.len());
        let kind = u16_at(kind_and_class, 0)?;
        let ours = name.eq_ignore_ascii_case(service)
            && matches!(kind, A | AAAA)
            && u16_at(kind_and_class, 2)? == CLASS_IN;
        if !plain || !counts || !ours {
            return None;
        }
        let edns = match head[11] {
            0 => rest.is_empty().then_some(None)?,
            _ => Some(OwnEdns::read(rest)?),
        };
        Some(Asked { section, kind, edns })
    }
}

impl<'a> OwnEdns<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut options) = bytes.split_at_checked(OPT_HEAD_BYTES)?;
        let version_0 = head[0] == 0 && u16_at(head, 1)? == OPT && head[5] == 0 && head[6] == 0;
        if !version_0 || usize::from(u16_at(head, 9)?) != options.len() {
            return None;
        }
        let mut subnet = None;
        while !options.is_empty() {
            let (option, rest) = options.split_at_checked(OPTION_HEAD_BYTES)?;
            let (code, length) = (u16_at(option, 0)?, usize::from(u16_at(option, 2)?));
            let (data, rest) = rest.split_at_checked(length)?;
            match code {
                CLIENT_SUBNET if subnet.is_none() => subnet = Some(Subnet::read(data)?),
                COOKIE => {}
                _ => return None,
            }
            options = rest;
        }
        Some(OwnEdns { payload: u16_at(head, 3)?, dnssec_ok: head[7] & DNSSEC_OK, subnet })
    }

    fn write(&self, scope: u8, out: &mut Vec<u8>) {
        let option_bytes = |subnet: &Subnet<'_>| OPTION_HEAD_BYTES + subnet.data.len();
        let options = self.subnet.as_ref().map_or(0, option_bytes);
        out.push(0);
        out.extend(OPT.to_be_bytes());
        out.extend(UDP_BYTES_MAX.to_be_bytes());
        out.extend([0, 0, self.dnssec_ok, 0]);
        let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
        out.extend(length(options));
        if let Some(Subnet { data, .. }) = self.subnet {
            out.extend(CLIENT_SUBNET.to_be_bytes());
            out.extend(length(data.len()));
            out.extend(&data[..3]);
            out.push(scope);
            out.extend(&data[SUBNET_HEAD_BYTES..]);
        }
    }
}

impl<'a> Subnet<'a> {
    /// Only what has as many bytes as its prefix says.
    fn read(data: &'a [u8]) -> Option<Self> {
        let (head, octets) = data.split_at_checked(SUBNET_HEAD_BYTES)?;
        let prefix = head[2];
        if octets.len() != usize::from(prefix.div_ceil(8)) {
            return None;
        }
        let address = match u16_at(head, 0)? {
            1 => IpAddr::from(padded::<4>(octets)?),
            2 => IpAddr::from(padded::<16>(octets)?),
            _ => return None,
        };
        Some(Subnet { data, address, is_told: prefix > 0 })
    }
}

fn padded<const N: usize>(octets: &[u8]) -> Option<[u8; N]> {
    let mut address = [0; N];
    address.get_mut(..octets.len())?.copy_from_slice(octets);
    Some(address)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
