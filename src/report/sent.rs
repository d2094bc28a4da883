//! What was sent to whom: the whole ledger as CSV, and its sums and busiest hosts for the reports.

use std::{
    borrow::Cow,
    cmp::Reverse,
    io::{self, Write},
    net::IpAddr,
};

use super::{Words, visible, words::grouped};
use crate::passive::asked::{Asked, Entry};

/// The file that the ledger goes to, in a folder of reports.
pub const LEDGER: &str = "ledger.csv";

/// How many columns of the names of probes a cell shows, as long as a spreadsheet takes.
const LONGEST_CELL: usize = 4096;

/// Writes the ledger, a line an address, as spreadsheets read it: UTF-8 with its mark, commas, CRLF.
pub fn write_ledger(asked: &Asked, out: &mut impl Write) -> io::Result<()> {
    out.write_all("\u{feff}address,packets,bytes,answers,probes\r\n".as_bytes())?;
    for (address, entry) in asked.iter() {
        let Entry { packets, bytes, answers, .. } = entry;
        let probes = cell(&probes(asked, entry));
        write!(out, "{address},{packets},{bytes},{answers},{probes}\r\n")?;
    }
    if !asked.is_whole() {
        let (packets, bytes) = asked.others();
        write!(out, "others,{packets},{bytes},,\r\n")?;
    }
    Ok(())
}

/// `text` as a cell that no spreadsheet calculates.
fn cell(text: &str) -> String {
    let shown = visible(text);
    let shown = shown.get(..shown.floor_char_boundary(LONGEST_CELL)).unwrap_or_default();
    let quote = if shown.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if shown.contains(['"', ',']) {
        format!("\"{quote}{}\"", shown.replace('"', "\"\""))
    } else {
        format!("{quote}{shown}")
    }
}

/// The probes that asked an address, by their names.
pub(super) fn probes(asked: &Asked, entry: &Entry) -> String {
    let mut names: Vec<&str> = asked.probes_of(entry).collect();
    names.sort_unstable();
    names.join(" ")
}

/// Those that were sent the most.
pub(super) fn busiest(asked: &Asked, most: usize) -> Vec<(IpAddr, &Entry)> {
    let mut entries: Vec<_> = asked.iter().collect();
    entries.sort_by_key(|(address, entry)| (Reverse(entry.packets), *address));
    entries.truncate(most);
    entries
}

/// The sums in one sentence.
pub(super) fn sums(asked: &Asked, words: &Words) -> String {
    let values = [
        ("packets", grouped(asked.packets)),
        ("bytes", size(asked.bytes)),
        ("addresses", grouped(asked.addresses())),
        ("answered", grouped(asked.answered())),
    ];
    let values: Vec<(&str, &str)> =
        values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    words.fill("sent", "sums", &values)
}

/// A line of the journal's own words in those of the report: `fragile_host 10.0.0.7`.
pub(super) fn detail<'a>(subject: &str, detail: &'a str, words: &Words) -> Cow<'a, str> {
    match subject {
        "not_allowed" => {
            let (kind, about) = detail.split_once(' ').unwrap_or((detail, ""));
            format!("{} {about}", words.get("refusal", kind)).trim_end().to_owned().into()
        }
        "left_alone" => match detail.rsplit_once(' ') {
            Some((address, why)) => format!("{address} {}", words.get("distress", why)).into(),
            None => detail.into(),
        },
        "questions_lost" => match detail.split_once(" of ") {
            Some((lost, asked)) => {
                words.fill("sent", "lost", &[("lost", lost), ("asked", asked)]).into()
            }
            None => detail.into(),
        },
        _ => detail.into(),
    }
}

/// A size for people: `1.5 MB`.
pub(super) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", grouped(bytes / unit), bytes % unit / (unit / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        assert_eq!(cell("arp tcp"), "arp tcp");
        for formula in ["=1+1", "+1", "-1", "@sum"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("a\",b\r\n=c"), "\"a\"\",b\\u{d}\\u{a}=c\"");
        assert_eq!(cell("\t=x"), "\\u{9}=x");
        assert!(cell(&"関".repeat(10_000)).len() <= LONGEST_CELL);
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(
            [0, 999, 1_500, 1_560_000, 12_345_678_901].map(size),
            ["0 B", "999 B", "1.5 kB", "1.5 MB", "12.3 GB"]
        );
    }

    #[test]
    fn what_a_journal_says_is_said_in_words() {
        let words = Words::of(super::super::Language::English);
        let said = |subject, text| detail(subject, text, words).into_owned();
        assert_eq!(said("left_alone", "10.0.0.7 slow"), "10.0.0.7 it became slow");
        assert_eq!(said("not_allowed", "fragile_host 10.0.0.7"), "fragile equipment 10.0.0.7");
        assert_eq!(said("not_allowed", "new_reason x"), "new_reason x");
        assert_eq!(said("questions_lost", "3 of 20"), "3 of 20 were lost");
        assert_eq!(said("questions_lost", "3"), "3");
        assert_eq!(said("left_alone", ""), "");
    }
}
