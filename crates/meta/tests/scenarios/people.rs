use chrono::Duration;
use chrono_tz::Tz;
use footfall_meta::{Meta, MetaError, Password, Role, Setup};

use super::{at, domain, email, password};

pub async fn users_sign_in_whatever_the_case_of_their_address(meta: Meta) {
    let made = meta.create_user(&email("Ada@Example.org"), &password(), Role::Owner).await.unwrap();
    let found = meta.verify_login("ada@example.ORG", "correct horse battery").await.unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(found.email.as_str(), "ada@example.org");
    let again = meta.create_user(&email("ADA@example.org"), &password(), Role::Viewer).await;
    assert!(matches!(again, Err(MetaError::Taken(_))), "{again:?}");
    assert_eq!(meta.users().await.unwrap().len(), 1);
}

pub async fn a_wrong_password_and_an_unknown_user_look_alike(meta: Meta) {
    meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    for (address, attempt) in [
        ("ada@example.org", "wrong horse battery"),
        ("ada@example.org", ""),
        ("bob@example.org", "correct horse battery"),
        ("bob@example.org", "no one has this password"),
        ("not an address", "correct horse battery"),
        ("ada@example.org", &"x".repeat(100_000)),
    ] {
        assert!(meta.verify_login(address, attempt).await.unwrap().is_none(), "{address}");
    }
}

pub async fn of_two_simultaneous_setups_one_makes_the_owner(meta: Meta) {
    let token = meta.new_setup_token().await.unwrap().unwrap();
    let attempts = (0..6).map(|n| {
        let (meta, token) = (meta.clone(), token.clone());
        tokio::spawn(async move { meta.set_up(&token, &email(&format!("owner{n}@example.org")), &password()).await.unwrap() })
    });
    let mut made = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Setup::Done(user) => {
                assert_eq!(user.role, Role::Owner);
                made += 1;
            }
            Setup::AlreadyDone => {}
            Setup::WrongToken => panic!("the token was right"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(meta.users().await.unwrap().len(), 1);
}

pub async fn the_setup_link_ends_with_the_first_user(meta: Meta) {
    let old = meta.new_setup_token().await.unwrap().unwrap();
    let token = meta.new_setup_token().await.unwrap().unwrap();
    assert!(!meta.setup_token_is_valid(&old).await.unwrap());
    assert!(meta.setup_token_is_valid(&token).await.unwrap());
    for wrong in ["", "x", &old] {
        assert!(matches!(meta.set_up(wrong, &email("eve@example.org"), &password()).await.unwrap(), Setup::WrongToken));
    }
    assert!(!meta.has_users().await.unwrap());
    meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    assert!(meta.has_users().await.unwrap());
    assert!(!meta.setup_token_is_valid(&token).await.unwrap());
    assert!(matches!(meta.set_up(&token, &email("eve@example.org"), &password()).await.unwrap(), Setup::AlreadyDone));
    assert!(meta.new_setup_token().await.unwrap().is_none());
}

pub async fn the_first_owner_adopts_domains_made_before(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap();
    assert_eq!(site.owner, None);
    meta.create_user(&email("guest@example.org"), &password(), Role::Viewer).await.unwrap();
    assert_eq!(meta.first_owner().await.unwrap(), None);
    let owner = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let second = meta.create_user(&email("bob@example.org"), &password(), Role::Owner).await.unwrap();
    assert_eq!(meta.first_owner().await.unwrap(), Some(owner.id));
    assert_eq!(meta.site(site.id).await.unwrap().unwrap().owner, Some(owner.id));
    assert_eq!(meta.sites_of(owner.id).await.unwrap().len(), 1);
    assert!(meta.sites_of(second.id).await.unwrap().is_empty());
}

pub async fn the_last_owner_stays_and_domains_pass_on(meta: Meta) {
    let ada = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let bob = meta.create_user(&email("bob@example.org"), &password(), Role::Owner).await.unwrap();
    let site = meta.create_site(&domain("example.org"), Tz::UTC, Some(ada.id)).await.unwrap();
    let (token, _) = meta.start_session(ada.id, at("2026-03-01T12:00:00Z")).await.unwrap();
    meta.remove_user(ada.id).await.unwrap();
    assert!(meta.session(&token, at("2026-03-01T12:00:01Z")).await.unwrap().is_none());
    assert_eq!(meta.site(site.id).await.unwrap().unwrap().owner, Some(bob.id));
    assert!(matches!(meta.remove_user(bob.id).await, Err(MetaError::Refused(_))));
    assert!(matches!(meta.remove_user(ada.id).await, Err(MetaError::NotFound(_))));
    assert_eq!(meta.users().await.unwrap(), vec![bob]);
}

pub async fn sessions_slide_and_end(meta: Meta) {
    let ada = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let start = at("2026-03-01T12:00:00.123456789Z");
    let (token, info) = meta.start_session(ada.id, start).await.unwrap();
    assert!(meta.session("something else", start).await.unwrap().is_none());

    let soon = meta.session(&token, start + Duration::minutes(5)).await.unwrap().unwrap();
    assert_eq!((soon.user.id, &soon.info), (ada.id, &info), "a use within ten minutes writes nothing");
    let later = meta.session(&token, start + Duration::days(29)).await.unwrap().unwrap();
    assert!(later.info.expires_at > info.expires_at + Duration::days(28));
    assert!(meta.session(&token, start + Duration::days(58)).await.unwrap().is_some());
    assert!(meta.session(&token, start + Duration::days(58 + 30)).await.unwrap().is_none());

    let now = start + Duration::days(58);
    let (second, second_info) = meta.start_session(ada.id, now).await.unwrap();
    let (third, third_info) = meta.start_session(ada.id, now + Duration::seconds(1)).await.unwrap();
    assert_eq!(
        meta.sessions_of(ada.id, now).await.unwrap().iter().map(|s| s.id).collect::<Vec<_>>(),
        [third_info.id, second_info.id, info.id]
    );
    meta.end_session(&token).await.unwrap();
    assert!(meta.session(&token, now).await.unwrap().is_none());
    assert!(!meta.end_session_of(uuid::Uuid::new_v4(), second_info.id).await.unwrap());
    assert_eq!(meta.end_other_sessions(ada.id, third_info.id).await.unwrap(), 1);
    assert!(meta.session(&second, now).await.unwrap().is_none());
    assert!(meta.session(&third, now).await.unwrap().is_some());
    assert_eq!(meta.purge_sessions(now + Duration::days(31)).await.unwrap(), 1);
}

pub async fn a_new_password_signs_out_everywhere(meta: Meta) {
    let now = at("2026-03-01T12:00:00Z");
    let ada = meta.create_user(&email("ada@example.org"), &password(), Role::Owner).await.unwrap();
    let (token, _) = meta.start_session(ada.id, now).await.unwrap();
    meta.set_password(ada.id, &Password::new("another fine phrase").unwrap()).await.unwrap();
    assert!(meta.session(&token, now).await.unwrap().is_none());
    assert!(meta.verify_login("ada@example.org", "correct horse battery").await.unwrap().is_none());
    assert!(meta.verify_login("ada@example.org", "another fine phrase").await.unwrap().is_some());
    assert!(matches!(meta.set_password(uuid::Uuid::new_v4(), &password()).await, Err(MetaError::NotFound(_))));
}
