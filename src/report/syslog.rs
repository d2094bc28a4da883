//! A line for the log of a machine for each change (RFC 5424), in English whatever the language of reports is.

use super::{News, Report, cut};
use crate::{inventory::Change, time::Timestamp};

/// How many changes have a line of their own.
const MOST_LINES: usize = 500;

/// How many columns of a name a line has.
const LONGEST: usize = 120;

/// `daemon`.
const FACILITY: u8 = 3;

/// The lines for what is new, as the program with number `process` writes them at `now`.
pub fn syslog_lines(news: &News, report: &Report<'_>, now: Timestamp, process: u32) -> Vec<String> {
    let run = report.run;
    let facility = quoted(run.facility.as_deref().unwrap_or_default());
    let line = |severity: u8, name: &str, said: &str| {
        let priority = FACILITY * 8 + severity;
        let (at, run) = (moment(now), quoted(&run.id));
        format!(
            "<{priority}>1 {at} - sekisho {process} {name} - {said} run={run} facility={facility}"
        )
    };
    let mut lines: Vec<String> = news
        .changes
        .iter()
        .take(MOST_LINES)
        .map(|change| {
            // Warning for a way out that is new, or should not be there; notice for the rest.
            let grave = matches!(change, Change::Appeared { .. } | Change::SeenAgain { .. });
            let severity = if grave { 4 } else { 5 };
            let said = match change {
                Change::Appeared { .. } => "new connection point",
                Change::Changed { .. } => "connection point changed",
                Change::SeenAgain { .. } => {
                    "connection point seen again after it was decided about"
                }
                Change::NotSeen { .. } => "connection point not seen",
            };
            let said =
                format!("{said}: point={} kind={}", quoted(change.id()), change.kind().name());
            line(severity, change.name(), &said)
        })
        .collect();
    if news.changes.len() > MOST_LINES {
        let more = news.changes.len() - MOST_LINES;
        lines.push(line(4, "more", &format!("{more} more changes; the report has them")));
    }
    lines
}

/// A moment with as many decimals as the format allows.
fn moment(at: Timestamp) -> String {
    let at = Timestamp::from_nanoseconds(at.nanoseconds() / 1_000_000 * 1_000_000);
    at.to_string()
}

/// A value in quotation marks, without anything that ends them.
fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text, LONGEST).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::Meaning,
        correlate::Kind,
        inventory::{Memory, Run},
        report::{Language, Words},
    };

    #[test]
    fn a_change_is_a_line_that_nothing_heard_can_break() {
        let clinic = std::fs::read_to_string("fixtures/reports/clinic/run.json").unwrap();
        let clinic: Run = serde_json::from_str(&clinic).unwrap();
        let facility = Some("関所\"\n<0>1 evil".into());
        let run = Run { id: "r1".into(), facility, ..clinic };
        let changes = vec![
            Change::Appeared { id: "p1\u{1b}[2J\"".into(), kind: Kind::VpnGateway },
            Change::NotSeen {
                id: "p2".into(),
                kind: Kind::MobileRouter,
                last_seen: "r0".into(),
                again: false,
            },
            Change::NotSeen {
                id: "p3".into(),
                kind: Kind::MobileRouter,
                last_seen: "r0".into(),
                again: true,
            },
        ];
        let (meaning, memory) = (Meaning::default(), Memory::default());
        let words = Words::of(Language::Japanese);
        let report = Report {
            run: &run,
            changes: Some(&changes),
            asked: None,
            meaning: &meaning,
            memory: &memory,
            words,
        };
        let lines =
            syslog_lines(&News::of(&report), &report, Timestamp::new(1_700_000_000, 5_000_007), 42);
        let facility = r#"facility="関所\"\\u{a}<0>1 evil""#;
        let wanted = [
            format!(
                r#"<28>1 2023-11-14T22:13:20.005Z - sekisho 42 appeared - new connection point: point="p1\\u{{1b}}[2J\"" kind=vpn_gateway run="r1" {facility}"#
            ),
            format!(
                r#"<29>1 2023-11-14T22:13:20.005Z - sekisho 42 not_seen - connection point not seen: point="p2" kind=mobile_router run="r1" {facility}"#
            ),
        ];
        assert_eq!(lines, wanted);
    }
}
