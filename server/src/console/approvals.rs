//! Proposals, in the words of the page Approvals.

use app::backend::{
    ControlsForm, EffectRow, GuardTrail, ProposalDetail, ProposalRow, RehearsalForm, StepRow,
    Viewer,
};
use domain::clock::{Timestamp, days};
use domain::cloud::Cloud;
use domain::fabric::shares::Shares;
use domain::pricing::approval::{Drift, Facts, Vote};
use domain::pricing::book::{Book, Case, Step, StepKind};
use domain::pricing::controls::{Content, Controls, Subject};
use domain::pricing::drift::earned_of_list;
use domain::pricing::margin;
use domain::pricing::margin_law::moved;
use domain::pricing::policy::{Change, Policy, told as policy_changes};
use domain::pricing::recommend::Figures;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::approval_acts::acts;
use super::contracts::contract_title;
use super::figures::{grouped, moved_dollars, signed_dollars};
use super::foresight::{hour, still_missed};
use super::optimizer::time_of;
use super::simulate::simulate;
use super::{Console, facts, list_proposal};
use crate::problem::Problem;
use crate::projection::Catalog;

/// Of the bill that a proposal moves.
const MONTH_DAYS: Decimal = Decimal::from_parts(30, 0, 0, false, 0);
/// Places of shares that are drawn from a law: a tenth of a percent.
const SHARE_DECIMALS: u32 = 3;

impl Console {
    /// # Errors
    /// No such proposal, or the usage cannot be read.
    pub async fn approval(&self, id: &str, viewer: &Viewer) -> Result<ProposalDetail, Problem> {
        let now = crate::now();
        let catalog = self.projection.catalog();
        let book = catalog.book();
        let case = id.parse::<Uuid>().ok().and_then(|id| book.case(id));
        let case =
            case.ok_or_else(|| Problem::not_found(format!("No proposal \"{id}\" is final here.")))?;
        let current = case.current();
        let (is_open, is_applied) = (case.standing(now).is_open(), case.result_version.is_some());
        // What is closed stands as it was decided; of what is applied it is watched how it fares.
        let look =
            if is_open || is_applied { Some(self.optimizer.look(case).await?) } else { None };
        let found = look.as_ref().and_then(|look| look.found.as_ref());
        let (drift, unseen) = match look.as_ref().filter(|_| is_open).map(|look| &look.drift) {
            Some(Ok(drift)) => (Some(drift.as_slice()), None),
            Some(Err(why)) => (None, Some(why.clone())),
            None => (Some(case.changed.as_slice()), None),
        };
        let figures = found.map(|found| &found.figures).filter(|_| is_open);
        let acts = acts(&catalog, case, viewer, now);
        let looked = self.look_at_list_price(case, now).await;
        let mut money = self.with_room(case, now, money(&catalog, case, figures));
        money.extend(looked.lines);
        Ok(ProposalDetail {
            at: now,
            row: row(&catalog, case, now, drift, figures),
            hash: current.hash.to_string(),
            killed: book.is_killed(),
            money,
            odd: looked.odd,
            facts: facts::rows(&current.edition.facts, drift.unwrap_or_default()),
            unseen,
            bounds: super::guardrails::bounds(book, case, now),
            persons: persons(book, case),
            trail: guardrails(&catalog, case),
            rule: current.edition.rule.clone(),
            watch: super::watched::view(&catalog, case, found, now),
            rehearse: rehearse(case),
            next: super::approval_acts::next(&catalog, case, viewer, now),
            approvers: case.votes().map(vote_words).collect(),
            may_approve: acts.own,
            in_stead_of: acts.in_stead_of,
            why_not: acts.why_not,
            steps: case.steps.iter().map(step_row).collect(),
            form: form(case),
            result_version: case.result_version,
            simulate: simulated(&catalog, case, now),
            foreseen: super::foresight::why(case),
            missed: still_missed(book, case),
        })
    }

