//! Where the header of a sheet is, and what each of its columns is about: by the words of the header together with what
//! the cells below look like.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Column,
    address::{addresses, is_mac},
    header::{Certainty, named, says_nothing},
    makers::is_maker,
    mapping::Plan,
    sheet::{Row, Sheet},
};

/// How many rows are looked at to find a header.
const MOST_BEFORE: usize = 60;

/// How many cells of a column are looked at.
pub(super) const SAMPLE: usize = 200;

/// How many cells of a column are shown.
pub(super) const EXAMPLES: usize = 3;

/// Columns that several columns of a sheet may make together.
const JOINED: [Column; 10] = [
    Column::Place,
    Column::Address,
    Column::Mac,
    Column::Outside,
    Column::Note,
    Column::Contact,
    Column::Purpose,
    Column::Vlan,
    Column::Manager,
    Column::Department,
];

/// Columns of which at least one makes a row a line of a register.
pub(super) const IDENTIFYING: [Column; 10] = [
    Column::Name,
    Column::AssetNumber,
    Column::HostName,
    Column::Address,
    Column::Mac,
    Column::Outside,
    Column::Serial,
    Column::LineNumber,
    Column::Model,
    Column::Line,
];

/// Why a column was taken for what it is, or for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its header is a known word.
    Header,
    /// A known word stands in its header.
    HeaderPart,
    /// Its cells look so.
    Values,
    /// The mapping file says so.
    Mapping,
    /// Neither header nor cells say anything that is known.
    Unknown,
    /// It is about nothing that matters here.
    Nothing,
    /// Another column is that already.
    Twice,
    /// Its header says so, and its cells do not look like it.
    ValuesDiffer,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Header,
        Self::HeaderPart,
        Self::Values,
        Self::Mapping,
        Self::Unknown,
        Self::Nothing,
        Self::Twice,
        Self::ValuesDiffer,
    ];

    /// The name in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::HeaderPart => "header_part",
            Self::Values => "values",
            Self::Mapping => "mapping",
            Self::Unknown => "unknown",
            Self::Nothing => "nothing",
            Self::Twice => "twice",
            Self::ValuesDiffer => "values_differ",
        }
    }
}

/// A column of a sheet, and what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which column, from 0.
    pub column: usize,
    /// What its header says, in one line.
    pub header: String,
    /// What it is about; none where it is left out.
    pub taken_for: Option<Column>,
    /// Why.
    pub why: Why,
    /// A few of its cells, of rows that are lines.
    pub examples: Vec<String>,
}

/// What was guessed of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Guess {
    /// The rows of the header, as places in the sheet's rows; empty where there is none.
    pub(super) header: Vec<usize>,
    /// Every column that has a header or a cell.
    pub(super) columns: Vec<Taken>,
}

impl Guess {
    /// Whether the columns make a register.
    pub(super) fn is_register(&self) -> bool {
        let taken: BTreeSet<Column> =
            self.columns.iter().filter_map(|column| column.taken_for).collect();
        let identifying = taken.iter().any(|column| IDENTIFYING.contains(column));
        let by_values = self.columns.iter().any(|column| {
            column.why == Why::Mapping
                || matches!(column.taken_for, Some(Column::Address | Column::Mac))
        });
        identifying && (taken.len() > 1 || by_values)
    }

    /// Where the lines begin, as a place in the sheet's rows.
    pub(super) fn first(&self) -> usize {
        self.header.last().map_or(0, |last| last + 1)
    }
}

/// What a sheet's header and columns are, as far as the plan does not say it.
pub(super) fn guess(sheet: &Sheet, plan: Option<&Plan>) -> Guess {
    let header = match plan.and_then(|plan| plan.header.as_ref()) {
        Some(rows) => {
            let place = |number: &u32| sheet.rows.iter().position(|row| row.number == *number);
            rows.iter().filter_map(place).collect()
        }
        None => header(&sheet.rows),
    };
    let mut guess = Guess { header, columns: Vec::new() };
    let below = sheet.rows.get(guess.first()..).unwrap_or_default();
    let heads: Vec<&Row> = guess.header.iter().filter_map(|at| sheet.rows.get(*at)).collect();
    let width = below.iter().chain(heads.iter().copied()).map(|row| row.cells.len()).max();
    for column in 0..width.unwrap_or_default() {
        let parts = parts(&heads, column);
        let cells: Vec<&str> = below
            .iter()
            .filter_map(|row| row.cells.get(column).map(String::as_str))
            .filter(|cell| !says_nothing(cell))
            .take(SAMPLE)
            .collect();
        if parts.is_empty() && cells.is_empty() {
            continue;
        }
        let planned = plan.and_then(|plan| plan.columns.get(&column));
        let (taken_for, why) = match planned {
            Some(column) => (*column, Why::Mapping),
            None => judged(&parts, &cells),
        };
        let header = parts.join(" ").replace('\n', " ");
        guess.columns.push(Taken { column, header, taken_for, why, examples: Vec::new() });
    }
    once(&mut guess.columns);
    guess
}

