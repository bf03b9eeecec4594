//! A place in the list of held things, and its text: the cursor.

use std::fmt;

use domain::clock::Timestamp;
use domain::quarantine::HeldId;
use uuid::Uuid;

use super::conflict_id;
use crate::problem::Problem;
use crate::projection::{Conflict, ConflictBefore};
use crate::quarantine::{Before, Item};

/// By time; of one moment, inputs before conflicts, each by id. The list is in the opposite order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) struct Place {
    at: Timestamp,
    id: HeldId,
}

impl Place {
    pub(super) fn of_item(item: &Item) -> Self {
        Place { at: item.first_at, id: HeldId::Input(item.id) }
    }

    pub(in crate::console) fn of_conflict(conflict: &Conflict) -> Self {
        Place { at: conflict.since, id: conflict_id(conflict) }
    }

    /// Which inputs come after this place in the list.
    pub(super) fn before_items(&self) -> Before {
        match self.id {
            HeldId::Input(id) => Before { at: self.at, id },
            // All of that moment still do.
            HeldId::Conflict { .. } => Before { at: self.at, id: Uuid::max() },
        }
    }

    /// Which conflicts come after this place in the list.
    pub(in crate::console) fn before_conflicts(&self) -> ConflictBefore {
        let id = match &self.id {
            HeldId::Input(_) => None,
            HeldId::Conflict { event_id, tenant_id } => Some((*event_id, tenant_id.clone())),
        };
        ConflictBefore { since: self.at, id }
    }

    pub(in crate::console) fn read(text: &str) -> Result<Self, Problem> {
        let read = || {
            let (ms, id) = text.split_once('~')?;
            Some(Place { at: Timestamp::from_unix_ms(ms.parse().ok()?), id: id.parse().ok()? })
        };
        read().ok_or_else(|| {
            Problem::malformed(format!(
                "\"{text}\" is not a cursor; use the one that the last page gave"
            ))
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}~{}", self.at.unix_ms(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{EventId, TenantId};

    #[test]
    fn a_cursor_leads_back_to_its_place_and_no_other_lists_does() {
        let at = Timestamp::from_unix_ms(1_795_000_000_123);
        let tenant_id = TenantId::try_from("acme-labs".to_owned()).expect("valid");
        let event_id = EventId(Uuid::from_u128(7));
        for id in [HeldId::Input(Uuid::from_u128(9)), HeldId::Conflict { event_id, tenant_id }] {
            let place = Place { at, id };
            assert_eq!(Place::read(&place.to_string()).expect("ours"), place);
        }
        assert_eq!(Place::read("o1-gcp").expect_err("another list's").status, 400);
    }

    #[test]
    fn of_one_moment_the_list_has_conflicts_first() {
        let at = Timestamp::from_unix_ms(5);
        let input = Place { at, id: HeldId::Input(Uuid::max()) };
        let (event_id, tenant_id) = (EventId(Uuid::nil()), TenantId::platform());
        let conflict = Place { at, id: HeldId::Conflict { event_id, tenant_id } };
        assert!(conflict > input);
        assert_eq!(conflict.before_items(), Before { at, id: Uuid::max() });
        assert_eq!(input.before_conflicts().id, None);
    }
}
