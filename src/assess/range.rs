//! Which versions something is about, and whether one is among them.

use serde::Deserialize;

use super::version::{Scheme, Version};

/// Versions in a row, perhaps of some models only.
#[derive(Debug, Clone)]
pub struct Range {
    /// The first of them; none where it begins with the oldest.
    pub from: Option<Version>,
    /// Where it ends; none where it goes on.
    pub end: End,
    /// The models it is about, `*` standing for any characters; all where there are none.
    pub models: Vec<String>,
    /// Releases within it, each with the patch from which on it is mended.
    pub patched: Vec<Version>,
    /// It is about a line of builds whose versions look like those of the usual line.
    pub line: bool,
    /// Some of its versions are mended, and which is not known here.
    pub partly: bool,
}

/// Where a range ends.
#[derive(Debug, Clone)]
pub enum End {
    /// Nowhere.
    Open,
    /// Before this version.
    Before(Version),
    /// With this version.
    Through(Version),
}

/// A range as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    from: Option<String>,
    before: Option<String>,
    through: Option<String>,
    exact: Option<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    line: bool,
    #[serde(default)]
    partly: bool,
}

/// How a version lies to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    Before,
    Within,
    Behind,
    /// It is less precise than the border, or the model is not known.
    Perhaps,
}

/// What a list of ranges says about one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of them holds it.
    Inside,
    /// None of them holds it, and they would if they did.
    Outside,
    /// It cannot be told.
    Unclear,
}

/// How far a list of ranges can be trusted about branches that it does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    /// Every branch was looked at.
    All,
    /// Those were looked at that had support; older ones may be affected.
    Supported,
    /// Nobody says.
    #[default]
    Some,
}

/// What is known about the box whose version is placed.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its version.
    pub version: &'a Version,
    /// Its model, where it tells.
    pub model: Option<&'a str>,
    /// How many numbers make a version whole, and how many a branch.
    pub whole: usize,
    /// See there.
    pub branch: usize,
}

impl Written {
    /// The range, or the text that is no version of `scheme`.
    pub(super) fn read(&self, scheme: &Scheme) -> Result<Range, String> {
        let read = |text: &String| scheme.read(text).ok_or_else(|| text.clone());
        let optional = |text: &Option<String>| text.as_ref().map(read).transpose();
        let (exact, before, through) =
            (optional(&self.exact)?, optional(&self.before)?, optional(&self.through)?);
        let ends =
            [&self.exact, &self.before, &self.through].iter().filter(|end| end.is_some()).count();
        if ends > 1 || (exact.is_some() && self.from.is_some()) {
            return Err("more than one end".to_owned());
        }
        let from = optional(&self.from)?;
        Ok(Range {
            from: exact.clone().or(from),
            end: match (exact.or(through), before) {
                (Some(last), _) => End::Through(last),
                (None, Some(next)) => End::Before(next),
                (None, None) => End::Open,
            },
            models: self.models.clone(),
            patched: self.patched.iter().map(read).collect::<Result<_, _>>()?,
            line: self.line,
            partly: self.partly,
        })
    }
}

impl Range {
    /// Whether its ends are in order.
    pub fn is_ordered(&self) -> bool {
        let from = self.from.as_ref();
        let begins = |last: &Version| from.is_none_or(|from| from <= last || from.is_of(last));
        match &self.end {
            End::Open => true,
            End::Before(next) => from.is_none_or(|from| from < next),
            End::Through(last) => begins(last),
        }
    }

    /// How the version lies to it, whatever the model.
    fn lies(&self, seen: &Seen<'_>) -> Lies {
        let (first, last) = (seen.version, seen.version.last(seen.whole));
        if self.from.as_ref().is_some_and(|from| last < *from) {
            return Lies::Before;
        }
        let (behind, up_to) = match &self.end {
            End::Open => (false, true),
            End::Before(next) => (first >= next, last < *next),
            End::Through(through) => {
                let through = through.last(seen.whole);
                (*first > through, last <= through)
            }
        };
        if behind {
            return Lies::Behind;
        }
        if !up_to || self.from.as_ref().is_some_and(|from| first < from) {
            return Lies::Perhaps;
        }
        if self.patched.iter().any(|patched| first.has_patch(patched)) {
            return Lies::Behind;
        }
        let could_be = |patched: &Version| !first.is_whole(seen.whole) && patched.is_of(first);
        let perhaps = self.partly || self.patched.iter().any(could_be);
        if perhaps { Lies::Perhaps } else { Lies::Within }
    }

    /// Whether it holds every version of this model.
    pub fn is_all_of(&self, model: Option<&str>) -> bool {
        let mended = self.partly || self.line || !self.patched.is_empty();
        let all = self.from.is_none() && matches!(self.end, End::Open) && !mended;
        all && self.is_about(model) == Some(true)
    }

