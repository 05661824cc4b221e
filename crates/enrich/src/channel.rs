//! Which channel brought a visit, from stored fields: `docs/definitions.md`, Channels.
//!
//! The rules are data ([`RULES`], first match wins). Rust evaluates them here; `crates/query` walks the same conditions to write SQL, so a
//! change applies to history and both always agree. All inputs are compared in lower case.

use std::sync::LazyLock;

use regex::Regex;

use crate::source::{self, Category};

/// The stored fields that decide, as they are stored; comparisons lower them.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChannelInput<'a> {
    /// Column `source`.
    pub source: &'a str,
    /// Column `utm_medium`.
    pub medium: &'a str,
    /// Column `utm_campaign`.
    pub campaign: &'a str,
    /// Column `referrer`.
    pub referrer: &'a str,
    /// Column `click_id`.
    pub click_id: &'a str,
}

/// A field of [`ChannelInput`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `source`
    Source,
    /// `utm_medium`
    Medium,
    /// `utm_campaign`
    Campaign,
    /// `referrer`
    Referrer,
    /// `click_id`
    ClickId,
}

/// A pattern in the syntax of RE2, which ClickHouse's `match` and Rust's `regex` share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A medium that was paid for.
    Paid,
    /// A campaign about a shop.
    Shop,
    /// E-mail by its many names.
    Email,
}

