//! `covault key issue`.

use std::collections::BTreeSet;

use clap::Args;

use super::{by_hand, desk, said};
use crate::cli::args::WriteFlags;
use crate::cli::context::Context;
use crate::cli::exit::{Answer, Refusal};
use crate::cli::out;
use crate::model::duration;
use crate::model::keys::alert::Threshold;
use crate::model::keys::limit::{Limit, Limits};
use crate::model::names::SecretPath;
use crate::model::time::Time;
use crate::vault::VaultError;
use crate::vault::keys::{Capabilities, Issuing};

/// Have a provider issue a key, as a new secret
///
/// Limits are dollars in a day, week or month (UTC), or in all. `OpenRouter` holds one window on the key itself; a second
/// one is held by a guardrail that is assigned to the key, and the answer says which layer holds which.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  covault key issue prod/openrouter --limit 100/month --limit 10/day --expires 30d --alert 80%\n  \
    covault key issue ci/openrouter --limit 5/day --share ci\n  \
    covault key issue prod/stripe --provider manual     # one that you make yourself\n\n\
    What can go wrong: the provider cannot be reached (9), and covault key resume goes on later; the management key is \
    refused (4)."
)]
pub struct IssueArgs {
    /// The secret
    name: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    write: WriteFlags,
}

/// What a key is to be like.
#[derive(Args)]
pub struct What {
    /// Who issues it
    #[arg(long, default_value = "openrouter")]
    provider: String,
    /// What it may spend, such as 10/day, 100/month or 50/total; one for each window
    #[arg(long = "limit", value_name = "AMOUNT/WINDOW")]
    limits: Vec<String>,
    /// When it ends by itself: 30d, 2027-01-31
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Tell when so much of a limit is spent, such as 80%
    #[arg(long = "alert", value_name = "PERCENT")]
    alerts: Vec<String>,
    /// Share it with a member or @group, besides those who read by a grant
    #[arg(long, value_name = "WHO")]
    share: Vec<String>,
    /// The variable that run gives it
    #[arg(long, value_name = "VARIABLE")]
    env: Option<String>,
}

impl What {
    /// Reads all of it.
    pub fn wanted(&self, context: &Context, name: &str) -> anyhow::Result<Issuing> {
        let limits = self.limits.iter().map(|limit| limit.parse::<Limit>()).collect::<Result<Vec<_>, _>>()?;
        let expires = match &self.expires {
            Some(when) => duration::parse_expiry(when, context.now().unix())?.map(Time::from_unix),
            None => None,
        };
        let alerts = self.alerts.iter().map(|alert| alert.parse::<Threshold>()).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Issuing {
            path: SecretPath::parse(name)?,
            provider: self.provider.clone(),
            limits: Limits::of(limits)?,
            expires,
            alerts,
            share: self.share.clone(),
            env: self.env.clone(),
        })
    }
}

/// Runs it.
pub fn run(context: &Context, args: &IssueArgs) -> Answer {
    let wanted = args.what.wanted(context, &args.name)?;
    if let Some(provider) = Capabilities::named(&wanted.provider).filter(|provider| !provider.issues) {
        desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.check_first(&wanted, provider)?))
            .map_err(|error| where_taken(context, &wanted.path, error))?;
        let key = by_hand::made(context, &args.name, provider.console, args.write.dry_run)?;
        let report = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| {
            Ok(desk.keep_first(&wanted, provider, key)?)
        })?;
        return out::report(
            context,
            &report,
            &format!("kept the key of {}", args.name),
            &format!("keep {}", args.name),
        );
    }
    let outcome = desk::with(context, args.write.dry_run, args.write.no_commit, |desk| Ok(desk.issue(&wanted)?))
        .map_err(|error| where_taken(context, &wanted.path, error))?;
    said::outcome(context, &outcome, &format!("{} has a key of {}", args.name, wanted.provider))
}

/// Where something is at the name, what helps is another thing than for who would write a value.
fn where_taken(context: &Context, path: &SecretPath, error: anyhow::Error) -> anyhow::Error {
    let hint = match error.downcast_ref::<VaultError>() {
        Some(VaultError::Exists(_)) => {
            let is_issued = context.vault().is_ok_and(|vault| vault.issued(path).is_ok());
            let first =
                if is_issued { format!("covault key rotate {path} gives it another key; ") } else { String::new() };
            format!("{first}for a first key choose another name, or delete what is there: covault rm {path}")
        }
        Some(VaultError::Moved { to, .. }) => {
            format!(
                "covault key rotate {to} gives what was moved there another key; for a first key choose another name"
            )
        }
        _ => return error,
    };
    Refusal::with_hint(&error, hint)
}
