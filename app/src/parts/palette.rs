//! Leads anywhere by a few letters: a list of links in a dialog, which the page's script opens, narrows and walks through.

use footfall_model::Period;

use super::{
    bar::{letter, period_name},
    behaviour::{behaviour_name, behaviour_page},
    label::detail_page,
    panel::long_name,
};
use crate::{
    behaviour::Kind,
    i18n::{Key, t},
    markup::Html,
    query::{MAP, PanelId},
    settings::Section,
};

/// The dialog, for a page of a domain.
pub(super) fn palette(current: &str, domains: &[String]) -> Html {
    let mut html = Html::new();
    html.raw(r#"<dialog class="palette" data-palette"#)
        .attr("aria-label", t(Key::PaletteLabel))
        .raw(r#"><input class="input" type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" autocomplete="off" spellcheck="false""#)
        .attr("aria-label", t(Key::PaletteLabel))
        .attr("placeholder", t(Key::PaletteHint))
        .raw(r#"><ul id="palette-list" class="palette-list" role="listbox""#)
        .attr("aria-label", t(Key::PaletteLabel))
        .raw(">");
    let dashboard = format!("/{current}");
    entry(&mut html, current, t(Key::Dashboard), &dashboard, true);
    entry(&mut html, current, t(Key::RealtimeTitle), &format!("/{current}/realtime"), true);
    for field in PanelId::ALL.into_iter().flat_map(PanelId::tabs).filter(|field| **field != MAP) {
        entry(&mut html, current, long_name(field), &detail_page(current, field), true);
    }
    for kind in Kind::ALL {
        entry(&mut html, current, behaviour_name(kind), &behaviour_page(current, kind), true);
    }
    entry(&mut html, current, t(Key::DropsTitle), &format!("/{current}/drops"), true);
    for section in Section::ALL {
        let name = format!("{}: {}", t(Key::Settings), t(section.title()));
        entry(&mut html, current, &name, &section.address(current), false);
    }
    for domain in domains.iter().filter(|domain| *domain != current) {
        entry(&mut html, domain, t(Key::Dashboard), &format!("/{domain}"), false);
    }
    entry(&mut html, "", t(Key::AllDomains), "/sites", false);
    html.raw(r#"</ul><p class="palette-none note" hidden>"#)
        .text(t(Key::PaletteNothing))
        .raw(r#"</p><label class="palette-keys"><input type="checkbox" checked data-keys> "#)
        .text(t(Key::PaletteKeys))
        .raw(r#"</label><dl class="palette-letters""#)
        .attr("aria-label", t(Key::PaletteLetters))
        .raw(">");
    for (sign, does) in letters() {
        html.raw("<div><dt><kbd>").text(sign).raw("</kbd></dt><dd>").text(does).raw("</dd></div>");
    }
    html.raw("</dl></dialog>");
    html
}

/// What the keys of the pages do.
fn letters() -> Vec<(String, String)> {
    let of = |sign: &str, does: Key| (sign.to_owned(), t(does).to_owned());
    let mut letters = vec![of("F", Key::FilterAdd), of("X", Key::CompareTurn), of("C", Key::PeriodCustom)];
    let periods = Period::NAMED.iter().filter_map(|period| Some((letter(period)?.to_uppercase(), period_name(period))));
    letters.extend(periods);
    letters.extend([of("←", Key::PeriodBefore), of("→", Key::PeriodAfter), of("/", Key::Search), of("?", Key::PaletteLabel)]);
    letters
}

/// One place. Pages of the domain that is looked at go on showing what is looked at.
fn entry(html: &mut Html, domain: &str, name: &str, address: &str, goes_on: bool) {
    html.raw(r#"<li role="none"><a class="palette-entry" role="option" aria-selected="false" tabindex="-1" rel="external""#)
        .attr("href", address)
        .attr_if(goes_on, "data-set", "")
        .raw("><span>")
        .text(name)
        .raw(r#"</span> <span class="note">"#)
        .text(domain)
        .raw("</span></a></li>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_to_every_report_and_every_domain() {
        let html = palette("a.org", &["a.org".to_owned(), "b.org".to_owned()]).into_string();
        for address in
            ["/a.org/by/utm_campaign", "/a.org/realtime", "/a.org/funnel", "/a.org/drops", "/a.org/settings/goals", "/b.org", "/sites"]
        {
            assert!(html.contains(&format!(r#"href="{address}""#)), "{address}: {html}");
        }
    }
}
