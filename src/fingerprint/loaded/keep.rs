//! Where loaded knowledge lies: what is to be loaded is found here, copied whole or not at all, listed and taken away.
//!
//! `knowledge/<name>/` in the user's data folder holds `manifest.toml` and the files as they were. What is used later is
//! the copy, and only while it is what was loaded.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Collection, Counts, Error, File, Findings, Kind, Loaded};

/// How large one file may be, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// How much a collection may have in all, in bytes.
const LARGEST_COLLECTION: u64 = 256 << 20;

/// How many files a collection may have.
const MOST_FILES: usize = 2048;

/// How many collections are kept.
const MOST_COLLECTIONS: usize = 64;

/// How much of a file is looked at for its licence, in bytes.
const LICENCE_WITHIN: usize = 16 << 10;

/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 40;

/// The folder of collections, below the data folder.
const KNOWLEDGE: &str = "knowledge";

/// The page that says what a collection is, and the folder of its files.
const MANIFEST: &str = "manifest.toml";
const FILES: &str = "files";

/// Names of files that a licence stands in.
const LICENCES: [&str; 6] =
    ["LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING", "COPYING.txt", "LICENCE"];

/// What texts of licences have in them, the most particular first, and the names of those.
static KNOWN_LICENCES: &[(&[&str], &str)] = &[
    (&["Nmap Public Source"], "Nmap Public Source License"),
    (&["License: BSD-2"], "BSD-2-Clause"),
    (&["Redistribution and use in source and binary forms", "Neither the name"], "BSD-3-Clause"),
    (&["Redistribution and use in source and binary forms"], "BSD-2-Clause"),
    (&["GNU General Public License", "either version 3"], "GPL-3.0-or-later"),
    (&["GNU General Public License", "either version 2"], "GPL-2.0-or-later"),
    (&["GNU GENERAL PUBLIC LICENSE", "Version 3"], "GPL-3.0"),
    (&["GNU GENERAL PUBLIC LICENSE", "Version 2"], "GPL-2.0"),
    (&["Permission is hereby granted, free of charge"], "MIT"),
];

/// What marks a licence in the words of the SPDX list.
const SPDX: &str = "SPDX-License-Identifier:";

/// What is said of a list whose registry states no licence.
const NONE_STATED: &str = "none stated by the registry";

/// What was found at a path.
#[derive(Debug)]
pub struct Found {
    /// The path.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The licence that it states.
    pub licence: Option<String>,
    /// Its files.
    pub files: Vec<File>,
    /// When each was changed last (RFC 3339), where the system tells.
    pub modified: Vec<Option<String>>,
}

/// The page of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The collection's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Under which licence its source gives it.
    pub licence: String,
    /// Where it was read from.
    pub origin: String,
    /// Rules that cannot be used, or miss their own examples.
    #[serde(default)]
    pub left_out: BTreeSet<String>,
    /// How much there is.
    pub counts: Counts,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<Kept>,
}

/// A file of a collection, as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name below the collection's files.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// What it is (SHA-256, hexadecimal digits).
    pub sha256: String,
    /// When its original was changed last (RFC 3339).
    pub modified: Option<String>,
}

/// Finds out what `path` is, by its content, and reads all of it.
pub fn find(path: &Path) -> Result<Found, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut gathered = Gathered::default();
    let mut beside = Vec::new();
    let kind = if fs::metadata(path).map_err(unreadable)?.is_dir() {
        // A checkout has its rules in `xml`, and its licence beside that.
        let inner = path.join("xml");
        let mut folder = path;
        let mut names = xml_files(folder)?;
        if names.is_empty() && inner.is_dir() {
            folder = &inner;
            names = xml_files(folder)?;
        }
        beside.extend([folder.to_owned(), folder.join("..")]);
        for name in names {
            let file = gathered.read(&folder.join(&name), &name)?;
            if Kind::of(&file.bytes) != Some(Kind::Recog) {
                continue;
            }
            gathered.add(file, &folder.join(&name));
            if let Some(stem) = name.strip_suffix(".xml") {
                gathered.examples(&folder.join(stem), stem)?;
            }
        }
        if gathered.files.is_empty() {
            return Err(Error::Empty { path: path.to_owned() });
        }
        Kind::Recog
    } else {
        let name = path.file_name().unwrap_or(OsStr::new("file")).to_string_lossy().into_owned();
        let name = if is_plain(&name) { name } else { "file".to_owned() };
        let file = gathered.read(path, &name)?;
        let kind =
            Kind::of(&file.bytes).ok_or(Error::Unknown { file: path.display().to_string() })?;
        let stem = name.strip_suffix(".xml").map(str::to_owned);
        let file = match (&stem, kind) {
            (None, Kind::Recog) => File { name: format!("{name}.xml"), ..file },
            _ => file,
        };
        gathered.add(file, path);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        if let (Some(stem), Kind::Recog) = (stem, kind) {
            gathered.examples(&parent.join(&stem), &stem)?;
        }
        beside.push(parent.to_owned());
        kind
    };
    let licence = licence(kind, &gathered.files, &beside);
    let Gathered { files, modified, .. } = gathered;
    Ok(Found { path: path.to_owned(), kind, licence, files, modified })
}

