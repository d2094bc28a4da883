//! What IKE tells before it encrypts: versions, algorithms, vendor identifiers, notifications, names.

use super::{Carrier, End, Facts, Finding, Protocol, Said, Side, Transport, facts};
use crate::wire::{
    self, Result,
    ike::{self, Header, Identity, Message, Notify, Offer, Payload, exchange, payload},
    require,
};

/// Where gateways listen (UDP); 848 is group keys (RFC 6407).
const PORTS: &[u16] = &[500, 4500, 848];

/// Where gateways listen for IKE inside TCP (RFC 8229).
const STREAM_PORTS: &[u16] = &[4500];

/// The vendor identifier of extended authentication (XAUTH).
const XAUTH: [u8; 8] = [0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12];

/// IKE of both versions, on any port: the header counts its own bytes.
pub static PROTOCOL: Protocol =
    Protocol { name: "ike", carriers: &[Carrier::Udp(PORTS), Carrier::Tcp(STREAM_PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.transport == Transport::Tcp {
        let (message, _) = ike::parse_stream(said.bytes)?;
        require("exchange", is_known(&message.header))?;
        let facts = facts(&message).with("ike.transport", "tcp");
        return Ok(Finding::firm(side(said, &message), facts));
    }
    // A keepalive is a single byte, and so means something on its own port only.
    if said.bytes == ike::KEEPALIVE && said.on(&[4500]) {
        let facts = Facts::default().with("ike.nat_t", "keepalive");
        return Ok(Finding::weak(said.side(PORTS), facts));
    }
    let message = Message::parse(said.bytes)?;
    let home = said.on(PORTS);
    let known = is_known(&message.header);
    let sound = known && message.header.initiator != 0;
    require("length", home || message.is_whole() && sound)?;
    let side = side(said, &message);
    let facts = facts(&message);
    Ok(match (message.is_whole(), message.is_well_formed() && sound) {
        (true, true) => Finding::certain(side, facts),
        (true, false) if sound => Finding::firm(side, facts),
        (false, true) => Finding::firm(side, facts),
        // A message cut short by the capture still shows its first payload.
        (false, false) if sound && message.payloads().next().is_some() => {
            Finding::firm(side, facts)
        }
        _ => Finding::weak(side, facts),
    })
}

/// Whether the exchange, and the first payload with it, are registered ones.
fn is_known(header: &Header) -> bool {
    match header.version {
        1 => {
            matches!(header.exchange, 1..=6 | 32 | 33)
                && matches!(header.next, 0..=24 | 128..=140)
                && header.next != 0
        }
        _ => {
            matches!(header.exchange, 34..=44)
                && (33..=54).contains(&header.next)
                && (header.exchange != exchange::SA_INIT || header.message == 0)
        }
    }
}

/// Version 2 says who began; version 1 shows it in its first two messages.
fn side(said: &Said<'_>, message: &Message<'_>) -> Side {
    let header = &message.header;
    if let Some(from_initiator) = header.from_initiator() {
        return if from_initiator { Side::Client } else { Side::Server };
    }
    let begins = |header: &Header| {
        header.responder == 0
            && matches!(header.exchange, 1 | exchange::MAIN | 3 | exchange::AGGRESSIVE)
    };
    if begins(header) {
        return Side::Client;
    }
    let offers =
        |message: &Message<'_>| message.payloads().any(|payload| payload.kind == payload::SA_V1);
    let other = Message::parse(said.answering).ok();
    let other = other.filter(|other| other.header.initiator == header.initiator);
    if offers(message) || other.is_some_and(|other| begins(&other.header)) {
        return Side::Server;
    }
    if other.is_some_and(|other| offers(&other)) {
        return Side::Client;
    }
    match said.begun_by {
        None if said.from == said.to => Side::Peer,
        Some(End::Speaker) => Side::Client,
        Some(End::Listener) => Side::Server,
        None => said.side(PORTS),
    }
}

/// Adds a value unless the field already has it: offers repeat themselves.
fn once(facts: &mut Facts, field: &'static str, value: String) {
    if facts.all(field).all(|known| known != value) {
        facts.add(field, value);
    }
}

fn facts(message: &Message<'_>) -> Facts {
    let header = &message.header;
    let mut facts = Facts::default()
        .with("ike.version", header.version)
        .with("ike.exchange", exchange_name(header.exchange));
    if message.marked {
        facts.add("ike.nat_t", "marker");
    }
    if header.exchange == exchange::TRANSACTION {
        facts.add("ike.mode_config", true);
    }
    for Payload { kind, body } in message.payloads() {
        let told = match header.version {
            1 => payload_v1(&mut facts, header, kind, body),
            _ => payload_v2(&mut facts, header, kind, body),
        };
        // What a payload does not hold as it should is left out; the next one may be whole.
        let _ = told;
    }
    facts
}

fn payload_v1(facts: &mut Facts, header: &Header, kind: u8, body: &[u8]) -> wire::Result<()> {
    match kind {
        payload::SA_V1 => {
            let mut xauth = false;
            let domain = ike::offers_v1(body, |offer| {
                xauth |= matches!(offer, Offer::Authentication(65_001..=65_010));
                add_offer(facts, 1, offer);
            })?;
            if domain == 2 {
                facts.add("ike.domain", "gdoi");
            }
            if xauth {
                once(facts, "ike.xauth", true.to_string());
            }
        }
        payload::IDENTITY_V1 if header.exchange != 32 => add_identity(facts, body)?,
        payload::CERTIFICATE_V1 => {
            if let Some((encoding, certificate)) = body.split_first() {
                add_certificate(facts, *encoding, certificate);
            }
        }
        payload::CERTIFICATE_REQUEST_V1 => {
            if let Some((_, authority)) = body.split_first() {
                facts.add_text("ike.certificate_authority", distinguished(authority).as_bytes());
            }
        }
        payload::NOTIFY_V1 => {
            let notify = Notify::parse(1, body)?;
            once(facts, "ike.notify", notify_name_v1(notify.kind));
        }
        payload::VENDOR_V1 => {
            if body == XAUTH {
                once(facts, "ike.xauth", true.to_string());
            }
            add_vendor(facts, header, body);
        }
        payload::ATTRIBUTES => once(facts, "ike.mode_config", true.to_string()),
        payload::NAT_DETECTION | payload::NAT_DETECTION_DRAFT => {
            once(facts, "ike.nat_detection", true.to_string());
        }
        payload::FRAGMENT_V1 => once(facts, "ike.fragmentation", true.to_string()),
        _ => {}
    }
    Ok(())
}

fn payload_v2(facts: &mut Facts, header: &Header, kind: u8, body: &[u8]) -> wire::Result<()> {
    match kind {
        payload::SA => ike::offers(body, |offer| add_offer(facts, 2, offer))?,
        payload::KEY => {
            let group = wire::Reader::new(body).u16("group")?;
            facts.add("ike.key_group", group_name(group));
        }
        payload::NOTIFY => {
            let notify = Notify::parse(2, body)?;
            once(facts, "ike.notify", notify_name(notify.kind));
            match (notify.kind, notify.data.first_chunk::<2>()) {
                (17, Some(group)) => {
                    facts.add("ike.wanted_group", group_name(u16::from_be_bytes(*group)));
                }
                (16_388 | 16_389, _) => once(facts, "ike.nat_detection", true.to_string()),
                (16_430, _) => once(facts, "ike.fragmentation", true.to_string()),
                _ => {}
            }
        }
        payload::VENDOR => add_vendor(facts, header, body),
        payload::CERTIFICATE => {
            if let Some((encoding, certificate)) = body.split_first() {
                add_certificate(facts, *encoding, certificate);
            }
        }
        payload::CERTIFICATE_REQUEST => {
            let authorities = body.get(1..).unwrap_or_default().as_chunks::<20>().0;
            for authority in authorities.iter().take(8) {
                once(facts, "ike.certificate_authority", facts::hex(authority));
            }
            facts.add("ike.certificate_request", true);
        }
        payload::ENCRYPTED_FRAGMENT => once(facts, "ike.fragmentation", true.to_string()),
        _ => {}
    }
    Ok(())
}

fn add_vendor(facts: &mut Facts, header: &Header, id: &[u8]) {
    if id.is_empty() {
        return;
    }
    if is_from_cookie(header, id) {
        once(facts, "ike.vendor_id_kind", "from_cookie".to_owned());
        return;
    }
    once(facts, "ike.vendor_id", facts::hex(id));
    // Some vendors write words, often behind or before digits of their own.
    let words = id
        .split(|byte| !(b' '..=b'~').contains(byte))
        .max_by_key(|words| words.len())
        .filter(|words| words.len() >= 6);
    if let Some(words) = words {
        once(facts, "ike.vendor_text", facts::text(words));
    }
}

/// Some gateways send an identifier made for this exchange: its second word is that of their cookie, but
/// for one bit. That they do it tells who they are; its digits would differ each time.
fn is_from_cookie(header: &Header, id: &[u8]) -> bool {
    let Some(&[_, _, _, _, a, b, c, d, ..]) = id.first_chunk::<16>() else { return false };
    id.len() == 16
        && [header.initiator, header.responder].iter().any(|cookie| {
            let [_, _, _, _, e, f, g, h] = cookie.to_be_bytes();
            *cookie != 0 && (a, b | 1, c, d) == (e, f | 1, g, h)
        })
}

fn add_identity(facts: &mut Facts, body: &[u8]) -> wire::Result<()> {
    let id = Identity::parse(body)?;
    let name = match id.kind {
        1 => "ipv4",
        2 => "fqdn",
        3 => "user_fqdn",
        4 => "ipv4_subnet",
        5 => "ipv6",
        9 => "distinguished_name",
        10 => "general_name",
        11 => "key_id",
        _ => "other",
    };
    facts.add("ike.id_type", name);
    match id.kind {
        1 => {
            if let Ok(address) = <[u8; 4]>::try_from(id.value) {
                facts.add("ike.id", std::net::Ipv4Addr::from(address));
            }
        }
        5 => {
            if let Ok(address) = <[u8; 16]>::try_from(id.value) {
                facts.add("ike.id", std::net::Ipv6Addr::from(address));
            }
        }
        9 => facts.add_text("ike.id", distinguished(id.value).as_bytes()),
        2 | 3 => facts.add_text("ike.id", id.value),
        // A key identifier is a group's name on some gateways, and any bytes on others.
        _ if id.value.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
            facts.add_text("ike.id", id.value);
        }
        _ => facts.add_hex("ike.id", id.value),
    }
    Ok(())
}

fn add_certificate(facts: &mut Facts, encoding: u8, der: &[u8]) {
    if encoding != 4 {
        return;
    }
    if let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) {
        facts.add_text("ike.certificate_subject", certificate.subject().to_string().as_bytes());
        facts.add_text("ike.certificate_issuer", certificate.issuer().to_string().as_bytes());
    }
}

