//! The sign-in form and the way out.
//!
//! Whoever fails learns nothing about who exists: every failure is the same answer after the same
//! work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::catalog::{NAME_CHARS_MAX, UserPut};
use serde::Deserialize;
use tower_sessions::Session;

use super::next::{local, query_value};
use super::password::PASSWORD_BYTES_MAX;
use super::principal::{ClientAddress, MaybePrincipal};
use super::{Identity, credential, demonstration, session, user};
use crate::problem::Problem;

#[derive(Deserialize)]
pub(super) struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Why somebody who is signed in did not prove again who they are.
#[derive(Debug)]
pub(crate) enum Unproven {
    Wrong,
    RateLimited(Duration),
    Unavailable(String),
}

/// Why nobody was signed in. The names stand in the sign-in page's address.
#[derive(Debug)]
enum Refusal {
    BadCredentials,
    RateLimited(Duration),
    Unavailable(String),
}

pub(super) async fn sign_in(
    State(identity): State<Arc<Identity>>,
    session: Session,
    address: ClientAddress,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(cause) => {
            let detail = format!("The sign-in form cannot be read: {cause}");
            return Problem::malformed(detail).into_response();
        }
    };
    match identity.sign_in(&session, address, &form).await {
        Ok(()) => Redirect::to(local(&form.next)).into_response(),
        Err(refusal) => refusal.into_response(form.email.trim(), &form.next),
    }
}

impl Identity {
    async fn sign_in(
        &self,
        session: &Session,
        address: ClientAddress,
        form: &SignIn,
    ) -> Result<(), Refusal> {
        let login = form.email.trim();
        if login.chars().count() > NAME_CHARS_MAX || form.password.len() > PASSWORD_BYTES_MAX {
            return Err(Refusal::BadCredentials);
        }
        self.attempts.take(address, login, Instant::now()).map_err(Refusal::RateLimited)?;
        let user = self.prove(login, form.password.clone()).await.inspect_err(|refusal| {
            if matches!(refusal, Refusal::Unavailable(_)) {
                self.attempts.give_back(address, login);
            }
        })?;
        self.attempts.give_back(address, login);
        session::begin(session, &user.login).await.map_err(Refusal::unavailable)?;
        tracing::info!(login = user.login, address = %address.0, "signed in");
        Ok(())
    }

    /// Somebody who is signed in says their password again. A wrong one counts as an attempt to sign in.
    pub(crate) async fn prove_again(
        &self,
        login: &str,
        address: ClientAddress,
        password: String,
    ) -> Result<(), Unproven> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(Unproven::Wrong);
        }
        self.attempts.take(address, login, Instant::now()).map_err(Unproven::RateLimited)?;
        let proven = self.prove(login, password).await;
        if !matches!(proven, Err(Refusal::BadCredentials)) {
            self.attempts.give_back(address, login);
        }
        match proven {
            Ok(_) => Ok(()),
            Err(Refusal::BadCredentials) => Err(Unproven::Wrong),
            Err(Refusal::RateLimited(wait)) => Err(Unproven::RateLimited(wait)),
            Err(Refusal::Unavailable(cause)) => Err(Unproven::Unavailable(cause)),
        }
    }

    /// The active user to whom login and password belong.
    async fn prove(&self, login: &str, password: String) -> Result<UserPut, Refusal> {
        let user = user::find(&self.pool, login).await.map_err(Refusal::unavailable)?;
        let exact = user.as_ref().map_or(login, |user| user.login.as_str());
        let verifier = credential::password(&self.pool, exact).await;
        let verifier = verifier.map_err(Refusal::unavailable)?;
        // Known to everybody: worth nothing should a demonstration's database be served in earnest.
        let is_public = password == demonstration::PASSWORD && !self.settings.demonstration;
        let matches = self.passwords.matches(password, verifier).await;
        let matches = matches.map_err(Refusal::unavailable)? && !is_public;
        user.filter(|user| user.active && matches).ok_or(Refusal::BadCredentials)
    }
}

impl Refusal {
    fn unavailable(cause: impl std::fmt::Display) -> Self {
        Refusal::Unavailable(cause.to_string())
    }

    const fn code(&self) -> &'static str {
        match self {
            Refusal::BadCredentials => "bad_credentials",
            Refusal::RateLimited(_) => "rate_limited",
            Refusal::Unavailable(_) => "unavailable",
        }
    }

    /// Back to the form. `email` as it was typed, so it says nothing new.
    fn into_response(self, email: &str, next: &str) -> Response {
        let email: String = email.chars().take(NAME_CHARS_MAX).collect();
        let (code, next) = (self.code(), query_value(local(next)));
        let form = format!("/sign-in?error={code}&email={}&next={next}", query_value(&email));
        match self {
            Refusal::BadCredentials => Redirect::to(&form).into_response(),
            Refusal::RateLimited(wait) => too_many(&form, wait),
            Refusal::Unavailable(cause) => {
                tracing::error!(cause, "nobody can be signed in");
                Redirect::to(&form).into_response()
            }
        }
    }
}

/// 429 for programs, which for people leads on to the form at once.
fn too_many(form: &str, wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><title>Too many attempts</title>\
         <p>Too many attempts. Try again in {seconds} seconds: \
         <a href=\"{}\">back to the sign-in</a>.</p></html>",
        form.replace('&', "&amp;")
    );
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Html(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    // Percent-encoded, hence ASCII.
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={form}")) {
        headers.insert(HeaderName::from_static("refresh"), refresh);
    }
    response
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct SignOut {
    /// Out of every browser at this cloud, not only this one.
    #[serde(default)]
    everywhere: bool,
}

pub(super) async fn sign_out(
    State(identity): State<Arc<Identity>>,
    session: Session,
    MaybePrincipal(principal): MaybePrincipal,
    form: Result<Form<SignOut>, FormRejection>,
) -> Result<Redirect, Problem> {
    // The button's form is empty, so it may come without a content type.
    let Form(SignOut { everywhere }) = form.unwrap_or_default();
    if let Some(principal) = principal.filter(|_| everywhere) {
        identity.sign_out_everywhere(&principal.login).await?;
    }
    let flushed = session.flush().await;
    flushed.map_err(|cause| Problem::database(&sqlx::Error::Protocol(cause.to_string())))?;
    Ok(Redirect::to("/sign-in?error=signed_out"))
}
