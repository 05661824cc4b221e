//! How often one may try to sign in.
//!
//! Three buckets: per address tried and client (guessing one user's password from one place), per address tried from
//! anywhere (wide, so that a stranger cannot easily lock a user out), per client (trying many users). Keys are hashed under
//! the day's salt: neither address reaches the live state.

use std::{net::IpAddr, time::Duration};

use chrono::Utc;
use footfall_live::{Allowance, Limit};

use super::csrf::keyed;
use crate::{App, api::error::ApiError, client::limited_network};

const PER_USER_AND_CLIENT: Limit = Limit { rate: 1.0 / 20.0, burst: 8.0 };
const PER_USER: Limit = Limit { rate: 1.0 / 4.0, burst: 40.0 };
const PER_CLIENT: Limit = Limit { rate: 1.0 / 4.0, burst: 30.0 };

/// Counts an attempt.
///
/// # Errors
/// 429 when there were too many. With live state away the attempt passes: hashing still takes its time.
pub async fn take(app: &App, client: IpAddr, user: &str) -> Result<(), ApiError> {
    let salt = app.meta.salt_for(Utc::now().date_naive()).await?;
    let client = limited_network(client).to_string();
    let user = user.trim().to_lowercase();
    let key = |kind: &str, parts: &[&str]| {
        let all: Vec<&str> = std::iter::once(kind).chain(parts.iter().copied()).collect();
        format!("sign-in:{}", keyed(&salt, &all))
    };
    let mut buckets = vec![(key("client", &[&client]), PER_CLIENT)];
    if !user.is_empty() {
        buckets.push((key("both", &[&client, &user]), PER_USER_AND_CLIENT));
        buckets.push((key("user", &[&user]), PER_USER));
    }
    let answers = match app.live.take(&buckets, 1).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::warn!(%error, "sign-in limits are not kept while live state is away");
            return Ok(());
        }
    };
    let longest = answers.into_iter().filter_map(|answer| match answer {
        Allowance::Pass => None,
        Allowance::Wait(wait) => Some(wait),
    });
    match longest.max() {
        None => Ok(()),
        Some(wait) => Err(ApiError::too_many(wait.max(Duration::from_secs(1))).with_code("too_many_attempts")),
    }
}
