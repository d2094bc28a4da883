//! The diagram as SVG: in a file of its own, with its style, and in the page, which has the style already.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    STYLE, escape,
    layout::{
        Card, Chip, EDGE, INSIDE, Key, Label, Layout, OUTSIDE, Place, Sign, Strip, Tag, WALL, WIDTH,
    },
    measure::Face,
};
use crate::correlate::Direction;

/// The colours of a drawing that stands alone; on the page they are the page's.
const COLOURS: &str = ":root{--paper:#fff;--ink:#1b2430;--soft:#545e6b;--line:#d5dae1;--faint:#f4f6f8;--indigo:#1f3f6b;\
--indigo-mid:#5d7da8;--indigo-pale:#a9bedb;--on-indigo:#fff;--road:#6b7789;--vermilion:#a3341f;\
--sans:\"BIZ UDPGothic\",\"Yu Gothic Medium\",\"Yu Gothic\",\"Hiragino Sans\",\"Noto Sans CJK JP\",\"Noto Sans JP\",Meiryo,\"Helvetica Neue\",Arial,sans-serif;\
--mono:\"BIZ UDGothic\",Consolas,Menlo,\"DejaVu Sans Mono\",\"Noto Sans Mono CJK JP\",monospace}";

/// Writes a drawing that stands alone; its points lead to those of `page`.
pub(super) fn write_file(layout: &Layout, page: &str, out: &mut impl Write) -> io::Result<()> {
    let height = layout.height;
    let mut drawing = String::new();
    let _ = write!(
        drawing,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\" width=\"{WIDTH}\" \
         height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n<title>{}</title>\n<style>{COLOURS}\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        escape(&layout.title)
    );
    body(&mut drawing, layout, page);
    drawing.push_str("</svg>\n");
    out.write_all(drawing.as_bytes())
}

/// The drawing as a part of the page; its points lead to their sheets there.
pub(super) fn inline(layout: &Layout) -> String {
    let mut drawing = format!(
        "<svg class=\"diagram\" viewBox=\"0 0 {WIDTH} {}\" role=\"group\" aria-label=\"{}\">\n",
        layout.height,
        escape(&layout.title)
    );
    body(&mut drawing, layout, "");
    drawing.push_str("</svg>");
    drawing
}

fn body(to: &mut String, layout: &Layout, page: &str) {
    let (top, tall) = (12, layout.bottom - 12);
    for (class, lane) in [("lane", INSIDE), ("lane edge", EDGE)] {
        let wide = lane.1 - lane.0;
        let _ = writeln!(
            to,
            "<rect class=\"{class}\" x=\"{}\" y=\"{top}\" width=\"{wide}\" height=\"{tall}\"/>",
            lane.0
        );
    }
    let _ = writeln!(to, "<path class=\"wall\" d=\"M{WALL} {top}v{tall}\"/>");
    for label in &layout.lanes {
        text(to, label, "lane-name");
    }
    for (at, one) in layout.strips.iter().enumerate() {
        strip(to, one, layout.cards.iter().filter(|card| card.strip == at));
    }
    for place in &layout.places {
        trunk(to, place);
    }
    for card in &layout.cards {
        road(to, card, &layout.places);
    }
    for one in &layout.places {
        place(to, one);
    }
    for one in &layout.cards {
        card(to, one, page);
    }
    for one in &layout.keys {
        key(to, one);
    }
}

/// A network's name and its bar, with what hangs on it.
fn strip<'a>(to: &mut String, strip: &Strip, cards: impl Iterator<Item = &'a Card>) {
    text(to, &strip.head, "network");
    let (x, (from, until)) = (strip.head.x + 4, strip.bar);
    let _ = writeln!(to, "<path class=\"bar\" d=\"M{x} {from}V{until}\"/>");
    for card in cards.filter(|card| card.twig) {
        let _ = writeln!(to, "<path class=\"twig\" d=\"M{x} {}H{}\"/>", card.road, card.x);
    }
}

fn trunk(to: &mut String, place: &Place) {
    let (x, (from, until)) = (place.trunk, place.span);
    let _ = writeln!(
        to,
        "<path class=\"trunk\" d=\"M{x} {from}V{until}M{x} {}H{}\"/>",
        place.meets, OUTSIDE.0
    );
}