/// A distinguished name as text, or as digits where it cannot be read.
fn distinguished(der: &[u8]) -> String {
    use x509_parser::prelude::FromDer as _;
    match x509_parser::x509::X509Name::from_der(der) {
        Ok((_, name)) => name.to_string(),
        Err(_) => facts::hex(der),
    }
}

fn add_offer(facts: &mut Facts, version: u8, offer: Offer) {
    match offer {
        Offer::Encryption(kind, bits) => {
            let name = if version == 1 { encryption_v1(kind) } else { encryption(kind) };
            let name = name.map_or_else(|| kind.to_string(), str::to_owned);
            let name = bits.map_or_else(|| name.clone(), |bits| format!("{name}_{bits}"));
            once(facts, "ike.encryption", name);
        }
        Offer::Hash(hash) => once(facts, "ike.hash", named(hash, hash_name)),
        Offer::Prf(prf) => once(facts, "ike.prf", named(prf, prf_name)),
        Offer::Integrity(kind) => once(facts, "ike.integrity", named(kind, integrity_name)),
        Offer::Group(group) => once(facts, "ike.group", group_name(group)),
        Offer::Authentication(method) => {
            once(facts, "ike.authentication", named(method, authentication_name));
        }
        Offer::Seconds(seconds) => once(facts, "ike.lifetime", seconds.to_string()),
        Offer::Other(6..=12, kind) => {
            once(facts, "ike.additional_key_exchange", group_name(kind));
        }
        Offer::Other(..) => {}
    }
}

