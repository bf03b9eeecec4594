//! The normal, binomial and Poisson laws, the same to the last bit on every machine.
//!
//! `exp`, `ln` and `erfc` are those of the `libm` crate: a platform's own differ in the last bit,
//! and then server and browser would not agree. Square roots are exact everywhere.

mod count;
mod many;
mod normal;
mod wide;

pub use count::{binomial_above, poisson_below, poisson_quantile};
pub(crate) use many::{exponentials, normal_quantiles};
pub use normal::{normal_above, normal_below, normal_density, normal_quantile};
pub(crate) use wide::{Loop, widely};

/// The 99 % quantile of the standard normal law.
pub const Z_99: f64 = 2.326_347_874_040_840_8;

/// The root of a rising function between two bounds, by halving until the bounds are neighbours.
/// Where the function does not change its sign, the nearer bound.
pub(crate) fn rising_root(low: f64, high: f64, value: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..HALVINGS_MAX {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if value(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Bounds of one sign are neighbours after 64 halvings at most; bounds on either side of zero
/// are closer than any input by then.
const HALVINGS_MAX: usize = 128;
