//! What is taken back of a domain: its deletion, its former name, its data.

use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_domain_changes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [
            timestamp_with_time_zone_null("deleted_at"),
            text_null("former_name"),
            timestamp_with_time_zone_null("renamed_at"),
            timestamp_with_time_zone_null("cleared_until"),
        ] {
            manager.alter_table(Table::alter().table("domains").add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
