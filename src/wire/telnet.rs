//! Telnet: option negotiation in a stream of text, up to the prompt for a name (RFC 854, 855, 1091).

use super::{Error, Reader, Result, require};

/// The escape before every command.
const IAC: u8 = 255;

/// Commands (RFC 854).
mod command {
    pub(super) const SUB: u8 = 250;
    pub(super) const WILL: u8 = 251;
    pub(super) const WONT: u8 = 252;
    pub(super) const DO: u8 = 253;
    pub(super) const DONT: u8 = 254;
    pub(super) const END_OF_FILE: u8 = 236;
    pub(super) const END_OF_RECORD: u8 = 239;
    pub(super) const SUB_END: u8 = 240;
    pub(super) const GO_AHEAD: u8 = 249;
}

/// The option with which a client tells its terminal (RFC 1091).
const TERMINAL_TYPE: u8 = 24;

/// How much text is kept, in bytes.
const LONGEST_TEXT: usize = 512;

/// How long a sub negotiation may be, in bytes.
const LONGEST_SUB: usize = 1024;

/// How many commands are kept.
const MOST_COMMANDS: usize = 48;

/// What a prompt for a name or a password ends with, in lower case.
const PROMPTS: &[&[u8]] =
    &[b"login:", b"username:", b"user name:", b"user:", b"password:", b"passcode:", b"account:"];

/// What one side said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard<'a> {
    /// Negotiations, as command and option.
    pub negotiated: Vec<(u8, u8)>,
    /// How many sub negotiations.
    pub subs: usize,
    /// The terminal a client tells.
    pub terminal: Option<&'a [u8]>,
    /// Text up to and with the first prompt.
    pub text: Vec<u8>,
    /// Some text is not ASCII.
    pub eight_bit: bool,
    /// A prompt for a name or a password ends the text.
    pub prompt: bool,
    /// More would tell nothing.
    pub full: bool,
}

impl<'a> Heard<'a> {
    /// Reads one side's stream. Commands and text of other protocols are refused.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let mut heard = Self::default();
        require("text", !r.is_empty())?;
        while !heard.prompt && !heard.full {
            match heard.step(&mut r) {
                Err(Error::Truncated { .. }) => break,
                step => step?,
            }
        }
        Ok(heard)
    }

    fn step(&mut self, r: &mut Reader<'a>) -> Result<()> {
        let byte = r.u8("text")?;
        if byte != IAC {
            return self.text(byte);
        }
        match r.u8("command")? {
            verb @ command::WILL..=command::DONT => {
                let option = r.u8("option")?;
                require("option", is_option(option))?;
                self.negotiated.push((verb, option));
            }
            command::SUB => {
                let option = r.u8("option")?;
                require("option", is_option(option))?;
                let told = r.until("sub negotiation", &[IAC, command::SUB_END], LONGEST_SUB)?;
                if let (TERMINAL_TYPE, Some(terminal)) = (option, told.strip_prefix(&[0])) {
                    self.terminal = Some(terminal);
                }
                self.subs += 1;
            }
            found => {
                let known = (command::SUB_END + 1..=command::GO_AHEAD).contains(&found)
                    || (command::END_OF_FILE..=command::END_OF_RECORD).contains(&found);
                require("command", known)?;
            }
        }
        self.full = self.negotiated.len() >= MOST_COMMANDS || self.subs >= MOST_COMMANDS;
        Ok(())
    }

    fn text(&mut self, byte: u8) -> Result<()> {
        let control = byte < b' ' && !matches!(byte, 0 | 7..=13 | 27);
        require("text", !control && byte != 0x7f)?;
        self.eight_bit |= byte >= 0x80;
        self.text.push(byte);
        self.full = self.text.len() >= LONGEST_TEXT;
        self.prompt = byte == b':' && ends_in_prompt(&self.text);
        Ok(())
    }

    /// How many commands were heard.
    pub fn commands(&self) -> usize {
        self.negotiated.len() + self.subs
    }

    /// The last line of the text.
    pub fn prompt_line(&self) -> Option<&[u8]> {
        self.text.rsplit(|byte| matches!(byte, b'\r' | b'\n')).next()
    }

    /// Whether the text ends as a question does.
    pub fn questions(&self) -> bool {
        let last = self.text.iter().rfind(|byte| **byte != b' ');
        matches!(last, Some(b':' | b'>' | b'#' | b'?' | b'$' | b'%'))
    }

    /// The text on one line, without what steers a terminal.
    pub fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.text.len());
        let mut bytes = self.text.iter().copied();
        while let Some(byte) = bytes.next() {
            match byte {
                // A control sequence ends in a letter; other escapes are one more byte.
                27 => {
                    if bytes.next() == Some(b'[') {
                        bytes.find(|byte| (0x40..0x7f).contains(byte));
                    }
                }
                ..b' ' => {
                    if line.last().is_some_and(|last| *last != b' ') {
                        line.push(b' ');
                    }
                }
                _ => line.push(byte),
            }
        }
        line
    }
}

