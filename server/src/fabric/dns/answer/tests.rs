//! What is answered to what, byte for byte through the wire form.

use std::collections::BTreeMap;

use domain::cloud::PerCloud;
use domain::fabric::score::Policy;
use domain::fabric::selector::{Selector, Settings};
use hickory_proto::op::EdnsFlags;

use super::super::quick;
use super::*;
use crate::fabric::Plan;

const CLIENT: &str = "203.0.113.9";

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Europe is nearest to aws, everybody else is served by gcp; azure has no IPv4 address.
fn desk() -> (Zone, Table) {
    let networks = [("10.2.0.0/16", "eu"), ("2001:db8:2::/48", "eu"), ("10.0.0.0/8", "na")];
    let networks =
        networks.map(|(network, region)| (network.parse().expect("a network"), region.to_owned()));
    let plan = Plan {
        policy: Policy::Balanced,
        name: "api.ternion.example".to_owned(),
        zone: "ternion.example".to_owned(),
        endpoints: PerCloud::default(),
        addresses: PerCloud {
            gcp: vec![address("192.0.2.11"), address("2001:db8::11")],
            aws: vec![address("192.0.2.12")],
            azure: vec![address("2001:db8::13")],
        },
        sites: PerCloud::default(),
        networks: networks.to_vec(),
        dns_listen: Vec::new(),
        demand: BTreeMap::new(),
        capacity: PerCloud::default(),
    };
    let zone = Zone::of(Cloud::Gcp, &plan).expect("names");
    let mut selector = Selector::new(Cloud::Gcp, Settings::default());
    let far = |gcp, aws| PerCloud { gcp, aws, azure: 300.0 };
    selector.set_regions(&BTreeMap::from([
        ("eu".to_owned(), far(100.0, 20.0)),
        ("na".to_owned(), far(20.0, 100.0)),
    ]));
    selector.hear(Cloud::Aws, selector.report(), 0);
    let table = Table::of(&zone, &selector.evaluate(0), 7);
    (zone, table)
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut question = Message::new(4_711, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    // Not by `parse`, which makes names lower-case.
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    question
}

fn with_subnet(mut question: Message, network: &str, prefix: u8) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(4_096);
    let subnet = ClientSubnet::new(address(network), prefix, 0);
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    question.set_edns(edns);
    question
}

fn ask_from(question: &Message, from: &str, via: Via) -> Message {
    let (zone, table) = desk();
    let bytes = question.to_vec().expect("it is written");
    let answer = answer(&zone, &table, &bytes, address(from), via).expect("an answer");
    Message::from_vec(&answer).expect("it reads")
}

fn ask(name: &str, kind: RecordType) -> Message {
    ask_from(&question(name, kind), CLIENT, Via::Udp)
}

fn data(answer: &Message) -> Vec<String> {
    answer.answers.iter().map(|record| record.data.to_string()).collect()
}

fn scope(answer: &Message) -> Option<u8> {
    match answer.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
        _ => None,
    }
}

#[test]
fn the_service_is_answered_with_authority_and_the_question_comes_back_as_it_was() {
    let answer = ask("ApI.Ternion.example.", RecordType::A);
    assert_eq!(data(&answer), ["192.0.2.11"]);
    assert!(answer.metadata.authoritative && answer.metadata.recursion_desired);
    assert!(!answer.metadata.recursion_available);
    assert_eq!((answer.metadata.id, answer.metadata.response_code), (4_711, ResponseCode::NoError));
    assert_eq!(answer.queries[0].name().to_string(), "ApI.Ternion.example.");
    assert_eq!(answer.answers[0].ttl, 6);
    assert_eq!(data(&ask("api.ternion.example.", RecordType::AAAA)), ["2001:db8::11"]);
    assert!(answer.edns.is_none(), "nobody asked with EDNS");
}

#[test]
fn a_clients_subnet_decides_and_the_scope_says_how_far_that_holds() {
    let of = |network, prefix| {
        let question = question("api.ternion.example.", RecordType::A);
        ask_from(&with_subnet(question, network, prefix), CLIENT, Via::Udp)
    };
    let europe = of("10.2.3.0", 24);
    assert_eq!((data(&europe), scope(&europe)), (vec!["192.0.2.12".to_owned()], Some(16)));
    let beside = of("10.3.0.0", 24);
    assert_eq!((data(&beside), scope(&beside)), (vec!["192.0.2.11".to_owned()], Some(16)));
    // Prefix 0: do not use where my client is.
    let hidden = of("10.2.0.0", 0);
    assert_eq!((data(&hidden), scope(&hidden)), (vec!["192.0.2.11".to_owned()], Some(0)));
    // Without the option the resolver's own address counts.
    let resolver = question("api.ternion.example.", RecordType::A);
    assert_eq!(data(&ask_from(&resolver, "10.2.9.9", Via::Udp)), ["192.0.2.12"]);
    // What is the same for everybody has no scope.
    let servers = question("ternion.example.", RecordType::NS);
    let servers = ask_from(&with_subnet(servers, "10.2.3.0", 24), CLIENT, Via::Udp);
    assert_eq!(scope(&servers), Some(0));
}

