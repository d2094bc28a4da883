//! The params of a rule, and what each gives when those that it names in braces are put in.

use std::collections::BTreeMap;

use crate::fingerprint::loaded::says::{Change, Piece, Template};

/// How often params may name each other in turn.
const DEEPEST_NAME: usize = 4;

/// How many pieces a param may come to when those that it names are put in, and how many bytes of words.
const MOST_PIECES: usize = 64;
const LONGEST_WORDS: usize = 4 << 10;

/// What a rule gives, by name.
#[derive(Default)]
pub(super) struct Params(pub(super) BTreeMap<String, Param>);

/// What one param gives.
pub(super) enum Param {
    /// Words, in which other params may be named in braces.
    Words(String),
    /// What a group took, by its number.
    Group(usize),
}

/// What is wrong with the params of a rule, and with which.
pub(super) type Odd = (&'static str, String);

impl Params {
    /// What every param gives. The error says what is wrong with the names in braces, and with which.
    pub(super) fn templates(&self, protocol: &str) -> Result<BTreeMap<String, Template>, Odd> {
        let mut templates = BTreeMap::new();
        if !protocol.is_empty() && !self.0.contains_key("service.protocol") {
            templates.insert("service.protocol".to_owned(), Template::words(protocol));
        }
        for name in self.0.keys() {
            let pieces = self.pieces(name, protocol, name, 0)?;
            templates.insert(name.clone(), Template(joined(pieces)));
        }
        Ok(templates)
    }

    /// The pieces of a param, which is named by `outer`.
    fn pieces(
        &self,
        name: &str,
        protocol: &str,
        outer: &str,
        depth: usize,
    ) -> Result<Vec<Piece>, Odd> {
        // Where a version is not told, an identifier of a product has a dash.
        let dash = (outer.strip_suffix(".cpe23").is_some()
            && name.strip_suffix(".version").is_some())
        .then_some("-");
        match self.0.get(name) {
            Some(Param::Group(number)) => {
                Ok(vec![Piece::Group { number: *number, change: Change::None, otherwise: dash }])
            }
            Some(Param::Words(words)) => {
                let mut pieces = Vec::new();
                let mut rest = words.as_str();
                while let Some((before, named, after)) = braced(rest) {
                    pieces.push(Piece::Words(before.to_owned()));
                    if depth >= DEEPEST_NAME {
                        return Err((
                            "has params that name each other too often",
                            named.to_owned(),
                        ));
                    }
                    pieces.extend(self.pieces(named, protocol, outer, depth + 1)?);
                    if pieces.len() > MOST_PIECES || length(&pieces) > LONGEST_WORDS {
                        let long = "has a param that is too long with those that it names";
                        return Err((long, name.to_owned()));
                    }
                    rest = after;
                }
                pieces.push(Piece::Words(rest.to_owned()));
                Ok(pieces)
            }
            None if name == "service.protocol" && !protocol.is_empty() => {
                Ok(vec![Piece::Words(protocol.to_owned())])
            }
            None => dash
                .map(|dash| vec![Piece::Words(dash.to_owned())])
                .ok_or_else(|| ("names a param in braces that it does not have", name.to_owned())),
        }
    }
}

/// What stands before `{name}`, the name, and what stands after it.
fn braced(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('{')?;
        let inside = text.get(open + 1..)?;
        let end = inside.find(|c: char| matches!(c, '{' | '}') || c.is_whitespace())?;
        if end > 0 && inside.as_bytes().get(end) == Some(&b'}') {
            return Some((text.get(..open)?, inside.get(..end)?, inside.get(end + 1..)?));
        }
        from = open + 1;
    }
}

/// How many bytes of words there are.
fn length(pieces: &[Piece]) -> usize {
    let words = pieces.iter().map(|piece| match piece {
        Piece::Words(words) => words.len(),
        Piece::Group { .. } => 0,
    });
    words.sum()
}

/// Words that follow each other as one piece, and no empty ones.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (_, Piece::Words(words)) if words.is_empty() => {}
            (Some(Piece::Words(before)), Piece::Words(words)) => before.push_str(&words),
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_found() {
        assert_eq!(braced("a {b.c} d"), Some(("a ", "b.c", " d")));
        assert_eq!(braced("{ } {x y} {{z}"), Some(("{ } {x y} {", "z", "")));
        assert_eq!(braced("{}{"), None);
    }

    #[test]
    fn params_that_name_each_other_over_and_over_are_refused() {
        let rule = |params: &[(&str, &str)]| {
            let words = |words: &str| Param::Words(words.to_owned());
            Params(params.iter().map(|(name, text)| ((*name).to_owned(), words(text))).collect())
        };
        let many = |name: &str| format!("{{{name}}}").repeat(2000);
        let (a, b, c) = (many("b"), many("c"), many("d"));
        let chain = rule(&[("a", &a), ("b", &b), ("c", &c), ("d", "0123456789")]);
        assert!(chain.templates("").unwrap_err().0.contains("too long"));
        let long = "x".repeat(LONGEST_WORDS);
        let twice = rule(&[("a", "{b}{b}"), ("b", &long)]);
        assert!(twice.templates("").unwrap_err().0.contains("too long"));
        let ring = rule(&[("a", "{b}"), ("b", "{a}")]);
        assert!(ring.templates("").unwrap_err().0.contains("too often"));
        assert!(rule(&[("a", "{x}")]).templates("").unwrap_err().0.contains("does not have"));
        let usual = rule(&[("a", "cpe:{b}:{c}"), ("b", "acme"), ("c", "gate")]);
        assert_eq!(usual.templates("").unwrap()["a"], Template::words("cpe:acme:gate"));
    }
}
