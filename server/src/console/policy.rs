//! The policy of prices for the screen: what is in force, how it came to that, and what another one
//! would change.

use std::collections::BTreeMap;

use app::backend::{
    ContractRow, PolicyAsked, PolicyField, PolicyPart, PolicyProblem, PolicyVersion, PolicyView,
    RehearsalForm, RuleHead, Viewer,
};
use domain::clock::Timestamp;
use domain::pricing::book::Book;
use domain::pricing::controls::Subject;
use domain::pricing::policy::{Change, Field, Part, Policy, Rule, Unfit, Unit, told as changes};

use super::Console;
use super::approvals::other_title;
use super::rehearsal;
use super::tenants::tier_names;
use crate::identity::query_value;
use crate::optimizer::{Unstaffed, unstaffed};

impl Console {
    /// `query`: of the page's address. With `ask` it asks about another policy.
    pub(super) fn policy(&self, query: &str, viewer: &Viewer) -> PolicyView {
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let now = crate::now();
        let (version, policy) = book.policy();
        let all: BTreeMap<String, String> =
            form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect();
        let asks = all.contains_key("ask");
        // What was typed into a form of before is laid over what is in force now.
        let begun = all.get("version").and_then(|text| text.parse().ok()).unwrap_or(version);
        let before = book.policy_of(begun).unwrap_or(policy);
        let typed = if asks { policy.carried_from(before, &all) } else { BTreeMap::new() };
        let found = asks.then(|| policy.fitting(&typed));
        let found = found.map(|found| {
            let wanted = found?;
            match unstaffed(&catalog, policy, &wanted, &viewer.email) {
                Some(short) => Err(vec![too_few(&short)]),
                None => Ok(wanted),
            }
        });
        let unfit = found.as_ref().and_then(|found| found.as_ref().err());
        let unfit = unfit.map_or(&[][..], Vec::as_slice);
        let parts = parts(policy, &typed, unfit);
        PolicyView {
            at: now,
            version,
            persons: policy.policy_persons,
            parts,
            contracts: contracts(policy, now),
            tiers: tier_names(&catalog),
            asked: found.as_ref().map(|found| asked((policy, before), &typed, found.as_ref())),
            waiting: waiting(book, now),
            history: history(book),
        }
    }
}

fn contracts(policy: &Policy, now: Timestamp) -> Vec<ContractRow> {
    let last = policy.locked_until.iter().filter(|(_, until)| now < **until);
    last.map(|(tenant, until)| ContractRow { tenant: tenant.to_string(), until: *until }).collect()
}

fn waiting(book: &Book, now: Timestamp) -> Vec<[String; 2]> {
    let about = book.cases().filter(|case| case.subject() == Subject::Policy);
    let open = about.filter(|case| case.standing(now).is_open());
    open.map(|case| [case.id.to_string(), other_title(book, case)]).collect()
}

fn history(book: &Book) -> Vec<PolicyVersion> {
    let versions = (1_u64..).zip(book.policies().iter());
    let mut rows: Vec<PolicyVersion> = versions
        .map(|(version, applied)| PolicyVersion {
            version,
            at: applied.at,
            proposal_id: applied.proposal_id.to_string(),
            changes: book
                .policy_of(version - 1)
                .map(|before| lines(changes(before, &applied.value)))
                .unwrap_or_default(),
        })
        .collect();
    rows.reverse();
    rows
}

/// What, from, to.
pub(super) fn lines(changes: Vec<Change>) -> Vec<[String; 3]> {
    changes.into_iter().map(|Change { what, was, is }| [what, was, is]).collect()
}

/// `before`: what the form showed.
fn asked(
    (policy, before): (&Policy, &Policy),
    typed: &BTreeMap<String, String>,
    found: Result<&Policy, &Vec<Unfit>>,
) -> PolicyAsked {
    let wanted = found.unwrap_or(policy);
    PolicyAsked {
        meanwhile: lines(changes(before, policy)),
        changes: lines(changes(policy, wanted)),
        problems: found.err().map(|unfit| told(policy, unfit)).unwrap_or_default(),
        typed: typed.iter().map(|(path, text)| [path.clone(), text.clone()]).collect(),
        rehearse: rehearsal_address(&rehearsal::form(wanted)),
    }
}

