//! Who asks, and what they may do.
//!
//! - [`Caller`]: a signed-in user or an API key, or 401. Extracting it also refuses changes that another site's page sends
//!   with a user's cookie (`origin`).
//! - [`SiteScope`]: the proof that a caller may read or manage one domain; nothing reads a domain's figures without one.
//! - [`link`]: shared links, by which somebody without an account reads one domain.
//! - The rest are the routes that users of NextAuth know: `providers`, `csrf`, `session`, `callback/credentials`, `signout`;
//!   beside them `sessions` (where am I signed in) and `setup` (the first owner).
//!
//! **Forms.** Sign-in, sign-out and set-up are plain forms that work without script: they are answered with a redirect, and
//! with JSON for callers that send JSON (or NextAuth's `json=true`). They carry a token that must fit a cookie (`csrf`).
//!
//! **Cookies.** `__Host-footfall.session` and `__Host-footfall.csrf` where browsers come by https. On plain http a `__Host-`
//! cookie is refused by browsers (it must be `Secure`), so there they are `footfall.session` and `footfall.csrf`: meant for a
//! server on the loopback address. All are HttpOnly and SameSite=Lax.

mod attempts;
pub mod caller;
pub mod cookies;
mod credentials;
pub mod csrf;
mod form;
pub mod link;
pub mod origin;
mod providers;
mod scope;
pub mod session;
mod sessions;
mod setup;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use caller::{Caller, KeyFault, SignedIn};
pub use scope::SiteScope;

use crate::App;

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(providers::providers))
        .routes(routes!(csrf::csrf))
        .routes(routes!(session::session))
        .routes(routes!(session::sign_out))
        .routes(routes!(credentials::sign_in))
        .routes(routes!(sessions::list, sessions::end))
        .routes(routes!(setup::set_up))
        .routes(routes!(link::open))
}