/// Files that are being read, within bounds.
#[derive(Default)]
struct Gathered {
    files: Vec<File>,
    modified: Vec<Option<String>>,
    bytes: u64,
}

impl Gathered {
    fn read(&mut self, path: &Path, name: &str) -> Result<File, Error> {
        let too_large = |problem: String| Error::TooLarge { path: path.to_owned(), problem };
        if self.files.len() >= MOST_FILES {
            return Err(too_large(format!(
                "is one file more than {MOST_FILES}; load a smaller folder"
            )));
        }
        let bytes = read_bounded(path)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > LARGEST_COLLECTION {
            let problem = format!(
                "there are more than {LARGEST_COLLECTION} bytes in all; load a smaller folder"
            );
            return Err(too_large(problem));
        }
        Ok(File { name: name.to_owned(), bytes })
    }

    fn add(&mut self, file: File, path: &Path) {
        let modified = fs::metadata(path).and_then(|data| data.modified()).ok();
        let modified = modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
        self.modified.push(
            modified
                .and_then(|time| time.round(jiff::Unit::Second).ok().map(|time| time.to_string())),
        );
        self.files.push(file);
    }

    /// The examples of a file of rules, in the folder that has its name.
    fn examples(&mut self, folder: &Path, stem: &str) -> Result<(), Error> {
        if !folder.is_dir() {
            return Ok(());
        }
        for name in names_in(folder)? {
            let path = folder.join(&name);
            if path.is_file() {
                let file = self.read(&path, &format!("{stem}/{name}"))?;
                self.add(file, &path);
            }
        }
        Ok(())
    }
}

/// The whole of a file that is not too large.
fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is no file")));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        let problem = format!("is larger than {LARGEST_FILE} bytes; is it the right file?");
        return Err(Error::TooLarge { path: path.to_owned(), problem });
    }
    Ok(bytes)
}

/// The names in a folder that can be names of kept files, in order.
fn names_in(folder: &Path) -> Result<Vec<String>, Error> {
    let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if is_plain(&name) {
            names.push(name);
        }
        if names.len() > MOST_FILES {
            let problem = format!("has more than {MOST_FILES} files in it; load a smaller folder");
            return Err(Error::TooLarge { path: folder.to_owned(), problem });
        }
    }
    names.sort();
    Ok(names)
}

fn xml_files(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = names_in(folder)?;
    names.retain(|name| name.strip_suffix(".xml").is_some() && folder.join(name).is_file());
    Ok(names)
}

/// Whether a name is one part of a path, of letters that no file system minds.
fn is_plain(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    letters && !name.is_empty() && name.len() <= 100 && !name.starts_with('.')
}

/// The licence that a source states in its own files, or in a file for that beside them.
fn licence(kind: Kind, files: &[File], beside: &[PathBuf]) -> Option<String> {
    let own = files.first().map(|file| stated(&file.bytes)).unwrap_or_default();
    let stands_beside = || {
        let paths = beside.iter().flat_map(|folder| LICENCES.map(|name| folder.join(name)));
        paths.filter_map(|path| read_bounded(&path).ok()).find_map(|bytes| stated(&bytes))
    };
    let registrys = || {
        let text = files.first().map(|file| String::from_utf8_lossy(&file.bytes))?;
        let form = super::Form::of(&text).filter(|_| kind == Kind::Hardware)?;
        form.is_registrys().then(|| NONE_STATED.to_owned())
    };
    own.or_else(registrys).or_else(stands_beside)
}