fn too_few(short: &Unstaffed) -> Unfit {
    let path = if short.field == "quorum" { "quorum.0.persons" } else { short.field };
    Unfit { path: path.to_owned(), problem: short.to_string(), other: None }
}

/// Which fields, as they stand on the page, and why.
fn told(policy: &Policy, unfit: &[Unfit]) -> Vec<PolicyProblem> {
    let fields = policy.fields();
    let place = |path: &str| fields.iter().position(|field| field.path == path);
    let label = |path: &str| match place(path).and_then(|place| fields.get(place)) {
        Some(Field { rule: Some(rule), label, .. }) if policy.rules.len() > 1 => {
            format!("{label}, of rule “{rule}”")
        }
        Some(field) => field.label.clone(),
        None => new_label(path).to_owned(),
    };
    let mut all: Vec<&Unfit> = unfit.iter().collect();
    all.sort_by_key(|unfit| place(&unfit.path).unwrap_or(usize::MAX));
    all.into_iter()
        .map(|unfit| PolicyProblem {
            path: unfit.path.clone(),
            label: label(&unfit.path),
            problem: unfit.problem.clone(),
            other: unfit.other.as_ref().map(|other| [other.clone(), label(other)]),
        })
        .collect()
}

/// Of what no policy has yet, and of boxes that leave something out.
fn new_label(path: &str) -> &'static str {
    match path {
        "quorum.new.upTo" => "Another step: changes up to",
        "quorum.new.persons" => "Another step: persons",
        "rule.name" => "Name of another rule",
        "rule.tier" => "Tier of another rule",
        "rule.cloud" => "Cloud of another rule",
        path if path.ends_with(".remove") => "Leave out",
        _ => "The policy",
    }
}

/// What the page Optimizer plays, when it is opened by it.
pub(super) fn rehearsal_address(form: &RehearsalForm) -> String {
    let RehearsalForm {
        days,
        seed,
        auto_max,
        step_max,
        cumulative_max,
        cooldown_days,
        margin_min,
        proposal,
    } = form;
    let fields = [
        ("days", days),
        ("seed", seed),
        ("autoMax", auto_max),
        ("stepMax", step_max),
        ("cumulativeMax", cumulative_max),
        ("cooldownDays", cooldown_days),
        ("marginMin", margin_min),
    ];
    let proposal = Some(("proposal", proposal)).filter(|(_, id)| !id.is_empty());
    let fields = fields.into_iter().chain(proposal);
    let fields: String =
        fields.map(|(name, text)| format!("&{name}={}", query_value(text))).collect();
    format!("/optimizer?rehearse=yes{fields}#rehearsal")
}

fn parts(policy: &Policy, typed: &BTreeMap<String, String>, unfit: &[Unfit]) -> Vec<PolicyPart> {
    let mut first = true;
    let mut parts: Vec<PolicyPart> = Vec::new();
    for field in policy.fields() {
        let place = field
            .rule
            .as_ref()
            .and_then(|name| policy.rules.iter().position(|rule| rule.name == *name));
        let title = match &field.rule {
            Some(name) => format!("Rule “{name}”"),
            None => field.part.title().to_owned(),
        };
        let is_new = parts.last().is_none_or(|part| part.title != title);
        if is_new {
            let rule = place.and_then(|place| {
                let rule = policy.rules.get(place)?;
                Some(head(place, rule, typed))
            });
            let hint = hint(field.part).to_owned();
            parts.push(PolicyPart { title, hint, rule, fields: Vec::new() });
        }
        if let Some(part) = parts.last_mut() {
            let mut field = shown(&field, typed, unfit);
            field.is_first_wrong = field.problem.is_some() && std::mem::take(&mut first);
            part.fields.push(field);
        }
    }
    parts
}

fn head(place: usize, rule: &Rule, typed: &BTreeMap<String, String>) -> RuleHead {
    let named = [
        rule.tier.as_ref().map(|tier| format!("tier {tier}")),
        rule.cloud.map(|cloud| format!("served first by {cloud}")),
    ];
    let named: Vec<String> = named.into_iter().flatten().collect();
    RuleHead {
        place,
        may_go: !named.is_empty(),
        whom: if named.is_empty() {
            "everybody whom no narrower rule is about".to_owned()
        } else {
            format!("tenants of {}", named.join(", "))
        },
        goes: typed.get(&format!("rules.{place}.remove")).is_some_and(|word| word == "yes"),
    }
}

