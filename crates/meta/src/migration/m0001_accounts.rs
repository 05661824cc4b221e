//! Users, sessions, domains, shields, keys, secrets and versions.

use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("users")
                    .col(uuid("id").primary_key())
                    .col(text("email").unique_key())
                    .col(text_null("password_hash"))
                    .col(text("role"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("login_sessions")
                    .col(uuid("id").primary_key())
                    .col(text("token_hash").unique_key())
                    .col(uuid("user_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("last_seen_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .foreign_key(&mut belongs_to("login_sessions", "user_id", "users", ForeignKeyAction::Cascade))
                    .to_owned(),
            )
            .await?;
        index(manager, "login_sessions", "user_id").await?;
        index(manager, "login_sessions", "expires_at").await?;
        manager
            .create_table(
                Table::create()
                    .table("domains")
                    .col(uuid("id").primary_key())
                    .col(text("name").unique_key())
                    .col(text("timezone"))
                    .col(uuid_null("owner_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(&mut belongs_to("domains", "owner_id", "users", ForeignKeyAction::SetNull))
                    .to_owned(),
            )
            .await?;
        index(manager, "domains", "owner_id").await?;
        manager
            .create_table(
                Table::create()
                    .table("deleted_sites")
                    .col(uuid("site_id").primary_key())
                    .col(timestamp_with_time_zone("deleted_at"))
                    .col(timestamp_with_time_zone_null("purged_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("shields")
                    .col(uuid("id").primary_key())
                    .col(uuid("site_id"))
                    .col(text("kind"))
                    .col(text("value"))
                    .foreign_key(&mut belongs_to("shields", "site_id", "domains", ForeignKeyAction::Cascade))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("shields_once").table("shields").col("site_id").col("kind").col("value").unique().to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("api_keys")
                    .col(uuid("id").primary_key())
                    .col(text("name"))
                    .col(text("prefix"))
                    .col(text("key_hash").unique_key())
                    .col(json_binary("scopes"))
                    .col(uuid_null("site_id"))
                    .col(uuid_null("owner_id"))
                    .col(big_integer_null("rate_limit_per_hour"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("last_used_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .foreign_key(&mut belongs_to("api_keys", "site_id", "domains", ForeignKeyAction::Cascade))
                    .foreign_key(&mut belongs_to("api_keys", "owner_id", "users", ForeignKeyAction::Cascade))
                    .to_owned(),
            )
            .await?;
        index(manager, "api_keys", "site_id").await?;
        index(manager, "api_keys", "owner_id").await?;
        manager.create_table(Table::create().table("secrets").col(text("name").primary_key()).col(binary("value")).to_owned()).await?;
        manager
            .create_table(Table::create().table("versions").col(text("name").primary_key()).col(big_integer("value")).to_owned())
            .await?;
        // Present from the start: a first change locks this row like every later one. 64 bits, as in all inserts: the connection keeps the statement
        // with the types that it saw first.
        manager
            .execute(
                Query::insert().into_table("versions").columns(["name", "value"]).values_panic(["config".into(), 1_i64.into()]).to_owned(),
            )
            .await
    }
}

fn belongs_to(table: &'static str, column: &'static str, parent: &'static str, on_delete: ForeignKeyAction) -> ForeignKeyCreateStatement {
    ForeignKey::create().name(format!("{table}_{column}")).from(table, column).to(parent, "id").on_delete(on_delete).to_owned()
}

async fn index(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    manager.create_index(Index::create().name(format!("{table}_by_{column}")).table(table).col(column).to_owned()).await
}
