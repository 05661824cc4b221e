//! The engine from outside: a real child process, a real library, ClickHouse's own client and plain HTTP.

mod client;
mod crash;
mod http;
mod limits;
mod refusals;
mod start;
mod support;
