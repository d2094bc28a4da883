//! Regular expressions of other tools, brought to the spelling of the `regex` crate.
//!
//! Ruby, Perl (PCRE) and POSIX expressions are read letter by letter and written anew, each part so that it does not
//! depend on flags that differ: what `.`, `^`, `$`, `\d` and `\h` mean is spelt out. What needs looking around,
//! backreferences or groups that are not given back is written for `fancy-regex`; beside it stands a looser expression
//! without those, that matches at least the same texts, for finding what a match surely contains.

use std::fmt::Write as _;

use super::pattern::Trouble;

/// How deep groups may be nested.
const DEEPEST_GROUP: usize = 40;

/// Whose spelling an expression is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Ruby: `^` and `$` are ends of lines, `(?m)` lets `.` be a line end.
    Ruby,
    /// Perl and POSIX: `^` and `$` are ends of the text, `(?s)` lets `.` be a line end.
    Perl,
}

/// What applies to a whole expression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// Capitals and small letters are the same.
    pub ignore_case: bool,
    /// `.` may be a line end.
    pub dot_is_line_end: bool,
}

/// An expression, written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// The expression, for `regex`, or for `fancy-regex` where it is `fancy`.
    pub exact: String,
    /// What matches at least the same texts, for `regex`.
    pub loose: String,
    /// Whether it looks around, refers back or does not give back.
    pub fancy: bool,
}

/// Writes `text` anew.
pub(super) fn write(text: &str, dialect: Dialect, flags: Flags) -> Result<Written, Trouble> {
    let letters: Vec<char> = text.chars().collect();
    let groups = groups(&letters);
    let mut writer = Writer {
        letters,
        at: 0,
        dialect,
        groups,
        mode: Mode {
            dot_is_line_end: flags.dot_is_line_end,
            lines: dialect == Dialect::Ruby,
            spaced: false,
        },
        open: Vec::new(),
        atom: None,
        looking: 0,
        out: Written { exact: String::new(), loose: String::new(), fancy: false },
    };
    if flags.ignore_case {
        writer.both("(?i)");
    }
    writer.all()?;
    Ok(writer.out)
}

/// What inline flags change, to the end of their group.
#[derive(Debug, Clone, Copy)]
struct Mode {
    dot_is_line_end: bool,
    /// `^` and `$` are ends of lines.
    lines: bool,
    /// Spaces and comments do not count.
    spaced: bool,
}

/// A group that is not closed yet.
struct Open {
    /// Where it begins in what was written.
    begins: Begins,
    /// The mode to return to.
    mode: Mode,
    /// It looks around, and takes nothing.
    looks: bool,
}

/// Where a part begins in the exact and in the loose expression.
#[derive(Debug, Clone, Copy)]
struct Begins {
    exact: usize,
    loose: usize,
}

struct Writer {
    letters: Vec<char>,
    at: usize,
    dialect: Dialect,
    /// How many groups capture.
    groups: usize,
    mode: Mode,
    open: Vec<Open>,
    /// Where the last part begins that may be repeated.
    atom: Option<Begins>,
    /// How many open groups look around.
    looking: usize,
    out: Written,
}

/// A member of a set: a letter, or letters that are spelt as one.
enum Member {
    Letter(char),
    Letters(&'static str),
}

const NOTHING_REPEATED: Trouble = Trouble::Unreadable("a repetition of nothing");
const UNCLOSED_SET: Trouble = Trouble::Unreadable("a set that does not end");
const UNCLOSED_GROUP: Trouble = Trouble::Unreadable("a group that does not end");
const BAD_NUMBER: Trouble = Trouble::Unreadable("a character that does not exist");

impl Writer {
    fn all(&mut self) -> Result<(), Trouble> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => self.escape()?,
                '[' => self.set()?,
                '(' => self.opens()?,
                ')' => self.closes()?,
                '|' => {
                    self.both("|");
                    self.atom = None;
                }
                '^' => {
                    let begin = if self.mode.lines { "(?m:^)" } else { r"\A" };
                    self.atom(begin);
                }
                '$' if self.mode.lines => self.atom("(?m:$)"),
                '$' => self.end(),
                '.' if self.mode.dot_is_line_end => self.atom("(?s:.)"),
                '.' => self.atom(r"[^\n]"),
                '*' | '+' | '?' => self.repeated(&letter.to_string())?,
                '{' => match self.counted() {
                    Some(count) => self.repeated(&count)?,
                    None => self.letter('{'),
                },
                '#' if self.mode.spaced => {
                    while self.next().is_some_and(|letter| letter != '\n') {}
                }
                space if self.mode.spaced && space.is_ascii_whitespace() => {}
                letter => self.letter(letter),
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(UNCLOSED_GROUP) }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.letters.get(self.at).copied()?;
        self.at += 1;
        Some(letter)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    /// Takes `text` if it comes next.
    fn takes(&mut self, text: &str) -> bool {
        let comes =
            text.chars().enumerate().all(|(ahead, letter)| self.peek(ahead) == Some(letter));
        if comes {
            self.at += text.chars().count();
        }
        comes
    }

