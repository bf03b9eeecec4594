//! What the viewer of a proposal may do about it, and a sentence that says why not more.

use app::backend::Viewer;
use domain::access::Action;
use domain::clock::Timestamp;
use domain::pricing::approval::Actor;
use domain::pricing::book::Case;

use crate::projection::Catalog;

/// How the viewer may approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acts {
    /// For themself.
    pub(super) own: bool,
    /// People who are away, for whom the viewer may.
    pub(super) in_stead_of: Vec<String>,
    /// Absent: nothing is kept from them.
    pub(super) why_not: Option<String>,
}

/// What keeps a vote of somebody's from counting, whoever gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bar {
    Author,
    /// For themself or for another, or another for them.
    Voted,
}

impl Bar {
    fn of(case: &Case, login: &str) -> Option<Self> {
        let person = Actor(login.to_owned());
        if [case.requester(), &case.current().author].contains(&&person) {
            Some(Bar::Author)
        } else if case.votes().any(|vote| vote.involves(&person)) {
            Some(Bar::Voted)
        } else {
            None
        }
    }

    /// After "who".
    const fn words(self) -> &'static str {
        match self {
            Bar::Author => "proposed or last changed it",
            Bar::Voted => "has given their vote already",
        }
    }
}

pub(super) fn acts(catalog: &Catalog, case: &Case, viewer: &Viewer, now: Timestamp) -> Acts {
    let by_role = viewer.may(Action::Approve);
    let away = away(catalog, viewer, now);
    let bar = Bar::of(case, &viewer.email).filter(|_| by_role || !away.is_empty());
    let free = |login: &&String| bar.is_none() && Bar::of(case, login).is_none();
    let in_stead_of: Vec<String> = away.iter().filter(free).cloned().collect();
    let own = by_role && bar.is_none();
    let why_not = match bar {
        Some(Bar::Author) => {
            Some("You proposed or last changed it, so somebody else approves it.".to_owned())
        }
        Some(Bar::Voted) => Some(
            "One person has one vote, and yours is given: by you, or in your stead.".to_owned(),
        ),
        None if own => None,
        None if in_stead_of.is_empty() => Some(refusal(case, viewer, &away)),
        None => Some("You approve for whoever is away; a delegate rejects nothing.".to_owned()),
    };
    Acts { own, in_stead_of, why_not }
}

/// The one after it, as the queue lists them, that waits for the viewer too: its id, and whom it is about.
pub(super) fn next(
    catalog: &Catalog,
    of: &Case,
    viewer: &Viewer,
    now: Timestamp,
) -> Option<[String; 2]> {
    let place =
        |case: &Case| (catalog.book().risk(case), case.current().edition.expires_at, case.id);
    let open = catalog.book().cases().filter(|case| case.id != of.id);
    let open = open.filter(|case| case.standing(now).is_open());
    let mut waits: Vec<&Case> = open
        .filter(|case| {
            let acts = acts(catalog, case, viewer, now);
            acts.own || !acts.in_stead_of.is_empty()
        })
        .collect();
    waits.sort_by_key(|case| place(case));
    let after = waits.iter().find(|case| place(case) > place(of)).or(waits.first())?;
    Some([after.id.to_string(), after.subject().to_string()])
}

/// Those who are away, may approve, and have the viewer approve now.
fn away(catalog: &Catalog, viewer: &Viewer, now: Timestamp) -> Vec<String> {
    if !viewer.may(Action::Propose) {
        return Vec::new();
    }
    let may = |login: &String| {
        let user = catalog.user(login).map(|user| &user.value);
        user.is_some_and(|user| user.active && user.role.may(Action::Approve))
    };
    let mine = catalog.book().delegations_at(now).into_iter();
    let mine = mine.filter(|(_, delegate)| delegate.0 == viewer.email);
    mine.map(|(person, _)| person.0).filter(may).collect()
}

/// Neither the role lets them, nor anybody who is away.
fn refusal(case: &Case, viewer: &Viewer, away: &[String]) -> String {
    let barred = away.iter().find_map(|login| Some((login, Bar::of(case, login)?)));
    match barred {
        Some((login, bar)) => {
            format!("You approve for {login}, who {}: so not this one.", bar.words())
        }
        None => viewer.role.refusal(Action::Approve),
    }
}