    /// Beside each proposed share that asks a cloud for more than it takes: by how much, as of now.
    fn with_room(
        &self,
        case: &Case,
        now: Timestamp,
        mut lines: Vec<[String; 4]>,
    ) -> Vec<[String; 4]> {
        let Content::Routing { shares } = &case.current().edition.content else { return lines };
        if !case.standing(now).is_open() {
            return lines;
        }
        for (cloud, told) in self.over_by(shares) {
            if let Some(line) = lines.iter_mut().find(|line| line[0] == cloud.title()) {
                line[3] = told;
            }
        }
        lines
    }
}

/// What the guardrails did with the price, where it is the one that was recommended or foreseen.
fn guardrails(catalog: &Catalog, case: &Case) -> Option<GuardTrail> {
    advised(catalog, case).or_else(|| super::guardrails::foreseen(catalog.book(), case))
}

/// What was said of the price, where it is the one that was recommended.
fn advised(catalog: &Catalog, case: &Case) -> Option<GuardTrail> {
    let Subject::Tenant(tenant) = case.subject() else { return None };
    let said = catalog.recommendation(&tenant)?;
    let price = said.value.advice.price.as_ref();
    let price = price.filter(|_| said.value.proposal_id == Some(case.id))?;
    let at = time_of(said.logical_clock);
    Some(super::guardrails::advised(catalog.book(), &said.value, price, at))
}

/// Who must agree to a price, by the policy that the version was made under.
fn persons(book: &Book, case: &Case) -> String {
    let policy = book.policy_of(case.current().edition.policy_version);
    policy.map(|it| super::guardrails::quorum_words(it.quorum.steps())).unwrap_or_default()
}

fn rehearse(case: &Case) -> Option<String> {
    let Content::Policy { policy } = &case.current().edition.content else { return None };
    let form = RehearsalForm { proposal: case.id.to_string(), ..super::rehearsal::form(policy) };
    Some(super::policy::rehearsal_address(&form))
}

fn simulated(catalog: &Catalog, case: &Case, now: Timestamp) -> Option<String> {
    let Subject::Tenant(tenant) = case.subject() else { return None };
    let (before, after) = controls(catalog.book(), case)?;
    let policy = catalog.book().policy().1;
    Some(simulate(policy, &tenant, Some(after.price_change(&before)), now))
}

/// `bo for ann`.
pub(super) fn vote_words(vote: &Vote) -> String {
    if vote.is_own() { vote.by.to_string() } else { format!("{} for {}", vote.by, vote.person) }
}

/// `drift`: what is known to be no longer as it was. `None`: nobody looked. `figures`: of today.
pub(super) fn row(
    catalog: &Catalog,
    case: &Case,
    now: Timestamp,
    drift: Option<&[Drift]>,
    figures: Option<&Figures>,
) -> ProposalRow {
    let book = catalog.book();
    let current = case.current();
    let (title, change) = match controls(book, case) {
        Some((before, after)) => told(&before, &after),
        None => (other_title(book, case), other_change(case)),
    };
    ProposalRow {
        id: case.id.to_string(),
        about: case.subject().to_string(),
        title,
        change,
        risk: book.risk(case),
        hash: current.hash.to_string(),
        effect: effect(catalog, case, figures),
        reason: current.edition.reason.clone(),
        requester: case.requester().to_string(),
        opened_at: case.opened_at,
        expires_at: current.edition.expires_at,
        approvals: case.agreed(),
        quorum: case.quorum(),
        state: case.standing(now),
        changed: drift.map(|drift| facts::changed(&current.edition.facts, drift)),
        version: current.version,
    }
}

