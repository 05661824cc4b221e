//! What a field of the protocol may hold. Each function answers none for an absent field and a fault that names the field for a wrong one.

use std::borrow::Cow;

use super::{fault::Fault, wire::Loose};

/// Text of at most `max` bytes; blank text is as absent.
pub fn text<'a>(field: &'static str, value: &'a Loose<'_>, max: usize) -> Result<Option<&'a str>, Fault> {
    match value {
        Loose::None => Ok(None),
        Loose::Text(text) if text.len() > max => Err(Fault::invalid(field, format!("has more than {max} bytes"))),
        Loose::Text(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        _ => Err(Fault::invalid(field, "must be a string")),
    }
}

/// A number between 0 and `max`, rounded.
pub fn whole(field: &'static str, value: &Loose<'_>, max: u32) -> Result<Option<u32>, Fault> {
    let number = match value {
        Loose::None => return Ok(None),
        Loose::Number(number) => number.as_f64().map(f64::round),
        _ => None,
    };
    match number {
        // Checked on both sides, so the cast is exact.
        Some(number) if (0.0..=f64::from(max)).contains(&number) => Ok(Some(number as u32)),
        _ => Err(Fault::invalid(field, format!("must be a number from 0 to {max}"))),
    }
}

/// `true` or `false`.
pub fn flag(field: &'static str, value: &Loose<'_>) -> Result<Option<bool>, Fault> {
    match value {
        Loose::None => Ok(None),
        Loose::Bool(flag) => Ok(Some(*flag)),
        _ => Err(Fault::invalid(field, "must be true or false")),
    }
}

/// A member of an object: name and value.
pub type Member<'w> = (Cow<'w, str>, Loose<'w>);

/// The members of an object.
pub fn object<'a, 'w>(field: &'static str, value: &'a Loose<'w>) -> Result<Option<&'a [Member<'w>]>, Fault> {
    match value {
        Loose::None => Ok(None),
        Loose::Object(members) => Ok(Some(members)),
        _ => Err(Fault::invalid(field, "must be an object")),
    }
}

/// `{width, height}` in pixels; none unless both are there and above zero.
pub fn size(field: &'static str, value: &Loose<'_>) -> Result<Option<(u32, u32)>, Fault> {
    const LARGEST: u32 = 100_000;
    let Some(members) = object(field, value)? else { return Ok(None) };
    let (mut width, mut height) = (0, 0);
    for (name, value) in members {
        match name.as_ref() {
            "width" => width = whole(field, value, LARGEST)?.unwrap_or(0),
            "height" => height = whole(field, value, LARGEST)?.unwrap_or(0),
            _ => {}
        }
    }
    Ok((width > 0 && height > 0).then_some((width, height)))
}

/// A decimal number as text with at most three places, rounded half away from zero where it has more.
pub fn amount(value: &Loose<'_>) -> Option<String> {
    /// Beyond this a double cannot hold three places.
    const LARGEST: f64 = 1e12;
    let number = match value {
        Loose::Number(number) => number.as_f64()?,
        Loose::Text(text) if text.trim().bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')) => {
            text.trim().parse().ok()?
        }
        _ => return None,
    };
    if !number.is_finite() || number.abs() > LARGEST {
        return None;
    }
    let thousandths = (number * 1_000.0).round();
    let text = format!("{:.3}", thousandths / 1_000.0);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    Some(if short == "-0" { "0".to_owned() } else { short.to_owned() })
}

/// Language and region of a BCP 47 tag (`zh-Hant-TW` → `zh-TW`), empty if it is none.
pub fn language(tag: &str) -> String {
    let mut parts = tag.split(['-', '_']);
    let language = parts.next().filter(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let Some(language) = language else { return String::new() };
    let is_region = |part: &&str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic()))
            || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut short = language.to_ascii_lowercase();
    // A region follows the language or its script; what comes after a singleton (`x`, `u`) is something else.
    if let Some(region) = parts.take_while(|part| part.len() > 1).find(is_region) {
        short.push('-');
        short.push_str(&region.to_ascii_uppercase());
    }
    short
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("de", "de")]
    #[case("en-us", "en-US")]
    #[case("zh-Hant-TW", "zh-TW")]
    #[case("es-419", "es-419")]
    #[case("pt_BR", "pt-BR")]
    #[case("en-u-ca-gregory", "en")]
    #[case("x", "")]
    #[case("<script>", "")]
    #[case("", "")]
    fn languages(#[case] given: &str, #[case] kept: &str) {
        assert_eq!(language(given), kept);
    }

    #[rstest]
    #[case("19.99", Some("19.99"))]
    #[case("0.30000000000000004", Some("0.3"))]
    #[case("1.0005", Some("1.001"))]
    #[case("-5", Some("-5"))]
    #[case("-0.0001", Some("0"))]
    #[case("1000000", Some("1000000"))]
    #[case("1e13", None)]
    #[case("\"12.50\"", Some("12.5"))]
    #[case("\"1e3\"", None)]
    #[case("\"NaN\"", None)]
    #[case("\"\"", None)]
    #[case("true", None)]
    fn amounts(#[case] json: &str, #[case] kept: Option<&str>) {
        let value: Loose<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(amount(&value).as_deref(), kept);
    }

    #[test]
    fn numbers_are_bounded() {
        let read = |json: &str| whole("scrollDepth", &serde_json::from_str::<Loose<'_>>(json).unwrap(), 100);
        assert_eq!(read("null"), Ok(None));
        assert_eq!(read("99.6"), Ok(Some(100)));
        for wrong in ["-1", "101", "1e300", "\"5\"", "[]", "18446744073709551615"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
