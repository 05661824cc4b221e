//! `POST /api/v2/{funnel,journey,retention}`: what people do one thing after another. Keys, ranges, filters and errors are those of
//! `POST /api/v2/query`.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use footfall_query::{behaviour::Identity, figures::percent, language::behaviour};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    question::Question,
    refusal::{QueryError, Refusal},
};
use crate::{
    App,
    analytics::{Analytics, Branch},
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(funnel)).routes(routes!(journey)).routes(routes!(retention))
}

/// A step of a funnel.
#[derive(Debug, Serialize, ToSchema)]
struct FunnelStep {
    /// Visitors who came so far.
    visitors: i64,
    /// In percent of those of the first step, 2 decimals.
    conversion_rate: f64,
    /// In percent of those of the step before, 2 decimals.
    step_rate: f64,
    /// Visitors of the step before who did not come so far.
    dropped: i64,
}

/// The steps of those with one value of the dimension.
#[derive(Debug, Serialize, ToSchema)]
struct FunnelRow {
    dimensions: Vec<String>,
    steps: Vec<FunnelStep>,
}

/// How far visitors come.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelBody {
    steps: Vec<FunnelStep>,
    /// With a dimension: by its value at the visitor's first first step, those with the most visitors first.
    results: Vec<FunnelRow>,
    /// First and last second that were looked at.
    date_range: [String; 2],
}

/// A page or an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Thing {
    /// The path of a pageview.
    Page(String),
    /// The name of another event.
    Event(String),
}

/// The beginning of visits' ways.
#[derive(Debug, Serialize, ToSchema)]
struct JourneyBranch {
    /// From the start on; backwards what came before.
    path: Vec<Thing>,
    /// Visits that went so far.
    visits: i64,
    /// Of these, those that went no further.
    ended: i64,
}

/// What visits did next.
#[derive(Debug, Serialize, ToSchema)]
pub struct JourneyBody {
    /// Visits that were at the start.
    visits: i64,
    /// By length, then those with the most visits first.
    results: Vec<JourneyBranch>,
    /// First and last second that were looked at.
    date_range: [String; 2],
}

/// People who first came in a period.
#[derive(Debug, Serialize, ToSchema)]
struct RetentionPeriod {
    /// First day of the period.
    period: String,
    people: i64,
    /// By user ids: people who came back 0, 1, 2 … periods later. By visitor ids: all, and those with more than one visit.
    returned: Vec<i64>,
}

/// Who comes back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionBody {
    /// `user` or `visitor`: by what people were known again.
    identity: &'static str,
    /// What that means.
    explanation: &'static str,
    results: Vec<RetentionPeriod>,
    /// First and last second that were looked at.
    date_range: [String; 2],
}

const BY_USER: &str = "People are known by the user id that the site declares. Those without one are left out, and who first came before the range counts as new in it.";
const BY_VISITOR: &str = "Visitor ids change with the UTC day, so nobody is known again on another one: `returned` counts the visitors of a day, and those of them with \
                          more than one visit on it. A period of several days counts each day's visitors. Declare user ids to see who comes back later.";

fn answer(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn steps(visitors: &[i64]) -> Vec<FunnelStep> {
    let first = visitors.first().copied().unwrap_or(0);
    let before = std::iter::once(first).chain(visitors.iter().copied());
    let step = |(visitors, before): (&i64, i64)| FunnelStep {
        visitors: *visitors,
        conversion_rate: percent(visitors.unsigned_abs(), first.unsigned_abs()),
        step_rate: percent(visitors.unsigned_abs(), before.unsigned_abs()),
        dropped: before - visitors,
    };
    visitors.iter().zip(before).map(step).collect()
}

/// How far visitors come through a series of steps.
#[utoipa::path(post, path = "/api/v2/funnel", tag = "stats",
    request_body(content = Object, description = "site_id, date_range, steps: [filter, filter, …], order?: loose | strict, window?: 1d, filters?, dimensions?: [one], limit?: 100", content_type = "application/json"),
    responses((status = 200, body = FunnelBody), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 413, body = QueryError),
        (status = 429, body = QueryError), (status = 503, body = QueryError)))]
async fn funnel(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = Question::authorised(&app, &headers, body).await?;
    Ok(answer(funnel_answer(app.analytics()?, &question).await?))
}

