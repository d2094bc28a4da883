//! A typeface with Japanese in it, found on this system or given: which glyph a character is, and how wide.

use std::{
    collections::HashMap,
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use krilla::{
    Data,
    text::{Font, Tag},
};
use skrifa::{
    FontRef, MetadataProvider as _,
    instance::{Location, Size},
    raw::{FileRef, TableProvider as _},
    string::StringId,
};

use super::line::Metric;

/// How many folders and files are looked at for a typeface.
const MOST_ENTRIES: usize = 1 << 16;

/// How deep folders of fonts are gone into.
const DEEPEST: usize = 6;

/// Bytes of a font file; the largest collections of Chinese, Japanese and Korean have half of that.
const LARGEST_FILE: u64 = 128 << 20;

/// How many faces of a collection are looked at.
const MOST_FACES: usize = 64;

/// A character that every Japanese typeface has.
const JAPANESE: char = '病';

/// A typeface as systems keep it.
struct Known {
    regular: &'static str,
    bold: &'static str,
    /// What the name of its face has in it, where a file holds several.
    face: &'static str,
}

/// Typefaces that may be embedded, the most readable on paper first.
const KNOWN: &[Known] = &[
    known("BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf", "UDPGothic"),
    known("BIZ-UDGothicR.ttc", "BIZ-UDGothicB.ttc", "UDPGothic"),
    known("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", "JP"),
    known("NotoSansCJKjp-Regular.otf", "NotoSansCJKjp-Bold.otf", "JP"),
    known("NotoSansJP-Regular.otf", "NotoSansJP-Bold.otf", "JP"),
    known("NotoSansJP-Regular.ttf", "NotoSansJP-Bold.ttf", "JP"),
    known("NotoSansCJK-VF.ttc", "NotoSansCJK-VF.ttc", "JP"),
    known("NotoSansCJK-VF.otf.ttc", "NotoSansCJK-VF.otf.ttc", "JP"),
    known("ipaexg.ttf", "ipaexg.ttf", "Gothic"),
    known("ipagp.ttf", "ipagp.ttf", "Gothic"),
    known("ipag.ttf", "ipag.ttf", "Gothic"),
    known("ヒラギノ角ゴシック W3.ttc", "ヒラギノ角ゴシック W6.ttc", "Hiragino Sans"),
];

const fn known(regular: &'static str, bold: &'static str, face: &'static str) -> Known {
    Known { regular, bold, face }
}

/// Where systems keep fonts.
const FOLDERS: &[&str] = &[
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/System/Library/Fonts",
    "/System/Library/AssetsV2",
    "/Library/Fonts",
];

/// The same below somebody's own folder.
const OWN_FOLDERS: &[&str] = &[".local/share/fonts", ".fonts", "Library/Fonts"];

/// Why there is no typeface.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None is on this system.
    #[error(
        "no Japanese typeface is on this system; install one (Debian: fonts-morisawa-bizud-gothic, fonts-noto-cjk or \
         fonts-ipaexfont) or name a file with --font"
    )]
    None,
    /// A file cannot be read.
    #[error("{}: cannot be read as a typeface ({source})", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is no font, or none that can be put on paper.
    #[error("{}: {problem}; name a TrueType or OpenType font with Japanese in it", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Two weights of a typeface.
#[derive(Debug)]
pub struct Typeface {
    regular: Face,
    bold: Face,
}

/// One weight.
#[derive(Debug)]
pub(super) struct Face {
    /// As it is embedded.
    pub font: Font,
    /// Each character's glyph, and how wide it is, in parts of the size.
    glyphs: HashMap<char, (u32, f32), foldhash::fast::FixedState>,
}

/// The typeface of this process: a report in two languages reads it once.
static CHOSEN: OnceLock<Result<Typeface, Error>> = OnceLock::new();

