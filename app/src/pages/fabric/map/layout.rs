//! Where things stand on the map: an equirectangular field, curves between places, and words beside
//! places that do not cover each other.

use domain::cloud::Cloud;
use domain::fabric::distance::Place;

use crate::backend::{FabricCloud, FabricRegion, FabricView};
use crate::pages::fabric::words::{self, Band};

/// The field of `style/static/land.svg`: 360 by 144 degrees, from 82.8 north.
pub(super) const WIDTH: f64 = 1_000.0;
pub(super) const HEIGHT: f64 = 400.0;
const PER_DEGREE: f64 = WIDTH / 360.0;
const NORTH: f64 = 82.8;
/// How far a curve leaves the straight line, as a share of its length.
const BEND: f64 = 0.16;
/// Room for words, at the narrowest map that shows them.
const LETTER: f64 = 8.0;
const LINE: f64 = 20.0;
const BESIDE: f64 = 11.0;

type Point = (f64, f64);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) arcs: Vec<Arc>,
    pub(super) dots: Vec<Dot>,
    pub(super) sites: Vec<Site>,
    /// For those who do not see it.
    pub(super) says: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arc {
    pub(super) path: String,
    pub(super) band: Band,
}

/// A client region.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dot {
    pub(super) at: Point,
    pub(super) pick: Cloud,
    /// None: there is no room, or nothing to say.
    pub(super) label: Option<Label>,
}

/// A cloud.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Site {
    pub(super) cloud: Cloud,
    pub(super) at: Point,
    pub(super) state: &'static str,
    pub(super) label: Label,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    pub(super) text: String,
    pub(super) at: Point,
    pub(super) anchor: &'static str,
}

impl Picture {
    pub(super) fn of(view: &FabricView) -> Picture {
        let mut room = Room::default();
        let places = |region: &FabricRegion| Some((region.clone(), point(region.place?)));
        let regions: Vec<(FabricRegion, Point)> = view.regions.iter().filter_map(places).collect();
        let clouds = Cloud::ALL.into_iter().filter_map(|cloud| {
            let of = view.clouds.get(cloud);
            Some((cloud, of, point(of.place?)))
        });
        let clouds: Vec<(Cloud, &FabricCloud, Point)> = clouds.collect();
        regions.iter().for_each(|(_, at)| room.take_dot(*at));
        clouds.iter().for_each(|(_, _, at)| room.take_dot(*at));
        let sites = clouds.iter().map(|(cloud, of, at)| {
            let state = state(of);
            let text = if state == "up" { cloud.to_string() } else { format!("{cloud}, {state}") };
            // A cloud is always named, even where its name covers another.
            let label = room.beside(&text, *at).unwrap_or_else(|| right_of(text, *at));
            Site { cloud: *cloud, at: *at, state, label }
        });
        let sites: Vec<Site> = sites.collect();
        let mut arcs = Vec::new();
        let mut dots = Vec::new();
        for (region, at) in &regions {
            let trip = region.trips.as_ref().map(|trips| *trips.get(region.pick));
            let to = sites.iter().find(|site| site.cloud == region.pick);
            if let (Some(trip), Some(to)) = (&trip, to)
                && to.at != *at
            {
                arcs.push(Arc { path: curve(*at, to.at), band: Band::of(trip.rtt_ms) });
            }
            let label = trip.and_then(|trip| {
                room.beside(&format!("{} · {}", short(&region.name), words::trip(&trip)), *at)
            });
            dots.push(Dot { at: *at, pick: region.pick, label });
        }
        let says = says(&sites, &dots);
        Picture { arcs, dots, sites, says }
    }
}

fn says(sites: &[Site], dots: &[Dot]) -> String {
    let of = |site: &Site| {
        let served = dots.iter().filter(|dot| dot.pick == site.cloud).count();
        let regions = if served == 1 { "region" } else { "regions" };
        format!("{} serves {served} {regions}", site.label.text)
    };
    let clouds: Vec<String> = sites.iter().map(of).collect();
    format!("World map. {}. The table below has every region.", clouds.join("; "))
}

/// One word.
pub(super) const fn state(cloud: &FabricCloud) -> &'static str {
    if cloud.down {
        "down"
    } else if cloud.drained {
        "drained"
    } else if cloud.held_out {
        "held out"
    } else {
        "up"
    }
}

/// `aws:eu-west-1` without its provider.
fn short(region: &str) -> &str {
    region.split_once(':').map_or(region, |(_, name)| name)
}

