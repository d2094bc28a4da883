//! Pages: where each line of each block stands.

use std::collections::{BTreeMap, VecDeque};

use super::{
    block::{
        Block, Colour, Figure, HAIR, INDIGO, INK, Look, SOFT, Table, Text, VERMILION, WASH, WHITE,
    },
    line::{Metric, drawable, lines, width},
};

/// A4, in points.
pub(super) const PAPER: (f32, f32) = (595.276, 841.89);

/// Around the text, in points.
const SIDE: f32 = 56.0;
const TOP: f32 = 66.0;
const BOTTOM: f32 = 62.0;

/// How high the band of the cover is.
const BAND: f32 = 168.0;

/// Inside a cell.
const PAD: f32 = 3.6;

/// How much of a line is above its baseline.
const ASCENT: f32 = 0.88;

/// How much room a heading needs for what follows it.
const FOLLOWING: f32 = 64.0;

/// How many numbers stand side by side.
const ABREAST: usize = 3;

/// What a part of the paper is to a reader who hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Heading(u8, String),
    Paragraph,
    List,
    Item,
    Table,
    Row,
    ColumnHeading,
    RowHeading,
    Cell,
    Contents,
    ContentsItem,
}

/// A part of the paper, and the part that it belongs to. Parts stand in their order of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is.
    pub role: Role,
    /// What it belongs to.
    pub of: Option<usize>,
}

/// Something on a page; places are in points from its upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A line of text, from its left end on its baseline. What belongs to no part is decoration.
    Line { x: f32, y: f32, words: String, look: Look, part: Option<usize>, to: Option<String> },
    /// The page of a heading, up to its right end.
    PageOf { x: f32, y: f32, anchor: String, look: Look, part: usize },
    /// A box.
    Fill { x: f32, y: f32, width: f32, height: f32, colour: Colour },
}

/// A heading where it came to stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// 1 for a chapter.
    pub level: u8,
    /// The words.
    pub words: String,
    /// From 0.
    pub page: usize,
    /// Its upper edge.
    pub y: f32,
}

/// The paper, set.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// What stands on each page.
    pub pages: Vec<Vec<Mark>>,
    /// The parts.
    pub parts: Vec<Part>,
    /// The headings, in their order.
    pub places: Vec<Place>,
    /// The place of each name.
    pub anchors: BTreeMap<String, usize>,
}

/// What stands on every page.
pub(super) struct Margins<'a> {
    /// On the left of the head.
    pub facility: &'a str,
    /// On the right of the head.
    pub mark: &'a str,
    /// On the left of the foot.
    pub foot: &'a str,
    /// On the right of the foot: the page, of how many.
    pub page: &'a dyn Fn(usize, usize) -> String,
}

/// Sets `blocks` in pages.
pub(super) fn set(blocks: &[Block], margins: &Margins<'_>, metric: &impl Metric) -> Set {
    let mut flow = Flow { metric, set: Set::default(), y: TOP };
    flow.new_page();
    let chapters: Vec<(&str, &str)> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Heading { level: 1, words, anchor } => Some((&**words, &**anchor)),
            _ => None,
        })
        .collect();
    for block in blocks {
        flow.block(block, &chapters);
    }
    flow.margins(margins);
    flow.set
}

struct Flow<'m, M> {
    metric: &'m M,
    set: Set,
    /// Where the next block begins.
    y: f32,
}

/// A line that waits for its place.
struct Waiting {
    words: String,
    look: Look,
    to: Option<String>,
}