/// What a price or an overage would do to the margin, exactly, and to the tenant's bill.
fn effect(catalog: &Catalog, case: &Case, figures: Option<&Figures>) -> Option<EffectRow> {
    let book = catalog.book();
    let edition = &case.current().edition;
    let (before, after) = controls(book, case)?;
    let policy = book.policy_of(edition.policy_version)?;
    let rule = edition.rule.as_ref().and_then(|rule| policy.named(rule))?;
    let [earned, will] = earned_of_list(&edition.facts, &before, &after);
    let [then, now] = moved(&edition.facts, earned, will, rule.limits.margin_min)?;
    let bill = figures.filter(|figures| figures.days > 0).and_then(|figures| {
        let month = figures.list_usd.checked_mul(MONTH_DAYS)? / Decimal::from(figures.days);
        Some(signed_dollars(month.checked_mul(will - earned)?))
    });
    (!before.earns_as(&after)).then(|| EffectRow {
        margin: [then.p50, now.p50].map(margin_text),
        below_floor: [then.below_floor, now.below_floor].map(share_text),
        bill,
    })
}

/// `31.2 %`.
pub(super) fn share_text(share: f64) -> String {
    let share = Decimal::try_from(share).unwrap_or_default().round_dp(SHARE_DECIMALS);
    percent(share)
}

/// A margin that is drawn from a law.
pub(super) fn margin_text(margin: f64) -> String {
    margin::told(Decimal::try_from(margin).unwrap_or_default())
}

/// What was in force when it was proposed, and what it would be.
fn controls(book: &Book, case: &Case) -> Option<(Controls, Controls)> {
    let edition = &case.current().edition;
    let Content::Controls { tenant_id, controls } = &edition.content else { return None };
    let chain = book.chain(tenant_id);
    let before = chain.and_then(|chain| chain.controls(edition.base_version));
    Some((before.unwrap_or(Controls::STANDARD), *controls))
}

fn told(before: &Controls, after: &Controls) -> (String, Option<String>) {
    let lines = changes(before, after);
    let titles: Vec<String> =
        lines.iter().map(|[what, was, is, _]| format!("{what} {was} → {is}")).collect();
    let title = if titles.is_empty() { "No change".to_owned() } else { titles.join(", ") };
    let priced = before.price_of_list != after.price_of_list;
    (title, priced.then(|| signed(after.price_change(before))))
}

fn changes(before: &Controls, after: &Controls) -> Vec<[String; 4]> {
    let mut lines = Vec::new();
    if before.price_of_list != after.price_of_list {
        let change = signed(after.price_change(before));
        let (was, is) = (percent(before.price_of_list), percent(after.price_of_list));
        lines.push(["Price".to_owned(), was, is, change]);
    }
    let shares = [("Overage", before.overage_of_list, after.overage_of_list)];
    for (what, was, is) in shares.into_iter().filter(|(_, was, is)| was != is) {
        let text =
            |share: Option<Decimal>| share.map_or_else(|| "as the price".to_owned(), percent);
        lines.push([what.to_owned(), text(was), text(is), String::new()]);
    }
    let count = |number: Option<u64>| number.map_or_else(|| "no limit".to_owned(), grouped);
    let limits = [
        ("Concurrency", before.concurrency.map(u64::from), after.concurrency.map(u64::from)),
        ("Token cap", before.token_cap, after.token_cap),
    ];
    for (what, was, is) in limits.into_iter().filter(|(_, was, is)| was != is) {
        lines.push([what.to_owned(), count(was), count(is), String::new()]);
    }
    lines
}

pub(super) fn other_title(book: &Book, case: &Case) -> String {
    let edition = &case.current().edition;
    match &edition.content {
        Content::Policy { policy } => policy_title(book, edition.base_version, policy),
        Content::Routing { shares } => format!("Shares of the traffic: {}", shares_text(shares)),
        Content::ListPrice { price } => list_proposal::title(price, &edition.facts),
        Content::Controls { .. } => String::new(),
    }
}

fn other_change(case: &Case) -> Option<String> {
    let edition = &case.current().edition;
    let Content::ListPrice { price } = &edition.content else { return None };
    list_proposal::largest(price, &edition.facts)
}