fn named(code: u16, name: fn(u16) -> Option<&'static str>) -> String {
    name(code).map_or_else(|| code.to_string(), str::to_owned)
}

fn exchange_name(code: u8) -> String {
    let name = match code {
        1 => "base",
        2 => "main",
        3 => "authentication_only",
        4 => "aggressive",
        exchange::INFORMATIONAL_V1 | 37 => "informational",
        6 => "transaction",
        32 => "quick",
        33 => "new_group",
        34 => "sa_init",
        35 => "auth",
        36 => "create_child_sa",
        38 => "session_resume",
        39 => "gsa_auth",
        40 => "gsa_registration",
        41 => "gsa_rekey",
        42 => "gsa_inband_rekey",
        43 => "intermediate",
        44 => "followup_key_exchange",
        other => return other.to_string(),
    };
    name.to_owned()
}

fn encryption_v1(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "des_cbc",
        2 => "idea_cbc",
        3 => "blowfish_cbc",
        4 => "rc5_cbc",
        5 => "3des_cbc",
        6 => "cast_cbc",
        7 => "aes_cbc",
        8 => "camellia_cbc",
        65_001 => "mars_cbc",
        65_004 => "serpent_cbc",
        65_005 => "twofish_cbc",
        _ => return None,
    })
}

fn encryption(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "des_iv64",
        2 => "des_cbc",
        3 => "3des_cbc",
        4 => "rc5_cbc",
        5 => "idea_cbc",
        6 => "cast_cbc",
        7 => "blowfish_cbc",
        11 => "null",
        12 => "aes_cbc",
        13 => "aes_ctr",
        14 => "aes_ccm_8",
        15 => "aes_ccm_12",
        16 => "aes_ccm_16",
        18 => "aes_gcm_8",
        19 => "aes_gcm_12",
        20 => "aes_gcm_16",
        23 => "camellia_cbc",
        24 => "camellia_ctr",
        28 => "chacha20_poly1305",
        _ => return None,
    })
}

