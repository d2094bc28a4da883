//! Sealing a bundle with `age`: by a passphrase, or for the keys of those who may open it.
//!
//! A program that was built without the feature `encrypt` has the same options, which say so.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Write},
    path::{Path, PathBuf},
};

/// How an `age` file begins.
const BEGINNING: &[u8] = b"age-encryption.org/v1";

/// How an `age` file begins that was made text.
const ARMOUR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE";

/// How many bytes a file with a passphrase or with keys may have.
const LARGEST_KEY: u64 = 1 << 16;

/// How many recipients a bundle may have.
const MOST_RECIPIENTS: usize = 64;

/// How a passphrase is stretched: two to this power; about a second.
#[cfg(feature = "encrypt")]
const WORK: u8 = 18;

/// The most of that which is done to open a bundle that somebody sent.
#[cfg(feature = "encrypt")]
const MOST_WORK: u8 = 20;

/// By what a bundle is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// By nothing.
    Open,
    /// By a passphrase.
    Passphrase(String),
    /// For these recipients, `age1…` each.
    Recipients(Vec<String>),
}

/// By what a bundle is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Nothing was given.
    None,
    /// A passphrase.
    Passphrase(String),
    /// A file of keys, `AGE-SECRET-KEY-1…` on a line each.
    Identities(String),
}

/// What can be wrong with sealing and opening.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program was built without it.
    #[error(
        "this program was built without encryption; seal or open the bundle with the program `age`"
    )]
    NotBuilt,
    /// The text of a recipient is none.
    #[error(
        "`{text}` is no recipient; one begins with `age1`, and `age-keygen -y` tells it of a key"
    )]
    Recipient {
        /// The text.
        text: String,
    },
    /// There are too many.
    #[error("{count} recipients, and at most {MOST_RECIPIENTS} are taken")]
    Recipients {
        /// How many.
        count: usize,
    },
    /// The file has no passphrase in it.
    #[error("{} holds no passphrase; write it on the first line", path.display())]
    NoPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file has no key in it.
    #[error(
        "there is no key in the file that --identity names; one begins with `AGE-SECRET-KEY-1`, and `age-keygen` makes it"
    )]
    NoIdentity,
    /// A key cannot be read.
    #[error(
        "--identity: line {line} is no key of the kind `AGE-SECRET-KEY-1…`; other kinds are opened by the program `age`"
    )]
    Identity {
        /// Its line.
        line: usize,
    },
    /// A file with a secret cannot be read.
    #[error("{}: {source}; check that it is there and that you may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bundle is sealed, and nothing was given to open it.
    #[error(
        "the bundle is sealed; give --passphrase-file, or --identity for one that was sealed for keys"
    )]
    Sealed,
    /// It is sealed the other way.
    #[error("the bundle is sealed {sealed}; give {give}")]
    Otherwise {
        /// How it is sealed.
        sealed: &'static str,
        /// What opens it.
        give: &'static str,
    },
    /// The passphrase or key is not the one.
    #[error("{what} does not open the bundle; ask whoever sealed it")]
    Wrong {
        /// What was given.
        what: &'static str,
    },
    /// It was made text.
    #[error("the bundle is sealed and made text; open it by `age -d` first")]
    Armoured,
    /// It takes longer to open than is sensible.
    #[error(
        "the bundle asks for more work to open than is sensible; open it by `age -d` if you know who made it"
    )]
    Excessive,
    /// Its head cannot be read.
    #[error(
        "the bundle is sealed, but its head is cut off or was changed; get it again from whoever made it"
    )]
    Damaged,
    /// It cannot be written.
    #[error("cannot be written ({0}); check that its disk has room")]
    Unwritten(#[from] io::Error),
}

/// Reads a passphrase: the first line of a file, or of standard input where the file is `-`.
pub fn passphrase(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut line = String::new();
    BufReader::new(source.take(LARGEST_KEY)).read_line(&mut line).map_err(unreadable)?;
    let passphrase = line.trim_end_matches(['\r', '\n']);
    if passphrase.trim().is_empty() {
        return Err(Error::NoPassphrase { path: path.to_owned() });
    }
    Ok(passphrase.to_owned())
}

