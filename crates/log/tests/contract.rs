//! What every log engine promises. A new engine implements [`Engine`] and is added at the end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{LONG, Reader, entry, intent, limit, shared_kafka, text, until};
use footfall_log::{
    AppendError, Committed, EventLog, FetchLimit, Polled, StartAt,
    file::{FileLog, FileLogOptions},
    kafka::{KafkaLog, KafkaLogOptions},
};
use footfall_model::{LogName, SiteId};
use futures::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

/// Starts a log that keeps its entries over a stop.
#[async_trait]
trait Engine: Send {
    /// Opens the log, or opens it again.
    async fn start(&mut self) -> Arc<dyn EventLog>;
    /// Opens it with room for about this many waiting bytes.
    async fn start_bounded(&mut self, bytes: usize) -> Arc<dyn EventLog>;
    /// Ends the process's part of it.
    async fn stop(&mut self);
}

async fn answers_one_position_per_entry_without_gaps(engine: &mut dyn Engine) {
    let log = engine.start().await;
    assert!(log.append(Vec::new()).await.is_empty());
    let mut next = 0;
    for count in [1, 3, 2] {
        for answer in log.append((0..count).map(|n| entry(&format!("{next}-{n}"))).collect()).await {
            let position = answer.unwrap();
            assert_eq!((position.log, position.partition, position.offset), (log.name(), 0, next));
            next += 1;
        }
    }
    until("the status tells it", async || log.status().await.partitions == [(0, 0, 0, 6)]).await;
}

async fn reads_in_order_each_once(engine: &mut dyn Engine) {
    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let mut expected = Vec::new();
    for batch in 0..20 {
        let texts: Vec<String> = (0..=batch % 4).map(|n| format!("{batch}-{n}")).collect();
        log.append(texts.iter().map(|text| entry(text)).collect()).await.iter().for_each(|answer| assert!(answer.is_ok()));
        expected.extend(texts);
    }
    let entries = reader.take(expected.len()).await;
    assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), expected);
    assert_eq!(entries.iter().map(|entry| entry.offset).collect::<Vec<_>>(), (0..expected.len() as u64).collect::<Vec<_>>());
    assert!(entries.is_sorted_by_key(|entry| entry.appended_ms));
    assert!(matches!(reader.sub.poll(Duration::ZERO, limit(10)).await.unwrap(), Polled::Idle { .. }));
}

async fn keeps_entries_over_a_stop(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append(vec![entry("a"), entry("b")]).await;
    drop(log);
    engine.stop().await;
    let log = engine.start().await;
    assert_eq!(log.append(vec![entry("c")]).await[0].as_ref().unwrap().offset, 2);
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.texts(3).await, ["a", "b", "c"]);
}

async fn a_group_goes_on_after_its_commit(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..6).map(|n| entry(&n.to_string())).collect()).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.assignment.committed, None);
    reader.take(6).await;
    reader.sub.commit(0, &Committed { next: 4, rebuild_from: 1 }).await.unwrap();
    drop((reader, log));
    engine.stop().await;
    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.assignment.committed, Some(Committed { next: 4, rebuild_from: 1 }));
    assert_eq!((reader.assignment.start, reader.assignment.end), (0, 6));
    assert_eq!(reader.texts(2).await, ["4", "5"]);
}

async fn groups_do_not_disturb_each_other(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append(vec![entry("a"), entry("b")]).await;
    let mut one = Reader::open(&*log, "one", StartAt::Committed).await;
    let mut two = Reader::open(&*log, "two", StartAt::Committed).await;
    assert_eq!(one.texts(2).await, ["a", "b"]);
    one.sub.commit(0, &Committed { next: 2, rebuild_from: 0 }).await.unwrap();
    assert_eq!(two.texts(2).await, ["a", "b"]);
    drop(two);
    assert_eq!(Reader::open(&*log, "two", StartAt::Committed).await.assignment.committed, None);
}

async fn an_intent_survives_until_the_commit(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..9).map(|n| entry(&n.to_string())).collect()).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    reader.sub.intend(0, &intent(0, 3)).await.unwrap();
    let mut split = intent(0, 3);
    split.splits = vec![2];
    split.dead = vec![1];
    reader.sub.intend(0, &split).await.unwrap();
    drop((reader, log));
    engine.stop().await;

    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.assignment.intent, Some(split), "the last one written counts");
    assert_eq!(reader.assignment.committed, None);
    reader.sub.commit(0, &Committed { next: 4, rebuild_from: 2 }).await.unwrap();
    drop((reader, log));
    engine.stop().await;

    let log = engine.start().await;
    let reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.assignment.intent, None, "the commit forgets it");
    assert_eq!(reader.assignment.committed, Some(Committed { next: 4, rebuild_from: 2 }));
}

