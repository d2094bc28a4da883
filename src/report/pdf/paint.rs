//! Pages as a PDF: archivable (PDF/A-2a), with bookmarks, links and an order of reading.

use std::{
    io,
    num::{NonZeroU16, NonZeroU64},
};

use jiff::tz::Offset;
use krilla::{
    Document, SerializeSettings,
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    configure::{Archival, ConfigurationBuilder},
    destination::{Destination, XyzDestination},
    error::KrillaError,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::Fill,
    surface::Surface,
    tagging::{
        Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node, SpanTag,
        TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
    },
    text::{GlyphId, KrillaGlyph},
};

use super::{
    block::{Colour, Look},
    font::Typeface,
    layout::{Mark, PAPER, Part, Place, Role, Set},
    line::width,
};
use crate::time::Timestamp;

/// What is told of the whole document.
pub(super) struct About {
    /// Its title.
    pub title: String,
    /// Its language, as `ja`.
    pub language: &'static str,
    /// What it is of: the end of the run.
    pub at: Timestamp,
}

/// A link that waits for its page to be drawn.
struct Waiting {
    rect: Rect,
    place: usize,
    said: Identifier,
    part: usize,
    words: String,
}

/// The bytes of the document.
pub(super) fn paint(set: &Set, about: &About, typeface: &Typeface) -> io::Result<Vec<u8>> {
    let configuration =
        ConfigurationBuilder::new().with_archival_validator(Archival::A2_A).finish();
    let configuration =
        configuration.map_err(|_| io::Error::other("PDF/A-2a has a version of PDF"))?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut nodes: Vec<Vec<Node>> = set.parts.iter().map(|_| Vec::new()).collect();
    for marks in &set.pages {
        let settings = PageSettings::from_wh(PAPER.0, PAPER.1);
        let mut page = document.start_page_with(settings.unwrap_or_default());
        let mut surface = page.surface();
        let mut waiting = Vec::new();
        for mark in marks {
            draw(mark, set, typeface, &mut surface, &mut nodes, &mut waiting);
        }
        surface.finish();
        for link in waiting {
            let Some(place) = set.places.get(link.place) else { continue };
            let target = Target::Destination(Destination::Xyz(destination(place)));
            let annotation =
                Annotation::new_link(LinkAnnotation::new(link.rect, target), Some(link.words));
            let annotation = page.add_tagged_annotation(annotation);
            let group =
                TagGroup::with_children(Tag::Link, vec![link.said.into(), annotation.into()]);
            if let Some(nodes) = nodes.get_mut(link.part) {
                nodes.push(group.into());
            }
        }
        page.finish();
    }
    document.set_outline(outline(&set.places));
    document.set_tag_tree(tree(&set.parts, nodes, about.language));
    document.set_metadata(metadata(about));
    document.finish().map_err(|error| refused(&error))
}

/// What the library refuses, with the first reason.
fn refused(error: &KrillaError) -> io::Error {
    let reason = match error {
        KrillaError::Validation(errors) => errors.first().map(|(error, _)| format!(": {error:?}")),
        _ => None,
    };
    io::Error::other(format!("the PDF cannot be made: {error}{}", reason.unwrap_or_default()))
}

fn metadata(about: &About) -> Metadata {
    let metadata = Metadata::new()
        .title(about.title.clone())
        .language(about.language.to_owned())
        .creator(concat!("sekisho ", env!("CARGO_PKG_VERSION")).to_owned())
        .creation_date(date(about.at));
    metadata.document_id(format!("{}-{}", about.title, about.at))
}

/// A moment in Japan's time.
fn date(at: Timestamp) -> DateTime {
    let moment = jiff::Timestamp::from_nanosecond(at.nanoseconds().into()).unwrap_or_default();
    let moment = Offset::constant(9).to_datetime(moment);
    let of = |value: i8| u8::try_from(value).unwrap_or_default();
    DateTime::new(u16::try_from(moment.year()).unwrap_or(1970))
        .month(of(moment.month()))
        .day(of(moment.day()))
        .hour(of(moment.hour()))
        .minute(of(moment.minute()))
        .second(of(moment.second()))
        .utc_offset_hour(9)
        .utc_offset_minute(0)
}

