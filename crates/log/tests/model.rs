//! The file engine against a model: any order of calls, with reopening and removal in between.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use common::{Reader, entry, intent, limit, text};
use footfall_log::{
    Committed, EventLog, Intent, Polled, StartAt,
    file::{FileLog, FileLogOptions},
};
use footfall_model::LogName;
use proptest::prelude::*;

const GROUPS: [&str; 2] = ["stored", "live"];

#[derive(Clone, Debug)]
enum Step {
    /// Append so many entries at once.
    Append(usize),
    /// Append so many entries from as many callers.
    AppendApart(usize),
    /// Poll for at most so many.
    Poll(usize, usize),
    /// Fix the next so many as an intent.
    Intend(usize, u64),
    /// Commit what was polled.
    Commit(usize),
    /// Go back by so many.
    SeekBack(usize, u64),
    /// Read again up to so many before the position.
    Reread(usize, u64),
    /// Remove what all have consumed.
    Tidy,
    /// Stop and start.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let group = 0..GROUPS.len();
    prop_oneof![
        4 => (0_usize..6).prop_map(Step::Append),
        2 => (1_usize..5).prop_map(Step::AppendApart),
        6 => (group.clone(), 1_usize..5).prop_map(|(group, most)| Step::Poll(group, most)),
        2 => (group.clone(), 0_u64..4).prop_map(|(group, length)| Step::Intend(group, length)),
        3 => group.clone().prop_map(Step::Commit),
        1 => (group.clone(), 0_u64..4).prop_map(|(group, back)| Step::SeekBack(group, back)),
        2 => (group, 0_u64..4).prop_map(|(group, back)| Step::Reread(group, back)),
        2 => Just(Step::Tidy),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone, Debug, Default)]
struct Group {
    next: u64,
    committed: Option<u64>,
    intent: Option<Intent>,
}

struct Run {
    options: FileLogOptions,
    log: Arc<FileLog>,
    readers: Vec<Reader>,
    entries: Vec<String>,
    groups: [Group; 2],
}

impl Run {
    async fn open(options: FileLogOptions) -> Self {
        let log = FileLog::open(options.clone()).await.unwrap();
        let mut run = Self { options, log, readers: Vec::new(), entries: Vec::new(), groups: Default::default() };
        run.subscribe().await;
        run
    }

    async fn subscribe(&mut self) {
        self.readers.clear();
        for (name, group) in GROUPS.iter().zip(&mut self.groups) {
            let reader = Reader::open(&*self.log, name, StartAt::Committed).await;
            assert_eq!(reader.assignment.committed, group.committed.map(|next| Committed { next, rebuild_from: next / 2 }));
            assert_eq!(reader.assignment.intent, group.intent);
            assert_eq!(reader.assignment.end, self.entries.len() as u64);
            group.next = group.committed.unwrap_or(0);
            self.readers.push(reader);
        }
    }

    /// Nothing below this may be needed any more.
    fn floor(&self) -> u64 {
        self.groups.iter().map(|group| group.committed.unwrap_or(0)).min().unwrap_or(0)
    }

    async fn take(&mut self, step: Step) {
        let end = self.entries.len() as u64;
        match step {
            Step::Append(count) => {
                let texts: Vec<String> = (0..count).map(|n| format!("{end}+{n}")).collect();
                let answers = self.log.append(texts.iter().map(|text| entry(text)).collect()).await;
                let offsets: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().offset).collect();
                assert_eq!(offsets, (end..end + count as u64).collect::<Vec<_>>());
                self.entries.extend(texts);
            }
            Step::AppendApart(count) => {
                let texts: Vec<String> = (0..count).map(|n| format!("{end}|{n}")).collect();
                let answers = futures::future::join_all(texts.iter().map(|text| self.log.append(vec![entry(text)]))).await.concat();
                let placed: BTreeMap<u64, String> = answers.into_iter().map(|answer| answer.unwrap().offset).zip(texts).collect();
                assert_eq!(placed.keys().copied().collect::<Vec<_>>(), (end..end + count as u64).collect::<Vec<_>>());
                self.entries.extend(placed.into_values());
            }
            Step::Poll(group, most) => {
                let next = self.groups[group].next;
                match self.readers[group].sub.poll(Duration::ZERO, limit(most)).await.unwrap() {
                    Polled::Entries { entries, .. } => {
                        assert!(!entries.is_empty() && entries.len() <= most);
                        // Who went back behind a commit may find that nobody needs that any more: it goes on where the log begins.
                        let first = if next < self.floor() { entries[0].offset.clamp(next, self.floor()) } else { next };
                        for (entry, offset) in entries.iter().zip(first..) {
                            assert_eq!((entry.offset, &text(entry)), (offset, &self.entries[offset as usize]));
                        }
                        self.groups[group].next = first + entries.len() as u64;
                    }
                    Polled::Idle { .. } => {
                        assert_eq!(next.max(self.floor()), end, "entries are there and were not returned")
                    }
                    other => panic!("{other:?}"),
                }
            }
            Step::Intend(group, length) => {
                let next = self.groups[group].next;
                let fixed = intent(next, next + length);
                self.readers[group].sub.intend(0, &fixed).await.unwrap();
                self.groups[group].intent = Some(fixed);
            }
            Step::Commit(group) => {
                let next = self.groups[group].next;
                // What an earlier commit gave up may be gone: nobody takes it back.
                if Some(next) < self.groups[group].committed {
                    return;
                }
                self.readers[group].sub.commit(0, &Committed { next, rebuild_from: next / 2 }).await.unwrap();
                self.groups[group].committed = Some(next);
                self.groups[group].intent = None;
            }
            Step::SeekBack(group, back) => {
                let to = self.groups[group].next.saturating_sub(back).max(self.floor());
                self.readers[group].sub.seek(0, to).await.unwrap();
                self.groups[group].next = to;
            }
            Step::Reread(group, back) => {
                let next = self.groups[group].next;
                let first = next.saturating_sub(back).max(self.floor());
                if first < next {
                    let again = self.readers[group].sub.reread(0, first, next - 1).await.unwrap();
                    assert_eq!(again.iter().map(text).collect::<Vec<_>>(), self.entries[first as usize..next as usize]);
                }
            }
            Step::Tidy => {
                self.log.tidy().await.unwrap();
                let start = self.log.status().await.partitions[0].2;
                assert!(start <= self.floor(), "{start} is above {}", self.floor());
            }
            Step::Reopen => {
                self.readers.clear();
                self.log.close().await;
                self.log = FileLog::open(self.options.clone()).await.unwrap();
                self.subscribe().await;
            }
        }
        assert_eq!(self.log.status().await.partitions[0].3, self.entries.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn behaves_like_a_list(steps in prop::collection::vec(step(), 1..60), tail in prop_oneof![Just(0_usize), Just(300), Just(1 << 20)]) {
        let dir = tempfile::tempdir().unwrap();
        let mut options = FileLogOptions::new(dir.path(), LogName::Live);
        options.retention = Duration::ZERO;
        options.tail_bytes = tail;
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let mut run = Run::open(options).await;
            for step in steps {
                run.take(step).await;
            }
        });
    }
}
