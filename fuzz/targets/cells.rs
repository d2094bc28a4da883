//! Any text as a cell: a day, addresses, hardware addresses, a maker. What is read reads as itself, within its bounds.

use sekisho::import::{
    address::{MOST_ADDRESSES, addresses, is_mac, macs},
    date::{date, date_or_serial},
    makers::{maker, same_maker},
    tidy::{folded, tidy},
};

/// Reads `input` as every sort of cell.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let tidied = tidy(text);
    assert_eq!(tidy(&tidied), tidied);
    assert_eq!(folded(&tidied), folded(text));
    let (found, hardware) = (addresses(text), macs(text));
    assert!(found.len() <= MOST_ADDRESSES && hardware.len() <= MOST_ADDRESSES);
    for address in found {
        assert_eq!(addresses(&address.to_string()).into_iter().next(), Some(address));
    }
    for mac in &hardware {
        assert_eq!(macs(&mac.to_string()).into_iter().next(), Some(*mac));
    }
    assert!(!is_mac(text) || !tidied.is_empty());
    if let Some(day) = date(text).or_else(|| date_or_serial(text)) {
        // A year alone is a number when it is read again.
        assert!(day.len() == 4 || date(&day).as_deref() == Some(&day), "{day}");
    }
    let name = maker(text);
    assert!(name.is_empty() || same_maker(text, text) == Some(true));
}
