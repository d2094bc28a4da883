//! What small structured answers state about the software that gives them: elements of XML, members of JSON, attributes
//! and lines, whose name says that the value is a version, a build or a model. Nothing else of the text is read.

/// How many statements of one text are read.
const MOST: usize = 8;

/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 32;

/// How long a value may be, in bytes.
const LONGEST_VALUE: usize = 64;

/// Names that tell what a product is, in lower case without `-` and `_`.
const TELLING: [&str; 23] = [
    "build",
    "buildnumber",
    "clientversion",
    "firmware",
    "firmwareversion",
    "fwri",
    "fwver",
    "fwversion",
    "fwversionfull",
    "model",
    "modelname",
    "panosversion",
    "pn",
    "product",
    "productname",
    "productversion",
    "serverversion",
    "softwareversion",
    "swversion",
    "systemmodelname",
    "version",
    "versionfull",
    "versionnumber",
];

/// Names and values, in the order in which they stand.
pub fn read(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    let mut before = "";
    while found.len() < MOST {
        let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) else { break };
        let (between, after) = rest.split_at(start);
        let length = after.find(|c| !is_in_name(c)).unwrap_or(after.len());
        let (name, after) = after.split_at(length);
        let told = is_telling(name).then(|| value(between, name, after)).flatten();
        if let Some(value) = told.filter(|_| before != "xml" && before != "svg")
            && !found.contains(&(name, value))
        {
            found.push((name, value));
        }
        before = name;
        rest = after;
    }
    found
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Whether a name tells what a product is; some firmware writes its own letters before `PRODUCT_NAME`.
fn is_telling(name: &str) -> bool {
    if name.len() > LONGEST_NAME {
        return false;
    }
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    let letters: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    TELLING.contains(&&*letters) || letters.contains("productname")
}

/// The value that a name is given by what follows it.
fn value<'t>(before: &str, name: &str, after: &'t str) -> Option<&'t str> {
    if before.ends_with('<') {
        let (attributes, rest) = after.split_once('>')?;
        let text = rest.split('<').next()?;
        let plain = attributes.len() <= LONGEST_VALUE && !attributes.ends_with('/');
        return fit(text)
            .filter(|_| plain && rest.get(text.len()..).is_some_and(|end| closes(end, name)));
    }
    if let Some(rest) = after.strip_prefix("</key>") {
        let rest = rest.trim_start().strip_prefix("<string>")?;
        return fit(rest.split('<').next()?);
    }
    let quoted = after.strip_prefix(['"', '\'']);
    let rest = quoted.unwrap_or(after).trim_start();
    let rest = match rest.strip_prefix([':', '=']) {
        Some(rest) => rest,
        // NAME="ProductVersion" VALUE="9.1.2"
        None => quoted
            .and_then(|_| rest.get(..5).filter(|word| word.eq_ignore_ascii_case("value")))
            .and_then(|word| rest.get(word.len()..)?.trim_start().strip_prefix('='))?,
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    match rest.strip_prefix(['"', '\'']) {
        Some(inside) => fit(inside.split(['"', '\'']).next()?),
        None => fit(rest.split(|c: char| c.is_whitespace() || ",;<>&{}()".contains(c)).next()?),
    }
}

/// Whether an element of this name ends here.
fn closes(end: &str, name: &str) -> bool {
    end.strip_prefix("</").is_some_and(|end| end.starts_with(name))
}

fn fit(value: &str) -> Option<&str> {
    let value = value.trim();
    let telling = value.chars().any(|c| c.is_ascii_alphanumeric());
    let plain = value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control);
    (telling && plain).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn versions_are_read_in_whatever_form_they_are_stated() {
        for (text, name, value) in [
            ("<?xml version=\"1.0\"?><RIMP><MP><FWRI>2.55</FWRI></MP></RIMP>", "FWRI", "2.55"),
            ("<config-auth><version who=\"sg\">9.8(2)</version>", "version", "9.8(2)"),
            ("{\"a\":1, \"clientVersion\" : \"8.4.0\"}", "clientVersion", "8.4.0"),
            ("<PARAM NAME=\"ProductVersion\"  VALUE=\"9.1.11.1\">", "ProductVersion", "9.1.11.1"),
            ("Model=R7000\r\nx", "Model", "R7000"),
            ("Firmware=V1.0.9\nRegionTag=x", "Firmware", "V1.0.9"),
            ("<dict><key>version</key>\n <string>9.1</string>", "version", "9.1"),
            ("var XYZ_PRODUCT_NAME1=\"Gate 40\";", "XYZ_PRODUCT_NAME1", "Gate 40"),
            ("{'version': '6.6.1'}", "version", "6.6.1"),
        ] {
            assert_eq!(read(text), [(name, value)], "{text}");
        }
    }

    #[test]
    fn nothing_but_what_tells_of_software_is_read() {
        for text in [
            "{\"name\":\"Hanako\",\"birth\":\"1980-01-01\",\"id\":4711}",
            "<svg version=\"1.1\">",
            "<?xml version='1.0'?>",
            "this version is a long story",
            "version=",
            "<version/>",
            "<version>",
            "\u{3000}version\u{3000}:",
        ] {
            assert_eq!(read(text), [], "{text}");
        }
        let long = format!("version=\"{}\"", "x".repeat(65));
        assert_eq!(read(&long), []);
    }

    #[test]
    fn a_text_of_statements_ends_at_the_bound() {
        let text: Vec<String> = (0..1000).map(|n| format!("version={n}")).collect();
        assert_eq!(read(&text.join("\n")).len(), super::MOST);
    }
}
