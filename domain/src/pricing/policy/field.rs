//! The policy field by field, in the words and units in which people read and set it.
//!
//! A field's path is where it stands in [`Policy::whole`], with points between the names, such as
//! `rules.0.limits.stepMax`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::{Policy, Rule};
use crate::pricing::approval::{Quorum, QuorumStep};

/// How a field is read and typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, read as percent.
    Percent,
    /// A whole number of what the word says.
    Whole(&'static str),
    /// US dollars.
    Usd,
    Number,
    YesNo,
    /// One of these: what stands in the policy, and its words.
    OneOf(&'static [(&'static str, &'static str)]),
}

/// What a field is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Prices,
    People,
    Facts,
    Watch,
    Foresight,
    Assumptions,
}

/// One number or choice of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub path: String,
    pub part: Part,
    /// Of the rule of that name.
    pub rule: Option<String>,
    pub label: String,
    pub unit: Unit,
    /// As it is typed, without its unit.
    pub text: String,
}

/// What is another in the other policy, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub what: String,
    pub was: String,
    pub is: String,
}

/// What was typed makes no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Empty: several together.
    pub path: String,
    /// Words that may follow a colon.
    pub problem: String,
    /// The field that it contradicts, by its path.
    pub other: Option<String>,
}

impl Unfit {
    fn of(path: &str, problem: impl Into<String>) -> Self {
        Unfit { path: path.to_owned(), problem: problem.into(), other: None }
    }
}

type Known = (&'static str, &'static str, Unit);

const DAYS: Unit = Unit::Whole("days");
const PERSONS: Unit = Unit::Whole("persons");

/// Of each rule.
const LIMITS: [Known; 14] = [
    ("autoMax", "Change that applies by itself, up to", Unit::Percent),
    ("stepMax", "Change at once, up to", Unit::Percent),
    ("cumulativeMax", "Change within a period, up to", Unit::Percent),
    ("cumulativeDays", "Length of that period", DAYS),
    ("cooldownDays", "Rest after a change", DAYS),
    ("floorOfList", "Lowest price, of the list", Unit::Percent),
    ("ceilingOfList", "Highest price, of the list", Unit::Percent),
    ("marginMin", "Margin floor", Unit::Percent),
    ("tickOfList", "Prices are multiples of, of the list", Unit::Percent),
    ("thresholds.lowEnter", "A margin is low below", Unit::Percent),
    ("thresholds.lowLeave", "low until it is back at", Unit::Percent),
    ("thresholds.highEnter", "A margin is high above", Unit::Percent),
    ("thresholds.highLeave", "high until it is back at", Unit::Percent),
    ("thresholds.dwell", "A band is entered after asking for it in", Unit::Whole("runs")),
];

const ANSWERS: Unit =
    Unit::OneOf(&[("propose", "propose to take it back"), ("rollBack", "take it back at once")]);

