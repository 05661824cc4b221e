use chrono_tz::Tz;
use footfall_meta::{Figures, HourFigures, Meta, MetaError, NewKey, Reach, Role, Scope, ShieldKind, SiteChange};
use footfall_model::SiteId;
use uuid::Uuid;

use super::{at, domain, email, password};

pub async fn domains_are_unique_and_keep_their_id(meta: Meta) {
    let berlin: Tz = "Europe/Berlin".parse().unwrap();
    let site = meta.create_site(&domain("www.Example.org"), berlin, None).await.unwrap();
    assert_eq!(meta.site(site.id).await.unwrap().as_ref(), Some(&site));
    assert_eq!(meta.site_by_domain(&domain("example.org")).await.unwrap().as_ref(), Some(&site));
    let twice = meta.create_site(&domain("EXAMPLE.org"), Tz::UTC, None).await;
    assert!(matches!(twice, Err(MetaError::Taken(_))), "{twice:?}");

    let other = meta.create_site(&domain("another.net"), Tz::UTC, None).await.unwrap();
    let taken = meta.change_site(other.id, SiteChange { domain: Some(domain("example.org")), timezone: None }).await;
    assert!(matches!(taken, Err(MetaError::Taken(_))), "{taken:?}");
    let renamed = meta.change_site(site.id, SiteChange { domain: Some(domain("zebra.example")), timezone: None }).await.unwrap();
    assert_eq!((renamed.id, renamed.timezone, renamed.domain.as_str()), (site.id, berlin, "zebra.example"));
    let moved = meta.change_site(site.id, SiteChange { domain: None, timezone: Some(Tz::Asia__Tokyo) }).await.unwrap();
    assert_eq!((moved.timezone, moved.domain.as_str()), (Tz::Asia__Tokyo, "zebra.example"));
    let unknown = meta.change_site(SiteId(Uuid::new_v4()), SiteChange::default()).await;
    assert!(matches!(unknown, Err(MetaError::NotFound(_))));
    let names: Vec<_> = meta.sites().await.unwrap().into_iter().map(|site| site.domain.to_string()).collect();
    assert_eq!(names, ["another.net", "zebra.example"]);
}

pub async fn every_change_raises_the_version(meta: Meta) {
    let mut last = meta.config_version().await.unwrap();
    let mut rose = async |what: &str| {
        let now = meta.config_version().await.unwrap();
        assert!(now > last, "{what} left the version at {now}");
        last = now;
    };
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    rose("a new domain").await;
    meta.change_site(site.id, SiteChange { domain: None, timezone: Some(Tz::Asia__Tokyo) }).await.unwrap();
    rose("a changed domain").await;
    let shield = meta.create_shield(site.id, ShieldKind::Country, "AQ").await.unwrap();
    rose("a new shield").await;
    meta.delete_shield(site.id, shield.id).await.unwrap();
    rose("a removed shield").await;
    let new = NewKey { name: String::new(), scopes: vec![Scope::StatsRead], reach: Reach::Site(site.id), rate_limit_per_hour: None };
    let (key, _) = meta.create_key(new).await.unwrap();
    rose("a new key").await;
    meta.revoke_key(key.id).await.unwrap();
    rose("a revoked key").await;
    meta.delete_site(site.id).await.unwrap();
    rose("a removed domain").await;
}

