//! A page to hand out: what a snapshot is, who attests it, where it is anchored, and how to verify it.
//!
//! It is a summary and proves nothing; the bundle does. Fonts are those that every reader of PDF has,
//! and nothing but the contents goes in, so the same contents give the same bytes.

use domain::anchor::Publisher;
use domain::bundle::{AnchorEntry, Contents, SnapshotFile, file_name};
use domain::receipt::Receipt;
use domain::snapshot::section::SectionName;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 56.0;
/// With three clouds and four anchors there is room for as many; the others are counted.
const LOGS_SHOWN: usize = 4;
/// Characters of text of 9 points in a line: half an em each, with room to spare.
const LINE_CHARS: usize = 98;
/// Longest word on a publisher's standing.
const STANDING_CHARS: usize = 84;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);

#[derive(Clone, Copy)]
enum Font {
    Text,
    Bold,
    Mono,
}

impl Font {
    const ALL: [Font; 3] = [Font::Text, Font::Bold, Font::Mono];

    const fn name(self) -> Name<'static> {
        match self {
            Font::Text => Name(b"T"),
            Font::Bold => Name(b"B"),
            Font::Mono => Name(b"M"),
        }
    }

    const fn base(self) -> Name<'static> {
        match self {
            Font::Text => Name(b"Helvetica"),
            Font::Bold => Name(b"Helvetica-Bold"),
            Font::Mono => Name(b"Courier"),
        }
    }

    const fn id(self) -> Ref {
        match self {
            Font::Text => Ref::new(6),
            Font::Bold => Ref::new(7),
            Font::Mono => Ref::new(8),
        }
    }
}

/// The certificate of what is in the bundle.
#[must_use]
pub fn certificate(contents: &Contents, snapshot: &SnapshotFile) -> Vec<u8> {
    let mut sheet = Sheet { content: Content::new(), y: HEIGHT - MARGIN };
    head(&mut sheet, snapshot);
    attested(&mut sheet, contents);
    covered(&mut sheet, contents);
    anchored(&mut sheet, contents, snapshot);
    verified(&mut sheet, snapshot);
    document(&format!("Snapshot {} of {}", snapshot.period, snapshot.deployment), sheet.content)
}

fn head(sheet: &mut Sheet, snapshot: &SnapshotFile) {
    sheet.line(Font::Bold, 9.0, "TERNION AUDIT SNAPSHOT");
    sheet.gap(16.0);
    sheet.line(Font::Bold, 24.0, &format!("Snapshot {}", snapshot.period));
    sheet.gap(4.0);
    let whose = format!("{}, number {}", snapshot.deployment, snapshot.number);
    sheet.line(Font::Text, 11.0, &whose);
    sheet.gap(10.0);
    sheet.line(Font::Text, 9.0, "SHA-256 of its manifest: the snapshot's hash");
    sheet.line(Font::Mono, 11.0, &snapshot.hash.to_string());
    let sentence = match snapshot.anchored_at {
        Some(at) if snapshot.anchored => {
            format!("Anchored outside: it existed no later than {at}.")
        }
        _ => "Not anchored outside: when it was so rests on the clouds' word.".to_owned(),
    };
    sheet.gap(4.0);
    sheet.line(Font::Bold, 10.0, &sentence);
}

fn attested(sheet: &mut Sheet, contents: &Contents) {
    sheet.title("Attested by");
    for (cloud, receipt) in &contents.attestations {
        let Receipt { event, slot, .. } = receipt;
        sheet.pair(cloud.title(), &format!("{}, final in its log at {slot}", event.created_at));
        sheet.small(&format!("event  {}", event.event_id));
        sheet.small(&format!("hash   {}", event.hash));
    }
    for cloud in &contents.differing {
        sheet.pair(cloud.title(), "attested another hash, and is outvoted");
    }
}

fn covered(sheet: &mut Sheet, contents: &Contents) {
    sheet.title("What it covers");
    for name in SectionName::ALL {
        let section = contents.manifest.section(name);
        let what = match name {
            SectionName::Events => "entries since the snapshot before",
            SectionName::Usage => "rows of metered usage, of all time",
            SectionName::Ledger => "rows of the billing ledger, of all time",
        };
        sheet.pair(&capital(name.name()), &format!("{} {what}", section.rows));
        sheet.small(&format!("sha256 {}", section.sha256));
    }
    let logs = &contents.manifest.cut;
    for log in logs.iter().take(LOGS_SHOWN) {
        sheet.pair(&format!("Log {}", log.log), &format!("entries {} to {}", log.from, log.size));
        sheet.small(&format!("root   {}", log.root));
    }
    if logs.len() > LOGS_SHOWN {
        let more = format!("and {} logs more, which the manifest names", logs.len() - LOGS_SHOWN);
        sheet.line(Font::Text, 9.0, &more);
    }
}