const OTHERS: [(Part, Known); 24] = [
    (Part::People, ("firstOveragePersons", "For a first price of overage", PERSONS)),
    (Part::People, ("contractPersons", "For requests at once and token caps", PERSONS)),
    (Part::People, ("policyPersons", "For the policy itself, contracts included", PERSONS)),
    (Part::People, ("expiryDays", "A proposal waits for", DAYS)),
    (Part::Facts, ("windowDays", "Usage that decides", DAYS)),
    (Part::Facts, ("driftMax", "Facts may move until execution by", Unit::Percent)),
    (Part::Watch, ("watch.days", "A change is watched for", DAYS)),
    (Part::Watch, ("watch.slack", "Shortfall of a day that is noise", Unit::Percent)),
    (Part::Watch, ("watch.limit", "Sum of shortfalls that is answered", Unit::Percent)),
    (Part::Watch, ("watch.answer", "The answer", ANSWERS)),
    (Part::Foresight, ("foresight.on", "Stresses are asked by themselves", Unit::YesNo)),
    (Part::Foresight, ("foresight.everyHours", "They are asked every", Unit::Whole("hours"))),
    (
        Part::Foresight,
        ("foresight.scenarios.providerCost", "A provider takes 30 % more", Unit::YesNo),
    ),
    (
        Part::Foresight,
        ("foresight.scenarios.euLatency", "Answers in the EU come 20 % later", Unit::YesNo),
    ),
    (Part::Foresight, ("foresight.scenarios.penalties", "SLA penalties trigger", Unit::YesNo)),
    (
        Part::Foresight,
        ("foresight.scenarios.kept", "Kept scenarios that are marked so", Unit::YesNo),
    ),
    (
        Part::Foresight,
        ("foresight.belowFloorMax", "Chance below the floor that is borne, of all", Unit::Percent),
    ),
    (
        Part::Foresight,
        (
            "foresight.tenantBelowFloorMax",
            "Chance below the floor that is borne, of one tenant",
            Unit::Percent,
        ),
    ),
    (
        Part::Foresight,
        (
            "foresight.trafficStepMax",
            "Traffic that is proposed to move at once, up to",
            Unit::Percent,
        ),
    ),
    (Part::Foresight, ("foresight.draws", "A stress is asked with", Unit::Whole("draws"))),
    (
        Part::Assumptions,
        ("assumptions.elasticity", "Change of usage for a change of price", Unit::Number),
    ),
    (Part::Assumptions, ("assumptions.months", "Worth is counted over", Unit::Whole("months"))),
    (Part::Assumptions, ("assumptions.discount", "Discount a month", Unit::Percent)),
    (
        Part::Assumptions,
        ("assumptions.riskAversion", "Weight of a dollar of deviation", Unit::Number),
    ),
];

const ACTIONS: [(&str, &str); 6] = [
    ("tierUpgrade", "Tier upgrade"),
    ("overage", "Overage"),
    ("concurrency", "Concurrency"),
    ("tokenCap", "Token cap"),
    ("renegotiation", "Renegotiation"),
    ("price", "Price"),
];

const ODDS: [Known; 3] = [
    ("acceptProbability", "accepted with", Unit::Percent),
    ("churnProbability", "leaves with", Unit::Percent),
    ("costUsd", "costs once", Unit::Usd),
];

/// The step that may be added: it has no number yet.
const NEW_STEP: &str = "new";

