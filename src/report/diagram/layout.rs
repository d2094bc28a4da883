//! Where everything stands, as numbers: fixed lanes from inside to outside, a band for each network, a row for each point.
//!
//! Rows never share their height, so a road runs straight from its point through the hospital's edge to the trunk of the part
//! of the outside that it leads to, and no text stands on another. Where there are too many points for rows of their own,
//! those of one kind in one network share one.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    measure::{Face, fit, width},
    zone::{Band, Networks, Zone},
};
use crate::{
    assess::Answer,
    correlate::{Direction, Grade, Kind, Point},
    import::Column,
    report::{Report, assessed, cut},
};

/// How wide a drawing is, in units that are pixels at its full size.
pub(super) const WIDTH: i32 = 1200;

/// Up to which height points have rows of two lines, rows of one line, and networks bands of their own: then no text is
/// smaller than 9 pixels on A3, and less than that is easier on the eye.
const MOST_ROOMY: i32 = 1640;
const MOST_CLOSE: i32 = 1850;
const MOST_HEIGHT: i32 = 2100;

/// How many networks have bands of their own, the first number that fits.
const BANDS: [usize; 4] = [12, 6, 3, 0];

/// How many points a shared row names.
const MOST_CHIPS: usize = 240;

/// How many lines a part of the outside tells of who is there.
const MOST_WHO: usize = 4;

/// The sizes of text.
pub(super) const SIZE: i32 = 13;
pub(super) const SMALL: i32 = 12;

/// The lanes: where each begins and ends.
pub(super) const INSIDE: (i32, i32) = (16, 396);
pub(super) const EDGE: (i32, i32) = (404, 790);
pub(super) const WALL: i32 = 799;
const LINES: i32 = 824;
/// The last trunk; the others stand before it.
const TRUNK: i32 = 1036;
const TRUNK_STEP: i32 = 12;
pub(super) const OUTSIDE: (i32, i32) = (1052, 1192);
const TOP: i32 = 62;
const BAR: i32 = 28;
const BAND_HEAD: i32 = 26;
const BAND_GAP: i32 = 11;
const CHIP: (i32, i32) = (110, 20);
/// How much lower a row at the edge begins than the one beside it, and where the road of that one runs.
const PASS: i32 = 22;
const UPPER_ROAD: i32 = 10;

/// A text at its place; its place is its beginning, on its base line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub x: i32,
    pub y: i32,
    pub text: String,
    pub face: Face,
    pub size: i32,
}

/// A network: what stands in it hangs on its bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strip {
    pub id: String,
    pub y: i32,
    pub height: i32,
    pub head: Label,
    /// The bar, from and to.
    pub bar: (i32, i32),
}

/// A point, or those that share a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub id: String,
    /// The band that it stands in.
    pub strip: usize,
    pub edge: bool,
    /// Whether it is drawn as hanging on its network's bar.
    pub twig: bool,
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    /// Everything of it as one text.
    pub title: String,
    pub labels: Vec<Label>,
    pub tags: Vec<Tag>,
    pub grade: Grade,
    pub direction: Direction,
    pub suppressed: bool,
    /// The point that it is; none where several share it.
    pub point: Option<String>,
    pub chips: Vec<Chip>,
    /// The height at which its road runs.
    pub road: i32,
    pub zones: BTreeSet<Zone>,
    /// What its line is, over the road.
    pub line: Label,
}

/// A word in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub text: String,
    pub alert: bool,
}

/// One of several points that share a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chip {
    pub x: i32,
    pub y: i32,
    pub point: String,
    pub text: String,
    pub title: String,
    pub grade: Grade,
    pub direction: Direction,
    pub alert: bool,
    pub suppressed: bool,
}

/// A part of the outside, and the trunk that leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub zone: Zone,
    pub y: i32,
    pub height: i32,
    pub labels: Vec<Label>,
    pub trunk: i32,
    /// The trunk, from and to.
    pub span: (i32, i32),
    /// The height at which the trunk meets the part.
    pub meets: i32,
}

