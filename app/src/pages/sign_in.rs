//! The sign-in page: a form for people, and in the demonstration its five people at one press.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use crate::backend::{DemonstrationLogin, Session};
use crate::components::icon::Icon;
use crate::components::triad::Mark;
use crate::shell::CurrentSession;

#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let CurrentSession(session) = expect_context();
    view! {
        <Title text="Sign in" />
        <main class="door">
            {session.map(|session| view! { <Door session /> })}
        </main>
    }
    .into_any()
}

#[component]
fn Door(session: Session) -> impl IntoView {
    let query = use_query_map();
    let asked = |name: &str| query.read_untracked().get(name).filter(|value| !value.is_empty());
    let next = asked("next").filter(|next| is_ours(next)).unwrap_or_else(|| "/".to_owned());
    if session.viewer.is_some() {
        return view! { <Redirect path=next /> }.into_any();
    }
    let deployment = session.deployment;
    let logins = deployment.demonstration_logins;
    let single = logins.is_empty();
    let demonstration = (!single).then(|| view! { <Demonstration logins next=next.clone() /> });
    view! {
        <div class="door-grid" class:door-single=single>
            <section class="door-form">
                <Mark size=56 />
                <h1>"Ternion"</h1>
                <p class="door-promise">"An event is final when two of three clouds have signed for it."</p>
                <SignInForm next error=asked("error") email=asked("email") />
                <p class="provenance">
                    <span>{deployment.name}</span>
                    <span>{format!("served by {}", deployment.cloud)}</span>
                    <span>{deployment.version}</span>
                </p>
            </section>
            {demonstration}
        </div>
    }
    .into_any()
}

/// Only a path of this site: an address elsewhere would make the sign-in a springboard.
fn is_ours(next: &str) -> bool {
    next.starts_with('/') && !next.starts_with("//") && !next.contains('\\')
}

fn error_sentence(code: &str) -> &'static str {
    match code {
        "bad_credentials" => "This e-mail address and password do not belong together.",
        "rate_limited" => "Too many attempts. Wait a minute, then try again.",
        "unavailable" => {
            "Nobody can be signed in just now: the database is away. Try again in a moment."
        }
        "signed_out" => "You have signed out.",
        _ => "Signing in failed. Try again.",
    }
}

#[component]
fn SignInForm(next: String, error: Option<String>, email: Option<String>) -> impl IntoView {
    let invalid = error.as_deref() == Some("bad_credentials");
    let message = error.map(|code| {
        view! { <p id="sign-in-error" class="form-error" role="alert">{error_sentence(&code)}</p> }
    });
    let described = message.is_some().then_some("sign-in-error");
    view! {
        <form class="stack" method="post" action="/sign-in">
            <input type="hidden" name="next" value=next />
            {message}
            <label class="field">
                <span>"E-mail"</span>
                <input name="email" type="email" autocomplete="username" required value=email aria-invalid=invalid.then_some("true") aria-describedby=described />
            </label>
            <label class="field">
                <span>"Password"</span>
                <input name="password" type="password" autocomplete="current-password" required aria-invalid=invalid.then_some("true") aria-describedby=described />
            </label>
            <button class="button button-first button-wide" type="submit">"Sign in"</button>
        </form>
    }
}

/// Each person is a small form: one press signs in, with or without WebAssembly.
#[component]
fn Demonstration(logins: Vec<DemonstrationLogin>, next: String) -> impl IntoView {
    let password = logins.first().map(|login| login.password.clone()).unwrap_or_default();
    let shared = logins.iter().all(|login| login.password == password);
    let people = logins
        .into_iter()
        .map(|login| view! { <Person login next=next.clone() show_password=!shared /> })
        .collect_view();
    view! {
        <section class="door-people" aria-labelledby="people-title">
            <h2 id="people-title">"This is a demonstration"</h2>
            <p class="muted">
                "Three clouds run on this computer with invented tenants. Come in as one of these people"
                {shared.then(|| view! { "; the password of each is " <code>{password}</code> })} "."
            </p>
            <ul class="people">{people}</ul>
        </section>
    }
}

#[component]
fn Person(login: DemonstrationLogin, next: String, show_password: bool) -> impl IntoView {
    let DemonstrationLogin { email, password, role, purpose } = login;
    let shown = show_password.then(|| view! { <code>{password.clone()}</code> });
    view! {
        <li>
            <form method="post" action="/sign-in">
                <input type="hidden" name="next" value=next />
                <input type="hidden" name="email" value=email.clone() />
                <input type="hidden" name="password" value=password.clone() />
                <button class="person" type="submit">
                    <span class="person-role">{role.name()}</span>
                    <span class="person-email">{email} " " {shown}</span>
                    <span class="person-purpose">{purpose}</span>
                    <span class="person-go">{Icon::Arrow.view()}</span>
                </button>
            </form>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_only_to_this_site() {
        assert!(is_ours("/ledger?q=1"));
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert!(!is_ours(elsewhere), "{elsewhere}");
        }
    }
}