/// Whether one side's stream begins in a negotiation.
pub fn negotiates(bytes: &[u8]) -> bool {
    matches!(bytes, [IAC, command::WILL..=command::DONT, option, ..] if is_option(*option))
}

/// Writes what refuses each option that `bytes` offer or ask for in a command that ends behind `from`: `WILL` is
/// refused with `DONT`, `DO` with `WONT`, and each only once, so that two that refuse cannot go on for ever (RFC 854).
pub fn refusals(bytes: &[u8], from: usize) -> Vec<u8> {
    let mut r = Reader::new(bytes);
    let mut heard = Heard::default();
    let mut refusals = Vec::new();
    while !heard.prompt && !heard.full {
        let known = heard.negotiated.len();
        if heard.step(&mut r).is_err() {
            break;
        }
        let (before, new) = heard.negotiated.split_at(known);
        let Some(asked @ (verb, option)) = new.first().copied() else { continue };
        let refusal = match verb {
            command::WILL => command::DONT,
            command::DO => command::WONT,
            _ => continue,
        };
        if r.position() > from && !before.contains(&asked) {
            refusals.extend([IAC, refusal, option]);
        }
    }
    refusals
}

/// Options in use: those assigned (IANA telnet-options), and those of games.
fn is_option(option: u8) -> bool {
    matches!(option, 0..=49 | 69 | 70 | 85 | 86 | 91 | 93 | 138..=141 | 200 | 201 | 255)
}

fn ends_in_prompt(text: &[u8]) -> bool {
    let ends = |end: &[u8]| {
        let at = text.len().checked_sub(end.len());
        at.and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    PROMPTS.iter().any(|prompt| ends(prompt)) && !ends(b"last login:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_what_is_negotiated_and_the_prompt() {
        let bytes = [&hex!("fffd18 fffb01")[..], b"\r\n\x1b[2JExample\r\nlogin: someone"].concat();
        let heard = Heard::parse(&bytes).unwrap();
        assert_eq!(heard.negotiated, [(253, 24), (251, 1)]);
        assert_eq!(heard.line(), b"Example login:");
        assert!(heard.prompt);
    }

    #[test]
    fn every_option_is_refused_once() {
        let asks = hex!("fffd18 fffb01 fffc03 fffe05 fffa1801fff0 fffd18 fffd1f ff");
        assert_eq!(refusals(&asks, 0), hex!("fffc18 fffe01 fffc1f"));
        assert_eq!(
            refusals(&asks, 4),
            hex!("fffe01 fffc1f"),
            "a command ends behind the fourth byte"
        );
        assert_eq!(refusals(&asks, asks.len()), b"");
        let heard = Heard::parse(&hex!("fffc18 fffe01 fffc1f")).unwrap();
        assert_eq!(heard.negotiated, [(252, 24), (254, 1), (252, 31)]);
    }

    #[test]
    fn a_client_tells_its_terminal() {
        let heard = Heard::parse(&hex!("fffa1800 787465726d fff0")).unwrap();
        assert_eq!(heard.terminal, Some(&b"xterm"[..]));
    }

    #[test]
    fn refuses_what_merely_holds_the_escape() {
        for other in [&hex!("ffffffff54")[..], &hex!("fffb9064"), &hex!("ffd8ffe0"), &hex!("0001")]
        {
            assert!(Heard::parse(other).is_err(), "{other:02x?}");
        }
    }
}
