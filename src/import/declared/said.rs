//! What answers mean, and which cannot be taken.

use std::net::IpAddr;

use super::{Error, LONGEST_ANSWER, Place, text};
use crate::{
    import::{Column, Entry, date::date_or_serial as date},
    observe::Mac,
};

/// Who opens connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The outside.
    In,
    /// The inside.
    Out,
    /// Both.
    Both,
}

/// The most addresses of one sort that a line gives.
const MOST_ADDRESSES: usize = 64;

/// Whether an answer says no.
pub fn no(answer: &str) -> bool {
    let answer = text::tidy(answer).to_lowercase();
    let noes = ["なし", "無し", "無", "無い", "ない", "いいえ", "no", "none", "false", "×", "x"];
    let begins = [
        "なし",
        "無し",
        "いいえ",
        "行っていない",
        "していない",
        "実施していない",
        "利用していない",
    ];
    noes.contains(&&*answer) || begins.iter().any(|word| answer.starts_with(word))
}

/// Whether an answer says yes.
pub fn yes(answer: &str) -> bool {
    let answer = text::tidy(answer).to_lowercase();
    let yeses = ["あり", "有り", "有", "はい", "yes", "true", "○", "〇", "◯"];
    let begins = ["あり", "有り", "はい", "行っている", "している", "実施している", "利用している"];
    yeses.contains(&&*answer) || begins.iter().any(|word| answer.starts_with(word))
}

/// Whether an answer says that nobody knows.
fn unknown(answer: &str) -> bool {
    ["不明", "未確認", "わからない", "分からない", "unknown", "?"]
        .contains(&&*answer.to_lowercase())
}

/// Who opens connections, as it is written; none where it cannot be told.
pub fn way(answer: &str) -> Option<Way> {
    let answer = text::tidy(answer).to_lowercase().replace(['→', '⇒', '>'], "から");
    let has = |words: &[&str]| words.iter().any(|word| answer.contains(word));
    if answer == "both" || has(&["双方向", "両方", "発着信", "both"]) {
        return Some(Way::Both);
    }
    let inward = answer == "in"
        || has(&["外から", "外部から", "着信", "inbound", "incoming", "from outside"]);
    let outward = answer == "out"
        || has(&["内から", "院内から", "発信", "outbound", "outgoing", "from inside"]);
    match (inward, outward) {
        (true, true) => Some(Way::Both),
        (true, false) => Some(Way::In),
        (false, true) => Some(Way::Out),
        (false, false) => None,
    }
}

/// Whether a line says that it was taken away.
pub fn is_withdrawn(entry: &Entry) -> bool {
    let Some(status) = entry.get(Column::Status) else { return false };
    let status = status.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| status.contains(word));
    // What will be taken away, or was not, is there.
    let not_yet = has(&["予定", "未", "ない", "検討", "not ", "to be", "planned", "will"]);
    has(&["廃止", "撤去", "解約", "withdrawn", "removed", "taken away", "closed", "ended"])
        && !not_yet
}

/// Takes an answer into an entry, or says why it cannot be.
pub(super) fn take(
    entry: &mut Entry,
    column: Column,
    answer: &str,
    place: Place,
) -> Result<(), Error> {
    let refuse = |problem: &'static str, value: &str, remedy: &'static str| {
        let value = value.chars().take(60).flat_map(char::escape_debug).collect();
        Error::Answer {
            place: Box::new(place.clone()),
            column: column.name(),
            problem,
            value,
            remedy,
        }
    };
    if answer.len() > LONGEST_ANSWER * 4 || answer.chars().count() > LONGEST_ANSWER {
        return Err(refuse(
            "longer than 1,000 characters, beginning with",
            answer,
            "write it shorter, and name the paper that says it whole",
        ));
    }
    // A sheet that must not compute has a mark before what looks like a formula.
    let plain =
        answer.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t']));
    let mut answer = text::tidy(plain.unwrap_or(answer));
    if answer.is_empty() {
        return Ok(());
    }
    match column {
        Column::Address | Column::Outside => {
            if unknown(&answer) {
                return Ok(());
            }
            let into =
                if column == Column::Address { &mut entry.addresses } else { &mut entry.outside };
            for part in parts(&answer) {
                let address = address(part).ok_or_else(|| {
                    refuse(
                        "no address",
                        part,
                        "write addresses such as 192.168.1.10, several with commas, and everything else as a note",
                    )
                })?;
                into.insert(address);
            }
            if into.len() > MOST_ADDRESSES {
                return Err(refuse("more than 64 addresses:", &answer, "write a line each box"));
            }
        }
        Column::Mac => {
            if unknown(&answer) {
                return Ok(());
            }
            for part in parts(&answer) {
                let mac = mac(part).ok_or_else(|| {
                    refuse(
                        "no hardware address",
                        part,
                        "write it as 00:00:5e:00:53:01, several with commas",
                    )
                })?;
                entry.macs.insert(mac);
            }
            if entry.macs.len() > MOST_ADDRESSES {
                return Err(refuse("more than 64 addresses:", &answer, "write a line each box"));
            }
        }
        Column::Checked => {
            answer = date(&answer).filter(|day| day.len() == 10).ok_or_else(|| {
                refuse("no day", &answer, "write it as 2026-08-07 or 令和8年8月7日")
            })?;
        }
        // A period may be written in words, too.
        Column::SupportUntil | Column::Installed => {
            answer = date(&answer).unwrap_or(answer);
        }
        Column::Direction if way(&answer).is_none() && !unknown(&answer) => {
            return Err(refuse(
                "nobody can tell who opens connections from",
                &answer,
                "write 外から入る, 内から出る or 双方向 (in, out, both), or 不明",
            ));
        }
        Column::RemoteMaintenance if !no(&answer) && !yes(&answer) && !unknown(&answer) => {
            return Err(refuse(
                "neither yes nor no:",
                &answer,
                "write あり, なし or 不明 (yes, no, unknown)",
            ));
        }
        Column::Point if !is_name(&answer) => {
            return Err(refuse(
                "no name of a connection point:",
                &answer,
                "names are `p` and eight digits, as reports write them; leave it empty for a line that is not in them",
            ));
        }
        _ => {}
    }
    entry.written.insert(column, answer);
    Ok(())
}

