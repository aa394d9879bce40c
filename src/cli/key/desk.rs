//! What every command about keys has around it.

use core::time::Duration;

use crate::cli::context::{Context, program, variable};
use crate::home::{Home, Span};
use crate::model::time::Time;
use crate::vault::keys::{Desk, Pace, Settings, Written};
use crate::vault::write::How;
use crate::vault::{Vault, VaultError};

/// How long to wait before believing that an unanswered request made nothing.
const SETTLE: Duration = Duration::from_secs(30);
/// How long a new key may take until it works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hands a desk to `work`.
pub fn with<T>(
    context: &Context,
    dry_run: bool,
    no_commit: bool,
    work: impl FnOnce(&Desk<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let home = context.home()?;
    let settings = settings(context, &home)?;
    let calls = home.configuration().map_err(VaultError::Home)?.calls;
    let expected = context.expected_vault();
    let open = || -> Result<Vault, VaultError> { context.vault() };
    let clock = || -> Time { context.later() };
    let say = |text: &str| context.note(text);
    let desk = Desk {
        open: &open,
        start: context.dir(),
        expected: expected.as_deref(),
        home: &home,
        how: How { now: context.now(), dry_run, no_commit, program: program() },
        settings,
        settle: calls.settle.map_or(SETTLE, |Span(span)| span),
        patience: calls.patience.map_or(PATIENCE, |Span(span)| span),
        clock: &clock,
        sleep: &|span| std::thread::sleep(span),
        say: &say,
        written: Written::default(),
    };
    work(&desk)
}

/// How providers are reached: the environment, then the person's configuration; never the repository.
fn settings(context: &Context, home: &Home) -> Result<Settings, VaultError> {
    let config = home.configuration().map_err(VaultError::Home)?;
    let configured = |name: &str| config.providers.get(name).and_then(|reach| reach.url.clone());
    let standard = Pace::default();
    let calls = config.calls;
    let or = |span: Option<Span>, standard: Duration| span.map_or(standard, |Span(span)| span);
    Ok(Settings {
        url: variable("COVAULT_OPENROUTER_URL").or_else(|| configured("openrouter")),
        agent: format!("covault/{}", env!("CARGO_PKG_VERSION")),
        pace: Pace {
            request: or(calls.request, standard.request),
            overall: or(calls.overall, standard.overall),
            first_wait: or(calls.first_wait, standard.first_wait),
            longest_wait: or(calls.longest_wait, standard.longest_wait),
        },
        now: context.now(),
    })
}
