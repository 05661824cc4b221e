//! Salts, import jobs, cursors and hourly aggregates.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{prelude::*, schema::*};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_figures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(Table::create().table("salts").col(date("day").primary_key()).col(binary("salt")).to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("import_jobs")
                    .col(uuid("id").primary_key())
                    .col(uuid("site_id"))
                    .col(binary_null("salt"))
                    .col(text("state"))
                    .col(text("fingerprint"))
                    .col(big_integer("lines_done"))
                    .col(big_integer("lines_refused"))
                    .col(uuid("lease_owner"))
                    .col(timestamp_with_time_zone("lease_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("ended_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("import_jobs_site_id")
                            .from("import_jobs", "site_id")
                            .to("domains", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("import_jobs_by_site").table("import_jobs").col("site_id").col("created_at").to_owned())
            .await?;
        let db = manager.get_connection();
        db.execute_unprepared("CREATE UNIQUE INDEX import_jobs_one_running ON import_jobs (site_id) WHERE state = 'running'").await?;
        manager.create_table(Table::create().table("cursors").col(text("name").primary_key()).col(big_integer("value")).to_owned()).await?;
        // The tail of the statement differs: partitions by month where there are any, else no second copy of the key.
        let tail = if manager.get_database_backend() == DbBackend::Postgres { "PARTITION BY RANGE (hour)" } else { "WITHOUT ROWID" };
        let (uuid_type, time_type) = if manager.get_database_backend() == DbBackend::Postgres {
            ("uuid", "timestamp with time zone")
        } else {
            ("uuid_text", "timestamp_with_timezone_text")
        };
        db.execute_unprepared(&format!(
            "CREATE TABLE hourly_aggregates (
                site_id {uuid_type} NOT NULL,
                hour {time_type} NOT NULL,
                path text NOT NULL,
                pageviews bigint NOT NULL,
                visitors bigint NOT NULL,
                visits bigint NOT NULL,
                version bigint NOT NULL,
                PRIMARY KEY (site_id, hour, path)
            ) {tail}"
        ))
        .await?;
        Ok(())
    }
}
