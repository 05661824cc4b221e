//! The steps of the pipeline, in its order.

use std::borrow::Cow;

use chrono::DateTime;
use footfall_enrich::{
    agent::device_of_viewport,
    referrer, source as sources, text as free_text,
    url::{self, UrlError, UrlOptions},
    visitor::{Previous, carries_previous},
};
use footfall_model::{DropReason, Revenue};
use uuid::Uuid;

use super::{
    fault::Fault,
    fields::{amount, flag, language, object, size, text, whole},
    pipeline::Draft,
    wire::Loose,
};

/// Ids, names and keys of properties.
const MAX_NAME: usize = 300;
const MAX_PROPS: usize = 30;
const MAX_PROP: usize = 2_000;
/// Longer titles are cut.
const MAX_TITLE: usize = 1_000;
/// Addresses: a path is at most 2,000 bytes, a query string may be long. Beyond, no browser goes along.
const MAX_ADDRESS: usize = 32 << 10;
/// 2000-01-01T00:00:00Z
const FIRST_MS: i64 = 946_684_800_000;
/// Clocks run ahead.
const AHEAD_MS: i64 = 5 * 60_000;
/// Nobody is engaged for more than a day at a time.
const MAX_ENGAGEMENT_MS: u32 = 86_400_000;

/// The domain is measured here.
pub fn domain(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if draft.site.is_some() {
        return Ok(());
    }
    match text("domain", &draft.wire.domain, MAX_NAME)? {
        Some(_) => Err(Fault::UnknownDomain),
        None => Err(Fault::invalid("domain", "is missing; send the name of the measured domain")),
    }
}

/// Only a key of the domain, or an import, may set time, address and user agent.
pub fn permission(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if draft.wire.is_privileged() && !draft.is_trusted() { Err(Fault::KeyRequired) } else { Ok(()) }
}

/// When it happened, where from and with what: the sender's, or what is given.
pub fn time(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let now = draft.sender.now_ms;
    if let Some(given) = text("timestamp", &draft.wire.timestamp, MAX_NAME)? {
        let parsed = DateTime::parse_from_rfc3339(given);
        let ts = parsed.map_err(|_| Fault::invalid("timestamp", "must be RFC 3339, such as 2026-01-31T12:00:00Z"))?.timestamp_millis();
        if !(FIRST_MS..=now + AHEAD_MS).contains(&ts) {
            return Err(Fault::TimestampOutOfRange);
        }
        draft.record.ts = ts;
    } else if draft.sender.import.is_some() {
        return Err(Fault::invalid("timestamp", "is missing; every line of an import says when it happened, such as 2026-01-31T12:00:00Z"));
    }
    if let Some(given) = text("ip", &draft.wire.ip, MAX_NAME)? {
        draft.address = given.parse().map_err(|_| Fault::invalid("ip", "must be an IPv4 or IPv6 address"))?;
    }
    if let Some(given) = text("userAgent", &draft.wire.user_agent, MAX_ADDRESS)? {
        draft.user_agent = Cow::Owned(given.as_bytes().to_vec());
    }
    Ok(())
}

/// Host name and path, and what the query string says of a campaign.
pub fn page(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let options = UrlOptions { keep_fragment: flag("hash", &draft.wire.hash)?.unwrap_or(false), kept_params: &[] };
    let address = text("url", &draft.wire.url, MAX_ADDRESS)?;
    // A path that is given but blank is the root.
    let path = text("path", &draft.wire.path, MAX_ADDRESS)?.or(matches!(draft.wire.path, Loose::Text(_)).then_some("/"));
    let refuse = |field: &'static str| move |error: UrlError| Fault::invalid(field, error.to_string());
    let page = match (address, path) {
        (Some(address), path) => {
            let mut page = url::from_url(address, options).map_err(refuse("url"))?;
            if let Some(path) = path {
                page.path = url::from_path(path, options).map_err(refuse("path"))?.path;
            }
            page
        }
        (None, Some(path)) => url::from_path(path, options).map_err(refuse("path"))?,
        (None, None) => return Err(Fault::invalid("path", "is missing; send path or url")),
    };
    draft.record.hostname = page.hostname.unwrap_or_else(|| draft.domain().to_owned());
    draft.record.path = page.path;
    draft.campaign = page.campaign;
    Ok(())
}

