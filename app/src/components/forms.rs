//! Pieces of forms, and what their errors say.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    api::forms::AddDomain,
    i18n::{Key, t},
    icons::{Icon, icon},
    parts,
    text::sentence,
    theme,
    types::{AppError, Viewer},
};

/// Why a plain form came back: the `error` parameter that `/api/setup` and `/api/auth/callback/credentials` answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// `credentials`: e-mail or password is wrong.
    Credentials,
    /// `too_many_attempts`
    TooMany,
    /// `stale_form`: token or origin do not fit.
    Stale,
    /// `bad_email`
    BadEmail,
    /// `weak_password`
    WeakPassword,
    /// `bad_token`: the setup link is wrong or used up.
    BadToken,
    /// `already_set_up`
    AlreadySetUp,
    /// Any other code.
    Unavailable,
}

impl FormError {
    /// From the code in the address; NextAuth's own name for wrong credentials is known too.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "credentials" | "CredentialsSignin" => Self::Credentials,
            "too_many_attempts" => Self::TooMany,
            "stale_form" => Self::Stale,
            "bad_email" => Self::BadEmail,
            "weak_password" => Self::WeakPassword,
            "bad_token" => Self::BadToken,
            "already_set_up" => Self::AlreadySetUp,
            _ => Self::Unavailable,
        }
    }

    fn key(self) -> Key {
        match self {
            Self::Credentials => Key::ErrorCredentials,
            Self::TooMany => Key::ErrorTooMany,
            Self::Stale => Key::ErrorStale,
            Self::BadEmail => Key::ErrorBadEmail,
            Self::WeakPassword => Key::ErrorWeakPassword,
            Self::BadToken => Key::ErrorBadToken,
            Self::AlreadySetUp => Key::ErrorAlreadySetUp,
            Self::Unavailable => Key::ErrorUnavailable,
        }
    }

    /// The field it belongs to.
    const fn field(self) -> &'static str {
        match self {
            Self::BadEmail => "email",
            Self::Credentials | Self::WeakPassword => "password",
            _ => "",
        }
    }
}

/// E-mail and password with the errors of the last attempt beside them. Stands inside a plain form.
#[component]
pub fn CredentialFields(
    /// A new password is made, not an old one asked for.
    #[prop(optional)]
    new: bool,
) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let error = query.get("error").map(|code| FormError::from_code(&code));
    let email = query.get("email").unwrap_or_default();
    let message = move |field: &str| error.filter(|error| error.field() == field).map(|error| t(error.key()).to_owned());
    view! {
        <FieldError id="form-error" message=message("") />
        <label class="field">
            <span class="label">{t(Key::Email)}</span>
            <input
                class="input"
                type="email"
                name="email"
                autocomplete="username"
                required
                value=email
                aria-describedby="email-error"
                aria-invalid=message("email").map(|_| "true")
            />
            <FieldError id="email-error" message=message("email") />
        </label>
        <label class="field">
            <span class="label">{t(Key::Password)}</span>
            <input
                class="input"
                type="password"
                name="password"
                autocomplete=if new { "new-password" } else { "current-password" }
                minlength=new.then_some("10")
                required
                aria-describedby="password-error"
                aria-invalid=message("password").map(|_| "true")
            />
            {new.then(|| view! { <span class="hint">{t(Key::PasswordHint)}</span> })}
            <FieldError id="password-error" message=message("password") />
        </label>
    }
    .into_any()
}

/// What is wrong with a field, next to it.
#[component]
pub fn FieldError(
    /// The field refers to it.
    id: &'static str,
    /// Nothing is wrong: none.
    message: Option<String>,
) -> impl IntoView {
    view! {
        <span id=id class="field-error" role="alert">
            {message}
        </span>
    }
    .into_any()
}

/// The form that adds a domain. The time zone is the browser's, until somebody chooses another.
#[component]
pub fn DomainForm(
    /// The viewer's token.
    csrf: String,
    /// IANA names to choose from.
    time_zones: Vec<String>,
) -> impl IntoView {
    let add = ServerAction::<AddDomain>::new();
    let fault = move |field: &'static str| {
        Signal::derive(move || match add.value().get()?.err()? {
            AppError::Invalid { field: wrong, message } if wrong == field => Some(sentence(&message)),
            AppError::Invalid { field: wrong, .. } if wrong == "domain" || wrong == "timezone" => None,
            other if field == "form" => Some(sentence(&other.to_string())),
            _ => None,
        })
    };
    let (of_form, of_domain, of_zone) = (fault("form"), fault("domain"), fault("timezone"));
    view! {
        <ActionForm action=add attr:class="form">
            <input type="hidden" name="csrf" value=csrf />
            <span class="field-error" role="alert">
                {of_form}
            </span>
            <label class="field">
                <span class="label">{t(Key::Domain)}</span>
                <input
                    class="input"
                    name="domain"
                    placeholder="example.org"
                    autocapitalize="none"
                    autocomplete="off"
                    spellcheck="false"
                    required
                    aria-describedby="domain-error"
                    aria-invalid=move || of_domain.get().map(|_| "true")
                />
                <span id="domain-error" class="field-error" role="alert">
                    {of_domain}
                </span>
            </label>
            <label class="field">
                <span class="label">{t(Key::TimeZone)}</span>
                <select class="input" name="timezone" data-guess-zone="" aria-describedby="timezone-hint">
                    {time_zones
                        .into_iter()
                        .map(|zone| {
                            let selected = zone == "UTC";
                            view! {
                                <option value=zone.clone() selected=selected>
                                    {zone.clone()}
                                </option>
                            }
                        })
                        .collect::<Vec<_>>()}
                </select>
                <span id="timezone-hint" class="hint">
                    {t(Key::TimeZoneHint)}
                </span>
                <span class="field-error" role="alert">
                    {of_zone}
                </span>
            </label>
            <button class="button button-main">
                {t(Key::AddDomain)}
            </button>
        </ActionForm>
    }
    .into_any()
}

/// The bar of all pages but the domain's: the mark, the theme, the account of who is signed in.
#[component]
pub fn PlainBar(
    /// Who looks.
    viewer: Viewer,
) -> impl IntoView {
    let choices = parts::bar_end(theme::of_request(), &viewer);
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="brand" href="/">
                    <span class="brand-mark" inner_html=icon(Icon::Mark).into_string()></span>
                    <span>{t(Key::AppName)}</span>
                </a>
                <nav class="bar-choices" aria-label=t(Key::MainNavigation) inner_html=choices.into_string()></nav>
            </div>
        </header>
    }
    .into_any()
}
