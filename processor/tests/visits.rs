//! Visits and duplicate ids against a slow, obvious oracle, and the same sequence cut anywhere with a rebuild between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use footfall_model::{DropReason, Hash64, LogName, Record, SiteId};
use footfall_processor::{
    assign::{Assigner, At, Verdict},
    memory::Memory,
    visits::{Facts, Key, State},
};
use footfall_store::event_id;
use proptest::prelude::*;
use uuid::Uuid;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// One record as the log would hold it.
#[derive(Clone, Debug)]
struct Logged {
    appended: i64,
    yesterday: Option<Hash64>,
    record: Record,
}

/// A visit as the oracle remembers it: all of its events.
#[derive(Clone, Debug)]
struct Remembered {
    keys: Vec<Key>,
    events: Vec<(i64, Record)>,
    touched: i64,
}

impl Remembered {
    fn start(&self) -> i64 {
        self.events[0].1.ts
    }

    fn end(&self) -> i64 {
        self.events.iter().map(|(_, record)| record.ts).max().unwrap()
    }
}

/// Looks at everything that ever happened, every time.
fn oracle(log: &[Logged]) -> Vec<Answer> {
    let mut visits: Vec<Remembered> = Vec::new();
    let mut answers = Vec::new();
    let mut clocks: Vec<i64> = Vec::new();
    for (index, logged) in log.iter().enumerate() {
        let record = &logged.record;
        let now = clocks.last().copied().unwrap_or(i64::MIN).max(logged.appended.div_euclid(1_000));
        clocks.push(now);
        let repeats = record.id_given
            && log[..index].iter().zip(&clocks).any(|(earlier, at)| {
                earlier.record.id_given && earlier.record.id == record.id && earlier.record.site == record.site && now - at < 3_600
            });
        if repeats {
            answers.push(Err(DropReason::DuplicateId));
            continue;
        }
        let key = Facts::of(record).key;
        let before = logged.yesterday.map(|hash| Key { hash, ..key });
        let fits = |visit: &&mut Remembered| {
            let own = visit.keys.contains(&key);
            let other = before.is_some_and(|before| visit.keys.contains(&before)) && visit.keys.len() == 1;
            (own || other)
                && now - visit.touched <= 70 * 60
                && record.ts >= visit.start() - 30 * MINUTE
                && record.ts <= visit.end() + 30 * MINUTE
                && record.ts <= visit.start() + DAY
        };
        let found = visits.iter_mut().filter(fits).max_by_key(|visit| visit.start());
        let visit = match found {
            Some(visit) => visit,
            None if record.name == "engagement" => {
                answers.push(Err(DropReason::NoVisit));
                continue;
            }
            None => {
                let keys = std::iter::once(key).chain(before.filter(|before| *before != key)).collect();
                visits.push(Remembered { keys, events: Vec::new(), touched: now });
                visits.last_mut().unwrap()
            }
        };
        if !visit.keys.contains(&key) {
            visit.keys.push(key);
        }
        visit.events.push((logged.appended, record.clone()));
        visit.touched = now;
        let active = || visit.events.iter().filter(|(_, record)| record.name != "engagement");
        answers.push(Ok((
            visit.start(),
            visit.events[0].1.visitor,
            active().filter(|(_, record)| record.name == "pageview").count() as u32,
            active().any(|(_, record)| record.name != "pageview" && record.interactive),
            active().map(|(_, record)| record.ts).min().unwrap(),
            active().map(|(_, record)| record.ts).max().unwrap(),
            visit.end(),
        )));
    }
    answers
}

type Answer = Result<(i64, Hash64, u32, bool, i64, i64, i64), DropReason>;

fn answer(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Counted(s) => Ok((s.start, s.visitor, s.pageviews, s.interactive, s.first_active, s.last_active, s.last)),
        Verdict::Dropped(reason) => Err(*reason),
    }
}

/// A stored row, as far as a rebuild needs it.
struct Stored {
    offset: u64,
    appended: i64,
    site: SiteId,
    id: Option<u64>,
    ts: i64,
    visit: Option<State>,
}

