//! Who may ask, and which function answers.

use super::account::Account;
use super::answer::{Answer, Refusal};
use super::call::Call;
use super::http::Ask;
use super::{books, current, guardrails, keys};

/// Whose secret a request carries.
pub enum Caller {
    Management,
    /// An ordinary key, by its hash.
    Key(String),
}

/// Carries a request out.
pub fn answer(account: &mut Account, ask: &Ask) -> Answer {
    let call = if ask.is_api() { Call::of(&ask.method, ask.path()) } else { None };
    let Some(call) = call else {
        return if known_path(ask) { Answer::error(405, "Method Not Allowed") } else { Answer::html(404) };
    };
    carry_out(account, ask, call).unwrap_or_else(Answer::from)
}

fn carry_out(account: &mut Account, ask: &Ask, call: Call) -> Result<Answer, Refusal> {
    let caller = caller(account, ask)?;
    match (call, &caller) {
        (Call::CurrentKey, _) => return Ok(current::current(account, &caller)),
        (Call::Chat, Caller::Key(hash)) => return books::chat(account, ask, hash),
        (Call::Chat, Caller::Management) => {
            return Err(Refusal::new(403, "Management keys cannot be used for inference"));
        }
        (_, Caller::Key(_)) => return Err(Refusal::new(403, "Only management keys can perform this operation")),
        (_, Caller::Management) => {}
    }
    if call.is_guardrail() && !account.guardrails_allowed {
        return Err(Refusal::new(403, "Guardrails are not available for this account"));
    }
    match call {
        Call::CreateKey => keys::create(account, ask),
        Call::ListKeys => keys::list(account, ask),
        Call::GetKey => keys::get(account, ask),
        Call::UpdateKey => keys::update(account, ask),
        Call::DeleteKey => keys::delete(account, ask),
        Call::Credits => Ok(books::credits(account)),
        Call::Activity => books::activity(account, ask),
        Call::ListWorkspaces => books::workspaces(account, ask),
        Call::CreateGuardrail => guardrails::create(account, ask),
        Call::ListGuardrails => guardrails::list(account, ask),
        Call::GetGuardrail => guardrails::get(account, ask),
        Call::UpdateGuardrail => guardrails::update(account, ask),
        Call::DeleteGuardrail => guardrails::delete(account, ask),
        Call::AssignKeys => guardrails::assign(account, ask),
        Call::UnassignKeys => guardrails::unassign(account, ask),
        Call::GuardrailKeys => guardrails::keys_of(account, ask),
        Call::ListAssignments => guardrails::assignments(account, ask),
        Call::CurrentKey | Call::Chat => Err(Refusal::not_found()),
    }
}

fn caller(account: &mut Account, ask: &Ask) -> Result<Caller, Refusal> {
    let secret = ask.bearer().ok_or_else(|| Refusal::new(401, "Missing Authentication header"))?;
    if secret == account.management {
        return Ok(Caller::Management);
    }
    let now = account.now();
    let unknown = || Refusal::new(401, "User not found.");
    let key = account.keys.iter_mut().find(|key| key.secret == secret && key.deleted_at.is_none());
    let key = key.ok_or_else(unknown)?;
    if key.refusals_left > 0 {
        key.refusals_left -= 1;
        return Err(unknown());
    }
    if key.expired(now) || key.seen_disabled() { Err(unknown()) } else { Ok(Caller::Key(key.hash.clone())) }
}

/// Whether the path is there with another method.
fn known_path(ask: &Ask) -> bool {
    let methods = ["GET", "POST", "PATCH", "DELETE"];
    ask.is_api() && methods.iter().any(|method| Call::of(method, ask.path()).is_some())
}
