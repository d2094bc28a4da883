//! The diagram as an uncompressed file of diagrams.net: lanes and networks as containers, points in them, roads as edges.
//!
//! The format is that of mxGraph: cells with ids in one flat list, each naming its parent, places relative to that.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    escape,
    layout::{Card, EDGE, INSIDE, Layout, OUTSIDE, Place, WIDTH},
};
use crate::{
    correlate::{Direction, Grade},
    report::cut,
};

/// A page of A3, in hundredths of an inch.
const PAGE: (i32, i32) = (1169, 1654);

/// Where a shape stands, and how large it is.
type Frame = (i32, i32, i32, i32);

const LANE: &str = "swimlane;startSize=28;html=0;whiteSpace=wrap;fillColor=#f4f6f8;swimlaneFillColor=#f4f6f8;strokeColor=#d5dae1;fontColor=#1b2430;fontStyle=1;fontSize=13;collapsible=0;";
const NETWORK: &str = "swimlane;startSize=24;html=0;align=left;spacingLeft=8;fillColor=#ffffff;swimlaneFillColor=none;strokeColor=#1f3f6b;fontColor=#1b2430;fontStyle=1;fontSize=13;collapsible=0;";
const ZONE: &str = "rounded=1;whiteSpace=wrap;html=0;container=1;collapsible=0;fillColor=#f4f6f8;strokeColor=#1f3f6b;fontColor=#1b2430;fontSize=12;";

/// Writes the file; its points lead to those of `page`.
pub(super) fn write(layout: &Layout, page: &str, out: &mut impl Write) -> io::Result<()> {
    let mut cells = Cells { xml: String::new(), taken: BTreeSet::new(), page };
    let tall = layout.bottom - 12;
    let name =
        |at: usize| layout.lanes.get(at).map(|label| label.text.as_str()).unwrap_or_default();
    cells.shape("inside", "1", name(0), LANE, (INSIDE.0, 12, INSIDE.1 - INSIDE.0, tall));
    cells.shape("edge", "1", name(1), LANE, (EDGE.0, 12, EDGE.1 - EDGE.0, tall));
    let outside = (OUTSIDE.0 - 12, 12, OUTSIDE.1 - OUTSIDE.0 + 20, tall);
    cells.shape("outside", "1", name(3), LANE, outside);
    for strip in &layout.strips {
        let frame = (6, strip.y - 12, INSIDE.1 - INSIDE.0 - 12, strip.height);
        cells.shape(&strip.id, "inside", &strip.head.text, NETWORK, frame);
    }
    for place in &layout.places {
        let lines: Vec<&str> = place.labels.iter().map(|label| label.text.as_str()).collect();
        let frame = (12, place.y - 12, OUTSIDE.1 - OUTSIDE.0, place.height);
        cells.shape(&zone(place), "outside", &lines.join("\n"), ZONE, frame);
    }
    for card in &layout.cards {
        cells.card(card, layout);
    }
    let mut file = String::new();
    let _ = write!(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<mxfile host=\"sekisho\">\n<diagram id=\"points\" name=\"{}\">\n\
         <mxGraphModel dx=\"{WIDTH}\" dy=\"{}\" grid=\"1\" gridSize=\"10\" guides=\"1\" tooltips=\"1\" connect=\"1\" arrows=\"1\" \
         fold=\"1\" page=\"1\" pageScale=\"1\" pageWidth=\"{}\" pageHeight=\"{}\" math=\"0\" shadow=\"0\">\n<root>\n\
         <mxCell id=\"0\"/>\n<mxCell id=\"1\" parent=\"0\"/>\n{}</root>\n</mxGraphModel>\n</diagram>\n</mxfile>\n",
        escape(&layout.title),
        layout.height,
        PAGE.0,
        PAGE.1,
        cells.xml
    );
    out.write_all(file.as_bytes())
}

fn zone(place: &Place) -> String {
    format!("zone-{}", place.zone.name())
}

/// The cells of a drawing, each with an id of its own.
struct Cells<'a> {
    xml: String,
    taken: BTreeSet<String>,
    page: &'a str,
}

