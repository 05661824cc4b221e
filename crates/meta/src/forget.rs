//! Making destroyed secrets unreadable on the disk.
//!
//! SQLite runs with `secure_delete`, which overwrites deleted content in the database file; the write-ahead log still
//! holds the old pages, so it is written back and truncated. PostgreSQL keeps dead rows until it needs their space, so the
//! small tables in question are rewritten. What an operator archives (base backups, archived WAL) is the operator's to expire.

use sea_orm::ConnectionTrait;

use crate::{Meta, MetaError};

impl Meta {
    /// Removes the remains of deleted or cleared rows of `tables` from the disk. On SQLite a long-running reader can keep
    /// the truncation from happening; then the next call does it.
    pub(crate) async fn forget_on_disk(&self, tables: &[&str]) -> Result<(), MetaError> {
        if self.is_postgres() {
            for table in tables {
                self.db.execute_unprepared(&format!("VACUUM (FULL) {table}")).await?;
            }
            return Ok(());
        }
        self.db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(())
    }
}
