//! One fact a line in, one answer a line out.

use std::{
    borrow::Cow,
    io::{BufRead, Read as _, Write},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Matcher, combine};

/// How long a line may be, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// How much of a value is looked at, in bytes; the rest is cut at a character.
const LONGEST_VALUE: usize = 8192;

/// A fact to be identified.
#[derive(Deserialize)]
struct Asked {
    field: String,
    value: String,
    #[serde(default)]
    id: Value,
}

/// The answer to one fact.
#[derive(Serialize)]
struct Answer<'a, 's> {
    id: &'a Value,
    matches: Vec<Match<'s>>,
}

/// A product in an answer.
#[derive(Serialize)]
struct Match<'s> {
    signature: &'s str,
    vendor: Cow<'s, str>,
    product: Cow<'s, str>,
    model: Option<String>,
    version: Option<String>,
    role: &'s str,
    confidence: f64,
    collection: Option<&'s str>,
}

/// Answers each line of NDJSON, `{"field", "value", "id"}`, with a line of NDJSON,
/// `{"id", "matches": [{"signature", "vendor", "product", "model", "version", "role", "confidence", "collection"}]}`,
/// best match first. Empty lines are passed over; the first malformed one ends it.
pub fn identify(
    matcher: &Matcher<'_>,
    mut asked: impl BufRead,
    mut answers: impl Write,
) -> Result<(), Error> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        let stream = |source| Error::Stream { line: number, source };
        let malformed = |problem: String| Error::Line { line: number, problem };
        line.clear();
        // One byte more than allowed tells a line that is too long from one that just fits.
        let mut bounded = (&mut asked).take(LONGEST_LINE + 1);
        if bounded.read_until(b'\n', &mut line).map_err(stream)? == 0 {
            break;
        }
        if line.len() as u64 > LONGEST_LINE {
            return Err(malformed(format!("it is longer than {LONGEST_LINE} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let asked: Asked =
            serde_json::from_slice(&line).map_err(|error| malformed(error.to_string()))?;
        let value = &asked.value;
        let value = value.get(..value.floor_char_boundary(LONGEST_VALUE)).unwrap_or(value);
        let matches = combine(&matcher.evidence(&asked.field, value))
            .into_iter()
            .map(|ranked| Match {
                signature: ranked.signature,
                vendor: ranked.vendor,
                product: ranked.product,
                model: ranked.model,
                version: ranked.version,
                role: ranked.role,
                // Two digits say all that is known, and read better than 0.8500000000000001.
                confidence: (ranked.confidence * 100.0).round() / 100.0,
                collection: ranked.collection,
            })
            .collect();
        let answer = Answer { id: &asked.id, matches };
        serde_json::to_writer(&mut answers, &answer).map_err(|e| stream(e.into()))?;
        answers.write_all(b"\n").map_err(stream)?;
    }
    answers.flush().map_err(|source| Error::Stream { line: number, source })
}