/// A line of the key: what is drawn, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub sign: Sign,
    pub x: i32,
    pub label: Label,
}

/// What a line of the key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Grade(Grade),
    In,
    Out,
}

/// Everything at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub height: i32,
    pub title: String,
    pub lanes: Vec<Label>,
    /// The height at which lanes end.
    pub bottom: i32,
    pub strips: Vec<Strip>,
    pub cards: Vec<Card>,
    pub places: Vec<Place>,
    pub keys: Vec<Key>,
}

/// How points are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// A row of two lines each.
    Roomy,
    /// A row of one line each.
    Close,
    /// Those of a kind in a network together.
    Shared,
}

impl Layout {
    /// The first manner of drawing that is not too tall.
    pub(super) fn of(report: &Report<'_>) -> Self {
        for (manner, most) in [(Manner::Roomy, MOST_ROOMY), (Manner::Close, MOST_CLOSE)] {
            // What is too much for rows needs not be placed to know it.
            if report.run.points.len() > 80 {
                break;
            }
            let layout = Self::drawn(report, manner, usize::MAX);
            if layout.height <= most {
                return layout;
            }
        }
        let mut last = None;
        for most in BANDS {
            let layout = Self::drawn(report, Manner::Shared, most);
            if layout.height <= MOST_HEIGHT {
                return layout;
            }
            last = Some(layout);
        }
        last.expect("there is a number of bands")
    }

    fn drawn(report: &Report<'_>, manner: Manner, most: usize) -> Self {
        let words = report.words;
        let zones: BTreeSet<Zone> = report.run.points.iter().flat_map(Zone::of).collect();
        let trunks: BTreeMap<Zone, i32> = (0..)
            .zip(zones.iter().rev())
            .map(|(at, zone)| (*zone, TRUNK - at * TRUNK_STEP))
            .collect();
        let lines = (LINES, trunks.values().min().copied().unwrap_or(TRUNK) - 8);
        let mut y = TOP;
        let (mut strips, mut cards) = (Vec::new(), Vec::new());
        for (band, points) in bands(report, most) {
            let top = y;
            y += BAND_HEAD + 6;
            let first = cards.len();
            for (inner, outer) in pairs(rows(&points, manner), manner) {
                // The road of what stands inside passes over what stands at the edge beside it.
                let lower = if inner.is_some() && outer.is_some() { PASS } else { 0 };
                let mut next = y;
                for (row, down) in [(inner, 0), (outer, lower)] {
                    let Some(row) = row else { continue };
                    let mut card = card(report, &row, manner, lines, (strips.len(), y + down));
                    card.twig = down == 0;
                    next = next.max(card.y + card.height);
                    cards.push(card);
                }
                y = next + if manner == Manner::Close { 5 } else { 7 };
            }
            let roads = cards.iter().skip(first).map(|card: &Card| card.road);
            let bar = (top + BAND_HEAD, roads.max().unwrap_or(y));
            let name = match band {
                Band::Network(_) => band.to_string(),
                Band::Rest | Band::Nowhere => words.get("diagram", &band.to_string()).to_owned(),
            };
            let count = words.counted("diagram", "count", points.len());
            let head = format!("{name}  {count}");
            strips.push(Strip {
                id: format!("network-{}", strips.len()),
                y: top,
                height: y - top,
                head: Label {
                    x: BAR - 4,
                    y: top + 18,
                    text: fit(&head, SIZE, Face::Bold, INSIDE.1 - BAR),
                    face: Face::Bold,
                    size: SIZE,
                },
                bar,
            });
            y += BAND_GAP;
        }
        let mut places = places(report, &cards, &trunks);
        let reach = places.last().map_or(0, |place| place.y + place.height);
        let bottom = y.max(reach + BAND_GAP) - BAND_GAP + 8;
        connect(&mut places, &cards);
        let lane = |key: &str, from: i32, to: i32| Label {
            x: from,
            y: 40,
            text: fit(words.get("diagram", key), SIZE, Face::Bold, to - from),
            face: Face::Bold,
            size: SIZE,
        };
        Self {
            height: bottom + 52,
            title: words.get("diagram", "title").to_owned(),
            lanes: vec![
                lane("inside", INSIDE.0 + 8, INSIDE.1),
                lane("edge", EDGE.0 + 8, EDGE.1 - 8),
                lane("lines", lines.0, lines.1),
                lane("outside", OUTSIDE.0 + 4, OUTSIDE.1),
            ],
            bottom,
            strips,
            cards,
            places,
            keys: keys(report, bottom + 32),
        }
    }
}

