//! One point, with every because as a sentence a person can read aloud.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::{
    Look, Words, assessed, cut, restricted,
    text::{mark, pad},
    words::moment,
    wrap,
};
use crate::{
    assess::{Answer, Assessment},
    correlate::Point,
    inventory::Sighting,
};

/// How much of one value is shown.
const LONGEST: usize = 400;

/// Writes everything about one point; there is no `assessment` where nothing is known of its product; `history` may be empty where no inventory was asked.
pub fn write_point(
    point: &Point,
    assessment: Option<&Assessment>,
    history: &[Sighting],
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let head = format!("{} {}  {}", mark(point.grade), cut(&point.id, 40), words.kind(point.kind));
    writeln!(out, "{}", look.graded(point.grade, &head))?;
    for line in wrap(words.get("kind_plain", point.kind.name()), look.columns.saturating_sub(2)) {
        writeln!(out, "  {}", look.faint(&line))?;
    }
    writeln!(out)?;

    let grade = words.get("grade_plain", point.grade.name());
    let rows = [
        ("grade", vec![words.grade(point.grade).to_owned(), grade.to_owned()]),
        ("confidence", vec![percent(point.confidence)]),
        ("direction", vec![words.direction(point.direction).to_owned()]),
        ("addresses", point.addresses.iter().map(ToString::to_string).collect()),
        ("macs", point.macs.iter().map(ToString::to_string).collect()),
        ("outside_addresses", point.outside.iter().map(ToString::to_string).collect()),
        ("lines", point.lines.iter().map(|line| words.line(line)).collect()),
        (
            "services",
            point
                .services
                .iter()
                .map(|service| restricted::service(service, point, words))
                .collect(),
        ),
        ("product", point.product.iter().map(ToString::to_string).collect()),
        ("names", point.names.iter().cloned().collect::<Vec<_>>()),
    ];
    let width = rows.iter().map(|(label, _)| words.get("label", label).width()).max();
    let width = width.unwrap_or_default();
    for (label, values) in rows {
        let label = pad(words.get("label", label), width);
        for (at, value) in values.iter().enumerate() {
            let label = if at == 0 { label.clone() } else { " ".repeat(width) };
            let lines = wrap(&cut(value, LONGEST), look.columns.saturating_sub(width + 4));
            for (at, line) in lines.iter().enumerate() {
                let label = if at == 0 { label.clone() } else { " ".repeat(width) };
                writeln!(out, "  {}  {line}", look.faint(&label))?;
            }
        }
    }

    if !point.sides.restriction.is_empty() {
        writeln!(out, "\n{}", look.strong(words.get("label", "restriction")))?;
        for one in &point.sides.restriction {
            let said = cut(&restricted::line(one, words), look.columns.saturating_sub(2));
            writeln!(out, "  {said}")?;
        }
        let note = words.get("restriction", "plain");
        for line in wrap(note, look.columns.saturating_sub(2)) {
            writeln!(out, "  {}", look.faint(&line))?;
        }
    }

    writeln!(out, "\n{}", look.strong(words.get("label", "because")))?;
    let colon = words.get("language", "colon");
    for (number, because) in (1..).zip(&point.because) {
        let sentence = cut(&words.because(because), LONGEST);
        for (at, line) in wrap(&sentence, look.columns.saturating_sub(5)).iter().enumerate() {
            let number = if at == 0 { format!("{number:>2}.") } else { "   ".into() };
            writeln!(out, " {number} {line}")?;
        }
        let packet = cut(&words.packet(&because.observation), LONGEST);
        let read = cut(&because.field, 80);
        let proof = format!(
            "{}{colon}{packet}{}{}{colon}{read}",
            words.get("sentence", "proof"),
            words.get("language", "comma"),
            words.get("sentence", "read"),
        );
        for line in wrap(&proof, look.columns.saturating_sub(5)) {
            writeln!(out, "     {}", look.faint(&line))?;
        }
    }

    if let Some(assessment) = assessment {
        write_assessment(assessment, words, look, out)?;
    }

    if !history.is_empty() {
        writeln!(out, "\n{}", look.strong(words.get("label", "history")))?;
        for seen in history {
            let line = format!(
                "  {}  {}  {}",
                moment(seen.began),
                seen.run,
                words.grade(seen.point.grade)
            );
            writeln!(out, "{}", cut(&line, look.columns))?;
        }
    }
    Ok(())
}

/// Writes what a version means.
pub fn write_assessment(
    assessment: &Assessment,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let told = assessed::told(assessment, words);
    let room = look.columns.saturating_sub(5);
    writeln!(out, "\n{}", look.strong(words.get("label", "exploited")))?;
    let answer = words.get("answer", Answer::Affected.name());
    for (id, known) in &told.affected {
        writeln!(out, "  {}", look.strong(&cut(&format!("! {id}  {answer}"), room)))?;
        for line in wrap(&cut(known, LONGEST), room) {
            writeln!(out, "     {}", look.faint(&line))?;
        }
    }
    for ask in &told.asks {
        for (at, line) in wrap(&ask.answer, room).iter().enumerate() {
            writeln!(out, "  {} {line}", if at == 0 { "?" } else { " " })?;
        }
        for line in wrap(&ask.plain, room).iter().chain(&wrap(&cut(&ask.about, LONGEST), room)) {
            writeln!(out, "     {}", look.faint(line))?;
        }
    }
    for line in told.not_in_range.iter().flat_map(|said| wrap(said, room)) {
        writeln!(out, "    {line}")?;
    }
    writeln!(out, "\n{}", look.strong(words.get("label", "support")))?;
    for said in &told.support {
        for line in wrap(&cut(said, LONGEST), room) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

/// A confidence as people say it. Nothing is ever entirely certain.
pub(super) fn percent(confidence: f64) -> String {
    if confidence > 0.99 { "> 99 %".into() } else { format!("{:.0} %", confidence * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_between_japanese_characters() {
        assert_eq!(
            wrap("It announced itself as one of a pair", 20),
            ["It announced itself", "as one of a pair"]
        );
        assert_eq!(
            wrap("外からのVPN接続を待ち受ける。機器です", 20),
            ["外からのVPN接続を待", "ち受ける。機器です"]
        );
        assert_eq!(wrap("", 20), [""]);
        assert_eq!(wrap(&"x".repeat(50), 20).len(), 3);
    }

    #[test]
    fn nothing_is_entirely_certain() {
        assert_eq!([1.0, 0.953, 0.0].map(percent), ["> 99 %", "95 %", "0 %"]);
    }
}
