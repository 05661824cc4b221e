//! What the bar says of a domain: its segments, its properties, and which days a period can be compared with. And segments, made and changed.

use chrono::Utc;
use footfall_app::{
    backend::{Look, Offered, Segment},
    filter::AnyOf,
    settings,
    types::{AppError, Compare, Viewer},
};
use footfall_meta::List;
use footfall_query::{period, range::local};
use serde_json::{Value, json};

use super::{
    ServerBackend, compared_with, failed, filters,
    seen::Seen,
    settings::{invalid, refused},
};
use crate::{
    auth::SiteScope,
    settings::{self as checked, Wrong},
};

impl ServerBackend {
    pub(super) async fn offered_of(&self, seen: &Seen, look: Look<'_>) -> Result<Offered, AppError> {
        let (meta, site) = (&self.app.meta, seen.scope.site());
        let (segments, props) =
            tokio::try_join!(meta.segments_of(site, seen.person), meta.list_of(site, List::Properties)).map_err(failed)?;
        // What the owner calls parts of the audience is nobody else's.
        let segments: Vec<Segment> = segments.into_iter().filter(|_| seen.is_own).map(shown).collect();
        Ok(Offered { places: self.names_of(places(look.filters, &segments)).await, segments, props, compared: compared(&seen.scope, look) })
    }

    pub(super) async fn segment_of(
        &self,
        viewer: &Viewer,
        scope: &SiteScope,
        name: &str,
        personal: bool,
        asked: &[AnyOf],
    ) -> Result<i64, AppError> {
        let name = checked::name(name).map_err(invalid)?;
        let known = self.app.meta.segments_of(scope.site(), viewer.user).await.map_err(failed)?;
        // A segment names no other: what another one consists of takes its place.
        let filters = filters(asked);
        let filters: Vec<Value> = filters.iter().flat_map(|filter| plain(filter, &known)).collect();
        let owner = viewer.user.filter(|_| personal);
        self.create_segment(scope, owner, &name, filters).await
    }

    /// Makes a segment of filters that questions understand.
    async fn create_segment(&self, scope: &SiteScope, owner: Option<uuid::Uuid>, name: &str, filters: Vec<Value>) -> Result<i64, AppError> {
        let goals = checked::for_questions(&self.app.meta, scope.site(), None).await.map_err(failed)?;
        checked::filters(&filters, &goals).map_err(invalid)?;
        let made = checked::add_segment(&self.app.meta, scope.site(), owner, name, filters).await;
        made.map(|made| made.id).map_err(|error| refused("name", error))
    }

    /// Names a segment anew, or makes one again that was removed.
    pub(super) async fn set_segment(
        &self,
        viewer: &Viewer,
        scope: &SiteScope,
        asked: &settings::Segment,
    ) -> Result<settings::Segment, AppError> {
        let name = checked::name(&asked.name).map_err(invalid)?;
        if asked.id.is_empty() {
            let refused = |fault: serde_json::Error| invalid(Wrong { field: "filters", text: format!("are not JSON: {fault}") });
            let filters: Vec<Value> = serde_json::from_str(&asked.filters).map_err(refused)?;
            self.create_segment(scope, viewer.user.filter(|_| asked.personal), &name, filters).await?;
            return Ok(settings::Segment { name, ..asked.clone() });
        }
        let gone = || AppError::Invalid { field: "id".to_owned(), message: "that segment is no longer there; choose another".to_owned() };
        let id = asked.id.parse().map_err(|_| gone())?;
        let changed = self.app.meta.change_segment(scope.site(), viewer.user, id, Some(name), None).await.map_err(failed)?;
        changed.map(listed).ok_or_else(gone)
    }
}

/// As the settings list it.
pub(super) fn listed(segment: footfall_meta::Segment) -> settings::Segment {
    settings::Segment {
        id: segment.id.to_string(),
        name: segment.name,
        personal: segment.owner.is_some(),
        filters: Value::Array(segment.filters).to_string(),
    }
}

fn shown(segment: footfall_meta::Segment) -> Segment {
    Segment { id: segment.id, name: segment.name, personal: segment.owner.is_some(), filters: segment.filters }
}

