//! The live stream in the browser: one `EventSource` per page, closed while the tab is hidden, opened again by itself.

use std::{cell::RefCell, rc::Rc, time::Duration};

use footfall_model::report::LiveView;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::dom;

/// The browser gives up for good when an answer is not a stream (the server restarts, say); then this asks again.
const RETRY: Duration = Duration::from_secs(2);

/// What the stream has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveNews {
    /// The figures as of now.
    View(LiveView),
    /// The stream is away; it is being opened again.
    Away,
}

struct Stream {
    address: String,
    source: RefCell<Option<EventSource>>,
    on_message: Closure<dyn Fn(MessageEvent)>,
    on_error: RefCell<Option<Closure<dyn Fn()>>>,
}

impl Stream {
    fn open(&self) {
        self.close();
        let Ok(source) = EventSource::new(&self.address) else { return };
        for event in ["snapshot", "tick"] {
            let _ = source.add_event_listener_with_callback(event, self.on_message.as_ref().unchecked_ref());
        }
        if let Some(on_error) = &*self.on_error.borrow() {
            source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        }
        self.source.replace(Some(source));
    }

    fn close(&self) {
        if let Some(source) = self.source.take() {
            source.set_onerror(None);
            source.close();
        }
    }

    fn gave_up(&self) -> bool {
        self.source.borrow().as_ref().is_some_and(|source| source.ready_state() == EventSource::CLOSED)
    }
}

/// Listens to a domain until the current owner is cleaned up. Call it in an effect: it needs a browser.
pub fn listen(domain: &str, tell: impl Fn(LiveNews) + 'static) {
    let tell = Rc::new(tell);
    let teller = Rc::clone(&tell);
    let on_message = Closure::new(move |event: MessageEvent| {
        let view = event.data().as_string().and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
        if let Some(view) = view {
            teller(LiveNews::View(view));
        }
    });
    let stream = Rc::new(Stream {
        address: format!("/api/analytics/live?domainId={domain}"),
        source: RefCell::new(None),
        on_message,
        on_error: RefCell::new(None),
    });
    let weak = Rc::downgrade(&stream);
    let on_error = Closure::<dyn Fn()>::new(move || {
        tell(LiveNews::Away);
        let weak = weak.clone();
        if weak.upgrade().is_some_and(|stream| stream.gave_up()) {
            set_timeout(
                move || {
                    if let Some(stream) = weak.upgrade().filter(|stream| stream.gave_up() && !dom::is_hidden()) {
                        stream.open();
                    }
                },
                RETRY,
            );
        }
    });
    stream.on_error.replace(Some(on_error));
    if !dom::is_hidden() {
        stream.open();
    }
    watch_visibility(stream);
}

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

/// Browsers allow six connections per host: a hidden tab gives its own back.
fn watch_visibility(stream: Rc<Stream>) {
    let watched = Rc::clone(&stream);
    let on_change = Closure::<dyn Fn()>::new(move || if dom::is_hidden() { watched.close() } else { watched.open() });
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("visibilitychange", on_change.as_ref().unchecked_ref());
    }
    let kept = StoredValue::new_local((stream, on_change));
    on_cleanup(move || {
        kept.try_with_value(|(stream, on_change)| {
            stream.close();
            let listener: &JsValue = on_change.as_ref();
            if let Some(document) = document() {
                let _ = document.remove_event_listener_with_callback("visibilitychange", listener.unchecked_ref());
            }
        });
    });
}

/// How many pageviews came between two views. Minute bars move to the left as time goes by, so the smallest shift is sought under
/// which no bar has shrunk. None fits when the live state was rebuilt, or after a long silence: then nothing is claimed.
#[must_use]
pub fn new_pageviews(before: &LiveView, after: &LiveView) -> u64 {
    let (old, new) = (&before.minutes, &after.minutes);
    if old.len() != new.len() {
        return 0;
    }
    let fits = |shift: &usize| old[*shift..].iter().zip(new).all(|(then, now)| now >= then);
    let Some(shift) = (0..old.len()).find(fits) else { return 0 };
    let kept: u64 = old[shift..].iter().sum();
    new.iter().sum::<u64>().saturating_sub(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(minutes: &[u64]) -> LiveView {
        LiveView { minutes: minutes.to_vec(), pageviews: minutes.iter().sum(), ..LiveView::default() }
    }

    #[test]
    fn counts_what_is_new_also_when_the_minute_turns() {
        assert_eq!(new_pageviews(&view(&[5, 3, 1]), &view(&[5, 3, 4])), 3);
        assert_eq!(new_pageviews(&view(&[5, 3, 1]), &view(&[3, 1, 0])), 0);
        assert_eq!(new_pageviews(&view(&[5, 3, 1]), &view(&[3, 2, 2])), 3);
        assert_eq!(new_pageviews(&view(&[]), &view(&[1])), 0);
        assert_eq!(new_pageviews(&view(&[9, 9, 9]), &view(&[0, 1, 1])), 0);
    }
}
