//! Text with separators: commas, tabs or semicolons, in whatever encoding.

use std::borrow::Cow;

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_16BE, UTF_16LE};

use super::{
    Problem,
    sheet::{Drawn, Room, Sheet},
};

/// How much of a text is looked at to find its separator, in bytes.
const SAMPLE: usize = 64 << 10;

/// What may stand between two cells, in the order of trust.
const SEPARATORS: [u8; 4] = [b'\t', b',', b';', b'|'];

/// Reads a file of text as one sheet.
pub(super) fn read(bytes: &[u8], room: &mut Room) -> Result<Sheet, Problem> {
    let text = decoded(bytes)?.replace("\r\n", "\n").replace('\r', "\n");
    let separator = separator(&text);
    let mut drawn = Drawn::default();
    // Up to where line breaks were counted, and how many there are that end a row.
    let (mut counted, mut row) = (0, 0i64);
    for record in reader(&text, separator).into_byte_records() {
        // With `flexible` and all of the text in memory nothing is wrong for the reader.
        let Ok(record) = record else { continue };
        // The reader passes over empty rows, which a spreadsheet counts.
        let at = record.position().map_or(0, csv::Position::byte);
        let rest = text.as_bytes().get(usize::try_from(at).unwrap_or(usize::MAX)..);
        let empty = rest.into_iter().flatten().take_while(|byte| **byte == b'\n').count();
        let begin = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(empty);
        let between = text.as_bytes().get(counted..begin).unwrap_or_default();
        row += breaks(between);
        counted = begin;
        let number = u32::try_from(row).unwrap_or(u32::MAX);
        for (column, cell) in (0u32..).zip(record.iter()) {
            // Lines that stand within a cell are not rows.
            row -= breaks(cell);
            drawn.put(number, column, &String::from_utf8_lossy(cell), room)?;
        }
    }
    drawn.sheet(None, false, room)
}

fn breaks(text: &[u8]) -> i64 {
    i64::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(i64::MAX)
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes())
}

/// The text of a file: by its byte order mark, or as UTF-8 where it is that, or in an encoding of Japan.
pub(super) fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        return Ok(text);
    }
    // Latin letters have a zero in every second byte of UTF-16.
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even + odd > 0 {
        let encoding = match (even, odd) {
            (0, odd) if odd * 8 > head.len() => UTF_16LE,
            (even, 0) if even * 8 > head.len() => UTF_16BE,
            _ => return Err(Problem::NoTable("it has bytes that no text has")),
        };
        return Ok(encoding.decode_without_bom_handling(bytes).0);
    }
    if bytes.windows(2).any(|pair| pair == b"\x1b$") {
        let (text, wrong) = ISO_2022_JP.decode_without_bom_handling(bytes);
        if !wrong {
            return Ok(text);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    let (text, wrong) = SHIFT_JIS.decode_without_bom_handling(bytes);
    if wrong {
        let (other, otherwise) = EUC_JP.decode_without_bom_handling(bytes);
        if !otherwise {
            return Ok(other);
        }
        let lost = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        if lost * 20 > text.chars().count() {
            return Err(Problem::NoTable("it is no text in UTF-8, UTF-16 or Shift_JIS"));
        }
    }
    Ok(text)
}

/// What separates the cells: that which gives most rows the same number of cells, more than one.
fn separator(text: &str) -> u8 {
    let sample = text.get(..text.floor_char_boundary(SAMPLE)).unwrap_or(text);
    let score = |separator: u8| {
        let mut widths: Vec<usize> = reader(sample, separator)
            .into_byte_records()
            .take(50)
            .filter_map(|record| Some(record.ok()?.len()).filter(|cells| *cells > 1))
            .collect();
        widths.sort_unstable();
        // The middle width, by how many rows come near to it.
        let middle = widths.get(widths.len() / 2).copied().unwrap_or_default();
        widths.iter().filter(|width| width.abs_diff(middle) <= 1).count() * middle.min(40)
    };
    let scores = SEPARATORS.map(|separator| (separator, score(separator)));
    let best = scores.iter().map(|(_, score)| *score).max().unwrap_or_default();
    let found = scores.iter().find(|(_, score)| *score == best && best > 0);
    found.map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &[u8]) -> Vec<(u32, Vec<String>)> {
        let sheet = read(bytes, &mut Room::default()).unwrap();
        sheet.rows.into_iter().map(|row| (row.number, row.cells)).collect()
    }

    fn row(number: u32, cells: &[&str]) -> (u32, Vec<String>) {
        (number, cells.iter().map(|&cell| cell.to_owned()).collect())
    }

    #[test]
    fn every_encoding_gives_the_same_cells() {
        let text = "名称,IPアドレス\r\n㈱髙橋①,10.1.1.5\r\n";
        let wanted = [row(1, &["名称", "IPアドレス"]), row(2, &["(株)髙橋1", "10.1.1.5"])];
        let utf_16 = |mark: bool, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
        };
        let shift_jis = SHIFT_JIS.encode(text).0.into_owned();
        assert!(std::str::from_utf8(&shift_jis).is_err());
        let marked = format!("\u{feff}{text}");
        for bytes in [
            text.as_bytes().to_vec(),
            marked.into_bytes(),
            shift_jis,
            utf_16(true, u16::to_le_bytes),
            utf_16(true, u16::to_be_bytes),
        ] {
            assert_eq!(cells(&bytes), wanted);
        }
        let latin = "name,address\nrouter-1,10.1.1.5\n";
        let bytes: Vec<u8> = latin.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(
            cells(&bytes),
            [row(1, &["name", "address"]), row(2, &["router-1", "10.1.1.5"])]
        );
    }

    #[test]
    fn separators_are_found_and_rows_counted_as_a_spreadsheet_counts_them() {
        let text = "a;b;c\n\n1,5;\"x\ny\";3\n4;5;6\n";
        assert_eq!(
            cells(text.as_bytes()),
            [row(1, &["a", "b", "c"]), row(3, &["1,5", "x\ny", "3"]), row(4, &["4", "5", "6"])]
        );
        assert_eq!(cells(b"a\tb, c\n1\t2, 3\n")[0], row(1, &["a", "b, c"]));
        assert_eq!(cells(b"only\nwords\n"), [row(1, &["only"]), row(2, &["words"])]);
    }

    #[test]
    fn what_is_no_text_is_refused_and_what_never_ends_is_cut() {
        let program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0\x10\x20";
        assert!(read(program, &mut Room::default()).is_err());
        let noise: Vec<u8> = (0..4000u32).map(|n| 0x80 | (n * 7 % 127) as u8).collect();
        assert!(read(&noise, &mut Room::default()).is_err());
        let endless = format!("a,b\n\"{}", "x\n".repeat(5 << 20));
        let sheet = read(endless.as_bytes(), &mut Room::default()).unwrap();
        assert_eq!((sheet.rows.len(), sheet.beyond.cut), (2, 1));
    }
}
