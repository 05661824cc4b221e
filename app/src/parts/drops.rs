//! What was not counted: how much of what arrived, over time, for which reasons, and what to do about it.

use footfall_model::{
    DropReason, Period,
    report::{DeadLetter, DroppedRecord, Drops},
};

use super::back;
use crate::{
    backend::{Refusal, Refusals},
    chart::{model::ChartModel, svg},
    failed::part_failed,
    format::{self, Label},
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    query::ViewQuery,
    text::middle,
    types::AppError,
};

/// The page of a domain. `query` is the state that leads back to the dashboard.
#[must_use]
pub fn drops(domain: &str, query: &ViewQuery, drops: Result<Drops, AppError>, refusals: Option<&Refusals>) -> Html {
    let mut html = Html::new();
    back(&mut html, domain, query);
    html.raw(r#"<h1 class="title">"#).text(t(Key::DropsTitle)).raw("</h1>");
    match drops {
        Ok(drops) => of_period(&mut html, domain, query, &drops),
        Err(error) => {
            html.raw(r#"<div class="sheet-part">"#).html(&part_failed(&error, "drops")).raw("</div>");
        }
    }
    refused(&mut html, refusals);
    every_reason(&mut html);
    html
}

/// What arrived, by what became of it.
struct Sums {
    counted: u64,
    dropped: u64,
    bots: u64,
    dead_letters: u64,
}

impl Sums {
    fn of(drops: &Drops) -> Self {
        Self {
            counted: drops.counted,
            dropped: drops.by_reason().iter().map(|(_, count)| count).sum(),
            bots: drops.bots.iter().map(|(_, count)| count).sum(),
            dead_letters: drops.dead_letters,
        }
    }

    const fn all(&self) -> u64 {
        self.counted + self.dropped + self.bots + self.dead_letters
    }

    fn share(&self, part: u64) -> String {
        format::part(part, self.all())
    }
}

fn of_period(html: &mut Html, domain: &str, query: &ViewQuery, drops: &Drops) {
    let sums = Sums::of(drops);
    html.raw(r#"<p class="lead">"#);
    if sums.all() == 0 {
        html.text(t(Key::DropsNothing));
        if query.period != Some(Period::All) {
            html.raw(r#" <a class="more""#).attr("href", query.with_period(Period::All).href(&format!("/{domain}/drops"))).raw(">");
            html.text(t(Key::LookAtAll)).raw("</a>");
        }
        html.raw("</p>");
        return;
    }
    html.text(fill(Key::DropsLead, &[("n", &format::number(sums.all())), ("counted", &sums.share(sums.counted))])).raw("</p>");
    if !query.filters.is_empty() {
        html.raw(r#"<p class="note">"#).text(t(Key::DropsNoFilters)).raw("</p>");
    }
    figures(html, &sums);
    over_time(html, drops);
    by_reason(html, drops, &sums);
    bots(html, drops, &sums);
    newest(html, &drops.newest);
    dead_letters(html, drops);
}

fn figures(html: &mut Html, sums: &Sums) {
    html.raw(r#"<ul class="strip-items strip-four">"#);
    let items = [
        (Key::DropsCounted, sums.counted),
        (Key::DropsDropped, sums.dropped),
        (Key::DropsBots, sums.bots),
        (Key::DropsDeadLetters, sums.dead_letters),
    ];
    for (name, count) in items {
        html.raw(r#"<li><div class="kpi"><span class="kpi-name">"#).text(t(name)).raw(r#"</span><span class="kpi-figure">"#);
        html.text(format::figure(count)).raw(r#"</span><span class="kpi-change note">"#).text(sums.share(count)).raw("</span></div></li>");
    }
    html.raw("</ul>");
}

/// A section of the page, with its name.
fn section(html: &mut Html, title: Key, text: Option<String>) {
    html.raw(r#"<section class="sheet-part"><h2 class="panel-title">"#).text(t(title)).raw("</h2>");
    if let Some(text) = text {
        html.raw(r#"<p class="sheet-text">"#).text(text).raw("</p>");
    }
}

/// The head of a table; columns of figures are those after the first `texts`. Rows of several texts stay on one line each.
fn table(html: &mut Html, name: Key, texts: usize, columns: &[&str]) {
    let class = if texts > 1 { "sheet-table sheet-lines" } else { "sheet-table" };
    html.raw(r#"<div class="sheet-scroll" tabindex="0" role="region""#).attr("aria-label", t(name)).raw("><table").attr("class", class);
    html.raw("><thead><tr>");
    for (at, column) in columns.iter().enumerate() {
        html.raw(r#"<th scope="col""#).attr_if(at >= texts, "class", "figure").raw(">").text(column).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
}

fn over_time(html: &mut Html, drops: &Drops) {
    let reasons: Vec<DropReason> = drops.by_reason().into_iter().map(|(reason, _)| reason).collect();
    if reasons.is_empty() {
        return;
    }
    let count = |bucket: &footfall_model::report::DropBucket| bucket.dropped.iter().map(|(_, count)| count).sum::<u64>();
    let buckets: Vec<_> = drops.buckets.iter().map(|bucket| (bucket.time.as_str(), Some(count(bucket) as f64), bucket.partial)).collect();
    // What is mostly nothing reads better as bars, however many.
    let model = ChartModel { bars: true, ..ChartModel::of(Metric::Events, t(Key::DropsDropped), drops.interval, &buckets) };
    section(html, Key::DropsOverTime, None);
    html.raw(r#"<div class="chart-frame chart-small" role="img""#)
        .attr("aria-label", model.summary())
        .raw(r#"><div class="chart-drawing">"#);
    html.html(&svg::draw(&model)).raw(r#"</div></div><details class="twin"><summary>"#).text(t(Key::ChartTable));
    html.raw(r#"</summary><div class="twin-scroll" tabindex="0" role="region""#)
        .attr("aria-label", t(Key::DropsOverTime))
        .raw("><table><thead><tr>");
    html.raw(r#"<th scope="col">"#).text(t(Key::ChartTime)).raw(r#"</th><th scope="col">"#).text(model.name).raw("</th>");
    for reason in &reasons {
        html.raw(r#"<th scope="col">"#).text(t(words(*reason).0)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for (at, bucket) in drops.buckets.iter().enumerate() {
        let tip = model.tip(at);
        html.raw(r#"<tr><th scope="row">"#).text(tip.when).raw("</th><td>").text(tip.now).raw("</td>");
        for reason in &reasons {
            let found = bucket.dropped.iter().find(|(known, _)| known == reason).map_or(0, |(_, count)| *count);
            html.raw("<td>").text(format::number(found)).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div></details></section>");
}

/// The row that says what the reason in the row before means.
fn meaning(html: &mut Html, reason: DropReason) {
    html.raw(r#"<tr class="sheet-meaning"><td colspan="3">"#).text(t(words(reason).1)).raw("</td></tr>");
}

fn by_reason(html: &mut Html, drops: &Drops, sums: &Sums) {
    let reasons = drops.by_reason();
    section(html, Key::DropsByReason, reasons.is_empty().then(|| t(Key::DropsNone).to_owned()));
    if !reasons.is_empty() {
        table(html, Key::DropsByReason, 1, &[t(Key::DropsReason), t(Key::DropsRecords), t(Key::Share)]);
        for (reason, count) in reasons {
            html.raw(r#"<tr><th scope="row">"#).text(t(words(reason).0)).raw(r#"</th><td class="figure">"#).text(format::number(count));
            html.raw(r#"</td><td class="figure">"#).text(sums.share(count)).raw("</td></tr>");
            meaning(html, reason);
        }
        html.raw("</tbody></table></div>");
    }
    html.raw("</section>");
}

fn bots(html: &mut Html, drops: &Drops, sums: &Sums) {
    if drops.bots.is_empty() {
        return;
    }
    section(html, Key::DropsBots, Some(t(Key::DropsBotsText).to_owned()));
    table(html, Key::DropsBots, 1, &[t(Key::DropsBotClass), t(Key::DropsRecords), t(Key::Share)]);
    for (class, count) in &drops.bots {
        html.raw(r#"<tr><th scope="row">"#)
            .text(bot_class(class).map_or_else(|| class.as_str(), |key| t(key)))
            .raw(r#"</th><td class="figure">"#);
        html.text(format::number(*count)).raw(r#"</td><td class="figure">"#).text(sums.share(*count)).raw("</td></tr>");
    }
    html.raw("</tbody></table></div></section>");
}

/// A time of the domain's clock as it is read.
fn clock(time: &str) -> String {
    Label::parse(time).map_or_else(|| time.to_owned(), |label| format!("{}, {}", label.day(), label.clock().unwrap_or_default()))
}

fn newest(html: &mut Html, records: &[DroppedRecord]) {
    if records.is_empty() {
        return;
    }
    section(html, Key::DropsNewest, Some(t(Key::DropsNewestText).to_owned()));
    table(
        html,
        Key::DropsNewest,
        5,
        &[t(Key::ChartTime), t(Key::DropsEvent), t(Key::ColumnPage), t(Key::FieldHostname), t(Key::DropsReason)],
    );
    for record in records {
        html.raw(r#"<tr><td class="when">"#).text(clock(&record.time)).raw("</td><td>").text(&record.name).raw("</td><td>");
        middle(html, &record.path);
        html.raw("</td><td>").text(&record.hostname).raw("</td><td>").text(t(words(record.reason).0)).raw("</td></tr>");
    }
    html.raw("</tbody></table></div></section>");
}

fn dead_letters(html: &mut Html, drops: &Drops) {
    if drops.dead_letters == 0 {
        return;
    }
    section(html, Key::DropsDeadLetters, Some(t(Key::DropsDeadLettersText).to_owned()));
    table(html, Key::DropsDeadLetters, 3, &[t(Key::ChartTime), t(Key::DropsReason), t(Key::DropsPosition)]);
    for DeadLetter { time, reason, position } in &drops.newest_dead_letters {
        html.raw(r#"<tr><td class="when">"#).text(clock(time)).raw("</td><td>").text(t(words(*reason).0)).raw("</td><td><code>");
        html.text(format_args!("{}/{}/{}/{}", position.log.topic(), position.generation, position.partition, position.offset));
        html.raw("</code></td></tr>");
    }
    html.raw("</tbody></table></div></section>");
}

fn refused(html: &mut Html, refusals: Option<&Refusals>) {
    let Some(refusals) = refusals else {
        section(html, Key::DropsRefused, Some(t(Key::DropsRefusedElsewhere).to_owned()));
        html.raw("</section>");
        return;
    };
    let key = if refusals.by_reason.is_empty() { Key::DropsRefusedNone } else { Key::DropsRefusedText };
    section(html, Key::DropsRefused, Some(fill(key, &[("since", &clock(&refusals.since))])));
    if !refusals.by_reason.is_empty() {
        table(html, Key::DropsRefused, 1, &[t(Key::DropsReason), t(Key::DropsEvents), t(Key::DropsLast)]);
        for Refusal { reason, events, last, field } in &refusals.by_reason {
            html.raw(r#"<tr><th scope="row">"#).text(t(words(*reason).0)).raw(r#"</th><td class="figure">"#).text(format::number(*events));
            html.raw(r#"</td><td class="figure">"#).text(clock(last));
            if let Some(field) = field {
                html.raw(r#" <span class="note">"#).text(fill(Key::DropsField, &[("field", field)])).raw("</span>");
            }
            html.raw("</td></tr>");
            meaning(html, *reason);
        }
        html.raw("</tbody></table></div>");
    }
    html.raw("</section>");
}

/// All reasons there are, to look one up.
fn every_reason(html: &mut Html) {
    html.raw(r#"<details class="sheet-part"><summary class="more">"#)
        .text(t(Key::DropsEveryReason))
        .raw(r#"</summary><dl class="sheet-list">"#);
    for reason in DropReason::ALL {
        let (name, text) = words(*reason);
        html.raw("<dt>").text(t(name)).raw(" <code>").text(reason.code()).raw("</code></dt><dd>").text(t(text)).raw("</dd>");
    }
    html.raw("</dl></details>");
}

/// What a reason is called, and what it means and what to do about it.
const fn words(reason: DropReason) -> (Key, Key) {
    match reason {
        DropReason::Invalid => (Key::ReasonInvalid, Key::ReasonInvalidText),
        DropReason::UnknownDomain => (Key::ReasonUnknownDomain, Key::ReasonUnknownDomainText),
        DropReason::RateLimited => (Key::ReasonRateLimited, Key::ReasonRateLimitedText),
        DropReason::ShieldHost => (Key::ReasonShieldHost, Key::ReasonShieldHostText),
        DropReason::ShieldIp => (Key::ReasonShieldIp, Key::ReasonShieldIpText),
        DropReason::ShieldPath => (Key::ReasonShieldPath, Key::ReasonShieldPathText),
        DropReason::ShieldCountry => (Key::ReasonShieldCountry, Key::ReasonShieldCountryText),
        DropReason::DuplicateId => (Key::ReasonDuplicateId, Key::ReasonDuplicateIdText),
        DropReason::NoVisit => (Key::ReasonNoVisit, Key::ReasonNoVisitText),
        DropReason::Undecodable => (Key::ReasonUndecodable, Key::ReasonUndecodableText),
        DropReason::RefusedByStore => (Key::ReasonRefusedByStore, Key::ReasonRefusedByStoreText),
    }
}

/// What a class of bots is called; those of `data/bots.json`.
fn bot_class(class: &str) -> Option<Key> {
    Some(match class {
        "ai" => Key::BotsAi,
        "headless" => Key::BotsHeadless,
        "monitor" => Key::BotsMonitor,
        "preview" => Key::BotsPreview,
        "feed" => Key::BotsFeed,
        "library" => Key::BotsLibrary,
        "scanner" => Key::BotsScanner,
        "crawler" => Key::BotsCrawler,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use footfall_model::{
        Interval, LogName, Position,
        report::{DropBucket, Meta},
    };

    use super::*;

    fn some() -> Drops {
        let bucket = |time: &str, dropped| DropBucket { time: time.to_owned(), partial: false, dropped };
        Drops {
            interval: Interval::Day,
            buckets: vec![
                bucket("2026-11-20", vec![(DropReason::DuplicateId, 2)]),
                bucket("2026-11-21", vec![(DropReason::NoVisit, 5), (DropReason::DuplicateId, 1)]),
            ],
            counted: 90,
            bots: vec![("ai".to_owned(), 2), ("new".to_owned(), 0)],
            newest: vec![DroppedRecord {
                time: "2026-11-21 14:05:00".to_owned(),
                name: "engagement".to_owned(),
                hostname: "a.org".to_owned(),
                path: "/<script>".to_owned(),
                reason: DropReason::NoVisit,
            }],
            dead_letters: 0,
            newest_dead_letters: Vec::new(),
            meta: Meta::default(),
        }
    }

    fn page(drops: Result<Drops, AppError>) -> String {
        super::drops("a.org", &ViewQuery::parse("period=7d"), drops, None).into_string()
    }

    #[test]
    fn shares_are_of_all_that_arrived() {
        let text = page(Ok(some()));
        assert!(text.contains("Of 100 records that arrived, 90.0% count."), "{text}");
        assert!(text.contains(r#"aria-label="Dropped: 8 in all. Most: 6 (Sat 21 Nov 2026).""#), "{text}");
        let reasons = text.find("No live visit").unwrap();
        assert!(text[reasons..].contains(r#"<td class="figure">5</td><td class="figure">5.0%</td>"#), "{text}");
        assert!(text.contains("/&lt;script&gt;") && !text.contains("<script>"));
        assert!(text.contains(r#"href="/a.org?period=7d""#));
    }

    #[test]
    fn dead_letters_say_where_they_stand() {
        let letter = DeadLetter {
            time: "2026-11-20 08:12:00".to_owned(),
            reason: DropReason::RefusedByStore,
            position: Position { log: LogName::Import, generation: 1, partition: 2, offset: 48_211 },
        };
        let text = page(Ok(Drops { dead_letters: 1, newest_dead_letters: vec![letter], ..some() }));
        assert!(text.contains("20 Nov, 08:12") && text.contains("<code>page_views_import/1/2/48211</code>"), "{text}");
        assert!(text.contains("Of 101 records that arrived"), "{text}");
    }

    #[test]
    fn what_was_refused_is_known_where_events_come_in() {
        let of = |refusals: Option<&Refusals>| drops("a.org", &ViewQuery::default(), Ok(some()), refusals).into_string();
        assert!(of(None).contains("footfall_collect_events_dropped_total"));
        let none = Refusals { since: "2026-11-19 07:30:00".to_owned(), by_reason: Vec::new() };
        assert!(of(Some(&none)).contains("No event was refused since the server started, 19 Nov, 07:30."));
        let refusal = Refusal { reason: DropReason::Invalid, events: 14, last: "2026-11-21 13:58:00".to_owned(), field: Some("path") };
        let text = of(Some(&Refusals { by_reason: vec![refusal], ..none }));
        assert!(text.contains("21 Nov, 13:58") && text.contains("field path"), "{text}");
    }

    #[test]
    fn nothing_leads_to_all_time() {
        let nothing = Drops { buckets: Vec::new(), counted: 0, bots: Vec::new(), newest: Vec::new(), ..some() };
        let text = page(Ok(nothing));
        assert!(text.contains(r#"href="/a.org/drops?period=all""#) && !text.contains("chart-frame"), "{text}");
        assert!(page(Err(AppError::StoreAway { detail: String::new() })).contains("The analytics store is away"));
    }

    #[test]
    fn every_reason_has_its_own_words() {
        let names: std::collections::BTreeSet<_> = DropReason::ALL.iter().map(|reason| t(words(*reason).0)).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
        assert!(DropReason::ALL.iter().all(|reason| t(words(*reason).1).ends_with('.')));
    }
}
