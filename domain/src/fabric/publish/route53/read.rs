//! What Route 53 answers: record sets, the state of a change, refusals.

use roxmltree::{Document, Node};

use super::{Fence, RecordSet, Routing};
use crate::fabric::publish::Kind;

/// The answer is not what the API's documentation says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be read: {0}")]
pub struct Unreadable(pub String);

/// One page of `ListResourceRecordSets`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Address records with an identifier. Others are none of ours.
    pub records: Vec<RecordSet>,
    /// Fences, with the name that each stands beside.
    pub fences: Vec<(String, Fence)>,
    /// Where the next page begins: name, type, identifier.
    pub next: Option<(String, String, Option<String>)>,
}

/// A refusal, by its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: String,
    pub message: String,
}

impl Fault {
    /// It asks for patience: the same request may be taken later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        const PASSING: [&str; 5] = [
            "Throttling",
            "ThrottlingException",
            "PriorRequestNotComplete",
            "ServiceUnavailable",
            "InternalError",
        ];
        PASSING.contains(&self.code.as_str())
    }
}

fn parse(xml: &str) -> Result<Document<'_>, Unreadable> {
    Document::parse(xml).map_err(|error| Unreadable(error.to_string()))
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    child(node, name)?.text()
}

/// # Errors
/// It is no XML of this answer.
pub fn page(xml: &str) -> Result<Page, Unreadable> {
    let document = parse(xml)?;
    let root = document.root_element();
    let list = child(root, "ResourceRecordSets")
        .ok_or_else(|| Unreadable("it lists no record sets".to_owned()))?;
    let sets = || list.children().filter(Node::is_element);
    let (records, fences) =
        (sets().filter_map(record).collect(), sets().filter_map(fence).collect());
    let more = text(root, "IsTruncated") == Some("true");
    let next = more.then(|| {
        let own = |name: &str| text(root, name).map(str::to_owned);
        Some((own("NextRecordName")?, own("NextRecordType")?, own("NextRecordIdentifier")))
    });
    Ok(Page { records, fences, next: next.flatten() })
}

/// `None`: of another type, an alias, or without an identifier.
fn record(node: Node<'_, '_>) -> Option<RecordSet> {
    let mut values = Vec::new();
    for value in child(node, "ResourceRecords")?.children().filter(Node::is_element) {
        values.push(text(value, "Value")?.parse().ok()?);
    }
    values.sort_unstable();
    Some(RecordSet {
        name: text(node, "Name")?.trim_end_matches('.').replace("\\052", "*").to_lowercase(),
        kind: Kind::read(text(node, "Type")?)?,
        identifier: text(node, "SetIdentifier")?.to_owned(),
        ttl_s: text(node, "TTL")?.parse().ok()?,
        values,
        routing: routing(node)?,
        health_check: text(node, "HealthCheckId").map(str::to_owned),
    })
}

fn fence(node: Node<'_, '_>) -> Option<(String, Fence)> {
    let name = text(node, "Name")?.trim_end_matches('.').to_lowercase();
    let service = name.strip_prefix(&Fence::name(""))?.to_owned();
    let value = child(node, "ResourceRecords")?.children().find(Node::is_element)?;
    let value = text(value, "Value")?.trim_matches('"');
    Some((service, Fence::read(value)?))
}

fn routing(node: Node<'_, '_>) -> Option<Routing> {
    if let Some(weight) = text(node, "Weight") {
        return Some(Routing::Weighted { weight: weight.parse().ok()? });
    }
    if let Some(region) = text(node, "Region") {
        return Some(Routing::Latency { region: region.to_owned() });
    }
    if let Some(place) = child(node, "GeoProximityLocation") {
        let bias = text(place, "Bias").unwrap_or("0").parse().ok()?;
        return Some(Routing::Proximity { region: text(place, "AWSRegion")?.to_owned(), bias });
    }
    let primary = text(node, "Failover")? == "PRIMARY";
    Some(Routing::Failover { primary })
}

