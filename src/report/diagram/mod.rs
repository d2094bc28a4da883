//! The diagram of the network's edge: what stands inside by network, what stands at the edge, and over which line each
//! leads to which part of the outside.
//!
//! [`layout`] gives everything its place as numbers, by fixed lanes; [`svg`] and [`drawio`] write the same places down, and
//! the page shows the first of them. `docs/page.md` says how the places are chosen.

mod drawio;
mod layout;
mod measure;
mod svg;
mod zone;

use std::io::{self, Write};

use super::{Language, Report};
use layout::Layout;

/// How the drawing looks, in the page and in a file of its own.
pub(super) const STYLE: &str = include_str!("diagram.css");

/// Writes the diagram as a drawing that browsers and office programs show.
pub fn write_svg(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    svg::write_file(&Layout::of(report), &page(report), out)
}

/// Writes the diagram as a file that diagrams.net opens and edits.
pub fn write_drawio(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    drawio::write(&Layout::of(report), &page(report), out)
}

/// The drawing as a part of the page; none where there is no point.
pub(super) fn inline(report: &Report<'_>) -> Option<String> {
    (!report.run.points.is_empty()).then(|| svg::inline(&Layout::of(report)))
}

/// The file that the points of a drawing lead to.
fn page(report: &Report<'_>) -> String {
    let code = if report.words.language() == Language::Japanese { "ja" } else { "en" };
    format!("report.{code}.html")
}

/// `text` as XML may hold it, between tags and in quotes. It has been made visible before.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No character of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_tag_or_its_quotes() {
        assert_eq!(
            escape("<a b='\"&\u{1b}\u{ffff}'>関所"),
            "&lt;a b=&#39;&quot;&amp;\u{fffd}\u{fffd}&#39;&gt;関所"
        );
    }
}
