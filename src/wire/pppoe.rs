//! PPPoE: finding an access concentrator, and the PPP session with it (RFC 2516, 4638).

use super::{Reader, Result, Writer, payload::Inner};

/// Version and type, always 1 and 1.
const VERSION: u8 = 0x11;

/// What the code of a session's frames is.
pub const SESSION: u8 = 0x00;
/// A client looks for concentrators.
pub const PADI: u8 = 0x09;
/// A concentrator offers.
pub const PADO: u8 = 0x07;
/// A client asks one of them for a session.
pub const PADR: u8 = 0x19;
/// The concentrator confirms, or says why not.
pub const PADS: u8 = 0x65;
/// Either ends the session.
pub const PADT: u8 = 0xa7;

/// The name of the service asked for or offered.
pub const SERVICE_NAME: u16 = 0x0101;
/// The concentrator's name.
pub const AC_NAME: u16 = 0x0102;
/// What the client recognises answers by.
pub const HOST_UNIQ: u16 = 0x0103;
/// A payload longer than 1492 bytes that the sender could take (RFC 4638).
pub const MAX_PAYLOAD: u16 = 0x0120;

/// A frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pppoe<'a> {
    /// 0 in a session, else the step of discovery.
    pub code: u8,
    /// The session, 0 before there is one.
    pub session: u16,
    /// Tags, or a PPP frame; perhaps cut.
    pub payload: &'a [u8],
}

impl<'a> Pppoe<'a> {
    /// Reads a frame's payload; its own payload may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version and type", VERSION)?;
        let code = r.u8("code")?;
        let session = r.u16("session")?;
        let length = r.u16("length")?;
        Ok(Self { code, session, payload: r.bytes_up_to(length.into()) })
    }

    /// The tags of a step of discovery, as far as they are whole.
    pub fn tags(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut r = Reader::new(if self.code == SESSION { &[] } else { self.payload });
        std::iter::from_fn(move || {
            let kind = r.u16("tag").ok().filter(|kind| *kind != 0)?;
            let length = r.u16("tag length").ok()?;
            Some((kind, r.bytes("tag", length.into()).ok()?))
        })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        if self.code == SESSION { Inner::Ppp(self.payload) } else { Inner::Nothing }
    }

    /// Writes a frame's payload.
    pub fn emit(&self) -> Vec<u8> {
        let writer = Writer::new().u8(VERSION).u8(self.code).u16(self.session);
        writer.sized_u16(0, self.payload).finish()
    }
}

/// Asks every concentrator for any service; `unique` is what their answers will repeat.
pub fn ask(unique: u32) -> Vec<u8> {
    let tags =
        Writer::new().u16(SERVICE_NAME).u16(0).u16(HOST_UNIQ).sized_u16(0, &unique.to_be_bytes());
    Pppoe { code: PADI, session: 0, payload: &tags.finish() }.emit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const OFFER: &[u8] = &hex!("1107 0000 000f 0101 0000 0102 0007 6163312d6f7361");

    #[test]
    fn reads_the_name_of_a_concentrator() {
        let offer = Pppoe::parse(OFFER).unwrap();
        assert_eq!(offer.code, PADO);
        assert_eq!(offer.tags().nth(1), Some((AC_NAME, &b"ac1-osa"[..])));
        assert_eq!(offer.emit(), OFFER);
        crate::wire::refuses_every_truncation(&OFFER[..6], Pppoe::parse);
    }

    #[test]
    fn asks_for_any_service() {
        let asked = ask(7);
        let question = Pppoe::parse(&asked).unwrap();
        assert_eq!(
            question.tags().collect::<Vec<_>>(),
            [(SERVICE_NAME, &[][..]), (HOST_UNIQ, &[0, 0, 0, 7]),]
        );
    }

    #[test]
    fn gives_the_frame_of_a_session() {
        let bytes = hex!("1100 0002 0006 c021 0901 0004 ffff");
        let frame = Pppoe::parse(&bytes).unwrap();
        assert_eq!(frame.inner(), Inner::Ppp(&hex!("c02109010004")), "padding is left out");
    }
}
