//! Funnels, journeys and retention for the pages. They ask in the language of the API, which checks what is asked.

use chrono::Utc;
use footfall_app::{
    backend::Look,
    behaviour::{BehaviourQuery, Branch, Journeys, Retention, Start},
    filter::Filter,
    types::AppError,
};
use footfall_query::{
    Range,
    behaviour::Identity,
    language::{self, behaviour},
};
use serde_json::{Map, Value, json};

use super::{ServerBackend, asked_wrongly, away, failed, seen::Seen};
use crate::analytics;

/// Reads a question about behaviour.
type Read<T> = fn(&Map<String, Value>, &language::Settings, fn(&Value) -> Result<(), String>) -> Result<T, String>;

impl ServerBackend {
    pub(super) async fn funnel_of(&self, seen: &Seen, look: Look<'_>, query: &BehaviourQuery) -> Result<Vec<u64>, AppError> {
        let steps: Vec<Value> = query.steps.iter().map(step).collect();
        let order = if query.strict { "strict" } else { "loose" };
        let own = json!({ "steps": steps, "order": order, "window": query.window, "limit": 1 });
        let (range, asked) = self.behaviour(seen, look, own, behaviour::funnel).await?;
        let answer = self.app.analytics().map_err(away)?.funnel(&seen.scope, &asked, range).await.map_err(away)?;
        Ok(answer.all.into_iter().map(i64::unsigned_abs).collect())
    }

    pub(super) async fn journeys_of(&self, seen: &Seen, look: Look<'_>, query: &BehaviourQuery) -> Result<Journeys, AppError> {
        let start = match &query.start {
            Start::Entry => json!("entry"),
            Start::Exit => json!("exit"),
            Start::At(filter) => step(filter),
        };
        let own = json!({ "start": start, "direction": if query.backward { "backward" } else { "forward" } });
        let (range, asked) = self.behaviour(seen, look, own, behaviour::journey).await?;
        let (visits, branches) = self.app.analytics().map_err(away)?.journey(&seen.scope, &asked, range).await.map_err(away)?;
        let branch = |branch: analytics::Branch| Branch {
            things: branch.things,
            visits: branch.visits.unsigned_abs(),
            ended: branch.ended.unsigned_abs(),
        };
        Ok(Journeys { visits: visits.unsigned_abs(), branches: branches.into_iter().map(branch).collect() })
    }

    pub(super) async fn retention_of(&self, seen: &Seen, look: Look<'_>, query: &BehaviourQuery) -> Result<Retention, AppError> {
        let own = json!({ "interval": query.interval.code() });
        let (range, asked) = self.behaviour(seen, look, own, behaviour::retention).await?;
        let answer = self.app.analytics().map_err(away)?.retention(&seen.scope, &asked, range).await.map_err(away)?;
        let people = |people: Vec<i64>| people.into_iter().map(i64::unsigned_abs).collect();
        let periods = answer.periods.into_iter().map(|(label, counts)| (label, people(counts))).collect();
        Ok(Retention { by_user: answer.identity == Identity::User, periods })
    }

    /// A question with its own parts beside the filters, and its range.
    async fn behaviour<T>(&self, seen: &Seen, look: Look<'_>, own: Value, read: Read<T>) -> Result<(Range, T), AppError> {
        let known = crate::settings::for_questions(&self.app.meta, seen.scope.site(), seen.person).await.map_err(failed)?;
        let (scope, filters) = (&seen.scope, seen.filters(look));
        let mut body = json!({ "site_id": scope.info().domain.as_str(), "date_range": "custom", "filters": filters });
        if let (Some(body), Value::Object(own)) = (body.as_object_mut(), own) {
            body.extend(own);
        }
        let body = body.as_object().cloned().unwrap_or_default();
        let asked = read(&body, &known, |_| Ok(())).map_err(asked_wrongly)?;
        let range = self.app.analytics().map_err(away)?.range(scope, look.period, Utc::now().timestamp_millis()).await.map_err(away)?;
        Ok((range, asked))
    }
}

/// A step in the query language. A page is one that is viewed: other events happen on it as well.
fn step(filter: &Filter) -> Value {
    match filter.field.as_str() {
        "page" => json!(["and", [filter.in_language(), ["is", "event:name", ["pageview"]]]]),
        _ => filter.in_language(),
    }
}
