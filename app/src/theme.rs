//! Light, dark, or as the system says. The choice is a cookie, so that the server renders it right the first time.

use leptos::prelude::use_context;

use crate::share::Handle;

/// The reader's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The value of the cookie and of `<html data-theme>`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn from_code(code: &str) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.code() == code).unwrap_or_default()
    }

    /// From a `Cookie` header.
    #[must_use]
    pub fn from_cookies(cookies: &str) -> Self {
        cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("theme=")).map_or(Self::System, Self::from_code)
    }
}

/// The choice that came with the request: that of a shared link's address, else the reader's.
#[must_use]
pub fn of_request() -> Theme {
    use_context::<http::request::Parts>()
        .and_then(|parts| {
            if let Some(theme) = Handle::of_path(parts.uri.path()).and_then(|handle| handle.theme) {
                return Some(theme);
            }
            let cookies = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
            Some(Theme::from_cookies(cookies))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(Theme::from_cookies("a=b; theme=dark; c=d"), Theme::Dark);
        assert_eq!(Theme::from_cookies("theme=loud"), Theme::System);
        assert_eq!(Theme::from_cookies(""), Theme::System);
    }
}