fn point(place: Place) -> Point {
    ((place.longitude + 180.0) * PER_DEGREE, (NORTH - place.latitude) * PER_DEGREE)
}

/// A curve that bends to the north; the short way around, over the edge of the map if need be.
fn curve(from: Point, to: Point) -> String {
    let ((x1, y1), (x2, y2)) = (from, to);
    let around = if x2 - x1 > WIDTH / 2.0 {
        -WIDTH
    } else if x1 - x2 > WIDTH / 2.0 {
        WIDTH
    } else {
        0.0
    };
    let whole = bow((x1, y1), (x2 + around, y2));
    if around == 0.0 { whole } else { format!("{whole}{}", bow((x1 - around, y1), (x2, y2))) }
}

fn bow((x1, y1): Point, (x2, y2): Point) -> String {
    let (dx, dy) = (x2 - x1, y2 - y1);
    // To the left of an eastward way, to the right of a westward one: north.
    let side = if dx < 0.0 { -1.0 } else { 1.0 };
    let (mx, my) = ((x1 + x2) / 2.0 + dy * BEND * side, (y1 + y2) / 2.0 - dx * BEND * side);
    format!("M{x1:.1} {y1:.1}Q{mx:.1} {:.1} {x2:.1} {y2:.1}", my.max(4.0))
}

/// What is taken already, as left, top, right, bottom.
#[derive(Default)]
struct Room(Vec<[f64; 4]>);

impl Room {
    fn take_dot(&mut self, (x, y): Point) {
        self.0.push([x - 6.0, y - 6.0, x + 6.0, y + 6.0]);
    }

    /// Words at the first side of the place where they cover nothing.
    fn beside(&mut self, text: &str, (x, y): Point) -> Option<Label> {
        let width = LETTER * f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
        let sides = [
            ("start", (x + BESIDE, y), x + BESIDE),
            ("end", (x - BESIDE, y), x - BESIDE - width),
            ("middle", (x, y - BESIDE - LINE / 2.0), x - width / 2.0),
            ("middle", (x, y + BESIDE + LINE / 2.0), x - width / 2.0),
        ];
        for (anchor, at, left) in sides {
            let taken = [left, at.1 - LINE / 2.0, left + width, at.1 + LINE / 2.0];
            if is_inside(taken) && !self.0.iter().any(|other| overlap(taken, *other)) {
                self.0.push(taken);
                return Some(Label { text: text.to_owned(), at, anchor });
            }
        }
        None
    }
}

fn right_of(text: String, (x, y): Point) -> Label {
    Label { text, at: (x + BESIDE, y), anchor: "start" }
}

fn is_inside([left, top, right, bottom]: [f64; 4]) -> bool {
    left >= 0.0 && top >= 0.0 && right <= WIDTH && bottom <= HEIGHT
}

fn overlap(one: [f64; 4], other: [f64; 4]) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greenwich_is_in_the_middle_and_the_north_is_above() {
        let (x, y) = point(Place { latitude: NORTH, longitude: 0.0 });
        assert!((x - 500.0).abs() < 1e-9 && y.abs() < 1e-9);
        let south = point(Place { latitude: -61.2, longitude: 0.0 });
        assert!((south.1 - HEIGHT).abs() < 1e-9);
    }

    #[test]
    fn a_curve_takes_the_short_way_over_the_edge() {
        assert_eq!(curve((100.0, 200.0), (300.0, 200.0)), "M100.0 200.0Q200.0 168.0 300.0 200.0");
        assert_eq!(curve((300.0, 200.0), (100.0, 200.0)), "M300.0 200.0Q200.0 168.0 100.0 200.0");
        let over = curve((900.0, 200.0), (100.0, 200.0));
        assert_eq!(over.matches('M').count(), 2, "one line leaves the map, one comes in: {over}");
        assert!(over.contains("1100.0 200.0") && over.contains("M-100.0 200.0"), "{over}");
    }

    #[test]
    fn words_go_where_they_cover_nothing_or_nowhere() {
        let mut room = Room::default();
        let first = room.beside("aws", (500.0, 200.0)).expect("room");
        assert_eq!(first.anchor, "start");
        let second = room.beside("gcp", (505.0, 200.0)).expect("room at the left");
        assert_eq!(second.anchor, "end");
        let third = room.beside("azure", (500.0, 202.0)).expect("room above");
        assert_eq!(third.anchor, "middle");
        assert!(room.beside(&"x".repeat(200), (500.0, 300.0)).is_none());
        assert_eq!(room.beside("edge", (995.0, 100.0)).map(|label| label.anchor), Some("end"));
    }
}
