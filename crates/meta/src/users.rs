//! Users, and the rules about owners.
//!
//! Making an owner adopts all domains that nobody owns. Making the *first* user is guarded: the configuration's version
//! row is locked first, so of two simultaneous set-ups one makes the owner and the other finds that it is done.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Email, Meta, MetaError, Password, domains, secrets, sessions, versions};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Lower case, unique.
        pub email: String,
        /// Absent for users who only sign in elsewhere.
        pub password_hash: Option<String>,
        pub role: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Adds domains and manages those that are theirs.
    Owner,
    /// Reads what is shared with them; adds nothing.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[Self::Owner, Self::Viewer];

    /// The stored name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|role| role.code() == text).ok_or_else(|| format!("`{text}` is not a role; use owner or viewer"))
    }
}

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: Uuid,
    /// Address.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

impl TryFrom<row::Model> for User {
    type Error = MetaError;

    fn try_from(row: row::Model) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.id,
            email: row.email.parse().map_err(|_| MetaError::corrupt(format!("user {} has an unreadable e-mail address", row.id)))?,
            role: row.role.parse().map_err(|error| MetaError::corrupt(format!("user {}: {error}", row.id)))?,
            created_at: row.created_at,
        })
    }
}

impl Meta {
    /// Adds a user. The first owner adopts the domains that nobody owns.
    ///
    /// # Errors
    /// [`MetaError::Taken`] when the address is in use.
    pub async fn create_user(&self, email: &Email, password: &Password, role: Role) -> Result<User, MetaError> {
        let hash = self.hash_password(password).await?;
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let user = insert(&txn, email, hash, role).await?;
        txn.commit().await?;
        Ok(user)
    }

    /// Who signs in with this address and password: nobody if either is wrong, after the same amount of work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verify_login(&self, email: &str, password: &str) -> Result<Option<User>, MetaError> {
        let found = match email.parse::<Email>() {
            Ok(email) => row::Entity::find().filter(row::Column::Email.eq(email.as_str())).one(&self.db).await?,
            Err(_) => None,
        };
        let stored = found.as_ref().and_then(|user| user.password_hash.clone());
        if !self.password_fits(stored, password).await? {
            return Ok(None);
        }
        found.map(User::try_from).transpose()
    }

    /// Sets a new password and signs the user out everywhere.
    ///
    /// # Errors
    /// [`MetaError::NotFound`] when there is no such user.
    pub async fn set_password(&self, user: Uuid, password: &Password) -> Result<(), MetaError> {
        let hash = self.hash_password(password).await?;
        let txn = self.begin().await?;
        let changed = row::Entity::update_many()
            .col_expr(row::Column::PasswordHash, Expr::value(hash))
            .filter(row::Column::Id.eq(user))
            .exec(&txn)
            .await?;
        if changed.rows_affected == 0 {
            return Err(MetaError::not_found("no such user"));
        }
        sessions::end_all(&txn, user).await?;
        txn.commit().await?;
        Ok(())
    }

    /// Removes a user with their sessions and keys; their domains pass to the longest-standing owner who remains.
    ///
    /// # Errors
    /// [`MetaError::NotFound`], or [`MetaError::Refused`] for the last owner.
    pub async fn remove_user(&self, user: Uuid) -> Result<(), MetaError> {
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        let Some(found) = row::Entity::find_by_id(user).one(&txn).await? else {
            return Err(MetaError::not_found("no such user"));
        };
        let heir = first_owner(&txn, Some(user)).await?;
        if found.role == Role::Owner.code() && heir.is_none() {
            return Err(MetaError::refused("this is the last owner; add another owner first"));
        }
        domains::pass_on(&txn, Some(user), heir).await?;
        row::Entity::delete_by_id(user).exec(&txn).await?;
        txn.commit().await?;
        Ok(())
    }

    /// All users, in the order in which they were added.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self) -> Result<Vec<User>, MetaError> {
        let rows = row::Entity::find().order_by_asc(row::Column::CreatedAt).order_by_asc(row::Column::Id).all(&self.db).await?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// One user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, MetaError> {
        row::Entity::find_by_id(id).one(&self.db).await?.map(User::try_from).transpose()
    }

    /// The user with this address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, MetaError> {
        row::Entity::find().filter(row::Column::Email.eq(email.as_str())).one(&self.db).await?.map(User::try_from).transpose()
    }

    /// Whether anybody was added yet; until then the set-up link works.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_users(&self) -> Result<bool, MetaError> {
        any(&self.db).await
    }

    /// The longest-standing owner: whom a domain belongs to that is added by command.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_owner(&self) -> Result<Option<Uuid>, MetaError> {
        first_owner(&self.db, None).await
    }
}

pub(crate) async fn any(db: &impl ConnectionTrait) -> Result<bool, MetaError> {
    Ok(row::Entity::find().count(db).await? > 0)
}

async fn first_owner(db: &impl ConnectionTrait, except: Option<Uuid>) -> Result<Option<Uuid>, MetaError> {
    let mut select = row::Entity::find().filter(row::Column::Role.eq(Role::Owner.code()));
    if let Some(except) = except {
        select = select.filter(row::Column::Id.ne(except));
    }
    let found = select.order_by_asc(row::Column::CreatedAt).order_by_asc(row::Column::Id).one(db).await?;
    Ok(found.map(|user| user.id))
}

/// Inserts a user inside a transaction that has locked the configuration's version.
pub(crate) async fn insert(db: &impl ConnectionTrait, email: &Email, password_hash: String, role: Role) -> Result<User, MetaError> {
    let user = User { id: Uuid::now_v7(), email: email.clone(), role, created_at: Utc::now().trunc_subsecs(3) };
    let new = row::ActiveModel {
        id: Set(user.id),
        email: Set(email.as_str().to_owned()),
        password_hash: Set(Some(password_hash)),
        role: Set(role.code().to_owned()),
        created_at: Set(user.created_at),
    };
    row::Entity::insert(new)
        .exec_without_returning(db)
        .await
        .map_err(|error| MetaError::taken_or(error, "a user with this e-mail address exists; reset their password instead"))?;
    if role == Role::Owner {
        domains::pass_on(db, None, Some(user.id)).await?;
    }
    // Whoever comes first ends the set-up.
    secrets::end_setup(db).await?;
    Ok(user)
}
