//! Sheets to a register: which sheets are one, which rows are lines, and what was left out.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Column, Entry, Error, File, Mapping, Register, Taken,
    address::{addresses, macs},
    date::date_or_serial,
    guess::{EXAMPLES, Guess, IDENTIFYING, SAMPLE, guess},
    header::{is_aside, is_end, is_remark, says_again, says_nothing},
    sheet::{Beyond, Row, Sheet},
};
use crate::time::Timestamp;

/// The most lines of a register.
pub const MOST_LINES: usize = 200_000;

/// Columns that hold days.
const DAYS: [Column; 3] = [Column::Installed, Column::SupportUntil, Column::Checked];

/// Why a row below the header is no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A note, the heading of a group, a sum.
    Remark,
    /// The header, on another page.
    HeaderAgain,
    /// It names nothing: a number and an empty row.
    NothingSaid,
    /// The register is full.
    TooMany,
}

impl LeftOut {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Remark, Self::HeaderAgain, Self::NothingSaid, Self::TooMany];

    /// The name in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remark => "remark",
            Self::HeaderAgain => "header_again",
            Self::NothingSaid => "nothing_said",
            Self::TooMany => "too_many",
        }
    }
}

/// Why a whole sheet was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    /// The mapping file says so.
    Mapping,
    /// Other sheets were asked for.
    NotAskedFor,
    /// The file hides it.
    Hidden,
    /// Its name says that it is a cover, a legend, an example.
    Aside,
    /// No row is the header of a register.
    NoRegister,
    /// There is nothing on it.
    Empty,
}

impl Skipped {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Mapping,
        Self::NotAskedFor,
        Self::Hidden,
        Self::Aside,
        Self::NoRegister,
        Self::Empty,
    ];

    /// The name in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::NotAskedFor => "not_asked_for",
            Self::Hidden => "hidden",
            Self::Aside => "aside",
            Self::NoRegister => "no_register",
            Self::Empty => "empty",
        }
    }
}

/// How a sheet was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The file, without its folder.
    pub file: String,
    /// The sheet; none in a file without sheets.
    pub sheet: Option<String>,
    /// Why it was left out; none where it was read.
    pub skipped: Option<Skipped>,
    /// The rows of its header, from 1; empty where it has none.
    pub header: Vec<u32>,
    /// What its columns were taken for.
    pub columns: Vec<Taken>,
    /// How many lines it gave.
    pub lines: usize,
    /// How many of these the file hides.
    pub hidden: usize,
    /// How many rows were left out, and why.
    pub left_out: BTreeMap<LeftOut, usize>,
    /// What it holds beyond the bounds.
    pub beyond: Beyond,
}

/// A register, and how its files were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The register.
    pub register: Register,
    /// How each sheet of each file was read, in their order.
    pub readings: Vec<Reading>,
}

/// Makes one register of files. `only` names the sheets to read, hidden ones too; all that are a register where it is
/// empty. A register without lines is not refused here.
pub fn load(
    files: &[File],
    mapping: &Mapping,
    only: &[String],
    loaded: Timestamp,
) -> Result<Loaded, Error> {
    let names: Vec<&str> = files
        .iter()
        .flat_map(|file| &file.sheets)
        .filter_map(|sheet| sheet.name.as_deref())
        .collect();
    mapping.check(&names)?;
    if let Some(missing) = only.iter().find(|name| !names.contains(&name.as_str())) {
        let known = names.iter().map(|name| (*name).to_owned()).collect();
        return Err(Error::NoSuchSheet { name: missing.clone(), known });
    }
    let mut result = Loaded::default();
    result.register.loaded = loaded;
    let file_names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    result.register.name = file_names.join(", ");
    for file in files {
        for sheet in &file.sheets {
            // With several files a sheet's name alone says too little.
            let place = match (&sheet.name, files.len()) {
                (name, 1) => name.clone(),
                (Some(name), _) => Some(format!("{}: {name}", file.name)),
                (None, _) => Some(file.name.clone()),
            };
            let mut reading = Reading {
                file: file.name.clone(),
                sheet: sheet.name.clone(),
                beyond: sheet.beyond,
                ..Reading::default()
            };
            read(sheet, place.as_ref(), mapping, only, &mut reading, &mut result.register.entries);
            result.readings.push(reading);
        }
    }
    Ok(result)
}

/// Reads a sheet, if it is one to read.
fn read(
    sheet: &Sheet,
    place: Option<&String>,
    mapping: &Mapping,
    only: &[String],
    reading: &mut Reading,
    entries: &mut Vec<Entry>,
) {
    let name = sheet.name.as_deref();
    let plan = mapping.of(name);
    let named = name.is_some_and(|name| only.iter().any(|one| one == name));
    // What somebody asks for is read whatever it looks like.
    let asked = named || plan.is_some_and(|plan| plan.header.is_some() || !plan.columns.is_empty());
    reading.skipped = if plan.is_some_and(|plan| plan.ignore) {
        Some(Skipped::Mapping)
    } else if !only.is_empty() && !named {
        Some(Skipped::NotAskedFor)
    } else if sheet.hidden && !asked {
        Some(Skipped::Hidden)
    } else if !asked && name.is_some_and(is_aside) {
        Some(Skipped::Aside)
    } else if sheet.rows.is_empty() {
        Some(Skipped::Empty)
    } else {
        None
    };
    if reading.skipped.is_some() {
        return;
    }
    let mut guess = guess(sheet, plan);
    if !guess.is_register() {
        reading.skipped = Some(Skipped::NoRegister);
        return;
    }
    let head = guess.header.iter().filter_map(|at| sheet.rows.get(*at));
    reading.header = head.map(|row| row.number).collect();
    let taken = lines(sheet, &guess, place, reading, entries);
    show(&mut guess.columns, &taken);
    reading.columns = guess.columns;
}