pub async fn a_deleted_domain_is_remembered_for_purging(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    let new = NewKey { name: String::new(), scopes: vec![Scope::StatsRead], reach: Reach::Site(site.id), rate_limit_per_hour: None };
    let (_, text) = meta.create_key(new).await.unwrap();
    let hour_ms = at("2026-03-01T12:00:00Z").timestamp_millis();
    let hour = HourFigures { site: site.id, hour_ms, version: 1, total: Figures { pageviews: 3, ..Figures::default() }, paths: Vec::new() };
    meta.apply_rollup(std::slice::from_ref(&hour), None).await.unwrap();
    assert_eq!(meta.hourly_totals(site.id, hour_ms, hour_ms + 1).await.unwrap().len(), 1);

    meta.delete_site(site.id).await.unwrap();
    assert!(matches!(meta.delete_site(site.id).await, Err(MetaError::NotFound(_))));
    assert!(meta.site(site.id).await.unwrap().is_none());
    assert!(meta.key(&text, at("2026-03-01T12:00:00Z")).await.unwrap().is_none());
    assert!(meta.site_list().await.unwrap().sites.is_empty());
    meta.apply_rollup(&[hour], None).await.unwrap();
    assert!(meta.hourly_totals(site.id, hour_ms, hour_ms + 1).await.unwrap().is_empty(), "a late roll-up brought the domain back");
    let purged: Vec<_> = meta.sites_to_purge().await.unwrap().into_iter().map(|(site, _)| site).collect();
    assert_eq!(purged, [site.id]);
    meta.mark_site_purged(site.id).await.unwrap();
    assert!(meta.sites_to_purge().await.unwrap().is_empty());

    let again = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    assert_ne!(again.id, site.id, "old events must not appear under the new domain");
}

pub async fn keys_open_what_they_say_until_revoked(meta: Meta) {
    let now = at("2026-03-01T12:00:00Z");
    let owner = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let site = meta.create_site(&domain("example.org"), Tz::UTC, Some(owner.id)).await.unwrap();
    let new = NewKey {
        name: "grafana".into(),
        scopes: vec![Scope::StatsRead, Scope::EventsWrite],
        reach: Reach::Site(site.id),
        rate_limit_per_hour: Some(0),
    };
    let (made, text) = meta.create_key(new).await.unwrap();
    assert!(text.starts_with(&made.prefix) && made.prefix.starts_with("ff_") && text.len() > 40, "{text}");

    let found = meta.key(&text, now).await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.reach, found.rate_limit_per_hour, found.name.as_str()),
        (made.id, Reach::Site(site.id), Some(0), "grafana")
    );
    assert!(found.allows(Scope::EventsWrite) && !found.allows(Scope::SitesManage));
    assert_eq!(meta.keys().await.unwrap()[0].last_used_at, Some(now));
    for wrong in ["", "ff_", &text[..text.len() - 1], "Bearer x", "x"] {
        assert!(meta.key(wrong, now).await.unwrap().is_none(), "{wrong}");
    }

    let of_owner =
        NewKey { name: String::new(), scopes: vec![Scope::SitesManage], reach: Reach::Owner(owner.id), rate_limit_per_hour: None };
    let (second, second_text) = meta.create_key(of_owner).await.unwrap();
    assert_eq!(meta.key(&second_text, now).await.unwrap().unwrap().reach, Reach::Owner(owner.id));
    assert!(meta.revoke_key(made.id).await.unwrap());
    assert!(!meta.revoke_key(made.id).await.unwrap());
    assert!(meta.key(&text, now).await.unwrap().is_none());
    let kept: Vec<_> = meta.keys().await.unwrap().into_iter().map(|key| (key.id, key.revoked_at.is_some())).collect();
    assert_eq!(kept, [(made.id, true), (second.id, false)]);

    let nothing = NewKey { name: String::new(), scopes: Vec::new(), reach: Reach::Owner(owner.id), rate_limit_per_hour: None };
    assert!(matches!(meta.create_key(nothing).await, Err(MetaError::Refused(_))));
}

pub async fn shields_come_with_the_list(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    meta.create_site(&domain("another.net"), Tz::UTC, None).await.unwrap();
    let shield = meta.create_shield(site.id, ShieldKind::Ip, "10.0.0.0/8").await.unwrap();
    assert!(matches!(meta.create_shield(site.id, ShieldKind::Ip, "10.0.0.0/8").await, Err(MetaError::Taken(_))));
    let list = meta.site_list().await.unwrap();
    assert_eq!(list.version, meta.config_version().await.unwrap());
    let shown: Vec<_> = list.sites.iter().map(|site| (site.domain.as_str(), site.shields.len())).collect();
    assert_eq!(shown, [("another.net", 0), ("example.org", 1)]);
    assert_eq!(list.sites[1].shields, std::slice::from_ref(&shield));
    assert_eq!(meta.shields_of(site.id).await.unwrap(), [shield]);
}
