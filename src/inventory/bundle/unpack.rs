//! Reading a bundle: every file is held against its digest, and nothing goes where it should not.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tar::{Archive, Entry, EntryType};

use super::{
    Error, LARGEST, LARGEST_SUMS, MOST_FILES, SUMS, file, refused,
    seal::{self, Key},
};
use crate::observe::facts::hex;

/// What was in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Its files, without the list of digests: name and bytes.
    pub files: BTreeMap<String, u64>,
}

/// A folder that is taken away again unless it is kept.
struct Desk(Option<PathBuf>);

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // Half of a bundle is of no use, and may be what fills the disk.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Reads a bundle to its end and checks it; where a folder is given, writes its files there, all or none: the folder must be
/// empty or not there. `wanted` says which files are written.
pub fn unpack(
    bundle: &Path,
    key: &Key,
    folder: Option<&Path>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Unpacked, Error> {
    let opened = File::open(bundle).map_err(file(bundle))?;
    let sealed = |source| Error::Seal { path: bundle.to_owned(), source };
    let stream = seal::opened(key, Box::new(io::BufReader::new(opened))).map_err(sealed)?;
    let has_key = *key != Key::None;
    let Some(folder) = folder else { return read(bundle, has_key, stream, None, wanted) };
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_free {
        return Err(Error::Taken { path: folder.to_owned() });
    }
    let mut beside = folder.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    private(&beside).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Taken { path: beside.clone() },
        _ => file(&beside)(error),
    })?;
    let mut desk = Desk(Some(beside.clone()));
    let unpacked = read(bundle, has_key, stream, Some(&beside), wanted)?;
    fs::rename(&beside, folder).map_err(file(folder))?;
    desk.0 = None;
    Ok(unpacked)
}

/// Makes a folder for its owner only.
fn private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(
    bundle: &Path,
    has_key: bool,
    stream: Box<dyn Read>,
    folder: Option<&Path>,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Unpacked, Error> {
    let cut = |error: io::Error| Error::Cut { path: bundle.to_owned(), what: error.to_string() };
    let not = |what: &str| Error::NotABundle { path: bundle.to_owned(), what: what.to_owned() };
    let mut archive = Archive::new(stream);
    // Raw, so that nothing is read of longer names, links or holes before it is refused.
    let mut entries = archive.entries().map_err(cut)?.raw(true);
    let first = entries.next().ok_or_else(|| not("it is empty"))?;
    let mut first = first.map_err(|error| {
        // What was sealed was a bundle once.
        if has_key { cut(error) } else { not("it is no tar") }
    })?;
    if first.path_bytes().as_ref() != SUMS.as_bytes() || first.size() > LARGEST_SUMS {
        return Err(not("it does not begin with SHA256SUMS"));
    }
    let mut text = String::new();
    first.read_to_string(&mut text).map_err(cut)?;
    let mut sums = listed(bundle, &text)?;
    if let Some(folder) = folder {
        keep(&folder.join(SUMS), &mut text.as_bytes(), &cut)?;
    }
    let mut files = BTreeMap::new();
    let mut bytes: u64 = 0;
    for entry in entries {
        let mut entry = entry.map_err(cut)?;
        let name = allowed(bundle, &entry)?;
        let Some(sum) = sums.remove(&name) else {
            let what = format!("{SUMS} does not name it, or it is there twice");
            return Err(Error::Forbidden { path: bundle.to_owned(), name, what });
        };
        bytes = bytes.saturating_add(entry.size());
        if bytes > LARGEST {
            return Err(Error::TooLarge { path: bundle.to_owned(), most: LARGEST, what: "bytes" });
        }
        let length = entry.size();
        let target = folder.filter(|_| wanted(&name)).map(|folder| folder.join(&name));
        let (read, digest) = match target {
            Some(target) => keep(&target, &mut entry, &cut)?,
            None => copied(&mut entry, &mut io::sink(), &cut, &file(bundle))?,
        };
        if read != length {
            let what = format!("{name} ends after {read} of {length} bytes");
            return Err(Error::Cut { path: bundle.to_owned(), what });
        }
        if digest != sum {
            return Err(Error::Changed { path: bundle.to_owned(), name });
        }
        files.insert(name, length);
    }
    // Only the end of a sealed stream shows that it is whole.
    let mut rest = archive.into_inner();
    io::copy(&mut rest.by_ref().take(LARGEST_SUMS), &mut io::sink()).map_err(cut)?;
    match sums.into_keys().next() {
        Some(name) => {
            Err(Error::Cut { path: bundle.to_owned(), what: format!("{name} is missing") })
        }
        None => Ok(Unpacked { files }),
    }
}

/// The digests by name.
fn listed(bundle: &Path, text: &str) -> Result<BTreeMap<String, String>, Error> {
    let not = |what: String| Error::NotABundle { path: bundle.to_owned(), what };
    let mut sums = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || not(format!("line {number} of {SUMS} is no digest with a name"));
        let (digest, name) = line.split_once("  ").ok_or_else(wrong)?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_digest || refused(name).is_some() || name == SUMS {
            return Err(wrong());
        }
        if sums.insert(name.to_owned(), digest.to_owned()).is_some() {
            return Err(wrong());
        }
        if sums.len() > MOST_FILES {
            let most = u64::try_from(MOST_FILES).unwrap_or(u64::MAX);
            return Err(Error::TooLarge { path: bundle.to_owned(), most, what: "files" });
        }
    }
    Ok(sums)
}

/// The name of a file that may be in a bundle.
fn allowed<R: Read>(bundle: &Path, entry: &Entry<'_, R>) -> Result<String, Error> {
    let bytes = entry.path_bytes();
    let name = String::from_utf8_lossy(&bytes).into_owned();
    let what = match entry.header().entry_type() {
        EntryType::Regular => refused(&name),
        EntryType::Symlink | EntryType::Link => Some("it is a link"),
        _ => Some("it is no plain file"),
    };
    match what {
        None => Ok(name),
        Some(what) => Err(Error::Forbidden {
            path: bundle.to_owned(),
            name: name.chars().take(200).collect(),
            what: what.to_owned(),
        }),
    }
}

/// Writes a file of a bundle, for its owner only, and gives its length and digest.
fn keep(
    target: &Path,
    from: &mut dyn Read,
    cut: &dyn Fn(io::Error) -> Error,
) -> Result<(u64, String), Error> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(file(folder))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut kept = options.open(target).map_err(file(target))?;
    let copied = copied(from, &mut kept, cut, &file(target))?;
    kept.sync_all().map_err(file(target))?;
    Ok(copied)
}

/// Copies to the end, and gives the length and the digest of what was copied.
fn copied(
    from: &mut dyn Read,
    to: &mut dyn Write,
    cut: &dyn Fn(io::Error) -> Error,
    unwritten: &dyn Fn(io::Error) -> Error,
) -> Result<(u64, String), Error> {
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).map_err(cut)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok((length, hex(&hash.finalize())));
        }
        hash.update(piece);
        to.write_all(piece).map_err(unwritten)?;
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}
