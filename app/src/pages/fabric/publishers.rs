//! Providers of DNS that are kept in step: what is to be written, and what somebody has edited by hand.

use leptos::prelude::*;

use crate::backend::{FabricPublisher, FabricView};
use crate::components::time::Time;
use crate::format::{TimeShape, counted};
use crate::pages::fabric::words;

#[component]
pub(super) fn Publishers(state: RwSignal<FabricView>) -> impl IntoView {
    let publishers = Memo::new(move |_| state.read().publishers.clone());
    view! {
        <section class="card fabric-publishers" aria-labelledby="publishers-title">
            <header class="card-head"><h2 id="publishers-title" class="card-title">"Published at providers"</h2></header>
            {move || match publishers.read().as_slice() {
                [] => nothing(),
                some => some.iter().map(one).collect_view().into_any(),
            }}
        </section>
    }
}

fn nothing() -> AnyView {
    view! {
        <p class="fabric-note">
            "Nothing is published outside: neither Route 53 (fabric.route53) nor Cloudflare (fabric.cloudflare, fabric.cloudflare_balancer) is configured. "
            "The clouds’ own name servers answer."
        </p>
    }
    .into_any()
}

/// The gravest of what there is to say: how it looks, and a word.
fn standing(publisher: &FabricPublisher) -> (&'static str, &'static str) {
    let FabricPublisher { problem, read_at, drift, waiting, half_written, dry_run, .. } = publisher;
    match problem {
        Some(problem) if problem.refused => ("down", "Refused"),
        Some(_) => ("lagging", "Tries again"),
        None if read_at.is_none() => ("unknown", "Not read yet"),
        None if *half_written => ("lagging", "Half written"),
        None if !drift.is_empty() => ("lagging", "Edited by hand"),
        None if !waiting.is_empty() && *dry_run => ("paused", "Differs"),
        None if !waiting.is_empty() => ("lagging", "To be written"),
        None => ("up", "In step"),
    }
}

/// What the word means, and what is to be done: sentences.
fn meaning(publisher: &FabricPublisher) -> Vec<String> {
    let FabricPublisher { problem, read_at, dry_run, half_written, .. } = publisher;
    let mut told = Vec::new();
    if let Some(problem) = problem {
        let because = problem.because.trim_end_matches('.');
        told.push(format!("{}.", words::begin(because)));
        told.push(if problem.refused {
            "It does not pass by itself.".to_owned()
        } else {
            "It passes by itself, or with the provider’s fault.".to_owned()
        });
        told.push("Until then the records stay as they are, and the clouds’ own name servers follow at once.".to_owned());
    } else if read_at.is_none() {
        told.push("This cloud has not read it: it has just started, hears no majority, or sees no cloud up. Then nothing is published.".to_owned());
    }
    if *half_written && problem.is_none() {
        told.push(if *dry_run {
            "Whoever wrote last is not done, or has stopped half-way. This cloud only looks on: one that writes goes on with it.".to_owned()
        } else {
            "Whoever wrote last is not done, or has stopped half-way: the next look goes on with it.".to_owned()
        });
    }
    if *dry_run {
        told.push("A dry run (dry_run = true): this cloud writes nothing here.".to_owned());
    }
    told
}

/// What is said before the lines that somebody has edited.
fn of_drift(publisher: &FabricPublisher) -> String {
    let FabricPublisher { drift, applies, dry_run, .. } = publisher;
    let edited = counted(drift.len() as u64, "record was", "records were");
    let then = match (applies, dry_run) {
        (_, true) => "left alone by this dry run",
        (true, false) => "written over (on_drift = \"apply\")",
        (false, false) => "left alone (on_drift = \"report\")",
    };
    format!("{edited} edited by hand, and {then}:")
}

const fn of_waiting(publisher: &FabricPublisher) -> &'static str {
    if publisher.dry_run { "Would be written, were this no dry run:" } else { "To be written:" }
}

