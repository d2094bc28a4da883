//! XML as values: elements with attributes, written so that any reader takes them, whatever a device calls itself.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::cut;

/// How many columns of a terminal a text takes at most.
const LONGEST: usize = 2_000;

/// How many characters of these, where some take no column.
const MOST_CHARACTERS: usize = 4_000;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An element without anything in it.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// The same with an attribute.
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.attributes.push((name, value.as_ref().to_owned()));
        self
    }

    /// The same with a text.
    pub(super) fn text(self, text: String) -> Self {
        Self { text, ..self }
    }

    /// The same with another element at its end.
    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The same with more elements at its end.
    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Writes a document whose root it is.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        self.write_at(0, out)
    }

    fn write_at(&self, depth: usize, out: &mut dyn Write) -> io::Result<()> {
        let indent = "  ".repeat(depth);
        write!(out, "{indent}<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"{}\"", inert(value))?;
        }
        if self.text.is_empty() && self.children.is_empty() {
            return writeln!(out, "/>");
        }
        write!(out, ">")?;
        let lines: Vec<Cow<'_, str>> = self.text.lines().map(inert).collect();
        write!(out, "{}", lines.join("\n"))?;
        if !self.children.is_empty() {
            writeln!(out)?;
            self.children.iter().try_for_each(|child| child.write_at(depth + 1, out))?;
            write!(out, "{indent}")?;
        }
        writeln!(out, "</{}>", self.name)
    }
}

/// `text` cut, without what XML forbids, and with what it would read as its own written out.
fn inert(text: &str) -> Cow<'static, str> {
    let mut safe = String::with_capacity(text.len().min(MOST_CHARACTERS) + 16);
    for c in cut(text, LONGEST).chars().take(MOST_CHARACTERS) {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            c => safe.push(c),
        }
    }
    safe.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_hold_what_they_are_given_and_nothing_more() {
        let root = Element::new("a").with("b", "\"><c/>\n\u{fffe}\0").text("<x> & 'y'\nz".into());
        let root = root.child(Element::new("d"));
        let mut out = Vec::new();
        root.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"&quot;&gt;&lt;c/&gt;\\u{a}\\u{fffe}\\u{0}\">\
             &lt;x&gt; &amp; &apos;y&apos;\nz\n  <d/>\n</a>\n"
        );
    }
}