async fn rereads_without_moving(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..8).map(|n| entry(&n.to_string())).collect()).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.texts(3).await, ["0", "1", "2"]);
    let again = reader.sub.reread(0, 1, 6).await.unwrap();
    assert_eq!(again.iter().map(text).collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(again[0].offset, 1);
    assert_eq!(reader.texts(5).await, ["3", "4", "5", "6", "7"]);
    assert!(reader.sub.reread(0, 6, 8).await.is_err(), "8 was never appended");
    assert!(reader.sub.reread(7, 0, 0).await.is_err(), "no such partition");
}

async fn seeks_back_and_forth(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..5).map(|n| entry(&n.to_string())).collect()).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    reader.take(5).await;
    reader.sub.seek(0, 2).await.unwrap();
    assert_eq!(reader.texts(3).await, ["2", "3", "4"]);
    reader.sub.seek(0, 4).await.unwrap();
    assert_eq!(reader.texts(1).await, ["4"]);
}

async fn starts_at_an_offset(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..5).map(|n| entry(&n.to_string())).collect()).await;
    let mut group = Reader::open(&*log, "live", StartAt::Committed).await;
    group.sub.commit(0, &Committed { next: 5, rebuild_from: 5 }).await.unwrap();
    let mut reader = Reader::open(&*log, "live", StartAt::Offset(3)).await;
    assert_eq!(reader.texts(2).await, ["3", "4"]);
    let mut ahead = Reader::open(&*log, "live", StartAt::Offset(6)).await;
    log.append(vec![entry("5"), entry("6")]).await;
    assert_eq!(ahead.texts(1).await, ["6"], "an offset that does not exist yet is waited for");
}

async fn respects_limits(engine: &mut dyn Engine) {
    let log = engine.start().await;
    log.append((0..4).map(|_| entry(&"x".repeat(100))).collect()).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    for (entries, bytes, most) in [(10, 50, 1), (10, 250, 2), (3, 1_000, 3)] {
        reader.sub.seek(0, 0).await.unwrap();
        let mut came = 0;
        while came < 4 {
            match reader.sub.poll(LONG, FetchLimit { entries, bytes }).await.unwrap() {
                Polled::Entries { entries, .. } => {
                    assert!((1..=most).contains(&entries.len()), "at least one, however small the limit, and never more than it");
                    came += entries.len();
                }
                other => panic!("entries expected, not {other:?}"),
            }
        }
        assert_eq!(came, 4);
    }
}

async fn an_append_wakes_a_waiting_reader(engine: &mut dyn Engine) {
    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let waiting = tokio::spawn(async move { reader.texts(1).await });
    log.append(vec![entry("now")]).await[0].as_ref().unwrap();
    assert_eq!(waiting.await.unwrap(), ["now"], "well before the poll's wait of {LONG:?} ends");
}

async fn many_callers_get_distinct_offsets_and_keep_their_order(engine: &mut dyn Engine) {
    const CALLERS: usize = 40;
    const CALLS: usize = 25;
    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let calls = (0..CALLERS).map(|caller| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for call in 0..CALLS {
                let texts = [format!("{caller}/{call}/0"), format!("{caller}/{call}/1")];
                let answers = log.append(texts.iter().map(|text| entry(text)).collect()).await;
                let offsets: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().offset).collect();
                assert!(offsets[1] > offsets[0], "entries of one call keep their order");
                acknowledged.extend(offsets.into_iter().zip(texts));
            }
            acknowledged
        })
    });
    let mut acknowledged = BTreeMap::new();
    for caller in join_all(calls).await {
        let caller = caller.unwrap();
        assert!(caller.is_sorted());
        acknowledged.extend(caller);
    }
    let entries = reader.take(CALLERS * CALLS * 2).await;
    assert_eq!(entries.iter().map(|entry| (entry.offset, text(entry))).collect::<BTreeMap<_, _>>(), acknowledged);
    assert!(matches!(reader.sub.poll(Duration::ZERO, limit(1)).await.unwrap(), Polled::Idle { .. }));
}

async fn refuses_what_does_not_fit_the_queue(engine: &mut dyn Engine) {
    let log = engine.start_bounded(2_000).await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    let texts: Vec<String> = (0..50).map(|n| format!("{n:0>500}")).collect();
    let answers = join_all(texts.iter().map(|text| log.append(vec![entry(text)]))).await.concat();
    let accepted: Vec<&String> = texts.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(text, _)| text).collect();
    assert!(!accepted.is_empty());
    assert!(answers.iter().any(Result::is_err));
    assert!(answers.iter().flatten_err().all(|error| matches!(error, AppendError::Busy)));
    assert_eq!(reader.texts(accepted.len()).await.iter().collect::<Vec<_>>(), accepted);
    log.append(vec![entry("later")]).await[0].as_ref().expect("the room is given back");
}

