//! The reason of a version that is made anew on the facts of now, where the words before were the
//! optimizer's: its figures are those of another day, so they are said again. A person's words are
//! kept as they are.

use rust_decimal::Decimal;

use super::book::{Case, ENGINE};
use super::drift::Fared;
use super::margin;
use super::policy::{Limits, Watch};
use super::recommend::Figures;
use crate::catalog::Grounds;

/// Such a reason begins so, and is the optimizer's however often it is made.
const BEGINS: &str = "On the figures of now: ";

/// What the reason is made of.
#[derive(Clone, Copy, Debug)]
pub struct Afresh<'a> {
    pub grounds: Grounds,
    /// Absent: the tenant has no usage that has a price.
    pub figures: Option<&'a Figures>,
    /// Of the rule that holds for it.
    pub limits: Option<&'a Limits>,
    /// Prices, as shares of the list price.
    pub before: Decimal,
    pub after: Decimal,
    /// How the version in force fares, where the proposal takes that back.
    pub fared: Option<Fared>,
    pub watch: Watch,
}

/// Are the reason's words the optimizer's? A person who asked for other controls said why.
#[must_use]
pub fn is_of_the_optimizer(case: &Case) -> bool {
    let (first, current) = (&case.versions[0], case.current());
    let reason = &current.edition.reason;
    let same = case.versions.iter().all(|version| version.hash == first.hash);
    let made = *reason == first.edition.reason || reason.starts_with(BEGINS);
    case.requester().0 == ENGINE && same && made
}

impl Afresh<'_> {
    #[must_use]
    pub fn reason(&self) -> String {
        let told = [self.margins(), self.kept(), self.foreseen()];
        format!("{BEGINS}{}", told.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    fn margins(&self) -> Option<String> {
        let Some((figures, is)) = self.figures.and_then(|it| Some((it, it.margin()?))) else {
            return Some("no usage of the policy's window says what the margin is.".to_owned());
        };
        let then = figures.margin_at(self.after).filter(|_| self.after != self.before);
        let then = then.map_or_else(String::new, |then| {
            let price = margin::told(self.after);
            format!("; at {price} of the list price it would be {}", margin::told(then))
        });
        let days = figures.days;
        let (is, band) = (margin::told(is), self.band(is));
        Some(format!("the margin of {days} days is {is}, {band}{then}."))
    }

    fn band(&self, is: Decimal) -> String {
        let Some(limits) = self.limits else { return "and no rule is about it".to_owned() };
        let thresholds = limits.thresholds;
        if is < thresholds.low_enter {
            format!("below {}, where the low band begins", margin::told(thresholds.low_enter))
        } else if is > thresholds.high_enter {
            format!("above {}, where the high band begins", margin::told(thresholds.high_enter))
        } else {
            "neither too low nor very high".to_owned()
        }
    }

    /// What the version that is taken back has promised.
    fn kept(&self) -> Option<String> {
        let Fared { promised, realised, days, shortfall, .. } = self.fared?;
        let share = margin::told_float;
        Some(format!(
            "The price in force promised {}; over {days} days it was {}, and the shortfalls add up to {} of \
             the {} that are borne.",
            share(promised),
            share(realised),
            share(shortfall.get()),
            share(self.watch.limit)
        ))
    }

    fn foreseen(&self) -> Option<String> {
        (self.grounds == Grounds::Foresight).then(|| {
            "What it foresees was drawn when it was first proposed, and is not drawn again."
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::quantity::{Share, decimal};
    use crate::pricing::drift::fared;

    fn figures() -> Figures {
        Figures {
            tier: "pro".to_owned(),
            days: 30,
            requests: 1_000,
            tokens_k: decimal("1000"),
            revenue_usd: decimal("120"),
            list_usd: decimal("120"),
            beyond: None,
            cost_usd: decimal("110"),
            penalty_rate: Share::default(),
            seconds_per_request: None,
            cost_jumps_per_year: None,
            better_tier: None,
        }
    }

    fn afresh<'a>(figures: &'a Figures, limits: &'a Limits) -> Afresh<'a> {
        Afresh {
            grounds: Grounds::Engine,
            figures: Some(figures),
            limits: Some(limits),
            before: decimal("1"),
            after: decimal("1.08"),
            fared: None,
            watch: Watch::default(),
        }
    }

    #[test]
    fn a_reason_is_made_of_the_figures_of_now_in_percent() {
        let (figures, limits) = (figures(), Limits::default());
        let afresh = afresh(&figures, &limits);
        // 1 − 110 / 120 is 0.0833.
        assert_eq!(
            afresh.reason(),
            "On the figures of now: the margin of 30 days is 8.3 %, below 35.0 %, where the low band begins; \
             at 108.0 % of the list price it would be 15.1 %."
        );
        let unknown = Afresh { figures: None, ..afresh };
        assert!(unknown.reason().contains("no usage of the policy's window"));
    }

    #[test]
    fn what_takes_back_says_how_the_price_in_force_fares_and_what_is_foreseen_is_not_drawn_again() {
        let (figures, limits) = (figures(), Limits::default());
        let fared = fared(&Watch::default(), 0.39, &[0.35, 0.36, 0.35]);
        let told = Afresh { fared, ..afresh(&figures, &limits) }.reason();
        assert!(told.contains("promised 39.0 %; over 3 days it was 35.3 %"), "{told}");
        assert!(told.contains("add up to 8.0 % of the 5.0 % that are borne"), "{told}");
        let grounds = Grounds::Foresight;
        let foreseen = Afresh { grounds, ..afresh(&figures, &limits) }.reason();
        assert!(foreseen.ends_with("is not drawn again."), "{foreseen}");
    }
}
