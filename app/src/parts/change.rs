//! A change against an earlier period: an arrow, a figure, and the same in words. Never told by colour alone.

use crate::{
    format,
    i18n::{Key, fill, t},
    markup::Html,
};

/// Whether up is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// It is.
    UpIsGood,
    /// Down is.
    DownIsGood,
    /// Neither is said.
    Neutral,
}

/// The change in whole percent; none where there is nothing earlier, which `none` says in few letters.
pub(super) fn change(html: &mut Html, change: Option<i64>, tone: Tone, none: &str, title: Option<String>) {
    let (class, arrow, text, said) = match change {
        None => ("change", "", none.to_owned(), t(Key::NoEarlierData).to_owned()),
        Some(0) => ("change", "", format::percent(0), t(Key::ChangeSame).to_owned()),
        Some(n) => {
            let text = format::percent(format::number(n.unsigned_abs()));
            let (arrow, key) = if n > 0 { ("↑ ", Key::ChangeUp) } else { ("↓ ", Key::ChangeDown) };
            let said = fill(key, &[("n", &text)]);
            let class = match tone {
                Tone::Neutral => "change",
                _ if (n > 0) == (tone == Tone::UpIsGood) => "change change-up",
                _ => "change change-down",
            };
            (class, arrow, text, said)
        }
    };
    html.raw("<span").attr("class", class);
    if let Some(title) = title {
        html.attr("title", title);
    }
    html.raw(r#"><span aria-hidden="true">"#)
        .raw(arrow)
        .text(text)
        .raw(r#"</span><span class="sr-only">"#)
        .text(said)
        .raw("</span></span>");
}
