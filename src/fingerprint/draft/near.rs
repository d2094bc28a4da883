//! Near misses that are nearly the example: one letter else, or the same words in another sentence.

use regex::Regex;

use super::shape::Shape;
use crate::observe::Mac;

/// Near misses of a text, those that are none of its own.
pub(super) fn of_text(shape: &Shape) -> Vec<String> {
    let Ok(pattern) = Regex::new(&shape.pattern) else { return Vec::new() };
    let misspelt = shape.telling.as_ref().and_then(|word| {
        let at = shape.example.find(word.as_str())?;
        let (before, after) = shape.example.split_at(at);
        Some(format!("{before}{}{}", misspelt(word), after.get(word.len()..)?))
    });
    let (before, after) = (format!("About {}", shape.example), format!("{} manual", shape.example));
    let mut near: Vec<String> = misspelt.into_iter().chain([before, after]).collect();
    near.retain(|value| !pattern.is_match(value));
    near.truncate(2);
    near
}

/// A word with another letter in its middle.
fn misspelt(word: &str) -> String {
    let middle = word.chars().count() / 2;
    let other = |c: char| match c {
        'z' => 'y',
        'Z' => 'Y',
        'a'..='y' | 'A'..='Y' => char::from_u32(u32::from(c) + 1).unwrap_or('x'),
        '一' => '二',
        _ => '一',
    };
    word.chars().enumerate().map(|(at, c)| if at == middle { other(c) } else { c }).collect()
}

/// Near misses of a digest or a number: its last digit is another, and it goes on.
pub(super) fn of_digits(value: &str) -> Vec<String> {
    vec![last_changed(value), format!("{value}0")]
}

/// Near misses of an object identifier: its neighbour, and what stands above it.
pub(super) fn of_object(oid: &str) -> Vec<String> {
    let above = oid.rsplit_once('.').map_or(oid, |(above, _)| above);
    vec![format!("{oid}0"), above.to_owned()]
}

/// A near miss of a maker's first half: the next one.
pub(super) fn of_maker(mac: Mac) -> Vec<String> {
    let [a, b, c, ..] = mac.0;
    vec![format!("{a:02x}:{b:02x}:{:02x}:00:00:00", c ^ 1)]
}

fn last_changed(value: &str) -> String {
    let mut changed = value.to_owned();
    let last = changed.pop();
    changed.push(if last == Some('0') { '1' } else { '0' });
    changed
}
