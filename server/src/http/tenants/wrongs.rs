//! What an admin sets over the API: every field of a body that is wrong, at once and as the body calls it.
//!
//! A body that is no tenant, tier or price has fields that are right, and others that break a rule which
//! only a whole one can be asked for. So each field that cannot be read is stood in for by one of a value
//! that has nothing wrong with it, and the rules are asked of the rest.

use domain::catalog::{KindError, PricePut, TenantPut, TierPut};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::http::ask::{shape, shape_of, told};
use crate::problem::{FieldProblem, Problem};

/// What is set whole by one body.
pub(super) trait Put: DeserializeOwned {
    /// One with nothing wrong about it, of the fields that none may lack.
    fn blameless() -> Value;

    /// All that is wrong with it, whatever else is known here.
    fn mistakes(&self) -> Vec<FieldProblem>;
}

impl Put for TenantPut {
    fn blameless() -> Value {
        json!({ "tenantId": "t", "name": "T", "tier": "t", "cloud": "gcp", "region": "r" })
    }

    fn mistakes(&self) -> Vec<FieldProblem> {
        self.wrongs().into_iter().map(of_rule).collect()
    }
}

impl Put for TierPut {
    fn blameless() -> Value {
        json!({ "tier": "t", "name": "T", "sla": { "bands": [] } })
    }

    fn mistakes(&self) -> Vec<FieldProblem> {
        let rules = self.wrongs().into_iter().map(of_rule);
        rules.chain(credits_rise(self).err()).collect()
    }
}

impl Put for PricePut {
    fn blameless() -> Value {
        json!({
            "tier": "t", "provider": "p", "model": "m", "inputUsdPerMillion": "0",
            "outputUsdPerMillion": "0", "effectiveFrom": "1970-01-01T00:00:00Z"
        })
    }

    fn mistakes(&self) -> Vec<FieldProblem> {
        let rules = self.wrongs().into_iter().map(of_rule);
        let claimed = self.proposal_id.map(|_| wrong("/proposalId", "must be left out"));
        rules.chain(claimed).collect()
    }
}

/// What a person cannot mean, and an event may say.
pub(super) fn credits_rise(tier: &TierPut) -> Result<(), FieldProblem> {
    let rise = tier.sla.bands.windows(2).all(|pair| pair[0].credit <= pair[1].credit);
    let falls = || wrong("/sla/credits", "must not fall from the best uptime to 0");
    if rise { Ok(()) } else { Err(falls()) }
}

/// Reads one. `errors`: what is wrong with it beside its body.
///
/// # Errors
/// `invalid`, with each field that is wrong and why.
pub(super) fn read<T: Put>(body: Value, mut errors: Vec<FieldProblem>) -> Result<T, Problem> {
    let mut fields = match T::blameless() {
        Value::Object(fields) if body.is_object() => fields,
        _ => return shape(body),
    };
    let unread = unread::<T>(&body, &fields);
    if let Value::Object(sent) = body {
        let is_read = |name: &str| !unread.iter().any(|error| is_of(error, name));
        fields.extend(sent.into_iter().filter(|(name, _)| is_read(name)));
    }
    errors.extend_from_slice(&unread);
    let whole: T = shape(Value::Object(fields))?;
    let rest = whole.mistakes().into_iter().filter(|it| !is_told(&unread, it));
    errors.extend(rest);
    if errors.is_empty() { Ok(whole) } else { Err(refused(errors)) }
}

/// The fields that are no such thing, that are missing, or that nobody knows.
fn unread<T: Put>(body: &Value, blameless: &Map<String, Value>) -> Vec<FieldProblem> {
    let required: Vec<&str> = blameless.keys().map(String::as_str).collect();
    let whole = shape_of::<T>(body.clone(), &required);
    whole.err().map_or_else(Vec::new, |problem| problem.errors)
}

/// Is it about that field of the body, or about something within?
fn is_of(error: &FieldProblem, name: &str) -> bool {
    let within = error.field.strip_prefix('/').and_then(|field| field.strip_prefix(name));
    within.is_some_and(|within| within.is_empty() || within.starts_with('/'))
}

