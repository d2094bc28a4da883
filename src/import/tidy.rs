//! Text as people type it, in one spelling: half width where that exists, one sort of dash and of space.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What ends a line of a cell.
const BREAKS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// The text of a cell: compatibility forms resolved (`１` is `1`, `ｱ` is `ア`, `㈱` is `(株)`), every dash `-`, every
/// space one blank, lines apart by `\n`, nothing around it, and no characters that move or hide text.
pub fn tidy(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let seen: String = text.chars().filter(|c| BREAKS.contains(c) || !is_invisible(*c)).collect();
    let normal = ComposingNormalizerBorrowed::new_nfkc().normalize(&seen);
    let mut lines = Vec::new();
    for line in normal.split(BREAKS) {
        let line = tidy_line(line);
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn tidy_line(line: &str) -> String {
    let mut tidied = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let c = match c {
            c if c.is_whitespace() => ' ',
            '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
            // A long vowel between digits or Latin letters is a dash of somebody who did not switch the keyboard.
            'ー' if tidied.ends_with(|c: char| c.is_ascii_alphanumeric())
                && characters.peek().is_some_and(char::is_ascii_alphanumeric) =>
            {
                '-'
            }
            '\u{301c}' | '\u{223c}' => '~',
            c => c,
        };
        if c != ' ' || !(tidied.is_empty() || tidied.ends_with(' ')) {
            tidied.push(c);
        }
    }
    tidied.truncate(tidied.trim_end().len());
    tidied
}

/// Whether a character shows nothing, or turns what follows.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What is left of a text when only letters and digits count: in small letters, without marks, spaces and long vowels,
/// so that `ルーター`, `ルータ` and `ﾙｰﾀｰ` are one word, and `FG-60F` and `fg60f` too.
pub fn folded(text: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() && *c != 'ー';
    tidy(text).chars().filter(kept).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_is_left_of_many() {
        assert_eq!(tidy("　１９２．１６８．１．１　"), "192.168.1.1");
        assert_eq!(tidy("ﾙｰﾀｰ（本館）"), "ルーター(本館)");
        assert_eq!(tidy("㈱関所　製作所"), "(株)関所 製作所");
        assert_eq!(tidy("AB－１２‐3—4ー5"), "AB-12-3-4-5");
        assert_eq!(tidy("ルーター"), "ルーター");
        assert_eq!(tidy(" a \r\n\r\n b\u{200b}\u{202e} "), "a\nb");
        assert_eq!(tidy("10〜20～30"), "10~20~30");
        assert_eq!(tidy("\u{1b}[31mx\t y"), "[31mx y");
    }

    #[test]
    fn a_folded_text_is_letters_and_digits() {
        assert_eq!(folded("ＩＰ アドレス（LAN）"), "ipアドレスlan");
        assert_eq!(folded("ルーター"), folded("ﾙｰﾀ"));
        assert_eq!(folded("FG-60F"), "fg60f");
        assert_eq!(folded("※・"), "");
    }

    proptest! {
        #[test]
        fn tidied_text_stays_as_it_is(text in "\\PC{0,40}|[ -~０-９ｱ-ﾝー㈱\u{200b}\n\t]{0,40}") {
            let once = tidy(&text);
            prop_assert_eq!(tidy(&once), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
