//! What `emit` writes, `parse` reads back, wherever a message has both.
//!
//! Input: which message (one byte), then bytes. Where they parse, the message is reduced to what `emit` writes
//! (it writes no options of Geneve, for instance), written, and read again.

use sekisho::wire::{
    self, Reader, arp, ber, credssp, der, dicom, etherip, ethernet, geneve, gre, icmp, ipv4, ipv6,
    ntlm, pppoe, pptp, radmin, rdp, smb, socks, ssh, tailscale, tcp, telnet, tinc, udp, vnc, vxlan,
    x11,
};

/// How long a message is at most; beyond it, length fields of 16 bits overflow by design.
const LONGEST: usize = 4096;

/// Which messages there are.
pub(crate) const MESSAGES: [fn(&[u8]); 25] = [
    arp,
    ber_integer,
    ber_object,
    credssp,
    dicom,
    etherip,
    ethernet,
    geneve,
    gre,
    icmp,
    ip,
    pppoe,
    pptp,
    radmin,
    rdp,
    smb,
    socks,
    ssh,
    tailscale,
    telnet,
    tinc,
    transport,
    vnc,
    vxlan,
    x11,
];

/// Takes one message there and back.
pub(crate) fn run(input: &[u8]) {
    let Some((which, bytes)) = input.split_first() else { return };
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    if let Some(message) = MESSAGES.get(usize::from(*which) % MESSAGES.len()) {
        message(bytes);
    }
}

/// Checks that `written` is read as `message`.
fn same<'a, T: PartialEq + std::fmt::Debug>(
    message: &T,
    written: &'a [u8],
    parse: impl Fn(&'a [u8]) -> wire::Result<T>,
) {
    assert_eq!(parse(written).as_ref(), Ok(message), "{written:02x?}");
}

fn arp(bytes: &[u8]) {
    if let Ok(message) = arp::Arp::parse(bytes) {
        same(&message, &message.emit(), arp::Arp::parse);
    }
}

fn ber_integer(bytes: &[u8]) {
    if let Some(eight) = bytes.first_chunk() {
        let value = i64::from_be_bytes(*eight);
        same(&value, &ber::emit_integer(value), |bytes| {
            ber::integer(&mut Reader::new(bytes), "value")
        });
    }
    let written = ber::emit(ber::OCTETS, bytes);
    same(&bytes, &written, |bytes| ber::expect(&mut Reader::new(bytes), "value", ber::OCTETS));
}

fn ber_object(bytes: &[u8]) {
    // The first arc is 0 to 2, the second below 40 under 0 and 1 (ITU-T X.660).
    let arcs: Vec<u32> =
        bytes.chunks(3).map(|c| c.iter().fold(0, |arc, b| arc << 8 | u32::from(*b))).collect();
    let (Some(first), Some(second)) = (arcs.first(), arcs.get(1)) else { return };
    let mut arcs = arcs.clone();
    let head = [first % 3, if first % 3 < 2 { second % 40 } else { *second }];
    arcs.splice(..2, head);
    arcs.truncate(120);
    let text = arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let written = ber::emit_object(&arcs);
    let body = ber::expect(&mut Reader::new(&written), "object", ber::OBJECT)
        .expect("it was just written");
    assert_eq!(ber::object(body), Some(text));
}

fn credssp(bytes: &[u8]) {
    let Ok(message) = credssp::Request::parse(bytes) else { return };
    if message.token.is_empty() {
        return;
    }
    let written = credssp::Request::emit(message.version, message.token);
    let message = credssp::Request { error: None, length: written.len(), ..message };
    same(&message, &written, credssp::Request::parse);
    let mut r = Reader::new(&written);
    assert!(der::element(&mut r, "message", der::SEQUENCE).is_ok() && r.is_empty());
}