/// Is the same field of the body named already, or something within it?
fn is_told(told: &[FieldProblem], error: &FieldProblem) -> bool {
    let top = |error: &FieldProblem| error.field.split('/').nth(1).map(str::to_owned);
    told.iter().any(|it| top(it) == top(error))
}

fn refused(errors: Vec<FieldProblem>) -> Problem {
    let told: Vec<String> = errors.iter().map(|it| told(&it.field, &it.reason)).collect();
    let detail = format!("The body is not what is expected here: {}.", told.join("; "));
    Problem { errors, ..Problem::invalid(detail) }
}

fn of_rule(KindError { field, reason }: KindError) -> FieldProblem {
    FieldProblem { field, reason }
}

fn wrong(field: &str, reason: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<T: Put>(body: Value) -> Vec<String> {
        let Err(problem) = read::<T>(body, Vec::new()) else {
            return Vec::new();
        };
        assert_eq!((problem.status, problem.code), (422, "invalid"));
        let mut fields: Vec<String> = problem.errors.into_iter().map(|it| it.field).collect();
        fields.sort();
        fields
    }

    fn with(mut whole: Value, others: &Value) -> Value {
        let others = others.as_object().cloned().unwrap_or_default();
        whole.as_object_mut().expect("an object").extend(others);
        whole
    }

    #[test]
    fn what_stands_in_for_a_wrong_field_has_nothing_wrong_about_it() {
        assert!(fields::<TenantPut>(TenantPut::blameless()).is_empty());
        assert!(fields::<TierPut>(TierPut::blameless()).is_empty());
        assert!(fields::<PricePut>(PricePut::blameless()).is_empty());
    }

    #[test]
    fn what_cannot_be_read_hides_no_rule_that_another_field_breaks() {
        let of_price = |others: Value| fields::<PricePut>(with(PricePut::blameless(), &others));
        let mixed = json!({ "inputUsdPerMillion": "-4", "outputUsdPerMillion": "abc", "to/do": 1 });
        assert_eq!(of_price(mixed), ["/inputUsdPerMillion", "/outputUsdPerMillion", "/to/do"]);
        let rules = json!({ "outputUsdPerMillion": "-8", "reason": " ", "provider": "" });
        assert_eq!(of_price(rules), ["/outputUsdPerMillion", "/provider", "/reason"]);
        let tenant =
            json!({ "name": "", "cloud": "ibm", "active": "yes", "region": "", "tier": 7 });
        let tenant = fields::<TenantPut>(with(TenantPut::blameless(), &tenant));
        assert_eq!(tenant, ["/active", "/cloud", "/name", "/region", "/tier"]);
        let sla = json!({ "bands": [{ "minUptimePct": "x", "credit": "0" }] });
        let tier = with(TierPut::blameless(), &json!({ "name": "", "sla": sla }));
        assert_eq!(fields::<TierPut>(tier), ["/name", "/sla/bands/0/minUptimePct"]);
        let spaced = of_price(json!({ "tier": "Gold plan", "cachedUsdPerMillion": "-1" }));
        assert_eq!(spaced, ["/cachedUsdPerMillion", "/tier"], "a tier is named once");
        let step = |uptime: &str, credit: &str| json!({ "minUptimePct": uptime, "credit": credit });
        let sla = json!({ "bands": [step("99", "0.2"), step("1", "0.1")] });
        let tier = with(TierPut::blameless(), &json!({ "tier": "a b", "name": "", "sla": sla }));
        let all = ["/name", "/sla/bands", "/sla/credits", "/tier"];
        assert_eq!(fields::<TierPut>(tier), all);
    }

    #[test]
    fn one_sentence_names_them_all_and_a_body_of_another_kind_is_named_whole() {
        let body = json!({ "name": "T", "tier": "t", "cloud": "ibm", "region": "r" });
        let wrong = vec![wrong("/tenantId", "must be \"a\" or left out")];
        let told = read::<TenantPut>(with(body, &json!({ "tenantId": "a" })), wrong);
        let detail = "The body is not what is expected here: /tenantId must be \"a\" or left out; /cloud \
                      must be one of: gcp, aws, azure.";
        assert_eq!(told.expect_err("wrong").detail, detail);
        assert_eq!(fields::<TenantPut>(json!([])), [""]);
    }
}
