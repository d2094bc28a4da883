//! UPnP descriptions and answers, the few elements of their XML that tell what stands there (UPnP Device
//! Architecture 1.1, 2.3; WANIPConnection:1, 2.4.18).

/// How long an element's text may be.
const LONGEST_TEXT: usize = 256;

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
}

impl<'a> Description<'a> {
    /// Reads a document; the root device stands first in it.
    pub fn read(xml: &'a [u8]) -> Option<Self> {
        let description = Self {
            name: element(xml, b"<friendlyName>"),
            manufacturer: element(xml, b"<manufacturer>"),
            model: element(xml, b"<modelName>"),
            number: element(xml, b"<modelNumber>"),
            outside: element(xml, b"<NewExternalIPAddress>"),
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

#[cfg(test)]
mod tests {
    use super::*;

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
