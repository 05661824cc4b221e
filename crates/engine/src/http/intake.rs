//! A request's body: where the statement ends and the data begins, and the data piece by piece.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use super::exception::Exception;
use crate::sql::{Refusal, Statement, StatementKind, analyse};
use crate::unpack::Unpacker;

/// A body that holds the statement is read this far before it is looked at: no statement's head is longer.
const HEAD: usize = 256 << 10;

/// The longest statement (without an insert's data), in bytes.
pub(super) const LONGEST_TEXT: usize = 16 << 20;

/// An insert that failed reads on and throws away up to this much, so that the client comes to read why.
const DRAIN: usize = 256 << 20;

/// A body, unpacked.
pub(super) struct Intake {
    body: BodyDataStream,
    unpacker: Unpacker,
    ended: bool,
}

impl Intake {
    pub(super) fn new(body: Body, unpacker: Unpacker) -> Self {
        Self { body: body.into_data_stream(), unpacker, ended: false }
    }

    /// The next piece; `None` only at the body's proper end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        while !self.ended {
            if let Some(block) = self.unpacker.next_block()? {
                return Ok(Some(block));
            }
            match self.body.next().await {
                Some(Ok(piece)) => self.unpacker.push(piece)?,
                Some(Err(error)) => return Err(Exception::broken_body(&error)),
                None => {
                    self.ended = true;
                    return Ok(self.unpacker.finish()?);
                }
            }
        }
        Ok(None)
    }

    /// Reads on without use.
    pub(super) async fn drain(&mut self) -> Result<(), Exception> {
        let mut left = DRAIN;
        while let Some(Ok(piece)) = self.body.next().await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
        Ok(())
    }
}

/// A request's statement, and for inserts its data.
pub(super) struct Text {
    pub(super) statement: Statement,
    /// The data that came with the statement's text.
    pub(super) data: Bytes,
    /// The body that follows.
    pub(super) rest: Intake,
}

/// Finds the statement: in the `query` parameter, in the body, or in both, which then are one text with a line break between.
pub(super) async fn text(query: Option<String>, mut rest: Intake) -> Result<Text, Exception> {
    let mut buffer = BytesMut::new();
    if let Some(query) = query {
        let statement = analyse(&query);
        if let Ok(statement @ Statement { kind: StatementKind::Insert { data }, .. }) = statement {
            let data = Bytes::copy_from_slice(query.as_bytes().get(data..).unwrap_or_default());
            return Ok(Text { statement, data, rest });
        }
        buffer.extend_from_slice(query.as_bytes());
        buffer.extend_from_slice(b"\n");
    }
    let mut looked = false;
    while let Some(piece) = rest.next().await? {
        buffer.extend_from_slice(&piece);
        if buffer.len() >= HEAD && !looked {
            looked = true;
            if let Some(statement) = insert_head(&buffer) {
                return Ok(with_data(statement, buffer, rest));
            }
        }
        if buffer.len() > LONGEST_TEXT {
            let message = format!("The statement is longer than {LONGEST_TEXT} bytes: send data as an insert's body");
            return Err(Refusal::new(307, "TOO_MANY_BYTES", message).into());
        }
    }
    if let Some(statement) = insert_head(&buffer) {
        return Ok(with_data(statement, buffer, rest));
    }
    let text = std::str::from_utf8(&buffer).map_err(|_| Refusal::new(62, "SYNTAX_ERROR", "The statement is not UTF-8"))?;
    Ok(Text { statement: analyse(text)?, data: Bytes::new(), rest })
}

/// The insert at the start of a text whose data need not be text.
fn insert_head(buffer: &[u8]) -> Option<Statement> {
    let text = match std::str::from_utf8(buffer) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(buffer.get(..error.valid_up_to())?).ok()?,
    };
    analyse(text).ok().filter(|statement| matches!(statement.kind, StatementKind::Insert { .. }))
}

fn with_data(statement: Statement, buffer: BytesMut, rest: Intake) -> Text {
    let mut data = buffer.freeze();
    if let StatementKind::Insert { data: start } = statement.kind {
        data = data.slice(start.min(data.len())..);
    }
    Text { statement, data, rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(query: Option<&str>, body: &'static [u8]) -> (String, Vec<u8>) {
        let text = text(query.map(str::to_owned), Intake::new(Body::from(body), Unpacker::None(None))).await.ok().unwrap();
        let mut data = text.data.to_vec();
        let mut rest = text.rest;
        while let Some(piece) = rest.next().await.ok().unwrap() {
            data.extend_from_slice(&piece);
        }
        (text.statement.sql, data)
    }

    #[tokio::test]
    async fn statements_come_from_the_address_the_body_or_both() {
        assert_eq!(cut(Some("select 1"), b"").await.0, "select 1");
        assert_eq!(cut(None, b"select 1").await.0, "select 1");
        assert_eq!(cut(Some("select 1,"), b"2").await.0, "select 1,\n2");
    }

    #[tokio::test]
    async fn inserts_keep_every_byte_of_data() {
        assert_eq!(cut(Some("insert into t format CSV"), b"1,2\n").await, ("insert into t".into(), b"1,2\n".to_vec()));
        assert_eq!(cut(None, b"insert into t format RowBinary\n\xff\x00'").await, ("insert into t".into(), b"\xff\x00'".to_vec()));
        assert_eq!(cut(Some("insert into t values"), b"(1)").await.1, b"(1)");
        assert_eq!(cut(Some("insert into t values (1)"), b",(2)").await.1, b" (1),(2)");
    }
}