#[test]
fn a_region_that_one_cloud_cannot_take_alone_is_dealt_by_network() {
    let (zone, mut table) = desk();
    let mut selection = table.selection.clone();
    let choice = selection.regions.get_mut("eu").expect("it is known");
    choice.spill = Some(PerCloud { gcp: 0.5, aws: 0.5, azure: 0.0 });
    table = Table::of(&zone, &selection, 8);
    let of = |network: &str| {
        let question = question("api.ternion.example.", RecordType::A);
        let bytes = with_subnet(question, network, 24).to_vec().expect("it is written");
        let answer = answer(&zone, &table, &bytes, address(CLIENT), Via::Udp).expect("an answer");
        let answer = Message::from_vec(&answer).expect("it reads");
        (data(&answer).concat(), scope(&answer))
    };
    let answers: Vec<_> = (0..100).map(|number| of(&format!("10.2.{number}.0"))).collect();
    assert!(answers.iter().all(|(_, scope)| *scope == Some(24)));
    let aws = answers.iter().filter(|(address, _)| address == "192.0.2.12").count();
    assert!((35..=65).contains(&aws), "{aws} of 100");
    assert_eq!(of("10.3.0.0"), ("192.0.2.11".to_owned(), Some(16)), "the others are not dealt");
}

/// Decided: all to aws. There is room for a half of it, and for all of it in regions of which nothing
/// is stated.
#[test]
fn shares_for_which_a_region_has_no_room_are_dealt_by_its_room_in_both_ways_of_answering() {
    let (zone, table) = desk();
    let mut selection = table.selection;
    selection.shares = Some(PerCloud { gcp: 0.0, aws: 1.0, azure: 0.0 });
    let choice = selection.regions.get_mut("eu").expect("it is known");
    choice.spill = Some(PerCloud { gcp: 0.5, aws: 0.5, azure: 0.0 });
    let table = Table::of(&zone, &selection, 8);
    let of = |network: &str, name: &str, kind: RecordType| {
        let bytes = with_subnet(question(name, kind), network, 24).to_vec();
        let bytes = bytes.expect("it is written");
        let whole = answer(&zone, &table, &bytes, address(CLIENT), Via::Udp).expect("an answer");
        let mut quick = Vec::new();
        if quick::answer(&zone, &table, &bytes, address(CLIENT), Via::Udp, &mut quick).is_some() {
            assert_eq!(quick, whole);
        }
        data(&Message::from_vec(&whole).expect("it reads")).concat()
    };
    let service = |network: &str| of(network, "api.ternion.example.", RecordType::A);
    let of_eu: Vec<_> = (0..100).map(|number| service(&format!("10.2.{number}.0"))).collect();
    let aws = of_eu.iter().filter(|address| *address == "192.0.2.12").count();
    assert!((35..=65).contains(&aws), "{aws} of 100");
    let mut of_na = (0..100).map(|number| service(&format!("10.3.{number}.0")));
    assert!(of_na.all(|address| address == "192.0.2.12"), "there the shares hold");
    let why = of("10.2.3.0", "explain.api.ternion.example.", RecordType::TXT);
    let told = "why=Shares(gcp:0.00,aws:1.00,azure:0.00)+Spill(gcp:0.50,aws:0.50,azure:0.00)";
    assert!(why.contains(told), "{why}");
}

#[test]
fn what_is_not_there_is_denied_with_the_soa_and_what_is_not_ours_is_refused() {
    let nothing = ask("www.ternion.example.", RecordType::A);
    assert_eq!(nothing.metadata.response_code, ResponseCode::NXDomain);
    let no_data = ask("api.ternion.example.", RecordType::MX);
    assert_eq!(no_data.metadata.response_code, ResponseCode::NoError);
    for denied in [&nothing, &no_data] {
        assert!(denied.answers.is_empty() && denied.metadata.authoritative);
        let [soa] = denied.authorities.as_slice() else { panic!("one SOA: {denied:?}") };
        assert_eq!((soa.record_type(), soa.ttl), (RecordType::SOA, NEGATIVE_TTL_S));
        assert_eq!(soa.name.to_string(), "ternion.example.");
    }
    let other = ask("api.example.com.", RecordType::A);
    assert_eq!(other.metadata.response_code, ResponseCode::Refused);
    assert!(other.authorities.is_empty() && !other.metadata.authoritative);
    let transfer = ask("ternion.example.", RecordType::AXFR);
    assert_eq!(transfer.metadata.response_code, ResponseCode::Refused);
}

#[test]
fn the_zone_names_a_server_of_every_cloud_and_its_serial_is_the_last_switch() {
    let servers = ask("ternion.example.", RecordType::NS);
    let named = ["ns-gcp.ternion.example.", "ns-aws.ternion.example.", "ns-azure.ternion.example."];
    assert_eq!(data(&servers), named);
    assert_eq!(data(&ask("ns-aws.ternion.example.", RecordType::A)), ["192.0.2.12"]);
    let soa = ask("ternion.example.", RecordType::SOA);
    let RData::SOA(soa) = &soa.answers[0].data else { panic!("an SOA: {soa:?}") };
    assert_eq!(soa.serial, 7);
}

