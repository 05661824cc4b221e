//! A client as cheap as can be, so that the machine's time goes to the server: one connection, requests made beforehand,
//! answers read only as far as needed.

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to `http://HOST:PORT/…`.
    pub async fn open(base: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(base.trim_start_matches("http://").trim_end_matches('/')).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends one request; the answer's status.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await?;
            ensure!(read > 0, "the server closed the connection");
            let Some(head) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&self.buffer[..head])?;
            let length: usize = text
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|value| value.trim().parse()))
                .context("the answer has no content-length")??;
            while self.buffer.len() < head + 4 + length {
                ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
            }
            let status = std::str::from_utf8(&self.buffer[9..12])?.parse()?;
            return Ok(status);
        }
    }
}

/// A request that posts a body to the collector as one of many visitors.
pub fn post(body: &str, visitor: u32) -> Vec<u8> {
    let [_, b, c, d] = visitor.to_be_bytes();
    format!(
        "POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nUser-Agent: {}\r\nX-Forwarded-For: 10.{b}.{c}.{d}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        footfall_testkit::FIREFOX,
        body.len()
    )
    .into_bytes()
}
