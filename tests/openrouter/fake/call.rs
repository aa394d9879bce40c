//! The calls of the API by name, and the patterns that requests are matched with.

use std::fmt;

/// Every call that the fake answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    CreateKey,
    ListKeys,
    GetKey,
    UpdateKey,
    DeleteKey,
    CurrentKey,
    Credits,
    Activity,
    CreateGuardrail,
    ListGuardrails,
    GetGuardrail,
    UpdateGuardrail,
    DeleteGuardrail,
    AssignKeys,
    UnassignKeys,
    GuardrailKeys,
    ListAssignments,
    ListWorkspaces,
    Chat,
}

impl Call {
    pub fn all() -> [Self; 19] {
        [
            Self::CreateKey,
            Self::ListKeys,
            Self::GetKey,
            Self::UpdateKey,
            Self::DeleteKey,
            Self::CurrentKey,
            Self::Credits,
            Self::Activity,
            Self::CreateGuardrail,
            Self::ListGuardrails,
            Self::GetGuardrail,
            Self::UpdateGuardrail,
            Self::DeleteGuardrail,
            Self::AssignKeys,
            Self::UnassignKeys,
            Self::GuardrailKeys,
            Self::ListAssignments,
            Self::ListWorkspaces,
            Self::Chat,
        ]
    }

    /// Its method and path, `*` for a part that differs.
    pub fn pattern(self) -> &'static str {
        match self {
            Self::CreateKey => "POST /keys",
            Self::ListKeys => "GET /keys",
            Self::GetKey => "GET /keys/*",
            Self::UpdateKey => "PATCH /keys/*",
            Self::DeleteKey => "DELETE /keys/*",
            Self::CurrentKey => "GET /key",
            Self::Credits => "GET /credits",
            Self::Activity => "GET /activity",
            Self::CreateGuardrail => "POST /guardrails",
            Self::ListGuardrails => "GET /guardrails",
            Self::GetGuardrail => "GET /guardrails/*",
            Self::UpdateGuardrail => "PATCH /guardrails/*",
            Self::DeleteGuardrail => "DELETE /guardrails/*",
            Self::AssignKeys => "POST /guardrails/*/assignments/keys",
            Self::UnassignKeys => "POST /guardrails/*/assignments/keys/remove",
            Self::GuardrailKeys => "GET /guardrails/*/assignments/keys",
            Self::ListAssignments => "GET /guardrails/assignments/keys",
            Self::ListWorkspaces => "GET /workspaces",
            Self::Chat => "POST /chat/completions",
        }
    }

    /// The status of success.
    pub fn ok(self) -> u16 {
        if matches!(self, Self::CreateKey | Self::CreateGuardrail) { 201 } else { 200 }
    }

    pub fn is_guardrail(self) -> bool {
        self.pattern().contains(" /guardrails")
    }

    /// Which call a request is.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        Self::all().into_iter().find(|call| Pattern::from(*call).matches(method, path))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern())
    }
}

/// A method and a path below the base: `DELETE /keys/*`. A `*` is any method, or any one part of a path.
#[derive(Clone, Debug)]
pub struct Pattern(String);

impl Pattern {
    pub fn matches(&self, method: &str, path: &str) -> bool {
        let (wanted, pattern) = self.0.split_once(' ').expect("a method, a space and a path");
        let same = |(want, got): (&str, &str)| want == "*" || want == got;
        same((wanted, method))
            && pattern.split('/').count() == path.split('/').count()
            && pattern.split('/').zip(path.split('/')).all(same)
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Call> for Pattern {
    fn from(call: Call) -> Self {
        Self(call.pattern().to_owned())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
