//! What a policy says of changes, asked once more of what was applied, from the numbers alone.

use rust_decimal::Decimal;

use super::Player;
use crate::catalog::Grounds;
use crate::clock::{DAY_MS, Timestamp};
use crate::pricing::book::{Applied, Book, Case};
use crate::pricing::controls::Controls;
use crate::pricing::policy::{Answer, Limits, Policy};

/// Every bound that is broken, in words.
pub(super) fn broken(book: &Book, policy: &Policy, players: &[Player]) -> Vec<String> {
    let mut broken = Vec::new();
    for player in players {
        let Some(rule) = policy.rule(&player.tier, player.cloud) else { continue };
        let Some(chain) = book.chain(&player.tenant) else { continue };
        let applied: Vec<&Applied<Controls>> = chain.iter().collect();
        for at in 0..applied.len() {
            let mut say = |what: &str| {
                let version = at + 1;
                broken.push(format!("version {version} of {}: {what}", player.tenant));
            };
            judge(&rule.limits, policy, book, &applied[..=at], &mut say);
        }
    }
    broken
}

fn judge(
    limits: &Limits,
    policy: &Policy,
    book: &Book,
    until: &[&Applied<Controls>],
    say: &mut dyn FnMut(&str),
) {
    let Some((last, before)) = until.split_last() else { return };
    let price = |applied: Option<&&Applied<Controls>>| {
        applied.map_or(Decimal::ONE, |applied| applied.value.price_of_list)
    };
    let (was, is) = (price(before.last()), last.value.price_of_list);
    let change = ((is - was) / was).abs();
    let votes = book.case(last.proposal_id).map_or(0, Case::agreed);
    let alone = match last.grounds {
        Grounds::Automatic => true,
        Grounds::Shortfall => policy.watch.answer == Answer::RollBack,
        Grounds::Person | Grounds::Engine | Grounds::Rollback | Grounds::Foresight => false,
    };
    if !alone && votes < policy.quorum.persons(is / was - Decimal::ONE) {
        say("without the approvals that it needs");
    }
    if last.grounds.takes_back() {
        let earlier = before.len().checked_sub(2).and_then(|at| before.get(at));
        if is != price(earlier) {
            say("takes something else back than the last change");
        }
        return;
    }
    let cumulative_ms = i64::from(limits.cumulative_days) * DAY_MS;
    let since = Timestamp::from_unix_ms(last.at.unix_ms() - cumulative_ms);
    let anchor = price(before.iter().rev().find(|applied| applied.at <= since));
    let rested = before.last().map(|earlier| last.at.unix_ms() - earlier.at.unix_ms());
    let rules = [
        (change > limits.step_max, "the step is too large"),
        (((is - anchor) / anchor).abs() > limits.cumulative_max, "too far within a period"),
        (is < limits.floor_of_list || is > limits.ceiling_of_list, "beyond floor or ceiling"),
        (!(is % limits.tick_of_list).is_zero(), "no multiple of the tick"),
        (
            rested.is_some_and(|ms| ms < i64::from(limits.cooldown_days) * DAY_MS),
            "before the cool-down was over",
        ),
        (last.grounds == Grounds::Automatic && change > limits.auto_max, "too large to go alone"),
    ];
    rules.iter().filter(|(broke, _)| *broke).for_each(|(_, what)| say(what));
}
