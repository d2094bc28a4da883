//! Forms to fill in: a hearing sheet for each vendor, and a sheet for lines that no network shows.
//!
//! What was found and declared stands in them; what is asked is blank. The names of points stand beside the answers, so that
//! `import::declared` joins both again. [`book`] writes workbooks, [`list`] lists with commas, [`hand`] TOML.

mod book;
mod hand;
mod list;

use std::collections::BTreeMap;

use super::{Report, cut, words::moment};
use crate::{
    assess::{Outcome, Unseen},
    correlate::Point,
    import::{Column, Entry},
};

/// The most vendors that get a sheet of their own; the rest have their points on the sheet without a vendor.
const MOST_VENDORS: usize = 200;

/// The most points on one sheet.
const MOST_ASKED: usize = 300;

/// How wide a text of a device may be in a form, in columns of a terminal.
const WIDEST_FOUND: usize = 120;

/// In which form forms are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormFormat {
    /// A workbook to print and to fill in.
    Xlsx,
    /// A text to write by hand.
    Toml,
    /// A list.
    Csv,
}

impl FormFormat {
    /// Every format, the usual one first.
    pub const ALL: [Self; 3] = [Self::Xlsx, Self::Toml, Self::Csv];

    /// The name on the command line, and the ending of files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Toml => "toml",
            Self::Csv => "csv",
        }
    }
}

/// A form before it is written.
struct Form {
    /// Which.
    sort: Sort,
    /// The file's name without its ending.
    stem: String,
    /// The vendor; none where nobody is known, and in the sheet of dark lines.
    vendor: Option<String>,
    /// What it asks about.
    asked: Vec<Asked>,
    /// Whose facility.
    facility: Option<String>,
    /// The run that found it.
    run: String,
    /// From when to when it ran.
    period: String,
}

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// What one vendor is asked.
    Hearing,
    /// Lines that no network shows.
    Dark,
}

/// Something that a form asks about.
#[derive(Debug, Clone, Default)]
struct Asked {
    /// The point, by its name; none of a line of the register that was not seen.
    point: Option<String>,
    /// What was found, as words: what it is, its product, its addresses, and what the register says.
    found: [String; 4],
    /// What is known of the answers.
    answers: BTreeMap<Column, String>,
}

/// The keys of what was found, in the order of [`Asked::found`] (section `form`).
const FOUND: [&str; 4] = ["found_kind", "found_product", "found_address", "found_register"];

/// A field of a form, and which choices it offers (section `form_choice`).
struct Question {
    column: Column,
    choices: &'static [&'static str],
    /// Nothing but its choices can be read back.
    closed: bool,
}

const fn free(column: Column) -> Question {
    Question { column, choices: &[], closed: false }
}

const fn choice(column: Column, choices: &'static [&'static str]) -> Question {
    Question { column, choices, closed: false }
}

const fn closed(column: Column, choices: &'static [&'static str]) -> Question {
    Question { column, choices, closed: true }
}

const PURPOSE: Question = choice(
    Column::Purpose,
    &[
        "purpose_maintenance",
        "purpose_monitoring",
        "purpose_exchange",
        "purpose_eligibility",
        "purpose_internet",
        "purpose_other",
    ],
);
const LINE: Question = choice(
    Column::Line,
    &[
        "line_internet",
        "line_closed",
        "line_leased",
        "line_isdn",
        "line_analog",
        "line_mobile",
        "line_unknown",
    ],
);
const METHOD: Question = choice(
    Column::Method,
    &[
        "method_ipsec",
        "method_ssl",
        "method_remote",
        "method_desktop",
        "method_dial",
        "method_report",
        "method_unknown",
    ],
);
const DIRECTION: Question = closed(
    Column::Direction,
    &["direction_in", "direction_out", "direction_both", "direction_unknown"],
);
const CONNECTED: Question =
    choice(Column::Connected, &["connected_always", "connected_demand", "connected_unknown"]);
