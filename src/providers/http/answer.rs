//! The body of an answer: read to its end, not beyond a bound, wiped when it is done with.

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

/// The longest answer that is read.
pub(super) const MOST: usize = 8 << 20;

/// The bytes of an answer. There may be a key in them.
pub(in super::super) struct Body(Zeroizing<Vec<u8>>);

/// Why there is none.
pub(super) enum Cut {
    /// It is longer than anything that we ask for.
    TooLong,
    /// It broke off.
    Broken(reqwest::Error),
}

impl Body {
    pub(in super::super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Grows into a new buffer, so that the old one is wiped.
    fn push(&mut self, more: &[u8]) {
        let needed = self.0.len().saturating_add(more.len());
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2))));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(more);
    }
}

/// Reads it.
pub(super) async fn read(response: &mut reqwest::Response) -> Result<Body, Cut> {
    let announced = response.content_length().map_or(Ok(0), usize::try_from).unwrap_or(usize::MAX);
    if announced > MOST {
        return Err(Cut::TooLong);
    }
    let mut body = Body(Zeroizing::new(Vec::with_capacity(announced.max(8 << 10))));
    while let Some(chunk) = response.chunk().await.map_err(Cut::Broken)? {
        if body.0.len().saturating_add(chunk.len()) > MOST {
            return Err(Cut::TooLong);
        }
        body.push(&chunk);
        if let Ok(mut ours) = chunk.try_into_mut() {
            ours.zeroize();
        }
    }
    Ok(body)
}

/// What an error says; `None` where it is no error of an API: `{"error": {"message": "…"}}`.
pub(super) fn words(body: &Body) -> Option<Zeroizing<String>> {
    let mut answer: Value = serde_json::from_slice(body.bytes()).ok()?;
    let words = match answer.get_mut("error")?.take() {
        Value::String(words) => words,
        Value::Object(mut error) => match error.remove("message") {
            Some(Value::String(words)) => words,
            _ => "it does not say why".to_owned(),
        },
        _ => return None,
    };
    Some(Zeroizing::new(words))
}