fn one(publisher: &FabricPublisher) -> AnyView {
    let (look, word) = standing(publisher);
    let FabricPublisher {
        publisher: name, place, ignores_capacity, writer, waiting, drift, ..
    } = publisher.clone();
    let label = name.clone();
    let is_wrong = publisher.problem.is_some();
    let meaning = meaning(publisher).into_iter().map(|text| view! { <p>{text}</p> });
    let next = publisher.problem.as_ref().and_then(|problem| problem.next_try_at);
    let next =
        next.map(|at| view! { <p>"Asked again at " <Time at shape=TimeShape::Second /> "."</p> });
    let edited = (!drift.is_empty()).then(|| view! { <p>{of_drift(publisher)}</p> {list(drift)} });
    let rest =
        (!waiting.is_empty()).then(|| view! { <p>{of_waiting(publisher)}</p> {list(waiting)} });
    let blind = ignores_capacity.then(|| {
        view! { <p class="muted">"These records have no weights: what a cloud has no room for is sent elsewhere by the clouds’ own name servers only."</p> }
    });
    let writer = writer.map(|writer| view! { <p class="muted">{writer}</p> });
    let times = [("Read ", publisher.read_at), ("This cloud wrote last ", publisher.wrote_at)];
    let times = times.into_iter().filter_map(|(what, at)| {
        at.map(|at| view! { <p class="muted">{what} <Time at shape=TimeShape::Second /></p> })
    });
    view! {
        <article class="fabric-publisher" aria-label=label data-standing=word>
            <h3 class="cloud-head"><span>{name} " " <span class="muted">{place}</span></span> <span class="badge" data-state=look>{word}</span></h3>
            <div class="publish-meaning" class:form-error=is_wrong>{meaning.collect_view()} {next}</div>
            {edited} {rest} {blind} {writer} {times.collect_view()}
        </article>
    }
    .into_any()
}

fn list(lines: Vec<String>) -> AnyView {
    let lines = lines.into_iter().map(|line| view! { <li class="mono">{line}</li> });
    view! { <ul class="publish-lines">{lines.collect_view()}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;

    use super::*;
    use crate::backend::PublishProblem;

    fn in_step() -> FabricPublisher {
        FabricPublisher {
            publisher: "cloudflare".to_owned(),
            place: "zone 1 at api.cloudflare.com".to_owned(),
            dry_run: false,
            applies: false,
            ignores_capacity: false,
            writer: None,
            waiting: Vec::new(),
            drift: Vec::new(),
            problem: None,
            half_written: false,
            read_at: Some(Timestamp::from_unix_ms(0)),
            wrote_at: None,
        }
    }

    fn told(publisher: &FabricPublisher) -> (&'static str, String) {
        (standing(publisher).1, meaning(publisher).join(" "))
    }

    #[test]
    fn in_step_there_is_nothing_to_say_and_unread_it_is_said_why() {
        assert_eq!(told(&in_step()), ("In step", String::new()));
        let (word, why) = told(&FabricPublisher { read_at: None, ..in_step() });
        assert_eq!(word, "Not read yet");
        assert!(why.contains("hears no majority"), "{why}");
    }

    #[test]
    fn what_passes_and_what_people_must_mend_are_told_apart() {
        let with = |refused| {
            let because =
                "Cloudflare answers 403 Forbidden: Invalid access token (9109)".to_owned();
            let problem = PublishProblem { because, refused, next_try_at: None };
            told(&FabricPublisher { problem: Some(problem), half_written: true, ..in_step() })
        };
        let (word, why) = with(true);
        assert_eq!(word, "Refused");
        assert!(why.contains("token (9109). It does not pass by itself. Until then"), "{why}");
        let (word, why) = with(false);
        assert_eq!(word, "Tries again");
        assert!(why.contains("It passes by itself") && !why.contains("half-way"), "{why}");
    }

    #[test]
    fn edits_by_hand_say_what_becomes_of_them_and_a_dry_run_writes_over_none() {
        let edited = FabricPublisher { drift: vec!["~ a → b".to_owned()], ..in_step() };
        assert_eq!(standing(&edited).1, "Edited by hand");
        assert_eq!(
            of_drift(&edited),
            "1 record was edited by hand, and left alone (on_drift = \"report\"):"
        );
        let applies = FabricPublisher { applies: true, ..edited };
        assert!(of_drift(&applies).contains("written over"));
        let dry = FabricPublisher { dry_run: true, ..applies };
        assert!(of_drift(&dry).ends_with("left alone by this dry run:"));
    }

    #[test]
    fn what_is_to_be_written_is_not_promised_by_a_dry_run() {
        let waiting = FabricPublisher { waiting: vec!["+ a".to_owned()], ..in_step() };
        assert_eq!(
            (standing(&waiting).1, of_waiting(&waiting)),
            ("To be written", "To be written:")
        );
        let dry = FabricPublisher { dry_run: true, ..waiting };
        assert_eq!(standing(&dry), ("paused", "Differs"));
        assert!(of_waiting(&dry).starts_with("Would be written"));
        assert!(told(&dry).1.contains("writes nothing here"));
    }

    #[test]
    fn half_written_is_gone_on_with_and_by_somebody_else_in_a_dry_run() {
        let half = FabricPublisher { half_written: true, ..in_step() };
        let (word, why) = told(&half);
        assert_eq!(word, "Half written");
        assert!(why.ends_with("the next look goes on with it."), "{why}");
        let (_, why) = told(&FabricPublisher { dry_run: true, ..half });
        assert!(why.contains("one that writes goes on with it"), "{why}");
    }
}
