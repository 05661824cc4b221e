use chrono::{SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use footfall_meta::{
    Figures, HourFigures, ImportState, List, Meta, MetaError, NewImport, NewKey, Reach, Role, Scope, SiteChange,
    imports::ImportStart,
    removal::{FORMER_FOR, KEPT},
};
use uuid::Uuid;

use super::{at, domain, email, password};

pub async fn a_deleted_domain_is_hidden_until_it_is_restored(meta: Meta) {
    let owner = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let site = meta.create_site(&domain("shop.example"), Tz::UTC, Some(owner.id)).await.unwrap();
    let new = NewKey { name: String::new(), scopes: vec![Scope::StatsRead], reach: Reach::Site(site.id), rate_limit_per_hour: None };
    let (_, key) = meta.create_key(new).await.unwrap();
    let version = meta.config_version().await.unwrap();
    let now = at("2026-03-01T12:00:00Z");
    assert_eq!(meta.hide_site(site.id, now).await.unwrap(), at("2026-03-08T12:00:00Z"));
    assert!(meta.config_version().await.unwrap() > version, "collectors have to hear of it");
    assert!(matches!(meta.hide_site(site.id, now).await, Err(MetaError::NotFound(_))), "twice");

    assert!(meta.site(site.id).await.unwrap().is_none() && meta.site_by_domain(&site.domain).await.unwrap().is_none());
    assert!(meta.sites().await.unwrap().is_empty() && meta.sites_of(owner.id).await.unwrap().is_empty());
    assert!(meta.site_list().await.unwrap().sites.is_empty());
    let change = SiteChange { domain: Some(domain("x.example")), timezone: None };
    assert!(matches!(meta.change_site(site.id, change.clone()).await, Err(MetaError::NotFound(_))));
    assert!(matches!(meta.clear_site(site.id, now).await, Err(MetaError::NotFound(_))));
    assert_eq!(meta.sites_with_data().await.unwrap(), std::slice::from_ref(&site));
    let deleted = meta.deleted_sites_of(owner.id).await.unwrap();
    assert_eq!((&deleted[0].site, deleted[0].deleted_at), (&site, now));
    assert_eq!(meta.deleted_site(site.id).await.unwrap().as_ref(), deleted.first());
    assert!(meta.deleted_sites_of(Uuid::new_v4()).await.unwrap().is_empty());

    // The name stays taken. Only who deleted it is told why.
    let text = |refused: Result<_, MetaError>| match refused {
        Err(MetaError::Taken(text)) => text,
        other => panic!("{other:?}"),
    };
    let own = text(meta.create_site(&site.domain, Tz::UTC, Some(owner.id)).await);
    assert!(own.contains("was deleted and is kept until 2026-03-08"), "{own}");
    let foreign = text(meta.create_site(&site.domain, Tz::UTC, None).await);
    assert!(foreign.starts_with("this domain is already measured here"), "{foreign}");
    let other = meta.create_site(&domain("other.example"), Tz::UTC, Some(owner.id)).await.unwrap();
    let renamed = SiteChange { domain: Some(site.domain.clone()), timezone: None };
    assert!(text(meta.change_site(other.id, renamed).await).contains("was deleted"));

    // Hours that were on their way are kept.
    let hour_ms = now.timestamp_millis();
    let hour = HourFigures { site: site.id, hour_ms, version: 1, total: Figures { pageviews: 3, ..Figures::default() }, paths: Vec::new() };
    meta.apply_rollup(&[hour], None).await.unwrap();
    meta.restore_site(site.id).await.unwrap();
    assert!(matches!(meta.restore_site(site.id).await, Err(MetaError::NotFound(_))), "twice");
    assert_eq!(meta.site(site.id).await.unwrap().as_ref(), Some(&site));
    assert_eq!(meta.hourly_totals(site.id, hour_ms, hour_ms + 1).await.unwrap().len(), 1);
    assert!(meta.key(&key, now).await.unwrap().is_some());
    assert!(meta.sites_to_purge().await.unwrap().is_empty());
}

pub async fn a_deleted_domain_goes_after_its_time(meta: Meta) {
    let now = at("2026-03-01T12:00:00Z");
    let names = ["a.example", "b.example", "c.example"];
    let mut sites = Vec::new();
    for name in names {
        sites.push(meta.create_site(&domain(name), Tz::UTC, None).await.unwrap());
    }
    meta.hide_site(sites[0].id, now).await.unwrap();
    meta.hide_site(sites[1].id, now + TimeDelta::hours(1)).await.unwrap();
    assert!(meta.delete_due_sites(now + KEPT - TimeDelta::seconds(1)).await.unwrap().is_empty());
    assert_eq!(meta.delete_due_sites(now + KEPT).await.unwrap(), [sites[0].id]);
    assert!(matches!(meta.restore_site(sites[0].id).await, Err(MetaError::NotFound(_))));
    meta.create_site(&domain(names[0]), Tz::UTC, None).await.unwrap();

    // At once, but only what is hidden.
    assert!(matches!(meta.delete_hidden_site(sites[2].id).await, Err(MetaError::NotFound(_))));
    meta.delete_hidden_site(sites[1].id).await.unwrap();
    let mut gone: Vec<_> = meta.sites_to_purge().await.unwrap().into_iter().map(|(site, _)| site).collect();
    gone.sort_unstable();
    let mut expected = vec![sites[0].id, sites[1].id];
    expected.sort_unstable();
    assert_eq!(gone, expected);
    assert!(meta.deleted_sites().await.unwrap().is_empty());
}

pub async fn of_two_at_once_one_restores_or_deletes(meta: Meta) {
    let site = meta.create_site(&domain("shop.example"), Tz::UTC, None).await.unwrap();
    let now = at("2026-03-01T12:00:00Z");
    let (one, other) = tokio::join!(meta.hide_site(site.id, now), meta.hide_site(site.id, now));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|done| **done).count(), 1);
    let (restored, deleted) = tokio::join!(meta.restore_site(site.id), meta.delete_hidden_site(site.id));
    assert_ne!(restored.is_ok(), deleted.is_ok(), "{restored:?} {deleted:?}");
    assert_eq!(meta.site(site.id).await.unwrap().is_some(), restored.is_ok());
    assert_eq!(meta.sites_to_purge().await.unwrap().len(), usize::from(deleted.is_ok()));
}

