//! Where the regions of the three providers are.
//!
//! From a list (GitHub `jasonwilbur/mcp-server-cloud-regions`, commit 152e9e55, MIT),
//! itself from the providers' pages: region, latitude, longitude, in degrees.

use std::collections::HashMap;
use std::sync::LazyLock;

use domain::fabric::distance::Place;

const TABLE: &str = include_str!("places.csv");

static PLACES: LazyLock<HashMap<&str, Place>> =
    LazyLock::new(|| TABLE.lines().filter_map(row).collect());

fn row(line: &'static str) -> Option<(&'static str, Place)> {
    let mut fields = line.split(',');
    let name = fields.next()?;
    let (latitude, longitude) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((name, Place { latitude, longitude }))
}

/// The place of a region such as `aws:eu-west-1`; a zone of it, `gcp:us-east4-a`, is there too.
pub(super) fn of(region: &str) -> Option<Place> {
    PLACES.get(without_zone(region)).copied()
}

/// `gcp:us-east4-a` is in `gcp:us-east4`: who measured named the zone, who configures the region.
/// What is no zone of a known region stays as it is.
pub(super) fn without_zone(name: &str) -> &str {
    if PLACES.contains_key(name) {
        return name;
    }
    let region = name.rsplit_once('-').map(|(region, _)| region);
    region.filter(|region| PLACES.contains_key(region)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_and_a_zone_is_in_its_region() {
        assert_eq!(PLACES.len(), TABLE.lines().count());
        assert_eq!(of("gcp:us-east4-a"), of("gcp:us-east4"));
        assert_eq!(without_zone("gcp:us-east4-a"), "gcp:us-east4");
        assert_eq!(without_zone("aws:eu-west-1"), "aws:eu-west-1");
        assert_eq!(without_zone("moon:mare-1"), "moon:mare-1");
        let dublin = of("aws:eu-west-1").expect("it is there");
        assert!((dublin.latitude - 53.3).abs() < 1.0 && (dublin.longitude + 6.3).abs() < 1.0);
        assert_eq!(of("moon:mare-1"), None);
    }
}
