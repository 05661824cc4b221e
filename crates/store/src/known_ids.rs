//! Ids that senders gave, looked up by the import cursor: an import may repeat what happened long ago.

use std::{collections::HashMap, sync::Arc};

use clickhouse::Row;
use footfall_model::{Position, SiteId};
use serde::Deserialize;

use crate::{Store, StoreError, bounds::RECOVERY, node::Node, positions::Shard, rebuild::log_of};

/// Ids per statement: a list of 8 MB as text would be refused.
const IDS_PER_STATEMENT: usize = 50_000;

#[derive(Row, Deserialize)]
struct Known {
    event_id: u64,
    log: u8,
    generation: u32,
    partition: u32,
    offset: u64,
}

impl Store {
    /// Of these ids of a domain (see [`crate::event_id`]) those that a counted or dropped row has, with the position of the first such
    /// row outside of `range`, a range of offsets that is being written itself.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn known_ids(&self, site: SiteId, ids: &[u64], range: (Shard, u64, u64)) -> Result<HashMap<u64, Position>, StoreError> {
        let (shard, first, last) = range;
        let mut known = HashMap::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let text = format!(
                "SELECT event_id, log, generation, partition, `offset` FROM events \
                 WHERE site_id = {{site:UUID}} AND id_given = 1 AND event_id IN {{ids:Array(UInt64)}} \
                 AND NOT ({} AND `offset` >= {first} AND `offset` <= {last}) \
                 ORDER BY log, generation, partition, `offset` LIMIT 1 BY event_id",
                shard.condition()
            );
            let text = text.as_str();
            let group = self.of(site);
            let ask = |node: Arc<Node>| async move {
                group.fetch_missing(&node, &["events"]).await?;
                let query = node.statement(text, RECOVERY).param("site", site.to_string()).param("ids", ids);
                node.within(RECOVERY, async { Ok(query.fetch_all::<Known>().await?) }).await
            };
            let rows = group.call(ask).await?;
            for row in rows {
                let position = Position { log: log_of(row.log), generation: row.generation, partition: row.partition, offset: row.offset };
                known.insert(row.event_id, position);
            }
        }
        Ok(known)
    }
}
