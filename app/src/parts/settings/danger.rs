//! What takes figures away: demo data, all data, the domain itself.

use super::{
    Asked,
    form::{Field, Form},
};
use crate::{
    i18n::{Key, fill, t},
    markup::Html,
    parts::hidden_fields,
    types::AppError,
};

/// The fault of the form that removes the data is that of this field, as both forms ask for the same.
pub const CLEARED: &str = "cleared";

pub(super) fn danger(html: &mut Html, asked: &Asked<'_>) {
    let site = &asked.settings.site;
    if site.has_demo {
        html.raw(r#"<section class="settings-act"><h2 class="settings-more">"#).text(t(Key::RemoveDemo)).raw(r#"</h2><p class="lead">"#);
        html.text(t(Key::SetDemoText)).raw(r#"</p><form method="post" action="/api/app/remove-demo">"#);
        hidden_fields(html, site, asked.csrf);
        html.raw(r#"<button class="button""#)
            .attr("data-working", t(Key::Working))
            .raw(">")
            .text(t(Key::RemoveDemo))
            .raw("</button></form></section>");
    }
    let is_of_clearing = |error: &AppError| matches!(error, AppError::Invalid { field, .. } if field == CLEARED);
    let fault = asked.fault().filter(|_| asked.text().is_some());
    act(
        html,
        asked,
        &Act {
            title: t(Key::SetClear),
            lines: &[Key::SetClearFigures, Key::SetClearStays],
            action: "/api/app/clear-domain",
            field: CLEARED,
            fault: fault.filter(|error| is_of_clearing(error)),
        },
    );
    act(
        html,
        asked,
        &Act {
            title: &fill(Key::SetDelete, &[("domain", &site.domain)]),
            lines: &[Key::SetDeleteFigures, Key::SetDeleteSettings, Key::SetDeletePages, Key::SetDeleteUndo],
            action: "/api/app/delete-domain",
            field: "confirmed",
            fault: fault.filter(|error| !is_of_clearing(error)),
        },
    );
}

/// Something that is confirmed by the name of the domain.
struct Act<'a> {
    title: &'a str,
    lines: &'a [Key],
    action: &'static str,
    /// The name of its field in faults.
    field: &'static str,
    fault: Option<&'a AppError>,
}

fn act(html: &mut Html, asked: &Asked<'_>, act: &Act<'_>) {
    html.raw(r#"<section class="settings-act danger"><h2 class="settings-more">"#).text(act.title);
    html.raw(r#"</h2><ul class="danger-list">"#);
    for line in act.lines {
        html.raw("<li>").text(t(*line)).raw("</li>");
    }
    html.raw("</ul>");
    let typed = asked.text().filter(|_| act.fault.is_some()).unwrap_or_default();
    let mut form = Form::new("form", act.action, (asked.csrf, asked.domain()), act.fault);
    form.input(&Field::new("confirmed", act.field, Key::SetDeleteConfirm, typed).hint(Key::SetDeleteHint).required());
    html.html(&form.end("button button-danger", act.title)).raw("</section>");
}