/// The places that filters name by code, and so do those of the segments that they apply.
fn places(filters: &[AnyOf], segments: &[Segment]) -> Vec<(String, String)> {
    let all = || filters.iter().flat_map(AnyOf::filters);
    let applied = |segment: &&Segment| all().any(|filter| filter.segment().is_some() && filter.values.contains(&segment.id.to_string()));
    let of_segments: Vec<AnyOf> =
        segments.iter().filter(applied).flat_map(|segment| segment.filters.iter().filter_map(AnyOf::of_language)).collect();
    let named = all().chain(of_segments.iter().flat_map(AnyOf::filters)).filter(|filter| ["region", "city"].contains(&&*filter.field));
    named.flat_map(|filter| filter.values.iter().map(|value| (filter.field.clone(), value.clone()))).collect()
}

/// What a period can be compared with.
fn compared(scope: &SiteScope, look: Look<'_>) -> Vec<(Compare, [String; 2])> {
    let zone = scope.info().timezone;
    // All time begins nowhere in particular: it has nothing before it.
    let range = period::resolve(look.period, zone, Utc::now().timestamp_millis(), None);
    let of = |choice: Compare| {
        let then = period::compared(look.period, range, &compared_with(&choice)?, zone)?;
        Some((choice, [then.from, then.to].map(|ms| local(ms, zone).format("%Y-%m-%d %H:%M:%S").to_string())))
    };
    let custom = Some(look.compare).filter(|choice| matches!(choice, Compare::Custom { .. }));
    Compare::NAMED.iter().chain(custom).cloned().filter_map(of).collect()
}

/// A filter that names no segment. What a number is none of stays, and is refused.
fn plain(filter: &Value, known: &[footfall_meta::Segment]) -> Vec<Value> {
    let parts = filter.as_array().map(Vec::as_slice).unwrap_or_default();
    let all = |id: &Value| known.iter().find(|segment| Some(segment.id) == id.as_i64()).map(|segment| segment.filters.clone());
    match parts {
        [_, name, Value::Array(ids)] if name == "segment" => match ids.as_slice() {
            [id] => all(id).unwrap_or_else(|| vec![filter.clone()]),
            several => {
                let any: Option<Vec<Value>> = several.iter().map(|id| all(id).map(grouped)).collect();
                any.map_or_else(|| vec![filter.clone()], |any| vec![json!(["or", any])])
            }
        },
        [op, Value::Array(inner)] if op == "or" => {
            vec![json!(["or", inner.iter().map(|filter| grouped(plain(filter, known))).collect::<Vec<_>>()])]
        }
        _ => vec![filter.clone()],
    }
}

/// All of these as one filter.
fn grouped(mut filters: Vec<Value>) -> Value {
    if filters.len() == 1 { filters.remove(0) } else { json!(["and", filters]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_names_no_segment() {
        let filter = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let segment = |id, filters: &str| footfall_meta::Segment {
            id,
            owner: None,
            name: String::new(),
            filters: serde_json::from_str(filters).unwrap(),
            changed_at: Utc::now(),
        };
        let known = [segment(1, r#"[["is","a",["x"]]]"#), segment(2, r#"[["is","b",["y"]],["is","c",["z"]]]"#)];
        for (text, becomes) in [
            (r#"["is","visit:os",["X"]]"#, r#"[["is","visit:os",["X"]]]"#),
            (r#"["is","segment",[2]]"#, r#"[["is","b",["y"]],["is","c",["z"]]]"#),
            (r#"["is","segment",[1,2]]"#, r#"[["or",[["is","a",["x"]],["and",[["is","b",["y"]],["is","c",["z"]]]]]]]"#),
            (r#"["or",[["is","segment",[1]],["is","d",["w"]]]]"#, r#"[["or",[["is","a",["x"]],["is","d",["w"]]]]]"#),
            (r#"["is","segment",[3]]"#, r#"[["is","segment",[3]]]"#),
        ] {
            assert_eq!(Value::Array(plain(&filter(text), &known)), filter(becomes), "{text}");
        }
    }
}
