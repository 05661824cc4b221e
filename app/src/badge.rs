//! The counter that a page shows as a picture: how many visitors, in words and drawn as SVG.

use footfall_model::Period;
use leptos::prelude::{Owner, provide_context};

use crate::{
    format::figure,
    i18n::{Key, Lang, t},
    markup::Html,
    parts,
};

/// Letters of a label that is given; a longer one is cut.
pub const MOST_LETTERS: usize = 60;
/// Between the words and the edges, in pixels.
const PADDING: f64 = 7.0;
/// Of the type, in pixels.
const SIZE: f64 = 12.0;

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What is counted.
    pub label: String,
    /// How many.
    pub value: String,
}

impl Badge {
    /// In the words of a language: `visitors` of a period, or of now where it is none.
    #[must_use]
    pub fn new(lang: Lang, label: Option<&str>, period: Option<&Period>, visitors: u64) -> Self {
        Owner::new().with(|| {
            provide_context(lang);
            let when = period.map_or_else(|| t(Key::BadgeNow).to_owned(), parts::period_name);
            let own = label.map(|label| label.trim().chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect::<String>());
            let label = own.filter(|label| !label.is_empty()).unwrap_or_else(|| format!("{} · {when}", t(Key::Visitors)));
            Self { label, value: figure(visitors) }
        })
    }

    /// The picture, 20 pixels high. Each text has the width that is written beside it, whatever type the reader has.
    #[must_use]
    pub fn svg(&self, dark: bool, lang: Lang) -> String {
        let (ground, edge, quiet, text) =
            if dark { ("#191b22", "#3a3f4d", "#a9afbe", "#f2f3f7") } else { ("#ffffff", "#d5d9e2", "#575d6e", "#1d2029") };
        let (label, value) = (width(&self.label), width(&self.value));
        let whole = label + value + 3.0 * PADDING;
        // Who reads from the right reads the words there first.
        let (at_label, at_value) = if lang.dir() == "rtl" { (whole - PADDING - label, PADDING) } else { (PADDING, 2.0 * PADDING + label) };
        let mut svg = Html::new();
        svg.raw(r#"<svg xmlns="http://www.w3.org/2000/svg" height="20" role="img""#).attr("width", format_args!("{whole:.0}"));
        svg.attr("viewBox", format_args!("0 0 {whole:.0} 20")).attr("aria-label", format_args!("{}: {}", self.label, self.value));
        svg.raw("><title>").text(format_args!("{}: {}", self.label, self.value)).raw("</title>");
        svg.raw(r#"<rect x="0.5" y="0.5" height="19" rx="4.5""#).attr("width", format_args!("{:.0}", whole.round() - 1.0));
        svg.attr("fill", ground).attr("stroke", edge).raw("/>");
        svg.raw(r#"<g font-family="Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif" font-size="12">"#);
        for (at, width, weight, fill, said) in [(at_label, label, "400", quiet, &self.label), (at_value, value, "700", text, &self.value)] {
            svg.raw(r#"<text y="14" lengthAdjust="spacingAndGlyphs""#).attr("x", format_args!("{at:.1}"));
            svg.attr("textLength", format_args!("{width:.1}")).attr("font-weight", weight).attr("fill", fill);
            svg.raw(">").text(said).raw("</text>");
        }
        svg.raw("</g></svg>");
        svg.into_string()
    }
}

/// The width of a text in Helvetica, in pixels: letters by their own widths, others by what their script is wide.
fn width(text: &str) -> f64 {
    let units: u32 = text.chars().map(units).sum();
    f64::from(units) * SIZE / 1_000.0
}

/// Thousandths of the size of the type.
const fn units(letter: char) -> u32 {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' => 0,
        'i' | 'j' | 'l' => 222,
        ' ' | '!' | ',' | '.' | '/' | ':' | ';' | 'I' | '[' | ']' | '\\' | 'f' | 't' | '·' | '\u{a0}' | '\u{202f}' => 278,
        '(' | ')' | '-' | 'r' => 333,
        '*' => 389,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'J' => 500,
        '+' | '<' | '=' | '>' | '~' => 584,
        'F' | 'T' | 'Z' => 611,
        '&' | 'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' => 667,
        'C' | 'D' | 'H' | 'N' | 'R' | 'U' | 'w' => 722,
        'G' | 'O' | 'Q' => 778,
        'M' | 'm' => 833,
        '%' => 889,
        'W' => 944,
        '@' => 1_015,
        // Kana, ideographs, full width, emoji.
        '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..='\u{3ffff}' => 1_000,
        _ => 556,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_cannot_become_markup() {
        let badge = Badge::new(Lang::En, Some("<script>\"&'\u{0}\n]]>"), None, 7);
        let svg = badge.svg(false, Lang::En);
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&quot;&amp;&#39;]]&gt;"), "{svg}");
        assert!(svg.bytes().all(|byte| byte >= b' '), "{svg}");
    }

    #[test]
    fn it_is_as_wide_as_its_words() {
        let of = |label: &str, visitors| {
            let svg = Badge::new(Lang::En, Some(label), None, visitors).svg(true, Lang::En);
            let (_, rest) = svg.split_once(" width=\"").unwrap();
            rest.split_once('"').unwrap().0.parse::<f64>().unwrap()
        };
        assert!((width("Visitors now") - 64.68).abs() < 0.1, "{}", width("Visitors now"));
        assert!(of("ii", 1) < of("WW", 1) && of("a", 1) < of("a", 1_000) && of("aa", 1) < of("訪問", 1));
        assert!(of(&"W".repeat(5_000), 1) < 720.0, "it is cut");
    }

    #[test]
    fn it_speaks_the_language_that_is_asked_for() {
        let of = |lang, period: Option<&Period>| Badge::new(lang, None, period, 12_345);
        assert_eq!(of(Lang::En, None), Badge { label: "Visitors · now".to_owned(), value: "12,345".to_owned() });
        assert_eq!(
            of(Lang::De, Some(&Period::Last30Days)),
            Badge { label: "Besucher · Letzte 30 Tage".to_owned(), value: "12.345".to_owned() }
        );
        assert_eq!(Badge::new(Lang::En, Some("  "), None, 0).label, "Visitors · now");
    }
}