impl Policy {
    /// Every field that people set here, in the order in which they read. Contracts are set with
    /// their tenant, and the seed of foresight is a program's.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let whole = self.whole();
        let mut fields = Vec::new();
        let mut field = |part, rule: Option<&Rule>, path: String, label: String, unit| {
            let text = at(&whole, &path).map(|value| typed(value, unit)).unwrap_or_default();
            fields.push(Field {
                path,
                part,
                rule: rule.map(|rule| rule.name.clone()),
                label,
                unit,
                text,
            });
        };
        for (place, rule) in self.rules.iter().enumerate() {
            for (name, label, unit) in LIMITS {
                let path = format!("rules.{place}.limits.{name}");
                field(Part::Prices, Some(rule), path, label.to_owned(), unit);
            }
        }
        let steps = self.quorum.steps();
        for (place, step) in steps.iter().enumerate() {
            if step.up_to.is_some() {
                let label = format!("Step {}: changes up to", place + 1);
                field(Part::People, None, format!("quorum.{place}.upTo"), label, Unit::Percent);
            }
            let label = if step.up_to.is_some() { "need" } else { "All larger ones need" };
            field(Part::People, None, format!("quorum.{place}.persons"), label.to_owned(), PERSONS);
        }
        for (part, (path, label, unit)) in OTHERS {
            field(part, None, path.to_owned(), label.to_owned(), unit);
        }
        for (action, name) in ACTIONS {
            for (path, label, unit) in ODDS {
                let path = format!("assumptions.{action}.{path}");
                field(Part::Assumptions, None, path, format!("{name}: {label}"), unit);
            }
        }
        fields
    }

    /// What was typed over another version of it, to be laid over this one: what differs there,
    /// with rules found again by their names. What is gone, or whose place means another step of
    /// who must agree now, takes what was typed of it along.
    #[must_use]
    pub fn carried_from(
        &self,
        before: &Policy,
        typed: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let fields = before.fields();
        let in_force = |path: &str| fields.iter().find(|field| field.path == path);
        let differs = |path: &str, text: &str| {
            !text.is_empty() && in_force(path).is_none_or(|field| field.text != text)
        };
        let given = typed.iter().map(|(path, text)| (path.as_str(), text.trim()));
        let own = given.filter(|(path, text)| is_taken(&fields, path) && differs(path, text));
        own.filter_map(|(path, text)| Some((self.found_again(before, path)?, text.to_owned())))
            .collect()
    }

    /// The path here of what stood at a path of another version.
    fn found_again(&self, before: &Policy, path: &str) -> Option<String> {
        let is_step = path.starts_with("quorum.") && !path.starts_with("quorum.new.");
        if is_step && self.quorum != before.quorum {
            return None;
        }
        let Some((place, rest)) = path.strip_prefix("rules.").and_then(|rest| rest.split_once('.'))
        else {
            return Some(path.to_owned());
        };
        let rule = before.rules.get(place.parse::<usize>().ok()?)?;
        let place = self.rules.iter().position(|own| own.name == rule.name)?;
        Some(format!("rules.{place}.{rest}"))
    }

    /// Ranges that concern several fields are looked at by [`Policy::check`].
    pub(super) fn with(&self, typed: &BTreeMap<String, String>) -> Result<Policy, Unfit> {
        let mut whole = self.whole();
        for field in self.fields().iter().filter(|field| !field.path.starts_with("quorum.")) {
            let text = typed.get(&field.path).map_or("", |text| text.trim());
            if text.is_empty() || text == field.text {
                continue;
            }
            let place = at_mut(&mut whole, &field.path);
            let value = read(text, field.unit, place.as_deref());
            let value = value.map_err(|problem| Unfit::of(&field.path, problem))?;
            let mut alone = self.whole();
            if let (Some(place), Some(other)) = (place, at_mut(&mut alone, &field.path)) {
                *place = value.clone();
                *other = value;
            }
            // By itself, so that the field is known.
            serde_json::from_value::<Policy>(alone)
                .map_err(|error| Unfit::of(&field.path, error.to_string()))?;
        }
        let unfit = |problem: String| Unfit::of("", problem);
        let mut policy: Policy =
            serde_json::from_value(whole).map_err(|error| unfit(error.to_string()))?;
        policy.quorum = self.quorum_with(typed)?;
        policy.rules = policy.rules_with(typed)?;
        Ok(policy)
    }

    pub(super) fn quorum_with(&self, typed: &BTreeMap<String, String>) -> Result<Quorum, Unfit> {
        let old = self.quorum.steps();
        let places = old.iter().enumerate().map(|(place, step)| (place.to_string(), Some(step)));
        let mut steps = Vec::new();
        for (name, step) in places.chain([(NEW_STEP.to_owned(), None)]) {
            steps.extend(step_with(typed, &format!("quorum.{name}"), step)?);
        }
        steps.sort_by_key(|step| (step.up_to.is_none(), step.up_to));
        Quorum::new(steps).map_err(|error| Unfit::of("quorum.0.persons", error.to_string()))
    }

    fn rules_with(&self, typed: &BTreeMap<String, String>) -> Result<Vec<Rule>, Unfit> {
        let said = |path: &str| typed.get(path).map_or("", |text| text.trim());
        let stays = |(place, rule): (usize, &Rule)| {
            (said(&format!("rules.{place}.remove")) != "yes").then(|| rule.clone())
        };
        let mut rules: Vec<Rule> = self.rules.iter().enumerate().filter_map(stays).collect();
        let (name, tier, cloud) = (said("rule.name"), said("rule.tier"), said("rule.cloud"));
        if name.is_empty() && tier.is_empty() && cloud.is_empty() {
            return Ok(rules);
        }
        if name.is_empty() {
            return Err(Unfit::of("rule.name", "it is missing: a rule has a name"));
        }
        if self.named(name).is_some() {
            return Err(Unfit::of("rule.name", "it is another rule's"));
        }
        let cloud = match cloud {
            "" => None,
            text => {
                Some(text.parse().map_err(|_| Unfit::of("rule.cloud", "it is none of the three"))?)
            }
        };
        rules.push(Rule {
            name: name.to_owned(),
            tier: (!tier.is_empty()).then(|| tier.to_owned()),
            cloud,
            limits: self.everybody().map(|rule| rule.limits).unwrap_or_default(),
        });
        Ok(rules)
    }
}

