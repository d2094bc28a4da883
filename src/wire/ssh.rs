//! SSH: the identification line and the key-exchange offer that follows it in clear (RFC 4253, 4.2 and 7.1).

use super::{Error, Reader, Result, require};

/// How long an identification line may be, with its end (RFC 4253, 4.2).
const LONGEST_LINE: usize = 255;

/// How many other lines a server may send first; more is another protocol (RFC 4253, 4.2 sets no bound).
const MOST_LINES: usize = 64;

/// The message number of a key-exchange offer.
const KEXINIT: u8 = 20;

/// The message number of an SSH 1 server's key.
const PUBLIC_KEY: u8 = 2;

/// The line with which each side begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification<'a> {
    /// `2.0`, `1.99` (speaks both) or `1.5`.
    pub version: &'a [u8],
    /// The software, and after a space perhaps a comment, as sent.
    pub software: &'a [u8],
    /// How many bytes it took, with lines before it and its end.
    pub length: usize,
}

impl<'a> Identification<'a> {
    /// Reads the line, over the lines a server may send before it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        for _ in 0..MOST_LINES {
            if r.clone().expect_bytes("identification", b"SSH-").is_ok() {
                r.skip("identification", 4)?;
                let line = r.until("identification", b"\n", LONGEST_LINE)?;
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let dash = line.iter().position(|byte| *byte == b'-');
                let (version, software) = dash
                    .and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
                    .ok_or(Error::Foreign { field: "identification" })?;
                let digits = version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
                require("version", digits && !version.is_empty())?;
                return Ok(Self { version, software, length: r.position() });
            }
            // A prefix of `SSH-` may still become the line.
            if b"SSH-".starts_with(r.rest()) {
                return Err(Error::Truncated { field: "identification", missing: 1 });
            }
            let so_far = r.rest().split(|byte| *byte == b'\n').next().unwrap_or_default();
            let printable = |byte: &u8| *byte >= b' ' || *byte == b'\r' || *byte == b'\t';
            require("line before", so_far.iter().take(8 * LONGEST_LINE).all(printable))?;
            r.until("line before", b"\n", 8 * LONGEST_LINE)?;
        }
        Err(Error::Foreign { field: "identification" })
    }

    /// Writes the line.
    pub fn emit(&self) -> Vec<u8> {
        [b"SSH-", self.version, b"-", self.software, b"\r\n"].concat()
    }
}

/// An SSH 1 server's key message: what it offers, as bits (protocol 1.5, `SSH_SMSG_PUBLIC_KEY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    /// Length of the host key, in bits.
    pub host_key_bits: u32,
    /// Ciphers, by bit.
    pub ciphers: u32,
    /// Ways to log on, by bit.
    pub authentications: u32,
}

impl PublicKey {
    /// Reads the packet that holds the message.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let length = r.u32("packet length")?;
        require("packet length", (40..=16_384).contains(&length))?;
        // Padding of one to eight bytes makes the packet a multiple of eight.
        r.skip("padding", 8 - length as usize % 8)?;
        r.expect("message", PUBLIC_KEY)?;
        r.skip("cookie", 8)?;
        read_key(&mut r)?;
        let host_key_bits = read_key(&mut r)?;
        r.skip("flags", 4)?;
        let ciphers = r.u32("ciphers")?;
        Ok(Self { host_key_bits, ciphers, authentications: r.u32("authentications")? })
    }
}

/// Reads over a key, and gives its length in bits.
fn read_key(r: &mut Reader<'_>) -> Result<u32> {
    let bits = r.u32("key bits")?;
    for field in ["exponent", "modulus"] {
        let bits = usize::from(r.u16(field)?);
        r.skip(field, bits.div_ceil(8))?;
    }
    Ok(bits)
}

/// A key-exchange offer: lists of names, the sender's preference first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KexInit<'a> {
    /// Key exchange.
    pub kex: &'a [u8],
    /// Host keys.
    pub host_key: &'a [u8],
    /// Ciphers from client to server.
    pub cipher_to_server: &'a [u8],
    /// Ciphers from server to client.
    pub cipher_to_client: &'a [u8],
    /// Message authentication from client to server.
    pub mac_to_server: &'a [u8],
    /// Message authentication from server to client.
    pub mac_to_client: &'a [u8],
    /// Compression from client to server.
    pub compression_to_server: &'a [u8],
    /// Compression from server to client.
    pub compression_to_client: &'a [u8],
}

impl<'a> KexInit<'a> {
    /// Reads the binary packet that holds the offer.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let length = r.u32("packet length")?;
        require("packet length", (18..=35_000).contains(&length))?;
        r.u8("padding length")?;
        r.expect("message", KEXINIT)?;
        r.skip("cookie", 16)?;
        let mut list = |field| {
            let length = r.u32(field)?;
            require(field, length <= 16_384)?;
            r.bytes(field, length as usize)
        };
        Ok(Self {
            kex: list("kex")?,
            host_key: list("host key")?,
            cipher_to_server: list("cipher to server")?,
            cipher_to_client: list("cipher to client")?,
            mac_to_server: list("mac to server")?,
            mac_to_client: list("mac to client")?,
            compression_to_server: list("compression to server")?,
            compression_to_client: list("compression to client")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";

    #[test]
    fn reads_the_line() {
        let line = Identification::parse(LINE).unwrap();
        assert_eq!((line.version, line.software), (&b"2.0"[..], &b"OpenSSH_9.2p1 Debian-2"[..]));
        assert_eq!(line.length, LINE.len());
        assert_eq!(line.emit(), LINE);
    }

    #[test]
    fn reads_over_the_lines_before_it() {
        let greeting = [b"Authorised use only\r\n", LINE].concat();
        assert_eq!(
            Identification::parse(&greeting).unwrap().software,
            &b"OpenSSH_9.2p1 Debian-2"[..]
        );
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(LINE, Identification::parse);
    }

    #[test]
    fn refuses_every_truncation_of_an_offer() {
        let mut offer = vec![0, 0, 0, 100, 4, KEXINIT];
        offer.extend([7; 16]);
        for name in ["curve25519-sha256", "ssh-ed25519", "a", "b", "c", "d", "none", "none"] {
            offer.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
            offer.extend(name.as_bytes());
        }
        assert_eq!(KexInit::parse(&offer).unwrap().host_key, b"ssh-ed25519");
        crate::wire::refuses_every_truncation(&offer, KexInit::parse);
    }

    #[test]
    fn an_old_server_tells_its_ciphers() {
        let mut message = vec![0, 0, 0, 51, 0, 0, 0, 0, 0, PUBLIC_KEY];
        message.extend([7; 8]);
        for bits in [768u32, 1024] {
            message.extend(bits.to_be_bytes());
            message.extend([0, 6, 0x23, 0, 16, 1, 2]);
        }
        message.extend([0, 0, 0, 2, 0, 0, 0, 0x48, 0, 0, 0, 0x0c]);
        let key = PublicKey { host_key_bits: 1024, ciphers: 0x48, authentications: 0x0c };
        assert_eq!(PublicKey::parse(&message), Ok(key));
        crate::wire::refuses_every_truncation(&message, PublicKey::parse);
    }

    #[test]
    fn refuses_another_protocol_at_once() {
        assert!(!Identification::parse(b"\x16\x03\x01\x00\x05hello\n").unwrap_err().wants_more());
    }
}