/// `gcp 50 %, aws 50 %`.
pub(super) fn shares_text(shares: &Shares) -> String {
    if shares.0.is_empty() {
        return "none; by distance and load".to_owned();
    }
    let each = shares.0.iter().map(|(cloud, share)| format!("{cloud} {}", percent(share.get())));
    each.collect::<Vec<_>>().join(", ")
}

fn policy_title(book: &Book, base_version: u64, policy: &Policy) -> String {
    let before = book.policy_of(base_version);
    if let Some(contract) = before.and_then(|before| contract_title(before, policy)) {
        return contract;
    }
    let changes = before.map(|before| policy_changes(before, policy)).unwrap_or_default();
    let is_whole =
        |change: &&Change| ["added", "left out"].iter().any(|it| change.is.starts_with(it));
    let (rules, numbers): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(is_whole);
    let rule = |change: &&Change| {
        let did = change.is.split(',').next().unwrap_or_default();
        format!("{} {did}", change.what.replacen("Rule", "rule", 1))
    };
    let mut parts: Vec<String> = rules.iter().map(rule).collect();
    if !numbers.is_empty() || parts.is_empty() {
        let noun = if numbers.len() == 1 { "number" } else { "numbers" };
        parts.push(format!("{} {noun} changed", numbers.len()));
    }
    format!("Policy version {}: {}", base_version + 1, parts.join(", "))
}

/// The money facts: what it is now, what it would be.
fn money(catalog: &Catalog, case: &Case, figures: Option<&Figures>) -> Vec<[String; 4]> {
    let book = catalog.book();
    let edition = &case.current().edition;
    if let Content::Policy { policy } = &edition.content {
        let before = book.policy_of(edition.base_version);
        let found = before.map(|before| policy_changes(before, policy)).unwrap_or_default();
        let text = |text: String| time_words(&text).unwrap_or(text);
        let line = |Change { what, was, is }: Change| [what, text(was), text(is), String::new()];
        return found.into_iter().map(line).collect();
    }
    if let Content::Routing { shares } = &edition.content {
        return shares_lines(
            &book.shares().shares(edition.base_version).unwrap_or_default(),
            shares,
        );
    }
    if let Content::ListPrice { price } = &edition.content {
        return list_proposal::parts(price, &edition.facts);
    }
    let Some((before, after)) = controls(book, case) else { return Vec::new() };
    let mut lines = changes(&before, &after);
    lines.extend(effects(&edition.facts, &before, &after));
    lines.extend(figures.map(|figures| {
        let bills = earned_of_list(&edition.facts, &before, &after);
        let [was, is, moved] = moved_dollars(bills.map(|of_list| figures.list_usd * of_list));
        [format!("Tenant’s bill, {}", days(figures.days)), was, is, moved]
    }));
    lines
}

/// `2099-01-01 00:00 UTC`, where it is a time.
fn time_words(text: &str) -> Option<String> {
    let at: Timestamp = text.parse().ok().filter(|_| text.contains('T'))?;
    Some(hour(at))
}

fn shares_lines(was: &Shares, is: &Shares) -> Vec<[String; 4]> {
    let text = |shares: &Shares, cloud| {
        let share = shares.0.get(&cloud).map(|share| percent(share.get()));
        share.unwrap_or_else(|| if shares.0.is_empty() { "by distance" } else { "0 %" }.to_owned())
    };
    let line =
        |cloud: Cloud| [cloud.title().to_owned(), text(was, cloud), text(is, cloud), String::new()];
    Cloud::ALL.map(line).into_iter().collect()
}

/// The margin before and after, from the facts that the proposal rests on.
fn effects(facts: &Facts, before: &Controls, after: &Controls) -> Option<[String; 4]> {
    let (now, cost) = (*facts.get("margin")?, *facts.get("costOfList")?);
    let [was, is] = earned_of_list(facts, before, after);
    let owed = Decimal::ONE - now - cost.checked_div(was)?;
    let then = Decimal::ONE - owed - cost.checked_div(is)?;
    let points = margin::told(then - now).replace(" %", " points");
    let points = if then > now { format!("+{points}") } else { points };
    Some([
        "Margin, same usage, recorded penalties".to_owned(),
        margin::told(now),
        margin::told(then),
        points,
    ])
}

