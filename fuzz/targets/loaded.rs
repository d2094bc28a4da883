//! Any bytes as knowledge to load: reading ends within its bounds, and what is accepted can be asked.
//!
//! Input: a byte for the kind, then the file.

use sekisho::fingerprint::loaded::{Collection, File, Kind};

const KINDS: [Kind; 4] = [Kind::Recog, Kind::ServiceProbes, Kind::VendorIds, Kind::Hardware];

/// A field of each kind.
const FIELDS: [&str; 4] = ["http.header.server", "ssh.banner", "ike.vendor_id", "mac.oui"];

/// Reads `input` as a file of its kind, and asks what it gives about a piece of itself.
pub(crate) fn run(input: &[u8]) {
    let Some((which, bytes)) = input.split_first() else { return };
    let which = usize::from(*which) % KINDS.len();
    let (Some(kind), Some(field)) = (KINDS.get(which), FIELDS.get(which)) else { return };
    let _ = Kind::of(bytes);
    let files = [File { name: "file.xml".to_owned(), bytes: bytes.to_vec() }];
    match Collection::prove("fuzz", *kind, &files) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(findings) => {
            let counts = findings.counts;
            assert!(counts.usable <= counts.rules && counts.passed <= counts.examples);
            let text =
                String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default());
            for evidence in findings.collection.evidence(field, &text) {
                assert_eq!(evidence.collection, Some("fuzz"));
            }
            let again = Collection::trust("fuzz", *kind, &files, findings.left_out);
            assert!(again.is_ok(), "what was proved cannot be read again: {again:?}");
        }
    }
}