const REMOTE: Question = closed(
    Column::RemoteMaintenance,
    &["remote_maintenance_yes", "remote_maintenance_no", "remote_maintenance_unknown"],
);
const DISCLOSURE: Question =
    choice(Column::Disclosure, &["disclosure_given", "disclosure_not", "disclosure_none"]);
const STATUS: Question =
    choice(Column::Status, &["status_used", "status_spare", "status_ended", "status_removed"]);

/// What a vendor is asked about all that it looks after.
static VENDOR: &[Question] = &[
    free(Column::Partner),
    free(Column::AnsweredBy),
    free(Column::Contact),
    free(Column::Checked),
    REMOTE,
    DISCLOSURE,
];

/// What a vendor is asked of each point, by section.
static HEARING: &[(&str, &[Question])] = &[
    (
        "section_line",
        &[
            free(Column::Name),
            PURPOSE,
            free(Column::System),
            free(Column::Place),
            LINE,
            free(Column::Carrier),
            free(Column::LineNumber),
            free(Column::Vendor),
            free(Column::Model),
            free(Column::Version),
            free(Column::Address),
            free(Column::Mac),
        ],
    ),
    (
        "section_connection",
        &[
            METHOD,
            DIRECTION,
            CONNECTED,
            choice(
                Column::Restriction,
                &[
                    "restriction_address",
                    "restriction_permit",
                    "restriction_none",
                    "restriction_unknown",
                ],
            ),
            choice(
                Column::Authentication,
                &[
                    "authentication_password",
                    "authentication_factors",
                    "authentication_certificate",
                    "authentication_none",
                    "authentication_unknown",
                ],
            ),
            choice(
                Column::Logging,
                &["logging_checked", "logging_kept", "logging_none", "logging_unknown"],
            ),
        ],
    ),
    (
        "section_maintenance",
        &[
            REMOTE,
            choice(
                Column::PatchedBy,
                &[
                    "patched_by_vendor",
                    "patched_by_hospital",
                    "patched_by_nobody",
                    "patched_by_unknown",
                ],
            ),
            free(Column::SupportUntil),
            free(Column::Manager),
            free(Column::Boundary),
            STATUS,
            free(Column::Note),
        ],
    ),
];

/// What is asked above the sheet of dark lines.
static TOLD_BY: &[Question] = &[free(Column::AnsweredBy), free(Column::Checked)];

/// What is asked of each dark line.
static DARK: &[Question] = &[
    free(Column::Name),
    free(Column::Place),
    free(Column::System),
    free(Column::Partner),
    PURPOSE,
    LINE,
    free(Column::Carrier),
    free(Column::LineNumber),
    free(Column::Vendor),
    free(Column::Model),
    METHOD,
    DIRECTION,
    CONNECTED,
    REMOTE,
    free(Column::Manager),
    free(Column::Contact),
    STATUS,
    free(Column::Photo),
    free(Column::Note),
];

impl Form {
    /// What is asked of each point, in the order of the form.
    fn questions(&self) -> Vec<&'static Question> {
        match self.sort {
            Sort::Hearing => HEARING.iter().flat_map(|(_, questions)| *questions).collect(),
            Sort::Dark => DARK.iter().collect(),
        }
    }

    /// What is asked once, for all of it.
    const fn head(&self) -> &'static [Question] {
        match self.sort {
            Sort::Hearing => VENDOR,
            Sort::Dark => TOLD_BY,
        }
    }

    /// What is known of an answer that is given once.
    fn told(&self, column: Column) -> Option<&str> {
        self.vendor.as_deref().filter(|_| column == Column::Partner)
    }

    /// How its words are called: `hearing`, `dark`.
    const fn key(&self) -> &'static str {
        match self.sort {
            Sort::Hearing => "hearing",
            Sort::Dark => "dark",
        }
    }
}

/// The forms of a report: the name of each file, and its bytes.
pub fn write_forms(
    report: &Report<'_>,
    formats: &[FormFormat],
) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for form in forms(report) {
        for format in formats {
            let name =
                format!("{}.{}.{}", form.stem, report.words.language().code(), format.name());
            let bytes = match format {
                FormFormat::Xlsx => book::write(&form, report)?,
                FormFormat::Toml => hand::write(&form, report.words).into_bytes(),
                FormFormat::Csv => list::write(&form, report.words)?,
            };
            files.push((name, bytes));
        }
    }
    Ok(files)
}