fn hash_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "md5",
        2 => "sha1",
        3 => "tiger",
        4 => "sha2_256",
        5 => "sha2_384",
        6 => "sha2_512",
        _ => return None,
    })
}

fn prf_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "md5",
        2 => "sha1",
        3 => "tiger",
        4 => "aes_xcbc",
        5 => "sha2_256",
        6 => "sha2_384",
        7 => "sha2_512",
        8 => "aes_cmac",
        _ => return None,
    })
}

fn integrity_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "none",
        1 => "md5_96",
        2 => "sha1_96",
        3 => "des_mac",
        4 => "kpdk_md5",
        5 => "aes_xcbc_96",
        6 => "md5_128",
        7 => "sha1_160",
        8 => "aes_cmac_96",
        12 => "sha2_256_128",
        13 => "sha2_384_192",
        14 => "sha2_512_256",
        _ => return None,
    })
}

fn group_name(code: u16) -> String {
    let name = match code {
        0 => "none",
        1 => "modp768",
        2 => "modp1024",
        3 => "ec2n155",
        4 => "ec2n185",
        5 => "modp1536",
        14 => "modp2048",
        15 => "modp3072",
        16 => "modp4096",
        17 => "modp6144",
        18 => "modp8192",
        19 => "ecp256",
        20 => "ecp384",
        21 => "ecp521",
        22 => "modp1024_160",
        23 => "modp2048_224",
        24 => "modp2048_256",
        25 => "ecp192",
        26 => "ecp224",
        27 => "brainpool224",
        28 => "brainpool256",
        29 => "brainpool384",
        30 => "brainpool512",
        31 => "curve25519",
        32 => "curve448",
        35 => "ml_kem_512",
        36 => "ml_kem_768",
        37 => "ml_kem_1024",
        other => return other.to_string(),
    };
    name.to_owned()
}

