//! Icons, built in. All are decoration beside a text, so none has a name of its own.

use crate::markup::Html;

/// A picture of 16 × 16 drawn with the text's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The product's mark: steps that rise.
    Mark,
    /// Opens a menu.
    Chevron,
    /// A calendar: the period.
    Calendar,
    /// A line over a dotted one: a comparison.
    Compare,
    /// A person.
    Person,
    /// Half a disc: the theme.
    Contrast,
    /// A globe: the language.
    #[cfg(feature = "ssr")]
    Globe,
    /// Leads out of the page.
    Out,
    /// Two sheets: copy.
    Copy,
    /// A funnel: filters.
    Funnel,
    /// Takes away.
    Cross,
    /// A bar: leaves out.
    Minus,
    /// Leads back.
    #[cfg(feature = "ssr")]
    Back,
    /// An arrow onto a line: a file to keep.
    #[cfg(feature = "ssr")]
    Download,
    /// Moves up.
    #[cfg(feature = "ssr")]
    Up,
    /// Moves down.
    #[cfg(feature = "ssr")]
    Down,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Mark => "M3 13v-2.5M6.5 13V8M10 13V5.5M13.5 13V3",
            Self::Chevron => "M4.5 6.5 8 10l3.5-3.5",
            Self::Calendar => "M3 4.500h10v8.500H3zM3 7.500h10M5.500 3v1.500M10.500 3v1.500",
            Self::Compare => "M2.500 10l3.500-4 3 2.500 4.500-5.500M2.500 13.500h.01M5.500 13.500h.01M8.500 13.500h.01M11.500 13.500h.01",
            Self::Person => {
                "M8 8.200a2.600 2.600 0 1 0 0-5.200 2.600 2.600 0 0 0 0 5.200zM3 13.500c.6-2.300 2.500-3.500 5-3.500s4.400 1.200 5 3.500"
            }
            Self::Contrast => {
                "M8 13.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM8 2.500v11M8 5.300l4.700-.4M8 8h5.500M8 10.700l4.700.4"
            }
            #[cfg(feature = "ssr")]
            Self::Globe => {
                "M8 13.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM2.500 8h11M8 2.500c-3.500 3.500-3.500 7.500 0 11M8 2.500c3.500 3.500 3.500 7.500 0 11"
            }
            Self::Out => "M6.500 3.500h-3v9h9v-3M9 3h4v4M13 3 7.500 8.500",
            Self::Copy => "M6 6h7.500v7.500H6zM3.500 10h-1V2.500H10v1",
            Self::Funnel => "M2.500 4h11M4.500 8h7M6.500 12h3",
            Self::Cross => "M4.500 4.500l7 7M11.500 4.500l-7 7",
            Self::Minus => "M3.500 8h9",
            #[cfg(feature = "ssr")]
            Self::Back => "M13 8H3.500M7 4.500 3.500 8 7 11.500",
            #[cfg(feature = "ssr")]
            Self::Download => "M8 3v7M5 7.500 8 10.500l3-3M3.500 13h9",
            #[cfg(feature = "ssr")]
            Self::Up => "M8 13V3.500M4.500 7 8 3.500 11.500 7",
            #[cfg(feature = "ssr")]
            Self::Down => "M8 3v9.500M4.500 9 8 12.500 11.500 9",
        }
    }
}

/// Draws an icon.
#[must_use]
pub fn icon(icon: Icon) -> Html {
    let mut html = Html::new();
    html.raw(r#"<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path"#)
        .attr("d", icon.path())
        .raw("/></svg>");
    html
}
