use std::collections::BTreeMap;

use chrono_tz::Tz;
use footfall_meta::{GoalKind, List, Meta, MetaError, NewGoal, NewLink, Role};
use serde_json::json;

use super::{at, domain, email, password};

fn goal(name: &str, kind: GoalKind) -> NewGoal {
    NewGoal { name: name.to_owned(), kind, props: BTreeMap::new(), currency: None }
}

pub async fn goals_are_kept_as_they_were_made(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    let other = meta.create_site(&domain("other.example"), Tz::UTC, None).await.unwrap();
    let wanted = [
        NewGoal {
            props: [("plan".to_owned(), "it's".to_owned())].into(),
            currency: Some("EUR".to_owned()),
            ..goal("Buy", GoalKind::Event("Purchase".to_owned()))
        },
        goal("Blog", GoalKind::Page("/blog/*".to_owned())),
        goal("Deep", GoalKind::Scroll { path: "/ü".to_owned(), depth: 100 }),
    ];
    let before = meta.config_version().await.unwrap();
    for goal in &wanted {
        assert_eq!(&meta.create_goal(site.id, goal.clone()).await.unwrap().goal, goal);
    }
    assert!(meta.config_version().await.unwrap() > before);
    let taken = meta.create_goal(site.id, goal("Blog", GoalKind::Event("x".to_owned()))).await;
    assert!(matches!(taken, Err(MetaError::Taken(_))), "{taken:?}");
    let elsewhere = meta.create_goal(other.id, wanted[1].clone()).await.unwrap();
    let found = meta.goals_of(site.id).await.unwrap();
    assert_eq!(found.iter().map(|goal| goal.goal.clone()).collect::<Vec<_>>(), wanted);
    assert!(!meta.delete_goal(site.id, elsewhere.id).await.unwrap(), "it is another domain's");
    assert!(meta.delete_goal(site.id, found[2].id).await.unwrap());
    assert!(!meta.delete_goal(site.id, found[2].id).await.unwrap());
    // A number is never given again: questions that were saved name it.
    assert!(meta.create_goal(site.id, wanted[2].clone()).await.unwrap().id > elsewhere.id);
    meta.delete_site(site.id).await.unwrap();
    assert_eq!((meta.goals_of(site.id).await.unwrap(), meta.goals_of(other.id).await.unwrap()), (vec![], vec![elsewhere]));
}

pub async fn segments_are_the_domains_or_a_persons(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    let ada = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap().id;
    let bob = meta.create_user(&email("bob@example.org"), &password(), Role::Owner).await.unwrap().id;
    let filters = vec![json!(["is", "event:page", ["/", "it's"], { "case_sensitive": false }])];
    let ours = meta.create_segment(site.id, None, "ours", filters.clone()).await.unwrap();
    let hers = meta.create_segment(site.id, Some(ada), "hers", filters.clone()).await.unwrap();
    assert_eq!(meta.segments_of(site.id, Some(ada)).await.unwrap(), [ours.clone(), hers.clone()]);
    assert_eq!(meta.segments_of(site.id, Some(bob)).await.unwrap(), std::slice::from_ref(&ours));
    assert_eq!(meta.segments_of(site.id, None).await.unwrap(), std::slice::from_ref(&ours));

    assert_eq!(meta.change_segment(site.id, Some(bob), hers.id, Some("his".to_owned()), None).await.unwrap(), None);
    let changed = meta.change_segment(site.id, Some(ada), hers.id, None, Some(vec![json!(["and", []])])).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.filters.as_slice()), ("hers", [json!(["and", []])].as_slice()));
    assert_eq!(meta.segments_of(site.id, Some(ada)).await.unwrap()[1], changed);
    assert!(!meta.delete_segment(site.id, Some(bob), hers.id).await.unwrap());
    meta.remove_user(ada).await.unwrap();
    assert_eq!(meta.segments_of(site.id, Some(ada)).await.unwrap(), std::slice::from_ref(&ours), "they go with their owner");
    assert!(meta.delete_segment(site.id, None, ours.id).await.unwrap());
}

