//! Facts to products: each signature's own examples, its near misses, and a text that is nobody's.

use std::{
    fs,
    path::{Path, PathBuf},
};

use divan::{Bencher, black_box, counter::ItemsCount};
use sekisho::{
    fingerprint::{Matcher, Signatures},
    passive,
};

fn main() {
    divan::main();
}

fn built_in() -> Signatures {
    Signatures::built_in().expect("the built-in signatures are tested")
}

fn with_proof() -> Signatures {
    Signatures::load(Path::new("signatures")).expect("the signatures are tested")
}

#[divan::bench]
fn load_built_in() -> usize {
    built_in().len()
}

/// As much as every command does that names products, and every field's index besides.
#[divan::bench]
fn load_and_index_every_field() -> usize {
    let signatures = built_in();
    let matcher = Matcher::new(&signatures);
    let rules = signatures.iter().flat_map(|signature| &signature.rules);
    let asked = |field: &String| matcher.evidence(field, black_box("-")).len();
    rules.flat_map(|rule| &rule.fields).map(asked).sum()
}

/// The same, until every pattern is compiled.
#[divan::bench(sample_count = 10)]
fn load_and_compile_every_pattern(bencher: Bencher<'_, '_>) {
    let proved = with_proof();
    let facts = facts(&proved, |rule| rule.examples.iter().map(|e| e.value.as_str()).collect());
    bencher.bench(|| {
        let signatures = built_in();
        let matcher = Matcher::new(&signatures);
        facts.iter().map(|(field, value)| matcher.evidence(field, value).len()).sum::<usize>()
    });
}

#[divan::bench]
fn examples(bencher: Bencher<'_, '_>) {
    let signatures = with_proof();
    let facts = facts(&signatures, |rule| rule.examples.iter().map(|e| e.value.as_str()).collect());
    matched(bencher, &signatures, &facts);
}

#[divan::bench]
fn near_misses(bencher: Bencher<'_, '_>) {
    let signatures = with_proof();
    let facts = facts(&signatures, |rule| rule.unlike.iter().map(String::as_str).collect());
    matched(bencher, &signatures, &facts);
}

/// What was said in every capture of the fixtures, a hospital's half hour and talk of every protocol among them.
#[divan::bench]
fn facts_of_captures(bencher: Bencher<'_, '_>) {
    let signatures = built_in();
    let folders = fs::read_dir("fixtures/captures").expect("the fixtures").filter_map(Result::ok);
    let files = folders.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten();
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let is_capture = |path: &PathBuf| path.to_string_lossy().contains(".pcap");
    let captures: Vec<PathBuf> = paths.filter(is_capture).collect();
    let heard = passive::replay(&captures, None, &|_| ()).expect("the fixtures");
    let facts: Vec<(&str, &str)> =
        heard.observations.iter().flat_map(|observation| observation.facts.iter()).collect();
    matched(bencher, &signatures, &facts);
}

#[divan::bench]
fn nobodys_text_of_a_kilobyte(bencher: Bencher<'_, '_>) {
    let signatures = built_in();
    let text = "a quick brown fox of version 1.2.3 ".repeat(30);
    let facts = facts(&signatures, |_| vec![text.as_str()]);
    matched(bencher, &signatures, &facts);
}

fn facts<'a>(
    signatures: &'a Signatures,
    values: impl Fn(&'a sekisho::fingerprint::Rule) -> Vec<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    let rules = signatures.iter().flat_map(|signature| &signature.rules);
    let fact = |rule: &'a sekisho::fingerprint::Rule| {
        let field = rule.fields.first().map_or("", String::as_str);
        values(rule).into_iter().map(move |value| (field, value)).collect::<Vec<_>>()
    };
    rules.flat_map(fact).collect()
}

fn matched(bencher: Bencher<'_, '_>, signatures: &Signatures, facts: &[(&str, &str)]) {
    let matcher = Matcher::new(signatures);
    bencher.counter(ItemsCount::new(facts.len())).bench(|| {
        let found = |(field, value): &(&str, &str)| matcher.evidence(field, black_box(value)).len();
        facts.iter().map(found).sum::<usize>()
    });
}
