//! What small structured answers state about the software that gives them: elements of XML, members of JSON, attributes
//! and lines, whose name says that the value is a version, a build or a model. Nothing else of the text is read.

/// How many statements of one text are read.
const MOST: usize = 8;

/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 32;

/// How long a value may be, in bytes.
const LONGEST_VALUE: usize = 64;

/// Names that tell what a product is, in lower case without `-` and `_`.
const TELLING: [&str; 25] = [
    "build",
    "buildnumber",
    "clientversion",
    "firmversion",
    "firmware",
    "firmwareversion",
    "fwri",
    "fwver",
    "fwversion",
    "fwversionfull",
    "model",
    "modelname",
    "modelphpstr",
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

/// Names that tell it where the value is a number with parts, and are a word of somebody's otherwise.
const NUMBERED: [&str; 5] = ["apiversion", "kversion", "nsversion", "release", "versionstring"];

/// Names and values, in the order in which they stand: what is written as a statement, and what the text of an element
/// begins with (`<h1>Acme v6.4`, `<p>Acme Version 6.4 |`).
pub fn read(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text;
    let mut before = "";
    while found.len() < MOST {
        let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) else { break };
        let (between, after) = rest.split_at(start);
        let length = after.find(|c| !is_in_name(c)).unwrap_or(after.len());
        let (name, after) = after.split_at(length);
        let stated = told(between, name, after).filter(|_| before != "xml" && before != "svg");
        if let Some(value) = stated.or_else(|| spoken(between, name, after))
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

/// What a name that tells what a product is states; some firmware writes its own letters before `PRODUCT_NAME` and
/// `HELP_VERSION`.
fn told<'t>(before: &str, name: &str, after: &'t str) -> Option<&'t str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    let letters: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    if TELLING.contains(&&*letters) || letters.contains("productname") {
        return value(before, name, after);
    }
    let numbered = NUMBERED.contains(&&*letters) || letters.ends_with("helpversion");
    numbered.then(|| value(before, name, after)).flatten().filter(|value| is_numbered(value))
}

/// Whether a value is a number with parts: `9.8(2)`, `v1.2`, `12,0,41,23`.
fn is_numbered(value: &str) -> bool {
    let number = value.strip_prefix(['v', 'V']).unwrap_or(value);
    let mut rest = number.trim_start_matches(|c: char| c.is_ascii_digit()).chars();
    number.starts_with(|c: char| c.is_ascii_digit())
        && rest.next().is_some_and(|c| matches!(c, '.' | ','))
        && rest.next().is_some_and(|c| c.is_ascii_digit())
}

/// The version that follows a name at the beginning of an element's text.
fn spoken<'t>(before: &str, name: &str, after: &'t str) -> Option<&'t str> {
    let begins = before.trim_end().ends_with('>');
    if !begins || name.len() > LONGEST_NAME || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let rest = after.strip_prefix(' ')?;
    let (word, number) = rest.split_at_checked("version ".len()).unwrap_or((rest, ""));
    let number =
        if word.eq_ignore_ascii_case("version ") { number } else { rest.strip_prefix('v')? };
    let number = number.split(|c: char| c.is_whitespace() || "<|,;".contains(c)).next()?;
    let plain = number.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    fit(number).filter(|number| plain && !number.starts_with('v') && is_numbered(number))
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
            (
                "<INPUT name=\"FirmVersion\" value=\"V2.6 build 11\">",
                "FirmVersion",
                "V2.6 build 11",
            ),
            ("{'version': '6.6.1'}", "version", "6.6.1"),
            ("XYZ_CLOUD_HELP_VERSION=5.37;\nx", "XYZ_CLOUD_HELP_VERSION", "5.37"),
            ("this.k_version = '9.4.5-8573';", "k_version", "9.4.5-8573"),
            ("var modelphpStr = \"xyz345\";", "modelphpStr", "xyz345"),
            ("var nsversion=\"13,1,48,47\";", "nsversion", "13,1,48,47"),
            ("{\"release\":\"16.1R2S6\",\"releaseDate\":\"2018\"}", "release", "16.1R2S6"),
            ("    versionString: \"1.2(1i)\",", "versionString", "1.2(1i)"),
            ("{\"apiVersion\":\"1.24.0\"}", "apiVersion", "1.24.0"),
            ("<h1>Acme v6.48.1</h1>", "Acme", "6.48.1"),
            ("<div>\n Acme Version 4.15.3 | Copyright", "Acme", "4.15.3"),
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
            "apiVersion: v1",
            "release: latest",
            "k_version: k_server.k_product.text,",
            "<p>Acme version is 4.1</p>",
            "<p>Acme v4</p>",
            "<p>Acme vv4.1</p>",
            "<p>news of Acme v4.1</p>",
            "/* Acme v4.1 */",
            "<p>Acme Versio",
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
