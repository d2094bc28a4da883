//! Where results go: standard output, or a file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file, its folder or its disk does not take it.
    #[error("{}: cannot be written ({source}); check that the folder exists, that you may write to it and that it has room", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output does not take it.
    #[error("standard output: cannot be written ({source}); check that what it goes to has room")]
    Stdout {
        /// What the system says.
        source: io::Error,
    },
    /// Two results would be mixed, or one would replace the other.
    #[error("{first} and {second} both go to {}; give one of them another file", path.display())]
    Twice {
        /// One option.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Where both go.
        path: PathBuf,
    },
}

/// Whether `path` stands for standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses options with files that could not be written, or that are the same: better now than after hours.
pub(super) fn check(options: &[(&'static str, Option<&Path>)]) -> Result<(), Error> {
    let mut taken: Vec<(&'static str, &Path)> = Vec::new();
    for (option, path) in options.iter().filter_map(|(option, path)| Some((*option, (*path)?))) {
        if let Some((first, _)) = taken.iter().find(|(_, other)| *other == path) {
            return Err(Error::Twice { first, second: option, path: path.to_owned() });
        }
        taken.push((option, path));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let problem = if path.is_dir() {
            Some(io::ErrorKind::IsADirectory)
        } else {
            folder.filter(|folder| !folder.is_dir()).map(|_| io::ErrorKind::NotFound)
        };
        if let Some(kind) = problem.filter(|_| !is_stdout(path)) {
            return Err(Error::File { path: path.to_owned(), source: kind.into() });
        }
    }
    Ok(())
}

/// Writes a result to `path`, or to standard output for `-`. A file is written beside its place and moved
/// there when it is whole.
pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    write_by(path, File::options().write(true).create(true).truncate(true), content)
}

/// The same; a file that is made may be read by its owner only.
pub(super) fn write_for_owner(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write_by(path, &options, content)
}

fn write_by(
    path: &Path,
    options: &fs::OpenOptions,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    if is_stdout(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        return content(&mut out)
            .and_then(|()| out.flush())
            .map_err(|source| Error::Stdout { source });
    }
    let refused = |source| Error::File { path: path.to_owned(), source };
    // A link stays a link to what it names.
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if place.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir()) {
        // A device or a pipe takes it as it comes, and must not be replaced by a file.
        let mut out = BufWriter::new(File::options().write(true).open(&place).map_err(refused)?);
        return content(&mut out).and_then(|()| out.flush()).map_err(refused);
    }
    let mut beside = place.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let written = options.open(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, &place)
    });
    written.map_err(|source| {
        // The part is of no use, and may be what fills the disk.
        let _ = fs::remove_file(&beside);
        refused(source)
    })
}

/// Makes the folder for a report.
pub(super) fn folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_takes_a_result_and_stays_a_pipe() {
        let desk = tempfile::tempdir().unwrap();
        let pipe = desk.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, |out| out.write_all(b"points")).unwrap();
        assert!(!pipe.metadata().unwrap().is_file());
        assert_eq!(reader.join().unwrap(), b"points");
    }

    #[test]
    fn a_link_stays_a_link_to_the_newest_result() {
        let desk = tempfile::tempdir().unwrap();
        let (file, link) = (desk.path().join("points.json"), desk.path().join("latest"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, |out| out.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn two_results_do_not_go_to_one_place() {
        let (out, other) = (Path::new("-"), Path::new("x.json"));
        assert!(check(&[("--json", Some(out)), ("--observations", Some(other))]).is_ok());
        let error = check(&[("--json", Some(out)), ("--observations", Some(out))]).unwrap_err();
        assert!(error.to_string().contains("--json and --observations both go to -"), "{error}");
        assert!(check(&[("--json", Some(Path::new("/no/such/folder/x.json")))]).is_err());
    }
}
