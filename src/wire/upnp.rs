//! UPnP descriptions and answers, the few elements of their XML that tell what stands there (UPnP Device
//! Architecture 1.1, 2.3; WANIPConnection:1, 2.4.18).

use std::net::SocketAddr;

/// How long an element's text may be.
const LONGEST_TEXT: usize = 256;

/// How the services begin that stand for a line to the outside.
const LINES: &[&[u8]] = &[
    b"<serviceType>urn:schemas-upnp-org:service:WANIPConnection:",
    b"<serviceType>urn:schemas-upnp-org:service:WANPPPConnection:",
];

/// What a device description or an answer of a gateway says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// What it calls itself.
    pub name: Option<&'a [u8]>,
    /// Who made it.
    pub manufacturer: Option<&'a [u8]>,
    /// Its model.
    pub model: Option<&'a [u8]>,
    /// Its model's number, often the firmware's version.
    pub number: Option<&'a [u8]>,
    /// The gateway's outside address.
    pub outside: Option<&'a [u8]>,
    /// The service that knows the outside address.
    pub service: Option<&'a [u8]>,
    /// Where that service is asked.
    pub control: Option<&'a [u8]>,
}

impl<'a> Description<'a> {
    /// Reads a document; the root device stands first in it.
    pub fn read(xml: &'a [u8]) -> Option<Self> {
        let (service, control) = connection(xml).unzip();
        let description = Self {
            name: element(xml, b"<friendlyName>"),
            manufacturer: element(xml, b"<manufacturer>"),
            model: element(xml, b"<modelName>"),
            number: element(xml, b"<modelNumber>"),
            outside: element(xml, b"<NewExternalIPAddress>"),
            service,
            control,
        };
        (description != Self::default()).then_some(description)
    }
}

/// The text behind the first `tag`, up to the next one.
fn element<'a>(xml: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(xml, tag)? + tag.len();
    let text = xml.get(start..)?;
    let text = text.get(..LONGEST_TEXT).unwrap_or(text);
    let end = memchr::memchr(b'<', text)?;
    text.get(..end).map(<[u8]>::trim_ascii).filter(|text| !text.is_empty())
}

/// The first service that stands for a line to the outside, and where it is asked.
fn connection(xml: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = LINES.iter().filter_map(|line| memchr::memmem::find(xml, line)).min()?;
    let xml = xml.get(start..)?;
    let xml = xml.get(..memchr::memmem::find(xml, b"</service>")?)?;
    Some((element(xml, b"<serviceType>")?, element(xml, b"<controlURL>")?))
}

/// The address in a location such as `http://192.0.2.1:5000/root.xml`, and the path behind it. None for names,
/// and for paths that would not be one word of a request.
pub fn location(text: &str) -> Option<(SocketAddr, &str)> {
    let rest = text.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let at = match host.parse() {
        Ok(at) => at,
        Err(_) => SocketAddr::new(host.trim_matches(['[', ']']).parse().ok()?, 80),
    };
    let path = if path.is_empty() { "/" } else { path };
    is_path(path).then_some((at, path))
}

fn is_path(path: &str) -> bool {
    path.len() <= LONGEST_TEXT && path.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Writes the question for the description at `path` of `host`.
pub fn ask_description(host: SocketAddr, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sekisho UPnP/1.1\r\nAccept: text/xml\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes()
}

/// Writes the question for the outside address to `service`, at `control` of `host`. None when either is not
/// what a description may say.
pub fn ask_outside(host: SocketAddr, service: &str, control: &str) -> Option<Vec<u8>> {
    let path = match location(control) {
        Some((at, path)) => (at == host).then(|| path.to_owned())?,
        None if control.contains("://") => return None,
        None => format!("/{}", control.trim_start_matches('/')),
    };
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'.' | b'_');
    if !is_path(&path) || !service.bytes().all(plain) {
        return None;
    }
    let body = format!(
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
         <u:GetExternalIPAddress xmlns:u=\"{service}\"></u:GetExternalIPAddress></s:Body></s:Envelope>\r\n"
    );
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sekisho UPnP/1.1\r\n\
         Content-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \"{service}#GetExternalIPAddress\"\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    Some((head + &body).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::{Body, Head, Start};

    const HOST: &str = "192.0.2.1:5000";

    #[test]
    fn the_service_that_knows_the_outside_address_is_found() {
        let xml = b"<serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1\
            </serviceType><controlURL>/l3f</controlURL></service><service><serviceType>\
            urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/ctl/IPConn</controlURL>\
            </service></serviceList>";
        let description = Description::read(xml).unwrap();
        let service = &b"urn:schemas-upnp-org:service:WANIPConnection:1"[..];
        assert_eq!(description.service, Some(service));
        assert_eq!(description.control, Some(&b"/ctl/IPConn"[..]));
    }

    #[test]
    fn a_question_for_the_outside_address_is_a_whole_request() {
        let host = HOST.parse().unwrap();
        let service = "urn:schemas-upnp-org:service:WANIPConnection:1";
        let bytes = ask_outside(host, service, "http://192.0.2.1:5000/ctl").unwrap();
        let head = Head::parse(&bytes).unwrap();
        let wanted = Start::Request { method: b"POST", target: b"/ctl", version: b"1.1" };
        assert_eq!(head.start, wanted);
        assert_eq!(head.body(false), Body::Sized((bytes.len() - head.length) as u64));
        for (service, control) in [
            (service, "http://192.0.2.2:5000/ctl"),
            (service, "/a b"),
            ("urn\r\nX: y", "/ctl"),
            (service, "ftp://192.0.2.1/"),
        ] {
            assert_eq!(ask_outside(host, service, control), None, "{service} {control}");
        }
    }

    #[test]
    fn a_location_is_an_address_and_a_path() {
        let at = |text: &str| text.parse().unwrap();
        assert_eq!(location("http://192.0.2.1:5000/a.xml"), Some((at(HOST), "/a.xml")));
        assert_eq!(location("http://192.0.2.1"), Some((at("192.0.2.1:80"), "/")));
        assert_eq!(location("http://[2001:db8::1]/a"), Some((at("[2001:db8::1]:80"), "/a")));
        assert_eq!(location("http://example.com/a"), None);
        assert_eq!(location("http://192.0.2.1/a b"), None);
        let head = ask_description(at(HOST), "/a.xml");
        let head = Head::parse(&head).unwrap();
        assert!(head.whole && head.get("host") == Some(HOST.as_bytes()));
    }

    #[test]
    fn the_root_device_comes_first() {
        let xml = b"<device><friendlyName>EX-1</friendlyName><manufacturer>Example</manufacturer>\
            <deviceList><device><manufacturer>Other</manufacturer></device></deviceList></device>";
        let description = Description::read(xml).unwrap();
        assert_eq!(description.manufacturer, Some(&b"Example"[..]));
        assert_eq!((description.name, description.outside), (Some(&b"EX-1"[..]), None));
    }

    #[test]
    fn what_ends_nowhere_tells_nothing() {
        let endless = [&b"<manufacturer>"[..], &[b'a'; 10_000]].concat();
        assert_eq!(Description::read(&endless), None);
        assert_eq!(Description::read(b"<html><title>no device</title>"), None);
    }
}
