//! Whether a user agent is a person's or a program's, and of which kind.
//!
//! The lists come from `tools/data.mjs` as `[{"class": "ai", "patterns": ["GPTBot", …]}, …]`; the first list with a match names the
//! class. Some 1,700 patterns are tried as two expressions per list: the plain words (which compile to one automaton) and the rest.

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::data::LoadError;

/// The classes, stored in the column `bot`.
pub const CLASSES: &[&str] = &["ai", "headless", "monitor", "preview", "feed", "library", "scanner", "crawler"];

const FILE: &str = "bots.json";

#[derive(Deserialize)]
struct List {
    class: String,
    patterns: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Bots {
    lists: Vec<(&'static str, Regex)>,
}

impl Bots {
    pub(crate) fn load(json: &[u8]) -> Result<Self, LoadError> {
        let parsed: Vec<List> = serde_json::from_slice(json).map_err(|error| LoadError::new(FILE, error))?;
        let mut lists = Vec::new();
        for list in parsed {
            let class = CLASSES
                .iter()
                .find(|known| **known == list.class)
                .ok_or_else(|| LoadError::new(FILE, format!("class `{}` is not known", list.class)))?;
            let (words, rest): (Vec<_>, Vec<_>) =
                list.patterns.iter().map(|pattern| plain_word(pattern).ok_or(pattern)).partition(Result::is_ok);
            let words: Vec<_> = words.into_iter().flatten().map(|word| regex::escape(&word)).collect();
            let rest: Vec<_> = rest.into_iter().filter_map(Result::err).map(|pattern| format!("(?:{pattern})")).collect();
            for alternatives in [words, rest] {
                if !alternatives.is_empty() {
                    lists.push((*class, compile(&alternatives.join("|"))?));
                }
            }
        }
        Ok(Self { lists })
    }

    /// The class, or empty for a person.
    pub(crate) fn class(&self, user_agent: &[u8]) -> &'static str {
        self.lists.iter().find(|(_, regex)| regex.is_match(user_agent)).map_or("", |(class, _)| class)
    }
}

fn compile(pattern: &str) -> Result<Regex, LoadError> {
    RegexBuilder::new(pattern)
        // User agents are bytes; ASCII classes are also much smaller.
        .unicode(false)
        .size_limit(64 << 20)
        // Answers are cached, so a small lazy automaton is enough.
        .dfa_size_limit(512 << 10)
        .build()
        .map_err(|error| LoadError::new(FILE, error))
}

/// The text that a pattern stands for, if it has no operators.
fn plain_word(pattern: &str) -> Option<String> {
    let mut word = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => word.push(escaped),
                _ => return None,
            },
            '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => return None,
            plain => word.push(plain),
        }
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_told_from_patterns() {
        assert_eq!(plain_word("Googlebot\\/").as_deref(), Some("Googlebot/"));
        assert_eq!(plain_word("a b-c\\.d").as_deref(), Some("a b-c.d"));
        for pattern in ["^bot", "a.b", "a\\b", "a|b", "(?i:x)", "x\\"] {
            assert_eq!(plain_word(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn the_first_list_wins_and_unknown_classes_are_refused() {
        let bots =
            Bots::load(br#"[{"class":"ai","patterns":["GPTBot"]},{"class":"crawler","patterns":["(?i:bots?\\b)","x\\/"]}]"#).unwrap();
        for (agent, class) in [("GPTBot/1.0", "ai"), ("SomeBot/1", "crawler"), ("x/1", "crawler"), ("Mozilla/5.0", ""), ("", "")] {
            assert_eq!(bots.class(agent.as_bytes()), class, "{agent}");
        }
        assert!(Bots::load(br#"[{"class":"other","patterns":[]}]"#).is_err());
        assert!(Bots::load(b"{").is_err());
    }
}
