//! The deliverable on paper: PDF/A, with a Japanese typeface of this system in it.
//!
//! [`paper`] says what is told, [`block`] what a page is made of, [`layout`] where each line stands and [`paint`] draws it.
//! The same run and the same typeface give the same bytes.

mod block;
mod font;
mod layout;
mod line;
mod paint;
mod paper;

use std::io::{self, Write};

pub use font::{Error, choose, typeface};

use super::Report;

/// The name of the format.
pub(super) const NAME: &str = "pdf";

/// Writes the report as one PDF file.
pub fn write_pdf(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let typeface =
        typeface().map_err(|error| io::Error::new(io::ErrorKind::NotFound, error.to_string()))?;
    out.write_all(&pdf(report, typeface)?)
}

fn pdf(report: &Report<'_>, typeface: &font::Typeface) -> io::Result<Vec<u8>> {
    let words = report.words;
    let page = |page: usize, pages: usize| {
        words.fill("paper", "page", &[("page", &page.to_string()), ("pages", &pages.to_string())])
    };
    let facility = paper::facility(report);
    let title = words.get("heading", "title");
    let margins = layout::Margins {
        facility: &facility,
        mark: words.get("heading", "confidential"),
        foot: &paper::foot(report),
        page: &page,
    };
    let set = layout::set(&paper::blocks(report), &margins, typeface);
    let about = paint::About {
        title: line::drawable(&format!("{title} {facility}"), typeface),
        language: words.language().code(),
        at: report.run.ended,
    };
    paint::paint(&set, &about, typeface)
}
