//! The topic itself: gone, made anew, shortened; dead letters; forwarding a file into it.

use std::{sync::Arc, time::Duration};

use footfall_log::{
    Committed, DeadEntry, Entry, EventLog, LogError, Polled, StartAt,
    file::{FileLog, FileLogOptions},
    kafka::Forwarder,
};
use footfall_model::{LogName, Position};

use crate::{
    assigned,
    common::{self, LONG, intent, limit, text, until},
    numbered, numbers, open, read_all, site,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_made_anew_begins_anew() {
    let kafka = common::secured_kafka();
    let topic = common::topic();
    let log = open(common::kafka_options(kafka, &topic)).await;
    log.append((0..9).map(|number| numbered(1, number)).collect()).await;
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    assigned(&mut reader, 1).await;
    let mut came = 0;
    while came < 9 {
        if let Polled::Entries { entries, .. } = reader.poll(LONG, limit(100)).await.unwrap() {
            came += entries.len();
        }
    }
    reader.commit(0, &Committed { next: 9, rebuild_from: 4 }).await.unwrap();

    kafka.delete_topic(&topic).await.unwrap();
    until("the log makes it anew and takes entries", async || log.append(vec![numbered(1, 100)]).await[0].is_ok()).await;
    // Either it hears that the topic is gone, or the group tells it to let go.
    let outcome = loop {
        match reader.poll(LONG, limit(100)).await {
            Ok(Polled::Entries { entries, .. }) => panic!("{entries:?} of another topic"),
            Ok(Polled::Revoked(lost)) => reader.release(&lost).await,
            Ok(Polled::Assigned(again)) => break Ok(again),
            Ok(Polled::Idle { .. }) => {}
            Err(error) => break Err(error),
        }
    };
    assert!(matches!(outcome, Err(LogError::Fault(_))) || outcome.unwrap()[0].committed.is_none());
    drop(reader);
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    let anew = assigned(&mut reader, 1).await.remove(0);
    assert_eq!((anew.committed, anew.intent, anew.start), (None, None, 0));
    let Polled::Entries { entries, .. } = reader.poll(LONG, limit(1)).await.unwrap() else { panic!("entries expected") };
    assert_eq!((entries[0].offset, text(&entries[0])), (0, "1/100".to_owned()));
}

#[tokio::test]
async fn a_commit_beyond_the_log_is_told_as_it_is() {
    let log = open(common::kafka_options(common::secured_kafka(), &common::topic())).await;
    log.append(vec![numbered(1, 0)]).await[0].as_ref().unwrap();
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    assigned(&mut reader, 1).await;
    reader.commit(0, &Committed { next: 50, rebuild_from: 7 }).await.unwrap();
    drop(reader);
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    let told = assigned(&mut reader, 1).await.remove(0);
    assert_eq!((told.committed, told.start, told.end), (Some(Committed { next: 50, rebuild_from: 7 }), 0, 1));
    reader.seek(0, 0).await.unwrap();
    assert!(matches!(reader.poll(LONG, limit(1)).await.unwrap(), Polled::Entries { entries, .. } if entries[0].offset == 0));
    let long = footfall_log::Intent { splits: (1_000_000..1_001_000).collect(), ..intent(0, 0) };
    assert!(matches!(reader.intend(0, &long).await, Err(LogError::Fault(why)) if why.contains("shorter")));
}

#[tokio::test]
async fn dead_letters_have_a_topic_of_their_own() {
    let kafka = common::secured_kafka();
    let options = common::kafka_options(kafka, &common::topic());
    let log = open(options.clone()).await;
    let position = Position { log: LogName::Live, generation: 0, partition: 0, offset: 3 };
    let dead = |key| DeadEntry { position, key, reason: "not JSON".into(), payload: "x".into() };
    log.bury(vec![dead(Some(site(1))), dead(None)]).await.unwrap();
    log.bury(Vec::new()).await.unwrap();
    let letters = open(common::kafka_options(kafka, &options.dead_letters())).await;
    let found = read_all(&letters, 1).await;
    assert_eq!(found[&0].iter().map(text).collect::<Vec<_>>(), ["x", "x"]);
}

#[tokio::test]
async fn a_file_is_forwarded_once_from_where_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileLog::open(FileLogOptions::new(folder.path(), LogName::Live)).await.unwrap();
    file.append((0..10).map(|number| numbered(2, number)).collect()).await;
    let options = Arc::new(common::kafka_options(common::secured_kafka(), &common::topic()));
    let log = open((*options).clone()).await;
    let forwarder = || {
        let convert = Arc::new(|entry: footfall_log::StoredEntry| Entry { key: site(2), payload: entry.payload });
        Forwarder::new(Arc::clone(&options), Arc::clone(&file), "promote", 4, convert)
    };
    let mut first = forwarder();
    assert_eq!(first.forward().await.unwrap(), 10);
    file.append(vec![numbered(2, 10)]).await;
    let mut second = forwarder();
    assert_eq!(second.forward().await.unwrap(), 11);
    file.append(vec![numbered(2, 11)]).await;
    assert!(first.forward().await.is_err(), "only one forwards");
    assert_eq!(second.forward().await.unwrap(), 12);
    assert_eq!(numbers(&read_all(&log, 1).await)[&2], (4..12).collect::<Vec<_>>());
    // The marks of transactions have offsets too: reading again copes with them.
    let mut reader = log.subscribe("stored", StartAt::Committed).await.unwrap();
    let told = assigned(&mut reader, 1).await.remove(0);
    assert!(told.end > 8);
    let again = reader.reread(0, 0, told.end - 1).await.unwrap();
    assert_eq!(again.len(), 8);
    assert!(again.iter().all(|entry| entry.appended_ms > 1_600_000_000_000));
    until("the end is told, after the last mark", async || {
        matches!(reader.poll(Duration::from_millis(50), limit(100)).await.unwrap(), Polled::Idle { at_end: true })
    })
    .await;
}
