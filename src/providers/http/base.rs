//! A base URL, and which ones a key is not sent to.

use std::net::IpAddr;

use reqwest::Url;

/// A URL that calls are made below.
pub(super) struct Base {
    text: String,
    loopback: bool,
    plain: bool,
}

impl Base {
    /// Takes `https` anywhere, and `http` on this machine. What is wrong with a URL is said without repeating it: it may
    /// have a password in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the base URL {why}");
        let url = Url::parse(text).map_err(|error| wrong(&format!("is none ({error})")))?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(wrong("is neither https nor http")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has a user or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or a fragment"));
        }
        let loopback = is_loopback(url.host_str().unwrap_or_default());
        if plain && !loopback {
            return Err(wrong("is http: keys would go over the network unencrypted"));
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), loopback, plain })
    }

    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.loopback
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
