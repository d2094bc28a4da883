//! The first questions of IKE, and a minimal answer to them.

use std::net::{IpAddr, SocketAddr};

use sha1::{Digest as _, Sha1};

use super::{Header, INITIATOR, MARKER, Message, RESPONSE, exchange, payload};
use crate::wire::Writer;

/// A chain of payloads being built; each is told its follower's type.
#[derive(Debug, Default)]
struct Chain(Vec<(u8, Vec<u8>)>);

impl Chain {
    fn with(mut self, kind: u8, body: Vec<u8>) -> Self {
        self.0.push((kind, body));
        self
    }

    fn first(&self) -> u8 {
        self.0.first().map_or(0, |(kind, _)| *kind)
    }

    fn emit(&self) -> Vec<u8> {
        let followers = self.0.iter().skip(1).map(|(kind, _)| *kind).chain([0]);
        self.0.iter().zip(followers).fold(Vec::new(), |mut out, ((_, body), next)| {
            out.extend(Writer::new().u8(next).u8(0).sized_u16(4, body).finish());
            out
        })
    }
}

/// Proposals or transforms laid end to end: each is told whether another follows.
fn list(more: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let last = items.len().saturating_sub(1);
    items.iter().enumerate().fold(Vec::new(), |mut out, (at, item)| {
        let more = if at == last { 0 } else { more };
        out.extend(Writer::new().u8(more).u8(0).sized_u16(4, item).finish());
        out
    })
}

fn transform_v1(number: u8, values: [u16; 5]) -> Vec<u8> {
    let [encryption, bits, hash, authentication, group] = values;
    let mut w = Writer::new().u8(number).u8(1).u16(0).u16(0x8001).u16(encryption);
    if bits != 0 {
        w = w.u16(0x800e).u16(bits);
    }
    w.u16(0x8002)
        .u16(hash)
        .u16(0x8003)
        .u16(authentication)
        .u16(0x8004)
        .u16(group)
        .u16(0x800b)
        .u16(1)
        .u16(0x000c)
        .u16(4)
        .u32(28_800)
        .finish()
}

fn sa_v1(transforms: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(transforms.len()).unwrap_or(u8::MAX);
    let proposal = Writer::new().u8(1).u8(1).u8(0).u8(count).bytes(&list(3, transforms)).finish();
    Writer::new().u32(1).u32(1).bytes(&list(2, &[proposal])).finish()
}

/// What a first question of version 1 offers: encryption, key length, hash and group; each with a shared
/// key and with a certificate. Strong first; the weak ones show which gateways still take them.
pub const COMMON: &[[u16; 4]] = &[
    [7, 256, 4, 14],
    [7, 256, 2, 14],
    [7, 256, 2, 5],
    [7, 256, 2, 2],
    [7, 128, 4, 14],
    [7, 128, 2, 14],
    [7, 128, 2, 5],
    [7, 128, 2, 2],
    [5, 0, 2, 2],
    [5, 0, 1, 2],
    [5, 0, 2, 5],
    [7, 256, 4, 19],
    [7, 256, 5, 20],
    [1, 0, 1, 1],
];

/// What gateways of before AES take, and nothing else: they may stay silent when offered more.
pub const CLASSIC: &[[u16; 4]] = &[[5, 0, 2, 2], [5, 0, 1, 2], [1, 0, 2, 1], [1, 0, 1, 1]];

/// Vendor identifiers that gateways expect before they answer fully: address translation (RFC 3947),
/// dead peer detection (RFC 3706), fragmentation, XAUTH, Unity.
const VENDORS_V1: &[&[u8]] = &[
    &[74, 19, 28, 129, 7, 3, 88, 69, 92, 87, 40, 242, 14, 149, 69, 47],
    &[175, 202, 215, 19, 104, 161, 241, 201, 107, 134, 150, 252, 119, 87, 1, 0],
    &[64, 72, 183, 213, 110, 188, 232, 133, 37, 231, 222, 127, 0, 214, 194, 211, 128, 0, 0, 0],
    &[9, 0, 38, 137, 223, 214, 183, 18],
    &[18, 245, 242, 140, 69, 113, 104, 169, 112, 45, 159, 226, 116, 204, 1, 0],
];

