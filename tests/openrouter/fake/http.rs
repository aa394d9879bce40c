//! HTTP/1.1 as far as an API client speaks it: requests with a length, answers with a length, connections kept open.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use super::answer::{Answer, reason};

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// The largest head or body that is read.
const MOST: usize = 4 << 20;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    /// As it was sent, with the query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Ask {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The bearer's secret.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").filter(|secret| !secret.is_empty())
    }

    /// The target below the base, with the query; all of it where it is elsewhere.
    pub fn place(&self) -> &str {
        match self.target.strip_prefix(BASE) {
            Some(rest) if rest.starts_with('/') => rest,
            _ => &self.target,
        }
    }

    /// Whether it asks the API at all.
    pub fn is_api(&self) -> bool {
        self.place().len() < self.target.len()
    }

    /// The place without its query and without a slash at the end.
    pub fn path(&self) -> &str {
        let place = self.place();
        let path = place.split_once('?').map_or(place, |(path, _)| path);
        path.strip_suffix('/').unwrap_or(path)
    }

    /// The parts of the path.
    pub fn segment(&self, at: usize) -> &str {
        self.path().split('/').nth(at + 1).unwrap_or_default()
    }

    /// A value of the query. What clients of this API send needs no decoding.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).map(|(_, v)| v)
    }
}

/// Reads the next request; none when the other end has closed. `kept` holds what was read too far.
pub fn read(stream: &mut TcpStream, kept: &mut Vec<u8>) -> io::Result<Option<Ask>> {
    let (mut ask, head, length) = loop {
        if let Some(found) = head(kept)? {
            break found;
        }
        if more(stream, kept)? == 0 {
            return if kept.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    if ask.header("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while kept.len() < head + length {
        if more(stream, kept)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    ask.body = kept[head..head + length].to_vec();
    kept.drain(..head + length);
    Ok(Some(ask))
}

/// The head of a request, its length and that of the body, once all of the head is there.
fn head(bytes: &[u8]) -> io::Result<Option<(Ask, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let wrong = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let size = match request.parse(bytes).map_err(|error| wrong(error.to_string()))? {
        httparse::Status::Complete(size) => size,
        httparse::Status::Partial => return Ok(None),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ask = Ask {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: request.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value))).collect(),
        body: Vec::new(),
    };
    if ask.header("transfer-encoding").is_some() {
        return Err(wrong("a body in chunks, which clients of this API do not send".to_owned()));
    }
    let length: Result<usize, _> = ask.header("content-length").unwrap_or("0").parse();
    let length = length.map_err(|error| wrong(error.to_string()))?;
    if length > MOST {
        return Err(wrong(format!("a body of {length} bytes")));
    }
    Ok(Some((ask, size, length)))
}

fn more(stream: &mut TcpStream, kept: &mut Vec<u8>) -> io::Result<usize> {
    if kept.len() > 2 * MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut piece = [0; 16 * 1024];
    let got = stream.read(&mut piece)?;
    kept.extend_from_slice(&piece[..got]);
    Ok(got)
}

/// The head of an answer.
pub fn head_of(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    head.push_str(&format!("Date: {}\r\n", httpdate::fmt_http_date(std::time::SystemTime::now())));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
    head.into_bytes()
}
