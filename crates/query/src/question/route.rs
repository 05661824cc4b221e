//! Routes: patterns such as `/blog/:slug` that stand for all pages of one kind.

use super::goal::with_stars;
use crate::sql::{Builder, Param};

/// The route of a path: the first pattern that it fits, or the path itself.
pub(super) fn of(b: &mut Builder, path: &str, patterns: &[String]) -> String {
    if patterns.is_empty() {
        return path.to_owned();
    }
    let mut text = String::from("multiIf(");
    for pattern in patterns {
        let (expression, name) = (b.bind(Param::Text(expression(pattern))), b.bind(Param::Text(pattern.clone())));
        text.push_str(&format!("match({path}, {expression}), {name}, "));
    }
    format!("{text}{path})")
}

/// A pattern as a regular expression (RE2): `:name` stands for one part between slashes, `*` for any characters, everything else for itself.
#[must_use]
pub fn expression(pattern: &str) -> String {
    let part = |part: &str| match part.strip_prefix(':') {
        Some(name) if !name.is_empty() => "[^/]+".to_owned(),
        _ => with_stars(part),
    };
    format!("^{}$", pattern.split('/').map(part).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_and_a_star_is_anything() {
        assert_eq!(expression("/blog/:slug"), "^/blog/[^/]+$");
        assert_eq!(expression("/:lang/docs/*"), "^/[^/]+/docs/.*$");
        assert_eq!(expression("/a.b/:/x:y"), r"^/a\.b/:/x:y$");
    }
}