/// The first question of main mode; it offers `suites`. With [`COMMON`] it ends below 1280 bytes with every
/// header, so that it is never split.
pub fn ask_main(initiator: u64, suites: &[[u16; 4]]) -> Vec<u8> {
    let suites = suites.iter().flat_map(|[encryption, bits, hash, group]| {
        [1, 3].map(|authentication| [*encryption, *bits, *hash, authentication, *group])
    });
    let transforms: Vec<_> =
        suites.zip(1..).map(|(suite, number)| transform_v1(number, suite)).collect();
    let chain = VENDORS_V1
        .iter()
        .fold(Chain::default().with(payload::SA_V1, sa_v1(&transforms)), |chain, vendor| {
            chain.with(payload::VENDOR_V1, vendor.to_vec())
        });
    let header = Header {
        initiator,
        responder: 0,
        next: chain.first(),
        version: 1,
        exchange: exchange::MAIN,
        flags: 0,
        message: 0,
        length: 0,
    };
    header.emit(&chain.emit())
}

fn transform(kind: u8, value: u16, bits: Option<u16>) -> Vec<u8> {
    let w = Writer::new().u8(kind).u8(0).u16(value);
    bits.map_or_else(|| w.clone(), |bits| w.clone().u16(0x800e).u16(bits)).finish()
}

fn proposal(number: u8, transforms: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(transforms.len()).unwrap_or(u8::MAX);
    Writer::new().u8(number).u8(1).u8(0).u8(count).bytes(&list(3, transforms)).finish()
}

/// A public value of group 14 (RFC 3526, 3), for questions that end before a key is needed. It is in the
/// subgroup that 2 generates, so that no responder finds fault with it.
pub const PUBLIC_VALUE: [u8; 256] = hex(    b"78c12b70913419ed5a2c1ad02bc99d771820616580e1bd8781264a97b2cb1ae1cccc3efc21db6797dbbb896ac0fe7368\
f7601a1ae76786f4b3ff4ff0fe46be632731f717f06350423a3dbfb9248b1deb8924b287a13f83c0384828965dab8321058d26043f\
f78c162cac487ce7b84e14c7b52b56b7843f82e9fcf443ce98bffa5becffccb8947c62957c10aba63edabe881efdd5ff2626dde773\
bd1d5b1749d6c771d9c02216e8aa1d795dfdb0c8468fcd5f13f67463b5f957978f4746f318127d34aa09246973b45716fd20a06a68\
5efa8b6113d867bb58d6176e8633285b66a21e5ccaf34182d50920102727b7f1d6e01e010e2d9a7703f963d6bc6e83cd1b",
);

/// The public value that we tell in `group`: for groups other than 14 the one that belongs to the private
/// value SHA-256("sekisho"). None for groups that our questions do not offer.
pub fn public_value(group: u16) -> Option<&'static [u8]> {
    Some(match group {
        2 => &MODP_1024,
        5 => &MODP_1536,
        14 => &PUBLIC_VALUE,
        19 => &ECP_256,
        20 => &ECP_384,
        31 => &CURVE_25519,
        _ => return None,
    })
}

const MODP_1024: [u8; 128] = hex(
    b"004c5237fd663b831fbbd7d110dea8a88af8de7f8ba03d34d8f1c1c0b31603ca0ee1c07227a22659fa17f190b708f4c74f7f\
6ad9c25891f26f15ba2459d26cbaab97470e6e127979b0dce2f2dfcd13597c73c4f68c121c50cc4c0f5c70ec7fa69ad5a038\
bf801aba832037be18554d4c3c526581b2cae6efbe1c094dff2298d1",
);