    /// Whether it is about the model: none where the model is not known.
    fn is_about(&self, model: Option<&str>) -> Option<bool> {
        if self.models.is_empty() {
            return Some(true);
        }
        model.map(|model| self.models.iter().any(|pattern| fits(pattern, model)))
    }

    /// Whether the branch of the version lies between the branches of its ends.
    fn mentions(&self, seen: &Seen<'_>) -> bool {
        let compare = |other: &Version| seen.version.compare_branch(other, seen.branch);
        let begun = self.from.as_ref().is_none_or(|from| compare(from).is_ge());
        begun
            && match &self.end {
                End::Open => true,
                End::Before(last) | End::Through(last) => compare(last).is_le(),
            }
    }

    /// Whether the version is of the line that it is about, or looks so.
    fn is_of_line(&self, seen: &Seen<'_>) -> bool {
        self.from.as_ref().is_some_and(|line| seen.version.is_of(line) || line.is_of(seen.version))
    }
}

/// What `ranges` say about a version.
pub fn place(ranges: &[Range], branches: Branches, seen: &Seen<'_>) -> Place {
    let (lines, usual): (Vec<&Range>, Vec<&Range>) = ranges.iter().partition(|range| range.line);
    let lines: Vec<&Range> = lines.into_iter().filter(|range| range.is_of_line(seen)).collect();
    let usually = if usual.is_empty() && !lines.is_empty() {
        Place::Unclear
    } else {
        among(&usual, branches, seen)
    };
    if lines.is_empty() {
        return usually;
    }
    // Its version does not say which line it is of, so both have to agree.
    let of_line = among(&lines, branches, seen);
    if of_line == usually { usually } else { Place::Unclear }
}

fn among(ranges: &[&Range], branches: Branches, seen: &Seen<'_>) -> Place {
    let mut about = Vec::new();
    let mut perhaps = false;
    for range in ranges {
        let lies = range.lies(seen);
        match range.is_about(seen.model) {
            Some(false) => continue,
            Some(true) if lies == Lies::Within => return Place::Inside,
            Some(true) => perhaps |= lies == Lies::Perhaps,
            None => perhaps |= matches!(lies, Lies::Perhaps | Lies::Within),
        }
        about.push((range, lies));
    }
    if perhaps {
        return Place::Unclear;
    }
    let older = about.iter().all(|(_, lies)| *lies == Lies::Before);
    let mended = about.iter().any(|(range, lies)| *lies == Lies::Behind && range.mentions(seen));
    let is_known = match branches {
        Branches::All => true,
        Branches::Supported => mended || about.is_empty() || !older,
        Branches::Some => mended,
    };
    if is_known { Place::Outside } else { Place::Unclear }
}

