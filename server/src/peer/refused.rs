//! Messages and answers that do not carry the signature of whom they say to come from: held.
//!
//! Those without any signature are not even read: every passer-by can send them.

use axum::body::Bytes;
use domain::cloud::Cloud;
use domain::key::{KeyRole, PublicKey, Signature};
use domain::quarantine::blame::{self, Blame};
use domain::quarantine::{Form, Source};

use super::signature::{answer, message};
use super::{CREDENTIALS_PATH, Channel};
use crate::quarantine::{About, Input};

impl Channel {
    /// A message that says to come from `from`.
    pub(super) fn hold_message(&self, from: Cloud, path: &str, body: Bytes, made: &Signature) {
        let signed = message(from, self.me, path, &body);
        let blame = self.blame(from, &signed, made);
        self.hold(from, blame, body, path);
    }

    /// An answer to `question` that says to come from `from`.
    pub(super) fn hold_answer(
        &self,
        from: Cloud,
        path: &str,
        body: Bytes,
        question: &Signature,
        made: &Signature,
    ) {
        let blame = self.blame(from, &answer(question, &body), made);
        // Secrets are not kept, and what comes in their place is of no use to anybody.
        let body = if path == CREDENTIALS_PATH { Bytes::new() } else { body };
        self.hold(from, blame, body, &format!("answer to {path}"));
    }

    fn blame(&self, from: Cloud, signed: &[u8], made: &Signature) -> Blame {
        let keys = Cloud::ALL.into_iter().flat_map(|cloud| self.keys_of(cloud));
        let others = keys.filter(|(key, _)| **key != self.roster.get(from).transport);
        blame::of_message(signed, made, from.name(), others)
    }

    fn keys_of(&self, cloud: Cloud) -> [(&PublicKey, String); 3] {
        let keys = self.roster.get(cloud);
        let named = |key, role: KeyRole| (key, format!("{cloud}, {}", role.name()));
        [
            named(&keys.log, KeyRole::Log),
            named(&keys.cosigner, KeyRole::Cosigner),
            named(&keys.transport, KeyRole::Transport),
        ]
    }

    fn hold(&self, from: Cloud, blame: Blame, body: Bytes, place: &str) {
        let (source, about) = (Source::Unproven(from), About::place(&place));
        self.quarantine.hold(Input::blamed(source, blame, Form::Message, body, about));
    }
}
