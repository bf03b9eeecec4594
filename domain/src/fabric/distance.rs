//! What a round trip is likely to take where nothing was measured.

use libm::{asin, cos, sin, sqrt};
use serde::{Deserialize, Serialize};

/// Mean radius of the earth, IUGG.
const EARTH_KM: f64 = 6_371.009;
/// Measured round trips over those of light in fibre along the great circle: the median of the
/// cloud pairs that Skyplane measured in 2022.
const DETOUR: f64 = 1.8;
/// Light in fibre, there and back: 1 ms for each 100 km.
const KM_PER_MS: f64 = 100.0;

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
}

/// The great circle between two places (haversine).
#[must_use]
pub fn great_circle_km(one: Place, other: Place) -> f64 {
    let (from, to) = (one.latitude.to_radians(), other.latitude.to_radians());
    let up = sin((to - from) / 2.0);
    let along = sin((other.longitude - one.longitude).to_radians() / 2.0);
    let chord = (up * up + cos(from) * cos(to) * along * along).clamp(0.0, 1.0);
    2.0 * EARTH_KM * asin(sqrt(chord))
}

/// The prior: `1.8 · km / 100`.
#[must_use]
pub fn prior_rtt_ms(one: Place, other: Place) -> f64 {
    DETOUR * great_circle_km(one, other) / KM_PER_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dublin_and_virginia_are_apart_as_maps_say_and_the_prior_is_near_what_was_measured() {
        let dublin = Place { latitude: 53.35, longitude: -6.26 };
        let ashburn = Place { latitude: 39.04, longitude: -77.49 };
        let km = great_circle_km(dublin, ashburn);
        assert!((5_400.0..5_500.0).contains(&km), "{km}");
        // Skyplane measured 67 ms between these two.
        assert!((67.0..134.0).contains(&prior_rtt_ms(dublin, ashburn)));
        assert!(great_circle_km(dublin, dublin).abs() < 1e-9);
    }
}
