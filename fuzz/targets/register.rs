//! Any bytes as a file of a register: read within its bounds or refused, and what is read loads, is held against nothing, and
//! its guess is a mapping that reads as itself.

use sekisho::{
    assess::{Outcome, Seen, reconcile},
    import::{File, Mapping, load, sheet::LONGEST_CELL},
    time::Timestamp,
};

/// Reads `input` as a file of tables, and makes a register of it.
pub(crate) fn run(input: &[u8]) {
    let Ok(file) = File::parse("register", input) else { return };
    for row in file.sheets.iter().flat_map(|sheet| &sheet.rows) {
        // What is resolved into other characters may grow, and only so much.
        assert!(row.cells.iter().all(|cell| cell.chars().count() <= 18 * LONGEST_CELL));
    }
    let files = [file];
    let loaded = load(&files, &Mapping::default(), &[], Timestamp::default());
    let loaded = loaded.expect("without a mapping nothing is refused");
    let seen = Seen { points: &[], hosts: &[], coverage: &[] };
    let held = reconcile(&loaded.register, &seen);
    assert_eq!(held.lines.len(), loaded.register.entries.len());
    assert!(held.lines.iter().all(|line| matches!(line.outcome, Outcome::NotSeen { .. })));
    let written = Mapping::written(&loaded.readings);
    let mapping = Mapping::parse(&written, "map.toml");
    assert!(mapping.is_ok(), "what was written cannot be read again: {mapping:?}\n{written}");
}
