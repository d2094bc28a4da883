//! Letters, and sets of letters, in all the ways they can be spelt.

use std::fmt::Write as _;

use super::{Dialect, Trouble, Writer, is_name};

/// A member of a set: a letter, or letters that are spelt as one.
enum Member {
    Letter(char),
    Letters(&'static str),
}

const UNCLOSED_SET: Trouble = Trouble::Unreadable("a set that does not end");
const BAD_NUMBER: Trouble = Trouble::Unreadable("a character that does not exist");

/// Names of classes of letters that may stand in sets.
const NAMED: &str =
    "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit";

impl Writer {
    pub(super) fn escape(&mut self) -> Result<(), Trouble> {
        let Some(letter) = self.next() else {
            return Err(Trouble::Unreadable("a final backslash"));
        };
        match letter {
            '1'..='9' => return self.number(letter),
            'k' => {
                let end = match self.next() {
                    Some('<') => '>',
                    Some('{') => '}',
                    Some('\'') => '\'',
                    _ => return Err(Trouble::Unreadable("a name without `<`")),
                };
                let name =
                    self.until(end).ok_or(Trouble::Unreadable("a name that does not end"))?;
                if !is_name(&name) {
                    return Err(Trouble::Unreadable("a name with odd letters"));
                }
                self.fancy(&format!(r"\k<{name}>"), "(?s:.)*");
                return Ok(());
            }
            'b' | 'B' => {
                self.atom(if letter == 'b' { r"\b" } else { r"\B" });
                return Ok(());
            }
            'A' => {
                self.atom(r"\A");
                return Ok(());
            }
            'z' => {
                self.atom(r"\z");
                return Ok(());
            }
            'Z' => {
                self.end();
                return Ok(());
            }
            'R' => {
                self.atom(r"(?:\r\n|[\n\x0B\x0C\r\x{85}])");
                return Ok(());
            }
            'Q' if self.dialect == Dialect::Perl => {
                while self.peek(0).is_some() && !self.takes(r"\E") {
                    if let Some(letter) = self.next() {
                        self.letter(letter);
                    }
                }
                return Ok(());
            }
            'E' if self.dialect == Dialect::Perl => return Ok(()),
            'N' if self.dialect == Dialect::Perl => {
                self.atom(r"[^\n]");
                return Ok(());
            }
            'G' | 'K' => return Err(Trouble::Unknown("where a match begins (\\G, \\K)")),
            'g' => return Err(Trouble::Unknown("a call of a group (\\g)")),
            'X' | 'C' => {
                return Err(Trouble::Unknown("letters as they are put together (\\X, \\C)"));
            }
            'p' | 'P' => {
                let name = if self.takes("{") {
                    self.until('}').unwrap_or_default()
                } else {
                    self.next().map(String::from).unwrap_or_default()
                };
                if !is_name(name.trim_start_matches('^')) {
                    return Err(Trouble::Unreadable("a class of letters without a name"));
                }
                let (opening, name) = match (letter, name.strip_prefix('^')) {
                    ('p', Some(name)) => (r"\P{", name),
                    ('p', None) => (r"\p{", &*name),
                    (_, Some(name)) => (r"\p{", name),
                    (_, None) => (r"\P{", &*name),
                };
                self.atom(&format!("{opening}{name}}}"));
                return Ok(());
            }
            _ => {}
        }
        match self.member_after_backslash(letter)? {
            Member::Letter(letter) => self.letter(letter),
            Member::Letters(letters) => self.atom(&format!("[{letters}]")),
        }
        Ok(())
    }

    /// `\1` and beyond: what a group took, or a letter by its octal number.
    fn number(&mut self, first: char) -> Result<(), Trouble> {
        let mut digits = String::from(first);
        while let Some(digit) = self.peek(0).filter(|c| c.is_ascii_digit() && digits.len() < 2) {
            digits.push(digit);
            self.at += 1;
        }
        let mut number: usize = digits.parse().unwrap_or(usize::MAX);
        if digits.len() == 2 && number > self.groups {
            if digits.chars().all(|c| matches!(c, '0'..='7')) {
                let letter = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32);
                self.letter(letter.ok_or(BAD_NUMBER)?);
                return Ok(());
            }
            number = first.to_digit(10).unwrap_or(0) as usize;
            self.at -= 1;
        }
        if number > self.groups {
            return Err(Trouble::Unreadable("a reference to a group that is not there"));
        }
        self.fancy(&format!(r"(?:\{number})"), "(?s:.)*");
        Ok(())
    }

