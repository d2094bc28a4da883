//! What PPP negotiations tell, whichever tunnel carries them. Not a protocol of its own: `pppoe`, and
//! the tunnels of a dial-in, add these facts to theirs.

use std::net::Ipv4Addr;

use super::{Facts, Side};
use crate::wire::{
    Result,
    ppp::{CCP, CHAP, Control, Frame, IPCP, IPV6CP, LCP, PAP},
};

/// Adds what a frame tells, as `ppp.…`, and says which side sends such a thing, if only one does.
pub fn add(facts: &mut Facts, frame: &[u8]) -> Result<Option<Side>> {
    let frame = Frame::parse(frame)?;
    facts.add("ppp.protocol", frame.word());
    let control = match frame.protocol {
        LCP | IPCP | IPV6CP | CCP | PAP | CHAP => Control::parse(frame.payload)?,
        _ => return Ok(None),
    };
    Ok(match frame.protocol {
        LCP => link(facts, &control),
        IPCP => addresses(facts, &control),
        IPV6CP => {
            for (_, interface) in
                control.options().filter(|(kind, _)| (*kind, control.code) == (1, 1))
            {
                facts.add_hex("ppp.interface", interface);
            }
            None
        }
        CCP => {
            let asks = control.code == 1;
            for (_, bits) in control.options().filter(|(kind, _)| *kind == 18 && asks) {
                facts.add("ppp.encryption", encryption(bits));
            }
            None
        }
        PAP if control.code == 1 => {
            realm(facts, control.name(PAP));
            Some(Side::Client)
        }
        PAP => Some(Side::Server),
        CHAP if control.code == 2 => {
            realm(facts, control.name(CHAP));
            Some(Side::Client)
        }
        _ => {
            facts.add_text("ppp.authenticator", control.name(CHAP).unwrap_or_default());
            Some(Side::Server)
        }
    })
}

fn link(facts: &mut Facts, control: &Control<'_>) -> Option<Side> {
    let mut side = None;
    match control.code {
        1 => {
            for (kind, value) in control.options() {
                match (kind, value) {
                    (1, [high, low]) => facts.add("ppp.mru", u16::from_be_bytes([*high, *low])),
                    (3, value) => {
                        facts.add("ppp.authentication", authentication(value));
                        // Whoever wants to be shown a password is the one dialled.
                        side = Some(Side::Server);
                    }
                    (5, magic) => facts.add_hex("ppp.magic", magic),
                    _ => {}
                }
            }
        }
        // Identification (RFC 1570): Windows tells its version and computer name.
        12 => facts.add_text("ppp.identification", control.data.get(4..).unwrap_or_default()),
        _ => {}
    }
    side
}

fn addresses(facts: &mut Facts, control: &Control<'_>) -> Option<Side> {
    let mut side = None;
    for (kind, value) in control.options() {
        let Ok(address) = <[u8; 4]>::try_from(value).map(Ipv4Addr::from) else { continue };
        match (control.code, kind) {
            (1, 3 | 129 | 131) if address.is_unspecified() => side = Some(Side::Client),
            (1, 3) => facts.add("ppp.address", address),
            (3, 3) => {
                facts.add("ppp.assigned_address", address);
                side = Some(Side::Server);
            }
            (3, 129 | 131) => {
                facts.add("ppp.assigned_dns", address);
                side = Some(Side::Server);
            }
            _ => {}
        }
    }
    side
}

/// What stands after the `@`, or before the `\`: it names the provider or the domain, not the user.
fn realm(facts: &mut Facts, name: Option<&[u8]>) {
    let name = name.unwrap_or_default();
    let after = memchr::memrchr(b'@', name).and_then(|at| name.get(at + 1..));
    let before = memchr::memchr(b'\\', name).and_then(|at| name.get(..at));
    facts.add_text("ppp.realm", after.or(before).unwrap_or_default());
}

fn authentication(value: &[u8]) -> String {
    match value {
        [0xc0, 0x23] => "pap".into(),
        [0xc2, 0x23, 5] => "chap-md5".into(),
        [0xc2, 0x23, 0x80] => "ms-chap".into(),
        [0xc2, 0x23, 0x81] => "ms-chap-v2".into(),
        [0xc2, 0x27] => "eap".into(),
        other => super::facts::hex(other),
    }
}

fn encryption(bits: &[u8]) -> &'static str {
    match bits {
        [_, _, _, bits] if bits & 0x40 != 0 => "mppe-128",
        [_, _, _, bits] if bits & 0x80 != 0 => "mppe-56",
        [_, _, _, bits] if bits & 0x20 != 0 => "mppe-40",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn tell(frame: &[u8]) -> (Option<Side>, Facts) {
        let mut facts = Facts::default();
        let side = add(&mut facts, frame).unwrap();
        (side, facts)
    }

    #[test]
    fn tells_the_provider_and_neither_user_nor_password() {
        let (side, facts) = tell(&hex!("c023 01 01 0017 0d 75736572406578616d706c65 04 70617373"));
        assert_eq!(side, Some(Side::Client));
        assert_eq!(facts.get("ppp.realm"), Some("example"));
        assert_eq!(facts.iter().count(), 2);
    }

    #[test]
    fn tells_what_a_server_assigns() {
        let (side, facts) = tell(&hex!("8021 03 01 0010 0306 c0000205 8106 c0000235"));
        assert_eq!(side, Some(Side::Server));
        assert_eq!(facts.get("ppp.assigned_address"), Some("192.0.2.5"));
        assert_eq!(facts.get("ppp.assigned_dns"), Some("192.0.2.53"));
    }

    #[test]
    fn tells_who_wants_a_password() {
        let (side, facts) =
            tell(&hex!("ff03 c021 01 01 0013 0104 05ae 0305 c223 81 0506 00000001"));
        assert_eq!(side, Some(Side::Server));
        assert_eq!(facts.get("ppp.mru"), Some("1454"));
        assert_eq!(facts.get("ppp.authentication"), Some("ms-chap-v2"));
    }
}