/// Runs the sequence, beginning anew from "stored" rows before each offset in `cuts`.
fn run(log: &[Logged], cuts: &[usize]) -> Vec<Verdict> {
    let mut assigner = Assigner::new(LogName::Live, Memory::share(1));
    let mut stored: Vec<Stored> = Vec::new();
    let mut verdicts = Vec::new();
    for (index, logged) in log.iter().enumerate() {
        let offset = index as u64;
        if cuts.contains(&index) {
            let from = assigner.rebuild_from(offset);
            assigner = Assigner::rebuild(LogName::Live, Memory::share(1), from);
            for row in stored.iter().filter(|row| row.offset >= from) {
                assigner.restore_clock(row.offset, row.appended);
            }
            for row in stored.iter().filter(|row| row.offset >= from) {
                if let Some(id) = row.id {
                    assigner.restore_id(row.offset, row.site, id);
                }
                if let Some(state) = &row.visit {
                    // The store keeps no greatest time: it takes that of the rows it reads.
                    let same = |other: &&Stored| other.visit.as_ref().is_some_and(|visit| visit.id == state.id && visit.key == state.key);
                    let last = stored
                        .iter()
                        .filter(|other| other.offset >= from && other.offset <= row.offset)
                        .filter(same)
                        .map(|other| other.ts)
                        .max();
                    assigner.restore_visit(row.offset, State { last: last.unwrap(), ..state.clone() });
                }
            }
            assigner.restored();
        }
        let at = At { offset, appended_ms: logged.appended, yesterday: logged.yesterday, repeats_stored: false };
        let verdict = assigner.assign(at, &Facts::of(&logged.record), Arc::default);
        stored.push(Stored {
            offset,
            appended: logged.appended,
            site: logged.record.site,
            id: logged.record.id_given.then(|| event_id(logged.record.id)),
            ts: logged.record.ts,
            visit: match &verdict {
                Verdict::Counted(state) => Some(state.clone()),
                Verdict::Dropped(_) => None,
            },
        });
        verdicts.push(verdict);
    }
    verdicts
}

/// One step of a generated sequence.
#[derive(Clone, Debug)]
struct Step {
    /// Append time since the last record.
    wait_ms: i64,
    /// How late the event is (negative: early).
    late_ms: i64,
    site: u128,
    person: u64,
    session: Option<u64>,
    name: &'static str,
    interactive: bool,
    id: Option<u128>,
}

fn hash_of(kind: u64, person: u64, day: i64) -> Hash64 {
    Hash64(kind * 1_000_000 + person * 10_000 + day.unsigned_abs())
}

fn sequence(steps: &[Step]) -> Vec<Logged> {
    // An hour before midnight, so that most sequences cross it.
    let mut now = 20_000 * DAY - 60 * MINUTE;
    let mut log = Vec::new();
    for step in steps {
        now += step.wait_ms;
        let ts = now - step.late_ms;
        let day = ts.div_euclid(DAY);
        let mut record = Record::pageview(SiteId(Uuid::from_u128(step.site)), hash_of(1, step.person, day), ts, "/");
        record.name = step.name.to_owned();
        record.interactive = step.interactive || step.name == "pageview";
        record.session = step.session.map(|session| hash_of(2, session, day));
        if let Some(id) = step.id {
            record.id = Uuid::from_u128(id);
            record.id_given = true;
        }
        let early = ts.rem_euclid(DAY) <= 30 * MINUTE;
        let yesterday = early.then(|| match step.session {
            Some(session) => hash_of(2, session, day - 1),
            None => hash_of(1, step.person, day - 1),
        });
        log.push(Logged { appended: now, yesterday, record });
    }
    log
}

fn step(longest_wait: i64) -> impl Strategy<Value = Step> {
    let wait = prop_oneof![3 => Just(0), 4 => 0..MINUTE, 4 => 0..=longest_wait, 1 => Just(30 * MINUTE)];
    let late = prop_oneof![6 => Just(0), 2 => -5 * MINUTE..=0, 2 => 0..=30 * MINUTE, 1 => Just(30 * MINUTE)];
    let name = prop_oneof![4 => Just("pageview"), 2 => Just("engagement"), 1 => Just("signup")];
    let id = prop_oneof![3 => Just(None), 2 => (0..6_u128).prop_map(Some)];
    (wait, late, 1..=2_u128, 0..3_u64, prop_oneof![3 => Just(None), 1 => (0..2_u64).prop_map(Some)], name, any::<bool>(), id).prop_map(
        |(wait_ms, late_ms, site, person, session, name, interactive, id)| Step {
            wait_ms,
            late_ms,
            site,
            person,
            session,
            name,
            interactive,
            id,
        },
    )
}

/// A person who never stops for long: runs into the end after 24 hours.
fn endless() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((20 * MINUTE..=31 * MINUTE, prop_oneof![Just("pageview"), Just("engagement")]), 60..90).prop_map(|steps| {
        steps
            .into_iter()
            .map(|(wait_ms, name)| Step { wait_ms, late_ms: 0, site: 1, person: 1, session: None, name, interactive: true, id: None })
            .collect()
    })
}

