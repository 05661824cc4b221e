//! Light, dark, or as the system says. The choice is a cookie, so that the server renders it right the first time.

use leptos::prelude::*;

use crate::dom;

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

    fn from_code(code: &str) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.code() == code).unwrap_or_default()
    }

    const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// From a `Cookie` header.
    #[must_use]
    pub fn from_cookies(cookies: &str) -> Self {
        cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("theme=")).map_or(Self::System, Self::from_code)
    }
}

/// The theme of the page, as signals.
#[derive(Clone, Copy)]
pub struct ThemeState {
    /// The choice.
    pub choice: RwSignal<Theme>,
    /// The system prefers dark; only a browser knows.
    system_dark: RwSignal<bool>,
}

impl ThemeState {
    /// Reads the choice, follows the system, and puts both into the context.
    pub fn provide() -> Self {
        let state = Self { choice: RwSignal::new(current()), system_dark: RwSignal::new(false) };
        provide_context(state);
        Effect::new(move |_| follow_system(state.system_dark));
        state
    }

    /// The page is dark now.
    #[must_use]
    pub fn is_dark(self) -> bool {
        match self.choice.get() {
            Theme::System => self.system_dark.get(),
            theme => theme == Theme::Dark,
        }
    }

    /// Chooses the next of the three and remembers it for a year.
    pub fn turn(self) {
        let theme = self.choice.get_untracked().next();
        if let Some(document) = dom::html_document() {
            let _ = document.set_cookie(&format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax", theme.code()));
            if let Some(root) = document.document_element() {
                let _ = root.set_attribute("data-theme", theme.code());
            }
        }
        self.choice.set(theme);
    }
}

fn current() -> Theme {
    #[cfg(feature = "ssr")]
    {
        of_request()
    }
    #[cfg(not(feature = "ssr"))]
    {
        dom::html_document()
            .and_then(|document| document.document_element())
            .and_then(|root| root.get_attribute("data-theme"))
            .map_or(Theme::System, |code| Theme::from_code(&code))
    }
}

/// The choice that came with the request.
#[cfg(feature = "ssr")]
#[must_use]
pub fn of_request() -> Theme {
    use_context::<http::request::Parts>()
        .and_then(|parts| {
            let cookies = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
            Some(Theme::from_cookies(cookies))
        })
        .unwrap_or_default()
}

fn follow_system(dark: RwSignal<bool>) {
    use wasm_bindgen::{JsCast, closure::Closure};
    let Some(query) = web_sys::window().and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok().flatten()) else {
        return;
    };
    dark.set(query.matches());
    let watched = query.clone();
    // Lives as long as the page.
    let on_change = Closure::<dyn Fn()>::new(move || dark.set(watched.matches())).into_js_value();
    let _ = query.add_event_listener_with_callback("change", on_change.unchecked_ref());
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