const MODP_1536: [u8; 192] = hex(
    b"82be9f04a230d4a138cb998f1117f79512810745eb6cc364731d199977f6ad565a0b4c22da195c6041a519dd3b79769e23c4\
20eeede589f8d01350846f73afa2fdb3226e1097a4bdd3e276bc7e004dab5799d766e74baf31e03bda8d202f86cfbc7597ce\
320e5fae0d607e4549bd48c8562ba28d6f8281e4db8db270c307a01278ed0e1c7e1a8a1af48732acbd393b062dc8d4d78465\
738f901a1c5aebe3275d42849dc119d7d91bf06cae31b5a20ac2b581e404c35f0a6380f1d9567806c840",
);

const ECP_256: [u8; 64] = hex(
    b"da484681789a9557246a1c3f0cd7fb0cdefbd892116280580919e81f2628cbee007a1756a802c5289fc18555ff0dea47af17\
8c0443cdda3de835813e0074b49c",
);

const ECP_384: [u8; 96] = hex(
    b"3ebc4d82afeab54d73b382afb3b74fc628461d5a8a0d058d9a1f571e0d4a5162c7432131cc6e83b1a3928e3a596c41e082cd\
6f99e1f9d5ea1d3375542b6094265d62be89d40f8c1986d9d08981ec763cd882823fe1b901b687744ed6c8c397cd",
);

const CURVE_25519: [u8; 32] =
    hex(b"4e00c39896a7991c2dc8e83e15beaf8411327b31da2ec57e0f7ba835c59c247e");

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn hex<const N: usize>(digits: &[u8]) -> [u8; N] {
    const fn digit(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 }
    }
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(digits[2 * at]) << 4 | digit(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

/// The first question of version 2.
#[derive(Debug, Clone, Copy)]
pub struct SaInit<'a> {
    /// Our cookie.
    pub initiator: u64,
    /// Our nonce.
    pub nonce: &'a [u8; 32],
    /// Where it is sent from.
    pub from: SocketAddr,
    /// Where it is sent to.
    pub to: SocketAddr,
    /// The group of the public value it carries.
    pub group: u16,
}

impl SaInit<'_> {
    /// Writes it; none when there is no public value in its group.
    pub fn emit(&self) -> Option<Vec<u8>> {
        let value = public_value(self.group)?;
        let rest = |integrity: &[u16]| -> Vec<Vec<u8>> {
            let prf = [5, 6, 7, 2].map(|value| transform(2, value, None));
            let integrity = integrity.iter().map(|value| transform(3, *value, None));
            let groups = [14, 19, 20, 31, 5, 2].map(|value| transform(4, value, None));
            prf.into_iter().chain(integrity).chain(groups).collect()
        };
        let block = [256, 192, 128].map(|bits| transform(1, 12, Some(bits)));
        let block: Vec<_> = block
            .into_iter()
            .chain([transform(1, 3, None)])
            .chain(rest(&[12, 13, 14, 2]))
            .collect();
        let combined = [256, 128].map(|bits| transform(1, 20, Some(bits)));
        let combined: Vec<_> = combined.into_iter().chain(rest(&[])).collect();
        let notify =
            |kind: u16, data: &[u8]| Writer::new().u8(0).u8(0).u16(kind).bytes(data).finish();
        let chain = Chain::default()
            .with(payload::SA, list(2, &[proposal(1, &block), proposal(2, &combined)]))
            .with(payload::KEY, Writer::new().u16(self.group).u16(0).bytes(value).finish())
            .with(payload::NONCE, self.nonce.to_vec())
            .with(payload::NOTIFY, notify(16_388, &nat_digest(self.initiator, self.from)))
            .with(payload::NOTIFY, notify(16_389, &nat_digest(self.initiator, self.to)))
            .with(payload::NOTIFY, notify(16_430, &[]));
        let header = Header {
            initiator: self.initiator,
            responder: 0,
            next: chain.first(),
            version: 2,
            exchange: exchange::SA_INIT,
            flags: INITIATOR,
            message: 0,
            length: 0,
        };
        Some(header.emit(&chain.emit()))
    }
}

