//! A price from today back to its evidence, in one file: what holds, and what is found if something is
//! left out of it or changed.

use domain::policy::Policy;
use domain::pricing::trail::Trail;
use domain::receipt::{StepState, Verdict, Verification};
use domain::verifier::Held;
use serde_json::{Value, json};

use super::house::House;
use super::optimizer::{approve, business, propose, until_version};

const TRAIL: &str = "/v1/tenants/acme/controls/trail";
const READER: &str = "demo-auditor";

/// What a verifier holds, and the file.
struct Auditor {
    policy: Policy,
    file: Value,
}

impl Auditor {
    async fn of(house: &House) -> Self {
        let policy = house.get("/v1/policy-file", "").await.text();
        let policy = Policy::parse(&policy).expect("a policy file");
        Auditor { policy, file: house.get(TRAIL, READER).await.expect(200) }
    }

    fn kinds(&self) -> Vec<&str> {
        let receipts = self.file["receipts"].as_array().expect("receipts").iter();
        receipts.filter_map(|receipt| receipt["event"]["payload"]["kind"].as_str()).collect()
    }

    fn check(&self) -> Verification {
        let trail = Trail::parse(self.file.to_string().as_bytes()).expect("a trail");
        trail.verify(Some(&self.policy))
    }

    /// The same without the receipts of a kind.
    fn without(&self, kind: &str) -> Verification {
        let mut file = self.file.clone();
        let receipts = file["receipts"].as_array_mut().expect("receipts");
        let before = receipts.len();
        receipts.retain(|receipt| receipt["event"]["payload"]["kind"] != kind);
        assert!(receipts.len() < before, "{kind} is there to be left out");
        Auditor { policy: self.policy.clone(), file }.check()
    }
}

fn results(found: &Verification) -> String {
    let steps = found.steps.iter().map(|step| format!("{}: {}", step.title, step.result));
    steps.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_follows_a_price_back_to_its_approvals_with_nothing_but_a_file() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-admin", "1.2").await;
    approve(&house, "demo-admin2", &proposal).await.expect(201);
    approve(&house, "demo-admin3", &proposal).await.expect(201);
    until_version(&house, 1).await;

    let auditor = Auditor::of(&house).await;
    let kinds = ["tenant.put", "price.put", "proposal.open", "proposal.approve", "proposal.apply"];
    assert!(kinds.iter().all(|kind| auditor.kinds().contains(kind)), "{:?}", auditor.kinds());
    let found = auditor.check();
    let told = results(&found);
    assert_eq!(found.verdict, Verdict::Valid, "{told}");
    assert!(told.contains("Version 1 of acme: 1 of list became 1.2 of list"), "{told}");
    assert!(told.contains("it needed 2 other people, and had admin2@ternion.example"), "{told}");
    assert!(told.contains("azure/m at 1.2 of the list price of pro: $12 input"), "{told}");
    assert_eq!(found.steps.last().map(|step| step.state), Some(StepState::NotChecked));

    let unknown = Trail::parse(auditor.file.to_string().as_bytes()).expect("a trail").verify(None);
    assert_eq!(unknown.verdict, Verdict::SelfConsistent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_without_an_approval_or_with_another_price_is_found_out() {
    let house = business("0.7").await;
    let proposal = propose(&house, "demo-admin", "1.08").await;
    approve(&house, "demo-admin2", &proposal).await.expect(201);
    until_version(&house, 1).await;

    let mut auditor = Auditor::of(&house).await;
    let found = auditor.without("proposal.approve");
    assert_eq!(found.verdict, Verdict::Invalid);
    assert!(found.sentence.contains("has its approvals"), "{}", found.sentence);
    assert_eq!(auditor.without("tenant.put").verdict, Verdict::Invalid);
    assert_eq!(auditor.without("proposal.open").verdict, Verdict::Invalid);
    // What was left out at the end is not to be seen, and the last step says so.
    let before = auditor.without("proposal.apply");
    assert!(results(&before).contains("azure/m at 1 of the list"), "{}", results(&before));
    assert!(before.sentence.contains("version 0 of the price of acme"), "{}", before.sentence);

    let receipts = auditor.file["receipts"].as_array_mut().expect("receipts");
    let open = receipts.iter_mut().find(|it| it["event"]["payload"]["kind"] == "proposal.open");
    let edition = &mut open.expect("a proposal")["event"]["payload"]["edition"];
    edition["content"]["controls"]["priceOfList"] = json!("1.01");
    let found = auditor.check();
    assert_eq!(found.verdict, Verdict::Invalid);
    assert!(found.sentence.contains("proposal.open"), "{}", found.sentence);
    assert_eq!(found.sentence.matches("What was proposed in").count(), 1, "{}", found.sentence);
    let price = found.steps.iter().find(|step| step.title.starts_with("azure/m at"));
    assert_eq!(price.map(|step| step.state), Some(StepState::NotChecked), "{price:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_or_a_receipt_in_it_of_another_version_is_not_read() {
    let house = business("0.7").await;
    let mut auditor = Auditor::of(&house).await;
    auditor.file["receipts"][0]["format"] = json!("ternion/receipt/v9");
    let refused = Trail::parse(auditor.file.to_string().as_bytes()).expect_err("another version");
    assert!(refused.to_string().contains("this program reads \"ternion/receipt/v1\""), "{refused}");
    auditor.file["format"] = json!("ternion/price-trail/v9");
    let bytes = auditor.file.to_string();
    let refused = Held::default().check(bytes.as_bytes(), None).expect_err("another version");
    assert!(refused.to_string().contains("ternion/price-trail/v1"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_is_for_those_who_may_read_payloads_and_prices_and_of_tenants_that_are_known() {
    let house = business("0.7").await;
    house.get(TRAIL, "demo-ingest").await.problem(403, "forbidden");
    house.get("/v1/tenants/nobody/controls/trail", READER).await.problem(404, "not_found");
    // Nothing was decided: the list price itself is what there is to follow.
    let auditor = Auditor::of(&house).await;
    let found = auditor.check();
    assert_eq!(found.verdict, Verdict::Valid, "{}", results(&found));
    assert!(results(&found).contains("azure/m at 1 of the list price of pro: $10 input"));
}
