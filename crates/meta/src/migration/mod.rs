//! The schema, in numbered steps that only go up. A step that was released is never edited.

mod m0001_accounts;
mod m0002_figures;
mod m0003_generations;
mod m0004_settings;
mod m0005_domain_changes;
mod m0006_shared_links;

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait};

pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_figures::Migration),
            Box::new(m0003_generations::Migration),
            Box::new(m0004_settings::Migration),
            Box::new(m0005_domain_changes::Migration),
            Box::new(m0006_shared_links::Migration),
        ]
    }
}