fn authentication_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "shared_key",
        2 => "dss_signature",
        3 => "rsa_signature",
        4 => "rsa_encryption",
        5 => "rsa_encryption_revised",
        9 => "ecdsa_p256",
        10 => "ecdsa_p384",
        11 => "ecdsa_p521",
        64_221 => "hybrid_rsa",
        64_222 => "hybrid_rsa_answered",
        64_223 => "hybrid_dss",
        65_001 => "xauth_shared_key",
        65_002 => "xauth_shared_key_answered",
        65_003 => "xauth_dss",
        65_004 => "xauth_dss_answered",
        65_005 => "xauth_rsa",
        65_006 => "xauth_rsa_answered",
        _ => return None,
    })
}

fn notify_name_v1(code: u16) -> String {
    let name = match code {
        1 => "invalid_payload_type",
        2 => "domain_not_supported",
        3 => "situation_not_supported",
        4 => "invalid_cookie",
        5 => "invalid_major_version",
        6 => "invalid_minor_version",
        7 => "invalid_exchange_type",
        8 => "invalid_flags",
        9 => "invalid_message_id",
        10 => "invalid_protocol_id",
        11 => "invalid_spi",
        12 => "invalid_transform_id",
        13 => "attributes_not_supported",
        14 => "no_proposal_chosen",
        15 => "bad_proposal_syntax",
        16 => "payload_malformed",
        17 => "invalid_key_information",
        18 => "invalid_id_information",
        19 => "invalid_certificate_encoding",
        20 => "invalid_certificate",
        21 => "certificate_type_unsupported",
        22 => "invalid_certificate_authority",
        23 => "invalid_hash_information",
        24 => "authentication_failed",
        25 => "invalid_signature",
        26 => "address_notification",
        27 => "notify_sa_lifetime",
        28 => "certificate_unavailable",
        29 => "unsupported_exchange_type",
        30 => "unequal_payload_lengths",
        16_384 => "connected",
        24_576 => "responder_lifetime",
        24_577 => "replay_status",
        24_578 => "initial_contact",
        36_136 => "are_you_there",
        36_137 => "are_you_there_ack",
        40_503 => "unity_load_balance",
        other => return other.to_string(),
    };
    name.to_owned()
}

fn notify_name(code: u16) -> String {
    let name = match code {
        1 => "unsupported_critical_payload",
        4 => "invalid_ike_spi",
        5 => "invalid_major_version",
        7 => "invalid_syntax",
        9 => "invalid_message_id",
        11 => "invalid_spi",
        14 => "no_proposal_chosen",
        17 => "invalid_ke_payload",
        24 => "authentication_failed",
        34 => "single_pair_required",
        35 => "no_additional_sas",
        36 => "internal_address_failure",
        37 => "failed_cp_required",
        38 => "ts_unacceptable",
        39 => "invalid_selectors",
        40 => "unacceptable_addresses",
        43 => "temporary_failure",
        44 => "child_sa_not_found",
        16_384 => "initial_contact",
        16_385 => "set_window_size",
        16_386 => "additional_ts_possible",
        16_387 => "ipcomp_supported",
        16_388 => "nat_detection_source_ip",
        16_389 => "nat_detection_destination_ip",
        16_390 => "cookie",
        16_391 => "use_transport_mode",
        16_392 => "http_cert_lookup_supported",
        16_393 => "rekey_sa",
        16_394 => "esp_tfc_padding_not_supported",
        16_395 => "non_first_fragments_also",
        16_396 => "mobike_supported",
        16_404 => "multiple_auth_supported",
        16_406 => "redirect_supported",
        16_407 => "redirect",
        16_408 => "redirected_from",
        16_417 => "eap_only_authentication",
        16_418 => "childless_ikev2_supported",
        16_420 => "ikev2_message_id_sync_supported",
        16_430 => "fragmentation_supported",
        16_431 => "signature_hash_algorithms",
        16_432 => "clone_ike_sa_supported",
        16_434 => "puzzle",
        16_435 => "use_ppk",
        16_436 => "ppk_identity",
        16_438 => "intermediate_exchange_supported",
        16_441 => "additional_key_exchange",
        other => return other.to_string(),
    };
    name.to_owned()
}
