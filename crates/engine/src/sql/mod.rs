//! Just enough SQL to serve ClickHouse's HTTP interface.
//!
//! The library parses SQL; this module only cuts a request's text into what the library's calls want (statement, format,
//! inline data) and refuses what a server would refuse but a library does not: several statements in one text, `INTO OUTFILE`,
//! `FROM INFILE`, and the functions that reach files, disks and programs in spite of missing grants.

mod lexer;
mod statement;

pub(crate) use statement::{Refusal, Statement, StatementKind, analyse};
