//! Lines above the figures that a reader must know before believing them.

use leptos::{form::ActionForm, prelude::*};

use super::state::State;
use crate::{
    api::RemoveDemo,
    i18n::{Key, t},
};

/// All notices that hold now.
#[component]
pub fn Notices(
    /// Token for the form.
    csrf: String,
    /// Removes the demo data; owned by the page, which loads again afterwards.
    remove: ServerAction<RemoveDemo>,
) -> impl IntoView {
    let state = expect_context::<State>();
    let degraded = Memo::new(move |_| state.kpis.value.with(|kpis| kpis.as_ref().is_ok_and(|kpis| kpis.meta.degraded)));
    let has_demo = state.site.with_value(|site| site.has_demo);
    let domain = state.domain();
    view! {
        <div aria-live="polite">
            <Show when=move || degraded.get()>
                <p class="notice notice-warn">{t(Key::Degraded)}</p>
            </Show>
        </div>
        {has_demo
            .then(|| {
                view! {
                    <div class="notice">
                        <span>{t(Key::DemoShown)}</span>
                        <ActionForm action=remove>
                            <input type="hidden" name="csrf" value=csrf />
                            <input type="hidden" name="domain" value=domain />
                            <button class="button" disabled=move || remove.pending().get()>
                                {move || t(if remove.pending().get() { Key::Working } else { Key::RemoveDemo })}
                            </button>
                        </ActionForm>
                    </div>
                }
            })}
        {move || {
            let error = remove.value().get()?.err()?;
            Some(view! { <p class="notice notice-warn" role="alert">{super::failed::sentence(&error.to_string())}</p> })
        }}
    }
    .into_any()
}

/// What must be known about how visitors are counted in this range.
#[component]
pub fn CountingNote() -> impl IntoView {
    let state = expect_context::<State>();
    move || {
        state.kpis.value.with(|kpis| {
            let kpis = kpis.as_ref().ok()?;
            let incomplete = kpis.comparison.as_ref().is_some_and(|comparison| comparison.incomplete);
            let notes: Vec<_> = [
                (kpis.meta.crosses_days, Key::CrossesDays),
                (kpis.meta.approximate, Key::Approximate),
                (incomplete, Key::IncompleteComparison),
            ]
            .into_iter()
            .filter_map(|(holds, key)| holds.then(|| t(key)))
            .collect();
            (!notes.is_empty()).then(|| view! { <p class="note">{notes.join(" ")}</p> })
        })
    }
}
