//! One page from its pageview to the next: engaged milliseconds, and the deepest point scrolled to.
//!
//! Invariants, held by the oracle in `tests/accounting.rs`:
//! - Time counts while the *previous* observation was active (visible and focused): what happens between two observations
//!   is known only by how it began, since every change of activity makes an observation of its own.
//! - The reports of one page add up to its engaged time, but for a rest below [`MIN_REPORT_MS`] lost with the page.
//! - The reported depth of one page never falls.
//!
//! Numbers arrive as 32 bits: JavaScript's conversion truncates and wraps for us, and differences are taken modulo 2^32,
//! so a tab that stays open longer than 49 days does no harm.

/// The longest stretch between two observations that is believed, in milliseconds. The glue observes once a minute; a
/// longer gap means that the machine slept or the process was stopped, and nobody was reading.
pub const MAX_SPAN_MS: u32 = 90_000;

/// Less engaged time than this, in milliseconds, is not worth a request of its own; it waits for the next report.
pub const MIN_REPORT_MS: u32 = 1_000;

/// This much unreported time, in milliseconds, is reported without an occasion: a visit ends 30 minutes after its last
/// event, so a long read has to say that it goes on, and a crash loses ten minutes at most.
pub const REPORT_AT_MS: u32 = 600_000;

/// What the glue sees of the page at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// Milliseconds on a monotonic clock of any origin, modulo 2^32.
    pub now_ms: u32,
    /// Whether the page is visible and has the focus.
    pub active: bool,
    /// The lowest visible line, in pixels from the top of the document.
    pub bottom_px: u32,
    /// The height of the document in pixels; 0 where there is none.
    pub height_px: u32,
}

/// Why the glue observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Something changed: a scroll, focus, blur, or the minute.
    Change,
    /// The page may be about to vanish: hidden or unloaded.
    Leave,
    /// Another page begins in the same document; this one is over.
    Begin,
}

/// What is to be sent for the page that was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Engaged milliseconds since the last report of this page.
    pub engaged_ms: u32,
    /// The greatest depth so far, whole percent of the document's height, 0 to 100.
    pub depth: u32,
}

/// The account of the current page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// When it was last observed.
    last_ms: u32,
    /// Whether it was active then.
    active: bool,
    /// Engaged milliseconds that no report has carried yet.
    unsent_ms: u32,
    /// The lowest line seen so far, in pixels.
    bottom_px: u32,
    /// The depth of the last report.
    sent_depth: u32,
}

impl Page {
    /// A page of which nothing is known. Its time starts with the first observation.
    pub const fn new() -> Self {
        Self { last_ms: 0, active: false, unsent_ms: 0, bottom_px: 0, sent_depth: 0 }
    }

    /// Takes one observation into account and says what to send for it. A [`Begin`](Occasion::Begin) closes the old page
    /// and starts the next with an empty account; its scroll position still belongs to the old document.
    pub fn observe(&mut self, seen: Observation, occasion: Occasion) -> Option<Report> {
        if self.active {
            let span = seen.now_ms.wrapping_sub(self.last_ms);
            self.unsent_ms += span.min(MAX_SPAN_MS);
        }
        self.last_ms = seen.now_ms;
        self.active = seen.active;
        self.bottom_px = self.bottom_px.max(seen.bottom_px);

        let mut report = None;
        if occasion != Occasion::Change || self.unsent_ms >= REPORT_AT_MS {
            let depth = percent(self.bottom_px, seen.height_px).max(self.sent_depth);
            if self.unsent_ms >= MIN_REPORT_MS || depth != self.sent_depth {
                report = Some(Report { engaged_ms: self.unsent_ms, depth });
                self.unsent_ms = 0;
                self.sent_depth = depth;
            }
        }
        if occasion == Occasion::Begin {
            self.unsent_ms = 0;
            self.bottom_px = 0;
            self.sent_depth = 0;
        }
        report
    }
}

/// `bottom` in whole percent of `height`, rounded down; of no height, 0. The height is that of the moment of the report,
/// since documents grow while they are read; a document shorter than the window is seen to its end.
fn percent(bottom: u32, height: u32) -> u32 {
    // No browser lays out more than 2^25 pixels, so a hundred times that fits; an absurd claim wraps and stays below 100.
    bottom.wrapping_mul(100).checked_div(height).map_or(0, |depth| depth.min(100))
}
