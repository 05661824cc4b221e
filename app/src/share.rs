//! Dashboards that are seen by a shared link.
//!
//! Who opens `/share/SLUG` is led to `/~SLUG`. There the *handle* `~SLUG` stands where the name of a domain stands elsewhere: every link, form,
//! call and file of the page carries it along, without a cookie and without any part that knows of it; no domain can be named so. How the page
//! shows itself in a frame stands in the handle as well, `~SLUG.embed.dark`.
//!
//! What a handle opens is decided by the backend, at every call. This says how a page shows itself: as [`Shared`], which the server provides as a
//! context of the request.

use std::fmt;

use leptos::prelude::use_context;

use crate::{query::decoded_pairs, theme::Theme};

/// What stands in an address in the place of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handle {
    /// What nobody can guess.
    pub slug: String,
    /// It stands in a frame, on a page of somebody else.
    pub embed: bool,
    /// The theme that the address asks for; else it is the reader's.
    pub theme: Option<Theme>,
    /// What is behind the page: `transparent`, or a colour of three, six or eight hexadecimal digits.
    pub background: Option<String>,
}

/// The letters of a slug.
fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn background(text: &str) -> Option<String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let is_colour = matches!(digits.len(), 3 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_colour || text == "transparent").then(|| digits.to_ascii_lowercase())
}

impl Handle {
    /// Reads a handle; none if it is the name of a domain, or anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('~')?.split('.');
        let slug = parts.next().filter(|slug| is_slug(slug))?.to_owned();
        let mut handle = Self { slug, ..Self::default() };
        for part in parts {
            match part {
                "embed" => handle.embed = true,
                "light" | "dark" | "system" => handle.theme = Some(Theme::from_code(part)),
                other => handle.background = Some(other.strip_prefix("bg-").and_then(background)?),
            }
        }
        Some(handle)
    }

    /// The one in the path of a page.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::parse(path.trim_start_matches('/').split('/').next()?)
    }

    /// Of a link, in the way that the text after the question mark of `/share/SLUG` asks for: `embed=true`, `theme`, `background`. What is
    /// neither of them is the rest, which goes on.
    #[must_use]
    pub fn asked(slug: &str, query: &str) -> (Self, Vec<(String, String)>) {
        let mut handle = Self { slug: slug.to_owned(), ..Self::default() };
        let mut rest = Vec::new();
        for (name, value) in decoded_pairs(query) {
            match name {
                "embed" => handle.embed = value == "true",
                "theme" => handle.theme = matches!(value.as_str(), "light" | "dark" | "system").then(|| Theme::from_code(&value)),
                "background" => handle.background = background(&value),
                // Of the address that led here.
                "auth" | "error" => {}
                _ => rest.push((name.to_owned(), value)),
            }
        }
        (handle, rest)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~{}", self.slug)?;
        if self.embed {
            f.write_str(".embed")?;
        }
        if let Some(theme) = self.theme {
            write!(f, ".{}", theme.code())?;
        }
        self.background.as_ref().map_or(Ok(()), |background| write!(f, ".bg-{background}"))
    }
}

/// What a page of a domain shows that is only to be read, by somebody to whom the domain does not belong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// What stands in the address in the place of the domain: a handle, or the name of a public one.
    pub address: String,
    /// Host name.
    pub domain: String,
    /// Where the live stream is asked for: the plain handle. None where there is none, as all is limited to a segment.
    pub live: Option<String>,
}

impl Shared {
    /// All figures are limited to a segment.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.live.is_none()
    }
}

/// How the page of this request is shared; none where it is the viewer's own.
#[must_use]
pub fn of_request() -> Option<Shared> {
    use_context::<Shared>()
}

/// The host name of what stands in an address in the place of a domain.
#[must_use]
pub fn name(domain: &str) -> String {
    of_request().filter(|shared| shared.address == domain).map_or_else(|| domain.to_owned(), |shared| shared.domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back() {
        for text in ["~aB-_9", "~x.embed", "~x.embed.dark", "~x.light", "~x.embed.system.bg-transparent", "~x.bg-ff00aa"] {
            assert_eq!(Handle::parse(text).map(|handle| handle.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_none_opens_nothing() {
        for text in [
            "",
            "~",
            "example.org",
            "x",
            "~.embed",
            "~a b",
            "~a/b",
            "~a.loud",
            "~a.bg-red;x",
            "~a.bg-",
            "~é",
            &format!("~{}", "x".repeat(65)),
        ] {
            assert_eq!(Handle::parse(text), None, "{text}");
        }
        assert!("~abc".parse::<footfall_model::Domain>().is_err(), "no domain is named like a handle");
    }

    #[test]
    fn an_address_of_plausibles_shape_is_a_handle() {
        let (handle, rest) = Handle::asked("s", "auth=s&embed=true&theme=dark&background=%23FF00AA&period=7d&f=is,page,%2Fa");
        assert_eq!(handle.to_string(), "~s.embed.dark.bg-ff00aa");
        assert_eq!(rest, [("period".to_owned(), "7d".to_owned()), ("f".to_owned(), "is,page,/a".to_owned())]);
        let (handle, _) = Handle::asked("s", "embed=no&theme=loud&background=url(x)");
        assert_eq!(handle.to_string(), "~s");
    }

    #[test]
    fn a_path_begins_with_its_handle() {
        assert_eq!(Handle::of_path("/~s.embed/by/page").map(|handle| handle.embed), Some(true));
        assert_eq!(Handle::of_path("/example.org/by/~s"), None);
    }
}