fn anchored(sheet: &mut Sheet, contents: &Contents, snapshot: &SnapshotFile) {
    sheet.title("Anchored with others");
    for publisher in Publisher::ALL {
        let entry = snapshot.anchors.iter().find(|one| one.publisher == publisher);
        let standing = contents.anchors.get(&publisher).map(|known| known.standing.as_str());
        let standing = standing.unwrap_or("this cloud does not publish there");
        match entry.and_then(|entry| Some((entry, entry.anchored_at?, entry.place.as_ref()?))) {
            Some((AnchorEntry { anchored, height, .. }, at, place)) => {
                let block = height.map_or("stamp".to_owned(), |height| format!("block {height}"));
                let state = if *anchored { "final" } else { "not final yet" };
                sheet.pair(title(publisher), &format!("{at}, {block}, {state}"));
                sheet.small(place);
            }
            None => sheet.pair(title(publisher), &cut(standing, STANDING_CHARS)),
        }
    }
}

const fn title(publisher: Publisher) -> &'static str {
    match publisher {
        Publisher::Ethereum => "Ethereum",
        Publisher::Bitcoin => "Bitcoin",
        Publisher::OpenTimestamps => "OpenTimestamps",
        Publisher::Rfc3161 => "Time stamp",
    }
}

fn verified(sheet: &mut Sheet, snapshot: &SnapshotFile) {
    sheet.title("How to verify");
    let file = file_name(snapshot.period);
    for text in [
        format!("This page is a summary and proves nothing. The proof is the bundle {file}, which the deployment's snapshot page and GET /v1/snapshots/{}/bundle give.", snapshot.period),
        "Unpacked, \"sh verify.sh -p POLICY -a CERTIFICATES\" checks it with sha256sum and openssl. \"ternion verify\" and the page Verify of any deployment check every step; VERIFY.md in the bundle says how to do it by hand.".to_owned(),
        "Bring the deployment's policy file, authorities that you trust and a node or two explorers yourself: whoever could forge this page could forge them too.".to_owned(),
        "A valid check says: these clouds signed for exactly these bytes, and they existed no later than a proof by others says. It does not say that what was recorded is true, nor that all that happened was recorded.".to_owned(),
    ] {
        sheet.paragraph(&text);
    }
}

/// One page, written from its top.
struct Sheet {
    content: Content,
    y: f32,
}

impl Sheet {
    fn write(&mut self, font: Font, size: f32, x: f32, text: &str) {
        self.content.begin_text();
        self.content.set_font(font.name(), size);
        self.content.next_line(x, self.y);
        self.content.show(Str(&plain(text)));
        self.content.end_text();
    }

    fn gap(&mut self, points: f32) {
        self.y -= points;
    }

    fn line(&mut self, font: Font, size: f32, text: &str) {
        self.gap(size * 1.35);
        self.write(font, size, MARGIN, text);
    }

    fn title(&mut self, text: &str) {
        self.gap(16.0);
        self.content.set_stroke_gray(0.7);
        self.content.move_to(MARGIN, self.y).line_to(WIDTH - MARGIN, self.y).stroke();
        self.line(Font::Bold, 10.5, text);
        self.gap(2.0);
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.gap(12.5);
        self.write(Font::Bold, 9.0, MARGIN, name);
        self.write(Font::Text, 9.0, MARGIN + 100.0, value);
    }

    /// Hashes and ids, below what they are of.
    fn small(&mut self, text: &str) {
        self.gap(9.0);
        self.write(Font::Mono, 6.2, MARGIN + 100.0, text);
    }

    fn paragraph(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if line.len() + 1 + word.len() > LINE_CHARS {
                self.line(Font::Text, 9.0, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(Font::Text, 9.0, &line);
        self.gap(2.0);
    }
}

fn document(title: &str, content: Content) -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES).lang(TextStr("en"));
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let mut page = pdf.page(PAGE);
    page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(PAGES).contents(CONTENT);
    let mut resources = page.resources();
    let mut fonts = resources.fonts();
    for font in Font::ALL {
        fonts.pair(font.name(), font.id());
    }
    fonts.finish();
    resources.finish();
    page.finish();
    for font in Font::ALL {
        let mut written = pdf.type1_font(font.id());
        written.base_font(font.base()).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.stream(CONTENT, &content.finish());
    pdf.document_info(INFO).title(TextStr(title)).producer(TextStr("Ternion"));
    pdf.finish()
}

/// What the fonts have by their one-byte names. Names of deployments and places are ASCII.
fn plain(text: &str) -> Vec<u8> {
    let byte = |c: char| if (' '..='~').contains(&c) { c as u8 } else { b'?' };
    text.chars().map(byte).collect()
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 3).chain("...".chars()).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
