//! Which column a header names, and what words in cells mean by themselves.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{Column, tidy::folded};

#[derive(Deserialize)]
struct Called {
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    exact: Vec<String>,
}

#[derive(Deserialize)]
struct Headers {
    nothing: Vec<String>,
    column: BTreeMap<Column, Called>,
}

/// What is known of headers, folded.
struct Known {
    exact: BTreeMap<String, Option<Column>>,
    /// The longest first.
    within: Vec<(String, Option<Column>)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: Headers =
        toml::from_str(include_str!("headers.toml")).expect("the list is read by tests");
    let mut known = Known { exact: BTreeMap::new(), within: Vec::new() };
    let nothing = Called { words: file.nothing, exact: Vec::new() };
    let all = file.column.into_iter().map(|(column, called)| (Some(column), called));
    for (column, called) in all.chain([(None, nothing)]) {
        for word in called.words.iter().map(|word| folded(word)) {
            known.exact.insert(word.clone(), column);
            if word.chars().count() > 1 && (!word.is_ascii() || word.len() > 3) {
                known.within.push((word, column));
            }
        }
        known.exact.extend(called.exact.iter().map(|word| (folded(word), column)));
    }
    let rank = |(word, column): &(String, Option<Column>)| {
        // What is outside is a narrower word than any address.
        (*column == Some(Column::Outside), word.chars().count())
    };
    known.within.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.0.cmp(&b.0)));
    known
});

/// How surely a header names its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// A known word stands in it.
    Within,
    /// It is a known word.
    Exact,
}

/// The column that a header names; a column of `None` is one that is about nothing of ours. Several rows of a header
/// are given one after another.
pub(super) fn named(parts: &[&str]) -> Option<(Option<Column>, Certainty)> {
    let folded_parts: Vec<String> = parts.iter().map(|part| folded(part)).collect();
    let whole = folded_parts.concat();
    if whole.is_empty() {
        return None;
    }
    if let Some(column) = KNOWN.exact.get(&whole) {
        return Some((*column, Certainty::Exact));
    }
    let is_outside = KNOWN
        .within
        .iter()
        .find(|(word, _)| whole.contains(word.as_str()))
        .is_some_and(|(_, column)| *column == Some(Column::Outside));
    let bare = |part: &&str| {
        let open = part.find(['(', '[', '\n', ':']).unwrap_or(part.len());
        folded(part.get(..open).unwrap_or(part))
    };
    if let Some(last) = parts.last()
        && let Some(column) =
            KNOWN.exact.get(&bare(last)).or_else(|| KNOWN.exact.get(folded_parts.last()?))
    {
        // `WAN側` above `IPアドレス` says more than `IPアドレス` alone.
        let narrower = is_outside && *column == Some(Column::Address);
        return Some((if narrower { Some(Column::Outside) } else { *column }, Certainty::Exact));
    }
    if is_outside {
        return Some((Some(Column::Outside), Certainty::Within));
    }
    let within = |text: &str| {
        let longest = text.chars().count().saturating_sub(24);
        // A sentence is no header.
        if longest > 0 {
            None
        } else {
            KNOWN.within.iter().find(|(word, _)| text.contains(word.as_str()))
        }
    };
    let last = folded_parts.last().map(String::as_str).unwrap_or_default();
    let found = within(last).or_else(|| within(&whole))?;
    Some((found.1, Certainty::Within))
}

#[derive(Deserialize)]
struct Said {
    nothing: Vec<String>,
    again: Vec<String>,
    ends: Vec<String>,
    marks: Vec<String>,
    sheets: Vec<String>,
}

static SAID: LazyLock<Said> =
    LazyLock::new(|| toml::from_str(include_str!("said.toml")).expect("the list is read by tests"));

