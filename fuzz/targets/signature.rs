//! Any text as a signature file: what is accepted works, and does so in bounded time.
//!
//! Input: the text; a first line `# <role>/<vendor-product>.toml` is the file's name.

use std::sync::LazyLock;

use sekisho::fingerprint::{Matcher, Signatures, Vocabulary};

static WORDS: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::built_in().expect("the built-in words are tested"));

/// Reads `input` as a signature file, and matches with what it gives.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let name = text.lines().next().and_then(|line| line.strip_prefix("# "));
    let (signatures, errors) =
        Signatures::from_text(name.unwrap_or("firewall/acme-edgegate.toml"), text, &WORDS);
    assert!(!signatures.is_empty() || !errors.is_empty(), "neither a signature nor a fault");
    for error in &errors {
        assert!(!error.to_string().is_empty());
    }
    let matcher = Matcher::new(&signatures);
    for signature in &signatures {
        for rule in &signature.rules {
            for (field, example) in rule
                .fields
                .iter()
                .flat_map(|field| rule.examples.iter().map(move |example| (field, &example.value)))
            {
                let found = matcher.evidence(field, example);
                assert!(
                    !found.is_empty(),
                    "{}: its own example `{example}` does not match",
                    rule.id
                );
            }
        }
    }
}