/// Whether `text` has the form of a point's name.
fn is_name(text: &str) -> bool {
    let name = text.split_once('-').map_or(text, |(name, _)| name);
    let digits = name.strip_prefix('p').unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && text.len() < 24
}

/// What stands in one answer, apart.
fn parts(answer: &str) -> impl Iterator<Item = &str> {
    answer.split([',', ';', '、', ' ', '・']).map(str::trim).filter(|part| !part.is_empty())
}

/// An address as people write it: with its prefix, or with zeros before its numbers.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split('/').next().unwrap_or_default();
    let bare = text.split('.').map(|part| {
        let kept = part.trim_start_matches('0');
        if kept.is_empty() && !part.is_empty() { "0" } else { kept }
    });
    let bare = bare.collect::<Vec<_>>().join(".");
    text.parse().or_else(|_| bare.parse()).ok()
}

/// A hardware address with colons, hyphens, dots, or nothing between its digits.
fn mac(text: &str) -> Option<Mac> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let others = text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.'));
    if digits.len() != 12 || !others {
        return None;
    }
    let mut bytes = [0; 6];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Mac(bytes)).filter(|mac| !mac.is_zero() && !mac.is_group())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(column: Column, answer: &str) -> Result<Entry, String> {
        let mut entry = Entry::default();
        let place =
            Place { file: "v.xlsx".into(), sheet: Some("回線".into()), cell: "E12".into() };
        take(&mut entry, column, answer, place).map_err(|error| error.to_string())?;
        Ok(entry)
    }

    #[test]
    fn yes_and_no_are_told_apart_however_they_are_written() {
        for answer in ["なし", "無", "無し（対象外）", "No", "FALSE", "いいえ", "行っていない", "×"]
        {
            assert!(no(answer) && !yes(answer), "{answer}");
        }
        for answer in ["あり", "有", "ＹＥＳ", "true", "はい", "○", "利用している"]
        {
            assert!(yes(answer) && !no(answer), "{answer}");
        }
        for answer in ["不明", "", "たぶん", "要確認"] {
            assert!(!yes(answer) && !no(answer), "{answer}");
        }
    }

    #[test]
    fn the_direction_is_read_in_the_words_of_both_forms() {
        for answer in ["外から入る", "外→内", "外部から", "着信のみ", "in", "Inbound"]
        {
            assert_eq!(way(answer), Some(Way::In), "{answer}");
        }
        for answer in ["内から出る", "内→外", "院内から発信", "out", "outgoing"] {
            assert_eq!(way(answer), Some(Way::Out), "{answer}");
        }
        for answer in ["双方向", "両方", "both", "着信・発信"] {
            assert_eq!(way(answer), Some(Way::Both), "{answer}");
        }
        assert_eq!(way("横から"), None);
    }

    #[test]
    fn what_was_taken_away_is_known_from_what_will_be() {
        let is = |status: &str| {
            let written = [(Column::Status, status.to_owned())].into();
            is_withdrawn(&Entry { written, ..Entry::default() })
        };
        for status in ["廃止", "撤去済み", "2025年に解約", "Withdrawn", "removed", "ended"]
        {
            assert!(is(status), "{status}");
        }
        for status in ["使用中", "撤去予定", "未撤去", "廃止していない", "not removed", "予備"]
        {
            assert!(!is(status), "{status}");
        }
        assert!(!is_withdrawn(&Entry::default()));
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let entry =
            taken(Column::Address, "１９２．１６８．００１．０１０／２４、192.168.2.0").unwrap();
        let read: Vec<String> = entry.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(read, ["192.168.1.10", "192.168.2.0"]);
        let entry = taken(Column::Mac, "00-00-5E-00-53-01, 0000.5e00.5302 00005e005303").unwrap();
        assert_eq!(entry.macs.len(), 3);
        assert_eq!(taken(Column::Mac, "不明").unwrap(), Entry::default());
    }

    #[test]
    fn what_cannot_be_taken_is_named_with_its_place_and_what_to_do() {
        for (column, answer, says) in [
            (
                Column::Address,
                "検査室の奥",
                "v.xlsx#回線!E12: address: no address `検査室の奥`; write addresses such",
            ),
            (Column::Mac, "00:00:5e", "mac: no hardware address `00:00:5e`"),
            (Column::Mac, "ff:ff:ff:ff:ff:ff", "no hardware address"),
            (Column::Checked, "先週", "checked: no day `先週`; write it as 2026-08-07"),
            (Column::Direction, "横から", "who opens connections from `横から`"),
            (Column::RemoteMaintenance, "たぶん", "neither yes nor no: `たぶん`; write あり"),
            (Column::Point, "PBX", "no name of a connection point: `PBX`"),
            (Column::Note, &"長".repeat(1_001), "longer than 1,000 characters, beginning with `長"),
        ] {
            let said = taken(column, answer).unwrap_err();
            assert!(said.contains(says), "{said}");
            assert!(said.chars().count() < 300, "{said}");
        }
    }

    #[test]
    fn what_looks_like_a_formula_loses_only_the_mark_before_it() {
        let note =
            |answer: &str| taken(Column::Note, answer).unwrap().written[&Column::Note].clone();
        assert_eq!(note("'=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0");
        assert_eq!(note("'quoted'"), "'quoted'");
    }
}
