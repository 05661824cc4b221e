//! What does this request's SQL want, and may it?

use super::lexer::{Kind, Token, tokens};

/// Functions that reach the file system, disks or programs, which the library's grants do not cover.
///
/// `file('/etc/passwd')` as a scalar function needs no grant in the library; `disk(type=web, …)` in a table's settings fetches any
/// address; `executable` runs scripts. Nothing this product does needs them.
const FORBIDDEN_CALLS: [&str; 3] = ["file", "disk", "executable"];

/// Words with which a structure given as text (`format(CSV, 'a String DEFAULT …')`) carries an expression.
const EXPRESSION_WORDS: [&str; 4] = ["DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"];

/// One statement, cut for the library's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The text for the library: without `FORMAT`, without a trailing semicolon, for inserts without data.
    pub(crate) sql: String,
    pub(crate) kind: StatementKind,
    /// The format the text asked for.
    pub(crate) format: Option<String>,
}

/// Which of the library's calls the statement needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// A `SELECT` whose rows may be streamed.
    Select,
    /// An `INSERT` that takes data; it begins at this offset of the request's text and goes on in the body.
    Insert {
        /// Offset of the first byte of data; at most the text's length.
        data: usize,
    },
    /// Anything else: its answer is made whole.
    Other,
}

/// Why a statement is not even given to the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// ClickHouse's error code.
    pub(crate) code: u32,
    /// ClickHouse's name of that code.
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: u32, name: &'static str, message: impl Into<String>) -> Self {
        Self { code, name, message: message.into() }
    }

    fn syntax(message: &str) -> Self {
        Self::new(62, "SYNTAX_ERROR", message)
    }
}

/// Looks at a request's text.
///
/// # Errors
///
/// A [`Refusal`] for an empty text, several statements, files as source or target, and forbidden functions.
pub(crate) fn analyse(sql: &str) -> Result<Statement, Refusal> {
    let found = tokens(sql);
    let Some(first) = found.iter().find(|token| token.kind != Kind::Sign(b'(')) else {
        return Err(Refusal::syntax("Empty query"));
    };
    if first.is(sql, "INSERT") && first.depth == 0 {
        return insert(sql, &found);
    }
    let found = single(&found)?;
    refuse_files(sql, found)?;
    let end = found.last().map_or(0, |token| token.end);
    let is_select =
        first.is(sql, "SELECT") || (first.is(sql, "WITH") && !found.iter().any(|token| token.depth == 0 && token.is(sql, "INSERT")));
    let kind = if is_select { StatementKind::Select } else { StatementKind::Other };
    match format_clause(sql, found) {
        None => Ok(Statement { sql: sql[..end].to_owned(), kind, format: None }),
        Some((keyword, name)) => {
            let rest = sql.get(name.end..end).unwrap_or_default();
            let text = format!("{} {rest}", &sql[..keyword.start]);
            Ok(Statement { sql: text, kind, format: Some(name.content(sql)) })
        }
    }
}

/// The tokens without trailing semicolons; an inner one means several statements.
fn single(found: &[Token]) -> Result<&[Token], Refusal> {
    let semicolon = |token: &Token| token.kind == Kind::Sign(b';');
    let end = found.iter().rposition(|token| !semicolon(token)).map_or(0, |last| last + 1);
    let (statement, _) = found.split_at(end);
    if statement.iter().any(semicolon) {
        return Err(Refusal::syntax("Multi-statements are not allowed: send one statement per request"));
    }
    Ok(statement)
}