fn dicom(bytes: &[u8]) {
    let Ok(dicom::Message::Request(message)) = dicom::Message::parse(bytes) else { return };
    let (Ok(called), Ok(calling)) =
        (std::str::from_utf8(message.called), std::str::from_utf8(message.calling))
    else {
        return;
    };
    let written = dicom::ask(called, calling);
    let Ok(dicom::Message::Request(read)) = dicom::Message::parse(&written) else {
        panic!("{written:02x?}")
    };
    assert_eq!((read.called, read.calling), (message.called, message.calling));
    assert_eq!(dicom::length(&written), Ok(written.len()));
}

fn etherip(bytes: &[u8]) {
    if let Ok(message) = etherip::EtherIp::parse(bytes) {
        same(&message, &message.emit(), etherip::EtherIp::parse);
    }
}

fn ethernet(bytes: &[u8]) {
    let Ok(message) = ethernet::Frame::parse(bytes) else { return };
    let fits = match message.kind {
        // More tags than are followed leave a tag as the type.
        ethernet::Kind::Type(number) => {
            number >= 0x0600 && ![0x8100, 0x88a8, 0x9100, 0x9200].contains(&number)
        }
        ethernet::Kind::Snap(..) => message.payload.len() <= 1492,
        // 0xaa is SNAP's.
        ethernet::Kind::Llc(point) => message.payload.len() <= 1497 && point != 0xaa,
    };
    if fits {
        same(&message, &message.emit(), ethernet::Frame::parse);
    }
}

fn geneve(bytes: &[u8]) {
    if let Ok(message) = geneve::Geneve::parse(bytes) {
        let message = geneve::Geneve { options: &[], control: false, ..message };
        same(&message, &message.emit(), geneve::Geneve::parse);
    }
}

fn gre(bytes: &[u8]) {
    if let Ok(message) = gre::Gre::parse(bytes) {
        same(&message, &message.emit(), gre::Gre::parse);
    }
}

fn icmp(bytes: &[u8]) {
    if let Ok(message) = icmp::Icmp::parse(bytes) {
        let written = message.emit();
        same(&message, &written, icmp::Icmp::parse);
        assert_eq!(wire::checksum(&[&written]), 0);
    }
}

fn ip(bytes: &[u8]) {
    if let Ok(message) = ipv4::Packet::parse(bytes) {
        let message = ipv4::Packet { missing: 0, ..message };
        let written = message.emit();
        same(&message, &written, ipv4::Packet::parse);
        let header = written.get(..20 + message.options.len()).unwrap_or_default();
        assert_eq!(wire::checksum(&[header]), 0);
    }
    if let Ok(message) = ipv6::Packet::parse(bytes) {
        // Extension headers are not written.
        if message.fragment.is_none() && ![0, 43, 44, 60, 135, 139, 140].contains(&message.protocol)
        {
            let message = ipv6::Packet { missing: 0, ..message };
            same(&message, &message.emit(), ipv6::Packet::parse);
        }
    }
}

fn pppoe(bytes: &[u8]) {
    if let Ok(message) = pppoe::Pppoe::parse(bytes) {
        same(&message, &message.emit(), pppoe::Pppoe::parse);
    }
}

fn pptp(bytes: &[u8]) {
    if let Ok(message) = pptp::Start::parse(bytes)
        && message.host_name.len() < 64
        && message.vendor.len() < 64
    {
        let written = message.emit();
        let control = pptp::Message::parse(&written).expect("it was just written");
        same(&message, control.body, pptp::Start::parse);
    }
}

fn radmin(bytes: &[u8]) {
    if let Ok(message) = radmin::Message::parse(bytes) {
        same(&message, &message.emit(), radmin::Message::parse);
    }
}

