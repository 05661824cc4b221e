//! Domains that were deleted and can be restored: on the list of all domains.

use super::form::{Field, Form, begin};
use crate::{
    backend::DeletedDomain,
    i18n::{Key, fill, t},
    markup::Html,
    settings::{Outcome, Typed},
    text::sentence,
    types::AppError,
};

/// What came of a form that led to the list.
#[must_use]
pub fn domains_notice(outcome: Option<&Outcome>) -> Html {
    let mut html = Html::new();
    let (key, domain) = match outcome {
        Some(Outcome::Deleted(domain)) => (Key::DomainDeleted, domain),
        Some(Outcome::Restored(domain)) => (Key::DomainRestored, domain),
        Some(Outcome::DeletedForGood(domain)) => (Key::DomainGone, domain),
        Some(Outcome::Failed { error, typed: Typed::Nothing }) => {
            html.raw(r#"<p class="notice notice-warn" role="alert">"#).text(sentence(&error.to_string())).raw("</p>");
            return html;
        }
        _ => return html,
    };
    html.raw(r#"<p class="notice" role="status">"#).text(fill(key, &[("domain", domain)])).raw("</p>");
    html
}

/// The domains; nothing where there are none.
#[must_use]
pub fn deleted_domains(csrf: &str, domains: &[DeletedDomain], outcome: Option<&Outcome>) -> Html {
    let mut html = Html::new();
    if domains.is_empty() {
        return html;
    }
    html.raw(r#"<section class="deleted"><h2 class="settings-more">"#).text(t(Key::DomainsDeleted)).raw(r#"</h2><ul class="entries""#);
    html.attr("aria-label", t(Key::DomainsDeleted)).raw(">");
    for deleted in domains {
        entry(&mut html, csrf, deleted, outcome);
    }
    html.raw("</ul></section>");
    html
}

fn entry(html: &mut Html, csrf: &str, DeletedDomain { domain, goes }: &DeletedDomain, outcome: Option<&Outcome>) {
    let (name, restore) = ([("domain", domain.as_str())], fill(Key::DomainRestore, &[("domain", domain)]));
    html.raw(r#"<li class="entry deleted-entry"><div class="entry-text"><p class="entry-name">"#).text(domain);
    html.raw(r#"</p><p class="note entry-detail">"#).text(fill(Key::DomainGoes, &[("day", goes)])).raw(r#"</p></div>"#);
    begin(html, "", "/api/app/restore-domain", csrf, domain);
    html.raw(r#"<button class="button">"#).text(&restore).raw("</button></form>");
    // The fault of a form is that of its domain.
    let fault = match outcome {
        Some(Outcome::Failed { error, typed: Typed::Named { domain: of, text } }) if of == domain => Some((error, text.as_str())),
        _ => None,
    };
    html.raw("<details").attr_if(fault.is_some(), "open", "").raw(r#"><summary class="further-head">"#).text(t(Key::DomainForGood));
    html.raw("</summary>");
    let mut form = Form::new("form", "/api/app/delete-for-good", (csrf, domain), fault.map(|(error, _): (&AppError, _)| error));
    let typed = fault.map_or("", |(_, text)| text);
    // Several forms of a page need ids of their own, and host names are no ids of other things.
    let field = Field::new("confirmed", domain, Key::SetDeleteConfirm, typed);
    form.input(&field.hint(Key::SetDeleteHint).required());
    html.html(&form.end("button button-danger", &fill(Key::DomainForGoodLong, &name))).raw("</details></li>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains() -> Vec<DeletedDomain> {
        ["a.example", "b.example"].map(|domain| DeletedDomain { domain: domain.to_owned(), goes: "2026-11-29".to_owned() }).to_vec()
    }

    #[test]
    fn each_can_be_restored_or_deleted_for_good() {
        let html = deleted_domains("token", &domains(), None).into_string();
        for part in ["Goes for good on 2026-11-29", "Restore a.example", "Delete b.example for good", r#"id="set-a.example""#] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("open=") && deleted_domains("token", &[], None).into_string().is_empty());
    }

    #[test]
    fn a_fault_stands_with_its_domain() {
        let error = AppError::Invalid { field: "b.example".to_owned(), message: "`<b>` is not its name".to_owned() };
        let typed = Typed::Named { domain: "b.example".to_owned(), text: "<b>".to_owned() };
        let html = deleted_domains("token", &domains(), Some(&Outcome::Failed { error, typed })).into_string();
        let (first, second) = html.split_once("b.example").unwrap();
        assert!(!first.contains("open=") && second.contains(r#"<details open="">"#) && second.contains(r#"value="&lt;b&gt;""#), "{html}");
        assert!(domains_notice(None).into_string().is_empty());
    }
}
