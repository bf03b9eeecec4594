//! Finds out, before any handler runs, who is asking: by bearer token or by session.
//!
//! A request with an `Authorization` header is judged by it alone, so that a browser's cookie can
//! never stand behind a token.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::principal::{Finding, Principal, Via};
use super::token::{TOKEN_CHARS_MAX, TOKEN_PREFIX, verifier};
use super::{Identity, credential, session, user};
use crate::problem::Problem;

pub(super) async fn authenticate(
    State(identity): State<Arc<Identity>>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let finding = if request.headers().contains_key(header::AUTHORIZATION) {
        match identity.by_header(request.headers()).await {
            Ok(principal) => Finding::Known(principal),
            Err(problem) => return problem.into_response(),
        }
    } else {
        identity.by_session(&session).await
    };
    request.extensions_mut().insert(finding);
    next.run(request).await
}

/// The token of a well-formed `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim();
    let is_token = !token.is_empty() && token.len() <= TOKEN_CHARS_MAX;
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

/// One answer for every token that does not hold: why it does not is nobody's business.
fn no_such_token() -> Problem {
    Problem::unauthenticated(
        "The token in the Authorization header is not known here, has expired or was revoked. \
         An admin makes one with `ternion token create`.",
    )
}

impl Identity {
    async fn by_header(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        let Some(token) = bearer(headers) else {
            let detail = "The Authorization header must be `Bearer` and a token.";
            return Err(Problem::unauthenticated(detail));
        };
        // The demonstration's tokens are public: outside it they must not work even if the
        // database of a demonstration is served by mistake.
        if !token.starts_with(TOKEN_PREFIX) && !self.settings.demonstration {
            return Err(no_such_token());
        }
        let (verifier, now) = (verifier(token), Instant::now());
        if let Some(principal) = self.tokens.get(&verifier, now) {
            return Ok(principal);
        }
        let generation = self.tokens.generation();
        let principal = self.by_token(&verifier).await?;
        self.tokens.keep(verifier, principal.clone(), generation, now);
        Ok(principal)
    }

    async fn by_token(&self, verifier: &str) -> Result<Principal, Problem> {
        let token = credential::token(&self.pool, verifier).await?.ok_or_else(no_such_token)?;
        let owner = user::find(&self.pool, &token.login).await?.filter(|user| user.active);
        let owner = owner.ok_or_else(no_such_token)?;
        Ok(Principal::new(owner, Via::Token(token.id)))
    }

    async fn by_session(&self, session: &Session) -> Finding {
        match self.session_owner(session).await {
            Ok(Some(principal)) => Finding::Known(principal),
            Ok(None) => Finding::Stranger,
            Err(problem) => Finding::Unavailable(Box::new(problem)),
        }
    }

    /// Asks each time: a user who was deactivated is out with the next request, and one whose
    /// role changed has the new one.
    async fn session_owner(&self, session: &Session) -> Result<Option<Principal>, Problem> {
        let Some(login) = session::login(session).await.map_err(unavailable)? else {
            return Ok(None);
        };
        match user::find(&self.pool, &login).await? {
            Some(user) if user.active => {
                session::touch(session, crate::now()).await.map_err(unavailable)?;
                Ok(Some(Principal::new(user, Via::Session)))
            }
            Some(_) => {
                session.flush().await.map_err(unavailable)?;
                Ok(None)
            }
            // Not known, such as while projections are rebuilt: a stranger for now.
            None => Ok(None),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unavailable(cause: tower_sessions::session::Error) -> Problem {
    Problem::database(&sqlx::Error::Protocol(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_bearer_token_is_read() {
        let read = |text: &str| {
            let value = HeaderValue::from_str(text).expect("a header's value");
            bearer(&HeaderMap::from_iter([(header::AUTHORIZATION, value)])).map(str::to_owned)
        };
        assert_eq!(read("Bearer demo-admin"), Some("demo-admin".to_owned()));
        assert_eq!(read("bearer demo-admin"), Some("demo-admin".to_owned()));
        for refused in ["Bearer", "Bearer ", "Basic YTpi", "demo-admin"] {
            assert_eq!(read(refused), None, "{refused}");
        }
        assert_eq!(read(&format!("Bearer {}", "x".repeat(TOKEN_CHARS_MAX + 1))), None);
    }
}
