//! What moves the margin most: one input at a time, and what a sample says of all together.
//!
//! Source: the three measures of a tornado chart in @RISK (change in output mean, standardised
//! regression, rank correlation).

use serde::{Deserialize, Serialize};

use crate::economics::EconomicsError;
use crate::economics::quantity::count;
use crate::economics::sample::{mean, real, variance};

/// The regression solves one equation for each.
pub const INPUTS_MAX: usize = 32;
/// The bins of the change in mean: ten, as the source has it.
const BINS: usize = 10;
/// Below this share of a column's own spread, what remains of it is rounding: it is a
/// combination of the others.
const INDEPENDENCE_MIN: f64 = 1e-12;

/// An input at its usual value and at two unusual ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lever<'a> {
    pub name: &'a str,
    pub base: f64,
    pub low: f64,
    pub high: f64,
}

/// The answer with one input at either end and all others as usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    pub name: String,
    pub low: f64,
    pub high: f64,
}

impl Bar {
    /// `|f(high) − f(low)|`.
    #[must_use]
    pub fn swing(&self) -> f64 {
        (self.high - self.low).abs()
    }
}

/// The usual answer, and the bars from the widest to the narrowest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tornado {
    pub base: f64,
    pub bars: Vec<Bar>,
}

impl Tornado {
    /// Moves one input at a time. Equal swings stay in the order of the levers.
    #[must_use]
    pub fn one_at_a_time(levers: &[Lever<'_>], answer: impl Fn(&[f64]) -> f64) -> Self {
        let mut inputs: Vec<f64> = levers.iter().map(|lever| lever.base).collect();
        let base = answer(&inputs);
        let mut bars = Vec::with_capacity(levers.len());
        for (at, lever) in levers.iter().enumerate() {
            inputs[at] = lever.low;
            let low = answer(&inputs);
            inputs[at] = lever.high;
            let high = answer(&inputs);
            inputs[at] = lever.base;
            bars.push(Bar { name: lever.name.to_owned(), low, high });
        }
        bars.sort_by(|left, right| right.swing().total_cmp(&left.swing()));
        Tornado { base, bars }
    }
}

/// Standardised regression coefficients: of the least-squares fit of y on all inputs together, each
/// `β · sd(x) / sd(y)`. `None`: y does not vary, an input does not, or inputs are combinations of
/// each other.
///
/// # Errors
/// Too many inputs, or columns of different lengths.
pub fn regression(inputs: &[&[f64]], y: &[f64]) -> Result<Option<Vec<f64>>, EconomicsError> {
    count("inputs of a regression", inputs.len(), 1, INPUTS_MAX, "each is an equation")?;
    if inputs.iter().any(|input| input.len() != y.len()) {
        let problem = "must have one value for each draw";
        return Err(EconomicsError::Inconsistent { what: "the inputs of a regression", problem });
    }
    let Some(columns) = inputs.iter().map(|input| standardise(input)).collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    let Some(y) = standardise(y) else { return Ok(None) };
    // Of standardised columns the normal equations are correlations, and their solution is the
    // standardised coefficients.
    let rows = columns.iter().map(|row| {
        let mut equation: Vec<f64> = columns.iter().map(|column| dot(row, column)).collect();
        equation.push(dot(row, &y));
        equation
    });
    Ok(solve(rows.collect()))
}

/// Spearman's rank correlation, equal values sharing the average of their ranks. `None` where one
/// of them does not vary.
#[must_use]
pub fn rank_correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() {
        return None;
    }
    Some(dot(&standardise(&ranks(x))?, &standardise(&ranks(y))?))
}

/// The means of y in ten equal bins of rising x: the lowest and the highest of them. Where the
/// count does not divide by ten, the first bins hold one more. `None` for fewer than ten draws.
#[must_use]
pub fn change_in_mean(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    if x.len() != y.len() || x.len() < BINS {
        return None;
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|left, right| x[*left].total_cmp(&x[*right]));
    let (size, larger) = (x.len() / BINS, x.len() % BINS);
    let mut rest = order.as_slice();
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for bin in 0..BINS {
        let (here, after) = rest.split_at(size + usize::from(bin < larger));
        rest = after;
        let values: Vec<f64> = here.iter().map(|at| y[*at]).collect();
        let mean = mean(&values)?;
        range = (range.0.min(mean), range.1.max(mean));
    }
    Some(range)
}

/// Moved to mean 0 and scaled to length 1. `None` if it does not vary.
fn standardise(values: &[f64]) -> Option<Vec<f64>> {
    let centre = mean(values)?;
    let length = (variance(values)? * real(values.len() - 1)).sqrt();
    let varies = length > 0.0 && length.is_finite();
    varies.then(|| values.iter().map(|value| (value - centre) / length).collect())
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
    let mut ranks = vec![0.0; values.len()];
    let mut passed = 0;
    for group in order.chunk_by(|left, right| values[*left] == values[*right]) {
        let shared = real(passed) + (real(group.len()) + 1.0) / 2.0;
        for at in group {
            ranks[*at] = shared;
        }
        passed += group.len();
    }
    ranks
}

/// Gauss with pivots, on rows that each end with their right-hand side. `None` if they do not
/// determine the solution.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|left, right| {
            rows[*left][column].abs().total_cmp(&rows[*right][column].abs())
        })?;
        rows.swap(column, pivot);
        let row = rows[column].clone();
        if row[column].abs() < INDEPENDENCE_MIN {
            return None;
        }
        for other in rows.iter_mut().skip(column + 1) {
            let factor = other[column] / row[column];
            for (cell, above) in other.iter_mut().zip(&row).skip(column) {
                *cell -= factor * above;
            }
        }
    }
    let mut solution = vec![0.0; n];
    for column in (0..n).rev() {
        let known: f64 = (column + 1..n).map(|at| rows[column][at] * solution[at]).sum();
        solution[column] = (rows[column][n] - known) / rows[column][column];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_average_of_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), None);
        assert_eq!(rank_correlation(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn inputs_that_are_combinations_of_each_other_have_no_coefficients() {
        let (x, y) = ([1.0, 2.0, 4.0, 3.0], [2.0, 4.1, 8.0, 6.2]);
        let double = x.map(|x| 2.0 * x);
        assert_eq!(regression(&[&x, &double], &y), Ok(None));
        assert_eq!(regression(&[&x, &[1.0; 4]], &y), Ok(None));
        assert!(regression(&[&x[..3]], &y).is_err());
        assert!(regression(&[], &y).is_err());
    }

    #[test]
    fn a_line_without_noise_has_coefficient_one() {
        let x = [1.0, 2.0, 4.0, 3.0];
        let fit = regression(&[&x], &x.map(|x| 7.0 - 3.0 * x)).expect("a fit").expect("a slope");
        assert!((fit[0] + 1.0).abs() < 1e-12);
    }

    #[test]
    fn bins_that_do_not_divide_evenly_hold_every_draw() {
        let x: Vec<f64> = (0..11).map(f64::from).collect();
        assert_eq!(change_in_mean(&x, &x), Some((0.5, 10.0)));
        assert_eq!(change_in_mean(&x[..9], &x[..9]), None);
    }
}