/// Whether a model is one that a pattern means. Case, spaces, hyphens and underscores do not count.
pub(super) fn fits(pattern: &str, model: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !matches!(c, ' ' | '-' | '_'))
            .map(|c| c.to_ascii_lowercase())
            .take(200)
            .collect()
    };
    let (pattern, model) = (plain(pattern), plain(model));
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = model.strip_prefix(first) else { return false };
    let mut open = false;
    for piece in pieces {
        open = true;
        if piece.is_empty() {
            continue;
        }
        match rest.split_once(piece) {
            Some((_, after)) => {
                rest = after;
                open = false;
            }
            None => return false,
        }
    }
    open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(scheme: &Scheme, text: &str) -> Vec<Range> {
        #[derive(Deserialize)]
        struct List {
            affected: Vec<Written>,
        }
        let list: List = toml::from_str(text).unwrap();
        list.affected.iter().map(|range| range.read(scheme).unwrap()).collect()
    }

    #[track_caller]
    fn placed(
        scheme: &str,
        list: &str,
        branches: Branches,
        version: &str,
        model: Option<&str>,
    ) -> Place {
        let scheme = Scheme::named(scheme).unwrap();
        let version = scheme.read(version).unwrap();
        let seen = Seen { version: &version, model, whole: scheme.whole, branch: scheme.branch };
        place(&ranges(scheme, list), branches, &seen)
    }

    #[test]
    fn a_version_is_within_behind_or_less_precise_than_the_border() {
        let list = "affected = [{ from = '7.2.0', through = '7.2.6' }, { from = '7.0.0', before = '7.0.14' }]";
        let placed = |version| placed("dotted", list, Branches::Supported, version, None);
        assert_eq!(placed("7.2.6"), Place::Inside);
        assert_eq!(placed("7.2.7"), Place::Outside);
        assert_eq!(placed("7.0.13"), Place::Inside);
        assert_eq!(placed("7.0.14"), Place::Outside);
        assert_eq!(placed("7.2"), Place::Unclear, "less precise than the border");
        assert_eq!(placed("7.6.1"), Place::Outside, "newer than what had support");
        assert_eq!(placed("6.4.1"), Place::Unclear, "older than what had support");
    }

    #[test]
    fn a_whole_branch_holds_what_is_only_said_as_a_branch() {
        let list = "affected = [{ from = '6.4', through = '6.4' }]";
        assert_eq!(placed("dotted", list, Branches::All, "6.4", None), Place::Inside);
        assert_eq!(placed("dotted", list, Branches::All, "6.4.99", None), Place::Inside);
        assert_eq!(placed("dotted", list, Branches::All, "6.5.0", None), Place::Outside);
        assert_eq!(placed("dotted", list, Branches::Some, "6.5.0", None), Place::Unclear);
        assert_eq!(placed("dotted", list, Branches::Some, "6", None), Place::Unclear);
    }

    #[test]
    fn a_patched_release_is_out_and_its_neighbours_are_not() {
        let list = "affected = [{ from = '10.2.0', before = '10.2.18-h6', patched = ['10.2.16-h7', '10.2.13-h21'] }]";
        let placed = |version| placed("hotfix", list, Branches::Supported, version, None);
        assert_eq!(placed("10.2.16-h6"), Place::Inside);
        assert_eq!(placed("10.2.16-h7"), Place::Outside);
        assert_eq!(placed("10.2.16-h8"), Place::Outside);
        assert_eq!(placed("10.2.15-h9"), Place::Inside);
        assert_eq!(placed("10.2.18-h6"), Place::Outside);
        assert_eq!(placed("10.2"), Place::Unclear);
    }

    #[test]
    fn a_line_that_looks_like_the_usual_one_is_unclear_where_they_differ() {
        let list = "affected = [{ from = '13.1', before = '13.1-49.13' },
            { from = '13.1-37', before = '13.1-37.159', line = true }]";
        let placed = |version| placed("build", list, Branches::Supported, version, None);
        assert_eq!(placed("13.1-37.38"), Place::Inside, "affected in either line");
        assert_eq!(placed("13.1-37.235"), Place::Unclear, "mended in one line only");
        assert_eq!(placed("13.1-48.47"), Place::Inside);
        assert_eq!(placed("13.1-49.15"), Place::Outside);
    }

    #[test]
    fn a_model_that_is_not_known_is_never_out_for_want_of_it() {
        let list = "affected = [{ models = ['AB-100*'], through = '5.30.9' }, { models = ['AB-200/C'], through = '7.1.0' }]";
        let placed = |version, model| placed("lettered", list, Branches::Supported, version, model);
        assert_eq!(placed("5.30.9", Some("ab100 LW")), Place::Inside);
        assert_eq!(placed("5.30.10", Some("AB-100")), Place::Outside);
        assert_eq!(placed("5.30.10", None), Place::Unclear);
        assert_eq!(placed("9.0.0", None), Place::Outside, "behind every model's end");
        assert_eq!(placed("5.30.9", Some("AB-300")), Place::Outside, "a model that is not listed");
    }

    #[test]
    fn a_range_without_ends_is_every_version_unless_some_are_mended() {
        let scheme = Scheme::named("hotfix").unwrap();
        let all = |list| ranges(scheme, list).iter().all(|range| range.is_all_of(Some("AB-100")));
        assert!(all("affected = [{ models = ['AB-1*'] }]"));
        assert!(!all("affected = [{ models = ['AB-2*'] }]"));
        assert!(!all("affected = [{ models = ['AB-1*'], patched = ['10.2.8-h3'] }]"));
    }

    #[test]
    fn a_model_pattern_takes_its_model_and_no_longer_one() {
        for (pattern, model, is) in [
            ("RT-100", "rt100", true),
            ("RT-100", "RT-1000", false),
            ("RT-1*", "RT-1000", true),
            ("RT*LW", "RT-230/LW", true),
            ("RT*LW", "RT-230/LWX", false),
            ("*", "anything", true),
        ] {
            assert_eq!(fits(pattern, model), is, "{pattern} {model}");
        }
    }

    #[test]
    fn a_range_has_one_end() {
        let scheme = Scheme::named("dotted").unwrap();
        let written = |text: &str| toml::from_str::<Written>(text).unwrap().read(scheme);
        assert!(written("before = '7'\nthrough = '8'").is_err());
        assert!(written("exact = '7'\nfrom = '6'").is_err());
        assert!(written("before = 'build seven'").is_err());
        assert!(!written("from = '7.2.0'\nbefore = '7.1.0'").unwrap().is_ordered());
        assert!(written("from = '7.2.0'\nthrough = '7.2'").unwrap().is_ordered());
    }
}
