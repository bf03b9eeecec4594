//! Which conflicts of a log have been reported: peers tell the same again every second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::log::Head;

use super::signing::SignedHead;

/// After this a conflict is judged again: the evidence may not have been complete the first time.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Heads that are remembered, the newest of them.
const HEADS_MAX: usize = 64;

/// What was reported of each head that does not belong to our tree.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<Head, (usize, Instant)>);

/// What there is to say of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It was not known, or fewer had signed it.
    New,
    /// Known, and due to be judged again.
    Due,
    Known,
}

impl Told {
    pub(super) fn tell(&mut self, theirs: &SignedHead, now: Instant) -> News {
        let signers = theirs.lines.len();
        let known = self.0.get(&theirs.head);
        let news = match known {
            Some((told, at)) if *told >= signers => {
                if now.duration_since(*at) < AGAIN_AFTER {
                    return News::Known;
                }
                News::Due
            }
            _ => News::New,
        };
        let most = known.map_or(signers, |(told, _)| signers.max(*told));
        self.0.insert(theirs.head, (most, now));
        if self.0.len() > HEADS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(head, _)| *head);
            oldest.and_then(|head| self.0.remove(&head));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cloud::Cloud;
    use domain::log::{Hash, LogId};
    use domain::quorum::Signer;

    fn signed_by(clouds: &[Cloud]) -> SignedHead {
        SignedHead {
            log: LogId { origin: Cloud::Gcp, epoch: 1 },
            head: Head { size: 7, root: Hash([1; 32]) },
            lines: clouds.iter().map(|cloud| (Signer::from(*cloud), String::new())).collect(),
        }
    }

    #[test]
    fn a_conflict_is_news_once_and_when_more_have_signed_it() {
        let (mut told, now) = (Told::default(), Instant::now());
        let one = signed_by(&[Cloud::Gcp]);
        assert_eq!(told.tell(&one, now), News::New);
        assert_eq!(told.tell(&one, now), News::Known);
        assert_eq!(told.tell(&signed_by(&[Cloud::Gcp, Cloud::Aws]), now), News::New);
        assert_eq!(told.tell(&one, now), News::Known);
        assert_eq!(told.tell(&one, now + AGAIN_AFTER), News::Due);
        assert_eq!(told.tell(&one, now + AGAIN_AFTER), News::Known);
    }
}
