//! Pictures by plotters, the same on the server and in the browser.
//!
//! Plotters knows fixed colours only. We draw in marker colours and exchange them for classes, so
//! that the style sheet (theme, forced colours, print) decides.

use plotters::coord::Shift;
use plotters::prelude::*;

/// What a stroke or a face means; the class that the style sheet knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Line = 1,
    Area = 2,
    Grid = 3,
    /// As it was before: quiet.
    Before = 4,
    Good = 5,
    Bad = 6,
    /// A middle, from which others depart.
    Axis = 7,
}

impl Paint {
    const ALL: [(Paint, &'static str); 7] = [
        (Paint::Line, "plot-line"),
        (Paint::Area, "plot-area"),
        (Paint::Grid, "plot-grid"),
        (Paint::Before, "plot-before"),
        (Paint::Good, "plot-good"),
        (Paint::Bad, "plot-bad"),
        (Paint::Axis, "plot-axis"),
    ];

    pub(crate) const fn marker(self) -> RGBColor {
        RGBColor(self as u8, 0, 0)
    }

    pub(crate) fn fill(self) -> ShapeStyle {
        self.marker().filled()
    }
}

/// Drawing units, far finer than pixels: plotters rounds to whole units, and the style sheet
/// stretches the picture to its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    width: u32,
    height: u32,
}

pub(crate) type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Picture {
    pub(crate) const fn new(width: u32, height: u32) -> Self {
        Picture { width, height }
    }

    /// An SVG element. `None`: drawing into a string fails only by a bug, and the table beside a
    /// picture has the numbers.
    pub(crate) fn draw(self, paint: impl FnOnce(&Root<'_>) -> Drawn) -> Option<String> {
        let mut svg = String::new();
        {
            let root =
                SVGBackend::with_string(&mut svg, (self.width, self.height)).into_drawing_area();
            paint(&root).ok()?;
            root.present().ok()?;
        }
        Some(self.with_classes(&svg))
    }

    fn with_classes(self, svg: &str) -> String {
        let head = format!("width=\"{}\" height=\"{}\"", self.width, self.height);
        let plain = "class=\"plot\" preserveAspectRatio=\"none\" aria-hidden=\"true\"";
        let svg = svg.replace(&head, plain).replace(" opacity=\"1\"", "");
        Paint::ALL.iter().fold(svg, |svg, (paint, class)| {
            let class = format!("class=\"{class}\"");
            let colour = format!("#{:02X}0000", *paint as u8);
            svg.replace(&format!("stroke=\"{colour}\""), &class)
                .replace(&format!("fill=\"{colour}\""), &class)
        })
    }
}
