//! The installation's secret, and the set-up link.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};
use subtle::ConstantTimeEq;

use crate::{
    Email, Meta, MetaError, Password, Role, User,
    token::{hash_token, random_token},
    users, versions,
};

pub(crate) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "secrets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Keys CSRF tokens, the sign-in state cookie and one-time links.
pub(crate) const INSTALLATION: &str = "installation";
/// Hash of the set-up link's token.
const SETUP: &str = "setup_token";

/// How a set-up went.
#[derive(Clone, Debug)]
pub enum Setup {
    /// The owner was made.
    Done(User),
    /// The link is not the newest one.
    WrongToken,
    /// Somebody was first: a user exists.
    AlreadyDone,
}

impl Meta {
    /// The secret of this installation, made on first use; replicas agree on it. `FOOTFALL_SECRET` takes its place where set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn installation_secret(&self) -> Result<[u8; 32], MetaError> {
        let fresh = row::ActiveModel { name: Set(INSTALLATION.to_owned()), value: Set(rand::random::<[u8; 32]>().to_vec()) };
        if let Some(kept) = row::Entity::find_by_id(INSTALLATION).one(&self.db).await? {
            return as_secret(kept.value);
        }
        row::Entity::insert(fresh)
            .on_conflict(OnConflict::column(row::Column::Name).do_nothing().to_owned())
            .exec_without_returning(&self.db)
            .await?;
        let kept = row::Entity::find_by_id(INSTALLATION).one(&self.db).await?;
        as_secret(kept.ok_or_else(|| MetaError::corrupt("the installation secret vanished while it was made"))?.value)
    }

    /// A new token for the set-up link, which replaces the one before; none once a user exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new_setup_token(&self) -> Result<Option<String>, MetaError> {
        let token = random_token();
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if users::any(&txn).await? {
            return Ok(None);
        }
        let new = row::ActiveModel { name: Set(SETUP.to_owned()), value: Set(hash_token(&token).into_bytes()) };
        row::Entity::insert(new)
            .on_conflict(OnConflict::column(row::Column::Name).update_column(row::Column::Value).to_owned())
            .exec_without_returning(&txn)
            .await?;
        txn.commit().await?;
        Ok(Some(token))
    }

    /// Whether a set-up link with this token would work now; changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setup_token_is_valid(&self, token: &str) -> Result<bool, MetaError> {
        Ok(!users::any(&self.db).await? && token_fits(&self.db, token).await?)
    }

    /// Makes the first owner from the set-up link, who adopts all domains that nobody owns. Of two calls at once one wins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_up(&self, token: &str, email: &Email, password: &Password) -> Result<Setup, MetaError> {
        // Hashing is dear: only for who holds the link. The token is looked at first, as it goes when a user comes.
        if !token_fits(&self.db, token).await? {
            return Ok(if users::any(&self.db).await? { Setup::AlreadyDone } else { Setup::WrongToken });
        }
        let hash = self.hash_password(password).await?;
        let txn = self.begin().await?;
        versions::raise_config(&txn).await?;
        if users::any(&txn).await? {
            return Ok(Setup::AlreadyDone);
        }
        if !token_fits(&txn, token).await? {
            return Ok(Setup::WrongToken);
        }
        let user = users::insert(&txn, email, hash, Role::Owner).await?;
        txn.commit().await?;
        Ok(Setup::Done(user))
    }
}

pub(crate) async fn end_setup(db: &impl ConnectionTrait) -> Result<(), MetaError> {
    row::Entity::delete_by_id(SETUP).exec(db).await?;
    Ok(())
}

async fn token_fits(db: &impl ConnectionTrait, token: &str) -> Result<bool, MetaError> {
    let kept = row::Entity::find_by_id(SETUP).one(db).await?;
    Ok(kept.is_some_and(|kept| bool::from(kept.value.ct_eq(hash_token(token).as_bytes()))))
}

fn as_secret(value: Vec<u8>) -> Result<[u8; 32], MetaError> {
    value.try_into().map_err(|_| MetaError::corrupt("the installation secret has a wrong length; set FOOTFALL_SECRET"))
}
