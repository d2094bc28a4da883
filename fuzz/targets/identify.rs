//! Any lines on standard input of `sekisho identify`: answers are lines of JSON, as many as were understood.

use std::sync::LazyLock;

use sekisho::fingerprint::{Matcher, Signatures, identify};

static SIGNATURES: LazyLock<Signatures> =
    LazyLock::new(|| Signatures::built_in().expect("the built-in signatures are tested"));
static MATCHER: LazyLock<Matcher<'_>> = LazyLock::new(|| Matcher::new(&SIGNATURES));

/// Identifies the lines of `input`.
pub(crate) fn run(input: &[u8]) {
    let mut answers = Vec::new();
    let _ = identify(&MATCHER, input, &mut answers);
    let answers = String::from_utf8(answers).expect("JSON is UTF-8");
    assert!(answers.lines().count() <= input.split(|byte| *byte == b'\n').count());
    assert!(answers.lines().all(|line| line.starts_with("{\"id\":") && line.ends_with('}')));
}
