//! Every box that was heard, for programs: `sekisho.hosts/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, write_plain};
use crate::{correlate::Host, time::Timestamp};

/// The name of the format; a change that could break a reader changes the number.
const SCHEMA: &str = "sekisho.hosts/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    facility: Option<&'a str>,
    run: &'a str,
    began: Timestamp,
    ended: Timestamp,
    hosts: &'a [Host],
}

/// Writes the hosts of a run as one JSON document.
pub fn write(report: &Report<'_>, mut out: &mut dyn Write) -> io::Result<()> {
    let run = report.run;
    let document = Document {
        schema: SCHEMA,
        facility: run.facility.as_deref(),
        run: &run.id,
        began: run.began,
        ended: run.ended,
        hosts: &run.hosts,
    };
    write_plain(&document, &mut out)
}
