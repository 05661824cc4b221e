//! `/api/v1/sites` in the shape of Plausible's Sites API: domains, their goals, custom properties and shared links. PUTs find or create. Guests
//! come with teams.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use chrono_tz::Tz;
use footfall_meta::{ApiKey, Goal, GoalKind, List, MetaError, Reach, Scope, Site, SiteChange};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::media_type,
    domains,
    error::ApiError,
    refusal::{QueryError, Refusal},
};
use crate::{
    App,
    auth::{Caller, KeyFault, SiteScope, caller},
    links::{self, AskedLink, NotMade},
    settings::{self, AskedGoal, Wrong},
};

/// Entries of a page: the default and the most.
const ENTRIES: (usize, usize) = (100, 1_000);

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(goals, put_goal))
        .routes(routes!(remove_goal))
        .routes(routes!(properties, put_property, remove_named_property))
        .routes(routes!(remove_property))
        .routes(routes!(put_link))
        .routes(routes!(show, change, remove))
}

const NO_KEY: &str = "Missing API key. Please use a valid Footfall API key as a Bearer Token.";
const NO_SCOPE: &str = "Invalid API key. Please make sure you're using a valid API key with the scope sites:manage.";

/// A request of somebody who may manage domains: the key, and what was sent in address and body, which is JSON or a form.
struct Asked {
    key: ApiKey,
    sent: HashMap<String, Value>,
}

impl FromRequest<Arc<App>> for Asked {
    type Rejection = Refusal;

    /// Everything about the caller comes first.
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let key = caller::key_of(app, request.headers()).await.map_err(|fault| match fault {
            KeyFault::Missing | KeyFault::Unknown => Refusal::new(StatusCode::UNAUTHORIZED, NO_KEY),
            other => other.into(),
        })?;
        if !key.allows(Scope::SitesManage) {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, NO_SCOPE));
        }
        let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned();
        let mut sent: HashMap<String, Value> = query.map(|(name, value)| (name, Value::String(value))).collect();
        let is_form = media_type(request.headers()).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        let body = Bytes::from_request(request, app).await.map_err(|_| Refusal::bad_request("The body could not be read to its end."))?;
        if is_form {
            sent.extend(url::form_urlencoded::parse(&body).into_owned().map(|(name, value)| (name, Value::String(value))));
        } else if !body.is_empty() {
            let fields = serde_json::from_slice::<Map<String, Value>>(&body);
            sent.extend(fields.map_err(|fault| Refusal::bad_request(format!("The body is not a JSON object: {fault}.")))?);
        }
        Ok(Self { key, sent })
    }
}

impl Asked {
    fn text(&self, name: &str) -> Option<&str> {
        self.sent.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str, purpose: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::bad_request(format!("Parameter `{name}` is required to {purpose}")))
    }

    /// The domain of this name, if it is the caller's.
    async fn site(&self, app: &App, name: &str) -> Result<Site, Refusal> {
        let found = SiteScope::managed_by_name(app, &Caller::Key(Box::new(self.key.clone())), name).await?;
        found.map(|scope| scope.info().clone()).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Site could not be found"))
    }
}

/// As the protocol says which field is wrong.
fn said(Wrong { field, text }: Wrong) -> String {
    format!("{field}: {text}")
}

fn of_meta(error: MetaError) -> Refusal {
    match error {
        MetaError::Taken(text) | MetaError::Refused(text) => Refusal::bad_request(text),
        other => ApiError::from(other).into(),
    }
}

fn shown(site: &Site) -> Value {
    json!({ "domain": site.domain, "timezone": site.timezone.name() })
}

