//! What a page shows that is seen by a shared link, in the place of what concerns its owner alone; and the form that asks for a password.

use super::{hidden, languages_menu, theme_button};
use crate::{
    i18n::{Key, fill, t},
    markup::Html,
    share::{Handle, Shared},
    theme::Theme,
    types::Site,
};

/// The name of the domain, which leads nowhere else. Stands where the menu of domains does.
pub(super) fn name(shared: &Shared) -> Html {
    let mut html = Html::new();
    html.raw(r#"<span class="shared-name""#).attr_if(shared.is_limited(), "data-limited", "").raw(">").text(&shared.domain).raw("</span>");
    html
}

/// The end of the bar. In a frame it says who shows the figures, and nothing that needs a cookie.
pub(super) fn bar_end(theme: Theme, shared: &Shared) -> Html {
    if Handle::parse(&shared.address).is_some_and(|handle| handle.embed) {
        let mut html = Html::new();
        html.raw(r#"<a class="credit" href="/" target="_blank" rel="noopener external">"#).text(t(Key::AppName)).raw("</a>");
        return html;
    }
    let mut html = theme_button(theme);
    html.html(&languages_menu());
    html
}

/// Lines that must be known before the figures.
pub(super) fn notices(html: &mut Html, shared: &Shared, site: &Site) {
    if shared.is_limited() {
        html.raw(r#"<p class="notice">"#).text(t(Key::SharedLimited)).raw("</p>");
    }
    if site.has_demo {
        html.raw(r#"<p class="notice">"#).text(t(Key::DemoShown)).raw("</p>");
    }
}

/// Stands in place of the figures while the domain has no event.
pub(super) fn no_visits_yet() -> Html {
    let mut html = Html::new();
    html.raw(r#"<section class="empty" aria-labelledby="empty-title"><h2 id="empty-title" class="title">"#)
        .text(t(Key::EmptyTitle))
        .raw(r#"</h2><p class="lead">"#)
        .text(t(Key::SharedEmpty))
        .raw("</p></section>");
    html
}

/// What the form of a password is about.
#[derive(Clone, Copy, Debug)]
pub struct Password<'a> {
    /// The link.
    pub slug: &'a str,
    /// The rest of its address.
    pub query: &'a str,
    /// The token of the browser.
    pub csrf: &'a str,
    /// The code of what was wrong with the last attempt.
    pub error: Option<&'a str>,
}

/// Asks for the password of a link.
#[must_use]
pub fn password(asked: &Password<'_>) -> Html {
    let wrong = asked.error.map(|code| match code {
        "password" => Key::SharedWrongPassword,
        "too_many_attempts" => Key::ErrorTooMany,
        "stale_form" => Key::ErrorStale,
        _ => Key::ErrorUnavailable,
    });
    let mut html = Html::new();
    html.raw(r#"<h1 class="title">"#).text(t(Key::SharedLocked)).raw(r#"</h1><p class="lead">"#).text(t(Key::SharedLockedText)).raw("</p>");
    html.raw(r#"<form class="form" method="post""#).attr("action", format_args!("/share/{}", asked.slug)).raw(">");
    hidden(&mut html, "csrfToken", asked.csrf.to_owned());
    hidden(&mut html, "query", asked.query.to_owned());
    html.raw(r#"<label class="field"><span class="label">"#).text(t(Key::Password)).raw("</span>");
    html.raw(r#"<input class="input" type="password" name="password" autocomplete="current-password" required autofocus"#);
    html.attr("aria-describedby", "wrong-password").attr_if(wrong.is_some(), "aria-invalid", "true").raw(r#"></label>"#);
    html.raw(r#"<span id="wrong-password" class="field-error" role="alert">"#).text(wrong.map(t).unwrap_or_default());
    html.raw(r#"</span><div><button class="button button-main">"#).text(t(Key::SharedOpen)).raw("</button></div></form>");
    html
}

/// The code of a frame that shows a link's dashboard.
#[must_use]
pub fn frame(address: &str, name: &str) -> String {
    let mut html = Html::new();
    html.raw("<iframe").attr("src", format_args!("{address}?embed=true&theme=system")).attr("title", name);
    html.raw(r#" loading="lazy" style="width: 1px; min-width: 100%; height: 1600px; border: 0"></iframe>"#);
    html.into_string()
}

/// The code of a badge that leads to a link's dashboard.
#[must_use]
pub fn badge(address: &str, domain: &str) -> String {
    let mut html = Html::new();
    html.raw("<a").attr("href", address).raw("><img").attr("src", format_args!("{address}/badge.svg"));
    html.attr("alt", fill(Key::BadgeAlt, &[("domain", domain)])).raw(r#" height="20"></a>"#);
    html.into_string()
}
