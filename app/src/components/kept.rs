//! What was typed into a form that was refused, which the form shows again; and what an act recorded.
//!
//! The server keeps the form in the session and names it in the address as `kept`. It writes what it
//! kept into the document, where the browser finds it before the page is taken over, so both show the
//! same. A page without `kept` in its address looks nothing up.

use std::sync::Arc;

use domain::event::EventId;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_location, use_query_map};

use crate::backend::{KeptForm, KeptWords, VersionRow};
use crate::components::time::Time;
use crate::encoding::read;
use crate::format::TimeShape;

/// So much of an event's id is shown where a link leads to the whole.
const ID_CHARS: usize = 8;

/// The refused form of this page load, if there is one; a context of every page.
#[derive(Clone)]
pub(crate) struct Kept(Option<Arc<KeptForm>>);

impl Kept {
    pub(crate) fn provide(form: Option<KeptForm>) {
        provide_context(Kept(form.map(Arc::new)));
    }
}

/// The page's sentences for what was wrong: a context that [`super::problem::Refused`] brings.
#[derive(Clone, Copy)]
pub(crate) struct Words(pub(crate) fn(&str) -> &'static str);

/// One form of a page, by its name: what was typed into it, if that was refused.
#[derive(Clone)]
pub(crate) struct Typed {
    name: String,
    kept: Option<Arc<KeptForm>>,
    words: Option<Words>,
}

/// Asked by each form for itself. The name is no other form's on the page, and begins the ids of its
/// fields.
pub(crate) fn typed(name: impl Into<String>) -> Typed {
    let name = name.into();
    let kept = use_context::<Kept>().and_then(|Kept(kept)| kept);
    let kept = kept.filter(|kept| kept.form == name && is_of_this_page(kept));
    Typed { words: kept.as_ref().and_then(|_| use_context()), name, kept }
}

/// What the server said of the form that was refused, where it said more than a word.
pub(crate) fn told() -> Option<KeptWords> {
    let kept = use_context::<Kept>().and_then(|Kept(kept)| kept);
    kept.filter(|kept| is_of_this_page(kept)).and_then(|kept| kept.told.clone())
}

/// The reader may have gone on to another page since.
fn is_of_this_page(kept: &KeptForm) -> bool {
    use_location().pathname.get_untracked() == kept.path
        && use_query_map().read_untracked().get("kept").is_some_and(|id| id == kept.id)
}

impl Typed {
    /// Tells the server which form it is. Without it nothing is kept.
    pub(crate) fn named(&self) -> AnyView {
        view! { <input type="hidden" name="form" value=self.name.clone() /> }.into_any()
    }

    /// Whether this form was refused: it stands open then.
    pub(crate) fn is_there(&self) -> bool {
        self.kept.is_some()
    }

    pub(crate) fn or(&self, field: &str, otherwise: impl Into<String>) -> String {
        let typed = self.kept.as_ref().and_then(|kept| kept.fields.get(field));
        typed.cloned().unwrap_or_else(|| otherwise.into())
    }

    /// A box or a choice that is not ticked is not sent at all.
    pub(crate) fn ticked(&self, field: &str, value: &str, otherwise: bool) -> bool {
        let is = |kept: &Arc<KeptForm>| kept.fields.get(field).is_some_and(|is| is == value);
        self.kept.as_ref().map_or(otherwise, is)
    }

    /// How many fields of a numbered kind there were.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        let names = self.kept.iter().flat_map(|kept| kept.fields.keys());
        names.filter(|name| name.starts_with(prefix)).count()
    }

    pub(crate) fn is_wrong(&self, field: &str) -> bool {
        self.is_first_wrong(field) || self.words_of(field).is_some()
    }

    /// Of several the first has the focus.
    fn is_first_wrong(&self, field: &str) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.field.as_deref() == Some(field))
    }

    fn words_of(&self, field: &str) -> Option<&String> {
        self.kept.as_ref()?.told.as_ref()?.wrong.get(field)
    }

    /// For `aria-invalid`.
    pub(crate) fn invalid(&self, field: &str) -> Option<&'static str> {
        self.is_wrong(field).then_some("true")
    }

    /// For `aria-describedby`. `hint`: the id of what describes the field anyhow.
    pub(crate) fn told_by(&self, field: &str, hint: Option<&str>) -> Option<String> {
        let wrong = self.is_wrong(field).then(|| self.why_id(field));
        let ids: Vec<String> = hint.map(str::to_owned).into_iter().chain(wrong).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// What is wrong with the field, to stand beside it.
    pub(crate) fn why(&self, field: &str) -> Option<AnyView> {
        let kept = self.kept.as_ref().filter(|_| self.is_wrong(field))?;
        let text = match (self.words_of(field), self.words) {
            (Some(own), _) => own.clone(),
            (None, Some(Words(words))) => beside_the_field(words(&kept.problem)),
            (None, None) => return None,
        };
        Some(view! { <p class="field-wrong" id=self.why_id(field)>{text}</p> }.into_any())
    }

    fn why_id(&self, field: &str) -> String {
        format!("{}-{field}-wrong", self.name)
    }

    /// Who changed the same first, and how.
    fn overtaken_by(&self) -> Option<VersionRow> {
        self.kept.as_ref()?.overtaken_by.clone()
    }
}

