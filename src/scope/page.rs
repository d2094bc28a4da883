//! The text of a facility file, so that what is wrong in it is told with its line.

use std::{fmt, ops::Range};

use toml::de::{DeTable, DeValue};

use super::{
    facility::{Error, KEYS},
    target::shown,
};

/// A facility file's text and name.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
}

impl Page<'_> {
    /// That what stands at `place` cannot be taken, and why.
    pub(super) fn wrong(&self, place: Range<usize>, what: impl fmt::Display) -> Error {
        Error::Wrong { file: self.file.to_owned(), line: self.line(place), what: what.to_string() }
    }

    /// That it is no TOML, or holds a value that is not what its key takes.
    pub(super) fn malformed(&self, error: &toml::de::Error) -> Error {
        let message = error.to_string().trim_end().to_owned();
        Error::Malformed { file: self.file.to_owned(), message }
    }

    /// The line, from 1, on which `place` begins.
    fn line(&self, place: Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(place.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// Refuses keys that no facility file has.
    pub(super) fn refuse_unknown_keys(&self) -> Result<(), Error> {
        let table = DeTable::parse(self.text).map_err(|error| self.malformed(&error))?;
        let tables: Vec<&str> =
            KEYS.iter().map(|(table, _)| *table).filter(|table| !table.contains('.')).collect();
        for (name, value) in table.get_ref() {
            if !tables.contains(&name.get_ref().as_ref()) {
                return Err(self.unknown(name.span(), name.get_ref(), "a facility file", &tables));
            }
            self.refuse_within(name.get_ref(), value.get_ref())?;
        }
        Ok(())
    }

    /// Refuses unknown keys of the table `name`, or of every table of the list of that name.
    fn refuse_within(&self, name: &str, value: &DeValue<'_>) -> Result<(), Error> {
        let Some((_, keys)) = KEYS.iter().find(|(table, _)| *table == name) else {
            return Ok(());
        };
        if let DeValue::Array(all) = value {
            return all.iter().try_for_each(|one| self.refuse_within(name, one.get_ref()));
        }
        let DeValue::Table(table) = value else { return Ok(()) };
        for (key, value) in table {
            if !keys.contains(&key.get_ref().as_ref()) {
                return Err(self.unknown(key.span(), key.get_ref(), &format!("[{name}]"), keys));
            }
            self.refuse_within(&format!("{name}.{}", key.get_ref()), value.get_ref())?;
        }
        Ok(())
    }

    fn unknown(&self, place: Range<usize>, key: &str, table: &str, known: &[&str]) -> Error {
        Error::UnknownKey {
            file: self.file.to_owned(),
            line: self.line(place),
            key: shown(key),
            table: table.to_owned(),
            advice: nearest(key, known).map_or_else(
                || format!("known are {}", known.join(", ")),
                |name| format!("did you mean `{name}`?"),
            ),
        }
    }
}

/// The one of `known` that somebody may have meant by `word`.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |name: &&str| strsim::damerau_levenshtein(name, word);
    known.iter().copied().min_by_key(near).filter(|name| near(name) <= 3)
}
