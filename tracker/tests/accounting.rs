//! The account of a page against a slow, obvious oracle, and the cases that deserve a name.
#![cfg(not(target_arch = "wasm32"))]

use footfall_tracker::{MAX_SPAN_MS, MIN_REPORT_MS, Observation, Occasion, Page, REPORT_AT_MS, Report};
use proptest::prelude::*;

const HEIGHT: u32 = 2_000;
const WINDOW: u32 = 500;
/// The tallest document that a browser lays out, in pixels.
const TALLEST_PX: u32 = 1 << 25;

/// An active observation at the top of a page of two thousand pixels.
fn at(now_ms: u32) -> Observation {
    Observation { now_ms, active: true, bottom_px: WINDOW, height_px: HEIGHT }
}

fn away(now_ms: u32) -> Observation {
    Observation { active: false, ..at(now_ms) }
}

fn scrolled(now_ms: u32, bottom_px: u32) -> Observation {
    Observation { bottom_px, ..at(now_ms) }
}

fn sent(engaged_ms: u32, depth: u32) -> Option<Report> {
    Some(Report { engaged_ms, depth })
}

#[test]
fn time_counts_from_the_first_observation_to_the_hidden_page() {
    let mut page = Page::new();
    assert_eq!(page.observe(at(70_000), Occasion::Change), None);
    assert_eq!(page.observe(away(75_000), Occasion::Leave), sent(5_000, 25));
}

#[test]
fn only_time_in_front_counts() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    page.observe(away(2_000), Occasion::Change);
    page.observe(at(50_000), Occasion::Change);
    assert_eq!(page.observe(away(53_000), Occasion::Leave), sent(5_000, 25));
}

#[test]
fn a_report_is_not_repeated() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    assert_eq!(page.observe(away(4_000), Occasion::Leave), sent(4_000, 25));
    assert_eq!(page.observe(away(4_010), Occasion::Leave), None);
    assert_eq!(page.observe(away(90_000), Occasion::Leave), None);
}

#[test]
fn a_short_rest_waits_for_the_next_report() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    assert_eq!(page.observe(away(4_000), Occasion::Leave), sent(4_000, 25));
    page.observe(at(5_000), Occasion::Change);
    assert_eq!(page.observe(away(5_999), Occasion::Leave), None);
    page.observe(at(8_000), Occasion::Change);
    assert_eq!(page.observe(away(8_001), Occasion::Leave), sent(1_000, 25));
}

#[test]
fn a_deeper_scroll_is_reported_however_short_the_stay() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    assert_eq!(page.observe(away(10), Occasion::Leave), sent(10, 25));
    page.observe(at(20), Occasion::Change);
    page.observe(scrolled(30, 1_500), Occasion::Change);
    page.observe(scrolled(40, 600), Occasion::Change);
    assert_eq!(page.observe(away(50), Occasion::Leave), sent(30, 75));
}

#[test]
fn depth_is_taken_of_the_height_that_the_page_has_at_last() {
    let mut page = Page::new();
    page.observe(Observation { height_px: WINDOW, ..at(0) }, Occasion::Change);
    assert_eq!(page.observe(away(2_000), Occasion::Leave), sent(2_000, 25));
}

#[test]
fn depth_never_falls_and_never_passes_a_hundred() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    assert_eq!(page.observe(scrolled(2_000, HEIGHT + 80), Occasion::Leave), sent(2_000, 100));
    let grown = Observation { height_px: 90_000, ..away(4_000) };
    assert_eq!(page.observe(grown, Occasion::Leave), sent(2_000, 100));
}

#[test]
fn an_absurd_height_does_no_harm() {
    let mut page = Page::new();
    let absurd = Observation { bottom_px: u32::MAX, height_px: u32::MAX, ..at(0) };
    page.observe(absurd, Occasion::Change);
    assert_eq!(page.observe(Observation { now_ms: 2_000, ..absurd }, Occasion::Leave), sent(2_000, 0));
}

#[test]
fn a_document_without_height_has_no_depth() {
    let mut page = Page::new();
    let flat = Observation { height_px: 0, ..at(0) };
    page.observe(flat, Occasion::Change);
    assert_eq!(page.observe(Observation { now_ms: 500, ..flat }, Occasion::Leave), None);
    assert_eq!(page.observe(Observation { now_ms: 1_500, ..flat }, Occasion::Leave), sent(1_500, 0));
}

#[test]
fn the_next_page_starts_from_nothing() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    page.observe(scrolled(3_000, HEIGHT), Occasion::Change);
    assert_eq!(page.observe(scrolled(4_000, HEIGHT), Occasion::Begin), sent(4_000, 100));
    assert_eq!(page.observe(away(6_000), Occasion::Leave), sent(2_000, 25));
}

