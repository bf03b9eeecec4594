//! The six links as arrows between three clouds: a picture of what the list beside it says.

use domain::cloud::{Cloud, PerCloud};
use leptos::prelude::*;

use crate::backend::{LabLink, LabState, LinkState, ProcessState};
use crate::pages::lab::words;

/// The field.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 276.0;
/// A cloud's disc, and the gap before an arrow's tip.
const RADIUS: f64 = 33.0;
const GAP: f64 = 5.0;
/// The two directions of a link stand this far from the middle.
const APART: f64 = 8.0;
const TIP: f64 = 8.0;

type Point = (f64, f64);

/// Where each cloud's arc of the mark is: gcp above, aws to the right, azure to the left.
const fn place(cloud: Cloud) -> Point {
    match cloud {
        Cloud::Gcp => (WIDTH / 2.0, 40.0),
        Cloud::Aws => (WIDTH - 46.0, HEIGHT - 44.0),
        Cloud::Azure => (46.0, HEIGHT - 44.0),
    }
}

/// One direction as drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Arrow {
    start: Point,
    /// Where the line ends and the head begins.
    end: Point,
    head: [Point; 3],
    middle: Point,
    /// Beside the middle, away from the other direction.
    beside: Point,
}

fn arrow(from: Cloud, to: Cloud) -> Arrow {
    let ((x1, y1), (x2, y2)) = (place(from), place(to));
    let (dx, dy) = (x2 - x1, y2 - y1);
    // Exact on every machine, unlike `hypot`: server and browser draw the same.
    let length = (dx * dx + dy * dy).sqrt();
    let (ux, uy) = (dx / length, dy / length);
    // To the right of the way, as on a road.
    let (nx, ny) = (-uy, ux);
    let at = |along: f64, aside: f64| (x1 + ux * along + nx * aside, y1 + uy * along + ny * aside);
    let tip = length - RADIUS - GAP;
    Arrow {
        start: at(RADIUS + GAP, APART),
        end: at(tip - TIP, APART),
        head: [
            at(tip, APART),
            at(tip - TIP, APART - TIP * 0.55),
            at(tip - TIP, APART + TIP * 0.55),
        ],
        middle: at(length / 2.0, APART),
        // A number is wider than high: it needs more room beside an upright arrow.
        beside: at(length / 2.0, APART + 14.0 + 16.0 * nx.abs()),
    }
}

fn text((x, y): Point) -> String {
    format!("{x:.1} {y:.1}")
}

const fn state_name(link: &LabLink) -> &'static str {
    match link.state {
        LinkState::Cut => "cut",
        LinkState::BlackHole => "hole",
        LinkState::Open if link.delay_ms > 0 => "slow",
        LinkState::Open => "open",
    }
}

const fn process_name(process: ProcessState) -> &'static str {
    match process {
        ProcessState::Running => "up",
        ProcessState::Paused => "paused",
        ProcessState::Starting | ProcessState::Stopping => "between",
        ProcessState::Stopped => "down",
    }
}

/// What the picture shows, for those who do not see it.
fn describe(state: &LabState) -> String {
    let broken: Vec<String> = state
        .links
        .iter()
        .filter(|link| !link.is_whole())
        .map(|link| format!("{} → {}: {}", link.from, link.to, words::link(link)))
        .collect();
    if broken.is_empty() {
        return words::whole_links(state.clouds.map(|_, cloud| cloud.process));
    }
    format!("{}. The other links are open.", broken.join("; "))
}

#[component]
pub(super) fn Triangle(state: RwSignal<LabState>) -> impl IntoView {
    let ends = Cloud::ALL.into_iter().flat_map(|from| from.peers().map(|to| (from, to)));
    let links = ends.map(|(from, to)| view! { <LinkArrow state from to /> }).collect_view();
    let processes = Memo::new(move |_| {
        let state = state.read();
        PerCloud::from_fn(|cloud| state.clouds.get(cloud).process)
    });
    let clouds = Cloud::ALL.map(|cloud| view! { <Disc cloud processes /> }).collect_view();
    view! {
        <svg
            class="lab-triangle"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            role="img"
            aria-label=move || describe(&state.read())
        >
            {links}
            {clouds}
        </svg>
    }
}

#[component]
fn LinkArrow(state: RwSignal<LabState>, from: Cloud, to: Cloud) -> impl IntoView {
    let Arrow { start, end, head, middle, beside } = arrow(from, to);
    let mine = Memo::new(move |_| state.read().link(from, to).copied());
    let name = move || mine.get().map_or("open", |link| state_name(&link));
    let delay = move || {
        mine.get()
            .filter(|link| link.delay_ms > 0)
            .map_or_else(String::new, |link| format!("{} ms", link.delay_ms))
    };
    let (x, y) = middle;
    let cross = format!(
        "M{}L{}M{}L{}",
        text((x - 5.0, y - 5.0)),
        text((x + 5.0, y + 5.0)),
        text((x + 5.0, y - 5.0)),
        text((x - 5.0, y + 5.0))
    );
    let [tip, left, right] = head;
    view! {
        <g class="lab-arrow" data-state=name>
            <path class="lab-arrow-line" d=format!("M{}L{}", text(start), text(end)) />
            <path class="lab-arrow-head" d=format!("M{}L{}L{}Z", text(tip), text(left), text(right)) />
            <path class="lab-arrow-cross" d=cross />
            <circle class="lab-arrow-hole" cx=format!("{x:.1}") cy=format!("{y:.1}") r="6" />
            <text class="lab-arrow-delay" x=format!("{:.1}", beside.0) y=format!("{:.1}", beside.1 + 4.0) text-anchor="middle">{delay}</text>
        </g>
    }
}

#[component]
fn Disc(cloud: Cloud, processes: Memo<PerCloud<ProcessState>>) -> impl IntoView {
    let (x, y) = place(cloud);
    let name = move || process_name(*processes.read().get(cloud));
    view! {
        <g class=format!("lab-disc of-{cloud}") data-state=name>
            <circle cx=format!("{x:.1}") cy=format!("{y:.1}") r=RADIUS />
            <text x=format!("{x:.1}") y=format!("{:.1}", y + 4.5) text-anchor="middle">{cloud.name()}</text>
        </g>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_begins_and_ends_outside_the_discs_and_beside_its_way_back() {
        for from in Cloud::ALL {
            for to in from.peers() {
                let (there, back) = (arrow(from, to), arrow(to, from));
                let far = |(x1, y1): Point, (x2, y2): Point| (x2 - x1).hypot(y2 - y1);
                assert!(far(there.start, place(from)) > RADIUS, "{from} → {to}");
                assert!(far(there.head[0], place(to)) > RADIUS, "{from} → {to}");
                let apart = far(there.middle, back.middle);
                assert!((apart - 2.0 * APART).abs() < 1e-9, "{from} → {to}: {apart}");
                let inside =
                    |(x, y): Point| (0.0..WIDTH).contains(&x) && (0.0..HEIGHT).contains(&y);
                assert!(inside(there.beside), "{from} → {to}: {:?}", there.beside);
            }
        }
    }
}
