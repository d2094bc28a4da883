//! XML as far as lists of rules need it: elements, attributes and text, within bounds, and no entities of its own.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{Error, File, reading::composed, text_of};

/// How deep elements may be nested.
const DEEPEST_ELEMENT: usize = 8;

/// How many attributes an element may have.
const MOST_ATTRIBUTES: usize = 64;

/// How long an attribute may be, in bytes as it is written.
const LONGEST_ATTRIBUTE: usize = 64 << 10;

/// How long the text of an element may be, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

/// What an XML file says, piece by piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An element begins, with its attributes; nothing else stands in them than text.
    Begins(String, Vec<(String, String)>),
    /// The innermost element ends, with the text that stood directly in it.
    Ends(String, String),
}

/// Reads XML.
pub(super) struct Xml<'f> {
    file: &'f File,
    text: &'f str,
    reader: Reader<&'f [u8]>,
    /// The text of every open element.
    open: Vec<String>,
    /// Up to where lines were counted, and the line there.
    counted: (usize, usize),
    /// The line of the last piece, from 1.
    pub line: usize,
}

impl<'f> Xml<'f> {
    /// Begins to read a file.
    pub(super) fn new(file: &'f File) -> Result<Self, Error> {
        let text = text_of(file)?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { file, text, reader, open: Vec::new(), counted: (0, 1), line: 1 })
    }

    /// The next piece; nothing at the end, when every element has ended.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Error> {
        loop {
            let begins = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            self.line = self.line_at(begins);
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let at = usize::try_from(self.reader.error_position()).unwrap_or(begins);
                    self.line = self.line_at(at.max(begins));
                    return Err(self.wrong(format!("is no XML ({error})")));
                }
            };
            match event {
                Event::Start(element) => {
                    if self.open.len() >= DEEPEST_ELEMENT {
                        let deep = format!("nests elements deeper than {DEEPEST_ELEMENT}");
                        return Err(self.wrong(deep));
                    }
                    self.open.push(String::new());
                    let name = element.name().0.to_owned();
                    return Ok(Some(Piece::Begins(name, self.attributes(&element)?)));
                }
                Event::End(element) => {
                    let text = self.open.pop().unwrap_or_default();
                    let text = composed(&text).into_owned();
                    return Ok(Some(Piece::Ends(element.name().0.to_owned(), text)));
                }
                Event::Text(text) => self.add(&text.xml10_content())?,
                Event::CData(text) => self.add(&text.xml10_content())?,
                Event::GeneralRef(name) => {
                    let letter = match &*name {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => name.resolve_char_ref().ok().flatten(),
                    };
                    let Some(letter) = letter else {
                        return Err(self.wrong(format!("names an entity `&{};`", short(&name))));
                    };
                    self.add(letter.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => {
                    return Err(self.wrong("declares a document type".to_owned()));
                }
                Event::Eof if self.open.is_empty() => return Ok(None),
                Event::Eof => return Err(self.wrong("ends in the middle of an element".to_owned())),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {}
            }
        }
    }

    /// What is wrong at the last piece.
    pub(super) fn wrong(&self, problem: String) -> Error {
        Error::Malformed { file: self.file.name.clone(), line: self.line, problem }
    }

    fn add(&mut self, text: &str) -> Result<(), Error> {
        let Some(of_element) = self.open.last_mut() else {
            if text.trim_start_matches('\u{feff}').trim().is_empty() {
                return Ok(());
            }
            return Err(self.wrong("has text outside of its elements".to_owned()));
        };
        if of_element.len() + text.len() > LONGEST_TEXT {
            return Err(self.wrong(format!("has a text longer than {LONGEST_TEXT} bytes")));
        }
        of_element.push_str(text);
        Ok(())
    }

    fn attributes(&self, element: &BytesStart<'_>) -> Result<Vec<(String, String)>, Error> {
        let mut attributes = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute
                .map_err(|error| self.wrong(format!("has a wrong attribute ({error})")))?;
            let name = attribute.key.0;
            if attribute.value.len() > LONGEST_ATTRIBUTE {
                let name = short(name);
                return Err(self.wrong(format!(
                    "has an attribute `{name}` longer than {LONGEST_ATTRIBUTE} bytes"
                )));
            }
            if attributes.len() >= MOST_ATTRIBUTES {
                return Err(self
                    .wrong(format!("has more than {MOST_ATTRIBUTES} attributes in one element")));
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| {
                self.wrong(format!(
                    "has an attribute `{}` that cannot be read ({error})",
                    short(name)
                ))
            })?;
            attributes.push((name.to_owned(), composed(&value).into_owned()));
        }
        Ok(attributes)
    }

    /// The line of a place, from 1. Places only grow.
    fn line_at(&mut self, place: usize) -> usize {
        let (from, line) = self.counted;
        let between = self.text.as_bytes().get(from..place).unwrap_or_default();
        let line = line + memchr::memchr_iter(b'\n', between).count();
        self.counted = (place.max(from), line);
        line
    }
}

/// The beginning of a text, for a message.
pub(super) fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(60)).unwrap_or(text)
}
