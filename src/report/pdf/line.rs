//! Lines: where a text may be broken, and how wide it is.

use std::fmt::Write as _;

use crate::report::cut;

/// How many columns of one text are put on paper.
const LONGEST: usize = 4000;

/// How wide characters are.
pub(super) trait Metric {
    /// How wide a character is, in parts of the size; none where there is no picture of it.
    fn width(&self, letter: char, bold: bool) -> Option<f32>;
}

/// `text` as it can be put on paper: commands, and what there is no picture of, are written out as `U+1F980`.
pub(super) fn drawable(text: &str, metric: &impl Metric) -> String {
    let text = cut(text, LONGEST);
    let mut drawn = String::with_capacity(text.len());
    for letter in text.chars() {
        if metric.width(letter, false).is_some() {
            drawn.push(letter);
        } else {
            let _ = write!(drawn, "U+{:04X}", u32::from(letter));
        }
    }
    drawn
}

/// How wide `text` is, in parts of the size.
pub(super) fn width(text: &str, bold: bool, metric: &impl Metric) -> f32 {
    text.chars().filter_map(|letter| metric.width(letter, bold)).sum()
}

/// `text` in lines of at most `room`, in parts of the size. Japanese is broken anywhere but before closing and after
/// opening marks, other words between words, and a word that is wider than a line wherever it has to be.
pub(super) fn lines(text: &str, bold: bool, room: f32, metric: &impl Metric) -> Vec<String> {
    let room = room.max(4.0);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0.0;
    for word in words(text) {
        let whole = width(word, bold, metric);
        if used + width(word.trim_end(), bold, metric) <= room {
            line.push_str(word);
            used += whole;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0.0;
        }
        for letter in word.chars() {
            let wide = metric.width(letter, bold).unwrap_or_default();
            if used + wide > room && !line.is_empty() && letter != ' ' {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(letter);
            used += wide;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The parts of `text` that are not broken, with the spaces behind them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut letters = text.char_indices().peekable();
    let mut begin = 0;
    std::iter::from_fn(move || {
        while let Some((_, letter)) = letters.next() {
            let Some(&(next, following)) = letters.peek() else { break };
            if may_break(letter, following) {
                let word = text.get(begin..next);
                begin = next;
                return word;
            }
        }
        let rest = text.get(begin..).filter(|rest| !rest.is_empty());
        begin = text.len();
        rest
    })
}

/// Whether a line may end between two characters (JIS X 4051, its rules for the beginning and the end of a line).
fn may_break(before: char, after: char) -> bool {
    if after == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    (is_ideographic(before) || is_ideographic(after)) && !is_closing(after) && !is_opening(before)
}

/// Whether a character stands alone rather than in a word.
const fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}' | '→' | '…' | '―')
}

/// Whether no line begins with it.
const fn is_closing(c: char) -> bool {
    matches!(
        c,
        '。' | '、'
            | '，'
            | '．'
            | '）'
            | '」'
            | '』'
            | '】'
            | '〕'
            | '〉'
            | '》'
            | '］'
            | '｝'
            | '：'
            | '；'
            | '？'
            | '！'
            | '・'
            | 'ー'
            | '〜'
            | '～'
            | '…'
            | '％'
            | '々'
            | 'ゝ'
            | 'ゞ'
            | 'ヽ'
            | 'ヾ'
            | ','
            | '.'
            | ')'
            | ']'
            | '}'
            | ':'
            | ';'
            | '?'
            | '!'
            | '%'
            | '”'
            | '’'
            | 'ぁ'
            | 'ぃ'
            | 'ぅ'
            | 'ぇ'
            | 'ぉ'
            | 'っ'
            | 'ゃ'
            | 'ゅ'
            | 'ょ'
            | 'ゎ'
            | 'ァ'
            | 'ィ'
            | 'ゥ'
            | 'ェ'
            | 'ォ'
            | 'ッ'
            | 'ャ'
            | 'ュ'
            | 'ョ'
            | 'ヮ'
            | 'ヵ'
            | 'ヶ'
    )
}

/// Whether no line ends with it.
const fn is_opening(c: char) -> bool {
    matches!(
        c,
        '（' | '「'
            | '『'
            | '【'
            | '〔'
            | '〈'
            | '《'
            | '［'
            | '｛'
            | '('
            | '['
            | '{'
            | '“'
            | '‘'
            | '￥'
            | '＄'
    )
}

/// Invented widths: a full-width character takes all of its size, any other half; there is no picture of crabs.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Invented;

#[cfg(test)]
impl Metric for Invented {
    fn width(&self, letter: char, bold: bool) -> Option<f32> {
        let wide = if is_ideographic(letter) { 1.0 } else { 0.5 };
        (letter != '🦀').then_some(if bold { wide * 1.1 } else { wide })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, room: f32) -> Vec<String> {
        lines(text, false, room, &Invented)
    }

    #[test]
    fn no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() {
        let text = "「外部接続点」（関所）は、病院のネットワークが外と接する、一つの機器です。「ルータ」、「ゲートウェイ」ーなど。";
        for room in 4..30_u8 {
            for line in broken(text, f32::from(room)) {
                assert!(!line.starts_with(is_closing), "{room}: {line}");
                assert!(!line.ends_with(is_opening), "{room}: {line}");
                assert!(width(&line, false, &Invented) <= f32::from(room), "{room}: {line}");
            }
            assert_eq!(broken(text, f32::from(room)).concat(), text);
        }
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(broken("every road leaves here", 6.0), ["every road", "leaves here"]);
        assert_eq!(
            broken("IKEv2 に応答する IPsec ゲートウェイ", 6.0),
            ["IKEv2 に応", "答する", "IPsec ゲー", "トウェイ"]
        );
        assert_eq!(broken("", 6.0), [""]);
    }

    #[test]
    fn a_word_that_is_wider_than_a_line_is_broken_all_the_same() {
        let long = "x".repeat(100);
        let lines = broken(&long, 10.0);
        assert_eq!(lines.concat(), long);
        assert!(lines.iter().all(|line| line.len() <= 20), "{lines:?}");
    }

    #[test]
    fn what_there_is_no_picture_of_is_written_out() {
        assert_eq!(drawable("関所🦀", &Invented), "関所U+1F980");
        assert_eq!(drawable("a\u{202e}b\n", &Invented), "a\\u{202e}b\\u{a}");
        assert!(drawable(&"関".repeat(1 << 20), &Invented).chars().count() <= LONGEST);
    }
}