/// What tells an end whether its address is translated on the way: SHA-1 over both cookies, the address and
/// the port (RFC 7296, 2.23). The responder's cookie is still zero.
pub fn nat_digest(initiator: u64, end: SocketAddr) -> [u8; 20] {
    let mut digest = Sha1::new();
    digest.update(initiator.to_be_bytes());
    digest.update([0; 8]);
    match end.ip().to_canonical() {
        IpAddr::V4(four) => digest.update(four.octets()),
        IpAddr::V6(six) => digest.update(six.octets()),
    }
    digest.update(end.port().to_be_bytes());
    digest.finalize().into()
}

/// A message as it goes where encrypted packets share its port, with the marker before it.
pub fn marked(message: &[u8]) -> Vec<u8> {
    [&MARKER, message].concat()
}

/// A minimal responder's answer to a first question: the first suite that it may choose, and its vendor
/// identifiers. Nothing when the question is not one.
pub fn answer(question: &[u8], responder: u64, vendors: &[&[u8]]) -> Option<Vec<u8>> {
    let question = Message::parse(question).ok()?;
    let header = question.header;
    let (sa, vendor, chain) = match (header.version, header.exchange) {
        (1, exchange::MAIN) => {
            let sa = sa_v1(&[transform_v1(1, [7, 256, 4, 1, 14])]);
            (payload::SA_V1, payload::VENDOR_V1, Chain::default().with(payload::SA_V1, sa))
        }
        (2, exchange::SA_INIT) => {
            let suite = [
                transform(1, 12, Some(256)),
                transform(2, 5, None),
                transform(3, 12, None),
                transform(4, 14, None),
            ];
            let key = Writer::new().u16(14).u16(0).bytes(&PUBLIC_VALUE).finish();
            let chain = Chain::default()
                .with(payload::SA, list(2, &[proposal(1, &suite)]))
                .with(payload::KEY, key)
                .with(payload::NONCE, PUBLIC_VALUE.first_chunk::<32>()?.to_vec());
            (payload::SA, payload::VENDOR, chain)
        }
        _ => return None,
    };
    question.payloads().find(|payload| payload.kind == sa)?;
    let chain = vendors.iter().fold(chain, |chain, id| chain.with(vendor, id.to_vec()));
    let flags = if header.version == 2 { RESPONSE } else { 0 };
    let header = Header { responder, next: chain.first(), flags, ..header };
    let message = header.emit(&chain.emit());
    Some(if question.marked { [&MARKER[..], &message].concat() } else { message })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Offer, offers, offers_v1},
        *,
    };

    fn kinds(bytes: &[u8]) -> Vec<u8> {
        Message::parse(bytes).unwrap().payloads().map(|payload| payload.kind).collect()
    }

    fn sa_init(initiator: u64, group: u16) -> Option<Vec<u8>> {
        let (from, to) = ("192.0.2.10:40000".parse().unwrap(), "192.0.2.1:500".parse().unwrap());
        SaInit { initiator, nonce: &[7; 32], from, to, group }.emit()
    }

    #[test]
    fn the_question_of_version_1_is_whole_and_small() {
        let question = ask_main(0xa1b2_c3d4_e5f6_0718, COMMON);
        assert_eq!(question.len(), 1232);
        let message = Message::parse(&question).unwrap();
        assert!(message.is_whole() && message.is_well_formed());
        assert_eq!(kinds(&question), [1, 13, 13, 13, 13, 13]);
        let (mut groups, mut encryptions) = (Vec::new(), Vec::new());
        let sa = message.payloads().next().unwrap();
        let domain = offers_v1(sa.body, |offer| match offer {
            Offer::Group(group) => groups.push(group),
            Offer::Encryption(kind, bits) => encryptions.push((kind, bits)),
            _ => {}
        });
        assert_eq!(domain, Ok(1));
        assert_eq!((groups.len(), encryptions.len()), (28, 28));
        assert_eq!((groups[0], encryptions[0]), (14, (7, Some(256))));
        assert_eq!((groups[27], encryptions[27]), (1, (1, None)));
    }

    #[test]
    fn the_question_of_version_2_is_whole() {
        let question = sa_init(0xa1b2_c3d4_e5f6_0718, 14).unwrap();
        assert_eq!(question.len(), 672);
        let message = Message::parse(&question).unwrap();
        assert!(message.is_whole() && message.is_well_formed());
        assert_eq!(kinds(&question), [33, 34, 40, 41, 41, 41]);
        assert_eq!(message.header.from_initiator(), Some(true));
        let mut first = None;
        offers(message.payloads().next().unwrap().body, |offer| {
            first.get_or_insert(offer);
        })
        .unwrap();
        assert_eq!(first, Some(Offer::Encryption(12, Some(256))));
    }

    #[test]
    fn the_question_of_version_2_is_asked_in_every_group_it_offers() {
        let question = sa_init(1, 14).unwrap();
        let sa = Message::parse(&question).unwrap().payloads().next().unwrap();
        offers(sa.body, |offer| {
            let Offer::Group(group) = offer else { return };
            let again = sa_init(1, group).unwrap();
            let message = Message::parse(&again).unwrap();
            assert!(message.is_whole() && message.is_well_formed() && again.len() <= 1232);
            let key = message.payloads().nth(1).unwrap();
            assert_eq!(key.body[..2], group.to_be_bytes());
            let length = match group {
                2 => 128,
                5 => 192,
                14 => 256,
                19 => 64,
                20 => 96,
                _ => 32,
            };
            assert_eq!(key.body.len(), 4 + length, "group {group}");
        })
        .unwrap();
        assert_eq!(sa_init(1, 1), None);
    }

    #[test]
    fn the_digests_are_those_of_the_addresses() {
        let digest = nat_digest(1, "192.0.2.1:500".parse().unwrap());
        // Those of the question that was tried on real responders.
        let cookie = 0xa1b2_c3d4_e5f6_0718;
        let (from, to) = ("192.0.2.10:500".parse().unwrap(), "192.0.2.1:500".parse().unwrap());
        let tried = hex_literal::hex!("72fcb8c804517d02f4a160cdf75fca43ec76a7e5");
        assert!([from, to].map(|end| nat_digest(cookie, end)).contains(&tried));
        assert_eq!(digest, hex_literal::hex!("0934223bb4f4d438722fa2188be64e95136198be"));
    }

    #[test]
    fn the_classic_question_offers_eight_suites() {
        let question = ask_main(1, CLASSIC);
        let message = Message::parse(&question).unwrap();
        assert!(message.is_whole() && message.is_well_formed());
        let mut groups = Vec::new();
        offers_v1(message.payloads().next().unwrap().body, |offer| {
            if let Offer::Group(group) = offer {
                groups.push(group);
            }
        })
        .unwrap();
        assert_eq!(groups, [2, 2, 2, 2, 1, 1, 1, 1]);
    }

    #[test]
    fn both_questions_are_answered() {
        let vendor: &[u8] = b"a vendor";
        for (question, kinds_wanted) in
            [(ask_main(1, COMMON), vec![1, 13]), (sa_init(1, 14).unwrap(), vec![33, 34, 40, 43])]
        {
            let answer = answer(&question, 2, &[vendor]).unwrap();
            let message = Message::parse(&answer).unwrap();
            assert!(message.is_whole() && message.is_well_formed());
            assert_eq!((message.header.initiator, message.header.responder), (1, 2));
            assert_eq!(kinds(&answer), kinds_wanted);
            assert_eq!(message.payloads().last().unwrap().body, vendor);
        }
        let marked = [&MARKER[..], &ask_main(1, COMMON)].concat();
        assert!(Message::parse(&answer(&marked, 2, &[]).unwrap()).unwrap().marked);
        assert_eq!(answer(&MARKER, 2, &[]), None);
    }
}
