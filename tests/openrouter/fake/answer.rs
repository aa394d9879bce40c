//! What the fake sends back: a status, headers and bytes.

use serde::Serialize;
use serde_json::{Value, json};

/// An answer that has not been sent yet.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A body of JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: serde_json::to_vec(body).unwrap(),
        }
    }

    /// `{"data": …}`
    pub fn data(status: u16, data: impl Serialize) -> Self {
        Self::json(status, &Data { data })
    }

    /// A page as a proxy in between makes it.
    pub fn html(status: u16) -> Self {
        let reason = reason(status);
        let head = format!("<!DOCTYPE html>\n<html><head><title>{status} {reason}</title></head>\n");
        let body = format!("{head}<body><h1>{reason}</h1><p>cloudflare</p></body></html>\n");
        let headers =
            vec![("Content-Type", "text/html; charset=UTF-8".to_owned()), ("Server", "cloudflare".to_owned())];
        Self { status, headers, body: body.into_bytes() }
    }

    /// An error as the API spells it.
    pub fn error(status: u16, message: &str) -> Self {
        Refusal::new(status, message).into()
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

/// Why a request is refused.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    message: String,
    metadata: Option<Value>,
}

impl Refusal {
    pub fn new(status: u16, message: &str) -> Self {
        Self { status, message: message.to_owned(), metadata: None }
    }

    /// 400, with the field that is wrong.
    pub fn field(name: &str, why: &str) -> Self {
        Self::new(400, "Invalid request parameters").about(json!({ "field": name, "issue": why }))
    }

    pub fn not_found() -> Self {
        Self::new(404, "Resource not found")
    }

    pub fn about(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut error = json!({ "code": refusal.status, "message": refusal.message });
        if let Some(metadata) = refusal.metadata {
            error["metadata"] = metadata;
        }
        Self::json(refusal.status, &json!({ "error": error }))
    }
}

/// The words beside a status.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Something Else",
    }
}

/// What the API says with a status when nothing more is known.
pub fn message(status: u16) -> &'static str {
    match status {
        400 => "Invalid request parameters",
        401 => "User not found.",
        402 => "Insufficient credits",
        403 => "Only management keys can perform this operation",
        404 => "Resource not found",
        409 => "Resource conflict",
        429 => "Rate limit exceeded",
        500 => "Internal Server Error",
        502 => "Provider returned error",
        503 => "Service temporarily unavailable",
        _ => reason(status),
    }
}
