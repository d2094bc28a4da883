//! Makers by their many names, so that two spellings can be told from two makers.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::tidy::{folded, tidy};

#[derive(Deserialize)]
struct File {
    makers: Vec<Vec<String>>,
    around: Vec<String>,
}

struct Makers {
    /// A folded name, and the folded name that stands for it.
    known: BTreeMap<String, String>,
    around: Vec<String>,
}

static MAKERS: LazyLock<Makers> = LazyLock::new(|| {
    let file: File =
        toml::from_str(include_str!("makers.toml")).expect("the list is read by tests");
    let mut known = BTreeMap::new();
    for names in &file.makers {
        let Some(first) = names.first().map(|name| folded(name)) else { continue };
        known.extend(names.iter().map(|name| (folded(name), first.clone())));
    }
    Makers { known, around: file.around.iter().map(|word| folded(word)).collect() }
});

/// One name for a maker, of letters and digits only; empty where nothing is left.
pub fn maker(text: &str) -> String {
    let whole = folded(text);
    if let Some(known) = MAKERS.known.get(&whole) {
        return known.clone();
    }
    let mut name = whole.as_str();
    loop {
        let bare = MAKERS.around.iter().find_map(|word| {
            let bare =
                name.strip_suffix(word.as_str()).or_else(|| name.strip_prefix(word.as_str()));
            bare.filter(|bare| bare.chars().count() >= 2)
        });
        match bare {
            Some(bare) => name = bare,
            None => break,
        }
        if let Some(known) = MAKERS.known.get(name) {
            return known.clone();
        }
    }
    name.to_owned()
}

/// Whether a text is the name of a maker that is known.
pub fn is_maker(text: &str) -> bool {
    let name = maker(text);
    !name.is_empty() && MAKERS.known.values().any(|known| *known == name)
}

/// Whether two texts name one maker: yes, no, or nobody can say, as of a name in kana and one in Latin letters that is
/// not known.
pub fn same_maker(one: &str, other: &str) -> Option<bool> {
    let (a, b) = (maker(one), maker(other));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let within = |long: &str, short: &str| short.chars().count() >= 3 && long.contains(short);
    if a == b || within(&a, &b) || within(&b, &a) {
        return Some(true);
    }
    let is_known = |name: &String| MAKERS.known.values().any(|known| known == name);
    let latin = |text: &str| tidy(text).is_ascii();
    ((is_known(&a) && is_known(&b)) || latin(one) == latin(other)).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_maker_are_one_maker() {
        assert_eq!(maker("アクメ"), "acme");
        assert_eq!(maker("(株)アクメ製作所"), "acme");
        assert_eq!(maker("ＡＣＭＥ　Co., Ltd."), "acme");
        assert_eq!(same_maker("アクメ株式会社", "Acme"), Some(true));
        assert_eq!(same_maker("Foo Networks Inc.", "FOO NETWORKS"), Some(true));
        assert_eq!(same_maker("Foo", "Bar"), Some(false));
        assert_eq!(same_maker("ふう電機", "Foo"), None);
        assert_eq!(same_maker("", "Foo"), None);
        assert!(is_maker("アクメ㈱") && !is_maker("ふう電機") && !is_maker("株式会社"));
    }
}
