//! Writing a bundle.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::{DEEPEST, Error, LARGEST, MOST_FILES, SUMS, file, refused};
use crate::observe::facts::hex;

/// A file that goes into a bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// What it is called there, with `/` between folders.
    pub name: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// The files of folders of reports, each under `report`, or `report-1`, `report-2` and so on where there are several. Refuses
/// links and whatever else is no file: what they lead to was not meant.
pub fn reports(folders: &[PathBuf]) -> Result<Vec<Content>, Error> {
    let mut files = Vec::new();
    for (number, folder) in (1..).zip(folders) {
        let name =
            if folders.len() == 1 { "report".to_owned() } else { format!("report-{number}") };
        gather(folder, &name, 1, &mut files)?;
    }
    Ok(files)
}

fn gather(folder: &Path, name: &str, depth: usize, files: &mut Vec<Content>) -> Result<(), Error> {
    let forbidden = |name: &str, what: &str| Error::Forbidden {
        path: folder.to_owned(),
        name: name.to_owned(),
        what: what.to_owned(),
    };
    if depth >= DEEPEST {
        return Err(forbidden(name, "its folders are too deep"));
    }
    for entry in fs::read_dir(folder).map_err(file(folder))? {
        let entry = entry.map_err(file(folder))?;
        let (path, own) = (entry.path(), entry.file_name());
        let own = own.to_str().ok_or_else(|| {
            forbidden(&own.to_string_lossy(), "its name is no text; name it otherwise")
        })?;
        let name = format!("{name}/{own}");
        let sort = entry.file_type().map_err(file(&path))?;
        if sort.is_dir() {
            gather(&path, &name, depth.saturating_add(1), files)?;
        } else if sort.is_file() {
            files.push(Content { name, path });
        } else {
            return Err(forbidden(
                &name,
                "it is a link or a device, and only files are handed over",
            ));
        }
        if files.len() > MOST_FILES {
            let most = u64::try_from(MOST_FILES).unwrap_or(u64::MAX);
            return Err(Error::TooLarge { path: folder.to_owned(), most, what: "files" });
        }
    }
    Ok(())
}

/// Writes the bundle of these files to `out`, which is called `bundle`. Each is read twice: for its digest, and to be written.
pub fn pack(mut files: Vec<Content>, bundle: &Path, out: &mut dyn Write) -> Result<(), Error> {
    files.sort();
    let mut sums = String::new();
    let mut digests = Vec::new();
    let mut bytes: u64 = 0;
    for Content { name, path } in &files {
        if let Some(what) = refused(name) {
            let (path, name, what) = (path.clone(), name.clone(), what.to_owned());
            return Err(Error::Forbidden { path, name, what });
        }
        let (length, digest) = digest(path)?;
        bytes = bytes.saturating_add(length);
        if bytes > LARGEST {
            return Err(Error::TooLarge { path: path.clone(), most: LARGEST, what: "bytes" });
        }
        sums.extend([&*digest, "  ", name, "\n"]);
        digests.push((length, digest));
    }
    let unwritten = file(bundle);
    let mut tar = Builder::new(out);
    let length = u64::try_from(sums.len()).unwrap_or(u64::MAX);
    tar.append(&header(SUMS, length).map_err(&unwritten)?, sums.as_bytes()).map_err(&unwritten)?;
    for (Content { name, path }, (length, digest)) in files.iter().zip(digests) {
        let opened = File::open(path).map_err(file(path))?;
        let mut read = Digested { inner: opened.take(length), hash: Sha256::new(), read: 0 };
        let header = header(name, length).map_err(&unwritten)?;
        tar.append(&header, &mut read).map_err(&unwritten)?;
        if read.read != length || hex(&read.hash.finalize()) != digest {
            return Err(Error::Moved { path: path.clone() });
        }
    }
    tar.finish().map_err(&unwritten)
}

/// The head of a file in the tar: of nobody, of no time.
fn header(name: &str, length: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_path(name)?;
    header.set_size(length);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// The length of a file and its digest.
fn digest(path: &Path) -> Result<(u64, String), Error> {
    let inner = File::open(path).map_err(file(path))?;
    let mut read = Digested { inner, hash: Sha256::new(), read: 0 };
    io::copy(&mut read, &mut io::sink()).map_err(file(path))?;
    Ok((read.read, hex(&read.hash.finalize())))
}

/// What is read, and its digest so far.
struct Digested<R> {
    inner: R,
    hash: Sha256,
    read: u64,
}

impl<R: io::Read> io::Read for Digested<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
