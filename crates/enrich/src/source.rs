//! What a source is called and which kind of site it is, from `data/sources/*.toml`.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use crate::{referrer::Referrer, text, url::Campaign};

/// A source longer than this is cut.
const MAX_SOURCE: usize = 300;

/// The kind of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Search engines.
    Search,
    /// Social networks, forums, messengers.
    Social,
    /// Video sites.
    Video,
    /// Shops and price comparison.
    Shopping,
    /// Assistants.
    Ai,
    /// Web mail and newsletter services.
    Email,
    /// Known by name, of no kind of its own.
    Other,
}

impl Category {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Search, Self::Social, Self::Video, Self::Shopping, Self::Ai, Self::Email, Self::Other];
}

#[derive(Deserialize)]
struct File {
    category: Category,
    source: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    hosts: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    ads: Vec<String>,
}

/// The data files, read once: they are part of the program and never change while it runs.
static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    Sources::read(&[
        include_str!("../../../data/sources/search.toml"),
        include_str!("../../../data/sources/social.toml"),
        include_str!("../../../data/sources/video.toml"),
        include_str!("../../../data/sources/shopping.toml"),
        include_str!("../../../data/sources/ai.toml"),
        include_str!("../../../data/sources/email.toml"),
        include_str!("../../../data/sources/other.toml"),
    ])
    // The files are compiled in and `every_file_reads` checks them: an unreadable one cannot reach a user.
    .unwrap_or_default()
});

#[derive(Debug, Default)]
struct Sources {
    /// Name by host.
    by_host: HashMap<String, String>,
    /// Name by the first label of hosts such as `google.*`.
    by_label: HashMap<String, String>,
    /// Kind by lower-case name, alias, ad alias or host.
    categories: HashMap<String, Category>,
    /// The keys of `categories` by kind, sorted.
    lists: HashMap<Category, Vec<String>>,
    /// Aliases that say "paid", sorted.
    ads: Vec<String>,
}

impl Sources {
    fn read(files: &[&str]) -> Result<Self, String> {
        let mut sources = Self::default();
        for text in files {
            let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
            for entry in file.source {
                sources.add(file.category, &entry)?;
            }
        }
        for list in sources.lists.values_mut() {
            list.sort_unstable();
        }
        sources.ads.sort_unstable();
        Ok(sources)
    }

    fn add(&mut self, category: Category, entry: &Entry) -> Result<(), String> {
        let name = entry.name.to_lowercase();
        for host in &entry.hosts {
            let clash = match host.strip_suffix(".*") {
                Some(label) => self.by_label.insert(label.to_owned(), entry.name.clone()),
                None => self.by_host.insert(host.clone(), entry.name.clone()),
            };
            if clash.is_some() {
                return Err(format!("host {host} is listed twice"));
            }
        }
        let plain_hosts = entry.hosts.iter().filter(|host| !host.ends_with(".*"));
        for key in [&name].into_iter().chain(&entry.aliases).chain(&entry.ads).chain(plain_hosts) {
            if *key != key.to_lowercase() {
                return Err(format!("{key} is not lower case"));
            }
            match self.categories.insert(key.clone(), category) {
                None => self.lists.entry(category).or_default().push(key.clone()),
                // A host may also be the name (crates.io).
                Some(_) if *key == name => {}
                Some(_) => return Err(format!("{key} is listed twice")),
            }
        }
        self.ads.extend(entry.ads.iter().cloned());
        Ok(())
    }

    /// The host itself, then without its first label, and so on; `google.*` only for the host itself.
    fn name_of_host(&self, host: &str) -> Option<&str> {
        let mut rest = host;
        loop {
            if let Some(name) = self.by_host.get(rest) {
                return Some(name);
            }
            match rest.split_once('.') {
                Some((_, parent)) if parent.contains('.') => rest = parent,
                _ => break,
            }
        }
        let (label, suffix) = host.strip_prefix("m.").unwrap_or(host).split_once('.')?;
        self.by_label.get(label).filter(|_| is_country_suffix(suffix)).map(String::as_str)
    }
}

/// `com`, `de`, `co.uk`, `com.br`: what follows a brand in its countries' host names.
fn is_country_suffix(suffix: &str) -> bool {
    match suffix.split_once('.') {
        None => (2..=4).contains(&suffix.len()),
        Some((second, top)) => top.len() == 2 && matches!(second, "co" | "com" | "org" | "net" | "ne" | "or"),
    }
}