pub async fn a_former_name_counts_for_a_while(meta: Meta) {
    let site = meta.create_site(&domain("old.example"), Tz::UTC, None).await.unwrap();
    let to = async |name: &str| meta.change_site(site.id, SiteChange { domain: Some(domain(name)), timezone: None }).await.unwrap();
    assert_eq!(to("old.example").await.former, None, "no change is none");
    let renamed = to("new.example").await;
    let former = renamed.former.clone().unwrap();
    assert_eq!(former.domain, domain("old.example"));
    assert!(former.until > Utc::now() + FORMER_FOR - TimeDelta::minutes(1));
    assert_eq!(meta.site(site.id).await.unwrap(), Some(renamed));
    assert_eq!(meta.site_list().await.unwrap().sites[0].former.as_ref(), Some(&former));
    // Another zone leaves it alone, another name replaces it.
    let moved = meta.change_site(site.id, SiteChange { domain: None, timezone: Some(Tz::Asia__Tokyo) }).await.unwrap();
    assert_eq!(moved.former, Some(former.clone()));
    assert_eq!(to("newer.example").await.former.unwrap().domain, domain("new.example"));

    let version = meta.config_version().await.unwrap();
    assert!(!meta.forget_former_names(Utc::now()).await.unwrap());
    assert_eq!(meta.config_version().await.unwrap(), version);
    assert!(meta.forget_former_names(Utc::now() + FORMER_FOR + TimeDelta::seconds(1)).await.unwrap());
    assert!(meta.config_version().await.unwrap() > version, "collectors have to hear of it");
    assert_eq!(meta.site(site.id).await.unwrap().unwrap().former, None);
}

pub async fn a_cleared_domain_keeps_its_settings(meta: Meta) {
    let site = meta.create_site(&domain("shop.example"), Tz::UTC, None).await.unwrap();
    meta.change_list(site.id, List::Properties, |_| Ok(vec!["plan".to_owned()])).await.unwrap();
    let now = Utc::now().trunc_subsecs(3);
    let new = || NewImport { site: site.id, fingerprint: "x".to_owned(), lease_owner: Uuid::new_v4(), lease: TimeDelta::seconds(9) };
    let ImportStart::New(job) = meta.start_import(new(), now).await.unwrap() else { panic!("the first import") };
    assert!(matches!(meta.clear_site(site.id, now).await, Err(MetaError::Refused(_))), "half an import");
    meta.end_import(job.id, ImportState::Done, now).await.unwrap();

    let hour_ms = now.timestamp_millis() / 3_600_000 * 3_600_000;
    let hour = |hour_ms| HourFigures {
        site: site.id,
        hour_ms,
        version: 1,
        total: Figures { pageviews: 3, ..Figures::default() },
        paths: Vec::new(),
    };
    meta.apply_rollup(&[hour(hour_ms), hour(hour_ms - 3_600_000)], None).await.unwrap();
    meta.clear_site(site.id, now).await.unwrap();
    meta.forget_hours(site.id, now).await.unwrap();
    let hours: Vec<_> = meta.hourly_totals(site.id, 0, i64::MAX).await.unwrap().into_iter().map(|(hour, _)| hour).collect();
    assert_eq!(hours, [hour_ms], "the running hour is worked out anew");
    assert_eq!(meta.import(job.id).await.unwrap().unwrap().state, ImportState::Undone);
    assert_eq!(meta.list_of(site.id, List::Properties).await.unwrap(), ["plan"]);
    assert_eq!(meta.site(site.id).await.unwrap(), Some(site.clone()));

    assert_eq!(meta.sites_to_clear().await.unwrap(), [(site.id, now)]);
    // Once more meanwhile: what is done for the earlier moment is not done for the later one.
    let later = now + TimeDelta::seconds(5);
    meta.clear_site(site.id, later).await.unwrap();
    meta.mark_site_cleared(site.id, now).await.unwrap();
    assert_eq!(meta.sites_to_clear().await.unwrap(), [(site.id, later)]);
    meta.mark_site_cleared(site.id, later).await.unwrap();
    assert!(meta.sites_to_clear().await.unwrap().is_empty());
}
