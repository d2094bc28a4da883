//! What the demo and simulated servers are made of, kept in the program: networks, certificates, and the one key.

use include_dir::{Dir, include_dir};

/// `fixtures/networks`.
static NETWORKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/networks");

/// A file of `fixtures/networks`, as text.
pub(super) fn text(name: &str) -> Option<&'static str> {
    NETWORKS.get_file(name)?.contents_utf8()
}

/// The certificate with this name.
pub(super) fn certificate(name: &str) -> Option<&'static [u8]> {
    NETWORKS.get_file(format!("keys/{name}.crt")).map(include_dir::File::contents)
}

/// The key of every certificate. It was made for the simulation and protects nothing.
pub(super) fn key() -> Option<&'static [u8]> {
    NETWORKS.get_file("keys/simulation.key").map(include_dir::File::contents)
}

/// The names of all certificates.
pub(super) fn names() -> Vec<&'static str> {
    let files = NETWORKS.get_dir("keys").into_iter().flat_map(Dir::files);
    files
        .map(include_dir::File::path)
        .filter(|path| path.extension().is_some_and(|end| end == "crt"))
        .filter_map(|path| path.file_stem()?.to_str())
        .collect()
}