    /// What comes before the next `end`, which is taken too.
    fn until(&mut self, end: char) -> Option<String> {
        let rest = self.letters.get(self.at..)?;
        let length = rest.iter().position(|letter| *letter == end)?;
        let text = rest.iter().take(length).collect();
        self.at += length + 1;
        Some(text)
    }

    fn here(&self) -> Begins {
        Begins { exact: self.out.exact.len(), loose: self.out.loose.len() }
    }

    fn exact(&mut self, text: &str) {
        self.out.exact.push_str(text);
    }

    fn loose(&mut self, text: &str) {
        if self.looking == 0 {
            self.out.loose.push_str(text);
        }
    }

    fn both(&mut self, text: &str) {
        self.exact(text);
        self.loose(text);
    }

    /// A part that may be repeated.
    fn atom(&mut self, text: &str) {
        self.atom = Some(self.here());
        self.both(text);
    }

    /// A part that only `fancy-regex` reads, and what stands for it in the looser expression.
    fn fancy(&mut self, exact: &str, loose: &str) {
        self.out.fancy = true;
        self.atom = Some(self.here());
        self.exact(exact);
        self.loose(loose);
    }

    fn letter(&mut self, letter: char) {
        let text = spelt(letter);
        self.atom(&text);
    }

    /// `$` or `\Z` at the end of a text, where one line end may still follow.
    fn end(&mut self) {
        let last = self.open.is_empty() && matches!(self.peek(0), None | Some('|'));
        if last {
            self.atom(r"(?:\n?\z)");
        } else {
            self.fancy(r"(?=\n?\z)", "");
        }
    }

