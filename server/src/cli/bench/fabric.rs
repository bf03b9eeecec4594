//! `ternion bench fabric`: what the rules of selection would have done on recorded round trips.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use domain::cloud::{Cloud, PerCloud};
use domain::fabric::hysteresis::{Hysteresis, Margin};
use domain::fabric::smoothing::PeakEwma;
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::csv::{CsvError, Table};

/// Switches and regret on a recorded series of round trips; prints a line of JSON for each rule
///
/// A choice is made from what was measured until then and pays the round trip that comes next.
/// Regret is what the best server of that moment would have saved.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ternion bench fabric --series seattle_rtt_series.csv")]
pub(super) struct Arguments {
    /// Columns <client>_a, <client>_b and <client>_c, in milliseconds; a row for each moment
    #[arg(long, value_name = "CSV")]
    series: PathBuf,
    /// Between two rows: how fast a peak is forgotten depends on it
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    interval_ms: u64,
}

/// The servers of the series take the places of our three clouds.
const SERVERS: [(Cloud, &str); 3] = [(Cloud::Gcp, "a"), (Cloud::Aws, "b"), (Cloud::Azure, "c")];
const TAU_MS: f64 = 10_000.0;

/// By client, moment by moment.
type Series = BTreeMap<String, Vec<PerCloud<f64>>>;

/// How a server is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rule {
    name: &'static str,
    margin: Margin,
    smooth: bool,
}

/// What it came to, over all clients and moments but the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    choices: u32,
    switches: u32,
    rtt_ms: f64,
    regret_ms: f64,
}

impl Arguments {
    pub(super) fn run(&self) -> Outcome {
        let text = std::fs::read_to_string(&self.series)
            .map_err(|cause| format!("{}: {cause}", self.series.display()))?;
        let series = read(&text).map_err(|cause| format!("{}: {cause}", self.series.display()))?;
        let rules = [
            Rule { name: "last", margin: Margin::NONE, smooth: false },
            Rule { name: "smoothed", margin: Margin::NONE, smooth: true },
            Rule { name: "margin", margin: Margin::default(), smooth: false },
            Rule { name: "smoothed_margin", margin: Margin::default(), smooth: true },
        ];
        for rule in rules {
            let sums = series.values().map(|one| follow(one, rule, self.interval_ms));
            println!("{}", line(rule.name, &series, sums.fold(Sum::default(), Sum::and)));
        }
        let fixed = series.values().map(|one| best_fixed(one));
        println!("{}", line("best_fixed", &series, fixed.fold(Sum::default(), Sum::and)));
        Ok(ExitCode::SUCCESS)
    }
}

fn line(rule: &str, series: &Series, sum: Sum) -> serde_json::Value {
    let mean = |whole: f64| (whole / f64::from(sum.choices.max(1)) * 100.0).round() / 100.0;
    json!({
        "peer": "ternion", "rule": rule, "clients": series.len(), "choices": sum.choices,
        "switches": sum.switches, "mean_rtt_ms": mean(sum.rtt_ms), "mean_regret_ms": mean(sum.regret_ms)
    })
}

fn read(text: &str) -> Result<Series, CsvError> {
    let table = Table::parse(text)?;
    let columns = table.columns();
    let clients = columns.iter().filter_map(|name| name.strip_suffix("_a"));
    let mut series: Series = clients.map(|client| (client.to_owned(), Vec::new())).collect();
    for record in table.records() {
        for (client, moments) in &mut series {
            let mut moment = PerCloud::default();
            for (cloud, server) in SERVERS {
                let value: Result<f64, String> = record.parse(&format!("{client}_{server}"));
                *moment.get_mut(cloud) =
                    value.map_err(|reason| CsvError { line: record.line(), reason })?;
            }
            moments.push(moment);
        }
    }
    Ok(series)
}

impl Sum {
    fn and(self, other: Sum) -> Sum {
        Sum {
            choices: self.choices + other.choices,
            switches: self.switches + other.switches,
            rtt_ms: self.rtt_ms + other.rtt_ms,
            regret_ms: self.regret_ms + other.regret_ms,
        }
    }

    fn pay(&mut self, moment: &PerCloud<f64>, cloud: Cloud) {
        let best =
            Cloud::ALL.into_iter().map(|cloud| *moment.get(cloud)).fold(f64::INFINITY, f64::min);
        self.choices += 1;
        self.rtt_ms += moment.get(cloud);
        self.regret_ms += moment.get(cloud) - best;
    }
}

fn follow(moments: &[PerCloud<f64>], rule: Rule, interval_ms: u64) -> Sum {
    let mut sum = Sum::default();
    let mut smoothed = PerCloud::from_fn(|_| PeakEwma::new(TAU_MS));
    let mut held = Hysteresis::default();
    let mut chosen = None;
    for (at, moment) in (0_u64..).zip(moments) {
        if let Some(cloud) = chosen {
            sum.pay(moment, cloud);
        }
        let scores = PerCloud::from_fn(|cloud| {
            let value = *moment.get(cloud);
            let seen = smoothed.get_mut(cloud).take(at * interval_ms, value);
            if rule.smooth { seen } else { value }
        });
        let mut ranked = Cloud::ALL.map(|cloud| (cloud, *scores.get(cloud)));
        ranked.sort_by(|one, other| one.1.total_cmp(&other.1));
        let (next, _) = held.evaluate(&rule.margin, &ranked);
        if chosen.is_some() && next != chosen {
            sum.switches += 1;
        }
        chosen = next;
    }
    sum
}

/// The one server that would have been best for the client all along: known only afterwards.
fn best_fixed(moments: &[PerCloud<f64>]) -> Sum {
    let of = |cloud| {
        let mut sum = Sum::default();
        moments.iter().skip(1).for_each(|moment| sum.pay(moment, cloud));
        sum
    };
    let all = Cloud::ALL.map(of);
    let first = all[0];
    all.into_iter().fold(first, |best, one| if one.rtt_ms < best.rtt_ms { one } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_switches_less_where_servers_take_turns_by_little() {
        let mut text = "slice,c0_a,c0_b,c0_c\n".to_owned();
        for at in 0..40 {
            let (a, b) = if at % 2 == 0 { (100, 110) } else { (110, 100) };
            text.push_str(&format!("{at},{a},{b},400\n"));
        }
        let series = read(&text).expect("it reads");
        let one = &series["c0"];
        let rule = |margin| Rule { name: "", margin, smooth: false };
        let nervous = follow(one, rule(Margin::NONE), 2_000);
        let calm = follow(one, rule(Margin::default()), 2_000);
        assert_eq!((nervous.switches, calm.switches), (39, 0));
        assert_eq!((nervous.choices, calm.choices), (39, 39));
        // The nervous one is always a step late.
        assert!((nervous.regret_ms - 390.0).abs() < 1e-9 && calm.regret_ms < 201.0, "{calm:?}");
        assert_eq!(best_fixed(one).choices, 39);
    }
}