    /// What `\` and `letter` stand for inside and outside of sets alike.
    fn member_after_backslash(&mut self, letter: char) -> Result<Member, Trouble> {
        let ruby = self.dialect == Dialect::Ruby;
        Ok(match letter {
            'd' => Member::Letters("0-9"),
            'D' => Member::Letters(r"\x00-/:-\x{10FFFF}"),
            'w' => Member::Letters("0-9A-Za-z_"),
            'W' => Member::Letters(r"\x00-/:-@\[-\^`\{-\x{10FFFF}"),
            's' => Member::Letters(r"\t-\r\x20"),
            'S' => Member::Letters(r"\x00-\x08\x0E-\x1F!-\x{10FFFF}"),
            'h' if ruby => Member::Letters("0-9A-Fa-f"),
            'H' if ruby => Member::Letters(r"\x00-/:-@G-`g-\x{10FFFF}"),
            'h' => Member::Letters(r"\t\x20\x{A0}"),
            'H' => Member::Letters(r"\x00-\x08\n-\x1F!-\x{9F}\x{A1}-\x{10FFFF}"),
            'v' if ruby => Member::Letter('\x0b'),
            'v' => Member::Letters(r"\n-\r\x{85}"),
            'V' if !ruby => Member::Letters(r"\x00-\t\x0E-\x{84}\x{86}-\x{10FFFF}"),
            'n' => Member::Letter('\n'),
            'r' => Member::Letter('\r'),
            't' => Member::Letter('\t'),
            'f' => Member::Letter('\x0c'),
            'a' => Member::Letter('\x07'),
            'e' => Member::Letter('\x1b'),
            'x' => Member::Letter(self.hexadecimal(2)?),
            'u' if ruby => Member::Letter(self.hexadecimal(4)?),
            'c' => {
                let letter = self.next().filter(char::is_ascii).ok_or(BAD_NUMBER)?;
                Member::Letter(char::from((letter.to_ascii_uppercase() as u8) ^ 0x40))
            }
            '0'..='7' => {
                let mut number = letter.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) else { break };
                    number = number * 8 + digit;
                    self.at += 1;
                }
                Member::Letter(char::from_u32(number & 0xff).ok_or(BAD_NUMBER)?)
            }
            other => Member::Letter(other),
        })
    }

    /// A letter by its number: `{…}`, or at most `most` digits.
    fn hexadecimal(&mut self, most: usize) -> Result<char, Trouble> {
        let digits = if self.takes("{") {
            self.until('}').ok_or(BAD_NUMBER)?
        } else {
            let mut digits = String::new();
            while let Some(digit) =
                self.peek(0).filter(|c| c.is_ascii_hexdigit() && digits.len() < most)
            {
                digits.push(digit);
                self.at += 1;
            }
            digits
        };
        // Perl reads `\x` without digits as a zero.
        let number = if digits.is_empty() { Ok(0) } else { u32::from_str_radix(&digits, 16) };
        number.ok().and_then(char::from_u32).ok_or(BAD_NUMBER)
    }

    /// `[…]`
    pub(super) fn set(&mut self) -> Result<(), Trouble> {
        let mut out = String::from("[");
        if self.takes("^") {
            out.push('^');
        }
        let begins = self.at;
        loop {
            let first = self.at == begins;
            let letter = self.next().ok_or(UNCLOSED_SET)?;
            if letter == ']' && !first {
                break;
            }
            if letter == '[' && self.peek(0) == Some(':') {
                let rest = self.letters.get(self.at..).unwrap_or_default();
                let name: String = rest.iter().take_while(|c| **c != ']').collect();
                if name.ends_with(':') && name.len() > 2 {
                    self.at += name.chars().count() + 1;
                    let bare = name.trim_matches(':').trim_start_matches('^');
                    if !NAMED.split(' ').any(|name| name == bare) {
                        return Err(Trouble::Unreadable("a class of letters that nobody knows"));
                    }
                    let _ = write!(out, "[{name}]");
                    continue;
                }
            }
            if letter == '[' && self.dialect == Dialect::Ruby {
                return Err(Trouble::Unknown("a set inside a set"));
            }
            if letter == '&' && self.dialect == Dialect::Ruby && self.peek(0) == Some('&') {
                return Err(Trouble::Unknown("what two sets have in common (&&)"));
            }
            let member = self.member(letter)?;
            let range = self.peek(0) == Some('-') && !matches!(self.peek(1), None | Some(']'));
            match member {
                Member::Letter(from) if range => {
                    self.at += 1;
                    let letter = self.next().ok_or(UNCLOSED_SET)?;
                    match self.member(letter)? {
                        Member::Letter(to) if from <= to => {
                            let _ = write!(out, "{}-{}", in_set(from), in_set(to));
                        }
                        Member::Letter(_) => {
                            return Err(Trouble::Unreadable("a range that ends before it begins"));
                        }
                        Member::Letters(letters) => {
                            let _ = write!(out, "{}{}{letters}", in_set(from), in_set('-'));
                        }
                    }
                }
                Member::Letter(letter) => out.push_str(&in_set(letter)),
                Member::Letters(letters) => out.push_str(letters),
            }
        }
        out.push(']');
        self.atom(&out);
        Ok(())
    }

    /// A member of a set that begins with `letter`.
    fn member(&mut self, letter: char) -> Result<Member, Trouble> {
        if letter != '\\' {
            return Ok(Member::Letter(letter));
        }
        let letter = self.next().ok_or(UNCLOSED_SET)?;
        match letter {
            'b' => Ok(Member::Letter('\x08')),
            'p' | 'P' => Err(Trouble::Unknown("a class of letters by name inside a set (\\p)")),
            letter => self.member_after_backslash(letter),
        }
    }
}

/// A letter in a set.
fn in_set(letter: char) -> String {
    if letter.is_alphanumeric() {
        letter.to_string()
    } else {
        format!("\\x{{{:X}}}", u32::from(letter))
    }
}