/// The points by network, those with the most points first to keep a band of their own where there are too many.
fn bands<'a>(report: &Report<'a>, most: usize) -> BTreeMap<Band, Vec<&'a Point>> {
    let networks = Networks::of(&report.run.coverage);
    let mut bands: BTreeMap<Band, Vec<&Point>> = BTreeMap::new();
    for point in report.points() {
        bands.entry(networks.band(point)).or_default().push(point);
    }
    let counted = bands.keys().filter(|band| matches!(band, Band::Network(_))).count();
    if counted > most {
        let mut by_size: Vec<(std::cmp::Reverse<usize>, Band)> =
            bands.iter().map(|(band, points)| (std::cmp::Reverse(points.len()), *band)).collect();
        by_size.sort_unstable();
        let own: BTreeSet<Band> = by_size.iter().take(most).map(|(_, band)| *band).collect();
        let mut kept: BTreeMap<Band, Vec<&Point>> = BTreeMap::new();
        for (band, points) in bands {
            let to = if own.contains(&band) || band == Band::Nowhere { band } else { Band::Rest };
            kept.entry(to).or_default().extend(points);
        }
        bands = kept;
    }
    for points in bands.values_mut() {
        points.sort_by_key(|point| (!point.kind.is_at_edge(), point.kind));
    }
    bands
}

