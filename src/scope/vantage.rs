//! From where a run looks at the facility: from inside, from a named place inside, or from outside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::target::shown;

/// The name of the usual vantage.
const INSIDE: &str = "inside";

/// The name of the view from the Internet; further ones begin with it and a dash.
const OUTSIDE: &str = "outside";

/// The longest name, in characters.
const LONGEST: usize = 32;

/// From where a run looks, by its name: `inside`, `outside`, `outside-` and what tells several lines outside apart, or
/// the name of a place inside. Letters, digits, `-`, `_` and `.`, at most 32 of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vantage(String);

impl Vantage {
    /// The view from the Internet.
    pub fn outside() -> Self {
        Self(OUTSIDE.to_owned())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether it is a view from the Internet.
    pub fn is_outside(&self) -> bool {
        let rest = self.0.strip_prefix(OUTSIDE);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    /// Whether it is the usual one, that nobody named.
    pub fn is_usual(&self) -> bool {
        self.0 == INSIDE
    }
}

impl Default for Vantage {
    /// Inside, at no place that was named.
    fn default() -> Self {
        Self(INSIDE.to_owned())
    }
}

impl FromStr for Vantage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.chars().nth(LONGEST).is_some() || !name.chars().all(fits) {
            return Err(format!(
                "`{}` is no vantage; write inside, outside, or the name of a place inside, such as ward-3: at most \
                 {LONGEST} letters, digits, dashes, dots and underscores",
                shown(name)
            ));
        }
        // `Outside` is no place inside that somebody called so.
        Ok(Self(name.to_lowercase()))
    }
}

impl TryFrom<String> for Vantage {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Vantage> for String {
    fn from(vantage: Vantage) -> Self {
        vantage.0
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vantage_is_inside_unless_its_name_says_outside() {
        for (name, outside) in [
            ("inside", false),
            ("outside", true),
            ("Outside", true),
            ("outside-mobile", true),
            ("outsider", false),
            ("ward-3", false),
            ("3階.東", false),
        ] {
            assert_eq!(name.parse::<Vantage>().unwrap().is_outside(), outside, "{name}");
        }
        assert!(Vantage::default().is_usual() && Vantage::outside().is_outside());
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_to_write() {
        let long = "x".repeat(LONGEST + 1);
        for wrong in ["", "ward 3", "a/b", "\u{1b}[31m", "a\u{202e}b", &long] {
            let error = wrong.parse::<Vantage>().unwrap_err();
            assert!(error.contains("such as ward-3") && !error.contains('\u{1b}'), "{error}");
            assert!(serde_json::from_value::<Vantage>(wrong.into()).is_err());
        }
        assert_eq!("x".repeat(LONGEST).parse::<Vantage>().unwrap().name().len(), LONGEST);
    }
}