/// Can something be typed there? `fields`: of the policy.
fn is_taken(fields: &[Field], path: &str) -> bool {
    let names: Vec<&str> = path.split('.').collect();
    let is_place = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    match names.as_slice() {
        ["rule", "name" | "tier" | "cloud"] => true,
        ["rules", place, "remove"] => is_place(place),
        ["quorum", place, "upTo" | "persons" | "remove"] => is_place(place) || *place == NEW_STEP,
        _ => fields.iter().any(|field| field.path == path),
    }
}

/// A step of who must agree with what was typed; none: it is left out, or none is added.
fn step_with(
    typed: &BTreeMap<String, String>,
    path: &str,
    step: Option<&QuorumStep>,
) -> Result<Option<QuorumStep>, Unfit> {
    let said = |field: &str| {
        let text = typed.get(&format!("{path}.{field}")).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    };
    let unfit = |field: &str, problem: String| Unfit::of(&format!("{path}.{field}"), problem);
    if said("remove") == Some("yes") {
        return Ok(None);
    }
    let up_to = match said("upTo") {
        Some(text) => Some(share(text).map_err(|problem| unfit("upTo", problem))?),
        None => step.and_then(|step| step.up_to),
    };
    let persons = match said("persons") {
        Some(text) => Some(whole_number(text).map_err(|problem| unfit("persons", problem))?),
        None => step.map(|step| step.persons),
    };
    match (step, up_to, persons) {
        (None, None, None) => Ok(None),
        (None, None, Some(_)) => Err(unfit("upTo", "it is missing beside its persons".to_owned())),
        (_, _, None) => Err(unfit("persons", "it is missing beside its bound".to_owned())),
        (_, up_to, Some(persons)) => Ok(Some(QuorumStep { up_to, persons })),
    }
}

/// What differs, in words: rules by their names, numbers with their units.
#[must_use]
pub fn changes(was: &Policy, is: &Policy) -> Vec<Change> {
    let (before, after) = (read_out(was), read_out(is));
    let mut names: Vec<&String> = before.iter().map(|(name, _)| name).collect();
    names.extend(
        after
            .iter()
            .map(|(name, _)| name)
            .filter(|name| before.iter().all(|(other, _)| other != *name)),
    );
    let of = |all: &[(String, String)], name: &String| {
        let found = all.iter().find(|(other, _)| other == name);
        found.map_or_else(|| "not there".to_owned(), |(_, text)| text.clone())
    };
    let change = |name: &String| {
        let (was, is) = (of(&before, name), of(&after, name));
        (was != is).then(|| Change { what: name.clone(), was, is })
    };
    names.into_iter().filter_map(change).collect()
}

/// Each thing that a policy says, with its words.
fn read_out(policy: &Policy) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for rule in &policy.rules {
        let tier = rule.tier.as_ref().map(|tier| format!("tier {tier}"));
        let cloud = rule.cloud.map(|cloud| format!("cloud {cloud}"));
        let whom: Vec<String> = tier.into_iter().chain(cloud).collect();
        let whom = if whom.is_empty() { "everybody".to_owned() } else { whom.join(", ") };
        said.push((format!("Rule “{}”: for", rule.name), whom));
    }
    for field in policy.fields().into_iter().filter(|field| !field.path.starts_with("quorum.")) {
        let name = match &field.rule {
            Some(rule) => format!("Rule “{rule}”: {}", field.label),
            None => format!("{}: {}", field.part.title(), field.label),
        };
        said.push((name, field.words()));
    }
    said.push(("Who must agree: to a price".to_owned(), quorum_words(&policy.quorum)));
    for (tenant, until) in &policy.locked_until {
        said.push((format!("Contract of {tenant}: price fixed until"), until.to_string()));
    }
    said.push(("Foresight: seed".to_owned(), policy.foresight.seed.0.to_string()));
    said
}