fn refuse_files(sql: &str, found: &[Token]) -> Result<(), Refusal> {
    for (index, token) in found.iter().enumerate() {
        let before = |back: usize| index.checked_sub(back).and_then(|at| found.get(at));
        if token.is(sql, "OUTFILE") && before(1).is_some_and(|token| token.is(sql, "INTO")) {
            return Err(Refusal::new(358, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed: read the answer's body instead"));
        }
        if token.is(sql, "INFILE") && before(1).is_some_and(|token| token.is(sql, "FROM")) {
            return Err(Refusal::new(497, "ACCESS_DENIED", "FROM INFILE is not allowed: send the data as the request's body"));
        }
        if let Some(name) = forbidden_call(sql, found, index) {
            return Err(Refusal::new(497, "ACCESS_DENIED", format!("Function {name} is not allowed in the embedded engine")));
        }
    }
    Ok(())
}

/// `file(…)`, `APPLY(file)`, and either of them in a text that defines columns.
fn forbidden_call(sql: &str, found: &[Token], index: usize) -> Option<&'static str> {
    let token = found.get(index)?;
    let before = |back: usize| index.checked_sub(back).and_then(|at| found.get(at));
    match token.kind {
        Kind::Sign(_) => None,
        Kind::Text => {
            let text = token.content(sql);
            let inner = tokens(&text);
            let defines = inner.iter().any(|word| EXPRESSION_WORDS.iter().any(|keyword| word.is(&text, keyword)));
            if !defines {
                return None;
            }
            (0..inner.len()).find_map(|at| forbidden_call(&text, &inner, at))
        }
        Kind::Word | Kind::Name => {
            let name = token.content(sql);
            let forbidden = FORBIDDEN_CALLS.into_iter().find(|call| name.eq_ignore_ascii_case(call))?;
            let is_apply = |token: Option<&Token>| token.is_some_and(|token| token.is(sql, "APPLY"));
            let called = found.get(index + 1).is_some_and(|next| next.kind == Kind::Sign(b'('));
            let applied = is_apply(before(1)) || (before(1).is_some_and(|token| token.kind == Kind::Sign(b'(')) && is_apply(before(2)));
            (called || applied).then_some(forbidden)
        }
    }
}

/// `FORMAT name` at the statement's end or before its `SETTINGS`; not a column that is called format.
fn format_clause(sql: &str, found: &[Token]) -> Option<(Token, Token)> {
    let at = found.iter().rposition(|token| token.depth == 0 && token.is(sql, "FORMAT"))?;
    let keyword = *found.get(at)?;
    let name = *found.get(at + 1)?;
    if !matches!(name.kind, Kind::Word | Kind::Name) {
        return None;
    }
    let closes = found.get(at + 2).is_none_or(|token| token.is(sql, "SETTINGS"));
    let is_column = at.checked_sub(1).and_then(|before| found.get(before)).is_none_or(|token| {
        matches!(token.kind, Kind::Sign(b',' | b'.' | b'=' | b'+' | b'-' | b'<' | b'>'))
            || ["SELECT", "DISTINCT", "BY", "WHERE", "AND", "OR", "AS", "FROM"].iter().any(|word| token.is(sql, word))
    });
    (closes && !is_column).then_some((keyword, name))
}

fn insert(sql: &str, found: &[Token]) -> Result<Statement, Refusal> {
    // Where the head ends and data begins; up to there a name may follow INTO, TABLE or a dot and be any word.
    let is_name = |at: usize| {
        at.checked_sub(1)
            .and_then(|before| found.get(before))
            .is_some_and(|token| token.kind == Kind::Sign(b'.') || ["INTO", "TABLE", "FUNCTION"].iter().any(|word| token.is(sql, word)))
    };
    for (at, token) in found.iter().enumerate().skip(1) {
        if token.depth > 0 || is_name(at) {
            continue;
        }
        let head = || found.get(..at).unwrap_or_default();
        let next = found.get(at + 1);
        if token.is(sql, "VALUES") {
            refuse_files(sql, single(head())?)?;
            return Ok(with_data(sql, token.start, "Values".to_owned(), token.end));
        }
        if token.is(sql, "FORMAT")
            && let Some(name) = next
            && matches!(name.kind, Kind::Word | Kind::Name)
        {
            refuse_files(sql, single(head())?)?;
            return Ok(with_data(sql, token.start, name.content(sql), data_start(sql, name.end)));
        }
        let opens = |token: &Token| token.is(sql, "SELECT") || token.is(sql, "WITH");
        let bracketed =
            token.kind == Kind::Sign(b'(') && found[at..].iter().find(|token| token.kind != Kind::Sign(b'(')).is_some_and(opens);
        if opens(token) || bracketed {
            let found = single(found)?;
            refuse_files(sql, found)?;
            let end = found.last().map_or(0, |token| token.end);
            return Ok(Statement { sql: sql[..end].to_owned(), kind: StatementKind::Other, format: None });
        }
        if token.kind == Kind::Sign(b';') {
            break;
        }
    }
    let found = single(found)?;
    refuse_files(sql, found)?;
    let end = found.last().map_or(0, |token| token.end);
    Ok(with_data(sql, end, "Values".to_owned(), sql.len()))
}

fn with_data(sql: &str, head: usize, format: String, data: usize) -> Statement {
    Statement { sql: sql[..head].trim_end().to_owned(), kind: StatementKind::Insert { data }, format: Some(format) }
}

/// Data begins after the format's name, the blanks behind it and one line break, as in ClickHouse's own parser.
fn data_start(sql: &str, name_end: usize) -> usize {
    let bytes = sql.as_bytes();
    let mut at = name_end;
    while matches!(bytes.get(at), Some(b' ' | b'\t' | 0x0c)) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\r') {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\n') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(sql: &str) -> (String, Option<String>, StatementKind) {
        let statement = analyse(sql).unwrap();
        (statement.sql, statement.format, statement.kind)
    }

    fn refused(sql: &str) -> u32 {
        analyse(sql).unwrap_err().code
    }

    #[test]
    fn selects_lose_their_format() {
        assert_eq!(cut("SELECT 1"), ("SELECT 1".into(), None, StatementKind::Select));
        assert_eq!(cut("select 1 format JSON;\n"), ("select 1  ".into(), Some("JSON".into()), StatementKind::Select));
        assert_eq!(cut("(select 1) FORMAT CSV SETTINGS max_threads=1").0, "(select 1)   SETTINGS max_threads=1");
        assert_eq!(cut("with 1 as x select x").2, StatementKind::Select);
        assert_eq!(cut("SHOW TABLES FORMAT JSON"), ("SHOW TABLES  ".into(), Some("JSON".into()), StatementKind::Other));
    }

    #[test]
    fn format_is_also_a_name() {
        for sql in
            ["select format('{}', 1)", "select format from t", "select a as format from t", "select 'FORMAT JSON'", "select x.format y"]
        {
            assert_eq!(cut(sql), (sql.into(), None, StatementKind::Select), "{sql}");
        }
    }

    #[test]
    fn inserts_are_cut_before_their_data() {
        let sql = "INSERT INTO t (a, b) FORMAT RowBinary\nxyz;";
        assert_eq!(cut(sql), ("INSERT INTO t (a, b)".into(), Some("RowBinary".into()), StatementKind::Insert { data: 38 }));
        assert_eq!(&sql[38..], "xyz;");
        let sql = "insert into `values`.`format` SETTINGS a='x' VALUES (1, ';')";
        let (head, format, kind) = cut(sql);
        assert_eq!((head.as_str(), format.as_deref()), ("insert into `values`.`format` SETTINGS a='x'", Some("Values")));
        assert_eq!(kind, StatementKind::Insert { data: sql.len() - " (1, ';')".len() });
        assert_eq!(cut("insert into t").1.as_deref(), Some("Values"));
        assert_eq!(cut("insert into t select 1").2, StatementKind::Other);
        assert_eq!(cut("insert into t (a) (select 1)").2, StatementKind::Other);
        assert_eq!(cut("insert into db.format format CSV").0, "insert into db.format");
    }

    #[test]
    fn several_statements_are_refused() {
        for sql in
            ["select 1; select 2", "drop table a; drop table b;", "insert into t select 1; select 2", "insert into t; select 1 format CSV"]
        {
            assert_eq!(refused(sql), 62, "{sql}");
        }
        assert_eq!(cut("select ';' -- ; x\n;;").0, "select ';'");
        assert_eq!(refused(" -- nothing\n"), 62);
    }

    #[test]
    fn files_are_refused_however_they_are_written() {
        assert_eq!(refused("select 1 INTO /* */ OUTFILE 'x' format CSV"), 358);
        assert_eq!(refused("insert into t from infile 'x' format CSV"), 497);
        for sql in [
            "select file('/etc/passwd')",
            "select `file` /* */ ('x')",
            "select * from FILE('x')",
            "insert into function file('x', 'CSV') values (1)",
            "select * apply(file) from t",
            "select * apply file from t",
            "create table t (a Int) engine = MergeTree order by a settings disk = disk(type = web)",
            r"select * from format(CSV, 'a String DEFAULT file(\'x\')', '1')",
            r"select * from format(CSV, 'a String DEFAULT \x66ile(\'x\')', '1')",
            "select * from executable('x', 'CSV', 'a Int')",
            "create function f as x -> file(x)",
        ] {
            assert_eq!(refused(sql), 497, "{sql}");
        }
        for sql in ["select file from t", "select 'see file (1)'", "select disk, count() from system.parts group by disk"] {
            assert!(analyse(sql).is_ok(), "{sql}");
        }
    }

    proptest! {
        #[test]
        fn never_fails(sql in "\\PC*") {
            let _ = analyse(&sql);
        }

        /// Whatever a literal holds, it neither splits the statement nor hides what follows.
        #[test]
        fn literals_do_not_leak(value in "\\PC*") {
            let literal = value.replace('\\', "\\\\").replace('\'', "''");
            let select = format!("select '{literal}' as x format CSV");
            // A value may itself define columns by a forbidden function; then it is refused, which is right.
            if let Ok(statement) = analyse(&select) {
                prop_assert_eq!(statement.format.as_deref(), Some("CSV"));
                prop_assert_eq!(statement.kind, StatementKind::Select);
            }
            let two = format!("select '{literal}'; select 1");
            prop_assert!(analyse(&two).is_err());
        }

        /// The data of an insert is found at its exact byte, whatever it is.
        #[test]
        fn data_is_found(data in "[^ \t\r\n\\PC][\\PC]*") {
            let head = "INSERT INTO t FORMAT CSV\n";
            let sql = format!("{head}{data}");
            prop_assert_eq!(analyse(&sql).unwrap().kind, StatementKind::Insert { data: head.len() });
        }
    }
}
