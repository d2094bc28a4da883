//! `sekisho report --forms`: forms to fill in.

use std::path::{Path, PathBuf};

use super::{Lang, formats, output, told::Told};
use crate::{
    inventory::{Change, Run},
    report::{FormFormat, Language, Words, write_forms},
};

/// Why forms, or a report, are not written as somebody asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// A format of reports in which there are no forms.
    #[error(
        "`--format {0}`: forms are written as xlsx, toml and csv; leave `--forms` out for a report"
    )]
    NoForm(String),
    /// A format of forms in which there is no report.
    #[error("`--format {0}`: no report is written so, only forms are; add `--forms`")]
    FormsOnly(String),
}

/// Reads the name of a format of reports or forms.
pub(super) fn named(name: &str) -> Result<&'static str, String> {
    let form = FormFormat::ALL.into_iter().map(FormFormat::name).find(|form| *form == name);
    form.map_or_else(|| formats::named(name), Ok)
}

/// Refuses what only forms are written as.
pub(super) fn refuse(names: &[&'static str]) -> Result<(), Fault> {
    match names.iter().find(|name| formats::named(name).is_err()) {
        Some(name) => Err(Fault::FormsOnly((*name).to_owned())),
        None => Ok(()),
    }
}

/// Writes forms into `folder`, as workbooks unless something else is asked for, in Japanese unless a language is, and tells
/// the files.
pub(super) fn write(
    folder: &Path,
    names: &[&'static str],
    lang: Option<Lang>,
    run: &Run,
    changes: Option<&[Change]>,
    told: &Told,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut chosen = Vec::new();
    for name in names {
        let format = FormFormat::ALL.into_iter().find(|format| format.name() == *name);
        chosen.push(format.ok_or_else(|| Fault::NoForm((*name).to_owned()))?);
    }
    if chosen.is_empty() {
        chosen.push(FormFormat::Xlsx);
    }
    let words = Words::of(match lang {
        Some(Lang::En) => Language::English,
        Some(Lang::Ja) | None => Language::Japanese,
    });
    let report = told.report(run, changes, None, words);
    output::folder(folder)?;
    let mut written = Vec::new();
    for (name, bytes) in write_forms(&report, &chosen)? {
        let path = folder.join(name);
        output::write(&path, |out| out.write_all(&bytes))?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_of_forms_is_none_of_reports() {
        assert_eq!(named("toml"), Ok("toml"));
        assert_eq!(named("html"), Ok("html"));
        assert!(named("docx").unwrap_err().starts_with("no such format"));
        assert!(refuse(&["html", "xlsx"]).is_ok());
        assert!(refuse(&["html", "toml"]).unwrap_err().to_string().contains("add `--forms`"));
    }
}
