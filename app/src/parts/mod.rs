//! Parts of the domain page that the server writes as HTML (see [`crate::markup`]): the browser asks for them anew, it does not draw them.

use crate::{
    i18n::{Key, Lang, fill, lang, t},
    icons::{Icon, icon},
    markup::Html,
    query::{ViewQuery, written},
    settings::Section,
    share,
    text::sentence,
    theme::Theme,
    types::{AppError, Site, Viewer},
};

mod bar;
mod behaviour;
mod change;
mod chart;
mod detail;
mod drops;
mod explain;
mod filters;
mod label;
mod map;
mod palette;
mod panel;
mod realtime;
mod segments;
pub mod settings;
mod shared;
mod sites;
mod step;
mod strip;
mod together;
mod why;

pub use bar::{bar, period_menu, period_name};
pub use behaviour::{Behaviour, behaviour, behaviour_name, behaviour_page};
pub use chart::chart;
pub use detail::{DetailQuery, detail};
pub use drops::drops;
pub use explain::{Asked, explain};
pub use filters::{filter_menu, suggestions};
pub use map::MOST_COUNTRIES;
pub use panel::{ROWS, figures, long_name, panel};
pub use realtime::{Now, Stored, realtime, realtime_parts};
pub use shared::{Password, password};
pub use sites::sites;
pub use strip::strip;
pub use together::{TOGETHER, together, together_query};
pub use why::{reason_of, why};

/// A page of a domain: where it is, and what its address says beside the state of the dashboard, which all pages of a domain share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    path: String,
    own: Vec<(&'static str, String)>,
}

impl Page {
    /// With nothing of its own.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self::with(path, Vec::new())
    }

    /// With this.
    #[must_use]
    pub fn with(path: impl Into<String>, own: Vec<(&'static str, String)>) -> Self {
        Self { path: path.into(), own }
    }

    /// The dashboard of a domain.
    #[must_use]
    pub fn dashboard(domain: &str) -> Self {
        Self::new(format!("/{domain}"))
    }

    /// The domain that it is of.
    fn domain(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// Its address in a state.
    #[must_use]
    pub fn href(&self, query: &ViewQuery) -> String {
        let (href, own) = (query.href(&self.path), written(&self.own));
        match (own.is_empty(), href.contains('?')) {
            (true, _) => href,
            (false, true) => format!("{href}&{own}"),
            (false, false) => format!("{href}?{own}"),
        }
    }
}

/// The address of another state of a page, and what differs in it. Parts are written at different times: with script a click changes just that in
/// the address as it is by then (`tools/page`).
fn leads<'a>(html: &'a mut Html, page: &Page, from: &ViewQuery, to: &ViewQuery) -> &'a mut Html {
    // Another state has a first page of rows.
    let difference = Some(from.difference(to)).filter(|difference| !difference.is_empty());
    html.attr("href", page.href(to)).attr("data-set", difference.map_or_else(String::new, |difference| format!("{difference}&page=")))
}

/// What a GET form carries along of the address: all but what it decides.
fn carried(html: &mut Html, page: &Page, query: &ViewQuery, decided: &[&str]) {
    for (name, value) in query.pairs_without(decided).into_iter().chain(page.own.iter().cloned()) {
        hidden(html, name, value);
    }
}