/// The known name of a host (lower case, without `www.`).
#[must_use]
pub fn name_of_host(host: &str) -> Option<&'static str> {
    SOURCES.name_of_host(host)
}

/// The source of an event: what the link says, else the referrer's known name, else its host, else empty for direct.
#[must_use]
pub fn source(campaign: &Campaign, referrer: Option<&Referrer>) -> String {
    if let Some(tagged) = campaign.tagged_source() {
        return text::head(tagged, MAX_SOURCE).to_owned();
    }
    referrer.map_or_else(String::new, |referrer| name_of_host(&referrer.host).unwrap_or(&referrer.host).to_owned())
}

/// The kind of a source, given in lower case.
#[must_use]
pub fn category(source: &str) -> Option<Category> {
    SOURCES.categories.get(source).copied()
}

/// Every source of a kind, lower case and sorted: what [`category`] knows, for use in SQL.
#[must_use]
pub fn sources_in(category: Category) -> &'static [String] {
    SOURCES.lists.get(&category).map_or(&[], Vec::as_slice)
}

/// Sources that by themselves say that the visit was paid for, lower case and sorted.
#[must_use]
pub fn ad_sources() -> &'static [String] {
    &SOURCES.ads
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::{referrer, url};

    #[test]
    fn every_file_reads() {
        for category in Category::ALL {
            assert!(!sources_in(*category).is_empty(), "{category:?} is empty");
        }
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sources")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".toml") && name != "agents.toml" {
                let text = std::fs::read_to_string(&path).unwrap();
                let first = toml::from_str::<File>(&text).unwrap().source[0].name.clone();
                assert!(category(&first.to_lowercase()).is_some(), "{name} is not compiled in");
            }
        }
    }

    #[rstest]
    #[case("google.com", Some("Google"))]
    #[case("google.de", Some("Google"))]
    #[case("google.co.uk", Some("Google"))]
    #[case("google.com.br", Some("Google"))]
    #[case("google.evil.example", None)]
    #[case("notgoogle.com", None)]
    #[case("docs.google.com", Some("Google Docs"))]
    #[case("mail.google.com", Some("Gmail"))]
    #[case("news.ycombinator.com", Some("Hacker News"))]
    #[case("ycombinator.com", None)]
    #[case("l.facebook.com", Some("Facebook"))]
    #[case("m.facebook.com", Some("Facebook"))]
    #[case("t.co", Some("X"))]
    #[case("old.reddit.com", Some("Reddit"))]
    #[case("de.search.yahoo.com", Some("Yahoo!"))]
    #[case("mail.yahoo.com", Some("Yahoo! Mail"))]
    #[case("amazon.co.jp", Some("Amazon"))]
    #[case("chat.openai.com", Some("ChatGPT"))]
    #[case("com", None)]
    #[case("", None)]
    fn hosts(#[case] host: &str, #[case] name: Option<&str>) {
        assert_eq!(name_of_host(host), name);
    }

    #[rstest]
    #[case("/?utm_source=Spring&source=b&ref=c", "https://google.com/", "Spring")]
    #[case("/?source=b&ref=c", "https://google.com/", "b")]
    #[case("/?ref=producthunt", "https://google.com/", "producthunt")]
    #[case("/", "https://www.google.fr/search?q=x", "Google")]
    #[case("/", "https://blog.someone.example/post", "blog.someone.example")]
    #[case("/", "https://example.org/previous", "")]
    #[case("/", "", "")]
    fn precedence(#[case] path: &str, #[case] referrer: &str, #[case] expected: &str) {
        let page = url::from_path(path, url::UrlOptions::default()).unwrap();
        assert_eq!(source(&page.campaign, referrer::parse(referrer, "example.org").as_ref()), expected);
    }

    #[test]
    fn names_have_their_kind_and_ads_are_known() {
        assert_eq!(category("google"), Some(Category::Search));
        assert_eq!(category("fb"), Some(Category::Social));
        assert_eq!(category("youtube"), Some(Category::Video));
        assert_eq!(category("chatgpt"), Some(Category::Ai));
        assert_eq!(category("adwords"), Some(Category::Search));
        assert_eq!(category("someone.example"), None);
        assert!(ad_sources().contains(&"adwords".to_owned()));
        assert!(ad_sources().iter().all(|ad| category(ad).is_some()));
    }

    proptest! {
        #[test]
        fn nothing_panics(host in any::<String>()) {
            let _ = (name_of_host(&host), category(&host));
        }
    }
}