fn answer(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// A page of entries, newest first, by a cursor that is the id of the last one seen.
fn page<T>(entries: Vec<T>, id: impl Fn(&T) -> String, asked: &Asked) -> Result<(Vec<T>, Value), Refusal> {
    let limit = asked.text("limit").map_or(Ok(ENTRIES.0), str::parse);
    let limit = limit.ok().filter(|limit| (1..=ENTRIES.1).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::bad_request(format!("Please provide limit as a number between 1 and {}.", ENTRIES.1)))?;
    let place =
        |cursor: &str| entries.iter().position(|entry| id(entry) == cursor).ok_or_else(|| Refusal::bad_request("The cursor is unknown."));
    let from = match (asked.text("after"), asked.text("before")) {
        (Some(after), _) => place(after)? + 1,
        (None, Some(before)) => place(before)?.saturating_sub(limit),
        (None, None) => 0,
    };
    let to = match asked.text("before").filter(|_| asked.text("after").is_none()) {
        Some(before) => place(before)?,
        None => (from + limit).min(entries.len()),
    };
    let before = (from > 0 && from < to).then(|| id(&entries[from]));
    let after = (to < entries.len() && from < to).then(|| id(&entries[to - 1]));
    let shown: Vec<T> = entries.into_iter().skip(from).take(to - from).collect();
    Ok((shown, json!({ "after": after, "before": before, "limit": limit })))
}

/// The key's domains.
#[utoipa::path(get, path = "/api/v1/sites", tag = "sites",
    params(("after" = Option<String>, Query, description = "`meta.after` of the page before"), ("before" = Option<String>, Query, description = "`meta.before` of the page after"),
        ("limit" = Option<u64>, Query, description = "1 to 1,000; 100 by default")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 429, body = QueryError)))]
async fn list(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let mut sites = match asked.key.reach {
        Reach::Owner(owner) => app.meta.sites_of(owner).await.map_err(of_meta)?,
        Reach::Site(site) => app.meta.site(site).await.map_err(of_meta)?.into_iter().collect(),
    };
    sites.sort_by_key(|site| std::cmp::Reverse(site.id.0));
    let (sites, meta) = page(sites, |site| site.id.to_string(), &asked)?;
    Ok(answer(json!({ "sites": sites.iter().map(shown).collect::<Vec<_>>(), "meta": meta })))
}

/// Adds a domain.
#[utoipa::path(post, path = "/api/v1/sites", tag = "sites", request_body(content = Object, description = "`domain`, and `timezone` (Etc/UTC by default)"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 403, body = QueryError)))]
async fn add(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let Reach::Owner(owner) = asked.key.reach else {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "You can't add sites with the key of one site; use one for all sites of their owner.",
        ));
    };
    let domain = asked.text("domain").ok_or_else(|| Refusal::bad_request("domain: can't be blank"))?;
    let domain = domains::parse_domain(domain).map_err(|error| Refusal::bad_request(format!("domain: {}", error.message())))?;
    let timezone = match asked.text("timezone") {
        None => Tz::UTC,
        Some(name) => domains::parse_timezone(name).map_err(|error| Refusal::bad_request(format!("timezone: {}", error.message())))?,
    };
    match app.meta.create_site(&domain, timezone, Some(owner)).await {
        Ok(site) => Ok(answer(shown(&site))),
        Err(MetaError::Taken(text))
            if SiteScope::deleted_by_name(&app, asked.key.reach, domain.as_str()).await.map_err(of_meta)?.is_some() =>
        {
            Err(Refusal::bad_request(format!("domain: {text}")))
        }
        Err(MetaError::Taken(_)) => {
            Err(Refusal::bad_request("domain: This domain cannot be registered. Perhaps one of your colleagues registered it?"))
        }
        Err(other) => Err(of_meta(other)),
    }
}

