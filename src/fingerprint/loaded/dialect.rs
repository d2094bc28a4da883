//! Regular expressions of other tools, brought to the spelling of the `regex` crate.
//!
//! Ruby, Perl (PCRE) and POSIX expressions are read letter by letter and written anew, each part so that it does not
//! depend on flags that differ: what `.`, `^`, `$`, `\d` and `\h` mean is spelt out. What needs looking around,
//! backreferences or groups that are not given back is written for `fancy-regex`; beside it stands a looser expression
//! without those, that matches at least the same texts, for finding what a match surely contains.

mod letters;

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

const NOTHING_REPEATED: Trouble = Trouble::Unreadable("a repetition of nothing");
const UNCLOSED_GROUP: Trouble = Trouble::Unreadable("a group that does not end");

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
