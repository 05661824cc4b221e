//! Text that others wrote: shortened to whole characters, without characters that would confuse a terminal, a file or a page.

use std::borrow::Cow;

/// Control characters (NUL, line ends, escape …) become U+FFFD. Everything else is kept; pages and files escape it where they show it.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    // Control characters are single bytes below 0x20, 0x7f, or C1 (0xc2 0x80..=0x9f).
    if text.bytes().all(|byte| byte >= 0x20 && byte != 0x7f && byte != 0xc2) || !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect())
}

/// The longest beginning of `text` that has at most `max` bytes and ends between characters.
#[must_use]
pub fn head(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Trimmed, neutral and at most `max` bytes: how free text is kept.
#[must_use]
pub fn tidy(text: &str, max: usize) -> String {
    let neutral = neutral(text.trim());
    head(&neutral, max).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_are_replaced_and_the_rest_is_kept() {
        assert_eq!(neutral("plain é 日本"), "plain é 日本");
        assert_eq!(neutral("a\0b\n\u{7f}\u{85}"), "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(neutral("\u{a9}"), "\u{a9}");
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(head("aé", 2), "a");
        assert_eq!(head("aé", 3), "aé");
        assert_eq!(head("日本", 0), "");
    }

    proptest! {
        #[test]
        fn tidied_text_is_short_and_free_of_controls(text in any::<String>(), max in 0_usize..64) {
            let tidied = tidy(&text, max);
            prop_assert!(!tidied.contains(char::is_control));
            prop_assert!(tidied.len() <= max);
        }
    }
}