/// The points that share a row.
fn rows<'p>(points: &[&'p Point], manner: Manner) -> Vec<Vec<&'p Point>> {
    if manner != Manner::Shared {
        return points.iter().map(|point| vec![*point]).collect();
    }
    let mut rows: Vec<(Kind, Vec<&Point>)> = Vec::new();
    for point in points {
        match rows.last_mut() {
            Some((kind, row)) if *kind == point.kind => row.push(point),
            _ => rows.push((point.kind, vec![point])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Rows beside each other: where points share rows, one of the inside with one of the edge.
#[expect(clippy::type_complexity, reason = "a pair of rows, each of which may be missing")]
fn pairs(
    rows: Vec<Vec<&Point>>,
    manner: Manner,
) -> Vec<(Option<Vec<&Point>>, Option<Vec<&Point>>)> {
    let is_outer = |row: &Vec<&Point>| row.first().is_some_and(|point| point.kind.is_at_edge());
    if manner != Manner::Shared {
        let apart = rows
            .into_iter()
            .map(|row| if is_outer(&row) { (None, Some(row)) } else { (Some(row), None) });
        return apart.collect();
    }
    let (outer, inner): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_outer);
    let count = outer.len().max(inner.len());
    let (mut outer, mut inner) = (outer.into_iter(), inner.into_iter());
    (0..count).map(|_| (inner.next(), outer.next())).collect()
}

/// One row in its band, at its height; what its line is called has to fit between two places.
fn card(
    report: &Report<'_>,
    row: &[&Point],
    manner: Manner,
    lines: (i32, i32),
    (strip, y): (usize, i32),
) -> Card {
    let words = report.words;
    let point = row.first().expect("a row has a point");
    let edge = point.kind.is_at_edge();
    let lane = if edge { EDGE } else { INSIDE };
    let (x, right) = (lane.0 + if edge { 8 } else { 36 }, lane.1 - 10);
    let wide = right - x;
    let single = manner != Manner::Shared;
    let suppressed = row.iter().all(|point| report.is_suppressed(&point.id));
    let mut tags = Vec::new();
    let mut end = right - 6;
    for (text, alert) in if single { tags_of(report, point) } else { Vec::new() } {
        let text = fit(&text, SMALL, Face::Plain, 90);
        let width = width(&text, SMALL, Face::Plain) + 8;
        end -= width;
        tags.push(Tag { x: end, y: y + 16, width, text, alert });
        end -= 5;
    }
    let label = |x: i32, y: i32, text: &str, face: Face, size: i32, room: i32| Label {
        x,
        y,
        text: fit(text, size, face, room),
        face,
        size,
    };
    let kind = words.kind(point.kind);
    let address = point.addresses.first().map(ToString::to_string);
    let address = address.or_else(|| point.macs.first().map(ToString::to_string));
    let address = address.unwrap_or_else(|| point.id.clone());
    let what = what(report, point);
    let (mut labels, mut chips) = (Vec::new(), Vec::new());
    let height = match manner {
        Manner::Roomy => {
            labels.push(label(x + 24, y + 16, kind, Face::Bold, SIZE, end - x - 28));
            let at = label(x + 24, y + 32, &address, Face::Mono, SMALL, wide - 34);
            let used = x + 24 + width(&at.text, SMALL, Face::Mono) + 10;
            labels.push(at);
            labels.push(label(used, y + 32, &what, Face::Plain, SMALL, right - 8 - used));
            38
        }
        Manner::Close => {
            // The address is never cut for the sake of others.
            let long = width(&address, SMALL, Face::Mono).min(125);
            let from = (x + 164).min(end - long - 4);
            labels.push(label(x + 24, y + 16, kind, Face::Bold, SMALL, from - x - 30));
            let at = label(from, y + 16, &address, Face::Mono, SMALL, long);
            let used = at.x + width(&at.text, SMALL, Face::Mono) + 8;
            labels.push(at);
            labels.push(label(used, y + 16, &what, Face::Plain, SMALL, end - 2 - used));
            23
        }
        Manner::Shared => {
            let head = format!("{kind}  {}", words.counted("diagram", "count", row.len()));
            labels.push(label(x + 10, y + 16, &head, Face::Bold, SIZE, wide - 20));
            let a_line = usize::try_from(wide / CHIP.0).unwrap_or(1).max(1);
            let mut lines = 1;
            for (at, point) in row.iter().take(MOST_CHIPS).enumerate() {
                let (line, place) = (at / a_line, at % a_line);
                lines = line + 1;
                let step = |count: usize| i32::try_from(count).unwrap_or_default();
                chips.push(Chip {
                    x: x + 8 + step(place) * CHIP.0,
                    y: y + 24 + step(line) * CHIP.1,
                    point: point.id.clone(),
                    text: fit(&point.id, SMALL, Face::Mono, CHIP.0 - 30),
                    title: title(report, point),
                    grade: point.grade,
                    direction: point.direction,
                    alert: tags_of(report, point).iter().any(|(_, alert)| *alert),
                    suppressed: report.is_suppressed(&point.id),
                });
            }
            let more = row.len().saturating_sub(MOST_CHIPS);
            if more > 0 {
                let said = words.fill("label", "more", &[("count", &more.to_string())]);
                let under = y + 38 + i32::try_from(lines).unwrap_or_default() * CHIP.1;
                labels.push(label(x + 10, under, &said, Face::Plain, SMALL, wide - 20));
                lines += 1;
            }
            30 + i32::try_from(lines).unwrap_or_default() * CHIP.1
        }
    };
    let direction = match row.iter().map(|point| point.direction).collect::<BTreeSet<_>>() {
        directions if directions.len() == 1 => point.direction,
        _ => Direction::Both,
    };
    let road = y + if single { height / 2 } else { UPPER_ROAD };
    Card {
        id: if single {
            format!("point-{}", point.id)
        } else {
            format!("group-{strip}-{}", point.kind.name())
        },
        strip,
        edge,
        twig: true,
        x,
        y,
        width: wide,
        height,
        title: if single { title(report, point) } else { kind.to_owned() },
        labels,
        tags,
        grade: row.iter().map(|point| point.grade).max().unwrap_or(point.grade),
        direction,
        suppressed,
        point: single.then(|| point.id.clone()),
        chips,
        road,
        zones: row.iter().flat_map(|point| Zone::of(point)).collect(),
        line: label(lines.0, road - 5, &line(report, row), Face::Plain, SMALL, lines.1 - lines.0),
    }
}

/// What a point is, in few words: its product, or what it calls itself, or who is at its other end.
fn what(report: &Report<'_>, point: &Point) -> String {
    if let Some(product) = &point.product {
        return product.to_string();
    }
    let written = report.written(point.id.as_str());
    let written = written.and_then(|entry| {
        [Column::Name, Column::System, Column::Partner]
            .into_iter()
            .find_map(|column| entry.get(column))
    });
    written.or_else(|| point.names.first().map(String::as_str)).unwrap_or_default().to_owned()
}

/// Everything about a point as one text, which stands where somebody points at it.
fn title(report: &Report<'_>, point: &Point) -> String {
    let words = report.words;
    let parts = [
        point.id.as_str(),
        words.kind(point.kind),
        words.grade(point.grade),
        words.direction(point.direction),
    ];
    let mut said = parts.join(words.get("language", "comma"));
    let what = what(report, point);
    if !what.is_empty() {
        said.push_str(words.get("language", "colon"));
        said.push_str(&what);
    }
    cut(&said, 120)
}

/// What somebody has to see at once, with whether it is urgent.
fn tags_of(report: &Report<'_>, point: &Point) -> Vec<(String, bool)> {
    let words = report.words;
    let mut tags = Vec::new();
    let mut tag = |key: &str, alert: bool| tags.push((words.get("diagram", key).to_owned(), alert));
    if report.is_suppressed(&point.id) {
        tag("tag_decided", false);
        return tags;
    }
    if let Some(assessment) = report.assessed(point) {
        if assessed::is_exploited(assessment) {
            tag("tag_exploited", true);
        } else if assessment.count(Answer::Affected) > 0 {
            tag("tag_affected", true);
        } else if assessment.has_ended() {
            tag("tag_ended", true);
        }
    }
    if report.meaning.reconciliation.is_some() && report.register(&point.id) == Some("undeclared") {
        tag("tag_undeclared", true);
    }
    tags
}

/// What the lines of a row are, where something tells of them: their sort and whose they are.
fn line(report: &Report<'_>, row: &[&Point]) -> String {
    let words = report.words;
    let mut said: Vec<String> = Vec::new();
    for point in row {
        for line in &point.lines {
            let bare =
                crate::correlate::Line { mtu: None, outside: None, next_hop: None, ..line.clone() };
            said.push(words.line(&bare));
        }
        if point.lines.is_empty()
            && let Some(entry) = report.written(&point.id)
        {
            let parts: Vec<&str> = [Column::Line, Column::Carrier]
                .iter()
                .filter_map(|column| entry.get(*column))
                .collect();
            said.extend((!parts.is_empty()).then(|| parts.join(" ")));
        }
    }
    let different: BTreeSet<&String> = said.iter().collect();
    match different.len() {
        0 => String::new(),
        1 => said.swap_remove(0),
        many => words.counted("diagram", "lines_count", many),
    }
}

/// The parts of the outside that something leads to, each as near to its roads as the others let it.
fn places(report: &Report<'_>, cards: &[Card], trunks: &BTreeMap<Zone, i32>) -> Vec<Place> {
    let words = report.words;
    let mut places: Vec<(i32, Place)> = Vec::new();
    for (&zone, &trunk) in trunks {
        let roads: Vec<i32> =
            cards.iter().filter(|card| card.zones.contains(&zone)).map(|card| card.road).collect();
        let count = i32::try_from(roads.len()).unwrap_or(1).max(1);
        let mean = roads.iter().sum::<i32>() / count;
        let room = OUTSIDE.1 - OUTSIDE.0 - 16;
        let mut lines = vec![(words.get("zone", zone.name()).to_owned(), Face::Bold, SIZE)];
        let points = report.run.points.iter().filter(|point| Zone::of(point).contains(&zone));
        lines.push((words.counted("diagram", "count", points.count()), Face::Plain, SMALL));
        let (who, more) = who(report, zone);
        lines.extend(who.into_iter().map(|one| (one, Face::Plain, SMALL)));
        if more > 0 {
            let said = words.fill("label", "more", &[("count", &more.to_string())]);
            lines.push((said, Face::Plain, SMALL));
        }
        let labels = (0..).zip(lines).map(|(at, (text, face, size))| Label {
            x: OUTSIDE.0 + 10,
            y: 22 + at * 18,
            text: fit(&text, size, face, room),
            face,
            size,
        });
        let labels: Vec<Label> = labels.collect();
        let height = 14 + 18 * i32::try_from(labels.len()).unwrap_or(1);
        let place = Place { zone, y: 0, height, labels, trunk, span: (0, 0), meets: 0 };
        places.push((mean, place));
    }
    places.sort_by_key(|(mean, place)| (*mean, place.zone));
    let mut next = TOP;
    let mut placed: Vec<Place> = Vec::new();
    for (mean, mut place) in places {
        place.y = (mean - place.height / 2).max(next);
        next = place.y + place.height + 18;
        placed.push(place);
    }
    placed
}

/// Who is in a part of the outside: carriers and partners, as the lines and the register name them.
fn who(report: &Report<'_>, zone: Zone) -> (Vec<String>, usize) {
    let mut who: BTreeSet<String> = BTreeSet::new();
    for point in report.run.points.iter().filter(|point| Zone::of(point).contains(&zone)) {
        who.extend(point.lines.iter().filter_map(|line| line.carrier.clone()));
        let entry = report.written(&point.id);
        let column = if zone == Zone::Vendor { Column::Partner } else { Column::Carrier };
        who.extend(entry.and_then(|entry| entry.get(column)).map(str::to_owned));
    }
    let more = who.len().saturating_sub(MOST_WHO);
    (who.into_iter().take(MOST_WHO).collect(), more)
}

/// Leads each trunk from its roads to its part of the outside, and moves its labels there.
fn connect(places: &mut [Place], cards: &[Card]) {
    for place in places {
        place.meets = place.y + place.height / 2;
        let roads =
            cards.iter().filter(|card| card.zones.contains(&place.zone)).map(|card| card.road);
        let ends: Vec<i32> = roads.chain([place.meets]).collect();
        let first = ends.iter().min().copied().unwrap_or(place.meets);
        place.span = (first, ends.iter().max().copied().unwrap_or(place.meets));
        for label in &mut place.labels {
            label.y += place.y;
        }
    }
}

/// What the styles of lines and the arrows say.
fn keys(report: &Report<'_>, y: i32) -> Vec<Key> {
    let words = report.words;
    let grades = report.tally(|point| point.grade);
    let grades = grades.iter().rev().map(|(grade, _)| (Sign::Grade(*grade), words.grade(*grade)));
    let ways = [Direction::In, Direction::Out].map(|direction| {
        (if direction == Direction::In { Sign::In } else { Sign::Out }, words.direction(direction))
    });
    let mut x = INSIDE.0 + 8;
    let mut keys = Vec::new();
    for (sign, text) in grades.chain(ways) {
        let label = Label {
            x: x + 46,
            y,
            text: fit(text, SMALL, Face::Plain, 160),
            face: Face::Plain,
            size: SMALL,
        };
        let next = label.x + width(&label.text, SMALL, Face::Plain) + 26;
        keys.push(Key { sign, x, label });
        x = next;
    }
    keys
}
