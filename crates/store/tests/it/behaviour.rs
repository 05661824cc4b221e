//! Funnels, journeys and retention against plain code over the raw rows.

use std::collections::{BTreeMap, BTreeSet};

use footfall_model::Interval;
use footfall_query::{
    Range, Scope, Sql,
    behaviour::{Funnel, Identity, Journey, Retention, Start, funnel, journey, retention},
    buckets,
    question::{Condition, Dimension, dimension::OfVisit},
};
use footfall_store::{EventRow, Store};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    engine,
    oracle::{self, Visit},
    questions::{FROM, World, channels, condition, counts, leaf, some_goals, value},
    world::{DAY, HOUR, MINUTE, Traffic, rows, site},
};

type Found = Vec<(Vec<String>, Vec<i64>)>;

async fn asked(store: &Store, sql: &Sql) -> Found {
    let (text, domain) = (&sql.text, " WHERE site_id = {p");
    let tables = text.matches("FROM events").count() + text.matches("FROM sessions FINAL").count();
    assert_eq!(tables, text.matches(domain).count(), "{text}");
    let rows = store.report(sql).await.unwrap_or_else(|error| panic!("{error}\n{text}\n{:?}", sql.params));
    rows.into_iter().map(|row| (row.labels, row.sums)).collect()
}

fn world(rows: &[EventRow], range: Range) -> World<'_> {
    World { visits: oracle::visits(rows, site(1)), range }
}

/// Events that pass, each with its visit, in the order of time and log.
fn passing<'a, 'w>(world: &'w World<'a>, wanted: &Condition) -> Vec<(&'a EventRow, &'w Visit<'a>)> {
    let mut found: Vec<_> = world.visits.values().flat_map(|visit| visit.events.iter().map(move |row| (*row, visit))).collect();
    found.retain(|(row, visit)| world.is_inside(row) && counts(wanted, row) && world.holds(wanted, row, visit));
    found.sort_by_key(|(row, _)| (row.ts, row.position.offset));
    found
}

