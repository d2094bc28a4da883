//! How wide a text is, as far as that can be told without its font: never less than it is.

use unicode_width::UnicodeWidthChar as _;

use crate::report::cut;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Proportional.
    Plain,
    /// The same, heavy.
    Bold,
    /// Every letter as wide as the others.
    Mono,
}

/// How wide `text` is at most, in thousandths of its size.
fn thousandths(text: &str, face: Face) -> i32 {
    let wide = |c: char| match (c.width().unwrap_or_default(), face) {
        (0, _) => 0,
        (1, Face::Mono) => 612,
        (1, _) => match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 330,
            ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 420,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' | '→' => 1000,
            'A'..='Z' => 740,
            c if c.is_ascii() => 620,
            _ => 1000,
        },
        _ => 1000,
    };
    let sum: i32 = text.chars().map(wide).sum();
    if face == Face::Bold { sum + sum / 20 } else { sum }
}

/// How wide `text` is at most, in units of the drawing, at `size` units.
pub(super) fn width(text: &str, size: i32, face: Face) -> i32 {
    (thousandths(text, face) * size + 999) / 1000
}

/// `text` made visible and cut to what fits into `room` units at `size`.
pub(super) fn fit(text: &str, size: i32, face: Face, room: i32) -> String {
    if room < size {
        return String::new();
    }
    // A column of a terminal is at least a third of the size.
    let columns = usize::try_from(room * 3 / size).unwrap_or_default();
    let whole = cut(text, columns);
    if width(&whole, size, face) <= room {
        return whole;
    }
    let mut kept = String::new();
    let room = room - width("…", size, face);
    for c in whole.chars() {
        kept.push(c);
        if width(&kept, size, face) > room {
            kept.pop();
            break;
        }
    }
    let end = kept.trim_end().len();
    kept.truncate(end);
    // A letter or two tell nothing.
    if kept.chars().count() < 3 {
        return String::new();
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits_and_what_fits_is_whole() {
        assert_eq!(fit("VPN装置（待受）", 13, Face::Bold, 120), "VPN装置（待受）");
        for text in ["関所記念病院 放射線科", "WWWWWWWWWWWWWWWWW", "203.0.113.9", &"x".repeat(9999)]
        {
            for room in [12, 30, 64, 90] {
                let kept = fit(text, 12, Face::Plain, room);
                assert!(width(&kept, 12, Face::Plain) <= room, "{kept} in {room}");
            }
        }
        assert_eq!(fit("関所", 12, Face::Plain, 5), "");
    }
}