trait FlattenErr<'a>: Iterator<Item = &'a Result<footfall_model::Position, AppendError>> + Sized {
    fn flatten_err(self) -> impl Iterator<Item = &'a AppendError> {
        self.filter_map(|answer| answer.as_ref().err())
    }
}
impl<'a, I: Iterator<Item = &'a Result<footfall_model::Position, AppendError>>> FlattenErr<'a> for I {}

async fn a_dropped_poll_loses_nothing(engine: &mut dyn Engine) {
    let log = engine.start().await;
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    for n in 0..20 {
        tokio::select! {
            biased;
            _ = reader.sub.poll(LONG, limit(10)) => panic!("nothing was appended yet"),
            () = tokio::task::yield_now() => {}
        }
        log.append(vec![entry(&n.to_string())]).await;
        assert_eq!(reader.texts(1).await, [n.to_string()]);
    }
}

async fn any_bytes_come_back_as_they_were(engine: &mut dyn Engine) {
    let log = engine.start().await;
    let payloads = [Vec::new(), vec![0; 5], vec![255; 70_000], (0..=255).collect::<Vec<u8>>()];
    let entries = payloads.iter().map(|payload| footfall_log::Entry { key: SiteId(Uuid::nil()), payload: payload.clone().into() });
    log.append(entries.collect()).await.iter().for_each(|answer| assert!(answer.is_ok()));
    let mut reader = Reader::open(&*log, "stored", StartAt::Committed).await;
    assert_eq!(reader.take(4).await.iter().map(|entry| entry.payload.to_vec()).collect::<Vec<_>>(), payloads);
}

macro_rules! contract {
    ($engine:ident, $new:expr, [$($name:ident),* $(,)?]) => {
        mod $engine {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(&mut $new).await })*
        }
    };
}

struct FileEngine {
    dir: TempDir,
    log: Option<Arc<FileLog>>,
    tail_bytes: usize,
}

impl FileEngine {
    fn new(tail_bytes: usize) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), log: None, tail_bytes }
    }

    async fn open(&mut self, change: impl FnOnce(&mut FileLogOptions)) -> Arc<dyn EventLog> {
        let mut options = FileLogOptions::new(self.dir.path().join("log"), LogName::Live);
        options.tail_bytes = self.tail_bytes;
        change(&mut options);
        let log = FileLog::open(options).await.unwrap();
        self.log = Some(Arc::clone(&log));
        log
    }
}

#[async_trait]
impl Engine for FileEngine {
    async fn start(&mut self) -> Arc<dyn EventLog> {
        self.open(|_| ()).await
    }

    async fn start_bounded(&mut self, bytes: usize) -> Arc<dyn EventLog> {
        self.open(|options| options.max_pending_bytes = bytes).await
    }

    async fn stop(&mut self) {
        self.log.take().unwrap().close().await;
    }
}

struct KafkaEngine {
    topic: String,
    log: Option<Arc<KafkaLog>>,
}

impl KafkaEngine {
    fn new() -> Self {
        Self { topic: common::topic(), log: None }
    }

    async fn open(&mut self, change: impl FnOnce(&mut KafkaLogOptions)) -> Arc<dyn EventLog> {
        let mut options = common::kafka_options(shared_kafka(), &self.topic);
        change(&mut options);
        let log = KafkaLog::open(options).await.unwrap();
        self.log = Some(Arc::clone(&log));
        log
    }
}

#[async_trait]
impl Engine for KafkaEngine {
    async fn start(&mut self) -> Arc<dyn EventLog> {
        self.open(|_| ()).await
    }

    async fn start_bounded(&mut self, bytes: usize) -> Arc<dyn EventLog> {
        self.open(|options| options.max_pending_bytes = bytes).await
    }

    async fn stop(&mut self) {
        self.log.take().unwrap().close().await;
    }
}

macro_rules! every_promise {
    ($engine:ident, $new:expr) => {
        contract!(
            $engine,
            $new,
            [
                answers_one_position_per_entry_without_gaps,
                reads_in_order_each_once,
                keeps_entries_over_a_stop,
                a_group_goes_on_after_its_commit,
                groups_do_not_disturb_each_other,
                an_intent_survives_until_the_commit,
                rereads_without_moving,
                seeks_back_and_forth,
                starts_at_an_offset,
                respects_limits,
                an_append_wakes_a_waiting_reader,
                many_callers_get_distinct_offsets_and_keep_their_order,
                refuses_what_does_not_fit_the_queue,
                a_dropped_poll_loses_nothing,
                any_bytes_come_back_as_they_were,
            ]
        );
    };
}

every_promise!(file, FileEngine::new(32 << 20));
// Without memory every read beyond the newest chunk comes from the file.
every_promise!(file_without_tail, FileEngine::new(0));
every_promise!(kafka, KafkaEngine::new());
