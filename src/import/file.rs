//! A file with tables, whatever its format.

use std::{fmt::Write as _, fs, io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

use super::{
    Error, Problem, separated,
    sheet::{Room, Sheet},
    workbook,
};

/// The largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 64 << 20;

/// A file as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its name, without its folder.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// Its sheets, in their order.
    pub sheets: Vec<Sheet>,
}

impl File {
    /// Opens a file of tables.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_FILE) {
            return Err(Error::TooLarge { path: path.to_owned(), most: LARGEST_FILE });
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Self::parse(&name, &bytes).map_err(|problem| Error::File { path: path.to_owned(), problem })
    }

    /// Reads the bytes of a file of tables: what it is stands in its first bytes, not in its name.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let mut room = Room::default();
        let sheets = match bytes {
            [] => return Err(Problem::NoTable("it is empty")),
            [b'P', b'K', 3, 4, ..] => workbook::read_archive(bytes, &mut room)?,
            [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
                workbook::read_xls(bytes, &mut room)?
            }
            [b'M', b'Z', ..] | [0x7f, b'E', b'L', b'F', ..] => {
                return Err(Problem::NoTable("it is a program"));
            }
            [b'%', b'P', b'D', b'F', ..] => return Err(Problem::NoTable("it is a PDF")),
            _ => vec![separated::read(bytes, &mut room)?],
        };
        let mut digest = String::new();
        for byte in Sha256::digest(bytes) {
            let _ = write!(digest, "{byte:02x}");
        }
        Ok(Self { name: name.to_owned(), digest, sheets })
    }
}