#[test]
fn https_gives_hints_and_the_reasons_stand_in_a_text() {
    let https = data(&ask("api.ternion.example.", RecordType::HTTPS));
    assert_eq!(https.len(), 1, "{https:?}");
    assert!(https[0].contains("192.0.2.11") && https[0].contains("2001:db8::11"), "{https:?}");
    let reasons = data(&ask("explain.api.ternion.example.", RecordType::TXT)).concat();
    for part in ["cloud=gcp", "mode=normal", "azure:silent", "version=7"] {
        assert!(reasons.contains(part), "{part} in {reasons}");
    }
    let europe = question("explain.api.ternion.example.", RecordType::TXT);
    let europe = ask_from(&with_subnet(europe, "10.2.3.0", 24), CLIENT, Via::Udp);
    let europe = data(&europe).concat();
    assert!(europe.contains("region=eu cloud=aws") && europe.contains("aws=20.0ms"), "{europe}");
}

#[test]
fn an_answer_that_is_too_long_for_udp_says_so_and_comes_whole_by_tcp() {
    let long = question("explain.api.ternion.example.", RecordType::ANY);
    let whole = ask_from(&long, CLIENT, Via::Tcp);
    assert!(!whole.metadata.truncation && !whole.answers.is_empty());
    let mut bytes = whole.to_vec().expect("it is written");
    cut_to_head(&mut bytes);
    let head = Message::from_vec(&bytes).expect("it reads");
    assert!(head.metadata.truncation && head.answers.is_empty() && head.queries.is_empty());
}

#[test]
fn a_version_of_edns_that_we_do_not_know_is_named_as_such() {
    let mut future = question("api.ternion.example.", RecordType::A);
    let mut edns = Edns::new();
    edns.set_version(1);
    *edns.flags_mut() = EdnsFlags::default();
    future.set_edns(edns);
    let answer = ask_from(&future, CLIENT, Via::Udp);
    // 16 has two names: BADVERS, and BADSIG where there is a signature.
    assert_eq!(u16::from(answer.metadata.response_code), 16);
    assert_eq!(answer.edns.expect("it asked with EDNS").version(), 0);
}

#[test]
fn what_nearly_all_clients_ask_is_answered_quickly_and_with_the_same_bytes() {
    let (zone, table) = desk();
    let plain = |kind| question("aPi.Ternion.example.", kind);
    let mut dnssec = with_subnet(plain(RecordType::A), "10.2.3.0", 24);
    let edns = dnssec.edns.as_mut().expect("it has EDNS");
    edns.set_dnssec_ok(true);
    edns.options_mut().insert(EdnsOption::Unknown(10, vec![7; 8]));
    let mut questions = vec![plain(RecordType::A), plain(RecordType::AAAA), dnssec];
    for (network, prefix) in [("10.2.0.0", 0), ("10.2.3.0", 21), ("10.2.3.4", 32)] {
        questions.push(with_subnet(plain(RecordType::A), network, prefix));
    }
    for (network, prefix) in [("2001:db8:2::", 48), ("2001:db8:2:1::", 57)] {
        questions.push(with_subnet(plain(RecordType::A), network, prefix));
    }
    for question in questions {
        let bytes = question.to_vec().expect("it is written");
        for via in [Via::Udp, Via::Tcp] {
            let mut quick = Vec::new();
            let done = quick::answer(&zone, &table, &bytes, address(CLIENT), via, &mut quick);
            assert!(done.is_some(), "{question}");
            let whole = answer(&zone, &table, &bytes, address(CLIENT), via);
            assert_eq!(Some(quick), whole, "{question}");
        }
    }
}

#[test]
fn whatever_bytes_come_an_answer_has_their_number_or_there_is_none() {
    let (zone, table) = desk();
    let honest = with_subnet(question("api.ternion.example.", RecordType::A), "10.2.3.0", 24);
    let honest = honest.to_vec().expect("it is written");
    let from = address(CLIENT);
    let mut seed: u64 = 1;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits")
    };
    for _ in 0..50_000 {
        let mut bytes = honest.clone();
        for _ in 0..1 + next() % 6 {
            let at = next() % bytes.len();
            bytes[at] = u8::try_from(next() % 256).expect("a byte");
        }
        bytes.truncate(next() % (honest.len() + 1));
        let whole = answer(&zone, &table, &bytes, from, Via::Udp);
        let mut quick = Vec::new();
        if quick::answer(&zone, &table, &bytes, from, Via::Udp, &mut quick).is_some() {
            assert_eq!(Some(&quick), whole.as_ref(), "{bytes:?}");
        }
        match whole {
            Some(answer) => {
                assert_eq!(answer[..2], bytes[..2]);
                assert!(answer[2] & 0x80 != 0 && answer.len() <= usize::from(UDP_BYTES_MAX));
            }
            None => assert!(bytes.len() < HEAD_BYTES || bytes[2] & 0x80 != 0),
        }
    }
}