/// Reads a file of keys.
pub fn identities(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let opened = File::open(path).map_err(unreadable)?;
    opened.take(LARGEST_KEY).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Checks a lock before anything is made: whether its recipients are some, and whether the program can seal at all.
pub fn check(lock: &Lock) -> Result<(), Error> {
    match lock {
        Lock::Open => Ok(()),
        Lock::Recipients(all) if all.len() > MOST_RECIPIENTS => {
            Err(Error::Recipients { count: all.len() })
        }
        _ => by_age::check(lock),
    }
}

/// Writes what `content` writes, sealed.
pub fn sealed<E: From<Error>>(
    lock: &Lock,
    out: &mut dyn Write,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    match lock {
        Lock::Open => content(out),
        _ => by_age::sealed(lock, out, content),
    }
}

/// What a bundle holds, opened where it is sealed.
pub(super) fn opened(key: &Key, mut input: Box<dyn Read>) -> Result<Box<dyn Read>, Error> {
    let mut beginning = Vec::new();
    let longest = BEGINNING.len().max(ARMOUR.len());
    input.by_ref().take(u64::try_from(longest).unwrap_or(u64::MAX)).read_to_end(&mut beginning)?;
    let is_sealed = beginning.starts_with(BEGINNING);
    if beginning.starts_with(ARMOUR) {
        return Err(Error::Armoured);
    }
    let whole: Box<dyn Read> = Box::new(io::Cursor::new(beginning).chain(input));
    match key {
        _ if !is_sealed => Ok(whole),
        Key::None => Err(Error::Sealed),
        _ => by_age::opened(key, whole),
    }
}

#[cfg(feature = "encrypt")]
mod by_age {
    use std::io::{self, Read, Write};

    use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt, secrecy, x25519};

    use super::{Error, Key, Lock, MOST_WORK, WORK};

    pub(super) fn check(lock: &Lock) -> Result<(), Error> {
        recipients(lock).map(drop)
    }

    fn recipients(lock: &Lock) -> Result<Vec<Box<dyn Recipient>>, Error> {
        match lock {
            Lock::Open => Ok(Vec::new()),
            Lock::Passphrase(passphrase) => {
                let mut one =
                    scrypt::Recipient::new(secrecy::SecretString::from(passphrase.clone()));
                one.set_work_factor(WORK);
                Ok(vec![Box::new(one)])
            }
            Lock::Recipients(all) => all
                .iter()
                .map(|text| match text.parse::<x25519::Recipient>() {
                    Ok(one) => Ok(Box::new(one) as Box<dyn Recipient>),
                    Err(_) => Err(Error::Recipient { text: text.chars().take(100).collect() }),
                })
                .collect(),
        }
    }

    pub(super) fn sealed<E: From<Error>>(
        lock: &Lock,
        out: &mut dyn Write,
        content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let recipients = recipients(lock)?;
        let refused =
            |error: age::EncryptError| Error::Unwritten(io::Error::other(error.to_string()));
        let seal =
            Encryptor::with_recipients(recipients.iter().map(|one| &**one)).map_err(refused)?;
        let mut stream = seal.wrap_output(out).map_err(Error::Unwritten)?;
        content(&mut stream)?;
        stream.finish().map_err(Error::Unwritten)?;
        Ok(())
    }

    pub(super) fn opened(key: &Key, input: Box<dyn Read>) -> Result<Box<dyn Read>, Error> {
        let sealed = Decryptor::new(input).map_err(|error| told(key, error))?;
        let identities = identities(key)?;
        let (asks, has) = (sealed.is_scrypt(), matches!(key, Key::Passphrase(_)));
        if asks != has {
            let (sealed, give) = if asks {
                ("by a passphrase", "--passphrase-file")
            } else {
                ("for keys", "--identity")
            };
            return Err(Error::Otherwise { sealed, give });
        }
        let stream = sealed
            .decrypt(identities.iter().map(|one| &**one))
            .map_err(|error| told(key, error))?;
        Ok(Box::new(stream))
    }

    fn identities(key: &Key) -> Result<Vec<Box<dyn Identity>>, Error> {
        let text = match key {
            Key::None => return Err(Error::Sealed),
            Key::Passphrase(passphrase) => {
                let mut one =
                    scrypt::Identity::new(secrecy::SecretString::from(passphrase.clone()));
                one.set_max_work_factor(MOST_WORK);
                return Ok(vec![Box::new(one)]);
            }
            Key::Identities(text) => text,
        };
        let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        let keys: Vec<Box<dyn Identity>> = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(line, text)| match text.parse::<x25519::Identity>() {
                Ok(one) => Ok(Box::new(one) as Box<dyn Identity>),
                Err(_) => Err(Error::Identity { line }),
            })
            .collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(Error::NoIdentity) } else { Ok(keys) }
    }

    fn told(key: &Key, error: DecryptError) -> Error {
        match error {
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys => Error::Wrong {
                what: if matches!(key, Key::Passphrase(_)) { "the passphrase" } else { "the key" },
            },
            DecryptError::ExcessiveWork { .. } => Error::Excessive,
            _ => Error::Damaged,
        }
    }
}

#[cfg(not(feature = "encrypt"))]
mod by_age {
    use std::io::{Read, Write};

    use super::{Error, Key, Lock};

    pub(super) fn check(_lock: &Lock) -> Result<(), Error> {
        Err(Error::NotBuilt)
    }

    pub(super) fn sealed<E: From<Error>>(
        _lock: &Lock,
        _out: &mut dyn Write,
        _content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        Err(Error::NotBuilt.into())
    }

    pub(super) fn opened(_key: &Key, _input: Box<dyn Read>) -> Result<Box<dyn Read>, Error> {
        Err(Error::NotBuilt)
    }
}