/// One domain.
#[utoipa::path(get, path = "/api/v1/sites/{site_id}", tag = "sites", params(("site_id" = String, Path, description = "its name")),
    responses((status = 200, body = Object), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn show(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    let site = asked.site(&app, &name).await?;
    let properties = app.meta.list_of(site.id, List::Properties).await.map_err(of_meta)?;
    let mut answered = shown(&site);
    answered["custom_properties"] = json!(properties);
    Ok(answer(answered))
}

/// Renames a domain. For 72 hours events count under its former name too.
#[utoipa::path(put, path = "/api/v1/sites/{site_id}", tag = "sites", params(("site_id" = String, Path, description = "its name")),
    request_body(content = Object, description = "`domain`, its new name"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn change(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    let site = asked.site(&app, &name).await?;
    let domain = asked.text("domain").ok_or_else(|| Refusal::bad_request("domain: can't be blank"))?;
    let domain = domains::parse_domain(domain).map_err(|error| Refusal::bad_request(format!("domain: {}", error.message())))?;
    let changed = app.meta.change_site(site.id, SiteChange { domain: Some(domain), timezone: None }).await.map_err(of_meta)?;
    Ok(answer(shown(&changed)))
}

/// Deletes a domain. It can be restored for 7 days, or goes for good at once.
#[utoipa::path(delete, path = "/api/v1/sites/{site_id}", tag = "sites",
    params(("site_id" = String, Path, description = "its name"), ("for_good" = Option<bool>, Query, description = "`true`: at once and for good, also what was deleted before")),
    responses((status = 200, body = Object), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn remove(State(app): State<Arc<App>>, Path(name): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    let for_good = asked.sent.get("for_good").is_some_and(|value| *value == json!(true) || *value == json!("true"));
    let site = asked.site(&app, &name).await;
    if for_good && site.is_err() {
        let hidden = SiteScope::deleted_by_name(&app, asked.key.reach, &name).await.map_err(of_meta)?;
        if let Some(hidden) = hidden {
            app.meta.delete_hidden_site(hidden.site.id).await.map_err(of_meta)?;
            return Ok(deleted());
        }
    }
    let site = site?;
    if for_good {
        app.meta.delete_site(site.id).await.map_err(of_meta)?;
    } else {
        app.meta.hide_site(site.id, Utc::now()).await.map_err(of_meta)?;
    }
    Ok(deleted())
}

fn deleted() -> Response {
    answer(json!({ "deleted": true }))
}

fn shown_goal(Goal { id, goal }: &Goal) -> Value {
    let (kind, event, page, depth) = match &goal.kind {
        GoalKind::Event(name) => ("event", Some(name), None, None),
        GoalKind::Page(path) => ("page", None, Some(path), None),
        GoalKind::Scroll { path, depth } => ("page", None, Some(path), Some(*depth)),
    };
    let mut shown = json!({ "id": id, "display_name": goal.name, "goal_type": kind, "event_name": event, "page_path": page });
    if let Some(depth) = depth {
        shown["scroll_threshold"] = json!(depth);
    }
    if !goal.props.is_empty() {
        shown["custom_props"] = json!(goal.props);
    }
    shown
}

/// The goals of a domain.
#[utoipa::path(get, path = "/api/v1/sites/goals", tag = "sites", params(("site_id" = String, Query, description = "the domain's name")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn goals(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let site = asked.site(&app, asked.needed("site_id", "list goals")?).await?;
    let mut goals = app.meta.goals_of(site.id).await.map_err(of_meta)?;
    goals.reverse();
    let (goals, meta) = page(goals, |goal| goal.id.to_string(), &asked)?;
    Ok(answer(json!({ "goals": goals.iter().map(shown_goal).collect::<Vec<_>>(), "meta": meta })))
}

/// Finds or adds a goal.
#[utoipa::path(put, path = "/api/v1/sites/goals", tag = "sites",
    request_body(content = Object, description = "`site_id`, `goal_type` (`event` or `page`), `event_name` or `page_path`, and `display_name`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn put_goal(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let name = asked.needed("site_id", "create a goal")?;
    let kind = asked.needed("goal_type", "create a goal")?;
    let site = asked.site(&app, name).await?;
    let mut goal = AskedGoal { name: asked.text("display_name").map(str::to_owned), ..AskedGoal::default() };
    match kind {
        "event" => goal.event = Some(asked.needed("event_name", "create a goal")?.to_owned()),
        "page" => {
            goal.page = Some(asked.needed("page_path", "create a goal")?.to_owned());
            goal.scroll = asked.sent.get("scroll_threshold").and_then(|depth| depth.as_u64().or_else(|| depth.as_str()?.parse().ok()));
        }
        other => {
            let other = footfall_query::language::shortened(other);
            return Err(Refusal::bad_request(format!("Parameter `goal_type` is `{other}`; it is `event` or `page`")));
        }
    }
    if let Some(Value::Object(props)) = asked.sent.get("custom_props") {
        goal.props = props.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    }
    goal.currency = asked.text("currency").map(str::to_owned);
    let wanted = settings::goal(goal).map_err(|wrong| Refusal::bad_request(said(wrong)))?;
    let found = async || {
        let known = app.meta.goals_of(site.id).await.map_err(of_meta)?;
        Ok::<_, Refusal>(known.into_iter().find(|known| known.goal.kind == wanted.kind && known.goal.props == wanted.props))
    };
    let goal = match found().await? {
        Some(goal) => goal,
        None => match settings::add_goal(&app.meta, site.id, wanted.clone()).await {
            Ok(goal) => goal,
            // Somebody else may have been faster.
            Err(taken) => found().await?.ok_or_else(|| of_meta(taken))?,
        },
    };
    let mut shown = shown_goal(&goal);
    shown["domain"] = json!(site.domain);
    Ok(answer(shown))
}

/// Removes a goal.
#[utoipa::path(delete, path = "/api/v1/sites/goals/{goal_id}", tag = "sites", params(("goal_id" = i64, Path, description = "the goal")),
    request_body(content = Object, description = "`site_id`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn remove_goal(State(app): State<Arc<App>>, Path(goal): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    let site = asked.site(&app, asked.needed("site_id", "delete a goal")?).await?;
    let missing = || Refusal::new(StatusCode::NOT_FOUND, "Goal could not be found");
    let id = goal.parse().map_err(|_| missing())?;
    if app.meta.delete_goal(site.id, id).await.map_err(of_meta)? { Ok(deleted()) } else { Err(missing()) }
}

/// Finds or makes a shared link, by its name. One that is made opens the whole dashboard, without a password, until it is removed.
#[utoipa::path(put, path = "/api/v1/sites/shared-links", tag = "sites", request_body(content = Object, description = "`site_id` and `name`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn put_link(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let site_id = asked.needed("site_id", "create a shared link")?;
    let name = asked.needed("name", "create a shared link")?.trim();
    let site = asked.site(&app, site_id).await?;
    let found = async || {
        let known = app.meta.links_of(site.id).await.map_err(of_meta)?;
        Ok::<_, Refusal>(known.into_iter().find(|known| known.name == name))
    };
    let link = match found().await? {
        Some(link) => link,
        None => match links::add(&app.meta, &site, AskedLink { name: name.to_owned(), ..AskedLink::default() }).await {
            Ok(link) => link,
            Err(NotMade::Wrong(wrong)) => return Err(Refusal::bad_request(said(wrong))),
            // Somebody else may have been faster.
            Err(NotMade::Meta(taken)) => found().await?.ok_or_else(|| of_meta(taken))?,
        },
    };
    Ok(answer(json!({ "name": link.name, "url": links::address(&app, &link) })))
}

/// The custom properties of a domain.
#[utoipa::path(get, path = "/api/v1/sites/custom-props", tag = "sites", params(("site_id" = String, Query, description = "the domain's name")),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn properties(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let site = asked.site(&app, asked.needed("site_id", "list custom properties")?).await?;
    let properties = app.meta.list_of(site.id, List::Properties).await.map_err(of_meta)?;
    let shown: Vec<Value> = properties.iter().map(|property| json!({ "property": property })).collect();
    Ok(answer(json!({ "custom_properties": shown })))
}

