//! The line that a page needs, and where it goes in what pages are made with.

use crate::{
    i18n::{Key, t},
    markup::Html,
    parts::{code, line, waiting},
    settings::Section,
    types::Site,
};

/// What pages are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Html,
    React,
    Next,
    Vue,
    Nuxt,
    Svelte,
    Astro,
    WordPress,
    TagManager,
}

impl Platform {
    const ALL: [Self; 9] =
        [Self::Html, Self::React, Self::Next, Self::Vue, Self::Nuxt, Self::Svelte, Self::Astro, Self::WordPress, Self::TagManager];

    const fn code(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::React => "react",
            Self::Next => "next",
            Self::Vue => "vue",
            Self::Nuxt => "nuxt",
            Self::Svelte => "sveltekit",
            Self::Astro => "astro",
            Self::WordPress => "wordpress",
            Self::TagManager => "gtm",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::React => "React",
            Self::Next => "Next.js",
            Self::Vue => "Vue",
            Self::Nuxt => "Nuxt",
            Self::Svelte => "SvelteKit",
            Self::Astro => "Astro",
            Self::WordPress => "WordPress",
            Self::TagManager => "Google Tag Manager",
        }
    }

    /// Where the code goes.
    const fn place(self) -> Key {
        match self {
            Self::Html => Key::SetSnippetHtml,
            Self::React => Key::SetSnippetReact,
            Self::Next => Key::SetSnippetNext,
            Self::Vue => Key::SetSnippetVue,
            Self::Nuxt => Key::SetSnippetNuxt,
            Self::Svelte => Key::SetSnippetSvelte,
            Self::Astro => Key::SetSnippetAstro,
            Self::WordPress => Key::SetSnippetWordPress,
            Self::TagManager => Key::SetSnippetTagManager,
        }
    }

    fn lines(self, site: &Site) -> String {
        let Site { domain, tracker_url: url, .. } = site;
        match self {
            Self::Html | Self::React | Self::Vue | Self::Svelte => line(site),
            Self::Next => [
                "import Script from \"next/script\";",
                "",
                "export default function RootLayout({ children }) {",
                "  return (",
                "    <html lang=\"en\">",
                "      <body>",
                "        {children}",
                &format!("        <Script data-domain=\"{domain}\" src=\"{url}\" />"),
                "      </body>",
                "    </html>",
                "  );",
                "}",
            ]
            .join("\n"),
            Self::Nuxt => [
                "export default defineNuxtConfig({",
                "  app: {",
                "    head: {",
                &format!("      script: [{{ src: \"{url}\", defer: true, \"data-domain\": \"{domain}\" }}],"),
                "    },",
                "  },",
                "});",
            ]
            .join("\n"),
            Self::Astro => format!("<script is:inline defer data-domain=\"{domain}\" src=\"{url}\"></script>"),
            Self::WordPress => format!("add_action( 'wp_head', function () {{\n  echo '{}' . \"\\n\";\n}} );", line(site)),
            // Tag Manager drops attributes that it does not know from the tags it is given.
            Self::TagManager => [
                "<script>",
                "  (function () {",
                "    var script = document.createElement(\"script\");",
                &format!("    script.dataset.domain = \"{domain}\";"),
                &format!("    script.src = \"{url}\";"),
                "    document.head.appendChild(script);",
                "  })();",
                "</script>",
            ]
            .join("\n"),
        }
    }
}

/// Tabs, code, and the wait for the first event.
pub(super) fn body(site: &Site, chosen: &str) -> Html {
    let chosen = Platform::ALL.into_iter().find(|platform| platform.code() == chosen).unwrap_or(Platform::Html);
    let mut html = Html::new();
    html.raw(r#"<nav class="tabs tabs-wrap""#).attr("aria-label", t(Key::SetSnippetFor)).raw(">");
    for platform in Platform::ALL {
        html.raw(r#"<a class="tab""#).attr("href", format_args!("{}?for={}", Section::Snippet.address(&site.domain), platform.code()));
        html.attr_if(platform == chosen, "aria-current", "page").raw(">").text(platform.name()).raw("</a>");
    }
    html.raw(r#"</nav><p class="snippet-place">"#).text(t(chosen.place())).raw("</p>");
    html.html(&code(&chosen.lines(site))).html(&waiting(site));
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_code_names_the_domain_and_the_script() {
        let site = Site { domain: "a.org".to_owned(), tracker_url: "https://stats.a.org/tracker.js".to_owned(), ..Site::default() };
        for platform in Platform::ALL {
            let lines = platform.lines(&site);
            assert!(lines.contains("\"a.org\"") && lines.contains("\"https://stats.a.org/tracker.js\""), "{lines}");
            let html = body(&site, platform.code()).into_string();
            assert!(html.contains(&format!(r#"aria-current="page">{}<"#, platform.name())), "{html}");
        }
        assert!(body(&site, "cobol").into_string().contains(r#"aria-current="page">HTML<"#));
    }
}