pub async fn notes_and_lists_are_the_domains(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    let other = meta.create_site(&domain("other.example"), Tz::UTC, None).await.unwrap();
    let late = meta.create_annotation(site.id, at("2026-05-04T12:00:00.5Z"), "late").await.unwrap();
    let early = meta.create_annotation(site.id, at("2026-05-04T11:00:00Z"), "early").await.unwrap();
    assert_eq!(meta.annotations_of(site.id).await.unwrap(), [early.clone(), late.clone()]);
    assert!(!meta.delete_annotation(other.id, early.id).await.unwrap());
    assert!(meta.delete_annotation(site.id, early.id).await.unwrap());
    assert_eq!(meta.annotations_of(site.id).await.unwrap(), [late]);

    let set = async |list: &[&str]| {
        let list: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
        meta.change_list(site.id, List::Properties, |_| Ok(list)).await.unwrap()
    };
    set(&["plan", "size", "it's"]).await;
    assert_eq!(set(&["size", "plan"]).await, meta.list_of(site.id, List::Properties).await.unwrap());
    assert_eq!(meta.list_of(site.id, List::Properties).await.unwrap(), ["size", "plan"]);
    let refused = meta.change_list(site.id, List::Properties, |known| Err(MetaError::refused(known.join("+")))).await;
    assert_eq!(refused.unwrap_err().to_string(), MetaError::refused("size+plan").to_string());
    assert_eq!(meta.list_of(site.id, List::Properties).await.unwrap(), ["size", "plan"]);
    assert!(meta.list_of(other.id, List::Properties).await.unwrap().is_empty());
    // Another list of the domain is another one.
    meta.change_list(site.id, List::Routes, |_| Ok(vec!["/blog/:slug".to_owned()])).await.unwrap();
    assert_eq!(meta.list_of(site.id, List::Routes).await.unwrap(), ["/blog/:slug"]);
    assert_eq!(meta.list_of(site.id, List::Properties).await.unwrap(), ["size", "plan"]);
}

pub async fn a_shared_link_opens_one_domain_until_it_is_gone(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    let other = meta.create_site(&domain("other.example"), Tz::UTC, None).await.unwrap();
    let plain = |name: &str| NewLink { name: name.to_owned(), ..NewLink::default() };
    let open = meta.create_link(site.id, plain("open")).await.unwrap();
    let wanted =
        NewLink { password: Some(password()), expires_at: Some(at("2026-05-04T12:00:00Z")), segment: Some(7), ..plain("it's guarded") };
    let guarded = meta.create_link(site.id, wanted).await.unwrap();
    assert!(matches!(meta.create_link(site.id, plain("open")).await, Err(MetaError::Taken(_))));
    let elsewhere = meta.create_link(other.id, plain("open")).await.unwrap();
    assert_eq!(meta.links_of(site.id).await.unwrap(), [open.clone(), guarded.clone()]);
    assert_eq!(meta.link_by_slug(&guarded.slug).await.unwrap(), Some(guarded.clone()));
    assert_eq!((guarded.segment, guarded.is_over(at("2026-05-04T11:59:59Z"))), (Some(7), false));
    assert!(guarded.is_over(at("2026-05-04T12:00:00Z")) && !open.is_over(at("2999-01-01T00:00:00Z")));
    assert_eq!((open.slug.len(), open.slug == elsewhere.slug), (22, false));

    assert!(meta.opens(&guarded, "correct horse battery").await.unwrap());
    for (link, attempt) in [(&guarded, "correct horse"), (&guarded, ""), (&open, ""), (&open, "correct horse battery")] {
        assert!(!meta.opens(link, attempt).await.unwrap(), "{} {attempt}", link.name);
    }
    assert_eq!(meta.link_by_slug("").await.unwrap(), None);
    assert!(!meta.delete_link(site.id, elsewhere.id).await.unwrap(), "it is another domain's");
    assert!(meta.delete_link(site.id, open.id).await.unwrap() && !meta.delete_link(site.id, open.id).await.unwrap());
    assert_eq!(meta.link_by_slug(&open.slug).await.unwrap(), None);
    assert_ne!(meta.create_link(site.id, plain("open")).await.unwrap().slug, open.slug, "a new link is another one");
    meta.delete_site(site.id).await.unwrap();
    assert_eq!((meta.links_of(site.id).await.unwrap(), meta.links_of(other.id).await.unwrap()), (vec![], vec![elsewhere]));
}

pub async fn of_two_public_links_at_once_one_is_made(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    assert_eq!(meta.public_link_of(&site.domain).await.unwrap(), None);
    let public = |name: &str| meta.create_link(site.id, NewLink { name: name.to_owned(), is_public: true, ..NewLink::default() });
    let (one, two) = tokio::join!(public("one"), public("two"));
    let made = [one, two].into_iter().filter_map(Result::ok).collect::<Vec<_>>();
    assert_eq!(made.len(), 1);
    assert_eq!(meta.public_link_of(&site.domain).await.unwrap().as_ref(), made.first());
    assert!(meta.delete_link(site.id, made[0].id).await.unwrap());
    assert_eq!(meta.public_link_of(&site.domain).await.unwrap(), None);
}
