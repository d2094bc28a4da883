//! How much an xls file will take when it is read, reckoned before anything reads it: its compound file (MS-CFB) and
//! the records of its sheets (MS-XLS), as far as that needs.

use super::Problem;

/// The most places for cells that all sheets of an xls may span.
pub(super) const MOST_SPANNED: u64 = 1 << 24;

/// The most text that the cells of an xls may show, in bytes as they are kept.
pub(super) const MOST_SHOWN: u64 = 256 << 20;

/// The most records that are gone through.
const MOST_RECORDS: usize = 1 << 24;

/// What ends a chain of sectors.
const LAST_SECTOR: u32 = 0xffff_fffa;

/// The length of a piece of a short stream, in bytes.
const PIECE: usize = 64;

/// Records that hold one cell, their row and column first.
const CELLS: [u16; 10] =
    [0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x00fd, 0x027e, 0x00d6, 0x00bd, 0x00be];

/// A text that other cells share by its number.
const SHARED: u16 = 0x00fd;

/// Refuses a workbook that would take more than there is.
pub(super) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let book = stream(bytes)?;
    let mut sheets = Vec::new();
    let mut texts = Vec::new();
    let mut shared = Vec::new();
    let mut in_texts = false;
    let mut records = 0;
    each(&book, 0, &mut records, |id, data| {
        match id {
            0x0085 => sheets.extend(long(data, 0)),
            0x00fc => texts.push(data),
            0x003c if in_texts => texts.push(data),
            _ => {}
        }
        in_texts = id == 0x00fc || (in_texts && id == 0x003c);
        true
    })?;
    if sheets.len() > super::sheet::MOST_SHEETS {
        return Err(Problem::TooMuch);
    }
    let lengths = lengths(&texts);
    let (mut spanned, mut shown) = (0u64, 0u64);
    for offset in sheets {
        let (mut rows, mut columns) = ((u16::MAX, 0), (u16::MAX, 0));
        each(&book, usize::try_from(offset).unwrap_or(usize::MAX), &mut records, |id, data| {
            if CELLS.contains(&id)
                && let (Some(row), Some(column)) = (short(data, 0), short(data, 2))
            {
                let last = data.len().checked_sub(2).and_then(|at| short(data, at));
                let last = last.filter(|_| id == 0x00bd || id == 0x00be).unwrap_or(column);
                rows = (rows.0.min(row), rows.1.max(row));
                columns = (columns.0.min(column), columns.1.max(column).max(last));
                if id == SHARED {
                    shared.extend(long(data, 6));
                }
            }
            id != 0x000a
        })?;
        let across = |(first, last): (u16, u16)| u64::from(last.saturating_sub(first)) + 1;
        spanned = spanned.saturating_add(across(rows) * across(columns));
        for number in shared.drain(..) {
            let length = usize::try_from(number).ok().and_then(|number| lengths.get(number));
            shown = shown.saturating_add(length.copied().unwrap_or_default());
        }
    }
    if spanned > MOST_SPANNED || shown > MOST_SHOWN { Err(Problem::TooMuch) } else { Ok(()) }
}