/// Every form: one for each vendor, one for points of which nobody is known, a blank one, and that of dark lines.
fn forms(report: &Report<'_>) -> Vec<Form> {
    let mut vendors: BTreeMap<String, (String, Vec<Asked>)> = BTreeMap::new();
    let mut nobody = Vec::new();
    let mut dark = Vec::new();
    for point in report.points() {
        let declared = declared(report, &point.id);
        let is_dark = point.sides.seen_from.is_empty();
        let asked = asked(report, point, declared);
        let partner = [report.written(&point.id), declared]
            .into_iter()
            .flatten()
            .find_map(|entry| entry.get(Column::Partner).map(str::to_owned));
        let maker = || point.product.as_ref().map(|product| product.vendor.clone());
        if is_dark {
            // The hospital keeps the list, and the vendor is asked, too.
            if let Some(name) = partner.filter(|name| !key(name).is_empty()) {
                let (_, its) = vendors.entry(key(&name)).or_insert_with(|| (name, Vec::new()));
                its.push(asked.clone());
            }
            dark.push(asked);
        } else if let Some(name) = partner.or_else(maker).filter(|name| !key(name).is_empty()) {
            vendors.entry(key(&name)).or_insert_with(|| (name, Vec::new())).1.push(asked);
        } else {
            nobody.push(asked);
        }
    }
    for line in report.meaning.reconciliation.iter().flat_map(|register| &register.lines) {
        let partner = line.entry.get(Column::Partner).map(str::to_owned);
        if let Some(name) = partner.filter(|name| !key(name).is_empty()) {
            vendors.entry(key(&name)).or_insert_with(|| (name, Vec::new()));
        }
        let unseen = Outcome::NotSeen { reason: Unseen::Dark };
        let dials = Outcome::NotSeen { reason: Unseen::DialsOut };
        if line.outcome == unseen || line.outcome == dials {
            dark.push(of_register(report, &line.entry));
        }
    }
    let form = |sort, stem: String, vendor, asked: Vec<Asked>| Form {
        sort,
        stem,
        vendor,
        asked,
        facility: report.run.facility.as_deref().map(|name| cut(name, WIDEST_FOUND)),
        run: report.run.id.clone(),
        period: format!("{} – {}", moment(report.run.began), moment(report.run.ended)),
    };
    let mut forms = Vec::new();
    let mut stems: BTreeMap<String, usize> = BTreeMap::new();
    for (place, (_, (name, asked))) in vendors.into_iter().enumerate() {
        if place >= MOST_VENDORS {
            nobody.extend(asked);
            continue;
        }
        let stem = format!("hearing-{}", slug(&name));
        let same = stems.entry(stem.clone()).or_default();
        *same += 1;
        let stem = if *same > 1 { format!("{stem}-{same}") } else { stem };
        forms.push(form(Sort::Hearing, stem, Some(cut(&name, WIDEST_FOUND)), few(asked)));
    }
    if !nobody.is_empty() {
        forms.push(form(Sort::Hearing, "hearing-unassigned".into(), None, few(nobody)));
    }
    forms.push(form(Sort::Hearing, "hearing-blank".into(), None, Vec::new()));
    forms.push(form(Sort::Dark, "dark-lines".into(), None, few(dark)));
    forms
}

fn few(mut asked: Vec<Asked>) -> Vec<Asked> {
    asked.truncate(MOST_ASKED);
    asked
}

/// What a form declared of a point.
fn declared<'a>(report: &Report<'a>, point: &str) -> Option<&'a Entry> {
    report.memory.points.get(point)?.declared.as_ref()
}

