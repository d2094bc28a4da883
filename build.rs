//! What is compiled in: signatures without their proof, which `tests/signatures.rs` runs from the files, in a form that is
//! read in a few milliseconds.

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

/// What only proves a rule.
const PROOF: [&str; 2] = ["example", "unlike"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=signatures");
    println!("cargo::rerun-if-changed=advisories");
    println!("cargo::rerun-if-changed=checklists");
    let mut signatures = Map::new();
    for role in below(Path::new("signatures"))?.iter().filter(|path| path.is_dir()) {
        for file in below(role)? {
            let named = |what: &dyn Error| format!("{}: {what}", file.display());
            let text = fs::read_to_string(&file).map_err(|error| named(&error))?;
            let mut signature: Value = toml::from_str(&text).map_err(|error| named(&error))?;
            let rules = signature.get_mut("rule").and_then(Value::as_array_mut);
            for rule in rules.into_iter().flatten().filter_map(Value::as_object_mut) {
                rule.retain(|key, _| !PROOF.contains(&key.as_str()));
            }
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            signatures.insert(name, signature);
        }
    }
    let folder = env::var_os("OUT_DIR").ok_or("no OUT_DIR: cargo sets it")?;
    fs::write(Path::new(&folder).join("signatures.json"), serde_json::to_vec(&signatures)?)?;
    Ok(())
}

/// What is in a folder.
fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}
