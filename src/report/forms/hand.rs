//! Forms as TOML, to be filled in with an editor.

use std::fmt::Write as _;

use super::{Asked, Form, Question};
use crate::report::{Words, visible};

/// How many blank lines there are to fill in.
const BLANK: usize = 2;

/// Writes a form.
pub(super) fn write(form: &Form, words: &Words) -> String {
    let mut out = String::new();
    let key = form.key();
    let mut say = |text: &str| {
        let _ = writeln!(out, "# {}", visible(text));
    };
    say(words.get("form", &format!("{key}_title")));
    for how in ["how_1", "how_2", "how_3"] {
        say(words.get("form", &format!("{key}_{how}")));
    }
    say(words.get("form", "secrets"));
    say(words.get("form", "hand"));
    say(&format!("{}: {} ({})", words.get("form", "run"), form.run, form.period));
    let _ = writeln!(out, "\nfacility = {}", text(form.facility.as_deref().unwrap_or_default()));
    for question in form.head() {
        answer(&mut out, question, form.told(question.column).unwrap_or_default(), words);
    }
    let blank: Vec<Asked> = (0..BLANK).map(|_| Asked::default()).collect();
    for asked in form.asked.iter().chain(&blank) {
        let _ = writeln!(out, "\n[[line]]");
        let found: Vec<&str> =
            asked.found.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        if !found.is_empty() {
            let found = found.join(words.get("language", "comma"));
            let _ = writeln!(out, "# {}", visible(&found));
        }
        if let Some(point) = &asked.point {
            let _ = writeln!(out, "point = {}", text(point));
        }
        for question in form.questions() {
            let known = asked.answers.get(&question.column);
            answer(&mut out, question, known.map(String::as_str).unwrap_or_default(), words);
        }
    }
    out
}

/// Writes a key with what is known of it, and what is asked.
fn answer(out: &mut String, question: &Question, known: &str, words: &Words) {
    let key = question.column.name();
    let choices: Vec<&str> =
        question.choices.iter().map(|choice| words.get("form_choice", choice)).collect();
    let hint = words.get("form_hint", key);
    let label = words.get("form_field", key);
    let asks: Vec<String> = [label.to_owned(), hint.to_owned(), choices.join(" | ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let line = format!("{key} = {}", text(known));
    let _ = writeln!(out, "{line:<28}  # {}", asks.join(words.get("language", "colon")));
}

/// A text as TOML writes it.
fn text(text: &str) -> String {
    toml::Value::String(visible(text).into_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Column;

    #[test]
    fn no_text_ends_its_quotes() {
        for hostile in ["\"\"\" = 1", "a\nb = 2", "'''", "\\", "\u{202e}"] {
            let written = format!("x = {}", text(hostile));
            let read: toml::Table = toml::from_str(&written).unwrap();
            assert_eq!(read.len(), 1, "{written}");
            assert_eq!(written.lines().count(), 1, "{written}");
        }
    }

    #[test]
    fn a_point_is_no_question() {
        let form = crate::report::forms::HEARING;
        let asks =
            |column| form.iter().any(|(_, questions)| questions.iter().any(|q| q.column == column));
        assert!(!asks(Column::Point) && asks(Column::Name));
    }
}