fn hidden(html: &mut Html, name: &str, value: String) {
    html.raw(r#"<input type="hidden""#).attr("name", name).attr("value", value).raw(">");
}

/// Leads from a page of the domain back to its dashboard, in the state that the address carries along.
fn back(html: &mut Html, domain: &str, query: &ViewQuery) {
    html.raw(r#"<p class="back"><a"#)
        .attr("href", query.href(&format!("/{domain}")))
        .raw(">")
        .html(&icon(Icon::Back))
        .raw("<span>")
        .text(t(Key::BackToDashboard));
    html.raw("</span></a></p>");
}

/// The menu that leads to another domain, and to the domain's other pages.
#[must_use]
pub fn switcher(current: &str, domains: &[String]) -> Html {
    if let Some(shared) = share::of_request() {
        return shared::name(&shared);
    }
    let mut html = Html::new();
    html.raw(r#"<details class="menu menu-left"><summary class="menu-button""#)
        .attr("title", t(Key::SwitchDomain))
        .raw(r#"><span class="sr-only">"#)
        .text(t(Key::SwitchDomain))
        .raw(r#": </span><span class="menu-domain">"#)
        .text(current)
        .raw("</span>")
        .html(&icon(Icon::Chevron))
        .raw(r#"</summary><div class="menu-layer"><ul class="menu-list">"#);
    for domain in domains {
        html.raw(r#"<li><a class="menu-item" rel="external""#)
            .attr("href", format_args!("/{domain}"))
            .attr_if(domain == current, "aria-current", "page")
            .raw(">")
            .text(domain)
            .raw("</a></li>");
    }
    // With script the link carries the page's state along, as it is by then.
    html.raw(r#"<li class="menu-rule"><a class="menu-item" rel="external" data-set="""#)
        .attr("href", format_args!("/{current}/realtime"))
        .raw(">")
        .text(t(Key::RealtimeTitle))
        .raw(r#"</a></li><li><a class="menu-item" rel="external" data-set="""#)
        .attr("href", format_args!("/{current}/drops"))
        .raw(">")
        .text(t(Key::DropsTitle))
        .raw(r#"</a></li><li><a class="menu-item" rel="external""#)
        .attr("href", Section::General.address(current))
        .raw(">")
        .text(t(Key::SettingsOfDomain))
        .raw(r#"</a></li><li class="menu-rule script-only"><button class="menu-item" type="button" data-open-palette data-key="?">"#)
        .text(t(Key::PaletteLabel))
        .raw(r#" <kbd>Ctrl K</kbd></button></li><li><a class="menu-item" href="/sites" rel="external">"#)
        .text(t(Key::AllDomains));
    html.raw("</a></li></ul></div></details>");
    html.html(&palette::palette(current, domains));
    html
}

/// The end of the bar: theme, language, and the menu of who is signed in.
#[must_use]
pub fn bar_end(theme: Theme, viewer: &Viewer) -> Html {
    if let Some(shared) = share::of_request() {
        return shared::bar_end(theme, &shared);
    }
    let mut html = offline();
    html.html(&theme_button(theme));
    html.html(&if viewer.email.is_some() { account(viewer) } else { languages_menu() });
    html
}

/// The line below the bar that script fills while the server cannot be reached.
fn offline() -> Html {
    let mut html = Html::new();
    html.raw(r#"<p class="offline" aria-live="polite""#)
        .attr("data-offline", t(Key::Offline))
        .attr("data-figures", t(Key::OfflineFigures))
        .attr("data-stays", t(Key::OfflineStays))
        .raw("></p>");
    html
}

/// The menu of languages for who has no account menu.
fn languages_menu() -> Html {
    let mut html = Html::new();
    html.raw(r#"<details class="menu"><summary class="menu-button""#)
        .attr("aria-label", t(Key::Language))
        .attr("title", t(Key::Language))
        .raw(">")
        .html(&icon(Icon::Globe))
        .raw(r#"</summary><div class="menu-layer">"#)
        .html(&languages())
        .raw("</div></details>");
    html
}

/// Links that choose a language. The server leads back to the page that they stand on.
fn languages() -> Html {
    let mut html = Html::new();
    html.raw(r#"<ul class="menu-languages""#).attr("aria-label", t(Key::Language)).raw(">");
    for choice in Lang::ALL {
        html.raw(r#"<li><a class="menu-item" rel="external""#)
            .attr("href", format_args!("/lang/{}", choice.tag()))
            .attr("lang", choice.tag())
            .attr_if(choice == lang(), "aria-current", "true")
            .raw(">")
            .text(choice.name())
            .raw("</a></li>");
    }
    html.raw("</ul>");
    html
}

/// The menu of who is signed in.
fn account(viewer: &Viewer) -> Html {
    let mut html = Html::new();
    html.raw(r#"<details class="menu"><summary class="menu-button""#)
        .attr("aria-label", t(Key::Account))
        .attr("title", t(Key::Account))
        .raw(">")
        .html(&icon(Icon::Person))
        .raw(r#"</summary><div class="menu-layer"><p class="menu-head">"#)
        .text(viewer.email.as_deref().unwrap_or_default())
        .raw(r#"</p><form method="post" action="/api/auth/signout"><input type="hidden" name="csrfToken""#)
        .attr("value", &viewer.csrf)
        .raw(r#"><input type="hidden" name="callbackUrl" value="/"><button class="menu-item">"#)
        .text(t(Key::SignOut))
        .raw(r#"</button></form><div class="menu-rule">"#)
        .html(&languages())
        .raw("</div></div></details>");
    html
}

/// The button that turns the theme. Only script can turn it; without, the page follows the system.
fn theme_button(theme: Theme) -> Html {
    let label = |theme| {
        t(match theme {
            Theme::System => Key::ThemeSystem,
            Theme::Light => Key::ThemeLight,
            Theme::Dark => Key::ThemeDark,
        })
    };
    let mut html = Html::new();
    html.raw(r#"<button class="menu-button script-only" type="button" data-theme-button"#)
        .attr("aria-label", label(theme))
        .attr("title", label(theme))
        .attr("data-system", label(Theme::System))
        .attr("data-light", label(Theme::Light))
        .attr("data-dark", label(Theme::Dark))
        .raw(">")
        .html(&icon(Icon::Contrast))
        .raw("</button>");
    html
}

/// The heading of the page, and lines that must be known before the figures: demo data, and what a form came back with.
#[must_use]
pub fn notices(site: &Site, csrf: &str, fault: Option<&AppError>) -> Html {
    let mut html = Html::new();
    html.raw(r#"<h1 class="sr-only">"#).text(share::name(&site.domain)).raw("</h1>");
    if let Some(shared) = share::of_request() {
        shared::notices(&mut html, &shared, site);
        return html;
    }
    if let Some(fault) = fault {
        html.raw(r#"<p class="notice notice-warn" role="alert">"#).text(sentence(&fault.to_string())).raw("</p>");
    }
    if site.has_demo {
        html.raw(r#"<div class="notice"><span>"#)
            .text(t(Key::DemoShown))
            .raw(r#"</span><form method="post" action="/api/app/remove-demo">"#);
        hidden_fields(&mut html, site, csrf);
        html.raw("<button").attr("class", "button").attr("data-working", t(Key::Working)).raw(">");
        html.text(t(Key::RemoveDemo)).raw("</button></form></div>");
    }
    html
}

fn hidden_fields(html: &mut Html, site: &Site, csrf: &str) {
    html.raw(r#"<input type="hidden" name="csrf""#)
        .attr("value", csrf)
        .raw(r#"><input type="hidden" name="domain""#)
        .attr("value", &site.domain)
        .raw(">");
}

/// Offers demo data.
#[must_use]
pub fn demo_form(site: &Site, csrf: &str) -> Html {
    let mut html = Html::new();
    html.raw(r#"<form class="demo" method="post" action="/api/app/load-demo">"#);
    hidden_fields(&mut html, site, csrf);
    html.raw("<button")
        .attr("class", "button")
        .attr("data-working", t(Key::Working))
        .raw(">")
        .text(t(Key::LoadDemo))
        .raw(r#"</button><span class="hint">"#)
        .text(t(Key::LoadDemoHint))
        .raw("</span></form>");
    html
}

/// The line that a page needs.
fn line(site: &Site) -> String {
    format!(r#"<script defer data-domain="{}" src="{}"></script>"#, site.domain, site.tracker_url)
}

/// The line that a page needs, with a button to copy it.
#[must_use]
pub fn snippet(site: &Site) -> Html {
    code(&line(site))
}

/// Code to paste, with a button to copy it.
fn code(lines: &str) -> Html {
    let mut html = Html::new();
    html.raw(r#"<div class="snippet"><pre class="snippet-line" tabindex="0" role="region""#)
        .attr("aria-label", t(Key::SnippetLabel))
        .raw("><code>")
        .text(lines)
        .raw(r#"</code></pre><button class="button script-only" type="button""#)
        .attr("data-copy", lines)
        .attr("data-copied", t(Key::Copied))
        .raw(">")
        .html(&icon(Icon::Copy))
        .raw(r#"<span aria-live="polite">"#)
        .text(t(Key::Copy))
        .raw("</span></button></div>");
    html
}

/// "Waiting for the first event", which turns into "it works" by itself.
#[must_use]
pub fn waiting(site: &Site) -> Html {
    let (title, text) = if site.has_events { (Key::WorksTitle, Key::WorksText) } else { (Key::WaitingTitle, Key::WaitingText) };
    let mut html = Html::new();
    html.raw("<div")
        .attr("class", if site.has_events { "waiting waiting-done" } else { "waiting" })
        .attr("data-waiting", site.id)
        .attr("data-done-title", t(Key::WorksTitle))
        .attr("data-done-text", t(Key::WorksText))
        .raw(r#" aria-live="polite"><span class="waiting-sign" aria-hidden="true"></span><div><p class="waiting-title">"#)
        .text(t(title))
        .raw(r#"</p><p class="note waiting-text">"#)
        .text(t(text))
        .raw(r#"</p><noscript><p class="note">"#)
        .text(t(Key::WaitingReload))
        .raw("</p></noscript></div></div>");
    html
}

/// Stands in place of the figures while the domain has no event: the line, the wait, demo data to look around with. The page itself
/// listens to the live stream there, so it is the page that turns.
#[must_use]
pub fn no_visits_yet(site: &Site, csrf: &str) -> Html {
    if share::of_request().is_some() {
        return shared::no_visits_yet();
    }
    let mut html = Html::new();
    html.raw(r#"<section class="empty" aria-labelledby="empty-title"><h2 id="empty-title" class="title">"#)
        .text(t(Key::EmptyTitle))
        .raw(r#"</h2><p class="lead">"#)
        .text(fill(Key::EmptyText, &[("domain", &site.domain)]))
        .raw("</p>")
        .html(&snippet(site))
        .html(&waiting(site))
        .html(&demo_form(site, csrf))
        .raw("</section>");
    html
}