/// The top of the page says already that nothing was recorded; beside the field stands why.
fn beside_the_field(sentence: &str) -> String {
    let why = sentence.split_once(": ").map_or(sentence, |(_, why)| why);
    let mut chars = why.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// One line that is typed, with its label, and with what was wrong with it.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(crate) fn TextField(
    typed: Typed,
    name: &'static str,
    #[prop(into)] label: String,
    /// What stands there before anything is typed.
    #[prop(optional, into)]
    value: String,
    /// Where it is not made of the form's name and the field's.
    #[prop(optional)]
    id: &'static str,
    #[prop(default = "text")] kind: &'static str,
    /// Which keys a phone offers.
    #[prop(optional)]
    mode: Option<&'static str>,
    #[prop(optional)] length: Option<usize>,
    #[prop(optional)] required: bool,
    /// An id, a name of a place: nothing to be spelt.
    #[prop(optional)]
    literal: bool,
    /// The id of what describes the field.
    #[prop(optional)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let id = if id.is_empty() { format!("{}-{name}", typed.name) } else { id.to_owned() };
    let length = length.map(|length| length.to_string());
    let spellcheck = literal.then_some("false");
    view! {
        <label class="field" for=id.clone()>
            <span>{label}</span>
            <input id=id.clone() name=name type=kind inputmode=mode required=required maxlength=length value=typed.or(name, value) autocomplete="off" spellcheck=spellcheck aria-invalid=typed.invalid(name) aria-describedby=typed.told_by(name, hint) autofocus=typed.is_first_wrong(name) />
        </label>
        {typed.why(name)}
    }
    .into_any()
}

/// Two people changed the same at once, and this is the second: what the first one did. The form below
/// has what the second one typed, and what it says to have seen is what is in force now.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "components own what they are given")]
pub(crate) fn Overtaken(
    typed: Typed,
    /// What is in force.
    #[prop(into)]
    now: String,
) -> impl IntoView {
    typed.overtaken_by().map(|VersionRow { at, by, event_id, changes }| {
        let by = by.unwrap_or_else(|| "A program".to_owned());
        let changes =
            if changes.is_empty() { String::new() } else { format!(": {}", changes.join("; ")) };
        view! {
            <p class="held overtaken">
                <strong>{by} " changed it at " <Time at shape=TimeShape::Second /></strong>
                {changes} " (" <A href=format!("/ledger/{event_id}")>"the event"</A> "). "
                {format!("Below is what you typed; what is in force now is {now}. Sent again, yours takes its place.")}
            </p>
        }
    })
}

