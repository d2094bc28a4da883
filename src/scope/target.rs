//! Whom to ask, as people write it: addresses, networks, ranges, and files of them.

use std::{
    fs,
    io::{self, Read as _},
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use ipnetwork::IpNetwork;

use super::Blocks;

/// The most bytes of a file of targets.
const LARGEST_FILE: u64 = 64 << 20;
/// The most ranges that one word makes.
const MOST_RANGES: usize = 1 << 16;
/// The most characters of a word that a message shows.
const LONGEST_SHOWN: usize = 60;

/// Why something is no target.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is nothing that has addresses.
    #[error(
        "`{word}` is no target; write an address, a network such as 10.10.0.0/16, or a range such as 10.10.0.1-20"
    )]
    Unknown {
        /// What stands there.
        word: String,
    },
    /// It is a name.
    #[error(
        "`{word}` is a host name; write its address, for a name may lead elsewhere by the time it is asked"
    )]
    HostName {
        /// The name.
        word: String,
    },
    /// A network with bits beyond its prefix.
    #[error("`{word}` has bits beyond its prefix; did you mean {network}?")]
    HostBits {
        /// What stands there.
        word: String,
        /// The network that it is in.
        network: IpNetwork,
    },
    /// A prefix longer than an address.
    #[error("`{word}` has a prefix that no address has; the longest is {longest}")]
    Prefix {
        /// What stands there.
        word: String,
        /// The longest.
        longest: u8,
    },
    /// A range that ends before it begins.
    #[error("`{word}` ends before it begins; did you mean `{turned}`?")]
    Backwards {
        /// What stands there.
        word: String,
        /// The range the other way round.
        turned: String,
    },
    /// An IPv6 address with an interface.
    #[error(
        "`{word}` names an interface; write the address alone and name the interface by --interface"
    )]
    Zone {
        /// What stands there.
        word: String,
    },
    /// An IPv4 address in the form of an IPv6 one.
    #[error("`{word}` is an IPv4 address in disguise; did you mean {address}?")]
    Mapped {
        /// What stands there.
        word: String,
        /// The IPv4 address.
        address: Ipv4Addr,
    },
    /// More ranges than anybody means.
    #[error("`{word}` makes more than {MOST_RANGES} ranges; write it as networks")]
    TooMany {
        /// What stands there.
        word: String,
    },
    /// A file that cannot be read.
    #[error("{file}: {source}; check that it is there and is text")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file that is larger than any list.
    #[error(
        "{file} has more than {LARGEST_FILE} bytes; write networks instead of single addresses"
    )]
    TooLarge {
        /// The file.
        file: String,
    },
    /// Something in a file is no target.
    #[error("{file}: line {line}: {source}")]
    InFile {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: Box<Error>,
    },
}

/// First and last address.
pub type Range = (IpAddr, IpAddr);

/// The addresses that `words` name.
pub fn blocks<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Result<Blocks, Error> {
    let mut all = Vec::new();
    for word in words {
        all.extend(ranges(word.as_ref())?);
    }
    Ok(Blocks::new(all))
}

/// The ranges that one word names: `10.0.0.1`, `10.0.0.0/24`, `10.0.0-3.1-254`, `10.0.0.1,7-9`, `10.0.0.*`,
/// `10.0.0.1-10.0.0.20`, `fd00::1-fd00::ff`, or several of these with commas between them.
pub fn ranges(word: &str) -> Result<Vec<Range>, Error> {
    if let Some(ranges) = by_octets(word) {
        return ranges;
    }
    if !word.contains(',') {
        return Ok(vec![one(word)?]);
    }
    let mut all = Vec::new();
    for part in word.split(',').filter(|part| !part.is_empty()) {
        match by_octets(part) {
            Some(ranges) => all.extend(ranges?),
            None => all.push(one(part)?),
        }
        if all.len() > MOST_RANGES {
            return Err(Error::TooMany { word: shown(word) });
        }
    }
    if all.is_empty() { Err(Error::Unknown { word: shown(word) }) } else { Ok(all) }
}