/// Leaves each of the columns that cannot be joined to the best of those that were taken for it.
fn once(columns: &mut [Taken]) {
    let rank = |why: Why| match why {
        Why::Mapping => 0,
        Why::Header => 1,
        Why::Values => 2,
        _ => 3,
    };
    let mut best: BTreeMap<Column, (u8, usize)> = BTreeMap::new();
    for taken in columns.iter() {
        let Some(column) = taken.taken_for.filter(|column| !JOINED.contains(column)) else {
            continue;
        };
        let this = (rank(taken.why), taken.column);
        best.entry(column).and_modify(|best| *best = this.min(*best)).or_insert(this);
    }
    for taken in columns {
        let other = taken.taken_for.and_then(|column| best.get(&column));
        if other.is_some_and(|(_, column)| *column != taken.column) && taken.why != Why::Mapping {
            (taken.taken_for, taken.why) = (None, Why::Twice);
        }
    }
}

/// The texts of a header over a column, each once.
fn parts<'s>(heads: &[&'s Row], column: usize) -> Vec<&'s str> {
    let mut parts: Vec<&str> = Vec::new();
    for head in heads {
        let text = head.cells.get(column).map(String::as_str).unwrap_or_default();
        if !text.is_empty() && parts.last() != Some(&text) {
            parts.push(text);
        }
    }
    parts
}

/// What a column is about, by its header and its cells.
fn judged(parts: &[&str], cells: &[&str]) -> (Option<Column>, Why) {
    let head = named(parts);
    let said = head.and_then(|(column, _)| column);
    let by_header = match head {
        Some((None, _)) => (None, Why::Nothing),
        Some((column, Certainty::Exact)) => (column, Why::Header),
        Some((column, Certainty::Within)) => (column, Why::HeaderPart),
        None => (None, Why::Unknown),
    };
    let most = |is: &dyn Fn(&str) -> bool| {
        let count = cells.iter().filter(|cell| is(cell)).count();
        count > 0 && count * 10 >= cells.len() * 6
    };
    let other = |column: Column| {
        if said == Some(column) { by_header } else { (Some(column), Why::Values) }
    };
    if most(&is_mac) {
        // Twelve digits and letters in a column of serial numbers are a serial number.
        let bare = cells.iter().all(|cell| cell.len() <= 12);
        let numbered =
            matches!(said, Some(Column::Serial | Column::AssetNumber | Column::LineNumber));
        return if bare && numbered { by_header } else { other(Column::Mac) };
    }
    if most(&|cell| is_address(cell)) {
        return match head {
            Some(
                (Some(Column::Address | Column::Outside | Column::Restriction), _)
                | (None, Certainty::Exact),
            ) => by_header,
            _ if cells.len() < 2 && head.is_some() => by_header,
            _ if most(&|cell| addresses(cell).iter().all(|address| is_global(*address))) => {
                other(Column::Outside)
            }
            _ => other(Column::Address),
        };
    }
    match said {
        Some(Column::Address | Column::Outside | Column::Mac)
            if cells.len() >= 3 && !cells.iter().any(|cell| looks_so(cell)) =>
        {
            (None, Why::ValuesDiffer)
        }
        None if by_header.1 == Why::Unknown && cells.len() >= 3 && most(&is_maker) => {
            (Some(Column::Vendor), Why::Values)
        }
        _ => by_header,
    }
}

/// Whether a cell is an address, with little beside it.
fn is_address(cell: &str) -> bool {
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    !addresses(cell).is_empty() && letters <= cell.chars().count() / 2
}

/// Whether a cell may stand in a column of addresses: it holds one, a network, or says how one is given.
fn looks_so(cell: &str) -> bool {
    let lower = cell.to_lowercase();
    lower.contains("dhcp")
        || lower.contains("自動")
        || !addresses(cell).is_empty()
        || !super::address::macs(cell).is_empty()
        || cell.matches('.').count() >= 3
}