/// Shows a few cells of each column, of rows that are lines.
fn show(columns: &mut [Taken], rows: &[&Row]) {
    for taken in columns {
        taken.examples.clear();
        let cells = rows.iter().filter_map(|row| row.cells.get(taken.column));
        for cell in cells.filter(|cell| !says_nothing(cell) && !says_again(cell)) {
            let cell = cell.replace('\n', " ");
            if taken.examples.len() < EXAMPLES && !taken.examples.contains(&cell) {
                taken.examples.push(cell);
            }
        }
    }
}

/// Reads the rows below the header, and gives the first of those that are lines.
fn lines<'s>(
    sheet: &'s Sheet,
    guess: &Guess,
    place: Option<&String>,
    reading: &mut Reading,
    entries: &mut Vec<Entry>,
) -> Vec<&'s Row> {
    let mut taken = Vec::new();
    let heads: Vec<&Row> = guess.header.iter().filter_map(|at| sheet.rows.get(*at)).collect();
    let mut above: BTreeMap<usize, String> = BTreeMap::new();
    for row in sheet.rows.get(guess.first()..).unwrap_or_default() {
        if !row.own {
            continue;
        }
        let left_out = if heads.iter().any(|head| is_again(head, row)) {
            Some(LeftOut::HeaderAgain)
        } else if is_aside_of(row) {
            Some(LeftOut::Remark)
        } else {
            let entry = line(row, guess, place, &mut above);
            if !IDENTIFYING.iter().any(|column| entry.written.contains_key(column)) {
                Some(LeftOut::NothingSaid)
            } else if entries.len() >= MOST_LINES {
                Some(LeftOut::TooMany)
            } else {
                reading.lines += 1;
                reading.hidden += usize::from(row.hidden);
                entries.push(entry);
                if taken.len() < SAMPLE {
                    taken.push(row);
                }
                None
            }
        };
        if let Some(reason) = left_out {
            *reading.left_out.entry(reason).or_default() += 1;
        }
    }
    taken
}

/// Whether a row is the header once more.
fn is_again(head: &Row, row: &Row) -> bool {
    let said: Vec<(&String, Option<&String>)> = head
        .cells
        .iter()
        .zip((0..).map(|at| row.cells.get(at)))
        .filter(|(cell, _)| !cell.is_empty())
        .collect();
    let same = said.iter().filter(|(cell, other)| Some(*cell) == *other).count();
    same >= 2 && same * 4 >= said.len() * 3
}

/// Whether a row says one thing only, and that is no line.
fn is_aside_of(row: &Row) -> bool {
    let filled: Vec<&String> = row.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let different: BTreeSet<&String> = filled.iter().copied().collect();
    match different.first() {
        Some(text) if different.len() == 1 => filled.len() > 2 || is_remark(text),
        // `合計` and its number.
        Some(_) if different.len() == 2 => {
            let number =
                |text: &&String| text.chars().all(|c| !c.is_alphabetic() || "台件点".contains(c));
            filled.first().is_some_and(|text| is_end(text)) && filled.iter().skip(1).all(number)
        }
        _ => false,
    }
}

/// A row as a line.
fn line(
    row: &Row,
    guess: &Guess,
    place: Option<&String>,
    above: &mut BTreeMap<usize, String>,
) -> Entry {
    let mut entry = Entry { sheet: place.cloned(), row: row.number, ..Entry::default() };
    for taken in &guess.columns {
        let (Some(column), Some(cell)) = (taken.taken_for, row.cells.get(taken.column)) else {
            continue;
        };
        let text = if says_again(cell) {
            above.get(&taken.column).cloned().unwrap_or_default()
        } else {
            cell.clone()
        };
        above.insert(taken.column, text.clone());
        if says_nothing(&text) {
            continue;
        }
        let text = match column {
            Column::Address => {
                entry.addresses.extend(addresses(&text));
                entry.macs.extend(macs(&text));
                text.replace('\n', ", ")
            }
            Column::Mac => {
                entry.macs.extend(macs(&text));
                text.replace('\n', ", ")
            }
            Column::Outside => {
                entry.outside.extend(addresses(&text));
                text.replace('\n', ", ")
            }
            column if DAYS.contains(&column) => {
                date_or_serial(&text).unwrap_or_else(|| text.replace('\n', " "))
            }
            _ => text.replace('\n', " "),
        };
        let known = entry.written.entry(column).or_default();
        // A column that several make: 本館 2階 透析室.
        if known.is_empty() {
            *known = text;
        } else if !known.split([' ', ',']).any(|part| part == text) {
            let apart = if matches!(column, Column::Address | Column::Mac | Column::Outside) {
                ", "
            } else {
                " "
            };
            *known = format!("{known}{apart}{text}");
        }
    }
    entry
}