impl Cells<'_> {
    /// `id`, or if another cell has it, something that none has.
    fn part(&mut self, id: &str) -> String {
        let mut own = cut(id, 80);
        while !self.taken.insert(own.clone()) {
            own.push('+');
        }
        own
    }

    fn shape(&mut self, id: &str, parent: &str, label: &str, style: &str, frame: Frame) {
        let id = self.part(id);
        let label = escape_lines(label);
        let _ = writeln!(
            self.xml,
            "<mxCell id=\"{}\" value=\"{label}\" style=\"{style}\" vertex=\"1\" parent=\"{parent}\">{}</mxCell>",
            escape(&id),
            geometry(frame)
        );
    }

    /// A point that leads to its sheet.
    fn point(
        &mut self,
        point: &str,
        parent: &str,
        label: &str,
        style: &str,
        frame: Frame,
    ) -> String {
        let id = self.part(&format!("point-{point}"));
        let _ = writeln!(
            self.xml,
            "<UserObject label=\"{}\" link=\"{}#{}\" id=\"{}\"><mxCell style=\"{style}\" vertex=\"1\" parent=\"{}\">{}</mxCell></UserObject>",
            escape_lines(label),
            escape(self.page),
            escape(&cut(point, 240)),
            escape(&id),
            escape(parent),
            geometry(frame)
        );
        id
    }

    fn card(&mut self, card: &Card, layout: &Layout) {
        let strip = layout.strips.get(card.strip);
        let network = strip.map_or("inside", |strip| strip.id.as_str());
        let (parent, frame) = if card.edge {
            ("edge", (card.x - EDGE.0, card.y - 12, card.width, card.height))
        } else {
            let top = strip.map_or(12, |strip| strip.y);
            (network, (card.x - INSIDE.0 - 6, card.y - top, card.width, card.height))
        };
        let mut label: Vec<String> = card.labels.iter().map(|label| label.text.clone()).collect();
        label.retain(|text| !text.is_empty());
        let tags: Vec<&str> = card.tags.iter().map(|tag| tag.text.as_str()).collect();
        if let (Some(first), false) = (label.first_mut(), tags.is_empty()) {
            let _ = write!(first, " [{}]", tags.join(", "));
        }
        let style = format!(
            "{}{}",
            box_style(card.grade),
            if card.suppressed { "opacity=60;" } else { "" }
        );
        let id = if let Some(point) = &card.point {
            let one_line = card.height < 30;
            let (first, rest) =
                label.split_first().map_or((String::new(), &[][..]), |(a, b)| (a.clone(), b));
            let between = if one_line { "  " } else { "\n" };
            let text = if rest.is_empty() {
                first
            } else {
                format!("{first}{between}{}", rest.join("  "))
            };
            self.point(point, parent, &text, &style, frame)
        } else {
            let style = format!("{style}container=1;collapsible=0;verticalAlign=top;");
            self.shape(&card.id, parent, &label.join(" "), &style, frame);
            for chip in &card.chips {
                let inner = (chip.x - card.x, chip.y - card.y, 104, 18);
                let sign = match chip.direction {
                    Direction::In => "\u{25c0} ",
                    Direction::Out => "\u{25b6} ",
                    Direction::Both => "\u{25c0}\u{25b6} ",
                };
                let text = format!("{sign}{}", chip.text);
                self.point(&chip.point, &card.id, &text, &box_style(chip.grade), inner);
            }
            card.id.clone()
        };
        if card.edge
            && let Some(strip) = strip
        {
            let style = "edgeStyle=orthogonalEdgeStyle;html=0;endArrow=none;strokeColor=#5d7da8;";
            self.edge(&strip.id, &id, "", style, &[]);
        }
        for place in layout.places.iter().filter(|place| card.zones.contains(&place.zone)) {
            let style = format!(
                "edgeStyle=orthogonalEdgeStyle;html=0;rounded=0;exitX=1;exitY=0.5;entryX=0;entryY=0.5;fontSize=12;\
                 labelBackgroundColor=#ffffff;strokeColor=#6b7789;{}{}",
                arrows(card.direction),
                line_style(card.grade)
            );
            let by = [(place.trunk, card.road), (place.trunk, place.meets)];
            self.edge(&id, &zone(place), &card.line.text, &style, &by);
        }
    }

    fn edge(&mut self, from: &str, to: &str, label: &str, style: &str, by: &[(i32, i32)]) {
        let id = self.part(&format!("road-{from}-{to}"));
        let mut points = String::new();
        for (x, y) in by {
            let _ = write!(points, "<mxPoint x=\"{x}\" y=\"{y}\"/>");
        }
        if !points.is_empty() {
            points = format!("<Array as=\"points\">{points}</Array>");
        }
        let _ = writeln!(
            self.xml,
            "<mxCell id=\"{}\" value=\"{}\" style=\"{style}\" edge=\"1\" parent=\"1\" source=\"{}\" target=\"{}\">\
             <mxGeometry relative=\"1\" as=\"geometry\">{points}</mxGeometry></mxCell>",
            escape(&id),
            escape_lines(label),
            escape(from),
            escape(to)
        );
    }
}

/// `text` in quotes, with its ends of lines: it is made of texts that have none.
fn escape_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(escape).collect();
    lines.join("&#10;")
}

fn geometry((x, y, width, height): Frame) -> String {
    format!(
        "<mxGeometry x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" as=\"geometry\"/>"
    )
}

fn box_style(grade: Grade) -> String {
    format!(
        "rounded=0;whiteSpace=wrap;html=0;align=left;spacingLeft=6;fillColor=#ffffff;strokeColor=#1f3f6b;fontColor=#1b2430;\
         fontSize=12;overflow=hidden;{}",
        line_style(grade)
    )
}

/// The better the proof, the fuller the line.
const fn line_style(grade: Grade) -> &'static str {
    match grade {
        Grade::Proved => "strokeWidth=2;",
        Grade::Corroborated => "strokeWidth=1;",
        Grade::Inferred => "strokeWidth=1;dashed=1;dashPattern=7 4;",
        Grade::Hint => "strokeWidth=1;dashed=1;dashPattern=2 3;",
    }
}

const fn arrows(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "startArrow=block;startFill=1;endArrow=none;",
        Direction::Out => "startArrow=none;endArrow=block;endFill=1;",
        Direction::Both => "startArrow=block;startFill=1;endArrow=block;endFill=1;",
    }
}
