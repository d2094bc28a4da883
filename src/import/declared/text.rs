//! What people type, as it is kept: in half width, on one line, days as `2026-08-07`.

use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

/// `text` in half width where that exists, on one line, without space around it or twice in it. What stands for nothing,
/// such as a dash, is empty.
pub fn tidy(text: &str) -> String {
    let normal = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let mut kept = String::with_capacity(normal.len());
    for word in normal.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(word);
        }
    }
    let nothing = ["-", "--", "―", "—", "ー", "–", "n/a", "N/A", "該当なし"];
    if nothing.contains(&kept.as_str()) { String::new() } else { kept }
}

/// A name of a field or a choice, as it is compared: without case, space, marks, and what stands in brackets behind it.
pub fn bare(text: &str) -> String {
    let tidy = tidy(text).to_lowercase();
    let head = tidy.split(['(', '【', '[']).next().filter(|head| !head.trim().is_empty());
    let kept = |c: &char| c.is_alphanumeric() || *c == '/';
    head.unwrap_or(&tidy).chars().filter(kept).collect()
}

/// The years before the first of each era.
const ERAS: [(&str, &str, i32); 5] = [
    ("令和", "r", 2018),
    ("平成", "h", 1988),
    ("昭和", "s", 1925),
    ("大正", "t", 1911),
    ("明治", "m", 1867),
];

static DAY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(令和|平成|昭和|大正|明治|[RHSTMrhstm])?\.?\s*(\d{1,4}|元)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?(?:[\sT(].*)?$";
    Regex::new(pattern).expect("a pattern of ours")
});

/// A day as people write it, as `2026-08-07`; none where it is no day. Reads `2026/8/7`, `2026年8月7日`, `令和8年8月7日`,
/// `R8.8.7`.
pub fn day(text: &str) -> Option<String> {
    let parts = DAY.captures(text)?;
    let number = |at: usize| parts.get(at).and_then(|part| part.as_str().parse::<i32>().ok());
    let year = if parts.get(2)?.as_str() == "元" { 1 } else { number(2)? };
    let era = parts.get(1).map(|era| era.as_str().to_lowercase());
    let year = match era {
        Some(era) => ERAS.iter().find(|(long, short, _)| era == *long || era == *short)?.2 + year,
        None if year < 1000 => return None,
        None => year,
    };
    let day = format!("{year:04}-{:02}-{:02}", number(3)?, number(4)?);
    day.parse::<crate::time::Day>().ok().map(|day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_kept_in_half_width_on_one_line() {
        assert_eq!(tidy("　０３−１２３４　\r\n ＩＳＤＮ\t回線 "), "03−1234 ISDN 回線");
        assert_eq!(tidy("ｶﾅﾓｼﾞ"), "カナモジ");
        for nothing in ["", "  ", "－", "ー", "N/A", "該当なし"] {
            assert_eq!(tidy(nothing), "", "{nothing}");
        }
    }

    #[test]
    fn a_name_of_a_field_is_known_however_it_is_decorated() {
        for written in
            ["回線番号", " 回線　番号 ", "回線番号（電話番号など）", "＊回線番号", "回線番号："]
        {
            assert_eq!(bare(written), "回線番号", "{written}");
        }
        assert_eq!(bare("Line_Number"), "linenumber");
        assert_eq!(bare("MDS/SDS"), "mds/sds");
        assert_eq!(bare("(any)"), "any");
    }

    #[test]
    fn days_are_read_in_every_calendar_of_the_office() {
        for text in [
            "2026-08-07",
            "2026/8/7",
            "2026.8.7",
            "2026年8月7日",
            "令和8年8月7日",
            "R8.8.7",
            "r8/8/7",
            "2026-08-07 00:00:00",
        ] {
            assert_eq!(day(text).as_deref(), Some("2026-08-07"), "{text}");
        }
        assert_eq!(day("令和元年5月1日").as_deref(), Some("2019-05-01"));
        assert_eq!(day("H31.4.30").as_deref(), Some("2019-04-30"));
        for text in ["", "来月", "8/7", "26/8/7", "2026-13-01", "2026年2月30日", "X8.8.7"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
