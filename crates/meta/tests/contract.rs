//! The contract of the accounts database: the same scenarios on SQLite and on a real PostgreSQL, with and without PgBouncer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scenarios;

use footfall_meta::Meta;
use footfall_testkit::{pgbouncer::PgBouncer, postgres::Postgres};

/// One test per scenario on SQLite, one for all of them on PostgreSQL (a cluster takes seconds to make).
macro_rules! contract {
    ($($file:ident::$name:ident,)*) => {
        mod sqlite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let folder = tempfile::tempdir().unwrap();
                    let meta = Meta::open(&format!("sqlite:{}", folder.path().join("accounts.db").display())).await.unwrap();
                    scenarios::$file::$name(meta).await;
                }
            )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let server = Postgres::start().await.unwrap();
            $(
                let meta = Meta::open(&server.database().await.unwrap()).await.unwrap();
                scenarios::$file::$name(meta).await;
            )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres_behind_pgbouncer() {
            let server = Postgres::start().await.unwrap();
            let bouncer = PgBouncer::start(&server, "extra_float_digits, options").await.unwrap();
            $(
                let meta = Meta::open(&bouncer.url(&server.database().await.unwrap())).await.unwrap();
                scenarios::$file::$name(meta).await;
            )*
        }
    };
}

contract! {
    people::users_sign_in_whatever_the_case_of_their_address,
    people::a_wrong_password_and_an_unknown_user_look_alike,
    people::of_two_simultaneous_setups_one_makes_the_owner,
    people::the_setup_link_ends_with_the_first_user,
    people::the_first_owner_adopts_domains_made_before,
    people::the_last_owner_stays_and_domains_pass_on,
    people::sessions_slide_and_end,
    people::a_new_password_signs_out_everywhere,
    sites::domains_are_unique_and_keep_their_id,
    sites::every_change_raises_the_version,
    sites::a_deleted_domain_is_remembered_for_purging,
    sites::keys_open_what_they_say_until_revoked,
    sites::shields_come_with_the_list,
    removal::a_deleted_domain_is_hidden_until_it_is_restored,
    removal::a_deleted_domain_goes_after_its_time,
    removal::of_two_at_once_one_restores_or_deletes,
    removal::a_former_name_counts_for_a_while,
    removal::a_cleared_domain_keeps_its_settings,
    settings::goals_are_kept_as_they_were_made,
    settings::segments_are_the_domains_or_a_persons,
    settings::notes_and_lists_are_the_domains,
    settings::a_shared_link_opens_one_domain_until_it_is_gone,
    settings::of_two_public_links_at_once_one_is_made,
    figures::replicas_agree_on_salts,
    figures::salts_are_made_ahead_and_destroyed,
    figures::replicas_agree_on_the_installation_secret,
    figures::cursors_only_rise,
    figures::hours_are_absolute_and_newer_wins,
    figures::writers_of_one_hour_do_not_mix,
    figures::a_large_rollup_over_months_fits,
    figures::one_import_at_a_time_resumed_or_abandoned,
    figures::simultaneous_imports_start_once,
    figures::migrations_are_complete_and_repeatable,
}