fn step_row(step: &Step) -> StepRow {
    let what = match &step.kind {
        StepKind::Opened => "proposed it".to_owned(),
        StepKind::Approved { version, in_stead_of: None } => format!("approved version {version}"),
        StepKind::Approved { version, in_stead_of: Some(person) } => {
            format!("approved version {version} for {person}")
        }
        StepKind::Rejected { reason } => format!("rejected it: “{reason}”"),
        StepKind::Modified { version } => format!("made version {version}"),
        StepKind::Applied { result_version, .. } => {
            format!("applied it as version {result_version}")
        }
        StepKind::Stale => "found that the facts had changed; nothing was executed".to_owned(),
    };
    StepRow {
        event_id: step.event_id.to_string(),
        at: step.at,
        by: step.by.as_ref().map_or_else(|| "The clouds".to_owned(), ToString::to_string),
        what,
        refused: step.refused.as_ref().map(ToString::to_string),
    }
}

fn form(case: &Case) -> Option<ControlsForm> {
    let Content::Controls { tenant_id, controls } = &case.current().edition.content else {
        return None;
    };
    let bare = |share: Decimal| (share * Decimal::ONE_HUNDRED).normalize().to_string();
    Some(ControlsForm {
        tenant_id: tenant_id.to_string(),
        price: bare(controls.price_of_list),
        overage: controls.overage_of_list.map(bare).unwrap_or_default(),
        concurrency: controls.concurrency.map(|it| it.to_string()).unwrap_or_default(),
        token_cap: controls.token_cap.map(|it| it.to_string()).unwrap_or_default(),
    })
}

/// What holds, in a line.
pub(super) fn controls_text(controls: &Controls) -> String {
    let mut parts = vec![format!("{} of list", percent(controls.price_of_list))];
    parts.extend(controls.overage_of_list.map(|it| format!("overage {}", percent(it))));
    parts.extend(controls.concurrency.map(|it| format!("{it} at once")));
    parts.extend(controls.token_cap.map(|it| format!("cap {} tokens", grouped(it))));
    parts.join(", ")
}

/// `31.25 %`.
pub(super) fn percent(share: Decimal) -> String {
    let text = (share * Decimal::ONE_HUNDRED).round_dp(2).normalize();
    let sign = if text.is_sign_negative() && !text.is_zero() { "−" } else { "" };
    format!("{sign}{} %", text.abs())
}

/// `+8 %`.
pub(super) fn signed(change: Decimal) -> String {
    let text = percent(change);
    if change > Decimal::ZERO { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_change_is_told_with_both_ends_and_its_size() {
        let after = Controls { price_of_list: share("1.08"), ..Controls::STANDARD };
        let (title, change) = told(&Controls::STANDARD, &after);
        assert_eq!(title, "Price 100 % → 108 %");
        assert_eq!(change.as_deref(), Some("+8 %"));
        let capped = Controls { token_cap: Some(1_500_000), ..after };
        assert_eq!(told(&after, &capped).0, "Token cap no limit → 1,500,000");
        assert_eq!(signed(share("-0.0425")), "−4.25 %");
    }

    #[test]
    fn the_margin_after_follows_from_the_facts_of_the_proposal() {
        let facts = Facts::from([
            ("margin".to_owned(), share("0.3")),
            ("costOfList".to_owned(), share("0.7")),
        ]);
        let after = Controls { price_of_list: share("1.08"), ..Controls::STANDARD };
        let line = effects(&facts, &Controls::STANDARD, &after).expect("a line");
        assert_eq!(line[1..], ["30.0 %", "35.2 %", "+5.2 points"]);
    }
}
