//! Base64 as XML files carry it: with line ends and spaces in between.

/// The bytes that a text stands for. Letters of neither alphabet are passed over, as those who write such texts expect.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_wrapped_and_padded_text() {
        assert_eq!(decode("TWFu"), b"Man");
        assert_eq!(decode("\n  TW\n Fu \nTQ==\n"), b"ManM");
        assert_eq!(decode("TWE="), b"Ma");
        assert_eq!(decode("//79"), [0xff, 0xfe, 0xfd]);
        assert_eq!(decode("="), b"");
    }
}
