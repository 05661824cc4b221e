//! The languages: which there are, which one a reader gets, and how each writes figures and dates.

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Japanese.
    Ja,
    /// Arabic.
    Ar,
}

impl Lang {
    /// All, in the order of the menu.
    pub const ALL: [Self; 6] = [Self::En, Self::De, Self::Fr, Self::Es, Self::Ja, Self::Ar];

    /// The value of `<html lang>` and of the cookie.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Ja => "ja",
            Self::Ar => "ar",
        }
    }

    /// The language of this tag.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// What stands between groups of three digits. Spanish groups from five digits on.
    #[must_use]
    pub const fn group_sign(self) -> char {
        match self {
            Self::En | Self::Ja | Self::Ar => ',',
            Self::De | Self::Es => '.',
            // Narrow, and no place to break the line.
            Self::Fr => '\u{202f}',
        }
    }

    /// What stands before decimals.
    #[must_use]
    pub const fn decimal_sign(self) -> char {
        match self {
            Self::En | Self::Ja | Self::Ar => '.',
            Self::De | Self::Fr | Self::Es => ',',
        }
    }

    /// What stands after a figure in percent.
    #[must_use]
    pub const fn percent_sign(self) -> &'static str {
        match self {
            Self::En | Self::Ja | Self::Ar => "%",
            Self::De | Self::Es => "\u{a0}%",
            Self::Fr => "\u{202f}%",
        }
    }

    /// Names of the months, January first: the short form of axis labels.
    #[must_use]
    pub const fn months(self) -> [&'static str; 12] {
        match self {
            Self::En => ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            Self::De => ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
            Self::Fr => ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
            Self::Es => ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
            Self::Ja => ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
            Self::Ar => ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"],
        }
    }

    /// Names of the days, Monday first: the short form.
    #[must_use]
    pub const fn weekdays(self) -> [&'static str; 7] {
        match self {
            Self::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            Self::De => ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
            Self::Fr => ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
            Self::Es => ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
            Self::Ja => ["月", "火", "水", "木", "金", "土", "日"],
            Self::Ar => ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
        }
    }
}

#[cfg(feature = "ssr")]
impl Lang {
    /// The name that its readers look for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Fr => "Français",
            Self::Es => "Español",
            Self::Ja => "日本語",
            Self::Ar => "العربية",
        }
    }

    /// The value of `<html dir>`.
    #[must_use]
    pub const fn dir(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            _ => "ltr",
        }
    }

    /// The reader's choice, else what the browser asks for, else English.
    #[must_use]
    pub fn of_reader(headers: &http::HeaderMap) -> Self {
        let texts = |name| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let chosen =
            texts(http::header::COOKIE).flat_map(|cookies| cookies.split(';')).find_map(|cookie| cookie.trim().strip_prefix("lang="));
        let asked = || texts(http::header::ACCEPT_LANGUAGE).find_map(Self::asked);
        chosen.and_then(Self::from_tag).or_else(asked).unwrap_or_default()
    }

    /// The best of an `Accept-Language`.
    fn asked(accepted: &str) -> Option<Self> {
        let mut best: Option<(f64, Self)> = None;
        for part in accepted.split(',') {
            let mut words = part.split(';').map(str::trim);
            let range = words.next().unwrap_or_default().to_ascii_lowercase();
            let weight = words.find_map(|word| word.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f64>().ok()).unwrap_or(0.0);
            let known = range.split('-').next().and_then(Self::from_tag);
            if let Some(lang) = known.filter(|_| weight > best.map_or(0.0, |(most, _)| most)) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::*;

    fn reader(cookies: &'static str, accepted: &'static str) -> Lang {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(cookies));
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        Lang::of_reader(&headers)
    }

    #[test]
    fn the_choice_wins_then_what_the_browser_likes_best() {
        assert_eq!(reader("theme=dark; lang=ar", "de"), Lang::Ar);
        assert_eq!(reader("lang=tlh", "de-CH,de;q=0.9,en;q=0.8"), Lang::De);
        assert_eq!(reader("", "pt-BR,en;q=0.5, fr;q=0.7"), Lang::Fr);
        assert_eq!(reader("", "de;q=0, ja;q=x, *"), Lang::En);
        assert_eq!(reader("", ""), Lang::En);
    }
}
