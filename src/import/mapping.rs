//! The mapping file: what a sheet's header and columns are, where the guess is wrong (docs/register.md).

use std::{collections::BTreeMap, fmt::Write as _};

use toml::{Table, Value};

use super::{
    Column, Error,
    load::Reading,
    sheet::{MOST_ROWS, column_of, letters},
};

/// The sheet that stands for every other, and for a file without sheets.
const ANY: &str = "*";

/// What a column is called that is left out.
const LEFT_OUT: &str = "-";

/// What is said of one sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// It is no register.
    pub ignore: bool,
    /// The rows of its header, from 1; empty where it has none.
    pub header: Option<Vec<u32>>,
    /// What columns are about, counted from 0; none for one that is left out.
    pub columns: BTreeMap<usize, Option<Column>>,
}

/// What a mapping file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// By the name of the sheet.
    sheets: BTreeMap<String, Plan>,
    file: String,
    text: String,
}

impl Mapping {
    /// Reads the text of a mapping file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Error::NoMapping { file: file.to_owned(), line, problem: error.message().to_owned() }
        })?;
        let mut mapping =
            Self { sheets: BTreeMap::new(), file: file.to_owned(), text: text.to_owned() };
        for (key, value) in table {
            if key != "sheet" {
                return Err(mapping.unknown(&key, &["sheet"]));
            }
            let Value::Table(sheets) = value else {
                return Err(mapping.wrong("no table of sheets", "sheet", "write [sheet.\"NAME\"]"));
            };
            for (name, value) in sheets {
                let Value::Table(said) = value else {
                    return Err(mapping.wrong("no table", &name, "write [sheet.\"NAME\"]"));
                };
                let plan = mapping.plan(said)?;
                mapping.sheets.insert(name, plan);
            }
        }
        Ok(mapping)
    }

    fn plan(&self, said: Table) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        for (key, value) in said {
            match (key.as_str(), value) {
                ("ignore", Value::Boolean(ignore)) => plan.ignore = ignore,
                ("header", Value::Integer(0)) => plan.header = Some(Vec::new()),
                ("header", Value::Integer(row)) => plan.header = Some(vec![self.row(row)?]),
                ("header", Value::Array(rows)) => {
                    let row = |value: &Value| self.row(value.as_integer().unwrap_or(-1));
                    plan.header = Some(rows.iter().map(row).collect::<Result<_, _>>()?);
                }
                ("columns", Value::Table(columns)) => {
                    for (letters, column) in columns {
                        let place = column_of(&letters).ok_or_else(|| {
                            self.wrong(
                                "no column of a sheet",
                                &letters,
                                "write its letters, A to IV",
                            )
                        })?;
                        let name = column.as_str().unwrap_or_default();
                        plan.columns.insert(place, self.column(name)?);
                    }
                }
                ("ignore", value) => {
                    return Err(self.wrong(
                        "neither true nor false",
                        &value.to_string(),
                        "write `ignore = true`",
                    ));
                }
                ("header", value) => {
                    return Err(self.wrong(
                        "no row",
                        &value.to_string(),
                        "write `header = 3`, or `[3, 4]` for two rows",
                    ));
                }
                ("columns", value) => {
                    return Err(self.wrong(
                        "no table of columns",
                        &value.to_string(),
                        "write `columns = { B = \"name\" }`",
                    ));
                }
                (other, _) => return Err(self.unknown(other, &["columns", "header", "ignore"])),
            }
        }
        Ok(plan)
    }

    fn row(&self, row: i64) -> Result<u32, Error> {
        u32::try_from(row).ok().filter(|row| (1..=MOST_ROWS).contains(row)).ok_or_else(|| {
            self.wrong(
                "no row",
                &row.to_string(),
                "count from 1 as the spreadsheet does; 0 says that there is no header",
            )
        })
    }

    fn column(&self, name: &str) -> Result<Option<Column>, Error> {
        if name == LEFT_OUT {
            return Ok(None);
        }
        let known = Column::ALL.into_iter().find(|column| column.name() == name);
        let names: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
        known.map(Some).ok_or_else(|| {
            let remedy = format!(
                "did you mean `{}`? `-` leaves a column out; all: {}",
                nearest(name, &names),
                names.join(", ")
            );
            self.wrong("no column is called", name, &remedy)
        })
    }

    fn unknown(&self, key: &str, known: &[&str]) -> Error {
        let remedy =
            format!("did you mean `{}`? Known are: {}", nearest(key, known), known.join(", "));
        self.wrong("unknown key", key, &remedy)
    }

    fn wrong(&self, problem: &'static str, value: &str, remedy: &str) -> Error {
        let line = self.text.lines().position(|line| line.contains(value)).map_or(1, |at| at + 1);
        let (file, value) = (self.file.clone(), value.chars().take(80).collect());
        Error::Mapping { file, line, problem, value, remedy: remedy.to_owned() }
    }

    /// What is said of a sheet.
    pub(super) fn of(&self, sheet: Option<&str>) -> Option<&Plan> {
        sheet.and_then(|name| self.sheets.get(name)).or_else(|| self.sheets.get(ANY))
    }

    /// Refuses names of sheets that there are not.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), Error> {
        let missing =
            self.sheets.keys().find(|name| *name != ANY && !known.contains(&name.as_str()));
        match missing {
            None => Ok(()),
            Some(name) if known.is_empty() => Err(self.wrong(
                "no file has a sheet",
                name,
                "write [sheet.\"*\"] for a file without sheets",
            )),
            Some(name) => {
                let remedy = format!(
                    "did you mean `{}`? There are: {}",
                    nearest(name, known),
                    known.join(", ")
                );
                Err(self.wrong("no file has a sheet", name, &remedy))
            }
        }
    }

    /// The text of a mapping file that says what was guessed.
    pub fn written(readings: &[Reading]) -> String {
        let mut text = String::from(
            "# What the sheets of a register are about; docs/register.md says how to change it. \"-\" leaves a column out.\n",
        );
        for reading in readings {
            let name = reading.sheet.as_deref().unwrap_or(ANY);
            let _ = write!(text, "\n[sheet.{}]\n", Value::String(name.to_owned()));
            if reading.skipped.is_some() {
                text.push_str("ignore = true\n");
                continue;
            }
            let rows: Vec<String> = reading.header.iter().map(ToString::to_string).collect();
            let _ = match rows.as_slice() {
                [] => writeln!(text, "header = 0"),
                [row] => writeln!(text, "header = {row}"),
                rows => writeln!(text, "header = [{}]", rows.join(", ")),
            };
            let _ = writeln!(text, "\n[sheet.{}.columns]", Value::String(name.to_owned()));
            for taken in &reading.columns {
                let column = taken.taken_for.map_or(LEFT_OUT, Column::name);
                let header: String =
                    taken.header.chars().filter(|c| !c.is_control()).take(60).collect();
                let _ = writeln!(text, "{} = \"{column}\" # {header}", letters(taken.column));
            }
        }
        text
    }
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> &'k str {
    let nearest = known.iter().min_by_key(|name| strsim::damerau_levenshtein(name, word));
    nearest.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Mapping::parse(text, "map.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_mapping_says_rows_and_columns() {
        let mapping = Mapping::parse(
            "[sheet.\"機器一覧\"]\nheader = 3\ncolumns = { B = \"name\", AA = \"address\", C = \"-\" }\n[sheet.\"表紙\"]\nignore = true\n",
            "map.toml",
        )
        .unwrap();
        let plan = mapping.of(Some("機器一覧")).unwrap();
        assert_eq!(plan.header, Some(vec![3]));
        let columns = [(1, Some(Column::Name)), (2, None), (26, Some(Column::Address))];
        assert_eq!(plan.columns, BTreeMap::from(columns));
        assert!(mapping.of(Some("表紙")).unwrap().ignore);
        assert_eq!(mapping.of(None), None);
    }

    #[test]
    fn what_is_unknown_is_refused_with_the_nearest() {
        let wrong = error("[sheet.a]\nheadr = 3\n");
        assert!(
            wrong.starts_with("map.toml:2: unknown key `headr`; did you mean `header`?"),
            "{wrong}"
        );
        let wrong = error("[sheet.a]\ncolumns = { B = \"adress\" }\n");
        assert!(
            wrong.starts_with("map.toml:2: no column is called `adress`; did you mean `address`?"),
            "{wrong}"
        );
        assert!(error("[sheets.a]\n").contains("did you mean `sheet`?"));
        assert!(error("[sheet.a]\ncolumns = { B1 = \"name\" }\n").contains("A to IV"));
        assert!(error("[sheet.a]\nheader = -1\n").contains("count from 1"));
        assert!(error("[sheet.a\n").starts_with("map.toml:1: "));
        let mapping = Mapping::parse("[sheet.\"機器一欄\"]\n", "map.toml").unwrap();
        let wrong = mapping.check(&["機器一覧", "表紙"]).unwrap_err().to_string();
        assert!(wrong.contains("did you mean `機器一覧`?"), "{wrong}");
    }
}
