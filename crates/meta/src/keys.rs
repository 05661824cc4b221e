//! API keys: shown once, kept as a prefix (to recognise them) and a hash.
//!
//! A key opens one domain, or all domains of one owner, those added later included.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Duration, SubsecRound, Utc};
use footfall_model::SiteId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Meta, MetaError,
    token::{hash_token, random_token},
    versions,
};

pub(crate) mod row {
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    /// A JSON array of scope names.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Scopes(pub Vec<super::Scope>);

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub prefix: String,
        pub key_hash: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub scopes: Scopes,
        /// Set for a key of one domain.
        pub site_id: Option<Uuid>,
        /// Set for a key of all domains of an owner.
        pub owner_id: Option<Uuid>,
        pub rate_limit_per_hour: Option<i64>,
        pub created_at: DateTimeUtc,
        pub last_used_at: Option<DateTimeUtc>,
        pub revoked_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Every key starts with this, so that a key is recognised where it was pasted by mistake.
pub const KEY_START: &str = "ff_";
/// Characters of a key that are kept in the clear.
const PREFIX_CHARS: usize = 11;
/// The last use is written down at most this often.
const TOUCH_EVERY: Duration = Duration::minutes(1);

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Reading figures.
    #[serde(rename = "stats:read")]
    StatsRead,
    /// Sending events with a time, address or user agent of their own, past the public limits.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Adding, changing and removing domains.
    #[serde(rename = "sites:manage")]
    SitesManage,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] = &[Self::StatsRead, Self::EventsWrite, Self::SitesManage];

    /// The name in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::StatsRead => "stats:read",
            Self::EventsWrite => "events:write",
            Self::SitesManage => "sites:manage",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.code() == text)
            .ok_or_else(|| format!("`{text}` is not a scope; use stats:read, events:write or sites:manage"))
    }
}

/// Which domains a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// One.
    Site(SiteId),
    /// All of this user.
    Owner(Uuid),
}

impl Reach {
    /// Whose it is, if somebody's.
    #[must_use]
    pub const fn person(self) -> Option<Uuid> {
        match self {
            Self::Site(_) => None,
            Self::Owner(person) => Some(person),
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for, to tell keys apart.
    pub name: String,
    /// What it allows; at least one.
    pub scopes: Vec<Scope>,
    /// Which domains.
    pub reach: Reach,
    /// Requests an hour; 0 = no limit, absent = the API's default.
    pub rate_limit_per_hour: Option<u32>,
}

/// A key, without its secret part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Which domains.
    pub reach: Reach,
    /// Requests an hour; 0 = no limit, absent = the API's default.
    pub rate_limit_per_hour: Option<u32>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last use, within a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it opens nothing.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether it allows this.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

impl TryFrom<row::Model> for ApiKey {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        let reach = match (row.site_id, row.owner_id) {
            (Some(site), _) => Reach::Site(SiteId(site)),
            (None, Some(owner)) => Reach::Owner(owner),
            (None, None) => return Err(MetaError::corrupt(format!("key {} opens nothing", row.id))),
        };
        Ok(Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes.0,
            reach,
            rate_limit_per_hour: row.rate_limit_per_hour.map(|limit| u32::try_from(limit).unwrap_or(0)),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

impl Meta {
    /// Makes a key; answers it with its text, which is not stored.
    ///
    /// # Errors
    /// When no scope is named or the database fails.
    pub async fn create_key(&self, new: NewKey) -> Result<(ApiKey, String), MetaError> {
        if new.scopes.is_empty() {
            return Err(MetaError::refused("a key needs at least one scope: stats:read, events:write or sites:manage"));
        }
        let text = format!("{KEY_START}{}", random_token());
        let key = ApiKey {
            id: Uuid::now_v7(),
            name: new.name,
            prefix: text.chars().take(PREFIX_CHARS).collect(),
            scopes: new.scopes,
            reach: new.reach,
            rate_limit_per_hour: new.rate_limit_per_hour,
            created_at: Utc::now().trunc_subsecs(3),
            last_used_at: None,
            revoked_at: None,
        };
        let (site_id, owner_id) = match key.reach {
            Reach::Site(site) => (Some(site.0), None),
            Reach::Owner(owner) => (None, Some(owner)),
        };
        let stored = row::ActiveModel {
            id: Set(key.id),
            name: Set(key.name.clone()),
            prefix: Set(key.prefix.clone()),
            key_hash: Set(hash_token(&text)),
            scopes: Set(row::Scopes(key.scopes.clone())),
            site_id: Set(site_id),
            owner_id: Set(owner_id),
            rate_limit_per_hour: Set(key.rate_limit_per_hour.map(i64::from)),
            created_at: Set(key.created_at),
            last_used_at: Set(None),
            revoked_at: Set(None),
        };
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        row::Entity::insert(stored).exec_without_returning(&txn).await?;
        txn.commit().await?;
        Ok((key, text))
    }

    /// The key with this text, unless it was revoked; notes its use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key(&self, text: &str, now: DateTime<Utc>) -> Result<Option<ApiKey>, MetaError> {
        if !text.starts_with(KEY_START) {
            return Ok(None);
        }
        let found = row::Entity::find()
            .filter(row::Column::KeyHash.eq(hash_token(text)))
            .filter(row::Column::RevokedAt.is_null())
            .one(&self.db)
            .await?;
        let Some(mut key) = found.map(ApiKey::try_from).transpose()? else { return Ok(None) };
        let now = now.trunc_subsecs(3);
        if key.last_used_at.is_none_or(|last| now - last >= TOUCH_EVERY) {
            key.last_used_at = Some(now);
            row::Entity::update_many()
                .col_expr(row::Column::LastUsedAt, Expr::value(now))
                .filter(row::Column::Id.eq(key.id))
                .exec(&self.db)
                .await?;
        }
        Ok(Some(key))
    }

    /// All keys, revoked ones included, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> Result<Vec<ApiKey>, MetaError> {
        row::Entity::find().order_by_asc(row::Column::Id).all(&self.db).await?.into_iter().map(ApiKey::try_from).collect()
    }

    /// Revokes a key for good; whether it was alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_key(&self, id: Uuid) -> Result<bool, MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let done = row::Entity::update_many()
            .col_expr(row::Column::RevokedAt, Expr::value(Utc::now().trunc_subsecs(3)))
            .filter(row::Column::Id.eq(id))
            .filter(row::Column::RevokedAt.is_null())
            .exec(&txn)
            .await?;
        txn.commit().await?;
        Ok(done.rows_affected > 0)
    }
}
