//! Each partition of a log has its own generation; the one that a whole log had is that of its first partition.

use sea_orm::ConnectionTrait;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_generations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rename = "UPDATE cursors SET name = name || '/0' WHERE name IN ('generation/page_views', 'generation/page_views_import')";
        manager.get_connection().execute_unprepared(rename).await.map(drop)
    }
}