/// Takes the typeface from `path` from now on. The first that is chosen, or was needed, stays.
pub fn choose(path: &Path) -> Result<(), Error> {
    let typeface = Typeface::open(path)?;
    CHOSEN.get_or_init(|| Ok(typeface));
    Ok(())
}

/// The typeface that was chosen, or else the first on this system.
pub fn typeface() -> Result<&'static Typeface, &'static Error> {
    CHOSEN.get_or_init(Typeface::of_system).as_ref()
}

impl Typeface {
    /// The first that this system has of those that we know.
    fn of_system() -> Result<Self, Error> {
        let home = env::home_dir();
        let own = home.iter().flat_map(|home| OWN_FOLDERS.iter().map(|name| home.join(name)));
        let windows = env::var_os("WINDIR").map(|folder| PathBuf::from(folder).join("Fonts"));
        Self::found_in(
            &FOLDERS.iter().map(PathBuf::from).chain(own).chain(windows).collect::<Vec<_>>(),
        )
    }

    /// The best of `folders`. A file that is damaged is passed over for the next.
    pub(super) fn found_in(folders: &[PathBuf]) -> Result<Self, Error> {
        let files = files(folders);
        let mut refused = None;
        for known in KNOWN {
            let Some(regular) = files.get(known.regular) else { continue };
            let bold = files.get(known.bold).unwrap_or(regular);
            let read = Face::open(regular, known.face, 400.0).and_then(|regular| {
                Ok(Self { regular, bold: Face::open(bold, known.face, 700.0)? })
            });
            match read {
                Ok(typeface) => return Ok(typeface),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(Error::None))
    }

    /// The typeface in a file; with its bold weight where that lies beside it under the usual name.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let beside = |name: &str| path.with_file_name(name.replace("Regular", "Bold"));
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let bold = Some(beside(name)).filter(|bold| bold.is_file());
        Ok(Self {
            regular: Face::open(path, "JP", 400.0)?,
            bold: Face::open(bold.as_deref().unwrap_or(path), "JP", 700.0)?,
        })
    }

    /// A weight of it.
    pub(super) const fn face(&self, bold: bool) -> &Face {
        if bold { &self.bold } else { &self.regular }
    }
}

impl Metric for Typeface {
    fn width(&self, letter: char, bold: bool) -> Option<f32> {
        // What both weights have, so that a text is shown alike in both. Private characters mean nothing to a reader.
        let private = matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
        let [regular, bold_one] = [&self.regular, &self.bold].map(|face| face.glyph(letter));
        let (regular, bold_one) = regular.zip(bold_one).filter(|_| !private)?;
        Some(if bold { bold_one.1 } else { regular.1 })
    }
}

impl Face {
    /// The face of a file whose name has `wanted` in it, else its first, at `weight` where it has any.
    fn open(path: &Path, wanted: &str, weight: f32) -> Result<Self, Error> {
        let refused = |source| Error::Read { path: path.to_owned(), source };
        let unfit = |problem| Error::Unfit { path: path.to_owned(), problem };
        if fs::metadata(path).map_err(refused)?.len() > LARGEST_FILE {
            return Err(unfit("is too large for a font"));
        }
        let bytes: Arc<Vec<u8>> = Arc::new(fs::read(path).map_err(refused)?);
        let index = face_of(&bytes, wanted).ok_or_else(|| unfit("is no font"))?;
        let font = FontRef::from_index(&bytes, index).map_err(|_| unfit("is no font"))?;
        // Bit 1: restricted; must not be embedded (OpenType, OS/2 fsType).
        if font.os2().is_ok_and(|table| table.fs_type() & 0xf == 2) {
            return Err(unfit("its maker does not allow to embed it"));
        }
        let weights = font.axes().iter().any(|axis| axis.tag() == skrifa::Tag::new(b"wght"));
        let location: Location =
            if weights { font.axes().location([("wght", weight)]) } else { Location::default() };
        let metrics = font.glyph_metrics(Size::unscaled(), &location);
        let units = f32::from(font.head().map_or(1000, |head| head.units_per_em()).max(16));
        let mappings = font.charmap().mappings().filter_map(|(letter, glyph)| {
            let width = metrics.advance_width(glyph)? / units;
            Some((char::from_u32(letter)?, (glyph.to_u32(), width)))
        });
        let glyphs: HashMap<_, _, _> = mappings.collect();
        if !glyphs.contains_key(&JAPANESE) {
            return Err(unfit("has no Japanese"));
        }
        let coordinates = [(Tag::new(b"wght"), weight)];
        let coordinates = if weights { &coordinates[..] } else { &[] };
        let font = Font::new_variable(Data::from(Arc::clone(&bytes)), index, coordinates);
        Ok(Self { font: font.ok_or_else(|| unfit("cannot be embedded"))?, glyphs })
    }

