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