/// The single network that `word` names.
pub fn network(word: &str) -> Result<IpNetwork, Error> {
    let (first, last) = match word.split_once('/') {
        Some((address, prefix)) => of_prefix(word, address, prefix)?,
        None => one(word)?,
    };
    match &*Blocks::new([(first, last)]).networks() {
        [network] => Ok(*network),
        _ => Err(Error::Unknown { word: shown(word) }),
    }
}

/// The addresses that a file names, `-` for standard input: words with white space between them, `#` before a remark.
pub fn read(path: &Path) -> Result<Blocks, Error> {
    let standard = path.as_os_str() == "-";
    let file = if standard { "standard input".to_owned() } else { path.display().to_string() };
    let mut text = String::new();
    let read = if standard {
        io::stdin().lock().take(LARGEST_FILE + 1).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|open| open.take(LARGEST_FILE + 1).read_to_string(&mut text))
    };
    match read {
        Err(source) => Err(Error::Unreadable { file, source }),
        Ok(bytes) if bytes as u64 > LARGEST_FILE => Err(Error::TooLarge { file }),
        Ok(_) => listed(&text, &file),
    }
}

/// The addresses that the text of a file names; `file` is for messages.
pub fn listed(text: &str, file: &str) -> Result<Blocks, Error> {
    let mut all = Vec::new();
    for (place, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let words = line.split('#').next().unwrap_or_default().split_whitespace();
        for word in words {
            let in_file = |source| {
                let (file, source) = (file.to_owned(), Box::new(source));
                Error::InFile { file, line: place + 1, source }
            };
            all.extend(ranges(word).map_err(in_file)?);
        }
    }
    Ok(Blocks::new(all))
}

/// An address, a network, or a range of two addresses.
fn one(word: &str) -> Result<Range, Error> {
    if let Ok(address) = word.parse() {
        return unmapped(word, address).map(|address| (address, address));
    }
    if let Some((address, prefix)) = word.split_once('/') {
        return of_prefix(word, address, prefix);
    }
    if word.contains(':') && word.contains('%') {
        return Err(Error::Zone { word: shown(word) });
    }
    let ends = word.split_once('-').and_then(|(first, last)| {
        let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
        (first.is_ipv4() == last.is_ipv4()).then_some((first, last))
    });
    if let Some((first, last)) = ends {
        if last < first {
            let turned = format!("{last}-{first}");
            return Err(Error::Backwards { word: shown(word), turned });
        }
        return Ok((unmapped(word, first)?, unmapped(word, last)?));
    }
    let named = word.chars().any(char::is_alphabetic)
        && word.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
    let word = shown(word);
    Err(if named { Error::HostName { word } } else { Error::Unknown { word } })
}

fn unmapped(word: &str, address: IpAddr) -> Result<IpAddr, Error> {
    let mapped = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
    };
    mapped.map_or(Ok(address), |address| Err(Error::Mapped { word: shown(word), address }))
}

fn of_prefix(word: &str, address: &str, prefix: &str) -> Result<Range, Error> {
    let address: IpAddr = match address.parse() {
        Ok(address) => unmapped(word, address)?,
        // The name of a host, or what is wrong with the address, is told as it is without a prefix.
        Err(_) => {
            one(address)
                .map_err(|error| match error {
                    Error::HostName { .. } => Error::HostName { word: shown(word) },
                    _ => Error::Unknown { word: shown(word) },
                })?
                .0
        }
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Error::Unknown { word: shown(word) });
    }
    let network = prefix.parse().ok().and_then(|prefix| IpNetwork::new(address, prefix).ok());
    let network = network.ok_or_else(|| Error::Prefix { word: shown(word), longest })?;
    let (first, last) = (network.network(), network.broadcast());
    if first != address {
        let network = IpNetwork::new(first, network.prefix()).unwrap_or(network);
        return Err(Error::HostBits { word: shown(word), network });
    }
    Ok((first, last))
}

