//! What was recorded, beside the modelled base: both margins of the same usage, and why they differ.

use domain::economics::quantity::float;
use domain::economics::study::Penalties;
use leptos::prelude::*;

use super::desk::Desk;
use super::words::{share, usd};

#[component]
pub(super) fn Recorded() -> impl IntoView {
    let desk = expect_context::<Desk>();
    // Of the base, which no lever moves: what the first board had holds for the later ones.
    let lines = move || {
        let mut all = desk.board.read().penalties.clone();
        let first = desk.penalties.get_value().into_iter();
        let missing: Vec<_> =
            first.filter(|one| all.iter().all(|it| it.tenant_id != one.tenant_id)).collect();
        all.extend(missing);
        let median = desk.base.read().margin.as_ref().map(|it| it.p50.value);
        let lines = all.iter().filter_map(|one| sentence(one, median));
        lines.map(|line| view! { <p>{line}</p> }).collect_view()
    };
    let elsewhere = desk.elsewhere.get_value().map(|(sentence, href)| {
        view! { <p class="muted">{sentence} " " <a href=href rel="external">"Open those days here"</a></p> }
    });
    view! { <div class="reconciled">{lines} {elsewhere}</div> }.into_any()
}

/// `median`: of everybody’s margin, as it is drawn.
fn sentence(of: &Penalties, median: Option<f64>) -> Option<String> {
    let [recorded, expected] = of.margins()?.map(float);
    let [owed, foreseen] =
        [&of.recorded, &of.expected].map(|statement| usd(float(statement.penalty_usd())));
    let (whose, drawn) = match &of.tenant_id {
        Some(tenant) => (format!("{tenant}: recorded margin"), String::new()),
        None => ("Recorded margin".to_owned(), median.map(drawn).unwrap_or_default()),
    };
    let (recorded, expected) = (share(recorded), share(expected));
    Some(if owed == foreseen {
        format!("{whose} {recorded}, with penalties of {owed}; the model expects the same.{drawn}")
    } else {
        format!(
            "{whose} {recorded}; the model expects penalties of {foreseen} instead of the recorded {owed}, so \
             its baseline is {expected}.{drawn}"
        )
    })
}

fn drawn(median: f64) -> String {
    format!(" Its P50, {}, lets costs stray and prices jump as well.", share(median))
}

#[cfg(test)]
mod tests {
    use domain::economics::basic::Statement;
    use domain::event::TenantId;
    use rust_decimal::Decimal;

    use super::*;

    fn penalties(tenant: Option<&str>, recorded: i64, expected: i64) -> Penalties {
        let statement = |owed| {
            Statement::new(Decimal::from(1_000), Decimal::from(500), Decimal::new(owed, 1))
                .expect("a statement")
        };
        let tenant = tenant.map(|id| TenantId::try_from(id.to_owned()).expect("an id"));
        Penalties {
            tenant_id: tenant,
            recorded: statement(recorded),
            expected: statement(expected),
        }
    }

    #[test]
    fn a_line_reconciles_what_was_recorded_with_what_the_model_expects() {
        let all = sentence(&penalties(None, 880, 920), Some(0.401));
        assert_eq!(
            all.as_deref(),
            Some(
                "Recorded margin 41.2 %; the model expects penalties of $92.0 instead of the recorded $88.0, so \
                 its baseline is 40.8 %. Its P50, 40.1 %, lets costs stray and prices jump as well."
            )
        );
        let one = sentence(&penalties(Some("juniper"), 0, 920), Some(0.401)).expect("revenue");
        assert!(one.starts_with("juniper: recorded margin 50.0 %; the model"), "{one}");
        assert!(one.ends_with("so its baseline is 40.8 %."), "{one}");
        let same = sentence(&penalties(None, 920, 920), None);
        let told = "Recorded margin 40.8 %, with penalties of $92.0; the model expects the same.";
        assert_eq!(same.as_deref(), Some(told));
    }
}
