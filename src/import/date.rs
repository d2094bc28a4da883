//! Days as people write them, in the calendar of the Common Era or of an emperor.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::tidy::tidy;

/// The eras: how they are written, and the year before their first.
const ERAS: [(&[&str], i16); 5] = [
    (&["令和", "R", "r"], 2018),
    (&["平成", "H", "h"], 1988),
    (&["昭和", "S", "s"], 1925),
    (&["大正", "T", "t"], 1911),
    (&["明治", "M", "m"], 1867),
];

/// The days that a spreadsheet may mean by a plain number in a column of days: 1954 to 2119.
const SERIALS: std::ops::RangeInclusive<i32> = 20_000..=80_000;

/// A year of an era or of the Common Era, then perhaps a month, a day, a day of the week and an hour.
static WRITTEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?<era>令和|平成|昭和|大正|明治|[RHSTMrhstm])?\s?\.?(?<year>元|\d{1,4})(?:\s?(?:年度?|[./-])(?:\s?(?<month>\d{1,2})(?:\s?(?:月|[./-])(?:\s?(?<day>\d{1,2})\s?日?)?)?)?)?(?:\s?\([日月火水木金土]\)|[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)*$",
    )
    .expect("the pattern is well-formed")
});

/// A day as `2026-08-07`, a month as `2026-08`, a year as `2018`; none for what is no date, or lacks its year.
pub fn date(text: &str) -> Option<String> {
    let text = tidy(text);
    if let Some(whole) = compact(&text) {
        return Some(whole);
    }
    let found = WRITTEN.captures(&text)?;
    let number =
        |name: &str| found.name(name).and_then(|digits| digits.as_str().parse::<i16>().ok());
    let era = found.name("era").map(|era| era.as_str());
    let year = match (era, found.name("year")?.as_str()) {
        (Some(era), year) => {
            let (_, before) = ERAS.into_iter().find(|(names, _)| names.contains(&era))?;
            let year = if year == "元" { 1 } else { year.parse::<i16>().ok()? };
            (1..=99).contains(&year).then_some(before + year)?
        }
        (None, year) if year.len() == 4 => year.parse().ok()?,
        // `26/8/7` may be of any calendar.
        (None, _) => return None,
    };
    // A bare number is no year, and neither is a letter with a number: `S100` is a model.
    let says_year = text.contains('年') || found.name("month").is_some();
    if !says_year || !(1868..=2999).contains(&year) {
        return None;
    }
    let month = match (found.name("month"), number("month")) {
        (None, _) => return Some(format!("{year:04}")),
        (Some(_), Some(month @ 1..=12)) => month,
        (Some(_), _) => return None,
    };
    match (found.name("day"), number("day")) {
        // `H30.4` alone is a version as well as a month.
        (None, _) if era.is_some() && !text.contains('年') => None,
        (None, _) => Some(format!("{year:04}-{month:02}")),
        (Some(_), day) => written(year, month, day?),
    }
}

/// A day as [`date`] reads it, and the number that a spreadsheet keeps for it.
pub fn date_or_serial(text: &str) -> Option<String> {
    date(text).or_else(|| {
        let serial: i32 = tidy(text).parse().ok()?;
        SERIALS.contains(&serial).then(|| of_serial(serial)).flatten()
    })
}

/// The day that a spreadsheet counts as `serial` days after 1899-12-30.
fn of_serial(serial: i32) -> Option<String> {
    let first = Date::new(1899, 12, 30).ok()?;
    let day = first.checked_add(jiff::Span::new().try_days(serial).ok()?).ok()?;
    Some(day.to_string())
}

/// `20260807`.
fn compact(text: &str) -> Option<String> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from, to| text.get(from..to)?.parse::<i16>().ok();
    let year = part(0, 4).filter(|year| (1950..=2100).contains(year))?;
    written(year, part(4, 6)?, part(6, 8)?)
}

fn written(year: i16, month: i16, day: i16) -> Option<String> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day).ok().map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_of_every_calendar_are_one_day() {
        for text in [
            "令和8年8月7日",
            "R8.8.7",
            "Ｒ８．８．７",
            "R8/8/7",
            "2026/8/7",
            "2026-08-07",
            "2026年8月7日(金)",
            "20260807",
            "2026/08/07 0:00:00",
            "令和 8 年 8 月 7 日",
        ] {
            assert_eq!(date(text).as_deref(), Some("2026-08-07"), "{text}");
        }
        assert_eq!(date("H30/4/1").as_deref(), Some("2018-04-01"));
        assert_eq!(date("平成30年").as_deref(), Some("2018"));
        assert_eq!(date("令和元年5月").as_deref(), Some("2019-05"));
        assert_eq!(date("昭和64年1月7日").as_deref(), Some("1989-01-07"));
        assert_eq!(date("2026年度").as_deref(), Some("2026"));
    }

    #[test]
    fn what_lacks_its_year_or_is_no_day_stays_as_it_is() {
        for text in [
            "8月7日",
            "26/8/7",
            "2026/13/1",
            "2026/2/30",
            "S100",
            "7.2.5",
            "H30.4",
            "9.1",
            "2026",
            "未定",
            "2026年3月末",
            "192.168.1.1",
            "",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_plain_number_is_a_day_only_where_days_are_expected() {
        assert_eq!(date("46241"), None);
        assert_eq!(date_or_serial("46241").as_deref(), Some("2026-08-07"));
        assert_eq!(date_or_serial("12"), None);
        assert_eq!(date_or_serial("99999999999"), None);
    }

    proptest! {
        #[test]
        fn a_day_reads_as_itself(year in 1950i16..2100, month in 1i8..=12, day in 1i8..=28) {
            let plain = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(date(&plain), Some(plain.clone()));
            prop_assert_eq!(date(&format!("{year}年{month}月{day}日")), Some(plain));
        }

        #[test]
        fn nothing_is_read_that_is_no_day(text in "\\PC{0,24}|[RHS令和平成年月日0-9./ -]{0,16}") {
            if let Some(day) = date_or_serial(&text) {
                let parts: Vec<&str> = day.split('-').collect();
                prop_assert!((1..=3).contains(&parts.len()) && parts[0].len() == 4, "{}", day);
            }
        }
    }
}