/// The ranges of a word of four octets of which at least one is more than a number. None when it is something else.
fn by_octets(word: &str) -> Option<Result<Vec<Range>, Error>> {
    let mut parts = word.split('.');
    let octets = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let plain = |c: char| c.is_ascii_digit() || ",-*".contains(c);
    if parts.next().is_some()
        || !word.contains([',', '-', '*'])
        || !octets.iter().all(|octet| !octet.is_empty() && octet.chars().all(plain))
    {
        return None;
    }
    Some(patterns(word, octets))
}

fn patterns(word: &str, octets: [&str; 4]) -> Result<Vec<Range>, Error> {
    // From the right, the ranges of the octets so far: as long as an octet is whole, they stay one.
    let mut all: Vec<(u32, u32)> = vec![(0, 0)];
    for (place, text) in (0_u32..).zip(octets.iter().rev()) {
        let size = 1 << (8 * place);
        let mut more = Vec::new();
        for (from, to) in octet(word, text)? {
            let whole = matches!(*all, [(0, last)] if last == size - 1);
            if whole {
                more.push((from * size, to * size + (size - 1)));
                continue;
            }
            if more.len() + all.len() * (to - from + 1) as usize > MOST_RANGES {
                return Err(Error::TooMany { word: shown(word) });
            }
            for value in from..=to {
                more.extend(
                    all.iter().map(|(first, last)| (value * size + first, value * size + last)),
                );
            }
        }
        all = more;
    }
    let address = |number: u32| IpAddr::from(Ipv4Addr::from(number));
    Ok(all.into_iter().map(|(first, last)| (address(first), address(last))).collect())
}

/// What one octet may be: `7`, `1-20`, `5-`, `-5`, `*`, and several of these.
fn octet(word: &str, text: &str) -> Result<Vec<(u32, u32)>, Error> {
    let unknown = || Error::Unknown { word: shown(word) };
    let number = |digits: &str, open: u32| match digits {
        "" => Some(open),
        // A leading zero means another number to some.
        _ if digits.len() > 1 && digits.starts_with('0') => None,
        _ => digits.parse().ok().filter(|number| *number <= 255),
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (from, to) = match part.split_once('-') {
            None if part == "*" => (Some(0), Some(255)),
            None if part.is_empty() => return Err(unknown()),
            None => (number(part, 0), number(part, 0)),
            Some((from, to)) => (number(from, 0), number(to, 255)),
        };
        let (from, to) = from.zip(to).ok_or_else(unknown)?;
        if to < from {
            let turned = format!("{to}-{from}");
            return Err(Error::Backwards { word: shown(word), turned });
        }
        all.push((from, to));
    }
    Ok(all)
}

