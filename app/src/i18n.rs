//! The one seam that every text of the pages goes through.
//!
//! A text is a [`Key`]. Each language is one exhaustive `match`, so a missing text does not compile. `{name}` in a text is a
//! hole that [`fill`] fills. Attacker-controlled values are only ever filled in as text, never as markup.
//!
//! Only the server has languages: it puts the texts that the browser writes itself into the page, and `page.rs` reads them there.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;

/// Makes the texts of a language from a list, in the order of English.
#[cfg(feature = "ssr")]
macro_rules! language {
    ($($key:ident => $text:literal,)*) => {
        /// The text in this language.
        pub const fn text(key: super::Key) -> &'static str {
            match key {
                $(super::Key::$key => $text,)*
            }
        }
    };
}

#[cfg(feature = "ssr")]
mod arabic;
mod english;
#[cfg(feature = "ssr")]
mod french;
#[cfg(feature = "ssr")]
mod german;
#[cfg(feature = "ssr")]
mod japanese;
mod lang;
#[cfg(not(feature = "ssr"))]
mod page;
#[cfg(feature = "ssr")]
mod spanish;

pub use english::Key;
pub use lang::Lang;

/// The language of the page: the reader's, which whoever answers a request has provided.
#[cfg(feature = "ssr")]
#[must_use]
pub fn lang() -> Lang {
    use_context::<Lang>().unwrap_or_default()
}

/// The language of the page.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn lang() -> Lang {
    page::lang()
}

/// The text in the language of the page.
#[cfg(feature = "ssr")]
#[must_use]
pub fn t(key: Key) -> &'static str {
    text(lang(), key)
}

/// The text in the language of the page.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn t(key: Key) -> &'static str {
    page::text(key)
}

#[cfg(feature = "ssr")]
const fn text(lang: Lang, key: Key) -> &'static str {
    match lang {
        Lang::En => english::text(key),
        Lang::De => german::text(key),
        Lang::Fr => french::text(key),
        Lang::Es => spanish::text(key),
        Lang::Ja => japanese::text(key),
        Lang::Ar => arabic::text(key),
    }
}

/// What the browser writes itself, as JSON that may stand in a script element.
#[cfg(feature = "ssr")]
#[must_use]
pub fn texts_of_browser() -> String {
    let texts: Vec<_> = english::OF_BROWSER.iter().map(|key| t(*key)).collect();
    in_script(&texts)
}

/// A value as JSON that may stand in a script element.
#[cfg(feature = "ssr")]
#[must_use]
pub fn in_script(value: &impl serde::Serialize) -> String {
    // What the pages are made of is always written; the sign could end the element.
    serde_json::to_string(value).unwrap_or_default().replace('<', "\\u003c")
}

/// The text with its holes filled.
#[must_use]
pub fn fill(key: Key, values: &[(&str, &str)]) -> String {
    let mut rest = t(key);
    let mut filled = String::with_capacity(rest.len() + 16);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            rest = after;
            break;
        };
        match values.iter().find(|(known, _)| *known == name) {
            // A sign at an edge would else go over to the wrong side.
            Some((_, value)) if lang() == Lang::Ar && has_sign_at_edge(value) => {
                filled.push('\u{2068}');
                filled.push_str(value);
                filled.push('\u{2069}');
            }
            Some((_, value)) => filled.push_str(value),
            None => filled.push_str(name),
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

fn has_sign_at_edge(value: &str) -> bool {
    [value.as_bytes().first(), value.as_bytes().last()].into_iter().flatten().any(u8::is_ascii_punctuation)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What languages write as English does.
    const SAME: [&str; 32] = [
        "30 minutes",
        "Annotations",
        "Bots",
        "Browser",
        "Danger",
        "Details",
        "Domain",
        "Domains",
        "E-mail",
        "Exact",
        "Filter",
        "Footfall",
        "General",
        "Host",
        "Hosts",
        "In {unit}.",
        "Minutes",
        "Name",
        "Page",
        "Page {page}",
        "Pages",
        "Region",
        "Routes",
        "Segment",
        "Segments",
        "Source",
        "Sources",
        "Start",
        "System",
        "Top",
        "make run",
        "{bytes} in {elapsed} ms",
    ];

    fn holes(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn fills_holes_once_and_leaves_values_alone() {
        assert_eq!(fill(Key::NowOnline, &[("n", "{n}")]), "{n} now");
    }

    #[test]
    fn signs_stay_where_they_are_between_letters_that_go_the_other_way() {
        let filled = |path| {
            leptos::prelude::Owner::new().with(|| {
                leptos::prelude::provide_context(Lang::Ar);
                fill(Key::OpenPage, &[("path", path)])
            })
        };
        assert_eq!(filled("/about"), "فتح \u{2068}/about\u{2069}");
        assert_eq!(filled("about"), "فتح about");
    }

    #[test]
    fn every_language_has_the_holes_and_the_code_of_english() {
        for lang in Lang::ALL {
            for key in english::ALL {
                let (ours, theirs) = (text(lang, *key), text(Lang::En, *key));
                assert_eq!(holes(ours), holes(theirs), "{lang:?} {key:?}");
                assert!(!ours.trim().is_empty() && ours.trim() == ours, "{lang:?} {key:?}");
                for code in
                    ["</head>", "utm_campaign", "FOOTFALL_", "footfall(", "footfall token", "footfall user", "data-domain", "*.example.org"]
                {
                    assert_eq!(ours.matches(code).count(), theirs.matches(code).count(), "{lang:?} {key:?} {code}");
                }
            }
        }
    }

    /// Beside its holes.
    fn has_words(text: &str) -> bool {
        let mut inside = false;
        text.chars().any(|letter| {
            inside = letter == '{' || inside && letter != '}';
            !inside && letter.is_alphabetic()
        })
    }

    #[test]
    fn no_text_is_left_in_english() {
        for lang in Lang::ALL.into_iter().filter(|lang| *lang != Lang::En) {
            let is_same = |key: Key| text(lang, key) == text(Lang::En, key) && has_words(text(Lang::En, key));
            for key in english::ALL.iter().filter(|key| is_same(**key)) {
                let only_names = matches!(lang, Lang::Ja | Lang::Ar) && !matches!(key, Key::AppName | Key::LandingCommand);
                assert!(!only_names && SAME.contains(&text(lang, *key)), "{lang:?} {key:?}");
            }
        }
    }

    #[test]
    fn the_browser_finds_its_texts_by_their_place() {
        for (at, key) in english::OF_BROWSER.iter().enumerate() {
            assert_eq!(*key as usize, at);
        }
        let texts: Vec<String> = serde_json::from_str(&texts_of_browser()).unwrap();
        assert_eq!(texts.first().map(String::as_str), Some(t(Key::SkipToContent)));
        assert!(!texts_of_browser().contains('<'));
    }
}
