//! Goals, segments, annotations and rules of domains.

use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_settings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("goals")
                    .col(big_integer("id").primary_key())
                    .col(uuid("site_id"))
                    .col(text("name"))
                    .col(text("kind"))
                    .col(text("looks_for"))
                    .col(integer("depth"))
                    .col(json_binary("props"))
                    .col(text_null("currency"))
                    .foreign_key(&mut of_domain("goals"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(Index::create().name("goals_once").table("goals").col("site_id").col("name").unique().to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("segments")
                    .col(big_integer("id").primary_key())
                    .col(uuid("site_id"))
                    .col(uuid_null("owner_id"))
                    .col(text("name"))
                    .col(json_binary("filters"))
                    .col(timestamp_with_time_zone("changed_at"))
                    .foreign_key(&mut of_domain("segments"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("segments_owner_id")
                            .from("segments", "owner_id")
                            .to("users", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager.create_index(Index::create().name("segments_by_site").table("segments").col("site_id").to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("annotations")
                    .col(big_integer("id").primary_key())
                    .col(uuid("site_id"))
                    .col(timestamp_with_time_zone("at"))
                    .col(text("note"))
                    .foreign_key(&mut of_domain("annotations"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(Index::create().name("annotations_by_site").table("annotations").col("site_id").col("at").to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("rules")
                    .col(uuid("site_id"))
                    .col(text("kind"))
                    .col(integer("position"))
                    .col(text("rule"))
                    .primary_key(Index::create().col("site_id").col("kind").col("position"))
                    .foreign_key(&mut of_domain("rules"))
                    .to_owned(),
            )
            .await?;
        // As the version of the configuration: the row that a first change locks.
        manager
            .execute(
                Query::insert().into_table("versions").columns(["name", "value"]).values_panic(["numbers".into(), 0_i64.into()]).to_owned(),
            )
            .await
    }
}

fn of_domain(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_site_id"))
        .from(table, "site_id")
        .to("domains", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