/// A word as a message shows it: nothing that commands a terminal, and not too long.
pub(super) fn shown(word: &str) -> String {
    let mut shown: String = word.chars().take(LONGEST_SHOWN).flat_map(char::escape_debug).collect();
    if word.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_as(word: &str) -> String {
        blocks([word]).map_or_else(|error| error.to_string(), |blocks| blocks.to_string())
    }

    #[test]
    fn targets_are_written_as_users_of_scanners_know() {
        for (word, meant) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.0/24", "10.0.0.0/24"),
            ("10.0.0.1-20", "10.0.0.1-10.0.0.20"),
            ("10.0.0-1.1-2", "10.0.0.1-10.0.0.2, 10.0.1.1-10.0.1.2"),
            ("10.0.0-3.0-255", "10.0.0.0/22"),
            ("10.*.*.*", "10.0.0.0/8"),
            ("10.0.0.-", "10.0.0.0/24"),
            ("10.0.0.250-", "10.0.0.250-10.0.0.255"),
            ("10.0.0.1,3,7-9", "10.0.0.1, 10.0.0.3, 10.0.0.7-10.0.0.9"),
            ("10.0.0.1,10.0.0.3,10.0.1.0/24", "10.0.0.1, 10.0.0.3, 10.0.1.0/24"),
            ("10.0.0.1-10.0.1.0", "10.0.0.1-10.0.1.0"),
            ("fd00::1", "fd00::1"),
            ("fd00::/64,10.0.0.7", "10.0.0.7, fd00::/64"),
            ("fd00::1-fd00::ff", "fd00::1-fd00::ff"),
        ] {
            assert_eq!(read_as(word), meant, "{word}");
        }
    }

    #[test]
    fn what_is_no_target_is_told_with_the_way_out() {
        for (word, told) in [
            (
                "10.10.1.0/16",
                "`10.10.1.0/16` has bits beyond its prefix; did you mean 10.10.0.0/16?",
            ),
            ("fd00::1/64", "did you mean fd00::/64"),
            ("10.0.0.0/33", "the longest is 32"),
            ("fd00::/129", "the longest is 128"),
            ("10.0.0.0/", "is no target"),
            ("pacs.example.org", "is a host name; write its address"),
            ("pacs-1/24", "is a host name"),
            ("10.0.0.20-1", "ends before it begins; did you mean `1-20`?"),
            ("10.0.0.9-10.0.0.1", "did you mean `10.0.0.1-10.0.0.9`?"),
            ("10.0.0.256", "is no target"),
            ("10.0.0.1-256", "is no target"),
            ("10.0.0.010-20", "is no target"),
            ("10.0.0.1,,", "is no target"),
            (",", "is no target"),
            ("", "is no target"),
            ("fe80::1%eth0", "name the interface by --interface"),
            ("::ffff:10.0.0.1", "did you mean 10.0.0.1?"),
            ("*.*.*.1", "makes more than 65536 ranges"),
            ("10.0.0.1-fd00::1", "is no target"),
            ("\u{1b}[2J", "`\\u{1b}[2J` is no target"),
        ] {
            let error = read_as(word);
            assert!(error.contains(told), "{word}: {error}");
        }
    }

    #[test]
    fn a_file_has_words_and_remarks_and_its_faults_have_lines() {
        let text = "\u{feff}# wards\n10.0.0.1 10.0.0.3\t# two\n\n10.0.1.0/24\r\n";
        assert_eq!(listed(text, "f").unwrap().to_string(), "10.0.0.1, 10.0.0.3, 10.0.1.0/24");
        let error = listed("10.0.0.1\n10.0.0.2 pacs\n", "wards.txt").unwrap_err();
        assert!(
            error.to_string().starts_with("wards.txt: line 2: `pacs` is a host name"),
            "{error}"
        );
        assert!(read(Path::new("/no/such/file")).is_err());
    }

    #[test]
    fn a_network_is_one_prefix() {
        assert_eq!(network("10.10.0.0/16").unwrap().to_string(), "10.10.0.0/16");
        assert_eq!(network("10.10.0.1").unwrap().to_string(), "10.10.0.1/32");
        assert!(network("10.0.0.1-10.0.0.20").is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_is_the_end(word in "[0-9a-f.:,/*%-]{0,24}|\\PC{0,40}") {
            let _ = (ranges(&word), network(&word), listed(&word, "f"));
        }

        #[test]
        fn what_a_set_reads_as_is_the_set(ranges in prop::collection::vec((any::<u32>(), 0_u32..5000), 1..5)) {
            let ends = ranges.iter().map(|(from, more)| {
                (Ipv4Addr::from(*from).into(), Ipv4Addr::from(from.saturating_add(*more)).into())
            });
            let set = Blocks::new(ends);
            prop_assert_eq!(blocks([set.to_string().replace(", ", ",")]).unwrap(), set);
        }
    }
}