/// The licence that the beginning of a text states.
fn stated(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes.get(..LICENCE_WITHIN).unwrap_or(bytes));
    if let Some((_, after)) = text.split_once(SPDX) {
        let words = after.lines().next().unwrap_or_default();
        let words = super::says::one_line(words.trim_end_matches(['*', '/', '-', '>', ' ']));
        if !words.is_empty() {
            return Some(words);
        }
    }
    // A sentence may be broken where lines end, with marks of a comment between.
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| !matches!(*word, "#" | "*" | "//")).collect();
    let text = words.join(" ");
    let known =
        KNOWN_LICENCES.iter().find(|(marks, _)| marks.iter().all(|mark| text.contains(mark)));
    known.map(|(_, name)| (*name).to_owned())
}

/// The folder of collections below a data folder.
fn knowledge(data: &Path) -> PathBuf {
    data.join(KNOWLEDGE)
}

/// Whether a text can be the name of a collection.
pub fn check_name(name: &str) -> Result<(), Error> {
    let letters = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if letters && name.len() <= LONGEST_NAME && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(Error::Name { name: name.to_owned() })
    }
}

/// The name that a collection has where nobody gave it another: of a folder and of service probes its kind's, otherwise
/// the file's.
pub fn usual_name(found: &Found) -> String {
    let file = found.files.first().map_or("", |file| file.name.as_str()).to_lowercase();
    let file = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
    match found.kind {
        Kind::ServiceProbes => found.kind.name().to_owned(),
        _ if !found.path.is_dir() && check_name(file).is_ok() => file.to_owned(),
        kind => kind.name().to_owned(),
    }
}

/// Keeps what was found under a name: whole, or not at all. What had the name before is replaced.
pub fn keep(
    data: &Path,
    name: &str,
    licence: &str,
    found: &Found,
    findings: &Findings,
) -> Result<Manifest, Error> {
    check_name(name)?;
    let folder = knowledge(data);
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Unwritable { path, source }
    };
    if names(&folder)?.iter().filter(|other| *other != name).count() >= MOST_COLLECTIONS {
        let problem = format!(
            "has {MOST_COLLECTIONS} collections already; take one away with `sekisho signatures unload NAME`"
        );
        return Err(Error::TooLarge { path: folder, problem });
    }
    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let manifest = Manifest {
        name: name.to_owned(),
        kind: found.kind,
        licence: super::says::one_line(licence),
        origin: super::says::one_line(&found.path.display().to_string()),
        left_out: findings.left_out.clone(),
        counts: findings.counts,
        files: found
            .files
            .iter()
            .zip(&found.modified)
            .map(|(file, modified)| kept(file, modified.clone()))
            .collect(),
    };
    let part = folder.join(format!(".{name}.part"));
    let old = folder.join(format!(".{name}.old"));
    for rest in [&part, &old] {
        if rest.exists() {
            fs::remove_dir_all(rest).map_err(unwritable(rest))?;
        }
    }
    let written = write_all(&part, &manifest, &found.files);
    if let Err((path, source)) = written {
        // A part is of no use, and may be what fills the disk.
        let _ = fs::remove_dir_all(&part);
        return Err(Error::Unwritable { path, source });
    }
    let place = folder.join(name);
    if place.exists() {
        fs::rename(&place, &old).map_err(unwritable(&place))?;
    }
    if let Err(source) = fs::rename(&part, &place) {
        let _ = fs::rename(&old, &place);
        return Err(Error::Unwritable { path: place, source });
    }
    let _ = fs::remove_dir_all(&old);
    Ok(manifest)
}

fn kept(file: &File, modified: Option<String>) -> Kept {
    Kept {
        name: file.name.clone(),
        bytes: file.bytes.len() as u64,
        sha256: digest(&file.bytes),
        modified,
    }
}

fn digest(bytes: &[u8]) -> String {
    crate::observe::facts::hex(&Sha256::digest(bytes))
}