impl<M: Metric> Flow<'_, M> {
    fn block(&mut self, block: &Block, chapters: &[(&str, &str)]) {
        match block {
            Block::Cover { title, facility, lines, mark } => {
                self.cover(title, facility, lines, mark)
            }
            Block::Heading { level, words, anchor } => self.heading(*level, words, anchor),
            Block::Paragraph(text) => {
                let part = self.part(Role::Paragraph, None);
                self.text(text, SIDE, breadth(), part);
                self.y += text.look.size * 0.55;
            }
            Block::List(items) => self.list(items),
            Block::Figures(figures) => self.figures(figures),
            Block::Table(table) => self.table(table),
            Block::Contents => self.contents(chapters),
            Block::Chapter => {
                if self.y > TOP {
                    self.y += 22.0;
                    self.need((PAPER.1 - TOP - BOTTOM) * 0.45);
                }
            }
        }
    }

    fn new_page(&mut self) {
        self.set.pages.push(Vec::new());
        self.y = TOP;
    }

    fn part(&mut self, role: Role, of: Option<usize>) -> usize {
        self.set.parts.push(Part { role, of });
        self.set.parts.len() - 1
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.set.pages.last_mut() {
            page.push(mark);
        }
    }

    fn fill(&mut self, x: f32, y: f32, (width, height): (f32, f32), colour: Colour) {
        self.mark(Mark::Fill { x, y, width, height, colour });
    }

    fn room(&self) -> f32 {
        PAPER.1 - BOTTOM - self.y
    }

    /// Begins a page where less than `height` is left of this one.
    fn need(&mut self, height: f32) {
        if self.room() < height && self.y > TOP {
            self.new_page();
        }
    }

    /// One line whose upper edge is at `y`.
    fn line(
        &mut self,
        words: &str,
        look: Look,
        (x, y): (f32, f32),
        part: Option<usize>,
        to: Option<&str>,
    ) {
        if words.is_empty() {
            return;
        }
        let y = y + (look.leading() - look.size) / 2.0 + look.size * ASCENT;
        let to = to.map(str::to_owned);
        self.mark(Mark::Line { x, y, words: words.to_owned(), look, part, to });
    }

    /// The same, ending at `x`.
    fn line_to(&mut self, words: &str, look: Look, (x, y): (f32, f32), part: Option<usize>) {
        let wide = width(words, look.bold, self.metric) * look.size;
        self.line(words, look, (x - wide, y), part, None);
    }

    fn broken(&self, words: &str, look: Look, room: f32) -> Vec<String> {
        lines(&drawable(words, self.metric), look.bold, room / look.size, self.metric)
    }

    /// A text from here on, over as many pages as it takes.
    fn text(&mut self, text: &Text, x: f32, room: f32, part: usize) {
        for line in self.broken(&text.words, text.look, room) {
            self.need(text.look.leading());
            self.line(&line, text.look, (x, self.y), Some(part), text.to.as_deref());
            self.y += text.look.leading();
        }
    }

    fn cover(&mut self, title: &str, facility: &str, below: &[String], mark: &str) {
        self.fill(0.0, 0.0, (PAPER.0, BAND), INDIGO);
        self.fill(0.0, BAND, (PAPER.0, 3.0), VERMILION);
        let small = Look { size: 8.5, bold: false, colour: WHITE };
        let mark = drawable(mark, self.metric);
        let part = self.part(Role::Paragraph, None);
        self.line_to(&mark, small.strong(), (PAPER.0 - SIDE, 38.0), Some(part));
        let large = Look { size: 24.0, bold: true, colour: WHITE };
        let words = drawable(title, self.metric);
        let heading = self.part(Role::Heading(1, words.clone()), None);
        self.line(&words, large, (SIDE, 56.0), Some(heading), None);
        let owner = Look { size: 13.0, bold: true, colour: WHITE };
        let part = self.part(Role::Paragraph, None);
        for (line, y) in self.broken(facility, owner, breadth()).iter().take(2).zip([100.0, 120.0])
        {
            self.line(line, owner, (SIDE, y), Some(part), None);
        }
        self.y = BAND + 10.0;
        for words in below {
            let part = self.part(Role::Paragraph, None);
            self.text(&Text::new(words.as_str(), Look::NOTE), SIDE, breadth(), part);
        }
        self.y += 8.0;
    }

    fn heading(&mut self, level: u8, words: &str, anchor: &str) {
        let (size, above, below) = match level {
            1 => (16.0, 0.0, 9.0),
            2 => (11.5, 16.0, 5.0),
            _ => (9.5, 8.0, 3.0),
        };
        let colour = if level < 3 { INDIGO } else { INK };
        let look = Look { size, bold: true, colour };
        if self.y > TOP {
            self.y += above;
        }
        let broken = self.broken(words, look, breadth());
        #[expect(clippy::cast_precision_loss, reason = "a heading has few lines")]
        let height = broken.len() as f32 * look.leading();
        self.need(height + FOLLOWING);
        let words = broken.concat();
        let place =
            Place { level, words: words.clone(), page: self.set.pages.len() - 1, y: self.y };
        self.set.anchors.entry(anchor.to_owned()).or_insert(self.set.places.len());
        self.set.places.push(place);
        if level == 2 {
            self.fill(SIDE, self.y - 4.0, (breadth(), 0.6), HAIR);
        }
        let part = self.part(Role::Heading(level, words), None);
        for line in &broken {
            self.line(line, look, (SIDE, self.y), Some(part), None);
            self.y += look.leading();
        }
        if level == 1 {
            self.fill(SIDE, self.y + 1.0, (breadth(), 1.2), INDIGO);
        }
        self.y += below;
    }

    fn list(&mut self, items: &[Text]) {
        let list = self.part(Role::List, None);
        for (number, item) in (1..).zip(items) {
            let part = self.part(Role::Item, Some(list));
            self.need(item.look.leading() * 2.0);
            let label = drawable(&format!("{number}."), self.metric);
            self.line(
                &label,
                item.look.strong().in_colour(INDIGO),
                (SIDE, self.y),
                Some(part),
                None,
            );
            self.text(item, SIDE + 18.0, breadth() - 18.0, part);
            self.y += 3.0;
        }
        self.y += 4.0;
    }

    fn figures(&mut self, figures: &[Figure]) {
        const GAP: f32 = 9.0;
        const HEIGHT: f32 = 66.0;
        let each = (breadth() - GAP * 2.0) / 3.0;
        for row in figures.chunks(ABREAST) {
            self.need(HEIGHT + GAP);
            let y = self.y;
            let mut x = SIDE;
            for figure in row {
                let colour = if figure.alert { VERMILION } else { INDIGO };
                self.fill(x, y, (each, HEIGHT), WASH);
                self.fill(x, y, (2.5, HEIGHT), colour);
                let part = self.part(Role::Paragraph, None);
                let room = each - 20.0;
                let one = |flow: &Self, words: &str, look: Look| {
                    flow.broken(words, look, room).into_iter().next().unwrap_or_default()
                };
                let label = one(self, &figure.label, Look::LABEL);
                self.line(&label, Look::LABEL, (x + 12.0, y + 6.0), Some(part), None);
                let large = Look { size: 21.0, bold: true, colour };
                let count = one(self, &figure.count, large);
                self.line(&count, large, (x + 12.0, y + 14.5), Some(part), None);
                let wide = width(&count, true, self.metric) * large.size;
                let unit = one(self, &figure.unit, Look::CELL);
                self.line(&unit, Look::CELL, (x + 16.0 + wide, y + 28.0), Some(part), None);
                let note = one(self, &figure.note, Look::NOTE);
                self.line(&note, Look::NOTE, (x + 12.0, y + 49.0), Some(part), None);
                x += each + GAP;
            }
            self.y += HEIGHT + GAP;
        }
        self.y += 5.0;
    }

    fn contents(&mut self, chapters: &[(&str, &str)]) {
        let list = self.part(Role::Contents, None);
        let look = Look { size: 10.0, bold: false, colour: INK };
        for (words, anchor) in chapters {
            self.need(look.leading() + 6.0);
            let item = self.part(Role::ContentsItem, Some(list));
            let words =
                self.broken(words, look, breadth() - 40.0).into_iter().next().unwrap_or_default();
            self.line(&words, look, (SIDE, self.y), Some(item), Some(anchor));
            let y = self.y + (look.leading() - look.size) / 2.0 + look.size * ASCENT;
            let (x, anchor) = (PAPER.0 - SIDE, (*anchor).to_owned());
            self.mark(Mark::PageOf { x, y, anchor, look: look.in_colour(SOFT), part: item });
            self.y += look.leading() + 3.0;
            self.fill(SIDE, self.y - 1.5, (breadth(), 0.4), HAIR);
            self.y += 2.0;
        }
        self.y += 8.0;
    }

    fn table(&mut self, table: &Table) {
        let shares: f32 = table.columns.iter().map(|(_, share)| share).sum();
        let widths: Vec<f32> =
            table.columns.iter().map(|(_, share)| share / shares.max(0.01) * breadth()).collect();
        let whole = self.part(Role::Table, None);
        // A heading alone at the foot of a page helps nobody.
        self.need(FOLLOWING * 0.8);
        self.table_head(table, &widths, Some(whole));
        for row in &table.rows {
            let part = self.part(Role::Row, Some(whole));
            let cells: Vec<usize> = (0..row.len())
                .map(|at| {
                    let first = at == 0 && !table.has_headings();
                    self.part(if first { Role::RowHeading } else { Role::Cell }, Some(part))
                })
                .collect();
            let mut waiting: Vec<VecDeque<Waiting>> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| {
                    cell.iter().flat_map(|text| self.waiting(text, width - 2.0 * PAD)).collect()
                })
                .collect();
            self.row(table, &widths, &cells, &mut waiting);
        }
        self.y += 9.0;
    }

    fn waiting(&self, text: &Text, room: f32) -> Vec<Waiting> {
        let look = text.look;
        let lines = self.broken(&text.words, look, room).into_iter();
        lines.map(|words| Waiting { words, look, to: text.to.clone() }).collect()
    }

    /// A row: whole on this page or on the next; one that is higher than a page goes on over several.
    fn row(
        &mut self,
        table: &Table,
        widths: &[f32],
        parts: &[usize],
        waiting: &mut [VecDeque<Waiting>],
    ) {
        loop {
            let heights =
                waiting.iter().map(|cell| cell.iter().map(|line| line.look.leading()).sum::<f32>());
            let height = heights.fold(0.0, f32::max) + 2.0 * PAD;
            let page = PAPER.1 - BOTTOM - TOP - FOLLOWING;
            if height > self.room() && (height <= page || self.room() < FOLLOWING) {
                self.new_page();
                self.table_head(table, widths, None);
            }
            let limit = self.y + self.room() - PAD;
            let mut lowest = self.y;
            let mut x = SIDE;
            for ((cell, width), part) in waiting.iter_mut().zip(widths).zip(parts) {
                let mut y = self.y + PAD;
                while let Some(line) = cell.pop_front() {
                    if y + line.look.leading() > limit {
                        cell.push_front(line);
                        break;
                    }
                    self.line(
                        &line.words,
                        line.look,
                        (x + PAD, y),
                        Some(*part),
                        line.to.as_deref(),
                    );
                    y += line.look.leading();
                }
                lowest = lowest.max(y);
                x += width;
            }
            self.y = lowest + PAD;
            self.fill(SIDE, self.y, (breadth(), 0.4), HAIR);
            if waiting.iter().all(VecDeque::is_empty) {
                return;
            }
            self.new_page();
            self.table_head(table, widths, None);
        }
    }

    /// The headings of the columns; those on later pages are decoration.
    fn table_head(&mut self, table: &Table, widths: &[f32], whole: Option<usize>) {
        if !table.has_headings() {
            self.fill(SIDE, self.y, (breadth(), 0.4), HAIR);
            return;
        }
        let row = whole.map(|whole| self.part(Role::Row, Some(whole)));
        let cells: Vec<Vec<String>> = table
            .columns
            .iter()
            .zip(widths)
            .map(|((heading, _), width)| self.broken(heading, Look::LABEL, width - 2.0 * PAD))
            .collect();
        let most = cells.iter().map(Vec::len).max().unwrap_or(1);
        #[expect(clippy::cast_precision_loss, reason = "a heading has few lines")]
        let height = most as f32 * Look::LABEL.leading() + 2.0 * PAD;
        self.fill(SIDE, self.y, (breadth(), height), WASH);
        self.fill(SIDE, self.y + height, (breadth(), 0.8), INDIGO);
        let mut x = SIDE;
        for (cell, width) in cells.iter().zip(widths) {
            let part = row.map(|row| self.part(Role::ColumnHeading, Some(row)));
            let mut y = self.y + PAD;
            for line in cell {
                self.line(line, Look::LABEL, (x + PAD, y), part, None);
                y += Look::LABEL.leading();
            }
            x += width;
        }
        self.y += height + 0.8;
    }

    /// Heads and feet. The first page has its band instead of a head.
    fn margins(&mut self, margins: &Margins<'_>) {
        let pages = self.set.pages.len();
        let half = breadth() / 2.0;
        let first = |flow: &Self, words: &str, look| {
            flow.broken(words, look, half).into_iter().next().unwrap_or_default()
        };
        let facility = first(self, margins.facility, Look::NOTE);
        let mark_look = Look::NOTE.strong().in_colour(VERMILION);
        let mark = first(self, margins.mark, mark_look);
        let foot = first(self, margins.foot, Look::NOTE);
        let wide = |words: &str, look: Look| width(words, look.bold, self.metric) * look.size;
        let mark_at = PAPER.0 - SIDE - wide(&mark, mark_look);
        let line = |words: &str, look: Look, x, y| {
            let words = words.to_owned();
            Mark::Line { x, y, words, look, part: None, to: None }
        };
        let numbers: Vec<(String, f32)> = (1..=pages)
            .map(|number| {
                let words = drawable(&(margins.page)(number, pages), self.metric);
                let x = PAPER.0 - SIDE - wide(&words, Look::NOTE);
                (words, x)
            })
            .collect();
        for ((number, page), (words, x)) in self.set.pages.iter_mut().enumerate().zip(numbers) {
            if number > 0 {
                page.push(line(&facility, Look::NOTE, SIDE, 40.0));
                page.push(line(&mark, mark_look, mark_at, 40.0));
                page.push(Mark::Fill {
                    x: SIDE,
                    y: 46.0,
                    width: breadth(),
                    height: 0.5,
                    colour: HAIR,
                });
            }
            let y = PAPER.1 - 34.0;
            page.push(Mark::Fill {
                x: SIDE,
                y: y - 14.0,
                width: breadth(),
                height: 0.5,
                colour: HAIR,
            });
            page.push(line(&foot, Look::NOTE, SIDE, y));
            page.push(line(&words, Look::NOTE, x, y));
        }
    }
}

/// How wide the text is.
const fn breadth() -> f32 {
    PAPER.0 - 2.0 * SIDE
}

#[cfg(test)]
mod tests;
