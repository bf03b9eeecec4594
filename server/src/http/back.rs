//! What the forms of pages have in common: reading one, and leading back to its page, which says what
//! was recorded, or what was wrong with what was typed.

use std::collections::BTreeMap;

use app::backend::{KeptForm, KeptWords};
use axum::body::{Body, Bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, FromRequestParts as _, Request};
use axum::response::Redirect;
use domain::event::EventId;
use serde::de::DeserializeOwned;
use tower_sessions::Session;

use super::ask::in_words;
use super::{Services, Shared};
use crate::identity::{Principal, Via, query_value};
use crate::problem::Problem;

/// So long a page waits to show what was done as done.
pub(super) const EFFECT_MS: u64 = 2_500;

/// The field by which a form says which of its page's it is.
const FORM: &str = "form";

/// What a form says.
///
/// # Errors
/// It is none, or not of this page.
pub(super) fn read_form<T>(form: Result<Form<T>, FormRejection>) -> Result<T, Problem> {
    match form {
        Ok(Form(wanted)) => Ok(wanted),
        Err(cause) => {
            Err(Problem::malformed(format!("The form cannot be read: {}.", in_words(&cause))))
        }
    }
}

/// A form that somebody sent: what it says, and as it was typed.
pub(super) struct Sent<T> {
    pub(super) wanted: T,
    pub(super) typed: Typed,
}

/// A form as it was typed. No `Debug`: it may hold a password.
pub(super) struct Typed {
    fields: BTreeMap<String, String>,
    /// Of the browser that sent it; programs have none.
    session: Option<Session>,
    /// The page shows the problem's own words, and not the sentence that it has for its code.
    tells: bool,
}

impl<T: DeserializeOwned + Send> FromRequest<Shared> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let principal = Principal::from_request_parts(&mut parts, shared).await?;
        let session = parts.extensions.get::<Session>().cloned();
        let session = session.filter(|_| principal.via == Via::Session);
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(whole, shared).await;
        let bytes = bytes.map_err(|cause| {
            Problem::malformed(format!("The form cannot be read: {}", cause.body_text()))
        })?;
        let again = || Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let wanted = read_form(Form::<T>::from_request(again(), shared).await)?;
        let fields = read_form(Form::<Vec<(String, String)>>::from_request(again(), shared).await)?;
        Ok(Sent {
            wanted,
            typed: Typed { fields: fields.into_iter().collect(), session, tells: false },
        })
    }
}

/// Which word tells what was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The field of an invalid form, and otherwise the problem's code.
    FieldOfInvalid,
    /// The field, where the problem names one.
    Field,
    Code,
}

impl Word {
    fn of(self, problem: &Problem) -> &str {
        let by_field = match self {
            Word::FieldOfInvalid => problem.code == "invalid",
            Word::Field => true,
            Word::Code => false,
        };
        field_of(problem).filter(|_| by_field).unwrap_or(problem.code)
    }
}

/// The first field that is wrong, by its own name.
fn field_of(problem: &Problem) -> Option<&str> {
    problem.errors.first().and_then(|error| error.field.rsplit('/').next())
}

/// What the page says of it. Fields of forms are told by their names there; of a refusal the sentence.
fn words(problem: &Problem, name: impl Fn(&str) -> String) -> KeptWords {
    let of_field = |field: &str| field.rsplit('/').next().map(&name);
    let wrong = problem.errors.iter();
    let wrong = wrong.filter_map(|it| Some((of_field(&it.field)?, sentence(&it.reason))));
    let wrong: BTreeMap<String, String> = wrong.collect();
    let sentence = match (problem.code, wrong.len()) {
        ("invalid", 0) => problem.detail.clone(),
        ("invalid", 1) => wrong.values().cloned().collect(),
        ("invalid", many) => format!("{many} fields are wrong; beside each stands why."),
        _ => problem.detail.clone(),
    };
    let is_invalid = problem.code == "invalid";
    let wrong = if is_invalid { wrong } else { BTreeMap::new() };
    KeptWords { sentence, proposal_id: problem.proposal_id.map(|id| id.to_string()), wrong }
}

/// A reason that follows a field's name stands by itself: `must not be blank` is about that field.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest = chars.as_str();
    let end = if reason.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{rest}{end}")
}

/// The name in a form of a field that problems name as events do. `names`: those that differ.
pub(super) fn in_form(field: &str, names: &[(&str, &str)]) -> String {
    let found = names.iter().find(|(of_event, _)| *of_event == field);
    found.map_or(field, |(_, in_form)| *in_form).to_owned()
}

