//! What OpenVPN's control packets tell: who begins, and how the control channel is protected.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, Transport};
use crate::wire::{
    Error, Result,
    openvpn::{self, Control, Data, Mode, Opcode},
    require,
};

/// Where servers usually listen (UDP and TCP).
const PORTS: &[u16] = &[1194];

/// OpenVPN, on any port: a first packet's fields fit each other to its last byte.
pub static PROTOCOL: Protocol =
    Protocol { name: "openvpn", carriers: &[Carrier::Udp(PORTS), Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.transport == Transport::Tcp {
        let (packet, length) = openvpn::parse_stream(said.bytes)?;
        let control = Control::parse(packet).map_err(|_| Error::Foreign { field: "packet" })?;
        let answering = openvpn::parse_stream(said.answering).map_or(&[][..], |(packet, _)| packet);
        let after = said.bytes.get(length..).unwrap_or_default();
        let next = openvpn::parse_stream(after).ok();
        let next = next.and_then(|(packet, _)| Control::parse(packet).ok());
        let same = next.is_some_and(|next| is_next(&control, &next));
        let finding = control_finding(said, &control, answering, same);
        require("proof", said.on(PORTS) || finding.confidence > Confidence::Weak)?;
        return Ok(finding);
    }
    match Control::parse(said.bytes) {
        Ok(control) => {
            let earlier = Control::parse(said.earlier);
            let same = earlier.is_ok_and(|earlier| is_next(&earlier, &control));
            Ok(control_finding(said, &control, said.answering, same))
        }
        Err(error) => data(said).map_err(|_| error),
    }
}

/// `same` is whether another packet of this side proves the session.
fn control_finding(
    said: &Said<'_>,
    control: &Control<'_>,
    answering: &[u8],
    same: bool,
) -> Finding {
    let side = match control.opcode {
        Opcode::ControlWithKey => Side::Client,
        opcode if opcode.is_client_reset() => Side::Client,
        Opcode::ResetServerV1 | Opcode::ResetServerV2 => Side::Server,
        _ => side(said),
    };
    let answered = Control::parse(answering).ok();
    let echoed = answered.is_some_and(|other| control.remote == Some(other.session));
    let beside = answered.is_some_and(|other| {
        control.opcode == Opcode::ResetServerV2
            && other.opcode.is_client_reset()
            && matches!(other.mode, Mode::TlsCrypt | Mode::TlsCryptV2)
            && control.mode == Mode::TlsCrypt
    });
    // Where the mode shows them, the pieces of TLS and an acknowledgement's fields prove themselves.
    let shown = !matches!(control.mode, Mode::TlsCrypt | Mode::TlsCryptV2)
        && (is_handshake(control.body) || control.opcode == Opcode::Acknowledge);
    let confidence = if echoed || beside || same && shown && control.remote.is_some() {
        Confidence::Certain
    } else if same || shown || control.opcode.is_reset() {
        Confidence::Firm
    } else {
        Confidence::Weak
    };
    let (mode, digest) = match control.mode {
        Mode::Plain => ("plain", None),
        Mode::TlsAuth(length) => ("tls_auth", Some(length)),
        Mode::TlsCrypt => ("tls_crypt", None),
        Mode::TlsCryptV2 => ("tls_crypt_v2", None),
    };
    let mut facts =
        Facts::default().with("openvpn.opcode", opcode(control.opcode)).with("openvpn.mode", mode);
    if let Some(length) = digest {
        facts.add("openvpn.digest", digest_name(length));
    }
    Finding { confidence, ..Finding::certain(side, facts) }
}

/// Whether `next` follows `before` in one session: its numbers do, and what can be seen of both fits.
fn is_next(before: &Control<'_>, next: &Control<'_>) -> bool {
    if (before.session, before.mode) != (next.session, next.mode) {
        return false;
    }
    if let (Some((first, clock)), Some((second, same_clock))) = (before.number, next.number) {
        return (1..=16).contains(&second.wrapping_sub(first)) && same_clock.abs_diff(clock) < 3600;
    }
    let began = before.opcode.is_reset() || is_handshake(before.body);
    began && matches!(next.opcode, Opcode::Control | Opcode::Acknowledge)
}

/// Whether a TLS record begins here.
fn is_handshake(body: &[u8]) -> bool {
    matches!(body, [20..=23, 3, 0..=4, ..])
}

/// The side, where the packet does not tell: whoever uses the usual port serves.
fn side(said: &Said<'_>) -> Side {
    match (PORTS.contains(&said.from), PORTS.contains(&said.to)) {
        (true, false) => Side::Server,
        (false, true) => Side::Client,
        _ => said.side(PORTS),
    }
}

/// Data shows its form over two packets: the same peer, and a number that rises.
fn data(said: &Said<'_>) -> Result<Finding> {
    let packet = Data::parse(said.bytes)?;
    let facts = Facts::default().with("openvpn.opcode", opcode(Opcode::DataV2));
    let side = side(said);
    let follows = Data::parse(said.earlier).is_ok_and(|earlier| {
        let step = packet.packet.wrapping_sub(earlier.packet);
        (earlier.peer, earlier.key) == (packet.peer, packet.key)
            && (1..=64).contains(&step)
            && is_mixed(earlier.body)
    });
    let numbered = packet.peer < 1 << 16 || packet.peer == 0x00ff_ffff;
    if follows && numbered && packet.packet < 1 << 31 && is_mixed(packet.body) {
        return Ok(Finding::firm(side, facts));
    }
    require("port", said.on(PORTS))?;
    Ok(Finding::weak(side, facts))
}

/// Whether what should be encrypted looks it: its first 16 bytes hold at least 12 different ones.
fn is_mixed(bytes: &[u8]) -> bool {
    let Some(tag) = bytes.first_chunk::<16>() else { return false };
    let different =
        tag.iter().enumerate().filter(|(at, byte)| !tag.iter().take(*at).any(|b| b == *byte));
    different.count() >= 12
}

fn opcode(code: Opcode) -> &'static str {
    match code {
        Opcode::ResetClientV1 => "hard_reset_client_v1",
        Opcode::ResetServerV1 => "hard_reset_server_v1",
        Opcode::SoftReset => "soft_reset",
        Opcode::Control => "control",
        Opcode::Acknowledge => "ack",
        Opcode::DataV1 => "data_v1",
        Opcode::ResetClientV2 => "hard_reset_client_v2",
        Opcode::ResetServerV2 => "hard_reset_server_v2",
        Opcode::DataV2 => "data_v2",
        Opcode::ResetClientV3 => "hard_reset_client_v3",
        Opcode::ControlWithKey => "control_wkc",
    }
}

fn digest_name(length: usize) -> &'static str {
    match length {
        16 => "md5",
        20 => "sha1",
        28 => "sha224",
        32 => "sha256",
        48 => "sha384",
        _ => "sha512",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: u64 = 0xa1b2_c3d4_e5f6_0718;

    #[test]
    fn finds_a_stream_on_the_port_of_another_protocol() {
        let stream = openvpn::in_stream(&openvpn::ask(SESSION));
        let finding = read(&Said::stream(51_000, 443, &stream)).unwrap();
        assert_eq!((finding.side, finding.confidence), (Side::Client, Confidence::Firm));
        assert!(read(&Said::stream(51_000, 443, &stream[..9])).unwrap_err().wants_more());
    }

    #[test]
    fn an_answer_to_the_session_is_certain() {
        let question = openvpn::ask(SESSION);
        let answer = openvpn::answer(&question, !SESSION).unwrap();
        let said = Said { answering: &question, ..Said::datagram(40_000, 50_000, &answer) };
        assert_eq!(read(&said).unwrap().confidence, Confidence::Certain);
        let alone = Said::datagram(40_000, 50_000, &answer);
        assert_eq!(read(&alone).unwrap().confidence, Confidence::Firm);
    }
}