/// `PENDING` or `INSYNC`, and the change's id.
///
/// # Errors
/// It is no XML of this answer.
pub fn change_status(xml: &str) -> Result<(String, String), Unreadable> {
    let document = parse(xml)?;
    let info = child(document.root_element(), "ChangeInfo");
    let found = info.and_then(|info| Some((text(info, "Status")?, text(info, "Id")?)));
    let (status, id) = found.ok_or_else(|| Unreadable("it tells of no change".to_owned()))?;
    Ok((status.to_owned(), id.to_owned()))
}

/// The refusal in a body; a body that says none is one without a code.
#[must_use]
pub fn fault(xml: &str) -> Fault {
    let none = || Fault { code: String::new(), message: xml.chars().take(200).collect() };
    let Ok(document) = parse(xml) else { return none() };
    let root = document.root_element();
    // `InvalidChangeBatch` comes without `Error` around it.
    if root.tag_name().name() == "InvalidChangeBatch" {
        let messages = root.descendants().filter(|node| node.tag_name().name() == "Message");
        let messages: Vec<&str> = messages.filter_map(|node| node.text()).collect();
        return Fault { code: "InvalidChangeBatch".to_owned(), message: messages.join(" ") };
    }
    let error = root.descendants().find(|node| node.tag_name().name() == "Error");
    let Some(error) = error else { return none() };
    let own = |name: &str| text(error, name).unwrap_or_default().to_owned();
    Fault { code: own("Code"), message: own("Message") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse \
        xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ResourceRecordSets>\
        <ResourceRecordSet><Name>example.com.</Name><Type>SOA</Type><TTL>900</TTL><ResourceRecords>\
        <ResourceRecord><Value>ns. host. 1 7200 900 1209600 86400</Value></ResourceRecord></ResourceRecords>\
        </ResourceRecordSet><ResourceRecordSet><Name>api.example.com.</Name><Type>A</Type>\
        <SetIdentifier>aws</SetIdentifier><Weight>30</Weight><TTL>30</TTL><ResourceRecords>\
        <ResourceRecord><Value>203.0.113.9</Value></ResourceRecord>\
        <ResourceRecord><Value>203.0.113.2</Value></ResourceRecord></ResourceRecords>\
        <HealthCheckId>11111111-1111-1111-1111-111111111111</HealthCheckId></ResourceRecordSet>\
        <ResourceRecordSet><Name>_ternion.api.example.com.</Name><Type>TXT</Type><TTL>300</TTL>\
        <ResourceRecords><ResourceRecord><Value>\"ternion writer=aws token=7\"</Value></ResourceRecord>\
        </ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>true</IsTruncated><NextRecordName>b.example.com.</NextRecordName>\
        <NextRecordType>A</NextRecordType><MaxItems>2</MaxItems></ListResourceRecordSetsResponse>";

    #[test]
    fn a_list_is_read_and_what_is_not_ours_is_passed_over() {
        let page = page(LIST).expect("it reads");
        assert_eq!(page.records.len(), 1);
        let record = page.records[0].to_string();
        let says = "api.example.com A 30 [aws] weight 30 while 11111111-1111-1111-1111-111111111111 \
                    passes: 203.0.113.2 203.0.113.9";
        assert_eq!(record, says);
        let fence = Fence { writer: crate::cloud::Cloud::Aws, token: 7 };
        assert_eq!(page.fences, [("api.example.com".to_owned(), fence)]);
        assert_eq!(page.next, Some(("b.example.com.".to_owned(), "A".to_owned(), None)));
        assert!(super::page("<a/>").is_err() && super::page("no xml").is_err());
    }

    #[test]
    fn refusals_say_whether_patience_helps() {
        let throttled = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
                         <Message>Rate exceeded</Message></Error></ErrorResponse>";
        let fault_ = fault(throttled);
        assert!(fault_.is_passing() && fault_.message == "Rate exceeded");
        let batch = "<InvalidChangeBatch xmlns=\"x\"><Messages><Message>not found</Message></Messages>\
                     </InvalidChangeBatch>";
        assert_eq!(fault(batch).code, "InvalidChangeBatch");
        assert!(!fault(batch).is_passing());
        assert_eq!(fault("<html>").code, "");
    }
}