/// Where the visitor came from.
pub fn source(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let referrer = text("referrer", &draft.wire.referrer, MAX_ADDRESS)?;
    let record = &mut draft.record;
    let referrer = referrer.and_then(|referrer| referrer::parse(referrer, &record.hostname));
    record.source = sources::source(&draft.campaign, referrer.as_ref());
    record.referrer = referrer.map_or_else(String::new, |referrer| referrer.text);
    let campaign = std::mem::take(&mut draft.campaign);
    record.utm_source = campaign.utm_source;
    record.utm_medium = campaign.utm_medium;
    record.utm_campaign = campaign.utm_campaign;
    record.utm_content = campaign.utm_content;
    record.utm_term = campaign.utm_term;
    campaign.click_id.clone_into(&mut record.click_id);
    Ok(())
}

/// Browser, operating system, device.
pub fn agent(draft: &mut Draft<'_>) -> Result<(), Fault> {
    // A server that sends with a key describes itself in its header, not the visitor.
    let is_visitors = draft.wire.user_agent != Loose::None || !draft.is_trusted();
    if is_visitors {
        draft.agent = draft.sender.enricher.agent(&draft.user_agent);
    }
    let viewport = size("viewport", &draft.wire.viewport)?;
    let (agent, record) = (&draft.agent, &mut draft.record);
    record.browser.clone_from(&agent.browser);
    record.browser_version.clone_from(&agent.browser_version);
    record.os.clone_from(&agent.os);
    record.os_version.clone_from(&agent.os_version);
    let device = if agent.device.is_empty() { viewport.map_or("", |(width, _)| device_of_viewport(width)) } else { agent.device };
    device.clone_into(&mut record.device);
    Ok(())
}

/// A person, or which kind of program.
pub fn bot(draft: &mut Draft<'_>) -> Result<(), Fault> {
    draft.agent.bot.clone_into(&mut draft.record.bot);
    Ok(())
}

/// Country, and region and city where there is a database for them.
pub fn place(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let place = draft.sender.enricher.place(draft.address);
    draft.record.country = place.country;
    draft.record.region = place.region;
    draft.record.city = place.city;
    Ok(())
}

/// What the domain refuses.
pub fn shields(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let Some(site) = draft.site else { return Ok(()) };
    let (shields, record) = (&site.shields, &draft.record);
    let reason = if shields.refuses_host(&record.hostname) {
        DropReason::ShieldHost
    } else if shields.refuses_address(draft.address) {
        DropReason::ShieldIp
    } else if shields.refuses_path(&record.path) {
        DropReason::ShieldPath
    } else if shields.refuses_country(&record.country) {
        DropReason::ShieldCountry
    } else {
        return Ok(());
    };
    Err(Fault::Shielded(reason))
}

/// Properties and revenue.
pub fn properties(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if let Some(members) = object("props", &draft.wire.props)? {
        if members.len() > MAX_PROPS {
            return Err(Fault::invalid("props", format!("has more than {MAX_PROPS} properties")));
        }
        for (key, value) in members {
            if key.is_empty() || key.len() > MAX_NAME {
                return Err(Fault::invalid("props", format!("has a name that is empty or longer than {MAX_NAME} bytes")));
            }
            let value = match value {
                Loose::None => continue,
                Loose::Text(text) => free_text::neutral(text).into_owned(),
                Loose::Number(number) => number.to_string(),
                Loose::Bool(flag) => flag.to_string(),
                Loose::Object(_) | Loose::Other => {
                    return Err(Fault::invalid("props", "holds values that are not a string, number or boolean"));
                }
            };
            if value.len() > MAX_PROP {
                return Err(Fault::invalid("props", format!("has a value longer than {MAX_PROP} bytes")));
            }
            draft.record.props.insert(free_text::neutral(key).into_owned(), value);
        }
    }
    draft.record.revenue = revenue(&draft.wire.revenue)?;
    Ok(())
}