/// A road from its row to the trunks of where it leads, over whatever it crosses.
fn road(to: &mut String, card: &Card, places: &[Place]) {
    let (y, from) = (card.road, card.x + card.width);
    let trunks: Vec<i32> = places
        .iter()
        .filter(|place| card.zones.contains(&place.zone))
        .map(|place| place.trunk)
        .collect();
    let until = trunks.iter().max().copied().unwrap_or(WALL);
    let grade = card.grade.name();
    let _ = writeln!(
        to,
        "<path class=\"halo\" d=\"M{from} {y}H{until}\"/><path class=\"road {grade}\" d=\"M{from} {y}H{until}\"/>"
    );
    for x in trunks {
        let _ = writeln!(to, "<circle class=\"joint\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
    }
    if card.direction != Direction::Out {
        let _ = writeln!(to, "<path class=\"head-in\" d=\"M{from} {y}l11 -5v10z\"/>");
    }
    if card.direction != Direction::In {
        let x = WALL + 18;
        let _ = writeln!(to, "<path class=\"head\" d=\"M{x} {y}l-11 -5v10z\"/>");
    }
    if !card.line.text.is_empty() {
        text(to, &card.line, "line-name");
    }
}

fn place(to: &mut String, place: &Place) {
    let (x, wide) = (OUTSIDE.0, OUTSIDE.1 - OUTSIDE.0);
    let zone = place.zone.name();
    let _ = writeln!(
        to,
        "<g class=\"zone {zone}\"><rect x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{}\" rx=\"10\"/>",
        place.y, place.height
    );
    for label in &place.labels {
        text(to, label, "zone-name");
    }
    to.push_str("</g>\n");
}

fn card(to: &mut String, card: &Card, page: &str) {
    let mut class = format!("card {}", card.grade.name());
    if card.suppressed {
        class.push_str(" decided");
    }
    if let Some(point) = &card.point {
        let _ = write!(to, "<a href=\"{page}#{}\">", escape(&crate::report::cut(point, 240)));
    }
    let _ = write!(
        to,
        "<g class=\"{class}\"><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\"/>",
        escape(&card.title),
        card.x,
        card.y,
        card.width,
        card.height
    );
    if card.point.is_some() {
        let _ = write!(
            to,
            "<circle class=\"dot {}\" cx=\"{}\" cy=\"{}\" r=\"5.5\"/>",
            card.grade.name(),
            card.x + 12,
            card.y + 12
        );
    }
    to.push('\n');
    for label in &card.labels {
        text(to, label, "card-text");
    }
    for one in &card.tags {
        tag(to, one);
    }
    to.push_str(if card.point.is_some() { "</g></a>\n" } else { "</g>\n" });
    for one in &card.chips {
        chip(to, one, page);
    }
}

fn tag(to: &mut String, tag: &Tag) {
    let class = if tag.alert { "tag alert" } else { "tag" };
    let _ = writeln!(
        to,
        "<g class=\"{class}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\" rx=\"2\"/><text x=\"{}\" y=\"{}\">{}</text></g>",
        tag.x,
        tag.y - 12,
        tag.width,
        tag.x + 4,
        tag.y,
        escape(&tag.text)
    );
}

fn chip(to: &mut String, chip: &Chip, page: &str) {
    let mut class = String::from("chip");
    for (is, word) in [(chip.alert, " alert"), (chip.suppressed, " decided")] {
        if is {
            class.push_str(word);
        }
    }
    let (x, y, middle) = (chip.x, chip.y, chip.y + 9);
    let _ = write!(
        to,
        "<a href=\"{page}#{}\"><g class=\"{class}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"104\" height=\"18\" rx=\"2\"/>\
         <circle class=\"dot {}\" cx=\"{}\" cy=\"{middle}\" r=\"4.5\"/><text x=\"{}\" y=\"{}\">{}</text>",
        escape(&crate::report::cut(&chip.point, 240)),
        escape(&chip.title),
        chip.grade.name(),
        x + 8,
        x + 16,
        y + 13,
        escape(&chip.text)
    );
    if chip.direction != Direction::Out {
        let _ = write!(to, "<path class=\"head-in\" d=\"M{} {middle}l7 -4v8z\"/>", x + 87);
    }
    if chip.direction != Direction::In {
        let _ = write!(to, "<path class=\"head\" d=\"M{} {middle}l-7 -4v8z\"/>", x + 103);
    }
    to.push_str("</g></a>\n");
}

fn key(to: &mut String, key: &Key) {
    let (x, y) = (key.x, key.label.y - 4);
    let _ = match key.sign {
        Sign::Grade(grade) => {
            let grade = grade.name();
            writeln!(
                to,
                "<path class=\"road {grade}\" d=\"M{x} {y}h38\"/><circle class=\"dot {grade}\" cx=\"{}\" cy=\"{y}\" r=\"5.5\"/>",
                x + 19
            )
        }
        Sign::In => writeln!(
            to,
            "<path class=\"road\" d=\"M{x} {y}h38\"/><path class=\"head-in\" d=\"M{} {y}l11 -5v10z\"/>",
            x + 6
        ),
        Sign::Out => writeln!(
            to,
            "<path class=\"road\" d=\"M{x} {y}h38\"/><path class=\"head\" d=\"M{} {y}l-11 -5v10z\"/>",
            x + 32
        ),
    };
    text(to, &key.label, "key-text");
}

fn text(to: &mut String, label: &Label, class: &str) {
    if label.text.is_empty() {
        return;
    }
    let face = match label.face {
        Face::Plain => "",
        Face::Bold => " bold",
        Face::Mono => " mono",
    };
    let small = if label.size < super::layout::SIZE { " small" } else { "" };
    let _ = writeln!(
        to,
        "<text class=\"{class}{face}{small}\" x=\"{}\" y=\"{}\">{}</text>",
        label.x,
        label.y,
        escape(&label.text)
    );
}
