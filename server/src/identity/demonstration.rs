//! The demonstration's people and programs. Their secrets are printed on the sign-in page, so
//! they are made only when the configuration says that this is a demonstration, and refused
//! otherwise.

use app::backend::DemonstrationLogin;
use domain::access::Role;
use domain::catalog::{Known, UserPut};
use domain::clock::Timestamp;
use sqlx::PgPool;

use super::credential::{self, Credential, CredentialKind};
use super::password::{PasswordError, hash_salted};
use super::token;

pub const PASSWORD: &str = "three clouds agree";
/// The program that submits the demonstration's traffic.
pub const INGEST_LOGIN: &str = "demo-ingest";

struct Person {
    login: &'static str,
    name: &'static str,
    role: Role,
    purpose: &'static str,
    /// Its bearer token.
    token: &'static str,
}

const PEOPLE: [Person; 5] = [
    Person {
        login: "controller@ternion.example",
        name: "Carla Conti",
        role: Role::Controller,
        purpose: "Reads usage and tenants, and sees that every event is final before it is charged.",
        token: "demo-controller",
    },
    Person {
        login: "auditor@ternion.example",
        name: "Amir Audley",
        role: Role::Auditor,
        purpose: "Reads everything, changes nothing, and checks receipts on his own machine.",
        token: "demo-auditor",
    },
    Person {
        login: "admin@ternion.example",
        name: "Ada Minh",
        role: Role::Admin,
        purpose: "Changes tenants and users, and stops clouds in the fault lab.",
        token: "demo-admin",
    },
    Person {
        login: "admin2@ternion.example",
        name: "Ben Okafor",
        role: Role::Admin,
        purpose: "The second pair of eyes, where one admin alone may not decide.",
        token: "demo-admin2",
    },
    Person {
        login: "admin3@ternion.example",
        name: "Chiara Lind",
        role: Role::Admin,
        purpose: "The third, where two others must agree: the policy, and contracts.",
        token: "demo-admin3",
    },
];

/// What the sign-in page shows.
#[must_use]
pub fn logins() -> Vec<DemonstrationLogin> {
    let login = |person: &Person| DemonstrationLogin {
        email: person.login.to_owned(),
        password: PASSWORD.to_owned(),
        role: person.role,
        purpose: person.purpose.to_owned(),
    };
    PEOPLE.iter().map(login).collect()
}

/// The decisions that make these users, to be recorded once by one cloud.
#[must_use]
pub fn user_puts() -> Vec<Known> {
    let user = |login: &str, name: &str, role| {
        let (login, name) = (login.to_owned(), name.to_owned());
        Known::UserPut(UserPut { login, name, role, active: true })
    };
    let people = PEOPLE.iter().map(|person| user(person.login, person.name, person.role));
    people.chain([user(INGEST_LOGIN, "Metering pipeline", Role::Ingest)]).collect()
}

/// The logins of all of them.
pub fn every_login() -> impl Iterator<Item = &'static str> {
    PEOPLE.iter().map(|person| person.login).chain([INGEST_LOGIN])
}

/// The demonstration's credentials were not stored.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("a demonstration password cannot be hashed: {0}")]
    Password(#[from] PasswordError),
    #[error("the demonstration's credentials cannot be stored: {0}")]
    Database(#[from] sqlx::Error),
}

/// Stores passwords and tokens, alike on every cloud. Safe to repeat.
///
/// # Errors
/// The database cannot be reached.
pub async fn seed_credentials(pool: &PgPool) -> Result<(), SeedError> {
    let mut credentials = vec![token_of(INGEST_LOGIN, "demo-ingest")];
    for person in &PEOPLE {
        credentials.push(token_of(person.login, person.token));
        credentials.push(password_of(person.login)?);
    }
    credential::merge(pool, &credentials).await?;
    Ok(())
}

fn token_of(login: &str, secret: &str) -> Credential {
    let id = format!("demonstration-{secret}");
    Credential {
        created_at: Timestamp::from_unix_ms(0),
        ..token::describe(secret, &id, login, "demonstration", None)
    }
}

fn password_of(login: &str) -> Result<Credential, PasswordError> {
    // The salt is fixed, so that three clouds make one verifier: the password is public anyway.
    let salt = format!("demonstration {login}");
    Ok(Credential {
        kind: CredentialKind::Password,
        id: login.to_owned(),
        login: login.to_owned(),
        verifier: hash_salted(PASSWORD, salt.as_bytes())?,
        label: String::new(),
        created_at: Timestamp::from_unix_ms(0),
        expires_at: None,
        revoked: false,
        version: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstrations_users_are_decisions_that_the_ledger_accepts() {
        for user in user_puts() {
            assert_eq!(Known::read(&user.to_payload()), Ok(Some(user)));
        }
    }

    #[test]
    fn whatever_an_admin_proposes_there_are_people_enough_to_approve_it() {
        let admins = PEOPLE.iter().filter(|person| person.role == Role::Admin).count();
        let needed = domain::pricing::policy::Policy::default().policy_persons as usize;
        assert!(admins > needed, "{admins} admins, one of whom proposed, and {needed} needed");
    }

    #[test]
    fn every_cloud_makes_the_same_credentials() {
        let login = PEOPLE[0].login;
        let (one, other) = (password_of(login), password_of(login));
        assert_eq!(one.expect("hashed"), other.expect("hashed"));
        assert_eq!(token_of(login, "demo-admin"), token_of(login, "demo-admin"));
    }
}