/// Answers such a question.
///
/// # Errors
/// 400 for one that cannot be understood, 503 with the store away.
pub async fn funnel_answer(analytics: &Analytics, question: &Question) -> Result<FunnelBody, Refusal> {
    let asked = behaviour::funnel(&question.body, &question.settings, |value| question.dated(value)).map_err(Refusal::bad_request)?;
    let range = question.range(analytics).await?;
    let found = analytics.funnel(&question.scope, &asked, range).await?;
    let results = found.rows.iter().map(|(label, visitors)| FunnelRow { dimensions: vec![label.clone()], steps: steps(visitors) });
    Ok(FunnelBody { steps: steps(&found.all), results: results.collect(), date_range: question.bounds(range) })
}

/// What visits do after something, or did before it.
#[utoipa::path(post, path = "/api/v2/journey", tag = "stats",
    request_body(content = Object, description = "site_id, date_range, start?: entry | exit | filter, direction?: forward | backward, steps?: 3, filters?, limit?: 10", content_type = "application/json"),
    responses((status = 200, body = JourneyBody), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 413, body = QueryError),
        (status = 429, body = QueryError), (status = 503, body = QueryError)))]
async fn journey(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = Question::authorised(&app, &headers, body).await?;
    Ok(answer(journey_answer(app.analytics()?, &question).await?))
}

/// Answers such a question.
///
/// # Errors
/// 400 for one that cannot be understood, 503 with the store away.
pub async fn journey_answer(analytics: &Analytics, question: &Question) -> Result<JourneyBody, Refusal> {
    let asked = behaviour::journey(&question.body, &question.settings, |value| question.dated(value)).map_err(Refusal::bad_request)?;
    let range = question.range(analytics).await?;
    let (visits, found) = analytics.journey(&question.scope, &asked, range).await?;
    let thing = |text: String| match text.strip_prefix('!') {
        Some(name) => Thing::Event(name.to_owned()),
        None => Thing::Page(text),
    };
    let branch =
        |branch: Branch| JourneyBranch { path: branch.things.into_iter().map(thing).collect(), visits: branch.visits, ended: branch.ended };
    Ok(JourneyBody { visits, results: found.into_iter().map(branch).collect(), date_range: question.bounds(range) })
}

/// Who comes back.
#[utoipa::path(post, path = "/api/v2/retention", tag = "stats",
    request_body(content = Object, description = "site_id, date_range, interval?: day | week | month, identity?: user | visitor, filters?", content_type = "application/json"),
    responses((status = 200, body = RetentionBody), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 413, body = QueryError),
        (status = 429, body = QueryError), (status = 503, body = QueryError)))]
async fn retention(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let question = Question::authorised(&app, &headers, body).await?;
    Ok(answer(retention_answer(app.analytics()?, &question).await?))
}

/// Answers such a question.
///
/// # Errors
/// 400 for one that cannot be understood, 503 with the store away.
pub async fn retention_answer(analytics: &Analytics, question: &Question) -> Result<RetentionBody, Refusal> {
    let asked = behaviour::retention(&question.body, &question.settings, |value| question.dated(value)).map_err(Refusal::bad_request)?;
    let range = question.range(analytics).await?;
    let found = analytics.retention(&question.scope, &asked, range).await?;
    let (identity, explanation) = match found.identity {
        Identity::User => ("user", BY_USER),
        Identity::Visitor => ("visitor", BY_VISITOR),
    };
    let period =
        |(period, returned): (String, Vec<i64>)| RetentionPeriod { people: returned.first().copied().unwrap_or(0), period, returned };
    Ok(RetentionBody {
        identity,
        explanation,
        results: found.periods.into_iter().map(period).collect(),
        date_range: question.bounds(range),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_percent_of_the_first_and_of_the_one_before() {
        let found = steps(&[200, 3, 0]);
        let figures: Vec<(f64, f64, i64)> = found.iter().map(|step| (step.conversion_rate, step.step_rate, step.dropped)).collect();
        assert_eq!(figures, [(100.0, 100.0, 0), (1.5, 1.5, 197), (0.0, 0.0, 3)]);
        assert_eq!(steps(&[0, 0])[1].step_rate, 0.0);
    }
}