fn expected_funnel(rows: &[EventRow], range: Range, funnel: &Funnel) -> BTreeMap<Vec<String>, Vec<i64>> {
    let world = world(rows, range);
    let any = Condition::Any(funnel.steps.clone());
    let looked_at = if funnel.strict { Condition::Any(vec![Condition::none(), any]) } else { any };
    let mut by_visitor: BTreeMap<u64, Vec<(&EventRow, &Visit<'_>)>> = BTreeMap::new();
    for (row, visit) in passing(&world, &Condition::All(vec![funnel.condition.clone(), looked_at])) {
        by_visitor.entry(row.visitor.0).or_default().push((row, visit));
    }
    let mut figures: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    for events in by_visitor.values() {
        let is_step = |index: usize, step: usize| world.holds(&funnel.steps[step], events[index].0, events[index].1);
        let mut level = 0;
        for start in (0..events.len()).filter(|start| is_step(*start, 0)) {
            let (begun, mut at, mut reached) = (events[start].0.ts, start, 1);
            while reached < funnel.steps.len() {
                let follows = |index: &usize| {
                    let ts = events[*index].0.ts;
                    ts > events[at].0.ts && ts - begun <= funnel.window_ms && is_step(*index, reached)
                };
                let next = if funnel.strict {
                    Some(at + 1).filter(|next| *next < events.len() && follows(next))
                } else {
                    (at + 1..events.len()).find(follows)
                };
                let Some(next) = next else { break };
                (at, reached) = (next, reached + 1);
            }
            level = level.max(reached);
        }
        let Some(first) = (0..events.len()).find(|index| is_step(*index, 0)) else { continue };
        let label = funnel.by.iter().map(|dimension| value(events[first].0, events[first].1, dimension)).collect();
        let counted = figures.entry(label).or_insert_with(|| vec![0; funnel.steps.len()]);
        counted[..level].iter_mut().for_each(|visitors| *visitors += 1);
    }
    figures
}

fn expected_journeys(rows: &[EventRow], range: Range, journey: &Journey) -> Found {
    let world = world(rows, range);
    let mut by_visit: BTreeMap<u64, Vec<(String, bool)>> = BTreeMap::new();
    for (row, visit) in passing(&world, &journey.condition) {
        let thing = if row.name == "pageview" { row.path.clone() } else { format!("!{}", row.name) };
        let starts = match &journey.start {
            Start::At(condition) => world.holds(condition, row, visit),
            Start::Entry | Start::Exit => false,
        };
        by_visit.entry(row.visit.id).or_default().push((thing, starts));
    }
    let mut branches: BTreeMap<Vec<String>, (i64, i64)> = BTreeMap::new();
    for mut things in by_visit.into_values() {
        if journey.backward {
            things.reverse();
        }
        let from = match (&journey.start, journey.backward) {
            (Start::Entry, false) | (Start::Exit, true) => Some(0),
            (Start::Entry, true) | (Start::Exit, false) => Some(things.len() - 1),
            (Start::At(_), _) => things.iter().position(|(_, starts)| *starts),
        };
        let Some(from) = from else { continue };
        let mut path: Vec<String> = things.into_iter().skip(from).map(|(thing, _)| thing).collect();
        path.dedup();
        path.truncate(usize::try_from(journey.steps).unwrap() + 1);
        for far in 1..=path.len() {
            let branch = branches.entry(path[..far].to_vec()).or_default();
            branch.0 += 1;
            branch.1 += i64::from(far == path.len() && far <= usize::try_from(journey.steps).unwrap());
        }
    }
    let mut found: Found = branches.into_iter().map(|(path, (visits, ended))| (path, vec![visits, ended])).collect();
    found.sort_by(|one, other| (one.0.len(), -one.1[0], &one.0).cmp(&(other.0.len(), -other.1[0], &other.0)));
    let mut taken = BTreeMap::<usize, u64>::new();
    found.retain(|(path, _)| {
        let count = taken.entry(path.len()).or_default();
        *count += 1;
        *count <= journey.limit
    });
    found
}

fn expected_retention(rows: &[EventRow], retention: &Retention) -> BTreeMap<Vec<String>, Vec<i64>> {
    let world = world(rows, retention.range);
    let mut seen: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let mut visits: BTreeMap<(usize, u64), BTreeSet<u64>> = BTreeMap::new();
    for (row, _) in passing(&world, &retention.condition) {
        let period = retention.starts.iter().rposition(|start| *start <= row.ts).unwrap();
        if row.user_id != 0 {
            seen.entry(row.user_id).or_default().insert(period);
        }
        visits.entry((period, row.visitor.0)).or_default().insert(row.visit.id);
    }
    let mut figures: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    match retention.identity {
        Identity::User => {
            for periods in seen.values() {
                let first = periods.first().unwrap();
                for later in periods {
                    figures.entry(vec![first.to_string(), (later - first).to_string()]).or_insert_with(|| vec![0])[0] += 1;
                }
            }
        }
        Identity::Visitor => {
            for ((period, _), visits) in visits {
                let counted = figures.entry(vec![period.to_string()]).or_insert_with(|| vec![0, 0]);
                counted[0] += 1;
                counted[1] += i64::from(visits.len() > 1);
            }
        }
    }
    figures
}

fn range(dice: &mut StdRng) -> Range {
    let hours = |dice: &mut StdRng| FROM + dice.random_range(-2..50) * HOUR + [0, 17 * MINUTE][dice.random_range(0..2)];
    let (one, other) = (hours(dice), hours(dice));
    Range::new(one.min(other), one.max(other) + HOUR)
}

fn some_condition(dice: &mut StdRng, rows: &[EventRow]) -> Condition {
    if dice.random_bool(0.5) { Condition::none() } else { condition(dice, rows, 1, true) }
}

fn step(dice: &mut StdRng, rows: &[EventRow]) -> Condition {
    match dice.random_range(0..5) {
        0 => Condition::Goal(some_goals(dice)),
        1 => Condition::none(),
        2 => Condition::Not(Box::new(leaf(dice, rows, true))),
        _ => leaf(dice, rows, true),
    }
}

#[tokio::test]
async fn what_people_do_is_what_the_rows_say() {
    let rows = rows(&Traffic { seed: 72, visits: 250, from: FROM, to: FROM + 2 * DAY });
    let store = engine::store().await;
    for (index, part) in rows.chunks(60).enumerate() {
        store.insert_events(part, &format!("{index}")).await.unwrap();
    }
    let (seed, scope) = (rand::random::<u64>(), Scope::authorised(site(1)));
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    for _ in 0..80 {
        let dimensions = [Dimension::Page, Dimension::Name, Dimension::Visit(OfVisit::Source), channels()];
        let when = range(&mut dice);
        let funnel = Funnel {
            steps: (0..dice.random_range(1..=5)).map(|_| step(&mut dice, &rows)).collect(),
            strict: dice.random_bool(0.5),
            window_ms: [1, MINUTE, 20 * MINUTE, DAY][dice.random_range(0..4)],
            condition: some_condition(&mut dice, &rows),
            by: dice.random_bool(0.5).then(|| dimensions.choose(&mut dice).unwrap().clone()),
            limit: 1_000,
        };
        let made = funnel::statement(scope, when, &funnel).unwrap();
        let found = asked(&store, &made).await;
        let mut expected = expected_funnel(&rows, when, &funnel);
        let all: Vec<i64> = (0..funnel.steps.len()).map(|step| expected.values().map(|counted| counted[step]).sum()).collect();
        assert!(store.report(&made).await.unwrap().iter().all(|row| row.whole == all), "{funnel:#?}");
        if funnel.by.is_none() {
            expected.entry(Vec::new()).or_insert_with(|| vec![0; funnel.steps.len()]);
        }
        assert!(found.windows(2).all(|pair| pair[0].1[0] >= pair[1].1[0]), "{found:?}");
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), expected, "{funnel:#?}");

        let when = range(&mut dice);
        let journey = Journey {
            start: match dice.random_range(0..3) {
                0 => Start::Entry,
                1 => Start::Exit,
                _ => Start::At(leaf(&mut dice, &rows, true)),
            },
            backward: dice.random_bool(0.5),
            steps: dice.random_range(1..5),
            condition: some_condition(&mut dice, &rows),
            limit: [2, 1_000][dice.random_range(0..2)],
        };
        let made = journey::statement(scope, when, &journey);
        assert_eq!(asked(&store, &made).await, expected_journeys(&rows, when, &journey), "{journey:#?}");
        let all = expected_journeys(&rows, when, &Journey { limit: u64::MAX, ..journey.clone() });
        let at_the_start: i64 = all.iter().filter(|(path, _)| path.len() == 1).map(|(_, sums)| sums[0]).sum();
        assert!(store.report(&made).await.unwrap().iter().all(|row| row.whole == [at_the_start]), "{journey:#?}");

        let range = range(&mut dice);
        let interval = *[Interval::Hour, Interval::Day, Interval::Week].choose(&mut dice).unwrap();
        let starts = buckets(range, interval, "Europe/Berlin".parse().unwrap()).unwrap().iter().map(|bucket| bucket.from).collect();
        let identity = *[Identity::User, Identity::Visitor].choose(&mut dice).unwrap();
        let retention = Retention { range, starts, identity, condition: some_condition(&mut dice, &rows) };
        let found = asked(&store, &retention::statement(scope, &retention)).await.into_iter().collect::<BTreeMap<_, _>>();
        assert_eq!(found, expected_retention(&rows, &retention), "{retention:#?}");
    }
}
