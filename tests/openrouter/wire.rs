//! The smallest HTTP client: one connection a request, and whatever comes back is shown as it came.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

/// Somebody with a secret who talks to a fake.
pub struct Caller {
    pub url: String,
    pub secret: Option<String>,
}

/// An answer. `whole` says whether as much came as was promised.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub whole: bool,
}

impl Caller {
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { url: url.into(), secret: Some(secret.into()) }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).expect("an answer")
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, None).expect("an answer")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: impl fmt::Display) -> Reply {
        self.send("POST", path, Some(body.to_string())).expect("an answer")
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: impl fmt::Display) -> Reply {
        self.send("PATCH", path, Some(body.to_string())).expect("an answer")
    }

    /// None where the connection ended before there was a head.
    pub fn send(&self, method: &str, path: &str, body: Option<String>) -> Option<Reply> {
        let mut headers = String::new();
        if let Some(secret) = &self.secret {
            headers.push_str(&format!("Authorization: Bearer {secret}\r\n"));
        }
        if let Some(body) = &body {
            headers.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        self.raw(method, path, &headers, body.unwrap_or_default().as_bytes())
    }

    /// The same with headers that are all the caller's.
    pub fn raw(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Option<Reply> {
        let (host, base) = self.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("{method} /{base}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        // A connection that is reset has ended too.
        let _ = stream.read_to_end(&mut answer);
        let _ = stream.shutdown(Shutdown::Both);
        Reply::parse(&answer)
    }
}

impl Reply {
    fn parse(answer: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(size) = response.parse(answer).unwrap() else { return None };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut reply = Self {
            status: response.code.unwrap(),
            headers: response.headers.iter().map(|one| (one.name.to_lowercase(), text(one.value))).collect(),
            body: answer[size..].to_vec(),
            whole: false,
        };
        reply.whole = reply.header("content-length") == Some(&reply.body.len().to_string());
        Some(reply)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    #[track_caller]
    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Fails the test unless it is an error of the API with this status; answers its message.
    #[track_caller]
    pub fn refuses(self, status: u16) -> String {
        let error = self.is(status).json()["error"].clone();
        assert_eq!(error["code"], status);
        error["message"].as_str().expect("a message").to_owned()
    }
}
