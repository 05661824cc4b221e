//! What people do in which order: what the pages about funnels, journeys and retention show, as their addresses say it.

use footfall_model::Interval;

use crate::{
    filter::{Filter, Op},
    parts::Page,
    query::{ViewQuery, decoded_pairs},
};

/// Steps of a funnel at most, as the query engine takes them.
pub const MOST_STEPS: usize = 32;
/// How long a funnel may take, from the first step to the last. Visitor ids change with the day, so no longer.
pub const WINDOWS: [&str; 4] = ["30m", "1h", "6h", "1d"];
/// The one that is meant where none is named.
pub const WINDOW: &str = "1d";
/// What a step can be.
pub const STEP_FIELDS: [&str; 3] = ["page", "name", "goal"];
/// How it is compared.
pub const STEP_OPS: [Op; 2] = [Op::Is, Op::Contains];

/// Which of the three pages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How many take a series of steps.
    Funnel,
    /// What they do next, or did before.
    Journeys,
    /// Who comes back.
    Retention,
}

impl Kind {
    /// In the order of the page.
    pub const ALL: [Self; 3] = [Self::Funnel, Self::Journeys, Self::Retention];

    /// The last part of its path.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Funnel => "funnel",
            Self::Journeys => "journeys",
            Self::Retention => "retention",
        }
    }
}

/// Where journeys start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the visit's first page or event.
    #[default]
    Entry,
    /// At its last, backwards.
    Exit,
    /// Where this holds.
    At(Filter),
}

/// What one of the pages shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviourQuery {
    /// The state of the dashboard.
    pub view: ViewQuery,
    /// Steps of the funnel.
    pub steps: Vec<Filter>,
    /// Nothing may come between two steps.
    pub strict: bool,
    /// One of [`WINDOWS`].
    pub window: &'static str,
    /// Where journeys start.
    pub start: Start,
    /// What came before, not what came next.
    pub backward: bool,
    /// Width of the periods of retention.
    pub interval: Interval,
}

impl BehaviourQuery {
    /// From the text after the question mark. A form says the step that it adds, or the start, in parts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pairs = decoded_pairs(text);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let of_form = || Filter::of_form(get("step_op")?, get("step_field")?, get("step_value")).filter(is_step);
        let given = pairs.iter().filter(|(key, _)| *key == "step").filter_map(|(_, value)| Filter::parse(value)).filter(is_step);
        let start = match get("start") {
            Some("exit") => Start::Exit,
            Some(text) => Filter::parse(text).filter(is_step).map_or(Start::Entry, Start::At),
            None => Filter::of_form("is", get("start_field").unwrap_or_default(), get("start_value"))
                .filter(is_step)
                .map_or(Start::Entry, Start::At),
        };
        let intervals = [Interval::Day, Interval::Week, Interval::Month];
        Self {
            view: ViewQuery::parse(text),
            steps: given.chain(of_form()).take(MOST_STEPS).collect(),
            strict: get("order") == Some("strict"),
            window: WINDOWS.into_iter().find(|window| get("window") == Some(*window)).unwrap_or(WINDOW),
            backward: start == Start::Exit || get("direction") == Some("backward") && start != Start::Entry,
            start,
            interval: intervals.into_iter().find(|interval| get("every") == Some(interval.code())).unwrap_or(Interval::Week),
        }
    }

    /// What its address says beside the state of the dashboard.
    #[must_use]
    pub fn own_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = self.steps.iter().map(|step| ("step", step.write())).collect();
        if self.strict {
            pairs.push(("order", "strict".to_owned()));
        }
        if self.window != WINDOW {
            pairs.push(("window", self.window.to_owned()));
        }
        match &self.start {
            Start::Entry => {}
            Start::Exit => pairs.push(("start", "exit".to_owned())),
            Start::At(filter) => pairs.push(("start", filter.write())),
        }
        if self.backward && self.start != Start::Exit {
            pairs.push(("direction", "backward".to_owned()));
        }
        if self.interval != Interval::Week {
            pairs.push(("every", self.interval.code().to_owned()));
        }
        pairs
    }

    /// This page.
    #[must_use]
    pub fn page(&self, path: &str) -> Page {
        Page::with(path, self.own_pairs())
    }

    /// The address of a page in this state.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        self.page(path).href(&self.view)
    }
}

fn is_step(filter: &Filter) -> bool {
    STEP_FIELDS.contains(&filter.field.as_str()) && STEP_OPS.contains(&filter.op) && filter.values.len() == 1
}

/// The beginning of visits' ways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// From the start on: paths, and names of events after a `!`.
    pub things: Vec<String>,
    /// Visits that went so far.
    pub visits: u64,
    /// Of these, those that went no further.
    pub ended: u64,
}

/// What visits do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journeys {
    /// Visits at the start.
    pub visits: u64,
    /// Branches of every length.
    pub branches: Vec<Branch>,
}

/// Who came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// People are known by the ids that the site gave them; else by visitor ids, which live for a day.
    pub by_user: bool,
    /// Label of each period, and people by periods since: at 0 all. By visitor ids: all, and those with more than one visit.
    pub periods: Vec<(String, Vec<u64>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back() {
        for text in [
            "",
            "period=7d&f=is,country,DE&step=is,page,/&step=contains,page,/a%5C,b&step=is,goal,Signup&order=strict&window=1h",
            "start=is,name,Signup&direction=backward",
            "start=exit",
            "every=month",
        ] {
            assert_eq!(BehaviourQuery::parse(text).href("").trim_start_matches('?'), text);
        }
    }

    #[test]
    fn a_form_adds_a_step_or_names_the_start() {
        let query = BehaviourQuery::parse("step=is,page,/&step_field=name&step_op=is&step_value=Signup+now");
        assert_eq!(query.href(""), "?step=is,page,/&step=is,name,Signup%20now");
        assert_eq!(BehaviourQuery::parse("start_field=page&start_value=/pricing").href(""), "?start=is,page,/pricing");
        let odd =
            "step=is,visitor_id,x&step=matches,page,x&step_field=page&step_op=is&step_value=&start=x&window=1y&order=chaos&every=hour";
        assert_eq!(BehaviourQuery::parse(odd), BehaviourQuery::parse(""));
    }
}