fn check(steps: &[Step], cuts: &[usize]) -> Result<(), TestCaseError> {
    let log = sequence(steps);
    let whole = run(&log, &[]);
    let answers: Vec<Answer> = whole.iter().map(answer).collect();
    prop_assert_eq!(&answers, &oracle(&log));
    prop_assert_eq!(&whole, &run(&log, cuts));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn visits_follow_the_rule_and_any_restart(
        steps in proptest::collection::vec(step(40 * MINUTE), 1..120),
        cuts in proptest::collection::vec(1..120_usize, 0..12),
    ) {
        check(&steps, &cuts)?;
    }

    #[test]
    fn busy_visits_follow_the_rule_and_any_restart(
        steps in proptest::collection::vec(step(5 * MINUTE), 1..200),
        cuts in proptest::collection::vec(1..200_usize, 0..12),
    ) {
        check(&steps, &cuts)?;
    }

    #[test]
    fn a_visit_ends_after_24_hours(steps in endless(), cuts in proptest::collection::vec(1..90_usize, 0..12)) {
        check(&steps, &cuts)?;
    }
}

fn at(appended: i64, ts: i64, person: u64) -> Logged {
    let record = Record::pageview(SiteId(Uuid::from_u128(1)), Hash64(person), ts, "/");
    Logged { appended, yesterday: None, record }
}

fn visits_of(log: &[Logged]) -> Vec<u64> {
    run(log, &[])
        .into_iter()
        .map(|verdict| match verdict {
            Verdict::Counted(state) => state.id,
            Verdict::Dropped(reason) => panic!("dropped: {reason}"),
        })
        .collect()
}

#[test]
fn thirty_minutes_are_inclusive() {
    let t = 1_700_000_000_000;
    let ids = visits_of(&[at(t, t, 1), at(t, t + 30 * MINUTE, 1), at(t, t + 60 * MINUTE + 1, 1)]);
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn a_visit_that_crosses_midnight_goes_on_under_the_new_days_key() {
    let midnight = 20_000 * DAY;
    let yesterday = at(midnight - MINUTE, midnight - MINUTE, 1);
    let mut first_today = at(midnight + MINUTE, midnight + MINUTE, 2);
    first_today.yesterday = Some(Hash64(1));
    let later = at(midnight + 29 * MINUTE, midnight + 29 * MINUTE, 2);
    let much_later = at(midnight + 50 * MINUTE, midnight + 50 * MINUTE, 2);
    let log = [yesterday, first_today, later, much_later];
    for cuts in [vec![], vec![1], vec![2], vec![1, 2, 3]] {
        let verdicts = run(&log, &cuts);
        for verdict in &verdicts {
            let Verdict::Counted(state) = verdict else { panic!("dropped") };
            assert_eq!((state.start, state.visitor), (midnight - MINUTE, Hash64(1)), "cut at {cuts:?}");
        }
    }
}

#[test]
fn the_oldest_visit_is_forgotten_beyond_the_cap() {
    let t = 1_700_000_000_000;
    let mut assigner = Assigner::new(LogName::Live, Memory { visits: 2 });
    for (offset, person) in [(0, 1), (1, 2), (2, 1), (3, 3), (4, 1), (5, 2)] {
        let logged = at(t, t, person);
        let verdict = assigner.assign(
            At { offset, appended_ms: t, yesterday: None, repeats_stored: false },
            &Facts::of(&logged.record),
            Arc::default,
        );
        let Verdict::Counted(state) = verdict else { panic!("dropped") };
        let expected = match offset {
            2 => 2,
            4 => 3,
            _ => 1,
        };
        assert_eq!(state.pageviews, expected, "offset {offset}");
    }
    assert_eq!(assigner.visits(), 2);
}

#[test]
fn an_id_is_forgotten_beyond_the_records_remembered() {
    let t = 1_700_000_000_000;
    let memory = Memory { visits: 1 };
    let mut assigner = Assigner::new(LogName::Live, memory);
    let mut repeats = |offset: u64, id: u128| {
        let mut record = at(t, t, 1).record;
        (record.id, record.id_given) = (Uuid::from_u128(id << 64), true);
        let at = At { offset, appended_ms: t, yesterday: None, repeats_stored: false };
        assigner.assign(at, &Facts::of(&record), Arc::default) == Verdict::Dropped(DropReason::DuplicateId)
    };
    assert!(!repeats(0, 1));
    assert!(repeats(memory.records() - 1, 1), "the last record that counts");
    assert!(!repeats(2 * memory.records() - 1, 1), "one too late");
}