/// The event that the act recorded which led here, as its redirect names it.
#[component]
pub(crate) fn Recorded() -> impl IntoView {
    let query = use_query_map();
    let event = Memo::new(move |_| query.read().get("done").and_then(|text| event_id(&text)));
    move || {
        event.get().map(|id| {
            let short: String = id.chars().take(ID_CHARS).collect();
            view! {
                <p class="recorded" role="status">
                    "What was recorded stands in the ledger: " <A href=format!("/ledger/{id}")>{format!("event {short}…")}</A>
                </p>
            }
        })
    }
}

/// An address says what it likes: only what may be an event's id leads to one.
fn event_id(text: &str) -> Option<String> {
    read::<EventId>(&format!("\"{text}\"")).ok().map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn words(code: &str) -> &'static str {
        if code == "price" { "Nothing was recorded: the price must be a number." } else { "No." }
    }

    fn refused(field: Option<&str>) -> Typed {
        let fields = [("price", "12,5"), ("reason", ""), ("active", "yes")];
        let fields: BTreeMap<_, _> =
            fields.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let kept = KeptForm {
            id: "1".to_owned(),
            path: "/optimizer".to_owned(),
            form: "propose".to_owned(),
            problem: "price".to_owned(),
            field: field.map(str::to_owned),
            fields,
            told: None,
            overtaken_by: None,
        };
        let kept = Some(Arc::new(kept));
        Typed { name: "propose".to_owned(), kept, words: Some(Words(words)) }
    }

    #[test]
    fn a_refused_form_has_what_was_typed_and_marks_the_field_that_was_wrong() {
        let typed = refused(Some("price"));
        assert_eq!(typed.or("price", "100"), "12,5");
        assert_eq!(typed.or("reason", "as usual"), "", "what was emptied stays empty");
        assert_eq!(typed.or("cap", "5"), "5");
        assert_eq!((typed.count("pri"), typed.count("uptime")), (1, 0));
        assert!(typed.ticked("active", "yes", false) && !typed.ticked("standing", "on", true));
        assert_eq!((typed.invalid("price"), typed.invalid("reason")), (Some("true"), None));
        let told_by = typed.told_by("price", Some("hint"));
        assert_eq!(told_by.as_deref(), Some("hint propose-price-wrong"));
        assert_eq!(typed.told_by("reason", None), None);
    }

    #[test]
    fn every_field_that_was_wrong_is_marked_in_its_own_words_and_the_first_has_the_focus() {
        let mut typed = refused(Some("price"));
        let wrong = [("price", "“12,5” is not a number."), ("reason", "Must not be blank.")];
        let wrong = wrong.map(|(field, why)| (field.to_owned(), why.to_owned())).into();
        let told = KeptWords { sentence: "2 are wrong.".to_owned(), proposal_id: None, wrong };
        let kept = typed.kept.as_deref().cloned().expect("it is kept");
        typed.kept = Some(Arc::new(KeptForm { told: Some(told), ..kept }));
        assert_eq!(["price", "reason", "cap"].map(|it| typed.is_wrong(it)), [true, true, false]);
        assert!(typed.is_first_wrong("price") && !typed.is_first_wrong("reason"));
        assert_eq!(typed.words_of("reason").map(String::as_str), Some("Must not be blank."));
    }

    #[test]
    fn a_form_that_was_not_refused_stands_as_it_is() {
        let typed = Typed { name: "auto".to_owned(), kept: None, words: None };
        assert!(!typed.is_there() && typed.ticked("active", "yes", true));
        assert_eq!(typed.or("reason", "as usual"), "as usual");
        assert_eq!(typed.told_by("until", Some("hint")).as_deref(), Some("hint"));
    }

    #[test]
    fn beside_the_field_stands_what_is_wrong_with_it() {
        assert_eq!(beside_the_field(words("price")), "The price must be a number.");
        assert_eq!(beside_the_field("No."), "No.");
    }

    #[test]
    fn only_what_may_be_an_event_is_linked() {
        let id = "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b";
        assert_eq!(event_id(id).as_deref(), Some(id));
        for text in ["", "x", "../keys", "0192f4c1-7a3e-7c40-b1d2-93f0a6548e2"] {
            assert_eq!(event_id(text), None, "{text}");
        }
    }
}
