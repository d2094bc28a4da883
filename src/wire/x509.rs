//! X.509 certificates (RFC 5280), as far as they tell who a speaker is. Nothing here decides on trust.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::Validity,
    der_parser::asn1_rs::{Oid, Tag},
    error::X509Error,
    extensions::{GeneralName, ParsedExtension, X509Extension},
    objects::{oid_registry, oid2abbrev, oid2sn},
    prelude::FromDer,
    public_key::PublicKey,
    x509::{AlgorithmIdentifier, AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name},
};

use super::{Error, Reader, Result, require};

/// How many alternative names are kept.
const MOST_NAMES: usize = 16;

/// How many extensions are looked at.
const MOST_EXTENSIONS: usize = 64;

/// How many parts of a name are kept.
const MOST_PARTS: usize = 32;

/// What a certificate says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// The issuer's signature algorithm, by its usual name or dotted number.
    pub signature: String,
    /// Who signed it.
    pub issuer: Name,
    /// The first moment of its validity, in seconds since 1970.
    pub not_before: Option<i64>,
    /// The last moment of its validity, in seconds since 1970.
    pub not_after: Option<i64>,
    /// Whose it is.
    pub subject: Name,
    /// The key's algorithm: `RSA`, `EC`, or its usual name.
    pub key: String,
    /// The key's length in bits; 0 if unknown.
    pub bits: usize,
    /// Alternative host names.
    pub names: Vec<String>,
    /// Alternative addresses.
    pub addresses: Vec<IpAddr>,
    /// SHA-256 of all its bytes, if they were there.
    pub sha256: Option<[u8; 32]>,
}

/// A distinguished name: kinds and values, as encoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name(Vec<(String, String)>);

impl Name {
    /// Every value of `kind`, such as `CN`, `O` or `OU`.
    pub fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == kind).map(|(_, value)| value.as_str())
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Name {
    /// The last part first (RFC 4514), with a space after commas.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (kind, value)) in self.0.iter().rev().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{kind}={}", value.replace(',', "\\,"))?;
        }
        Ok(())
    }
}

impl Certificate {
    /// Whether issuer and subject are the same: nobody else vouches for it.
    pub fn is_self_signed(&self) -> bool {
        !self.subject.is_empty() && self.subject == self.issuer
    }

    /// Reads a certificate (DER).
    pub fn parse(der: &[u8]) -> Result<Self> {
        let mut certificate = Self::default();
        certificate.read(der)?;
        Ok(certificate)
    }

    /// Reads what is there of a certificate that was cut short, or is odd after its issuer.
    pub fn parse_cut(der: &[u8]) -> Result<Self> {
        let mut certificate = Self::default();
        match certificate.read(der) {
            Err(error) if certificate.issuer.is_empty() && certificate.subject.is_empty() => {
                Err(error)
            }
            _ => Ok(certificate),
        }
    }

