//! Any bytes as a recording to go on with: read or refused, and never more than there is.
//!
//! Input: whether the rest is a whole file, or the lines of one that is well-formed (one byte), then that.

use std::path::Path;

use sekisho::{
    link::journal::{Error, Journal},
    probe::resume::Resumed,
    sweep::discover::Progress,
    wire::pcapng,
};

/// Reads `input` as a recording.
pub(crate) fn run(input: &[u8]) {
    let Some((which, rest)) = input.split_first() else { return };
    let file = if which % 2 == 0 { rest.to_vec() } else { recording(rest) };
    match Journal::of(&file[..], Path::new("run.pcapng")) {
        Ok(journal) => {
            assert!(journal.length <= file.len() as u64);
            assert_eq!(journal.torn, journal.length < file.len() as u64);
            assert!(journal.torn || !journal.damaged);
            let whole = &file[..usize::try_from(journal.length).expect("no more than there is")];
            let again = Journal::of(whole, Path::new("run.pcapng")).expect("what is whole reads");
            assert_eq!(again, Journal { torn: false, damaged: false, ..journal.clone() });
            let _ = Resumed::of(&journal);
            let progress = Progress::of(journal.notes.iter().map(String::as_str));
            assert!(progress.hosts.len() + progress.open.len() <= journal.notes.len());
        }
        Err(Error::NotARecording(path)) => assert_eq!(path, Path::new("run.pcapng")),
        Err(error) => panic!("memory can be read: {error}"),
    }
}

/// A recording with these lines in its journal.
pub(crate) fn recording(lines: &[u8]) -> Vec<u8> {
    let mut file = pcapng::section("sekisho 0.0.0", "{}");
    file.extend(pcapng::interface(101, "sekisho conversations"));
    for (at, line) in (0..).zip(lines.split(|byte| *byte == b'\n')) {
        file.extend(pcapng::statistics(0, at, &String::from_utf8_lossy(line)));
    }
    file
}