/// Finds or adds a custom property.
#[utoipa::path(put, path = "/api/v1/sites/custom-props", tag = "sites", request_body(content = Object, description = "`site_id` and `property`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn put_property(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let name = asked.needed("site_id", "create a custom property")?;
    let property = asked.needed("property", "create a custom property")?;
    let site = asked.site(&app, name).await?;
    let with = |known| settings::with_property(known, property).map_err(|wrong| MetaError::refused(said(wrong)));
    app.meta.change_list(site.id, List::Properties, with).await.map_err(of_meta)?;
    Ok(answer(json!({ "created": true })))
}

/// Removes a custom property from what reports offer.
#[utoipa::path(delete, path = "/api/v1/sites/custom-props", tag = "sites", request_body(content = Object, description = "`site_id` and `property`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn remove_named_property(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    let property = asked.needed("property", "delete a custom property")?;
    without_property(&app, &asked, property).await
}

/// Removes a custom property from what reports offer.
#[utoipa::path(delete, path = "/api/v1/sites/custom-props/{property}", tag = "sites", params(("property" = String, Path, description = "its name")),
    request_body(content = Object, description = "`site_id`"),
    responses((status = 200, body = Object), (status = 400, body = QueryError), (status = 401, body = QueryError), (status = 404, body = QueryError)))]
async fn remove_property(State(app): State<Arc<App>>, Path(property): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    without_property(&app, &asked, &property).await
}

async fn without_property(app: &App, asked: &Asked, property: &str) -> Result<Response, Refusal> {
    let site = asked.site(app, asked.needed("site_id", "delete a custom property")?).await?;
    let without = |known: Vec<String>| Ok(known.into_iter().filter(|known| known != property).collect());
    app.meta.change_list(site.id, List::Properties, without).await.map_err(of_meta)?;
    Ok(deleted())
}
