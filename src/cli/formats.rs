//! Which files of a report are written: the formats and the languages that were asked for.

use super::Lang;
use crate::report::{FORMATS, Format, Language};

/// The formats and the languages of a report.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    formats: Vec<&'static str>,
    language: Option<Language>,
}

impl Chosen {
    /// What was asked for: every format where none is named, both languages where none is.
    pub(super) fn of(formats: &[&'static str], lang: Option<Lang>) -> Self {
        let language = lang.map(|lang| match lang {
            Lang::Ja => Language::Japanese,
            Lang::En => Language::English,
        });
        Self { formats: formats.to_vec(), language }
    }

    /// The formats, in the order in which they are written.
    pub(super) fn formats(&self) -> impl Iterator<Item = &'static Format> {
        let all = self.formats.is_empty();
        FORMATS.iter().filter(move |format| all || self.formats.contains(&format.name))
    }

    /// Whether a format was named, rather than meant with all.
    pub(super) fn names(&self, format: &Format) -> bool {
        self.formats.contains(&format.name)
    }

    /// What is said of each format that nobody named and that this system cannot write.
    pub(super) fn left_out(&self) -> impl Iterator<Item = String> {
        let lacks = |format: &Format| {
            format.lacks().map(|lacking| format!("{} is left out: {lacking}", format.name))
        };
        self.formats().filter(|format| !self.names(format)).filter_map(lacks)
    }

    /// The languages. A file without words of its own takes the first.
    pub(super) fn languages(&self) -> Vec<Language> {
        self.language.map_or_else(|| Language::ALL.to_vec(), |language| vec![language])
    }
}

/// Reads the name of a format.
pub(super) fn named(name: &str) -> Result<&'static str, String> {
    Format::named(name).map(|format| format.name).ok_or_else(|| {
        let names = Format::names();
        let nearest = names.iter().min_by_key(|one| strsim::damerau_levenshtein(one, name));
        let nearest = nearest.unwrap_or(&"");
        format!("no such format; did you mean `{nearest}`? All: {}", names.join(", "))
    })
}

/// What the help says of formats, with the files of each.
pub(super) fn help() -> String {
    let files = |name: &str| {
        let files: Vec<&str> =
            FORMATS.iter().filter(|format| format.name == name).map(|format| format.file).collect();
        files.join(", ").replace("{lang}", "LANG")
    };
    let list = Format::names().into_iter().map(|name| format!("{name} ({})", files(name)));
    let list: Vec<String> = list.collect();
    format!("Write only these formats, by names with commas; otherwise all: {}", list.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_unknown_gets_the_nearest() {
        assert_eq!(named("xlsx"), Ok("xlsx"));
        assert!(named("xslx").unwrap_err().starts_with("no such format; did you mean `xlsx`?"));
        assert!(help().contains("csv (points.LANG.csv, register.LANG.csv)"), "{}", help());
    }

    #[test]
    fn nothing_named_is_everything() {
        assert_eq!(Chosen::default().formats().count(), FORMATS.len());
        assert_eq!(Chosen::default().languages(), Language::ALL);
        let chosen = Chosen::of(&["csv", "text"], Some(Lang::En));
        let names: Vec<&str> = chosen.formats().map(|format| format.file).collect();
        assert_eq!(names, ["report.{lang}.txt", "points.{lang}.csv", "register.{lang}.csv"]);
        assert_eq!(chosen.languages(), [Language::English]);
    }
}