/// `up to 15 %: 1 person; beyond: 2 persons`.
fn quorum_words(quorum: &Quorum) -> String {
    let step = |step: &QuorumStep| {
        let whom = if step.persons == 1 { "person" } else { "persons" };
        match step.up_to {
            Some(bound) => format!("up to {} %: {} {whom}", percent(bound), step.persons),
            None => format!("beyond: {} {whom}", step.persons),
        }
    };
    quorum.steps().iter().map(step).collect::<Vec<_>>().join("; ")
}

impl Part {
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Part::Prices => "How far prices may move",
            Part::People => "Who must agree",
            Part::Facts => "What decides",
            Part::Watch => "After a change",
            Part::Foresight => "Foresight",
            Part::Assumptions => "Assumptions",
        }
    }
}

impl Field {
    /// The value with its unit.
    #[must_use]
    pub fn words(&self) -> String {
        match self.unit {
            Unit::Percent => format!("{} %", self.text),
            Unit::Whole(what) if self.text == "1" => format!("1 {}", what.trim_end_matches('s')),
            Unit::Whole(what) => format!("{} {what}", self.text),
            Unit::Usd => format!("${}", self.text),
            Unit::Number => self.text.clone(),
            Unit::YesNo => if self.text == "yes" { "yes" } else { "no" }.to_owned(),
            Unit::OneOf(choices) => {
                let found = choices.iter().find(|(name, _)| *name == self.text);
                found.map_or_else(|| self.text.clone(), |(_, words)| (*words).to_owned())
            }
        }
    }
}

fn at<'a>(whole: &'a Value, path: &str) -> Option<&'a Value> {
    whole.pointer(&pointer(path))
}

fn at_mut<'a>(whole: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    whole.pointer_mut(&pointer(path))
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// As people type it.
fn typed(value: &Value, unit: Unit) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match (unit, decimal(&text)) {
        (Unit::Percent, Some(share)) => percent(share),
        (Unit::Number | Unit::Usd, Some(number)) => number.normalize().to_string(),
        _ => text,
    }
}

fn percent(share: Decimal) -> String {
    share.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(share).normalize().to_string()
}

/// The value that stands for what was typed, of the kind of the one there is.
fn read(text: &str, unit: Unit, now: Option<&Value>) -> Result<Value, String> {
    let number = |number: Decimal| match now {
        Some(Value::Number(_)) => {
            let float = number.to_string().parse::<f64>().ok().and_then(Number::from_f64);
            float.map(Value::Number).ok_or_else(|| "it is no number".to_owned())
        }
        _ => Ok(Value::String(number.normalize().to_string())),
    };
    match unit {
        Unit::Percent => number(share(text)?),
        Unit::Usd | Unit::Number => {
            let typed = text.trim_start_matches('$').replace('−', "-");
            number(decimal(&typed).ok_or("it is no number, such as 0.5")?)
        }
        Unit::Whole(_) => Ok(Value::from(whole_number(text)?)),
        Unit::YesNo => match text {
            "yes" => Ok(Value::Bool(true)),
            "no" => Ok(Value::Bool(false)),
            _ => Err("it is neither yes nor no".to_owned()),
        },
        Unit::OneOf(choices) => {
            let found = choices.iter().find(|(name, _)| *name == text);
            found
                .map(|(name, _)| Value::from(*name))
                .ok_or_else(|| "it is none of the choices".to_owned())
        }
    }
}

/// Percent, with or without its sign.
fn share(text: &str) -> Result<Decimal, String> {
    let text = text.trim_end_matches('%').trim();
    let number = decimal(text).ok_or("it is no number of percent, such as 8 or 0.1")?;
    Ok((number / Decimal::ONE_HUNDRED).normalize())
}

/// Why a number of a step of who must agree is none.
pub(super) fn unread_step(path: &str, text: &str) -> Option<String> {
    match path.rsplit('.').next()? {
        "upTo" => share(text).err(),
        "persons" => whole_number(text).err(),
        _ => None,
    }
}

fn whole_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "it is no whole number, 0 or more".to_owned())
}

/// Floats write small numbers with an exponent.
fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

#[cfg(test)]
mod tests;