#[test]
fn sleep_is_not_reading() {
    let mut page = Page::new();
    page.observe(at(0), Occasion::Change);
    assert_eq!(page.observe(away(8 * 3_600_000), Occasion::Leave), sent(MAX_SPAN_MS, 25));
}

#[test]
fn a_long_read_reports_itself() {
    let mut page = Page::new();
    let mut reported = 0;
    for minute in 0..=25 {
        if let Some(report) = page.observe(at(minute * 60_000), Occasion::Change) {
            assert!(report.engaged_ms >= REPORT_AT_MS);
            reported += report.engaged_ms;
        }
    }
    assert_eq!(reported, 2 * REPORT_AT_MS);
}

#[test]
fn the_clock_may_wrap() {
    let mut page = Page::new();
    page.observe(at(u32::MAX - 999), Occasion::Change);
    assert_eq!(page.observe(away(1_000), Occasion::Leave), sent(2_000, 25));
}

/// The oracle: the whole story of a page is kept, and every figure is worked out again from its start.
#[derive(Default)]
struct Story {
    seen: Vec<Observation>,
    reports: Vec<Report>,
}

impl Story {
    fn engaged_ms(&self) -> u64 {
        let spans = self.seen.windows(2).filter(|pair| pair[0].active);
        spans.map(|pair| u64::from((pair[1].now_ms - pair[0].now_ms).min(MAX_SPAN_MS))).sum()
    }

    fn reported_ms(&self) -> u64 {
        self.reports.iter().map(|report| u64::from(report.engaged_ms)).sum()
    }

    fn reported_depth(&self) -> u32 {
        self.reports.iter().map(|report| report.depth).max().unwrap_or(0)
    }

    /// Depth by counting up, instead of dividing.
    fn depth(&self) -> u32 {
        let height = self.seen.last().map_or(0, |seen| u64::from(seen.height_px));
        let bottom = self.seen.iter().map(|seen| u64::from(seen.bottom_px)).max().unwrap_or(0);
        if height == 0 {
            return 0;
        }
        (0..=100).rev().find(|percent| bottom * 100 >= u64::from(*percent) * height).unwrap_or(0)
    }

    fn expect(&self, occasion: Occasion) -> Option<Report> {
        let unsent = self.engaged_ms() - self.reported_ms();
        let depth = self.depth().max(self.reported_depth());
        let asked = occasion != Occasion::Change || unsent >= u64::from(REPORT_AT_MS);
        let worth = unsent >= u64::from(MIN_REPORT_MS) || depth > self.reported_depth();
        (asked && worth).then_some(Report { engaged_ms: unsent as u32, depth })
    }
}

fn occasions() -> impl Strategy<Value = Occasion> {
    prop_oneof![
        6 => Just(Occasion::Change),
        2 => Just(Occasion::Leave),
        1 => Just(Occasion::Begin),
    ]
}

/// A step of a story: milliseconds passed, active, lowest line, height, occasion.
fn steps() -> impl Strategy<Value = Vec<(u32, bool, u32, u32, Occasion)>> {
    let passed = prop_oneof![0_u32..1_500, 0_u32..70_000, 0_u32..4_000_000];
    let pixels = prop_oneof![0_u32..4_000, 0..TALLEST_PX];
    let heights = prop_oneof![0_u32..6_000, 0..TALLEST_PX];
    prop::collection::vec((passed, any::<bool>(), pixels, heights, occasions()), 0..120)
}

proptest! {
    #[test]
    fn the_account_agrees_with_the_story(steps in steps()) {
        let mut page = Page::new();
        let mut story = Story::default();
        let mut now_ms = 0;
        for (passed, active, bottom_px, height_px, occasion) in steps {
            now_ms += passed;
            let seen = Observation { now_ms, active, bottom_px, height_px };
            story.seen.push(seen);
            let expected = story.expect(occasion);
            prop_assert_eq!(page.observe(seen, occasion), expected);
            story.reports.extend(expected);
            if occasion == Occasion::Begin {
                // The new page inherits the moment and whether anyone looks, not the scroll position.
                story = Story { seen: vec![Observation { bottom_px: 0, ..seen }], reports: Vec::new() };
            }
        }
    }

    #[test]
    fn the_clock_s_origin_does_not_matter(steps in steps(), origin in any::<u32>()) {
        let mut here = Page::new();
        let mut there = Page::new();
        let mut now_ms: u32 = 0;
        for (passed, active, bottom_px, height_px, occasion) in steps {
            now_ms += passed;
            let seen = Observation { now_ms, active, bottom_px, height_px };
            let shifted = Observation { now_ms: now_ms.wrapping_add(origin), ..seen };
            prop_assert_eq!(here.observe(seen, occasion), there.observe(shifted, occasion));
        }
    }
}