    /// A character's glyph, and how wide it is.
    pub(super) fn glyph(&self, letter: char) -> Option<(u32, f32)> {
        self.glyphs.get(&letter).copied()
    }
}

/// Which face of a file has `wanted` in its name and is not one of fixed width; the first where none has.
fn face_of(bytes: &[u8], wanted: &str) -> Option<u32> {
    let fonts = FileRef::new(bytes).ok()?;
    let named = |font: &FontRef<'_>| {
        let names = font.localized_strings(StringId::FAMILY_NAME);
        let mut names = names.map(|name| name.chars().take(200).collect::<String>());
        names.any(|name| name.contains(wanted) && !name.contains("Mono"))
    };
    let of = fonts.fonts().take(MOST_FACES);
    let place = of.flatten().position(|font| named(&font)).unwrap_or(0);
    u32::try_from(place).ok()
}

/// The files below `folders` that have a name we know, the first of each name.
fn files(folders: &[PathBuf]) -> HashMap<&'static str, PathBuf> {
    let wanted = || KNOWN.iter().flat_map(|known| [known.regular, known.bold]);
    let mut found = HashMap::new();
    let mut looked = 0;
    let mut open: Vec<(PathBuf, usize)> =
        folders.iter().rev().map(|path| (path.clone(), 0)).collect();
    while let Some((folder, depth)) = open.pop() {
        let mut entries: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
        for entry in entries {
            looked += 1;
            if looked > MOST_ENTRIES {
                return found;
            }
            let path = entry.path();
            let name = entry.file_name();
            if let Some(known) = wanted().find(|known| OsStr::new(known) == name) {
                found.entry(known).or_insert(path);
            } else if depth < DEEPEST && path.is_dir() {
                open.push((path, depth + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_typeface_the_packages_are_named() {
        let empty = tempfile::tempdir().unwrap();
        let error = Typeface::found_in(&[empty.path().to_owned()]).unwrap_err().to_string();
        for package in
            ["fonts-morisawa-bizud-gothic", "fonts-noto-cjk", "fonts-ipaexfont", "--font"]
        {
            assert!(error.contains(package), "{error}");
        }
    }

    #[test]
    fn what_is_no_typeface_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/ipaexg.ttf");
        fs::create_dir(folder.path().join("deep")).unwrap();
        for bytes in [&b""[..], b"ttcf", b"\0\x01\0\0\0\xff\0\0\0\0\0\0", &[0xff; 4096]] {
            fs::write(&path, bytes).unwrap();
            for error in [
                Typeface::open(&path).unwrap_err(),
                Typeface::found_in(&[folder.path().to_owned()]).unwrap_err(),
            ] {
                let error = error.to_string();
                assert!(
                    error.contains("ipaexg.ttf: ") && error.contains("name a TrueType"),
                    "{error}"
                );
            }
        }
        let missing = Typeface::open(&folder.path().join("none.ttf")).unwrap_err().to_string();
        assert!(missing.contains("none.ttf: cannot be read"), "{missing}");
    }
}
