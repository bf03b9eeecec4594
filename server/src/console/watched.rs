//! A change of price or overage after it was applied: what it promised, what it kept, and how much
//! of the shortfall that the policy bears is used.

use app::backend::WatchView;
use domain::clock::{DAY_MS, Timestamp};
use domain::pricing::book::{Case, Standing};
use domain::pricing::controls::Subject;
use domain::pricing::drift::Fared;
use domain::pricing::look::{Seen, last_change_fared};
use domain::pricing::policy::{Answer, Watch};

use crate::economics::TenantFigures;
use crate::optimizer::about;
use crate::projection::Catalog;

/// Nothing, where the proposal moved neither a price nor an overage that is or was in force.
pub(super) fn view(
    catalog: &Catalog,
    case: &Case,
    found: Option<&TenantFigures>,
    now: Timestamp,
) -> Option<WatchView> {
    let Subject::Tenant(tenant) = case.subject() else { return None };
    let book = catalog.book();
    let version = case.result_version.filter(|_| case.standing(now) == Standing::Applied)?;
    let chain = book.chain(&tenant)?;
    let (before, after) = (chain.controls(version.checked_sub(1)?)?, chain.controls(version)?);
    if before.earns_as(&after) {
        return None;
    }
    let watch = book.policy().1.watch;
    let plain = |sentence: String| Some(WatchView { sentence, broke: false, used: None });
    if chain.version() != version {
        return plain(format!(
            "Version {} is in force by now, so it is watched no longer.",
            chain.version()
        ));
    }
    if case.grounds.takes_back() {
        return plain(
            "It took a change back, so it promised nothing and is not watched.".to_owned(),
        );
    }
    let at = chain.last()?.at;
    let days = now.unix_ms().saturating_sub(at.unix_ms()).max(0) / DAY_MS;
    if days > i64::from(watch.days) {
        return plain(format!("It was watched for {} days, and is no longer.", watch.days));
    }
    let seen = about(catalog, &case.subject()).zip(found).map(|(about, found)| Seen {
        tenant: &tenant,
        about,
        figures: &found.figures,
        days: &found.days,
        before: None,
    });
    match seen.and_then(|seen| last_change_fared(book, &seen, now)) {
        Some(fared) => Some(told(&watch, &fared)),
        None => plain(
            "No whole day with usage has passed since, so nothing is known yet of how it fares."
                .to_owned(),
        ),
    }
}

fn told(watch: &Watch, fared: &Fared) -> WatchView {
    let share = |value: f64| format!("{:.2} %", 100.0 * value);
    let days = if fared.days == 1 {
        "1 whole day".to_owned()
    } else {
        format!("{} whole days", fared.days)
    };
    let used = if watch.limit > 0.0 { fared.shortfall.get() / watch.limit } else { 0.0 };
    let answer = match watch.answer {
        Answer::Propose => "taking it back is proposed",
        Answer::RollBack => "it is taken back at once, where prices move by themselves",
    };
    let verdict = if fared.broke { "It fell short" } else { "It keeps its promise so far" };
    WatchView {
        sentence: format!(
            "{verdict}: a margin of {} was promised, and over {days} since it was {}. Shortfalls beyond {} a \
             day add up to {}, which is {:.0} % of the {} beyond which {answer}. It is watched for {} days.",
            share(fared.promised),
            share(fared.realised),
            share(watch.slack),
            share(fared.shortfall.get()),
            100.0 * used,
            share(watch.limit),
            watch.days
        ),
        broke: fared.broke,
        used: Some(format!("{:.0} %", 100.0 * used)),
    }
}

#[cfg(test)]
mod tests {
    use domain::pricing::drift::fared;

    use super::*;

    #[test]
    fn the_state_of_the_watch_says_how_much_of_what_is_borne_is_used() {
        let watch = Watch::default();
        let kept = fared(&watch, 0.39, &[0.37, 0.37]).expect("two days");
        let view = told(&watch, &kept);
        assert!(
            view.sentence
                .starts_with("It keeps its promise so far: a margin of 39.00 % was promised")
        );
        assert!(
            view.sentence.contains("over 2 whole days since it was 37.00 %"),
            "{}",
            view.sentence
        );
        assert_eq!((view.used.as_deref(), view.broke), (Some("40 %"), false));
        let short = fared(&watch, 0.39, &[0.35, 0.35]).expect("two days");
        let view = told(&watch, &short);
        assert!(
            view.broke
                && view.sentence.contains("which is 120 % of the 5.00 % beyond which taking")
        );
    }
}
