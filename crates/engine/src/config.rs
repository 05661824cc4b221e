//! The library's configuration: small caches, few threads, no system logs, and a user who may not leave the database.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use crate::EngineError;
use crate::endpoint::{make_folder, run_folder, write_private};

/// What the engine's session user may do. Everything that reaches outside (`SOURCES`: file, url, remote, s3 …), users, backups
/// and dictionaries (their sources run programs and read files) is left out; so are all table engines but those that store here.
const GRANTS: [&str; 3] = [
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE FUNCTION, CREATE TEMPORARY TABLE, DROP, \
     UNDROP TABLE, TRUNCATE, OPTIMIZE, KILL QUERY, SYSTEM, dictGet ON *.*",
    "REVOKE SYSTEM SHUTDOWN ON *.*",
    "GRANT TABLE ENGINE ON MergeTree",
];

/// No statement runs longer unless it says so, in seconds.
const LONGEST_QUERY_SECONDS: u64 = 300;

/// The arguments of every session: the first one opens the folder with them.
pub(crate) fn prepare(data: &Path, folder: &Path, memory_cap: u64) -> Result<Vec<CString>, EngineError> {
    let run = run_folder(data);
    let (server, users) = (run.join("engine-server.xml"), run.join("engine-users.xml"));
    for inner in ["tmp", "user_files", "user_scripts", "format_schemas"] {
        make_folder(&folder.join(inner))?;
    }
    write_private(&users, &users_xml(memory_cap))?;
    write_private(&server, &server_xml(folder, &users, memory_cap))?;
    let arguments = ["footfall".to_owned(), format!("--config-file={}", server.display()), format!("--path={}", folder.display())];
    arguments.into_iter().map(|argument| CString::new(argument).map_err(EngineError::internal)).collect()
}

fn server_xml(folder: &Path, users: &Path, memory_cap: u64) -> String {
    let inner = |name: &str| escape(&folder.join(name));
    let settings: Vec<(&str, String)> = vec![
        ("path", format!("{}/", escape(folder))),
        ("tmp_path", format!("{}/", inner("tmp"))),
        ("user_files_path", format!("{}/", inner("user_files"))),
        ("user_scripts_path", format!("{}/", inner("user_scripts"))),
        ("format_schema_path", format!("{}/", inner("format_schemas"))),
        ("max_server_memory_usage", memory_cap.to_string()),
        ("max_server_memory_usage_to_ram_ratio", "0.9".to_owned()),
        ("max_concurrent_queries", "100".to_owned()),
        // A one-machine installation reads little at a time: the page cache does the rest.
        ("mark_cache_size", (memory_cap / 16).clamp(8 << 20, 128 << 20).to_string()),
        ("uncompressed_cache_size", "0".to_owned()),
        ("index_mark_cache_size", (8u64 << 20).to_string()),
        ("index_uncompressed_cache_size", "0".to_owned()),
        ("mmap_cache_size", "0".to_owned()),
        ("compiled_expression_cache_size", (16u64 << 20).to_string()),
        ("query_cache.max_size_in_bytes", "0".to_owned()),
        // Idle threads cost memory and wake-ups; two merges at a time keep up with what one collector writes.
        ("background_pool_size", "2".to_owned()),
        ("background_merges_mutations_concurrency_ratio", "2".to_owned()),
        ("background_schedule_pool_size", "4".to_owned()),
        ("background_common_pool_size", "2".to_owned()),
        ("background_fetches_pool_size", "1".to_owned()),
        ("background_move_pool_size", "1".to_owned()),
        ("background_buffer_flush_schedule_pool_size", "1".to_owned()),
        ("background_message_broker_schedule_pool_size", "1".to_owned()),
        ("background_distributed_schedule_pool_size", "1".to_owned()),
        // After a burst threads, and what memory they hold, go back to the system.
        ("max_thread_pool_free_size", "8".to_owned()),
        ("max_active_parts_loading_thread_pool_size", "8".to_owned()),
        ("max_outdated_parts_loading_thread_pool_size", "4".to_owned()),
        ("max_parts_cleaning_thread_pool_size", "4".to_owned()),
        ("memory_worker_purge_dirty_pages_threshold_ratio", "0.05".to_owned()),
        ("asynchronous_metrics_update_period_s", "60".to_owned()),
        // The cap is compared with what the allocator really holds; the count of allocations alone ran to twice the cap. Not with
        // the container's figure: that includes the collector.
        ("memory_worker_period_ms", "100".to_owned()),
        ("memory_worker_correct_memory_tracker", "1".to_owned()),
        ("memory_worker_use_cgroup", "0".to_owned()),
    ];
    let mut xml = String::from("<clickhouse>\n  <logger><level>none</level></logger>\n");
    for (name, value) in &settings {
        match name.split_once('.') {
            None => xml += &format!("  <{name}>{value}</{name}>\n"),
            Some((outer, name)) => xml += &format!("  <{outer}><{name}>{value}</{name}></{outer}>\n"),
        }
    }
    // A pool of 2 threads × 2 would refuse to start with the defaults, which expect 16.
    xml += "  <merge_tree>\n    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>\n    \
            <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>\n    \
            <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>\n  \
            </merge_tree>\n";
    // A list that matches nothing: no address may be called.
    xml += "  <remote_url_allow_hosts><host>none.invalid</host></remote_url_allow_hosts>\n";
    xml += "  <access_control_improvements><table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>\n";
    xml += &format!("  <user_directories><users_xml><path>{}</path></users_xml></user_directories>\n</clickhouse>\n", escape(users));
    xml
}

/// Days and months of the tables are UTC days and months, whatever the machine's zone; hence `session_timezone` (the library ignores
/// the server's own setting).
fn users_xml(memory_cap: u64) -> String {
    let grants: String = GRANTS.iter().map(|grant| format!("        <query>{grant}</query>\n")).collect();
    // A single query may take three quarters: the rest is for merges and inserts beside it.
    let per_query = memory_cap / 4 * 3;
    format!(
        "<clickhouse>
  <profiles>
    <default>
      <async_insert>0</async_insert>
      <session_timezone>UTC</session_timezone>
      <implicit_select>0</implicit_select>
      <allow_introspection_functions>0</allow_introspection_functions>
      <input_format_values_interpret_expressions>0</input_format_values_interpret_expressions>
      <max_execution_time>{LONGEST_QUERY_SECONDS}</max_execution_time>
      <max_memory_usage>{per_query}</max_memory_usage>
      <constraints>
        <max_memory_usage><max>{memory_cap}</max></max_memory_usage>
        <input_format_values_interpret_expressions><readonly/></input_format_values_interpret_expressions>
      </constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>0</access_management>
      <grants>
{grants}      </grants>
    </default>
  </users>
</clickhouse>
"
    )
}

fn escape(path: &Path) -> String {
    path.display().to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The folder the library opens.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("clickhouse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_the_cap_is_everywhere() {
        let xml = server_xml(Path::new("/a&b/<c>"), Path::new("/u"), 1 << 30);
        assert!(xml.contains("<path>/a&amp;b/&lt;c&gt;/</path>"));
        assert!(xml.contains("<max_server_memory_usage>1073741824</max_server_memory_usage>"));
        assert!(users_xml(1 << 30).contains("<max_memory_usage>805306368</max_memory_usage>"));
    }

    #[test]
    fn nothing_outside_is_granted() {
        let grants = GRANTS.join("; ").to_uppercase();
        for right in ["FILE", "URL", "REMOTE", "S3", "SOURCES", "DICTIONARY", "GRANT ALL", "BACKUP", "ROLE"] {
            assert!(!grants.contains(right), "{right}");
        }
    }
}
