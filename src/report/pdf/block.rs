//! What a page is made of: headings, paragraphs, figures, tables.

/// A colour, as red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(pub u8, pub u8, pub u8);

/// Text.
pub(super) const INK: Colour = Colour(0x1b, 0x24, 0x30);
/// Text that matters less.
pub(super) const SOFT: Colour = Colour(0x54, 0x5e, 0x6b);
/// Hairlines.
pub(super) const HAIR: Colour = Colour(0xd5, 0xda, 0xe1);
/// Behind headings of tables and figures.
pub(super) const WASH: Colour = Colour(0xf1, 0xf4, 0xf8);
/// Headings and links.
pub(super) const INDIGO: Colour = Colour(0x1f, 0x3f, 0x6b);
/// What has to be looked at first.
pub(super) const VERMILION: Colour = Colour(0xa3, 0x34, 0x1f);
/// On the band of the cover.
pub(super) const WHITE: Colour = Colour(0xff, 0xff, 0xff);

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// In points.
    pub size: f32,
    /// Whether it is of the heavier weight.
    pub bold: bool,
    /// Its colour.
    pub colour: Colour,
}

impl Look {
    /// A paragraph.
    pub(super) const BODY: Self = Self { size: 9.5, bold: false, colour: INK };
    /// A cell.
    pub(super) const CELL: Self = Self { size: 8.0, bold: false, colour: INK };
    /// A heading of a column or a row.
    pub(super) const LABEL: Self = Self { size: 7.5, bold: true, colour: SOFT };
    /// A note.
    pub(super) const NOTE: Self = Self { size: 7.5, bold: false, colour: SOFT };

    /// The same in the heavier weight.
    pub(super) const fn strong(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in another colour.
    pub(super) const fn in_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// From one line to the next, in points.
    pub(super) const fn leading(self) -> f32 {
        if self.size < 9.0 { self.size * 1.45 } else { self.size * 1.6 }
    }
}

/// A text of one look.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// The words, as they were heard; they are made safe when they are set.
    pub words: String,
    /// How it looks.
    pub look: Look,
    /// The heading that it leads to.
    pub to: Option<String>,
}

impl Text {
    /// A text that leads nowhere.
    pub(super) fn new(words: impl Into<String>, look: Look) -> Self {
        Self { words: words.into(), look, to: None }
    }

    /// A cell.
    pub(super) fn cell(words: impl Into<String>) -> Self {
        Self::new(words, Look::CELL)
    }

    /// The same, leading to a heading.
    pub(super) fn leading_to(self, anchor: &str) -> Self {
        Self { to: Some(anchor.to_owned()), ..self }
    }
}

/// A number that matters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// What it counts.
    pub label: String,
    /// The number.
    pub count: String,
    /// Of what.
    pub unit: String,
    /// What is meant by it.
    pub note: String,
    /// Whether somebody has to look at it first.
    pub alert: bool,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    /// The columns: what each is called, and its share of the width. Where nothing is called anything, the first column
    /// is what each row is about.
    pub columns: Vec<(String, f32)>,
    /// The rows; each cell has paragraphs.
    pub rows: Vec<Vec<Vec<Text>>>,
}

impl Table {
    /// Whether its columns have headings.
    pub(super) fn has_headings(&self) -> bool {
        self.columns.iter().any(|(heading, _)| !heading.is_empty())
    }
}

/// A part of the paper.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// The band of the first page: the title, whose it is, and a few lines under it.
    Cover {
        /// The title.
        title: String,
        /// The facility.
        facility: String,
        /// What stands below.
        lines: Vec<String>,
        /// How it has to be handled.
        mark: String,
    },
    /// A heading, and what it is called where it is led to.
    Heading {
        /// 1 for a chapter, 2 for a section, 3 for a part of it.
        level: u8,
        /// The words.
        words: String,
        /// The name by which it is led to.
        anchor: String,
    },
    /// A paragraph.
    Paragraph(Text),
    /// What comes one after the other.
    List(Vec<Text>),
    /// Numbers side by side.
    Figures(Vec<Figure>),
    /// A table.
    Table(Table),
    /// The chapters and their pages.
    Contents,
    /// What follows begins a page, unless half of this one is free.
    Chapter,
}