    fn read(&mut self, der: &[u8]) -> Result<()> {
        let mut r = Reader::new(der);
        let whole = element(&mut r, "certificate", 0x30)?;
        if whole.is_whole() {
            self.sha256 = der.get(..r.position()).map(|all| Sha256::digest(all).into());
        }
        let missing = whole.length - whole.content.len();
        let mut r = Reader::new(whole.content);
        let mut r = Reader::new(element(&mut r, "signed part", 0x30)?.content);
        if r.clone().expect("version", 0xa0).is_ok() {
            element(&mut r, "version", 0xa0)?;
        }
        let serial = element(&mut r, "serial", 2)?.content;
        // One zero byte only keeps a number positive; nobody writes it.
        let serial = serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial);
        self.serial = serial.iter().copied().take(64).collect();
        let signature: AlgorithmIdentifier<'_> = piece(&mut r, "signature algorithm")?;
        self.signature = algorithm(&signature.algorithm);
        self.issuer = name(&piece(&mut r, "issuer")?);
        let validity: Validity = piece(&mut r, "validity")?;
        self.not_before = Some(validity.not_before.timestamp());
        self.not_after = Some(validity.not_after.timestamp());
        self.subject = name(&piece(&mut r, "subject")?);
        let key: SubjectPublicKeyInfo<'_> = piece(&mut r, "key")?;
        self.read_key(&key);
        while !r.is_empty() {
            let kind = r.clone().u8("extensions")?;
            let part = element(&mut r, "extensions", kind)?;
            if kind == 0xa3 {
                let mut r = Reader::new(part.content);
                self.read_extensions(element(&mut r, "extensions", 0x30)?.content)?;
            }
        }
        if missing > 0 { Err(Error::Truncated { field: "certificate", missing }) } else { Ok(()) }
    }

    fn read_key(&mut self, key: &SubjectPublicKeyInfo<'_>) {
        self.key = match algorithm(&key.algorithm.algorithm) {
            name if name == "rsaEncryption" => "RSA".into(),
            name if name == "id-ecPublicKey" => "EC".into(),
            name => name,
        };
        self.bits = match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => {
                let modulus: Vec<u8> =
                    rsa.modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
                let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
                modulus.len() * 8 - unused as usize
            }
            Ok(PublicKey::EC(point)) => point.key_size(),
            _ => 0,
        };
    }

    fn read_extensions(&mut self, list: &[u8]) -> Result<()> {
        let mut r = Reader::new(list);
        for _ in 0..MOST_EXTENSIONS {
            if r.is_empty() {
                break;
            }
            let extension: X509Extension<'_> = piece(&mut r, "extension")?;
            let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension()
            else {
                continue;
            };
            for name in names.general_names.iter().take(MOST_NAMES) {
                match name {
                    GeneralName::DNSName(name) => self.names.push((*name).to_owned()),
                    GeneralName::IPAddress(bytes) => self.addresses.extend(address(bytes)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}

/// A DER element, perhaps cut.
struct Element<'a> {
    /// How long its content says it is.
    length: usize,
    /// What is there of it.
    content: &'a [u8],
}

impl Element<'_> {
    fn is_whole(&self) -> bool {
        self.content.len() == self.length
    }
}

fn element<'a>(r: &mut Reader<'a>, field: &'static str, tag: u8) -> Result<Element<'a>> {
    r.expect(field, tag)?;
    let first = r.u8(field)?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81 => usize::from(r.u8(field)?),
        0x82 => usize::from(r.u16(field)?),
        0x83 => r.u24(field)? as usize,
        _ => return Err(Error::Foreign { field }),
    };
    Ok(Element { length, content: r.bytes_up_to(length) })
}

/// Reads one piece by the library, and skips it.
fn piece<'a, T: FromDer<'a, X509Error>>(r: &mut Reader<'a>, field: &'static str) -> Result<T> {
    let rest = r.rest();
    if let Ok((after, read)) = T::from_der(rest) {
        r.skip(field, rest.len() - after.len())?;
        return Ok(read);
    }
    // The library calls a cut piece an error of many kinds; its own header tells.
    let tag = r.clone().u8(field)?;
    let part = element(&mut r.clone(), field, tag)?;
    require(field, !part.is_whole())?;
    Err(Error::Truncated { field, missing: part.length - part.content.len() })
}

fn algorithm(oid: &Oid<'_>) -> String {
    oid2sn(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned)
}

fn name(name: &X509Name<'_>) -> Name {
    let parts = name.iter_attributes().take(MOST_PARTS);
    Name(parts.map(|part| (kind(part.attr_type()), value(part))).collect())
}

/// What people write for an attribute's type; dotted numbers for those without a short form.
fn kind(oid: &Oid<'_>) -> String {
    match oid2abbrev(oid, oid_registry()) {
        Ok("Email") => "emailAddress".into(),
        Ok(short) => short.to_owned(),
        Err(_) => oid.to_id_string(),
    }
}

fn value(part: &AttributeTypeAndValue<'_>) -> String {
    let bytes = part.as_slice();
    let bytes = bytes.get(..1024).unwrap_or(bytes);
    match part.attr_value().tag() {
        Tag::BmpString => {
            let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Tag::T61String => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// Made for this test with OpenSSL; its key was thrown away.
    const GATEWAY: &[u8] = &hex!(
        "
        30820241308201e6a0030201020214374af0f462d62c297efe9c73e98e8d4ab28901dd300a06082a8648
        ce3d0403023054310b3009060355040613024a5031193017060355040a0c104578616d706c6520486f73
        706974616c3110300e060355040b0c07476174657761793118301606035504030c0f676174657761792e
        6578616d706c65301e170d3236313132313130323432305a170d3336313131383130323432305a305431
        0b3009060355040613024a5031193017060355040a0c104578616d706c6520486f73706974616c311030
        0e060355040b0c07476174657761793118301606035504030c0f676174657761792e6578616d706c6530
        59301306072a8648ce3d020106082a8648ce3d03010703420004dfedbfcfab81e8212f6e3df92817f3c8
        b6f6c2caf08cbc2a7bd19566afe44c4b858116a5109299c613cccb9c2a23439cc4154eec6ad46e9b20a3
        0d6e470ffd67a38195308192301d0603551d0e0416041473cbf458746eef13a2783d9a8e4f7d72472fd2
        29301f0603551d2304183016801473cbf458746eef13a2783d9a8e4f7d72472fd229300f0603551d1301
        01ff040530030101ff303f0603551d1104383036820f676174657761792e6578616d706c65820b76706e
        2e6578616d706c658704c0000201871020010db8000000000000000000000001300a06082a8648ce3d04
        030203490030460221008a0b0c8e9c6351192498216d2c2ebbd633456784ac1e7963c0f07e635573fbfc
        0221008edc215f9bf83668871aaea448d62e57683887f7be22ef1c942d144312453132
        "
    );

    #[test]
    fn reads_a_certificate() {
        let certificate = Certificate::parse(GATEWAY).unwrap();
        let name = "CN=gateway.example, OU=Gateway, O=Example Hospital, C=JP";
        assert_eq!(certificate.subject.to_string(), name);
        assert_eq!(certificate.issuer.all("CN").collect::<Vec<_>>(), ["gateway.example"]);
        assert!(certificate.is_self_signed());
        assert_eq!(certificate.names, ["gateway.example", "vpn.example"]);
        let addresses: [IpAddr; 2] = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap());
        assert_eq!(certificate.addresses, addresses);
        assert_eq!((certificate.key.as_str(), certificate.bits), ("EC", 256));
        assert_eq!(certificate.signature, "ecdsa-with-SHA256");
        assert_eq!(certificate.not_before, Some(1_795_256_660));
        assert_eq!(certificate.sha256.unwrap()[..4], [0x0e, 0xc8, 0x28, 0x88]);
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(GATEWAY, Certificate::parse);
    }

    #[test]
    fn a_cut_certificate_tells_what_is_there() {
        let certificate = Certificate::parse_cut(&GATEWAY[..300]).unwrap();
        assert_eq!(certificate.subject.all("CN").next(), Some("gateway.example"));
        assert_eq!(certificate.sha256, None);
        assert!(Certificate::parse_cut(&GATEWAY[..40]).is_err());
    }

    #[test]
    fn odd_bytes_never_panic() {
        for at in 0..GATEWAY.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut bytes = GATEWAY.to_vec();
                bytes[at] = value;
                let _ = Certificate::parse_cut(&bytes);
            }
        }
    }
}