    fn escape(&mut self) -> Result<(), Trouble> {
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
    fn set(&mut self) -> Result<(), Trouble> {
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
                    if !NAMED.contains(&bare) {
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

    /// `(` and what says which kind of group it is.
    fn opens(&mut self) -> Result<(), Trouble> {
        if self.open.len() >= DEEPEST_GROUP {
            return Err(Trouble::TooLarge);
        }
        let begins = self.here();
        let mode = self.mode;
        let mut looks = false;
        if self.takes("?") {
            if self.takes("#") {
                self.until(')').ok_or(UNCLOSED_GROUP)?;
                return Ok(());
            }
            let looking = ["=", "!", "<=", "<!"].into_iter().find(|sign| self.takes(sign));
            if let Some(sign) = looking {
                self.out.fancy = true;
                looks = true;
                self.exact("(?");
                self.exact(sign);
                self.looking += 1;
            } else if self.takes(":") {
                self.both("(?:");
            } else if self.takes(">") {
                self.out.fancy = true;
                self.exact("(?>");
                self.loose("(?:");
            } else if self.takes("P<") || self.takes("<") {
                self.named('>')?;
            } else if self.takes("'") {
                self.named('\'')?;
            } else if self.takes("|") {
                return Err(Trouble::Unknown("branches that share their groups (?|"));
            } else if self.takes("(") {
                return Err(Trouble::Unknown("a condition (?("));
            } else if matches!(self.peek(0), Some('R' | '&' | '+' | 'P' | '0'..='9')) {
                return Err(Trouble::Unknown("a call of a group (?R"));
            } else {
                return self.inline(begins);
            }
        } else if self.takes("*") {
            return Err(Trouble::Unknown("a word to the engine (*"));
        } else {
            self.both("(");
        }
        self.open.push(Open { begins, mode, looks });
        self.atom = None;
        Ok(())
    }

    fn named(&mut self, end: char) -> Result<(), Trouble> {
        let name = self.until(end).ok_or(UNCLOSED_GROUP)?;
        if !is_name(&name) {
            return Err(Trouble::Unreadable("a name with odd letters"));
        }
        self.both(&format!("(?P<{name}>"));
        Ok(())
    }

    /// `(?i)` and `(?i:`
    fn inline(&mut self, begins: Begins) -> Result<(), Trouble> {
        let outside = self.mode;
        let mut on = true;
        let mut case = String::new();
        loop {
            match self.next().ok_or(UNCLOSED_GROUP)? {
                '-' => on = false,
                'i' => case = if on { "i".to_owned() } else { "-i".to_owned() },
                'm' if self.dialect == Dialect::Ruby => self.mode.dot_is_line_end = on,
                'm' => self.mode.lines = on,
                's' if self.dialect == Dialect::Perl => self.mode.dot_is_line_end = on,
                'x' => self.mode.spaced = on,
                ':' => {
                    self.both(&format!("(?{case}:"));
                    self.open.push(Open { begins, mode: outside, looks: false });
                    break;
                }
                ')' => {
                    if !case.is_empty() {
                        self.both(&format!("(?{case})"));
                    }
                    break;
                }
                _ => return Err(Trouble::Unknown("an inline flag other than i, m, s and x")),
            }
        }
        self.atom = None;
        Ok(())
    }

    fn closes(&mut self) -> Result<(), Trouble> {
        let Some(open) = self.open.pop() else {
            return Err(Trouble::Unreadable("a `)` without its `(`"));
        };
        self.exact(")");
        if open.looks {
            self.looking -= 1;
        } else {
            self.loose(")");
        }
        self.mode = open.mode;
        self.atom = Some(open.begins);
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}` after its `{`; nothing where the brace is only a brace.
    fn counted(&mut self) -> Option<String> {
        let rest = self.letters.get(self.at..)?;
        let inside: String = rest.iter().take_while(|c| **c != '}').take(12).collect();
        let ends = rest.get(inside.chars().count()) == Some(&'}');
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let least = match (least, self.dialect) {
            ("", Dialect::Ruby) if !most.is_empty() => "0",
            ("", _) => return None,
            (least, _) => least,
        };
        if !ends || !is_number(least) || !is_number(most) {
            return None;
        }
        let count = if inside.contains(',') {
            format!("{{{least},{most}}}")
        } else {
            format!("{{{least}}}")
        };
        self.at += inside.chars().count() + 1;
        Some(count)
    }

    /// A repetition of the part before it.
    fn repeated(&mut self, count: &str) -> Result<(), Trouble> {
        let atom = self.atom.ok_or(NOTHING_REPEATED)?;
        let written = self.out.exact.len() > atom.exact;
        if !written {
            return Err(NOTHING_REPEATED);
        }
        let loose = self.looking == 0 && self.out.loose.len() > atom.loose;
        let simple = !count.starts_with('{') || self.dialect == Dialect::Perl;
        self.exact(count);
        if loose {
            self.loose(count);
        }
        if self.takes("?") {
            self.exact("?");
            if loose {
                self.loose("?");
            }
        } else if simple && self.takes("+") {
            self.out.fancy = true;
            self.out.exact.insert_str(atom.exact, "(?>");
            self.exact(")");
        }
        Ok(())
    }
}

/// Names of classes of letters that may stand in sets.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// How many groups of an expression capture.
fn groups(letters: &[char]) -> usize {
    let (mut count, mut escaped, mut in_set) = (0, false, false);
    for (at, letter) in letters.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match letter {
            '\\' => escaped = true,
            '[' => in_set = true,
            ']' => in_set = false,
            '(' if !in_set => {
                let next = |ahead: usize| letters.get(at + ahead).copied();
                let named = match (next(1), next(2), next(3)) {
                    (Some('?'), Some('<'), Some('=' | '!')) => false,
                    (Some('?'), Some('<' | '\''), _) | (Some('?'), Some('P'), Some('<')) => true,
                    (Some('?'), ..) => false,
                    _ => true,
                };
                count += usize::from(named);
            }
            _ => {}
        }
    }
    count
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    letters && !name.is_empty() && name.len() <= 64
}

/// A letter outside of sets.
fn spelt(letter: char) -> String {
    match letter {
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
            format!("\\{letter}")
        }
        letter if letter.is_control() => format!("\\x{{{:X}}}", u32::from(letter)),
        letter => letter.to_string(),
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