fn revenue(value: &Loose<'_>) -> Result<Option<Revenue>, Fault> {
    let Some(members) = object("revenue", value)? else { return Ok(None) };
    let member = |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let amount = member("amount").and_then(amount);
    let currency = match member("currency") {
        Some(Loose::Text(code)) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            Some(code.to_ascii_uppercase())
        }
        _ => None,
    };
    match (amount, currency) {
        (Some(amount), Some(currency)) => Ok(Some(Revenue { amount, currency })),
        _ => Err(Fault::invalid("revenue", "must be {\"amount\": 19.99, \"currency\": \"EUR\"}")),
    }
}

/// Keyed hashes: visitor, session, user, and the visitor's of yesterday just after midnight.
pub fn visitor(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let session_id = text("sessionId", &draft.wire.session_id, MAX_NAME)?;
    // Checked and not kept: engaged time and scroll depth belong to a page of a visit, and both say which page by its path.
    text("pageId", &draft.wire.page_id, MAX_NAME)?;
    let user_id = text("userId", &draft.wire.user_id, MAX_NAME)?;
    let salts = draft.sender.keying.of_event(draft.record.ts, draft.sender.now_ms);
    let (site, record) = (draft.record.site, &mut draft.record);
    record.visitor = salts.own.visitor(site, draft.address, &draft.user_agent);
    record.session = session_id.map(|id| salts.own.session(site, id));
    record.user = user_id.map(|id| draft.sender.user_key.user(site, id));
    if let Some(before) = salts.previous.filter(|_| carries_previous(record.ts)) {
        let previous = Previous {
            visitor: before.visitor(site, draft.address, &draft.user_agent),
            session: session_id.map(|id| before.session(site, id)),
        };
        record.previous = salts.seal.seal_previous(site, record.visitor, previous);
    }
    Ok(())
}

/// All that is left: name, id, title, language, screen, engagement.
pub fn validate(draft: &mut Draft<'_>) -> Result<(), Fault> {
    let (wire, record) = (draft.wire, &mut draft.record);
    if let Some(id) = text("id", &wire.id, MAX_NAME)? {
        let id = Uuid::parse_str(id).ok().filter(|id| !id.is_nil());
        record.id = id.ok_or_else(|| Fault::invalid("id", "must be a UUID"))?;
        record.id_given = true;
    }
    match text("name", &wire.name, MAX_NAME)? {
        Some(name) => record.name = free_text::neutral(name).into_owned(),
        None if matches!(wire.name, Loose::Text(_)) => return Err(Fault::invalid("name", "is empty")),
        None => {}
    }
    if record.revenue.is_some() && (record.is_pageview() || record.is_engagement()) {
        return Err(Fault::invalid("revenue", "belongs to a custom event; give the event a name"));
    }
    let interactive = flag("interactive", &wire.interactive)?.unwrap_or(true);
    record.interactive = interactive || record.is_pageview();
    if let Some(title) = text("title", &wire.title, MAX_ADDRESS)? {
        record.title = free_text::tidy(title, MAX_TITLE);
    }
    if let Some(tag) = text("language", &wire.language, MAX_NAME)? {
        record.language = language(tag);
    }
    if let Some((width, height)) = size("screen", &wire.screen)? {
        record.screen = format!("{width}x{height}");
    }
    if let Some(engaged) = whole("engagementMs", &wire.engagement_ms, MAX_ENGAGEMENT_MS)? {
        record.engagement_ms = engaged;
    }
    if let Some(depth) = whole("scrollDepth", &wire.scroll_depth, 100)? {
        record.scroll_depth = u8::try_from(depth).unwrap_or(100);
    }
    Ok(())
}