/// Goes through records from a place until `go_on` says no.
fn each<'b>(
    book: &'b [u8],
    from: usize,
    records: &mut usize,
    mut go_on: impl FnMut(u16, &'b [u8]) -> bool,
) -> Result<(), Problem> {
    let mut rest = book.get(from..).unwrap_or_default();
    while let (Some(id), Some(length)) = (short(rest, 0), short(rest, 2)) {
        *records += 1;
        if *records > MOST_RECORDS {
            return Err(Problem::TooMuch);
        }
        let end = 4 + usize::from(length);
        let data = rest.get(4..end).unwrap_or_default();
        if !go_on(id, data) {
            break;
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    Ok(())
}

/// How long each shared text is, in bytes (MS-XLS 2.5.293), as far as the parts that hold them can be followed.
fn lengths(parts: &[&[u8]]) -> Vec<u64> {
    let mut lengths = Vec::new();
    let mut parts = parts.iter().copied();
    let mut rest = parts.next().and_then(|part| part.get(8..)).unwrap_or_default();
    loop {
        if rest.is_empty() {
            let Some(next) = parts.next() else { return lengths };
            rest = next;
        }
        let (Some(characters), Some(flags)) = (short(rest, 0), rest.get(2).copied()) else {
            return lengths;
        };
        let mut head = 3;
        let runs = if flags & 8 == 0 {
            0
        } else {
            head += 2;
            short(rest, 3).unwrap_or_default()
        };
        let more = if flags & 4 == 0 {
            0
        } else {
            head += 4;
            long(rest, head - 4).unwrap_or_default()
        };
        rest = rest.get(head..).unwrap_or_default();
        lengths.push(u64::from(characters) * 3);
        let mut left = usize::from(characters);
        let mut width = if flags & 1 == 0 { 1 } else { 2 };
        loop {
            let here = left.min(rest.len() / width);
            rest = rest.get(here * width..).unwrap_or_default();
            left -= here;
            if left == 0 {
                break;
            }
            // A text that goes on in another part says there again how wide its characters are.
            let Some(next) = parts.next() else { return lengths };
            width = if next.first().is_some_and(|flags| flags & 1 == 1) { 2 } else { 1 };
            rest = next.get(1..).unwrap_or_default();
        }
        let mut skip = usize::from(runs) * 4 + usize::try_from(more).unwrap_or(usize::MAX / 2);
        while skip > rest.len() {
            skip -= rest.len();
            let Some(next) = parts.next() else { return lengths };
            rest = next;
        }
        rest = rest.get(skip..).unwrap_or_default();
    }
}

/// The stream of a compound file that holds the workbook.
fn stream(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let broken = || Problem::Broken("its directory cannot be followed".to_owned());
    let size = match short(bytes, 30) {
        Some(9) => 512,
        Some(12) => 4096,
        _ => return Err(broken()),
    };
    let sector = |number: u32| {
        let from = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(size)?;
        bytes.get(from..bytes.len().min(from.checked_add(size)?))
    };
    let numbers = |data: &[u8]| -> Vec<u32> {
        (0..data.len() / 4).filter_map(|at| long(data, 4 * at)).collect()
    };
    let most = bytes.len() / size + 1;
    // The first 109 sectors of the table stand in the header, the others in a chain of their own.
    let mut table: Vec<u32> = (0..109).filter_map(|at| long(bytes, 76 + 4 * at)).collect();
    let mut next = long(bytes, 68).unwrap_or(LAST_SECTOR);
    for _ in 0..most {
        let Some(data) = (next < LAST_SECTOR).then(|| sector(next)).flatten() else { break };
        let mut more = numbers(data);
        next = more.pop().unwrap_or(LAST_SECTOR);
        table.extend(more);
    }
    let table: Vec<u32> = table
        .into_iter()
        .filter(|number| *number < LAST_SECTOR)
        .take(most)
        .filter_map(|number| sector(number).map(numbers))
        .flatten()
        .collect();
    let chain = |first: u32| -> Vec<u8> {
        let mut data = Vec::new();
        let mut next = first;
        for _ in 0..most {
            let Some(part) = (next < LAST_SECTOR).then(|| sector(next)).flatten() else { break };
            data.extend_from_slice(part);
            next = usize::try_from(next)
                .ok()
                .and_then(|at| table.get(at).copied())
                .unwrap_or(LAST_SECTOR);
        }
        data
    };
    let directory = chain(long(bytes, 48).unwrap_or(LAST_SECTOR));
    let entries = || directory.chunks_exact(128);
    let is = |entry: &&[u8], name: &str| {
        let written: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry.starts_with(&written) && entry.get(written.len()..written.len() + 2) == Some(&[0, 0])
    };
    if entries().any(|entry| is(&entry, "EncryptedPackage")) {
        return Err(Problem::Encrypted);
    }
    let entry = entries().find(|entry| is(entry, "Workbook") || is(entry, "Book"));
    let entry = entry.ok_or(Problem::NoTable("it holds no workbook"))?;
    let first = long(entry, 116).unwrap_or(LAST_SECTOR);
    if long(entry, 120).unwrap_or_default() >= long(bytes, 56).unwrap_or(4096) {
        return Ok(chain(first));
    }
    // A short stream stands in pieces of another, which belongs to the root.
    let root = entries().next().and_then(|root| long(root, 116)).unwrap_or(LAST_SECTOR);
    let (pieces, table) = (chain(root), numbers(&chain(long(bytes, 60).unwrap_or(LAST_SECTOR))));
    let mut data = Vec::new();
    let mut next = first;
    for _ in 0..=table.len() {
        let at = usize::try_from(next).unwrap_or(usize::MAX);
        let from = at.saturating_mul(PIECE);
        let Some(piece) = pieces.get(from..pieces.len().min(from.saturating_add(PIECE))) else {
            break;
        };
        data.extend_from_slice(piece);
        next = table.get(at).copied().unwrap_or(LAST_SECTOR);
    }
    Ok(data)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    two.try_into().ok().map(u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_le_bytes)
}
