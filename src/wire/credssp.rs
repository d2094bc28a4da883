//! CredSSP: what carries NTLM or Kerberos inside the TLS of RDP (MS-CSSP 2.2.1).

use super::{Reader, Result, Writer, der, require};

/// One message, as far as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The protocol's version: 2 to 6.
    pub version: u8,
    /// The first token: NTLM, or SPNEGO around it. Empty where none is.
    pub token: &'a [u8],
    /// The Windows status of a refusal.
    pub error: Option<u32>,
    /// How many bytes the message takes.
    pub length: usize,
}

impl<'a> Request<'a> {
    /// Reads the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("message", der::SEQUENCE)?;
        let length = der::length(&mut r, "message")?;
        let mut body = r.clone();
        body.expect_bytes("version", &[0xa0, 3, 2, 1])?;
        let version = body.u8("version")?;
        require("version", (1..=15).contains(&version))?;
        let mut message = r.inner("message", length)?;
        message.skip("version", 5)?;
        let (mut token, mut error) = (&[][..], None);
        while let Some(tag) = message.rest().first().copied() {
            require("field", (0xa1..=0xa5).contains(&tag))?;
            let field = der::element(&mut message, "field", tag)?;
            match tag {
                0xa1 => token = first_token(field)?,
                0xa4 => error = status(field).ok(),
                _ => {}
            }
        }
        Ok(Self { version, token, error, length: r.position() })
    }

    /// Writes the message around a token.
    pub fn emit(version: u8, token: &[u8]) -> Vec<u8> {
        let mut message = wrap(der::OCTETS, token.to_vec());
        for tag in [0xa0, der::SEQUENCE, der::SEQUENCE, 0xa1] {
            message = wrap(tag, message);
        }
        wrap(der::SEQUENCE, [&[0xa0, 3, 2, 1, version], &message[..]].concat())
    }
}

/// The token of the first of the list's entries.
fn first_token(mut field: Reader<'_>) -> Result<&[u8]> {
    for tag in [der::SEQUENCE, der::SEQUENCE, 0xa0, der::OCTETS] {
        field = der::element(&mut field, "tokens", tag)?;
    }
    Ok(field.rest())
}

fn status(mut field: Reader<'_>) -> Result<u32> {
    let number = der::element(&mut field, "error", 2)?;
    Ok(number.rest().iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

fn wrap(tag: u8, body: Vec<u8>) -> Vec<u8> {
    let length = Writer::new().u8(tag);
    let length = match u8::try_from(body.len()) {
        Ok(short @ ..0x80) => length.u8(short),
        _ => return length.u8(0x82).sized_u16(0, &body).finish(),
    };
    length.bytes(&body).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ntlm;

    #[test]
    fn what_is_emitted_reads_back() {
        let token = ntlm::Message::ask();
        for token in [token.as_slice(), &[7; 300]] {
            let bytes = Request::emit(6, token);
            let read = Request::parse(&bytes).unwrap();
            assert_eq!((read.version, read.token, read.error), (6, token, None));
            assert_eq!(read.length, bytes.len());
            crate::wire::refuses_every_truncation(&bytes, Request::parse);
        }
    }

    #[test]
    fn refuses_another_sequence() {
        let snmp = hex_literal::hex!("302602010104067075626c6963");
        assert!(!Request::parse(&snmp).unwrap_err().wants_more());
    }
}