fn draw(
    mark: &Mark,
    set: &Set,
    typeface: &Typeface,
    surface: &mut Surface<'_>,
    nodes: &mut [Vec<Node>],
    waiting: &mut Vec<Waiting>,
) {
    match mark {
        Mark::Fill { x, y, width, height, colour } => {
            let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            let Some(path) = path.finish() else { return };
            surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
            surface.set_fill(Some(fill(*colour)));
            surface.draw_path(&path);
            surface.end_tagged();
        }
        Mark::Line { x, y, words, look, part, to } => {
            let Some(part) = *part else {
                let margin = Artifact::with_kind(ArtifactType::PaginationOther);
                surface.start_tagged(ContentTag::Artifact(margin));
                letters(words, *look, (*x, *y), typeface, surface);
                surface.end_tagged();
                return;
            };
            let said = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
            letters(words, *look, (*x, *y), typeface, surface);
            surface.end_tagged();
            let to = to.as_ref().and_then(|anchor| set.anchors.get(anchor));
            let wide = width(words, look.bold, typeface) * look.size;
            let rect = Rect::from_xywh(*x, *y - look.size, wide.max(1.0), look.size * 1.3);
            match to.zip(rect) {
                Some((place, rect)) => {
                    waiting.push(Waiting { rect, place: *place, said, part, words: words.clone() });
                }
                None => nodes.get_mut(part).into_iter().for_each(|nodes| nodes.push(said.into())),
            }
        }
        Mark::PageOf { x, y, anchor, look, part } => {
            let place = set.anchors.get(anchor).and_then(|place| set.places.get(*place));
            let words = place.map(|place| (place.page + 1).to_string()).unwrap_or_default();
            let wide = width(&words, look.bold, typeface) * look.size;
            let said = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
            letters(&words, *look, (*x - wide, *y), typeface, surface);
            surface.end_tagged();
            nodes.get_mut(*part).into_iter().for_each(|nodes| nodes.push(said.into()));
        }
    }
}

/// Draws a line. Each character is one glyph: Japanese and Latin need no shaping.
fn letters(
    words: &str,
    look: Look,
    (x, y): (f32, f32),
    typeface: &Typeface,
    surface: &mut Surface<'_>,
) {
    let face = typeface.face(look.bold);
    let glyphs: Vec<KrillaGlyph> = words
        .char_indices()
        .filter_map(|(at, letter)| {
            let (glyph, wide) = face.glyph(letter)?;
            let range = at..at + letter.len_utf8();
            Some(KrillaGlyph::new(
                GlyphId::new(glyph),
                wide,
                0.0,
                0.0,
                0.0,
                range,
                None::<NonZeroU64>,
            ))
        })
        .collect();
    surface.set_fill(Some(fill(look.colour)));
    surface.draw_glyphs(Point::from_xy(x, y), &glyphs, face.font.clone(), words, look.size, false);
}

fn fill(Colour(red, green, blue): Colour) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn destination(place: &Place) -> XyzDestination {
    XyzDestination::new(place.page, Point::from_xy(0.0, (place.y - 14.0).max(0.0)))
}

/// Chapters, and their sections below them.
fn outline(places: &[Place]) -> Outline {
    let mut outline = Outline::new();
    let mut chapter: Option<OutlineNode> = None;
    for place in places.iter().filter(|place| place.level < 3) {
        let node = OutlineNode::new(place.words.clone(), destination(place));
        match (&mut chapter, place.level) {
            (Some(chapter), 2) => chapter.push_child(node),
            _ => chapter.replace(node).into_iter().for_each(|node| outline.push_child(node)),
        }
    }
    chapter.into_iter().for_each(|node| outline.push_child(node));
    outline
}

/// The parts as a tree, in their order of reading.
fn tree(parts: &[Part], mut nodes: Vec<Vec<Node>>, language: &str) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    let mut roots = Vec::new();
    // A part stands behind what it belongs to; so from behind each is whole before it goes into that.
    for (at, part) in parts.iter().enumerate().rev() {
        let mut children = nodes.get_mut(at).map(std::mem::take).unwrap_or_default();
        // What was put in from behind.
        let inner = children.iter().position(|node| is_part(node)).unwrap_or(children.len());
        children.get_mut(inner..).into_iter().for_each(<[Node]>::reverse);
        if children.is_empty() {
            continue;
        }
        let group = TagGroup::with_children(tag(&part.role), children);
        match part.of.and_then(|of| nodes.get_mut(of)) {
            Some(parent) => parent.push(group.into()),
            None => roots.push(group),
        }
    }
    roots.into_iter().rev().for_each(|group| tree.push(group));
    tree
}

/// Whether a node is a part rather than words of one or a link.
const fn is_part(node: &Node) -> bool {
    matches!(node, Node::Group(group) if !matches!(group.tag, TagKind::Link(_)))
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Heading(level, words) => {
            let level = NonZeroU16::new(u16::from(*level)).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(words.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::List => Tag::L(ListNumbering::Decimal).into(),
        Role::Item => Tag::LI.into(),
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHeading => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHeading => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Contents => Tag::TOC.into(),
        Role::ContentsItem => Tag::TOCI.into(),
    }
}