impl Pattern {
    /// The pattern, for lower-case text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Paid => "^(.*cp.*|ppc|retargeting|paid.*)$",
            Self::Shop => "^(.*(([^a-df-z]|^)shop|shopping).*)$",
            Self::Email => "e[-_ ]?mail|newsletter",
        }
    }

    fn matches(self, text: &str) -> bool {
        static PATTERNS: LazyLock<[Option<Regex>; 3]> =
            LazyLock::new(|| [Pattern::Paid, Pattern::Shop, Pattern::Email].map(|pattern| Regex::new(pattern.text()).ok()));
        PATTERNS[self as usize].as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// A condition on lower-case fields.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// The source is of this kind: one of [`source::sources_in`].
    SourceIs(Category),
    /// The source by itself says "paid": one of [`source::ad_sources`].
    SourceIsAd,
    /// The field is one of these.
    OneOf(Field, &'static [&'static str]),
    /// The field contains this.
    Contains(Field, &'static str),
    /// The field ends with this.
    EndsWith(Field, &'static str),
    /// The field matches this.
    Matches(Field, Pattern),
    /// The field is not empty.
    Present(Field),
    /// At least one holds.
    Any(&'static [Condition]),
    /// All hold.
    All(&'static [Condition]),
}

macro_rules! channels {
    ($($(#[$doc:meta])* $variant:ident => $name:literal;)*) => {
        /// A channel.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Channel { $($(#[$doc])* $variant,)* }

        impl Channel {
            /// Every channel, in the order of the rules.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

channels! {
    /// A campaign over several networks.
    CrossNetwork => "Cross-network";
    /// Banners.
    Display => "Display";
    /// Paid, from a shop.
    PaidShopping => "Paid Shopping";
    /// Paid, from a search engine.
    PaidSearch => "Paid Search";
    /// Paid, from a social network.
    PaidSocial => "Paid Social";
    /// Paid, from a video site.
    PaidVideo => "Paid Video";
    /// Paid, from elsewhere.
    PaidOther => "Paid Other";
    /// From a shop.
    OrganicShopping => "Organic Shopping";
    /// From a social network.
    OrganicSocial => "Organic Social";
    /// From a video site.
    OrganicVideo => "Organic Video";
    /// From an assistant.
    AiAssistants => "AI Assistants";
    /// From a search engine.
    OrganicSearch => "Organic Search";
    /// From an e-mail.
    Email => "Email";
    /// From a partner.
    Affiliates => "Affiliates";
    /// From a podcast or audio advertisement.
    Audio => "Audio";
    /// From a text message.
    Sms => "SMS";
    /// From a notification.
    MobilePush => "Mobile Push";
    /// From any other site or tagged link.
    Referral => "Referral";
    /// From nowhere known.
    Direct => "Direct";
}

use Condition::{All, Any, Contains, EndsWith, Matches, OneOf, Present, SourceIs, SourceIsAd};
use Field::{Campaign, ClickId, Medium, Referrer, Source};

const PAID: Condition = Matches(Medium, Pattern::Paid);
const SHOP: Condition = Any(&[SourceIs(Category::Shopping), Matches(Campaign, Pattern::Shop)]);
const PAID_OR_AD: Condition = Any(&[PAID, SourceIsAd]);

/// The rules, first match wins; what matches none is [`Channel::Direct`].
pub const RULES: &[(Channel, Condition)] = &[
    (Channel::CrossNetwork, Contains(Campaign, "cross-network")),
    (Channel::Display, OneOf(Medium, &["display", "banner", "expandable", "interstitial", "cpm"])),
    (Channel::PaidShopping, All(&[PAID, SHOP])),
    (
        Channel::PaidSearch,
        Any(&[
            All(&[SourceIs(Category::Search), PAID_OR_AD]),
            All(&[OneOf(Source, &["google"]), OneOf(ClickId, &["gclid"])]),
            All(&[OneOf(Source, &["bing"]), OneOf(ClickId, &["msclkid"])]),
        ]),
    ),
    (Channel::PaidSocial, All(&[SourceIs(Category::Social), PAID_OR_AD])),
    (Channel::PaidVideo, All(&[SourceIs(Category::Video), PAID_OR_AD])),
    (Channel::PaidOther, PAID),
    (Channel::OrganicShopping, SHOP),
    (
        Channel::OrganicSocial,
        Any(&[
            SourceIs(Category::Social),
            OneOf(Medium, &["social", "social-network", "social-media", "sm", "social network", "social media"]),
        ]),
    ),
    (Channel::OrganicVideo, Any(&[SourceIs(Category::Video), Contains(Medium, "video")])),
    (Channel::AiAssistants, SourceIs(Category::Ai)),
    (Channel::OrganicSearch, Any(&[SourceIs(Category::Search), OneOf(Medium, &["organic"])])),
    (Channel::Email, Any(&[SourceIs(Category::Email), Matches(Source, Pattern::Email), Matches(Medium, Pattern::Email)])),
    (Channel::Affiliates, OneOf(Medium, &["affiliate", "affiliates"])),
    (Channel::Audio, OneOf(Medium, &["audio"])),
    (Channel::Sms, Any(&[OneOf(Source, &["sms"]), OneOf(Medium, &["sms"])])),
    (
        Channel::MobilePush,
        Any(&[EndsWith(Medium, "push"), Contains(Medium, "mobile"), Contains(Medium, "notification"), OneOf(Source, &["firebase"])]),
    ),
    (Channel::Referral, Any(&[Present(Referrer), Present(Source)])),
];

/// The channel of a visit with these attributes.
#[must_use]
pub fn channel(input: ChannelInput<'_>) -> Channel {
    let lower = Lower {
        source: input.source.to_lowercase(),
        medium: input.medium.to_lowercase(),
        campaign: input.campaign.to_lowercase(),
        referrer: input.referrer.to_lowercase(),
        click_id: input.click_id.to_lowercase(),
    };
    RULES.iter().find(|(_, condition)| lower.meets(condition)).map_or(Channel::Direct, |(channel, _)| *channel)
}

struct Lower {
    source: String,
    medium: String,
    campaign: String,
    referrer: String,
    click_id: String,
}

impl Lower {
    fn field(&self, field: Field) -> &str {
        match field {
            Source => &self.source,
            Medium => &self.medium,
            Campaign => &self.campaign,
            Referrer => &self.referrer,
            ClickId => &self.click_id,
        }
    }

    fn meets(&self, condition: &Condition) -> bool {
        match *condition {
            SourceIs(category) => source::category(&self.source) == Some(category),
            SourceIsAd => source::ad_sources().binary_search(&self.source).is_ok(),
            OneOf(field, values) => values.contains(&self.field(field)),
            Contains(field, part) => self.field(field).contains(part),
            EndsWith(field, end) => self.field(field).ends_with(end),
            Matches(field, pattern) => pattern.matches(self.field(field)),
            Present(field) => !self.field(field).is_empty(),
            Any(conditions) => conditions.iter().any(|condition| self.meets(condition)),
            All(conditions) => conditions.iter().all(|condition| self.meets(condition)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// source, medium, campaign, referrer, click id → channel
    #[rstest]
    #[case("google", "cpc", "EU Cross-Network spring", "", "", Channel::CrossNetwork)]
    #[case("anything", "Banner", "", "", "", Channel::Display)]
    #[case("google", "cpm", "", "", "", Channel::Display)]
    #[case("amazon", "cpc", "", "", "", Channel::PaidShopping)]
    #[case("google", "cpc", "autumn shopping", "", "", Channel::PaidShopping)]
    #[case("google", "cpc", "the shop", "", "", Channel::PaidShopping)]
    #[case("google", "cpc", "workshop", "", "", Channel::PaidSearch)]
    #[case("google", "cpc", "eshop", "", "", Channel::PaidShopping)]
    #[case("Google", "CPC", "", "", "", Channel::PaidSearch)]
    #[case("adwords", "", "", "", "", Channel::PaidSearch)]
    #[case("Google", "", "", "google.com", "gclid", Channel::PaidSearch)]
    #[case("Google", "", "", "google.com", "msclkid", Channel::OrganicSearch)]
    #[case("Bing", "", "", "bing.com", "msclkid", Channel::PaidSearch)]
    #[case("Ecosia", "", "", "ecosia.org", "gclid", Channel::OrganicSearch)]
    #[case("facebook", "paid_social", "", "", "", Channel::PaidSocial)]
    #[case("fb-ads", "", "", "", "", Channel::PaidSocial)]
    #[case("youtube", "ppc", "", "", "", Channel::PaidVideo)]
    #[case("someone", "retargeting", "", "", "", Channel::PaidOther)]
    #[case("", "cpc", "", "", "", Channel::PaidOther)]
    #[case("Etsy", "", "", "etsy.com", "", Channel::OrganicShopping)]
    #[case("someone", "", "shop", "", "", Channel::OrganicShopping)]
    #[case("Hacker News", "", "", "news.ycombinator.com", "", Channel::OrganicSocial)]
    #[case("someone", "social media", "", "", "", Channel::OrganicSocial)]
    #[case("someone", "sm", "", "", "", Channel::OrganicSocial)]
    #[case("YouTube", "", "", "youtube.com", "", Channel::OrganicVideo)]
    #[case("someone", "my-video", "", "", "", Channel::OrganicVideo)]
    #[case("ChatGPT", "", "", "chatgpt.com", "", Channel::AiAssistants)]
    #[case("claude.ai", "", "", "", "", Channel::AiAssistants)]
    #[case("Perplexity", "", "", "perplexity.ai", "", Channel::AiAssistants)]
    #[case("Copilot", "", "", "copilot.microsoft.com", "", Channel::AiAssistants)]
    #[case("Gemini", "", "", "gemini.google.com", "", Channel::AiAssistants)]
    #[case("DuckDuckGo", "", "", "duckduckgo.com", "", Channel::OrganicSearch)]
    #[case("someone", "organic", "", "", "", Channel::OrganicSearch)]
    #[case("Gmail", "", "", "mail.google.com", "", Channel::Email)]
    #[case("weekly-newsletter", "", "", "", "", Channel::Email)]
    #[case("someone", "E-Mail", "", "", "", Channel::Email)]
    #[case("someone", "e_mail", "", "", "", Channel::Email)]
    #[case("someone", "affiliate", "", "", "", Channel::Affiliates)]
    #[case("someone", "audio", "", "", "", Channel::Audio)]
    #[case("sms", "", "", "", "", Channel::Sms)]
    #[case("someone", "sms", "", "", "", Channel::Sms)]
    #[case("someone", "web-push", "", "", "", Channel::MobilePush)]
    #[case("someone", "app notification", "", "", "", Channel::MobilePush)]
    #[case("firebase", "", "", "", "", Channel::MobilePush)]
    #[case("blog.someone.example", "", "", "blog.someone.example/post", "", Channel::Referral)]
    #[case("GitHub", "", "", "github.com", "", Channel::Referral)]
    #[case("someone", "", "", "", "", Channel::Referral)]
    #[case("", "", "", "", "", Channel::Direct)]
    #[case("", "referral", "", "", "", Channel::Direct)]
    fn rules(
        #[case] source: &str,
        #[case] medium: &str,
        #[case] campaign: &str,
        #[case] referrer: &str,
        #[case] click_id: &str,
        #[case] expected: Channel,
    ) {
        assert_eq!(channel(ChannelInput { source, medium, campaign, referrer, click_id }), expected);
    }

    #[test]
    fn the_rules_stand_in_the_order_of_the_channels() {
        let order: Vec<_> = RULES.iter().map(|(channel, _)| *channel).chain([Channel::Direct]).collect();
        assert_eq!(order, Channel::ALL);
    }

    proptest! {
        #[test]
        fn every_input_has_a_channel(source in any::<String>(), medium in any::<String>(), campaign in any::<String>()) {
            let found = channel(ChannelInput { source: &source, medium: &medium, campaign: &campaign, ..ChannelInput::default() });
            prop_assert!(Channel::ALL.contains(&found));
        }
    }
}
