//! A shared link in the list: its address, the code that shows it elsewhere, and its end, which is asked for twice.

use super::{Asked, act, words::detail};
use crate::{
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    parts::{code, shared},
    settings::{Entry, Link},
    text::middle,
};

/// One link.
pub(super) fn row(html: &mut Html, asked: &Asked<'_>, key: &str, link: &Link) {
    let opens = !link.made.is_over && (link.segment.is_empty() || link.made.segment.is_some());
    html.raw(r#"<li class="entry entry-link"><div class="entry-text"><p class="entry-name">"#);
    middle(html, &link.name);
    html.raw("</p>");
    let known = detail(&Entry::Link(link.clone()));
    if !known.is_empty() {
        html.raw(r#"<p class="note entry-detail">"#).text(known).raw("</p>");
    }
    html.html(&code(&link.made.address));
    if opens && !link.made.has_password {
        html.raw(r#"<details class="further"><summary class="further-head">"#).text(t(Key::SetLinkEmbed));
        html.raw(r#"</summary><div class="further-body">"#);
        let domain = &asked.settings.site.domain;
        let frame = shared::frame(&link.made.address, domain);
        let badge = shared::badge(&link.made.address, domain);
        for (title, hint, lines) in [(Key::SetLinkFrame, Key::SetLinkFrameHint, frame), (Key::SetLinkBadge, Key::SetLinkBadgeHint, badge)] {
            html.raw(r#"<div><p class="label">"#).text(t(title)).raw("</p>").html(&code(&lines)).raw(r#"<p class="hint">"#);
            html.text(t(hint)).raw("</p></div>");
        }
        html.raw("</div></details>");
    }
    html.raw("</div>");
    removal(html, asked, key, &link.name);
    html.raw("</li>");
}

/// Removing cannot be undone, so it takes a second step.
fn removal(html: &mut Html, asked: &Asked<'_>, key: &str, name: &str) {
    let label = fill(Key::SetRemove, &[("what", name)]);
    html.raw(r#"<details class="menu entry-end"><summary class="entry-act""#).attr("aria-label", &label).attr("title", &label).raw(">");
    html.html(&icon(Icon::Cross)).raw(r#"</summary><div class="menu-layer"><p class="note">"#);
    html.text(fill(Key::SetLinkRemoveText, &[("what", name)])).raw("</p>");
    act(html, asked, "/api/app/remove-setting", key);
    html.raw(r#"<button class="button button-danger">"#).text(t(Key::SetLinkRemove)).raw("</button></form></div></details>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        settings::{MadeLink, Section, Settings},
        types::Site,
    };

    fn written(link: &Link) -> String {
        let settings = Settings { site: Site { domain: "a.org".to_owned(), ..Site::default() }, ..Settings::default() };
        let asked = Asked { settings: &settings, section: Section::Sharing, csrf: "token", outcome: None, zones: &[], platform: "" };
        let mut html = Html::new();
        row(&mut html, &asked, "key", link);
        html.into_string()
    }

    fn link(made: MadeLink) -> Link {
        let made = MadeLink { address: "https://s.org/share/x".to_owned(), ..made };
        Link { name: "<b>".to_owned(), made, ..Link::default() }
    }

    #[test]
    fn only_what_opens_without_a_password_is_offered_for_frames() {
        let plain = written(&link(MadeLink::default()));
        assert!(plain.contains("https://s.org/share/x/badge.svg") && plain.contains("?embed=true"), "{plain}");
        assert!(!plain.contains("<b>"), "{plain}");
        for closed in [
            link(MadeLink { has_password: true, ..MadeLink::default() }),
            link(MadeLink { is_over: true, ..MadeLink::default() }),
            Link { segment: "7".to_owned(), ..link(MadeLink::default()) },
        ] {
            assert!(!written(&closed).contains("badge.svg"));
        }
        let limited = Link { segment: "7".to_owned(), ..link(MadeLink { segment: Some("DE".to_owned()), ..MadeLink::default() }) };
        assert!(written(&limited).contains("badge.svg"));
    }
}
