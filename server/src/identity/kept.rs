//! What was typed into forms that were refused: kept in the session of who typed it, where the page
//! that they are led back to finds it.

use app::backend::KeptForm;
use serde_json::Value;
use tower_sessions::session::Record;
use tower_sessions::{Session, SessionStore as _};

use super::Identity;

/// Somebody works at a form or two at once; a session is read with every request.
const FORMS_MAX: usize = 4;
/// Names and texts of one form. The longest, a scenario's, has notes of 4,000 characters, which take
/// three bytes each in most of the alphabets that take more than one.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// A field with one of these in its name is not kept: whoever reads the database learns no secret.
const SECRET: [&str; 4] = ["password", "passphrase", "secret", "token"];

const KEPT: &str = "kept";
/// Only told from the others of one session.
const ID_BYTES: usize = 8;

fn is_secret(field: &str) -> bool {
    let field = field.to_lowercase();
    SECRET.iter().any(|secret| field.contains(secret))
}

/// Without its secrets; nothing where that is more than is kept.
fn fit_to_keep(mut form: KeptForm) -> Option<KeptForm> {
    form.fields.retain(|name, _| !is_secret(name));
    let fields = form.fields.iter().map(|(name, text)| name.len() + text.len());
    let bytes = form.path.len() + form.form.len() + fields.sum::<usize>();
    (bytes <= FORM_BYTES_MAX).then_some(form)
}

/// What another version of this program wrote is as good as nothing.
fn read(kept: Option<&Value>) -> Vec<KeptForm> {
    kept.cloned().and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}

/// One more, and not more than are kept: the oldest goes.
fn with(mut forms: Vec<KeptForm>, form: KeptForm) -> Vec<KeptForm> {
    forms.push(form);
    let first = forms.len().saturating_sub(FORMS_MAX);
    forms.split_off(first)
}

fn find(forms: Vec<KeptForm>, id: &str, path: &str) -> Option<KeptForm> {
    forms.into_iter().find(|form| form.id == id && form.path == path)
}

impl Identity {
    /// Keeps a form in its sender's session, under an id that it gives it. None: it could not be kept,
    /// which is no reason not to say what was wrong with it.
    pub async fn keep_form(&self, session: &Session, mut form: KeptForm) -> Option<String> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        form.id = hex::encode(bytes);
        let (id, form) = (form.id.clone(), fit_to_keep(form)?);
        let kept = self.keep(session, form).await;
        let told = kept.inspect_err(|cause| tracing::warn!(%cause, "a refused form is not kept"));
        told.ok().flatten().map(|()| id)
    }

    /// Written here and not by the middleware after the answer, which would turn a database that is
    /// away into an answer that says nothing of the form.
    async fn keep(
        &self,
        session: &Session,
        form: KeptForm,
    ) -> Result<Option<()>, tower_sessions::session_store::Error> {
        let Some(id) = session.id() else { return Ok(None) };
        let Some(mut record) = self.sessions.load(&id).await? else { return Ok(None) };
        let forms = with(read(record.data.get(KEPT)), form);
        let Ok(forms) = serde_json::to_value(forms) else { return Ok(None) };
        let Record { data, .. } = &mut record;
        data.insert(KEPT.to_owned(), forms.clone());
        self.sessions.save(&record).await?;
        // This request put the session's end off: the middleware writes the session as it knows it.
        if session.is_modified() {
            drop(session.insert_value(KEPT, forms).await);
        }
        Ok(Some(()))
    }

    /// The form that was kept under that id for the page at that path.
    pub async fn kept_form(&self, session: &Session, id: &str, path: &str) -> Option<KeptForm> {
        let forms: Option<Value> = session.get_value(KEPT).await.ok().flatten();
        find(read(forms.as_ref()), id, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(id: &str, fields: &[(&str, &str)]) -> KeptForm {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        KeptForm {
            id: id.to_owned(),
            path: "/optimizer".to_owned(),
            form: "propose".to_owned(),
            problem: "reason".to_owned(),
            field: None,
            fields: fields.iter().map(owned).collect(),
            told: None,
            overtaken_by: None,
        }
    }

    #[test]
    fn passwords_and_tokens_are_never_kept() {
        let typed = [
            ("reason", "thin"),
            ("password", "hunter2"),
            ("newPassword", "hunter3"),
            ("apiToken", "t"),
            ("client_secret", "s"),
        ];
        let kept = fit_to_keep(form("1", &typed)).expect("small enough");
        assert_eq!(kept.fields.into_iter().collect::<Vec<_>>(), [("reason".into(), "thin".into())]);
    }

    #[test]
    fn a_form_that_is_too_large_is_not_kept_in_part() {
        let long = "x".repeat(FORM_BYTES_MAX);
        assert!(fit_to_keep(form("1", &[("notes", &long)])).is_none());
        assert!(fit_to_keep(form("1", &[("password", &long)])).is_some());
        let notes = "字".repeat(4_000);
        assert!(fit_to_keep(form("1", &[("notes", &notes), ("name", "Dearer")])).is_some());
    }

    #[test]
    fn the_last_few_are_kept() {
        let mut forms = Vec::new();
        for number in 0..FORMS_MAX + 2 {
            forms = with(forms, form(&number.to_string(), &[]));
        }
        let ids: Vec<&str> = forms.iter().map(|form| form.id.as_str()).collect();
        assert_eq!(ids, ["2", "3", "4", "5"]);
    }

    #[test]
    fn a_form_is_found_on_its_own_page_alone() {
        let forms = || vec![form("1", &[]), form("2", &[])];
        assert_eq!(find(forms(), "2", "/optimizer").map(|form| form.id).as_deref(), Some("2"));
        assert!(find(forms(), "2", "/approvals").is_none());
        assert!(find(forms(), "3", "/optimizer").is_none());
        let stored = serde_json::to_value(forms()).expect("JSON");
        assert_eq!(read(Some(&stored)), forms());
        assert!(read(Some(&Value::from("older"))).is_empty() && read(None).is_empty());
    }
}