fn is_one_of(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a cell says that there is nothing, or nothing known.
pub(super) fn says_nothing(text: &str) -> bool {
    text.is_empty() || is_one_of(text, &SAID.nothing)
}

/// Whether a cell says that it is as the one above.
pub(super) fn says_again(text: &str) -> bool {
    is_one_of(text, &SAID.again)
}

/// Whether the only text of a row is a sum, the end, a note or the heading of a group.
pub(super) fn is_remark(text: &str) -> bool {
    is_end(text)
        || text.contains('。')
        || SAID.marks.iter().any(|mark| text.starts_with(mark.as_str()))
}

/// Whether a cell begins a row of sums, or the end.
pub(super) fn is_end(text: &str) -> bool {
    is_one_of(text, &SAID.ends)
}

/// Whether a sheet of this name is no register.
pub(super) fn is_aside(sheet: &str) -> bool {
    let name = folded(sheet);
    SAID.sheets.iter().any(|word| name.contains(&folded(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> Option<Column> {
        named(parts).and_then(|(column, _)| column)
    }

    #[test]
    fn headers_name_their_columns_however_they_are_typed() {
        for (header, column) in [
            ("機器名", Column::Name),
            ("ＩＰアドレス", Column::Address),
            ("IP アドレス（LAN側）", Column::Address),
            ("MACｱﾄﾞﾚｽ", Column::Mac),
            ("物理アドレス", Column::Mac),
            ("メーカー", Column::Vendor),
            ("メーカ名", Column::Vendor),
            ("S/N", Column::Serial),
            ("製造番号", Column::Serial),
            ("型式", Column::Model),
            ("OS", Column::Os),
            ("OSバージョン", Column::Version),
            ("ファームウェア版数", Column::Version),
            ("WAN IPアドレス", Column::Outside),
            ("グローバルＩＰ", Column::Outside),
            ("保守会社名", Column::Partner),
            ("ベンダー", Column::Partner),
            ("回線種別", Column::Line),
            ("回線番号", Column::LineNumber),
            ("通信事業者", Column::Carrier),
            ("管理責任者", Column::Manager),
            ("担当部署", Column::Department),
            ("保守期限", Column::SupportUntil),
            ("導入年月日", Column::Installed),
            ("棟", Column::Place),
            ("備考※", Column::Note),
            ("Host Name", Column::HostName),
            ("Serial No.", Column::Serial),
            ("VLAN ID", Column::Vlan),
            ("使用状況", Column::Status),
        ] {
            assert_eq!(of(&[header]), Some(column), "{header}");
        }
        assert_eq!(of(&["ネットワーク", "IPアドレス"]), Some(Column::Address));
        assert_eq!(of(&["WAN側", "IPアドレス"]), Some(Column::Outside));
        assert_eq!(of(&["保守", "連絡先"]), Some(Column::Contact));
    }

    #[test]
    fn what_is_about_nothing_of_ours_is_known_as_that() {
        assert_eq!(named(&["No."]), Some((None, Certainty::Exact)));
        assert_eq!(named(&["サブネットマスク"]), Some((None, Certainty::Exact)));
        assert_eq!(named(&["関所記念病院"]), None);
        assert_eq!(named(&[""]), None);
    }

    #[test]
    fn every_column_can_be_named_and_no_word_names_two() {
        for column in Column::ALL {
            assert!(KNOWN.exact.values().any(|known| *known == Some(column)), "{column:?}");
        }
        let file: Headers = toml::from_str(include_str!("headers.toml")).unwrap();
        let mut seen = BTreeMap::new();
        for (column, called) in &file.column {
            for word in called.words.iter().chain(&called.exact).map(|word| folded(word)) {
                let other = seen.insert(word.clone(), *column).filter(|other| other != column);
                assert_eq!(other, None, "`{word}` names {column:?} too");
            }
        }
    }

    #[test]
    fn remarks_and_sheets_beside_the_register_are_told_from_lines() {
        assert!(is_remark("※ 2026年4月現在") && is_remark("合計") && !is_remark("放射線科ルータ"));
        assert!(is_aside("表紙") && is_aside("記入例(1)") && !is_aside("機器一覧"));
        assert!(
            says_nothing("-")
                && says_nothing("なし")
                && !says_nothing("無線AP")
                && says_again("同上")
        );
    }
}
