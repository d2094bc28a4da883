//! What a loaded rule says about a text that it matches.

use std::borrow::Cow;

use super::pattern::Taken;

/// How long a told attribute may be, in bytes; longer ones are cut at a character.
const LONGEST_ATTRIBUTE: usize = 256;

/// How long a text grows when its places are filled, in bytes. Examples ask for the whole of it, and have far less.
const LONGEST_WHOLE: usize = 16 << 10;

/// A text with places that a match fills.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(pub Vec<Piece>);

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words of the source.
    Words(String),
    /// What a group took.
    Group {
        /// Its number, from 1.
        number: usize,
        /// What is done with it.
        change: Change,
        /// What stands for a group that took nothing: without it nothing is told at all.
        otherwise: Option<&'static str>,
    },
}

/// What is done with what a group took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// Only what can be printed stays.
    Printed,
    /// One text for another.
    Replaced(String, String),
    /// Its bytes as a number.
    Number {
        /// The least byte comes first.
        little: bool,
    },
}

impl Template {
    /// Words alone.
    pub(super) fn words(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { Self(vec![Piece::Words(text.to_owned())]) }
    }

    /// Whether it says nothing, whatever is matched.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole text, as the source means it, cut where nothing could be meant any more. Nothing where a group that it
    /// needs took nothing.
    pub(super) fn whole<'t>(&'t self, taken: &Taken<'t>) -> Option<Cow<'t, str>> {
        match &*self.0 {
            [Piece::Words(words)] => Some(Cow::Borrowed(words)),
            pieces => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Words(words) => text.push_str(words),
                        Piece::Group { number, change, otherwise } => {
                            match taken.get(*number).copied().flatten() {
                                Some(took) => text.push_str(&change.of(took)),
                                None => text.push_str((*otherwise)?),
                            }
                        }
                    }
                    if text.len() > LONGEST_WHOLE {
                        text.truncate(text.floor_char_boundary(LONGEST_WHOLE));
                        break;
                    }
                }
                Some(Cow::Owned(text))
            }
        }
    }

    /// The text as it is told: on one line, without spaces at its ends, cut where it is too long. Nothing where it is
    /// empty.
    pub(super) fn told<'s>(&'s self, taken: &Taken<'_>) -> Option<Cow<'s, str>> {
        if let [Piece::Words(words)] = &*self.0 {
            // The words of a source are put in order when they are read.
            return Some(Cow::Borrowed(words));
        }
        let text = self.whole(taken)?;
        let text = one_line(&text);
        (!text.is_empty()).then_some(Cow::Owned(text))
    }

    /// The same with its words on one line and not too long.
    pub(super) fn tidy(self) -> Self {
        match &*self.0 {
            [Piece::Words(words)] => Self::words(&one_line(words)),
            _ => self,
        }
    }
}

impl Change {
    fn of<'t>(&self, took: &'t str) -> Cow<'t, str> {
        match self {
            Self::None => Cow::Borrowed(took),
            Self::Printed => took.chars().filter(|c| matches!(c, ' '..='~')).collect(),
            // Between any two letters there is nothing: that would be put there without end.
            Self::Replaced(from, _) if from.is_empty() => Cow::Borrowed(took),
            Self::Replaced(from, to) => {
                let mut text = String::new();
                for (place, part) in took.split(from.as_str()).enumerate() {
                    if place > 0 {
                        text.push_str(to);
                    }
                    text.push_str(part);
                    if text.len() > LONGEST_WHOLE {
                        break;
                    }
                }
                Cow::Owned(text)
            }
            Self::Number { little } => {
                let mut digits: Vec<u64> =
                    took.chars().take(8).map(|c| u64::from(u32::from(c) & 0xff)).collect();
                if *little {
                    digits.reverse();
                }
                let number = digits.iter().fold(0u64, |number, digit| number << 8 | digit);
                Cow::Owned(number.to_string())
            }
        }
    }
}

/// A text on one line, without controls and outer spaces, cut where it is too long.
pub(super) fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.trim();
    clean.get(..clean.floor_char_boundary(LONGEST_ATTRIBUTE)).unwrap_or(clean).trim_end().to_owned()
}

/// What a rule says of the box: as far as its source tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Says {
    /// Who makes it.
    pub vendor: Template,
    /// What it is called.
    pub product: Template,
    /// Its model.
    pub model: Template,
    /// Its version.
    pub version: Template,
    /// Its serial number.
    pub serial: Template,
    /// What it does at the edge, in our words.
    pub role: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_with_what_was_taken() {
        let group = |number, change, otherwise| Piece::Group { number, change, otherwise };
        let taken = vec![Some("all"), Some("9_1"), None, Some("\u{1}\u{2}")];
        let told = |pieces: Vec<Piece>| Template(pieces).told(&taken).map(Cow::into_owned);
        let underscore = || Change::Replaced("_".to_owned(), ".".to_owned());
        assert_eq!(told(vec![group(1, underscore(), None)]).as_deref(), Some("9.1"));
        assert_eq!(told(vec![Piece::Words("v".to_owned()), group(2, Change::None, None)]), None);
        let words = vec![Piece::Words("v".to_owned()), group(2, Change::None, Some("-"))];
        assert_eq!(told(words).as_deref(), Some("v-"));
        assert_eq!(
            told(vec![group(3, Change::Number { little: false }, None)]).as_deref(),
            Some("258")
        );
        assert_eq!(
            told(vec![group(3, Change::Number { little: true }, None)]).as_deref(),
            Some("513")
        );
        assert_eq!(told(vec![group(3, Change::Printed, None)]), None);
        assert_eq!(told(vec![group(9, Change::None, None)]), None);
    }

    #[test]
    fn what_grows_by_being_filled_has_an_end() {
        let (took, to) = ("a.".repeat(4000), "x".repeat(60_000));
        let taken = vec![None, Some(took.as_str())];
        let group = |change| Piece::Group { number: 1, change, otherwise: None };
        let replaced =
            |from: &str, to: &str| group(Change::Replaced(from.to_owned(), to.to_owned()));
        let whole = |pieces: Vec<Piece>| Template(pieces).whole(&taken).unwrap().into_owned();
        assert!(whole(vec![replaced(".", &to); 2]).len() <= LONGEST_WHOLE);
        assert!(whole(vec![group(Change::None); 1000]).len() <= LONGEST_WHOLE);
        assert_eq!(whole(vec![replaced("", &to)]), took);
        assert_eq!(whole(vec![replaced(".", "-")]), took.replace('.', "-"));
    }

    #[test]
    fn what_is_told_is_one_short_line() {
        let long = "a\r\nb ".repeat(200);
        let taken = vec![None, Some(long.as_str())];
        let group = Piece::Group { number: 1, change: Change::None, otherwise: None };
        let template = Template(vec![group]);
        let told = template.told(&taken).unwrap();
        assert!(told.len() <= LONGEST_ATTRIBUTE && !told.contains('\n'), "{told}");
        assert_eq!(Template::words(" Gate\tWay ").tidy(), Template::words("Gate Way"));
    }
}