/// What is known of a point: what was found, and what was declared. What the register says is shown, and has to be said
/// again.
fn asked(report: &Report<'_>, point: &Point, declared: Option<&Entry>) -> Asked {
    let words = report.words;
    let comma = words.get("language", "comma");
    let kind = format!("{}{comma}{}", words.kind(point.kind), words.direction(point.direction));
    let names = || point.names.iter().take(3).cloned().collect::<Vec<_>>().join(comma);
    let product = point.product.as_ref().map_or_else(names, ToString::to_string);
    let addresses = point.addresses.iter().take(3).map(ToString::to_string);
    let macs = point.macs.iter().take(1).map(ToString::to_string);
    let addresses: Vec<String> = addresses.chain(macs).collect();
    let found = [kind, product, addresses.join(comma), register(report, &point.id)];
    Asked {
        point: Some(point.id.clone()),
        found: found.map(|text| cut(&text, WIDEST_FOUND)),
        answers: declared.map(answers).unwrap_or_default(),
    }
}

/// What the register says of a point, in a few words.
fn register(report: &Report<'_>, point: &str) -> String {
    let register = report.meaning.reconciliation.as_ref();
    let Some(line) = register.and_then(|register| register.of(point).next()) else {
        return String::new();
    };
    let columns = [Column::Name, Column::Place, Column::Partner];
    let said: Vec<&str> = columns.iter().filter_map(|column| line.entry.get(*column)).collect();
    said.join(report.words.get("language", "comma"))
}

/// A line of the register that was not seen: what it says may be said again as it is.
fn of_register(report: &Report<'_>, entry: &Entry) -> Asked {
    let comma = report.words.get("language", "comma");
    let columns = [Column::Name, Column::Place];
    let said: Vec<&str> = columns.iter().filter_map(|column| entry.get(*column)).collect();
    let mut found: [String; 4] = Default::default();
    if let Some(last) = found.last_mut() {
        *last = cut(&said.join(comma), WIDEST_FOUND);
    }
    Asked { point: None, found, answers: answers(entry) }
}

/// What an entry says, as answers.
fn answers(entry: &Entry) -> BTreeMap<Column, String> {
    let joined = |texts: Vec<String>| Some(texts.join(", ")).filter(|text| !text.is_empty());
    let mut answers: BTreeMap<Column, String> = entry
        .written
        .iter()
        .filter(|(column, _)| **column != Column::Point)
        .map(|(column, text)| (*column, super::visible(text).into_owned()))
        .collect();
    let sets = [
        (Column::Address, joined(entry.addresses.iter().map(ToString::to_string).collect())),
        (Column::Mac, joined(entry.macs.iter().map(ToString::to_string).collect())),
    ];
    for (column, text) in sets {
        answers.extend(text.map(|text| (column, text)));
    }
    answers
}

/// By what a vendor is known among the others.
fn key(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).take(80).collect()
}

/// A name as part of a file's name: letters and digits, and a hyphen for the rest.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        // A file's name has 255 bytes at most, and letters have up to four.
        if slug.len() >= 120 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "vendor".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        import::declared::field,
        report::{Language, Words},
    };

    #[test]
    fn every_question_is_read_back_by_its_name_in_both_languages() {
        for words in Language::ALL.map(Words::of) {
            let questions = HEARING.iter().flat_map(|(_, questions)| *questions);
            for question in questions.chain(VENDOR).chain(DARK).chain(TOLD_BY) {
                let key = question.column.name();
                let label = words.find("form_field", key).unwrap();
                assert_eq!(field::named(label), Some(question.column), "{label}");
                assert!(words.find("form_hint", key).is_some(), "{key}");
                for choice in question.choices {
                    assert!(words.find("form_choice", choice).is_some(), "{choice}");
                }
            }
            assert_eq!(field::named(words.get("form_field", "point")), Some(Column::Point));
            for found in FOUND {
                assert_eq!(field::named(words.find("form", found).unwrap()), None, "{found}");
            }
        }
    }

    #[test]
    fn no_vendor_can_name_a_file_elsewhere() {
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("関所電機 株式会社"), "関所電機-株式会社");
        assert_eq!(slug("<b>\u{202e}"), "b");
        assert_eq!(slug(".."), "vendor");
        assert!(slug(&"社".repeat(10_000)).len() <= 124);
    }
}
