//! What is broken of the six links, a line each: both directions of a link together where they are
//! broken alike, so that healing the line heals all that it names.

use crate::backend::{LabLink, LabWay};
use crate::pages::lab::words;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BrokenWay {
    pub(super) way: LabWay,
    /// `cut`, `300 ms slower`.
    pub(super) how: String,
}

impl BrokenWay {
    /// What is broken in another way is another line.
    pub(super) fn key(&self) -> (String, bool, String) {
        (self.way.name(), self.way.one_way, self.how.clone())
    }
}

pub(super) fn broken_ways(links: &[LabLink]) -> Vec<BrokenWay> {
    let broken: Vec<&LabLink> = links.iter().filter(|link| !link.is_whole()).collect();
    let has_alike = |link: &LabLink| {
        let mut others = broken.iter();
        others.any(|other| {
            (other.from, other.to) == (link.to, link.from)
                && words::link(other) == words::link(link)
        })
    };
    let line = |link: &&LabLink| {
        let both = has_alike(link);
        // The other direction brings no second line.
        (!both || link.from < link.to).then(|| BrokenWay {
            way: LabWay { from: link.from, to: Some(link.to), one_way: !both },
            how: words::link(link),
        })
    };
    broken.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::LinkState;
    use domain::clock::Timestamp;
    use domain::cloud::Cloud::{self, Aws, Azure, Gcp};

    fn link(from: Cloud, to: Cloud, state: LinkState, delay_ms: u32) -> LabLink {
        LabLink { from, to, state, delay_ms, since: Timestamp::from_unix_ms(0) }
    }

    #[test]
    fn both_directions_are_one_line_only_where_they_are_broken_alike() {
        let links = [
            link(Gcp, Aws, LinkState::Cut, 0),
            link(Aws, Gcp, LinkState::Cut, 0),
            link(Gcp, Azure, LinkState::Open, 40),
            link(Azure, Gcp, LinkState::Cut, 0),
            link(Aws, Azure, LinkState::Open, 0),
            link(Azure, Aws, LinkState::Open, 0),
        ];
        let told: Vec<String> = broken_ways(&links)
            .into_iter()
            .map(|broken| format!("{} {}", words::way(broken.way), broken.how))
            .collect();
        assert_eq!(told, ["gcp ⇄ aws cut", "gcp → azure 40 ms slower", "azure → gcp cut"]);
    }
}