/// What people should know before they change it.
const fn hint(part: Part) -> &'static str {
    match part {
        Part::Prices => "Of the rules that match a tenant the one that names most holds.",
        Part::People => "By the size of a price change. Whoever proposes is not counted.",
        Part::Facts => {
            "Where margin or cost moved further, nothing is executed, and people see what changed."
        }
        Part::Watch => "When the margin stays below the one that was promised.",
        Part::Foresight => "What would happen under stress, asked over fresh usage and prices.",
        Part::Assumptions => "Nobody has measured these; what rests on them says so.",
    }
}

fn shown(field: &Field, typed: &BTreeMap<String, String>, unfit: &[Unfit]) -> PolicyField {
    let own = typed.get(&field.path).map(|text| text.trim()).filter(|text| !text.is_empty());
    let unit = match field.unit {
        Unit::Percent => ", %".to_owned(),
        Unit::Whole(what) => format!(", {what}"),
        Unit::Usd => ", $".to_owned(),
        Unit::Number | Unit::YesNo | Unit::OneOf(_) => String::new(),
    };
    let choice = |name: &str, words: &str| [name.to_owned(), words.to_owned()];
    let choices = match field.unit {
        Unit::YesNo => vec![choice("yes", "yes"), choice("no", "no")],
        Unit::OneOf(all) => all.iter().map(|(name, words)| choice(name, words)).collect(),
        _ => Vec::new(),
    };
    let problem = unfit.iter().find(|unfit| unfit.path == field.path);
    PolicyField {
        path: field.path.clone(),
        label: format!("{}{unit}", field.label),
        text: own.unwrap_or(&field.text).to_owned(),
        in_force: own.filter(|text| *text != field.text).map(|_| field.words()),
        choices,
        problem: problem.map(|unfit| unfit.problem.clone()),
        is_first_wrong: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        fields.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_was_typed_stands_in_its_field_with_what_is_wrong_of_it() {
        let policy = Policy::default();
        let typed = typed(&[("rules.0.limits.stepMax", "much"), ("expiryDays", "9")]);
        let found = policy.fitting(&typed);
        let unfit = found.as_ref().expect_err("much is no number");
        let fields: Vec<PolicyField> =
            parts(&policy, &typed, unfit).into_iter().flat_map(|part| part.fields).collect();
        let of = |path: &str| fields.iter().find(|field| field.path == path).expect("a field");
        assert_eq!(of("rules.0.limits.stepMax").text, "much");
        assert!(of("rules.0.limits.stepMax").problem.is_some());
        assert_eq!(of("rules.0.limits.stepMax").in_force.as_deref(), Some("8 %"));
        assert_eq!(of("policyPersons").in_force, None);
        assert_eq!((of("expiryDays").text.as_str(), &of("expiryDays").problem), ("9", &None));
        let asked = asked((&policy, &policy), &typed, found.as_ref());
        assert!(asked.problems.len() == 1 && asked.changes.is_empty());
        assert!(of("rules.0.limits.stepMax").is_first_wrong);
        assert_eq!(asked.typed.len(), 2);
    }

    #[test]
    fn a_change_is_shown_with_what_others_changed_meanwhile_and_can_be_rehearsed() {
        let before = Policy::default();
        let policy = Policy { expiry_days: 9, ..before.clone() };
        let typed = typed(&[("policyPersons", "3")]);
        let asked = asked((&policy, &before), &typed, policy.fitting(&typed).as_ref());
        assert_eq!((asked.changes.len(), asked.meanwhile.len()), (1, 1));
        assert_eq!(asked.meanwhile[0][1..], ["7 days".to_owned(), "9 days".to_owned()]);
        assert!(asked.rehearse.contains("&stepMax=8&"), "{}", asked.rehearse);
    }

    #[test]
    fn a_part_for_each_rule_and_subject() {
        let policy = Policy::default();
        let parts = parts(&policy, &BTreeMap::new(), &[]);
        let titles: Vec<&str> = parts.iter().map(|part| part.title.as_str()).collect();
        let expected = [
            "Rule “everybody”",
            "Who must agree",
            "What decides",
            "After a change",
            "Foresight",
            "Assumptions",
        ];
        assert_eq!(titles, expected);
        assert!(parts[0].rule.as_ref().is_some_and(|rule| !rule.may_go));
    }
}
