//! Shared links: dashboards that are seen without an account.

use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_shared_links"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("shared_links")
                    .col(uuid("id").primary_key())
                    .col(uuid("site_id"))
                    .col(text("slug").unique_key())
                    .col(text("name"))
                    .col(text_null("password_hash"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    // No reference: a link whose segment is gone must go on being limited, so that it shows nothing instead of everything.
                    .col(big_integer_null("segment_id"))
                    .col(boolean("is_public"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("shared_links_site_id")
                            .from("shared_links", "site_id")
                            .to("domains", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("shared_links_once").table("shared_links").col("site_id").col("name").unique().to_owned())
            .await
    }
}