/// Whether an address is one of the Internet, rather than of somebody's own network.
fn is_global(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(v4) => {
            !(v4.is_private() || v4.is_link_local() || v4.octets()[0] == 100)
        }
        std::net::IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

/// The rows of the header, as places: those whose cells name the most columns; empty where no row names two.
fn header(rows: &[Row]) -> Vec<usize> {
    let mut best = (0, Vec::new());
    for (at, row) in rows.iter().enumerate().take(MOST_BEFORE) {
        // A title that is merged over the sheet says one thing only.
        let texts: BTreeSet<&str> =
            row.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        if texts.len() < 2 || is_data(row) {
            continue;
        }
        let (one, _) = score(&[row]);
        if one > best.0 {
            best = (one, vec![at]);
        }
        let next = rows.get(at + 1);
        if let Some(next) = next.filter(|next| next.number == row.number + 1 && !is_data(next)) {
            let (two, together) = score(&[row, next]);
            let (below, alone) = score(&[next]);
            // A title above the header says no more than the header does.
            let adds = two > below || (two == below && together != alone);
            if two > best.0 && two > one && adds {
                best = (two, vec![at, at + 1]);
            }
        }
    }
    best.1
}

/// How much a header of these rows says, 0 where it names fewer than two columns; and which columns.
fn score(heads: &[&Row]) -> (usize, BTreeSet<Option<Column>>) {
    let width = heads.iter().map(|row| row.cells.len()).max().unwrap_or_default();
    let mut known: BTreeMap<Option<Column>, usize> = BTreeMap::new();
    for column in 0..width {
        if let Some((column, certainty)) = named(&parts(heads, column)) {
            let worth = if certainty == Certainty::Exact { 2 } else { 1 };
            let best = known.entry(column).or_default();
            *best = worth.max(*best);
        }
    }
    let columns = known.keys().flatten().count();
    let sum = if columns < 2 { 0 } else { known.values().sum() };
    (sum, known.into_keys().collect())
}

/// Whether a row holds what no header does.
fn is_data(row: &Row) -> bool {
    row.cells
        .iter()
        .any(|cell| is_mac(cell) || is_address(cell) || super::date::date(cell).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::sheet::{Drawn, Merged, Room};

    fn sheet(rows: &[&[&str]]) -> Sheet {
        drawn(rows, &[])
    }

    fn drawn(rows: &[&[&str]], merged: &[Merged]) -> Sheet {
        let (mut drawn, mut room) = (Drawn::default(), Room::default());
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(*cells) {
                drawn.put(row, column, cell, &mut room).unwrap();
            }
        }
        for merged in merged {
            drawn.merge(*merged);
        }
        drawn.sheet(None, false, &mut room).unwrap()
    }

    fn taken(guess: &Guess) -> Vec<Option<Column>> {
        guess.columns.iter().map(|column| column.taken_for).collect()
    }

    #[test]
    fn a_header_is_found_below_titles() {
        let found = guess(
            &sheet(&[
                &["関所記念病院 機器台帳"],
                &["作成者", "情報システム室"],
                &["No.", "機器名", "ＩＰアドレス", "備考"],
                &["1", "ルータ", "10.1.1.1", ""],
            ]),
            None,
        );
        assert_eq!(found.header, [2]);
        assert_eq!(
            taken(&found),
            [None, Some(Column::Name), Some(Column::Address), Some(Column::Note)]
        );
    }

    #[test]
    fn a_header_of_two_rows_is_one() {
        let over = Merged { rows: (0, 0), columns: (1, 2) };
        let found = guess(
            &drawn(
                &[
                    &["機器名", "WAN側", "", "設置", ""],
                    &["", "IPアドレス", "回線番号", "棟", "階"],
                    &["ルータ", "203.0.113.1", "N12", "本館", "2"],
                ],
                &[over],
            ),
            None,
        );
        assert_eq!(found.header, [0, 1]);
        let wanted =
            [Column::Name, Column::Outside, Column::LineNumber, Column::Place, Column::Place];
        assert_eq!(taken(&found), wanted.map(Some));
    }

    #[test]
    fn cells_say_what_a_header_does_not() {
        let found = guess(
            &sheet(&[
                &["機器名", "識別子", "アドレス", "会社", "LAN"],
                &["a", "00:00:5e:00:53:01", "本町1-2", "アクメ", "10.1.1.1"],
                &["b", "00-00-5e-00-53-02", "本町1-3", "アクメ", "10.1.1.2"],
                &["c", "-", "本町1-4", "Acme", "10.1.1.3"],
            ]),
            None,
        );
        let wanted = [
            Some(Column::Name),
            Some(Column::Mac),
            None,
            Some(Column::Vendor),
            Some(Column::Address),
        ];
        assert_eq!(taken(&found), wanted);
        assert_eq!(found.columns[2].why, Why::ValuesDiffer);
    }

    #[test]
    fn a_sheet_without_header_is_read_by_its_cells_and_a_page_of_words_is_no_register() {
        let bare = guess(&sheet(&[&["ルータ", "10.1.1.1"], &["サーバ", "10.1.1.2"]]), None);
        assert!(bare.header.is_empty() && bare.is_register());
        let legend =
            guess(&sheet(&[&["記号", "意味"], &["○", "使用中"], &["×", "廃棄済み"]]), None);
        assert!(!legend.is_register(), "{legend:?}");
    }

    #[test]
    fn a_column_is_taken_once_and_a_plan_wins() {
        let table =
            sheet(&[&["機器名", "名称", "IP"], &["a", "b", "10.1.1.1"], &["c", "d", "10.1.1.2"]]);
        let found = guess(&table, None);
        assert_eq!(found.columns[1].why, Why::Twice);
        let columns = BTreeMap::from([(0, None), (1, Some(Column::Name))]);
        let found = guess(&table, Some(&Plan { columns, ..Plan::default() }));
        assert_eq!(taken(&found), [None, Some(Column::Name), Some(Column::Address)]);
    }
}
