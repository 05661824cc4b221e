//! Login sessions: an opaque random token in a cookie, hashed at rest, ending 30 days after its last use.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Meta, MetaError, User,
    token::{hash_token, random_token},
    users,
};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "login_sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub token_hash: String,
        pub user_id: Uuid,
        pub created_at: DateTimeUtc,
        pub last_seen_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "crate::users::row::Entity", from = "Column::UserId", to = "crate::users::row::Column::Id")]
        User,
    }

    impl Related<crate::users::row::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A session ends this long after its last use.
pub const LIFETIME: Duration = Duration::days(30);
/// The last use is written down at most this often, so that reading a dashboard writes nothing.
const TOUCH_EVERY: Duration = Duration::minutes(10);

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session.
    pub info: SessionInfo,
    /// Its user.
    pub user: User,
}

/// One place where a user is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Id; harmless to show, unlike the token.
    pub id: Uuid,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// Last use, within ten minutes.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless used.
    pub expires_at: DateTime<Utc>,
}

impl From<row::Model> for SessionInfo {
    fn from(row: row::Model) -> Self {
        Self { id: row.id, created_at: row.created_at, last_seen_at: row.last_seen_at, expires_at: row.expires_at }
    }
}

impl Meta {
    /// Signs a user in; answers the token for the cookie, which is not stored.
    ///
    /// # Errors
    /// When the database fails or the user has gone.
    pub async fn start_session(&self, user: Uuid, now: DateTime<Utc>) -> Result<(String, SessionInfo), MetaError> {
        let token = random_token();
        let now = now.trunc_subsecs(3);
        let info = SessionInfo { id: Uuid::now_v7(), created_at: now, last_seen_at: now, expires_at: now + LIFETIME };
        let new = row::ActiveModel {
            id: Set(info.id),
            token_hash: Set(hash_token(&token)),
            user_id: Set(user),
            created_at: Set(info.created_at),
            last_seen_at: Set(info.last_seen_at),
            expires_at: Set(info.expires_at),
        };
        row::Entity::insert(new).exec_without_returning(&self.db).await?;
        Ok((token, info))
    }

    /// Whose token this is, if its session lives; using it puts off its end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Session>, MetaError> {
        let now = now.trunc_subsecs(3);
        let found = row::Entity::find()
            .filter(row::Column::TokenHash.eq(hash_token(token)))
            .filter(row::Column::ExpiresAt.gt(now))
            .find_also_related(users::row::Entity)
            .one(&self.db)
            .await?;
        let Some((row, Some(user))) = found else { return Ok(None) };
        let mut info = SessionInfo::from(row);
        if now - info.last_seen_at >= TOUCH_EVERY {
            info.last_seen_at = now;
            info.expires_at = now + LIFETIME;
            row::Entity::update_many()
                .col_expr(row::Column::LastSeenAt, Expr::value(info.last_seen_at))
                .col_expr(row::Column::ExpiresAt, Expr::value(info.expires_at))
                .filter(row::Column::Id.eq(info.id))
                .exec(&self.db)
                .await?;
        }
        Ok(Some(Session { info, user: user.try_into()? }))
    }

    /// Signs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, token: &str) -> Result<(), MetaError> {
        row::Entity::delete_many().filter(row::Column::TokenHash.eq(hash_token(token))).exec(&self.db).await?;
        Ok(())
    }

    /// Where a user is signed in, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_of(&self, user: Uuid, now: DateTime<Utc>) -> Result<Vec<SessionInfo>, MetaError> {
        let rows = row::Entity::find()
            .filter(row::Column::UserId.eq(user))
            .filter(row::Column::ExpiresAt.gt(now.trunc_subsecs(3)))
            .order_by_desc(row::Column::CreatedAt)
            .order_by_desc(row::Column::Id)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(SessionInfo::from).collect())
    }

    /// Ends one session of a user; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session_of(&self, user: Uuid, session: Uuid) -> Result<bool, MetaError> {
        let gone =
            row::Entity::delete_many().filter(row::Column::UserId.eq(user)).filter(row::Column::Id.eq(session)).exec(&self.db).await?;
        Ok(gone.rows_affected > 0)
    }

    /// Ends all sessions of a user but one; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_other_sessions(&self, user: Uuid, keep: Uuid) -> Result<u64, MetaError> {
        let gone = row::Entity::delete_many().filter(row::Column::UserId.eq(user)).filter(row::Column::Id.ne(keep)).exec(&self.db).await?;
        Ok(gone.rows_affected)
    }

    /// Removes sessions that have ended; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_sessions(&self, now: DateTime<Utc>) -> Result<u64, MetaError> {
        let gone = row::Entity::delete_many().filter(row::Column::ExpiresAt.lte(now.trunc_subsecs(3))).exec(&self.db).await?;
        Ok(gone.rows_affected)
    }
}

pub(crate) async fn end_all(db: &impl ConnectionTrait, user: Uuid) -> Result<(), MetaError> {
    row::Entity::delete_many().filter(row::Column::UserId.eq(user)).exec(db).await?;
    Ok(())
}
