//! Line icons on a 16 × 16 field, in the colour of the text beside them.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Overview,
    Ledger,
    Anchor,
    Billing,
    Scenarios,
    Optimizer,
    Approvals,
    Fabric,
    Verify,
    Lab,
    Search,
    System,
    Sun,
    Moon,
    Help,
    Copy,
    Check,
    Cross,
    Question,
    Dot,
    Pause,
    Play,
    Download,
    File,
    Arrow,
    Exit,
    Alarm,
}

impl Icon {
    /// Path data, stroked.
    const fn path(self) -> &'static str {
        match self {
            Icon::Overview => "M1.5 8.5H4.5L6.5 3L9.5 13L11.5 8.5H14.5",
            Icon::Ledger => "M2.5 3.5H13.5M2.5 8H13.5M2.5 12.5H9",
            Icon::Anchor => {
                "M8 5.2A1.6 1.6 0 1 0 8 2A1.6 1.6 0 0 0 8 5.2ZM8 5.2V14M5.4 7.4H10.6M2.4 9.2C2.6 12 5 14 8 14C11 14 13.4 12 13.6 9.2"
            }
            Icon::Billing => {
                "M3 1.8H13V14.2L11 12.8L9.5 14.2L8 12.8L6.5 14.2L5 12.8L3 14.2ZM5.6 5H10.4M5.6 8.2H10.4"
            }
            Icon::Scenarios => "M2 4.5H9M12 4.5H14M2 11.5H4M7 11.5H14M10.5 3V6M5.5 10V13",
            Icon::Optimizer => "M2 13.5L6 8.5L9 10.5L14 3.5M10.5 3.5H14V7M2 2V14H14",
            Icon::Approvals => {
                "M8 14.5A6.5 6.5 0 1 0 8 1.5A6.5 6.5 0 0 0 8 14.5ZM5 8.2L7.2 10.4L11.2 5.8"
            }
            Icon::Fabric => {
                "M8 14.5A6.5 6.5 0 1 0 8 1.5A6.5 6.5 0 0 0 8 14.5ZM1.5 8H14.5M8 1.5C10 3.4 11 5.6 11 8C11 10.4 10 12.6 8 14.5C6 12.6 5 10.4 5 8C5 5.6 6 3.4 8 1.5"
            }
            Icon::Verify => {
                "M8 1.5L13.5 3.6V7.6C13.5 11 11.2 13.5 8 14.6C4.8 13.5 2.5 11 2.5 7.6V3.6ZM5.6 8L7.3 9.7L10.6 6.2"
            }
            Icon::Lab => {
                "M6 1.8H10M6.8 1.8V6.2L2.9 12.6C2.4 13.5 3 14.4 4 14.4H12C13 14.4 13.6 13.5 13.1 12.6L9.2 6.2V1.8M4.7 10.4H11.3"
            }
            Icon::Search => "M7 12A5 5 0 1 0 7 2A5 5 0 0 0 7 12ZM10.6 10.6L14 14",
            Icon::System => "M2 3H14V11H2ZM5.5 14H10.5M8 11V14",
            Icon::Sun => {
                "M8 11A3 3 0 1 0 8 5A3 3 0 0 0 8 11ZM8 1V2.4M8 13.6V15M1 8H2.4M13.6 8H15M3.1 3.1L4 4M12 12L12.9 12.9M3.1 12.9L4 12M12 4L12.9 3.1"
            }
            Icon::Moon => "M13.6 9.8A6 6 0 0 1 6.2 2.4A6 6 0 1 0 13.6 9.8Z",
            Icon::Help => {
                "M5.8 6A2.2 2.2 0 1 1 8.9 8C8.3 8.4 8 8.8 8 9.6M8 11.9V12M8 14.5A6.5 6.5 0 1 0 8 1.5A6.5 6.5 0 0 0 8 14.5Z"
            }
            Icon::Copy => "M5.5 5.5H13.5V13.5H5.5ZM3.5 10.5H2.5V2.5H10.5V3.5",
            Icon::Check => "M3.5 8.4L6.6 11.5L12.5 4.8",
            Icon::Cross => "M4 4L12 12M12 4L4 12",
            Icon::Question => "M5.6 6A2.4 2.4 0 1 1 9 8.2C8.3 8.6 8 9.1 8 10M8 12.6V12.7",
            Icon::Dot => "M8 8H8.01",
            Icon::Pause => "M5.5 3.5V12.5M10.5 3.5V12.5",
            Icon::Play => "M5 3L12.5 8L5 13Z",
            Icon::Download => "M8 2V10M4.8 7L8 10.2L11.2 7M2.5 13.5H13.5",
            Icon::File => "M4 1.8H9.5L12.5 4.8V14.2H4ZM9.5 1.8V4.8H12.5",
            Icon::Arrow => "M3 8H13M9 4L13 8L9 12",
            Icon::Alarm => "M8 1.8L14.8 13.8H1.2ZM8 6.2V9.6M8 11.7V11.8",
            Icon::Exit => "M9.5 2.5H3V13.5H9.5M6.5 8H14M11 5L14 8L11 11",
        }
    }

    /// Decoration beside a word: hidden from assistive technology.
    pub(crate) fn view(self) -> impl IntoView {
        view! {
            <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=self.path() />
            </svg>
        }
    }
}
