//! UPnP descriptions and answers, the few elements of their XML that tell what stands there (UPnP Device
//! Architecture 1.1, 2.3; WANIPConnection:1, 2.4). Only what changes nothing is asked.

use std::{fmt, net::SocketAddr};

/// How long an element's text may be.
const LONGEST_TEXT: usize = 256;

/// How much of what a way in is called is told, in bytes.
const LONGEST_PURPOSE: usize = 64;

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
    /// Whether the line is up, in the gateway's word: `Connected`, `Disconnected` and others.
    pub status: Option<&'a [u8]>,
    /// A way in from outside.
    pub mapping: Option<Mapping<'a>>,
}

/// A way in from outside: a port of the gateway, and where inside it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// `TCP` or `UDP`.
    pub protocol: &'a [u8],
    /// The port outside.
    pub outside: u16,
    /// Whom it leads to; an address, or a name.
    pub client: &'a [u8],
    /// The port there.
    pub inside: u16,
    /// The only address that is let in; none for all.
    pub only: Option<&'a [u8]>,
    /// What whoever asked for it calls it.
    pub purpose: Option<&'a [u8]>,
    /// Whether it is in use.
    pub enabled: bool,
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
            status: element(xml, b"<NewConnectionStatus>"),
            mapping: Mapping::read(xml),
        };
        (description != Self::default()).then_some(description)
    }
}

impl<'a> Mapping<'a> {
    /// Reads an answer about one way in (WANIPConnection:1, 2.4.14).
    fn read(xml: &'a [u8]) -> Option<Self> {
        let number = |tag: &[u8]| std::str::from_utf8(element(xml, tag)?).ok()?.parse().ok();
        Some(Self {
            protocol: element(xml, b"<NewProtocol>")?,
            outside: number(b"<NewExternalPort>")?,
            client: element(xml, b"<NewInternalClient>")?,
            inside: number(b"<NewInternalPort>")?,
            only: element(xml, b"<NewRemoteHost>"),
            purpose: element(xml, b"<NewPortMappingDescription>"),
            enabled: element(xml, b"<NewEnabled>") != Some(b"0"),
        })
    }
}

impl fmt::Display for Mapping<'_> {
    /// Such as `tcp 8443 to 192.0.2.10:443 (camera)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| {
            let bytes = bytes.get(..LONGEST_PURPOSE).unwrap_or(bytes);
            String::from_utf8_lossy(bytes).into_owned()
        };
        let protocol = text(self.protocol).to_lowercase();
        write!(f, "{protocol} {} to {}:{}", self.outside, text(self.client), self.inside)?;
        if let Some(only) = self.only {
            write!(f, " only from {}", text(only))?;
        }
        if let Some(purpose) = self.purpose {
            write!(f, " ({})", text(purpose))?;
        }
        Ok(())
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
    ask(host, service, control, "GetExternalIPAddress", "")
}

/// Writes the question whether the line is up, likewise.
pub fn ask_status(host: SocketAddr, service: &str, control: &str) -> Option<Vec<u8>> {
    ask(host, service, control, "GetStatusInfo", "")
}

/// Writes the question for the way in with the number `index`, from 0, likewise.
pub fn ask_mapping(host: SocketAddr, service: &str, control: &str, index: u16) -> Option<Vec<u8>> {
    let argument = format!("<NewPortMappingIndex>{index}</NewPortMappingIndex>");
    ask(host, service, control, "GetGenericPortMappingEntry", &argument)
}

/// Writes a question to `service`. The action is one that only reads.
fn ask(
    host: SocketAddr,
    service: &str,
    control: &str,
    action: &str,
    arguments: &str,
) -> Option<Vec<u8>> {
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
         <u:{action} xmlns:u=\"{service}\">{arguments}</u:{action}></s:Body></s:Envelope>\r\n"
    );
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sekisho UPnP/1.1\r\n\
         Content-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \"{service}#{action}\"\r\n\
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
    fn a_way_in_is_asked_for_by_its_number_and_read() {
        let host = HOST.parse().unwrap();
        let service = "urn:schemas-upnp-org:service:WANIPConnection:1";
        let asked = ask_mapping(host, service, "/ctl", 31).unwrap();
        let text = String::from_utf8(asked).unwrap();
        assert!(text.contains("#GetGenericPortMappingEntry\"\r\n"));
        assert!(text.contains("<NewPortMappingIndex>31</NewPortMappingIndex></u:GetGeneric"));
        let status = String::from_utf8(ask_status(host, service, "/ctl").unwrap()).unwrap();
        assert!(
            status.contains("#GetStatusInfo\"\r\n") && status.contains("\"></u:GetStatusInfo>")
        );
        // As WANIPConnection:1, 2.4.14 lists the arguments.
        let told = |rest: &str| {
            format!(
                "<u:GetGenericPortMappingEntryResponse><NewRemoteHost></NewRemoteHost><NewExternalPort>8443\
                 </NewExternalPort><NewProtocol>TCP</NewProtocol><NewInternalPort>443</NewInternalPort>\
                 <NewInternalClient>192.0.2.10</NewInternalClient>{rest}\
                 <NewLeaseDuration>0</NewLeaseDuration></u:GetGenericPortMappingEntryResponse>"
            )
        };
        let named = told(
            "<NewEnabled>1</NewEnabled><NewPortMappingDescription>camera</NewPortMappingDescription>",
        );
        let mapping = Description::read(named.as_bytes()).unwrap().mapping.unwrap();
        assert_eq!(mapping.to_string(), "tcp 8443 to 192.0.2.10:443 (camera)");
        assert!(mapping.enabled);
        let off = told("<NewEnabled>0</NewEnabled>");
        let mapping = Description::read(off.as_bytes()).unwrap().mapping.unwrap();
        assert_eq!(
            (mapping.to_string(), mapping.enabled),
            ("tcp 8443 to 192.0.2.10:443".into(), false)
        );
        let refused = b"<s:Fault><UPnPError><errorCode>713</errorCode></UPnPError></s:Fault>";
        assert_eq!(Description::read(refused), None);
        let up = b"<NewConnectionStatus>Connected</NewConnectionStatus><NewUptime>9</NewUptime>";
        assert_eq!(Description::read(up).unwrap().status, Some(&b"Connected"[..]));
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
