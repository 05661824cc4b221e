//! The scripts. Each runs as one command; Redis keeps them by hash, and the first use after a restart brings the text along.

use std::sync::LazyLock;

use fred::types::scripts::Script;

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub static $name: LazyLock<Script> = LazyLock::new(|| Script::from_lua(include_str!($file)));
    };
}

script!(APPLY, "apply.lua");
script!(FLIP, "flip.lua");
script!(VIEW, "view.lua");
script!(READ, "read.lua");
script!(ABANDON, "abandon.lua");
script!(BURY, "bury.lua");
script!(FORGET, "forget.lua");
script!(EXCHANGE, "exchange.lua");
script!(POST, "post.lua");
script!(ENLIST, "enlist.lua");
script!(ANNOUNCE, "announce.lua");