impl Typed {
    /// Back to `page` with what was wrong: its word, and what was typed. `name`: what the form calls a
    /// field that the problem names.
    ///
    /// # Errors
    /// The problem itself, where it is not one of the form.
    pub(super) async fn refused(
        self,
        shared: &Services,
        page: &str,
        problem: Problem,
        word: Word,
        name: impl Fn(&str) -> String,
    ) -> Result<Redirect, Problem> {
        if problem.status >= 500 && problem.code != "busy" {
            return Err(problem);
        }
        let field = field_of(&problem).map(&name);
        let told = self.tells.then(|| words(&problem, name));
        Ok(self.back(shared, page, word.of(&problem), field, told).await)
    }

    /// The page is to show what the problem says.
    pub(super) fn telling(self) -> Self {
        Typed { tells: true, ..self }
    }

    /// Back to `page`: the box that says what was looked at was not ticked.
    pub(super) async fn not_confirmed(self, shared: &Services, page: &str) -> Redirect {
        self.back(shared, page, "not_confirmed", Some("confirmed".to_owned()), None).await
    }

    /// Back to `page` with the word for what was wrong. `field`: by its name in the form.
    async fn back(
        self,
        shared: &Services,
        page: &str,
        problem: &str,
        field: Option<String>,
        told: Option<KeptWords>,
    ) -> Redirect {
        let kept = self.keep(shared, page, problem, field, told).await;
        let mut pairs = vec![("problem", problem.to_owned())];
        pairs.extend(kept.map(|id| ("kept", id)));
        Redirect::to(&with(page, &pairs))
    }

    /// The id under which the page finds it. A form that does not say which it is has no place to be
    /// shown in again.
    async fn keep(
        self,
        shared: &Services,
        page: &str,
        problem: &str,
        field: Option<String>,
        told: Option<KeptWords>,
    ) -> Option<String> {
        let form = self.fields.get(FORM).filter(|form| !form.is_empty())?.clone();
        let kept = KeptForm {
            id: String::new(),
            path: page.split(['?', '#']).next().unwrap_or_default().to_owned(),
            form,
            problem: problem.to_owned(),
            field,
            fields: self.fields,
            told,
            overtaken_by: None,
        };
        shared.identity.keep_form(self.session.as_ref()?, kept).await
    }
}

/// On to `page`, which says what was recorded.
pub(super) fn done(page: &str, event: Option<EventId>) -> Redirect {
    let pairs: Vec<_> = event.map(|id| ("done", id.to_string())).into_iter().collect();
    Redirect::to(&with(page, &pairs))
}

/// More in a page's query, before its fragment.
pub(super) fn with(page: &str, pairs: &[(&str, String)]) -> String {
    let (address, fragment) = page.split_once('#').map_or((page, None), |(a, b)| (a, Some(b)));
    let mut address = address.to_owned();
    for (name, text) in pairs {
        let mark = match address.find('?') {
            None => "?",
            Some(at) if at + 1 == address.len() => "",
            Some(_) => "&",
        };
        address.push_str(&format!("{mark}{name}={}", query_value(text)));
    }
    if let Some(fragment) = fragment {
        address.push_str(&format!("#{fragment}"));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_by_its_field_and_else_by_its_code() {
        let bands = Problem::invalid("They rise.").field("/payload/sla/bands", "rise");
        let closed = Problem::conflict("It is closed.").field("/state", "is closed");
        let busy = Problem::busy("Too much.");
        let told = |word: Word| [word.of(&bands), word.of(&closed), word.of(&busy)];
        assert_eq!(told(Word::FieldOfInvalid), ["bands", "conflict", "busy"]);
        assert_eq!(told(Word::Field), ["bands", "state", "busy"]);
        assert_eq!(told(Word::Code), ["invalid", "conflict", "busy"]);
    }

    #[test]
    fn an_address_keeps_its_query_and_its_fragment() {
        let pairs = [("problem", "not so".to_owned()), ("kept", "1".to_owned())];
        for (page, leads_to) in [
            ("/fabric", "/fabric?problem=not%20so&kept=1"),
            ("/billing?period=2026-10", "/billing?period=2026-10&problem=not%20so&kept=1"),
            ("/optimizer#propose-title", "/optimizer?problem=not%20so&kept=1#propose-title"),
            ("/a?b=c#d?e", "/a?b=c&problem=not%20so&kept=1#d?e"),
        ] {
            assert_eq!(with(page, &pairs), leads_to);
        }
        assert_eq!(with("/fabric", &[]), "/fabric");
    }
}