fn rdp(bytes: &[u8]) {
    let whole = |bytes| rdp::Message::parse(bytes).map(|(message, _)| message);
    match rdp::Message::parse(bytes) {
        // A longer token does not fit the header.
        Ok((rdp::Message::Request(request), _))
            if request.token.is_none_or(|token| token.len() <= 230) =>
        {
            same(&rdp::Message::Request(request), &request.emit(), whole);
        }
        Ok((rdp::Message::Confirm(confirm), _)) => {
            same(&rdp::Message::Confirm(confirm), &confirm.emit(), whole);
        }
        _ => {}
    }
}

fn smb(bytes: &[u8]) {
    let token = smb::negotiate(bytes);
    let written = smb::begin_session(&token);
    let frame = smb::Frame {
        message: smb::Message::Logon { answer: false, token: &token },
        length: written.len(),
    };
    same(&frame, &written, smb::Frame::parse);
    assert_eq!(ntlm::Message::find(&token), ntlm::Message::find(bytes));
    if let (Some(identifier), Some(salt)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let written = smb::offer(identifier, salt);
        let frame = smb::Frame::parse(&written).expect("it was just written");
        assert_eq!(frame.length, written.len());
    }
}

fn socks(bytes: &[u8]) {
    if let Ok(message) = socks::Client::parse(bytes)
        && !message.methods.is_empty()
    {
        let written = socks::offer(message.methods);
        let read = socks::Client::parse(&written).expect("it was just written");
        assert_eq!((read.methods, read.length), (message.methods, written.len()));
    }
}

fn ssh(bytes: &[u8]) {
    if let Ok(message) = ssh::Identification::parse(bytes)
        && message.software.len() <= 200
        && message.version.len() <= 20
    {
        let written = message.emit();
        let message = ssh::Identification { length: written.len(), ..message };
        same(&message, &written, ssh::Identification::parse);
    }
}

fn tailscale(bytes: &[u8]) {
    if let Ok(message) = tailscale::Disco::parse(bytes) {
        same(&message, &message.emit(&[7; 24]), tailscale::Disco::parse);
    }
}

fn telnet(bytes: &[u8]) {
    let refusals = telnet::refusals(bytes, 0);
    if !refusals.is_empty() {
        let heard = telnet::Heard::parse(&refusals).expect("it was just written");
        assert_eq!(heard.negotiated.len() * 3, refusals.len());
        assert!(heard.text.is_empty());
    }
    // Two that refuse everything have nothing more to say.
    assert_eq!(telnet::refusals(&refusals, 0), b"");
    // Whatever was answered before is not answered again.
    for half in [bytes.len() / 2, bytes.len()] {
        let first = telnet::refusals(bytes.get(..half).unwrap_or_default(), 0);
        assert_eq!([first, telnet::refusals(bytes, half)].concat(), refusals);
    }
}

fn tinc(bytes: &[u8]) {
    if let Ok(message) = tinc::Identification::parse(bytes) {
        same(&message, &message.emit(), tinc::Identification::parse);
    }
}

fn transport(bytes: &[u8]) {
    if let Ok(message) = tcp::Segment::parse(bytes) {
        let written = message.emit(&[]);
        same(&message, &written, tcp::Segment::parse);
        assert_eq!(wire::checksum(&[&written]), 0);
    }
    if let Ok(message) = udp::Datagram::parse(bytes) {
        let written = message.emit(&[]);
        same(&message, &written, udp::Datagram::parse);
        assert_eq!(wire::checksum(&[&written]), 0);
    }
}

fn vnc(bytes: &[u8]) {
    if let Ok(message) = vnc::Version::parse(bytes) {
        same(&message, &message.emit(), vnc::Version::parse);
    }
}

fn vxlan(bytes: &[u8]) {
    if let Ok(message) = vxlan::Vxlan::parse(bytes) {
        let message = vxlan::Vxlan { group: None, next: None, ..message };
        same(&message, &message.emit(), vxlan::Vxlan::parse);
    }
}

fn x11(bytes: &[u8]) {
    if let Ok(message) = x11::SetUp::parse(bytes) {
        same(&message, &message.emit(), x11::SetUp::parse);
    }
}