fn write_all(part: &Path, manifest: &Manifest, files: &[File]) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| (path, source)
    };
    let text =
        toml::to_string(manifest).map_err(|error| (part.to_owned(), io::Error::other(error)))?;
    let pages = files.iter().map(|file| (part.join(FILES).join(&file.name), &*file.bytes));
    for (path, bytes) in pages.chain([(part.join(MANIFEST), text.as_bytes())]) {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let mut file = fs::File::create(&path).map_err(at(&path))?;
        io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(at(&path))?;
    }
    Ok(())
}

/// The pages of every collection that is kept, in the order of their names. None where nothing was ever kept.
pub fn list(data: &Path) -> Result<Vec<Manifest>, Error> {
    let folder = knowledge(data);
    let names = names(&folder)?;
    names.iter().take(MOST_COLLECTIONS).map(|name| manifest(&folder, name)).collect()
}

/// The names of every collection in a folder of them, whether its page can be read or not.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut names = names_in(folder)?;
    names.retain(|name| check_name(name).is_ok() && folder.join(name).join(MANIFEST).is_file());
    Ok(names)
}

fn manifest(folder: &Path, name: &str) -> Result<Manifest, Error> {
    let path = folder.join(name).join(MANIFEST);
    let changed = |problem: String| Error::Changed { path: path.clone(), problem };
    let text =
        String::from_utf8(read_bounded(&path)?).map_err(|_| changed("is no text".to_owned()))?;
    let manifest: Manifest =
        toml::from_str(&text).map_err(|error| changed(error.message().to_owned()))?;
    let plain =
        |file: &Kept| file.name.split('/').count() <= 2 && file.name.split('/').all(is_plain);
    if manifest.name != name
        || manifest.files.len() > MOST_FILES
        || !manifest.files.iter().all(plain)
    {
        return Err(changed("was written by somebody else".to_owned()));
    }
    Ok(manifest)
}

/// Everything that is kept in a data folder, ready to match with.
pub fn open(data: &Path) -> Result<Loaded, Error> {
    let folder = knowledge(data);
    let mut collections = Vec::new();
    for manifest in list(data)? {
        let mut files = Vec::new();
        for kept in &manifest.files {
            let path = folder.join(&manifest.name).join(FILES).join(&kept.name);
            let bytes = read_bounded(&path)?;
            if digest(&bytes) != kept.sha256 {
                return Err(Error::Changed { path, problem: "is not what was loaded".to_owned() });
            }
            files.push(File { name: kept.name.clone(), bytes });
        }
        collections.push(Collection::trust(
            &manifest.name,
            manifest.kind,
            &files,
            manifest.left_out,
        )?);
    }
    Ok(Loaded::new(collections))
}

/// Takes a collection away.
pub fn remove(data: &Path, name: &str) -> Result<(), Error> {
    check_name(name)?;
    let folder = knowledge(data);
    let place = folder.join(name);
    if !place.join(MANIFEST).is_file() {
        return Err(Error::Missing { path: folder, name: name.to_owned() });
    }
    // Out of sight at once, so that no half of it is ever read.
    let old = folder.join(format!(".{name}.old"));
    if old.exists() {
        fs::remove_dir_all(&old)
            .map_err(|source| Error::Unwritable { path: old.clone(), source })?;
    }
    fs::rename(&place, &old).map_err(|source| Error::Unwritable { path: place, source })?;
    fs::remove_dir_all(&old).map_err(|source| Error::Unwritable { path: old, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_collection_too_many_is_refused_and_a_damaged_one_may_be_loaded_again() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("ids");
        fs::write(&path, "Acme Gate\t^0a1b2c3d4e5f60718293a4b5c6d7e8f9\n").unwrap();
        let found = find(&path).unwrap();
        let findings = Collection::prove("a", found.kind, &found.files).unwrap();
        let kept = |name: &str| keep(data.path(), name, "own work", &found, &findings);
        for number in 0..MOST_COLLECTIONS {
            kept(&format!("a{number}")).unwrap();
        }
        let error = kept("b").unwrap_err().to_string();
        assert!(error.contains("has 64 collections already"), "{error}");
        fs::write(knowledge(data.path()).join("a7").join(MANIFEST), "damaged").unwrap();
        assert!(list(data.path()).is_err());
        kept("a7").unwrap();
        assert_eq!(list(data.path()).unwrap().len(), MOST_COLLECTIONS);
    }
}
